"""The widths that are tried where none are asked for, in Python and on the command line."""

from __future__ import annotations

WEIGHT_BITS = 2, 4, 8
STATE_BITS = 8, 12, 16
BUDGET_WEIGHT_BITS = 2, 3, 4, 5, 6, 8
BUDGET_STATE_BITS = 16

"""Numbers as a page holds them: so many significant digits, so that small ones are not shown as 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DRAWN = 6  # of what is only drawn
EVERY = 9  # of what somebody may read: integers of up to 29 bits stay apart


def significant(values: npt.ArrayLike, digits: int) -> Any:
    """The numbers as nested lists. Args: values: the numbers. digits: how many significant ones each is told to."""
    given = np.asarray(values, np.float64)
    shortened = np.array([float(f"{v:.{digits}g}") for v in given.ravel().tolist()], np.float64)
    return shortened.reshape(given.shape).tolist()

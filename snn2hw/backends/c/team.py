"""Several threads on one sample: into how many parts the work of a layer goes.

A layer is done in phases (its input laid out or listed, its sums), each in parts that whoever is free takes
(`templates/fast/team.h`). To hand out a part costs a fraction of a microsecond: what is less work than some of these stays whole,
and is done by whoever comes first.
"""

from __future__ import annotations

MOST_PARTS = 16  # of a phase
# Chosen, not measured: they only say where dividing begins to be worth it.
PART = 1 << 18  # products that are worth a part: about two microseconds of a dense sum
ELEMENT, UPDATE = 16, 256  # products that take about as long as to move a value, and as a step of a neuron


def parts(units: int, products: int) -> int:
    """Parts of a phase, 1 where it stays whole.

    Args:
        units: that cannot be divided further. products: the work of all of them.
    """
    return max(1, min(units, MOST_PARTS, products // PART))

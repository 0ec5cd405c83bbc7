"""What trying gave, kept for the channels of a layer: where instructions and constants are the same, nothing is tried again."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.certificate.engine import Found, Progress, enumerate_slice
from snn2hw.certificate.slices import Slice
from snn2hw.num import Interval


class Tried:
    """Of one layer."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], Found] = {}

    def found(
        self, part: Slice, held: Interval, watched: str, polynomial: Sequence[float], step: float, progress: Progress | None
    ) -> Found:
        """What `enumerate_slice` gives for one channel.

        Args:
            part: the variable and what depends on it alone. held: raw integers of the variable.
            watched: the value that is compared with a polynomial, '' for none. polynomial: its coefficients.
            step: unit of the variable. progress: is told of what is tried, and so of nothing that was kept.
        """
        read, constants = _parted(part, watched)
        key = (part.variable, read.instructions, held, watched, tuple(polynomial), step)
        if key not in self._kept:
            self._kept[key] = enumerate_slice(read, held, watched, polynomial, step, progress)
        kept = self._kept[key]
        # A slice has all constants of its channel in it. Those that it does not read may differ from channel to channel.
        ranges = {**kept.ranges, **enumerate_slice(constants, Interval(held.lo, held.lo)).ranges}
        return Found({i.name: ranges[i.name] for i in part.instructions}, kept.error)


def _parted(part: Slice, watched: str) -> tuple[Slice, Slice]:
    """What depends on the variable, with the constants that it reads and what is watched; all constants."""
    depends, read = {part.variable.name}, {watched}
    for i in part.instructions:
        if not depends.isdisjoint(i.args):
            depends.add(i.name)
    for i in reversed(part.instructions):
        if i.name in depends or i.name in read:
            read |= {i.name, *i.args}
    inside = tuple(i for i in part.instructions if i.name in read)
    return Slice(part.variable, inside), Slice(part.variable, tuple(i for i in part.instructions if i.name not in depends))

"""Channels of a layer that compute the same: they are looked at once."""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.ir.program import Program
from snn2hw.num import Interval


@dataclass(frozen=True)
class Group:
    """Channels with the same constants, and the hull of what enters them."""

    channels: list[int]
    input: Interval

    def entered_by(self, entering: list[tuple[int, int]], x: int | None) -> int:
        """The first of the channels that this input can enter; the first of all where it lies between what enters them."""
        return next((c for c in self.channels if x is not None and entering[c][0] <= x <= entering[c][1]), self.channels[0])


def groups(program: Program, channels: list[tuple[int, int]]) -> list[Group]:
    """The groups of a layer.

    Args:
        channels: (lowest, highest) synaptic sum of each.
    """
    if program.channels == 1:
        return [Group(list(range(len(channels))), hull(channels))]
    found: dict[tuple[int, ...], list[int]] = {}
    for c in range(len(channels)):
        key = tuple(values[c if len(values) > 1 else 0] for values in program.params.values())
        found.setdefault(key, []).append(c)
    return [Group(members, hull([channels[c] for c in members])) for members in found.values()]


def hull(pairs: list[tuple[int, int]]) -> Interval:
    """The least interval that holds all of them."""
    return Interval(min(lo for lo, _ in pairs), max(hi for _, hi in pairs))

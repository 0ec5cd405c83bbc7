"""Channels of a layer that compute the same, and stand for the same: they are looked at once."""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.ir.integer import Meaning
from snn2hw.ir.program import Program
from snn2hw.num import Interval


@dataclass(frozen=True)
class Group:
    """Channels with the same constants and real numbers, and the hull of what enters them."""

    channels: list[int]
    input: Interval

    def entered_by(self, entering: list[tuple[int, int]], x: int | None) -> int:
        """The first of the channels that this input can enter; the first of all where it lies between what enters them."""
        return next((c for c in self.channels if x is not None and entering[c][0] <= x <= entering[c][1]), self.channels[0])


def groups(program: Program, channels: list[tuple[int, int]], meaning: Meaning | None = None) -> list[Group]:
    """The groups of a layer.

    Args:
        program: of all channels. channels: (lowest, highest) synaptic sum of each.
        meaning: the real numbers that the integers stand for; channels whose real numbers differ are as many
            groups, as equal integers are then at different distances from them.
    """
    constants = [*program.params.values()]
    reals = [] if meaning is None else [meaning.coefficients, meaning.input_factor]
    found: dict[tuple[object, ...], list[int]] = {}
    for c in range(len(channels)):
        found.setdefault(tuple(values[c % len(values)] for values in (*constants, *reals)), []).append(c)
    return [Group(members, hull([channels[c] for c in members])) for members in found.values()]


def hull(pairs: list[tuple[int, int]]) -> Interval:
    """The least interval that holds all of them."""
    return Interval(min(lo for lo, _ in pairs), max(hi for _, hi in pairs))

"""Several values side by side: the channels of the first, then those of the second, and so on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from snn2hw.ir.integer import IntNode, Ints
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, mismatch
from snn2hw.layers.base import IntOperator, Operator, Quantiser
from snn2hw.layers.joins import aligned, broken_shifts, misaligned
from snn2hw.num import Interval


def _shape(node: Concat | IntConcat, inputs: Sequence[Shape]) -> Shape:
    if len(inputs) < 2:
        raise mismatch(node, "a concatenation has two inputs or more", f"{len(inputs)}", "2, 3, ...")
    for shape in inputs[1:]:
        if shape[1:] != inputs[0][1:]:
            raise mismatch(node, "the inputs of a concatenation differ beside their channels", list(shape), list(inputs[0]))
    return (sum(shape[0] for shape in inputs), *inputs[0][1:])


@dataclass(frozen=True, eq=False)
class Concat(Operator):
    """y = [x_0, x_1, ...] along the channels; everything else of their shapes is equal."""

    arity = None
    keeps_spikes = True
    one_point = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The channels of all of them."""
        return _shape(self, inputs)

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        return np.concatenate(inputs, axis=1)

    def magnitude(self, entering: Sequence[float], shapes: Sequence[Shape]) -> float:
        """The largest of all."""
        return max(entering)

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """Coarser inputs are shifted to the binary point of the finest."""
        scale, shifts = aligned(self, "this concatenation", inputs)
        return IntConcat(**self.common(scale), shifts=shifts), scale

    def takes_factor(self, factor: float) -> bool:
        """Of all inputs."""
        return True


@dataclass(frozen=True, eq=False)
class IntConcat(IntOperator):
    """y = [x_0 * 2**shifts[0], x_1 * 2**shifts[1], ...] along the channels, exact."""

    shifts: tuple[int, ...]
    arity = None
    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """The channels of all of them."""
        return _shape(self, inputs)

    def unit_of_input(self, k: int) -> int | None:
        """Coarser by the shift."""
        return 1 << self.shifts[k]

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        return np.concatenate([x << shift for x, shift in zip(inputs, self.shifts, strict=True)], axis=1)

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """What holds all of them."""
        first, *others = (s.interval * Interval(1 << n, 1 << n) for s, n in zip(sources, self.shifts, strict=True))
        for other in others:
            first = first.hull(other)
        return first

    def reach(self, entering: Sequence[int]) -> int:
        """The largest of all, each shifted."""
        return max(e << shift for e, shift in zip(entering, self.shifts, strict=True))

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The shifts bring all to one binary point."""
        yield from misaligned(self, sources, self.shifts)

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """A shift for each input that int32 has room for."""
        yield from broken_shifts("a concatenation", self.shifts, len(self.inputs))

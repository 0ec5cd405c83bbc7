"""The sum of two branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntNode, Ints
from snn2hw.ir.limits import MAX_SHIFT, whole
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, mismatch
from snn2hw.layers.base import IntOperator, Operator, Quantiser
from snn2hw.num import Interval


def _shape(node: Add | IntAdd, inputs: Sequence[Shape]) -> Shape:
    if inputs[0] != inputs[1]:
        raise mismatch(node, "the branches of an addition differ in shape", list(inputs[1]), list(inputs[0]))
    return inputs[0]


@dataclass(frozen=True, eq=False)
class Add(Operator):
    """y = x_0 + x_1: a residual join of two branches of the same shape."""

    arity = 2
    keeps_spikes = True
    one_point = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of both."""
        return _shape(self, inputs)

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        y: Reals = inputs[0] + inputs[1]
        return y

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The coarser branch is shifted to the binary point of the finer.

        Raises:
            UnsupportedError: branches whose scales differ by a factor that is no power of two.
        """
        a, b = inputs
        if a.unit != b.unit:
            raise UnsupportedError(
                "this addition joins branches whose scales differ by a factor that is no power of two",
                where=self.source or self.name,
                got=f"'{self.inputs[0]}' in units of {a.unit}, '{self.inputs[1]}' in units of {b.unit}",
                expected="equal units, up to a power of two",
                do="put a Conv2d or Linear on the branch with the image or the average, or average over 2x2 or 4x4",
            )
        frac = max(a.frac, b.frac)
        scale = Scale(a.unit, (frac,))
        return IntAdd(**self.common(scale), shifts=(frac - a.frac, frac - b.frac)), scale

    def takes_factor(self, factor: float) -> bool:
        """Of both branches."""
        return True


@dataclass(frozen=True, eq=False)
class IntAdd(IntOperator):
    """y = x_0 * 2**shifts[0] + x_1 * 2**shifts[1], exact: two branches brought to one binary point."""

    shifts: tuple[int, int]
    arity = 2
    keeps_spikes = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of both."""
        return _shape(self, inputs)

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        return (inputs[0] << self.shifts[0]) + (inputs[1] << self.shifts[1])

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """The sum of the intervals, each shifted."""
        a, b = (s.interval * Interval(1 << shift, 1 << shift) for s, shift in zip(sources, self.shifts, strict=True))
        return a + b

    def reach(self, entering: Sequence[int]) -> int:
        """The sum of both, each shifted."""
        return sum(e << shift for e, shift in zip(entering, self.shifts, strict=True))

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The shifts bring both to one binary point."""
        fracs = {s.format.frac + shift for s, shift in zip(sources, self.shifts, strict=True)}
        if fracs != {self.format.frac} or min(self.shifts) < 0:
            yield "the branches are not brought to one binary point", f"{[str(s.format) for s in sources]} << {self.shifts}"

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """Two shifts that int32 has room for."""
        if not (whole(self.shifts, -MAX_SHIFT, MAX_SHIFT) and len(self.shifts) == 2):
            yield f"the branches of an addition shift by {MAX_SHIFT} bits at most", repr(self.shifts)[:200]

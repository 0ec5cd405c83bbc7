"""The sum, or the difference, of two branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from snn2hw.ir.integer import IntNode, Ints
from snn2hw.ir.network import UNSAID, Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Pair, Shape, mismatch
from snn2hw.layers.base import IntOperator, Operator, Quantiser
from snn2hw.layers.joins import aligned, broken_shifts, misaligned
from snn2hw.num import Interval

PLUS: Pair = (1, 1)
MINUS: Pair = (1, -1)


def _shape(node: Add | IntAdd, inputs: Sequence[Shape]) -> Shape:
    if inputs[0] != inputs[1]:
        raise mismatch(node, "the branches of an addition differ in shape", list(inputs[1]), list(inputs[0]))
    return inputs[0]


@dataclass(frozen=True, eq=False)
class Add(Operator):
    """y = signs[0] * x_0 + signs[1] * x_1, each sign 1 or -1: a residual join, or a difference."""

    signs: Pair = field(default=PLUS, metadata=UNSAID)
    arity = 2
    keeps_spikes = True
    one_point = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of both."""
        return _shape(self, inputs)

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        y: Reals = self.signs[0] * inputs[0] + self.signs[1] * inputs[1]
        return y

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The coarser branch is shifted to the binary point of the finer."""
        scale, shifts = aligned(self, "this addition", inputs)
        return IntAdd(**self.common(scale), shifts=(shifts[0], shifts[1]), signs=self.signs), scale

    def takes_factor(self, factor: float) -> bool:
        """Of both branches."""
        return True


@dataclass(frozen=True, eq=False)
class IntAdd(IntOperator):
    """y = signs[0] * x_0 * 2**shifts[0] + signs[1] * x_1 * 2**shifts[1], exact: two branches at one binary point."""

    shifts: Pair
    signs: Pair = field(default=PLUS, metadata=UNSAID)
    arity = 2
    keeps_spikes = True

    @property
    def factors(self) -> Pair:
        """What each branch is multiplied by."""
        return self.signs[0] << self.shifts[0], self.signs[1] << self.shifts[1]

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of both."""
        return _shape(self, inputs)

    def unit_of_input(self, k: int) -> int | None:
        """Coarser by the shift."""
        return 1 << self.shifts[k]

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        a, b = ((x << shift) * sign for x, shift, sign in zip(inputs, self.shifts, self.signs, strict=True))
        return a + b

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """The sum of the intervals, each times its factor."""
        a, b = (s.interval * Interval(factor, factor) for s, factor in zip(sources, self.factors, strict=True))
        return a + b

    def ends(self, inputs: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
        """A branch that is taken off is lowest where the difference is highest."""
        turned = [ends if sign > 0 else ends[::-1] for ends, sign in zip(inputs, self.signs, strict=True)]
        return self.value([lo for lo, _ in turned]), self.value([hi for _, hi in turned])

    def reach(self, entering: Sequence[int]) -> int:
        """The sum of both, each shifted."""
        return sum(e << shift for e, shift in zip(entering, self.shifts, strict=True))

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The shifts bring both to one binary point."""
        yield from misaligned(self, sources, self.shifts)

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """Two shifts that int32 has room for, and two signs."""
        yield from broken_shifts("an addition", self.shifts, 2)
        if self.signs not in (PLUS, MINUS):
            yield f"the signs of an addition are {PLUS} or {MINUS}", repr(self.signs)[:200]

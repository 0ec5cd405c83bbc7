"""A constant added to a value, which may be turned round before: 1 - x, and what a BatchNorm leaves at the border of an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from snn2hw.errors import WidthError
from snn2hw.ir.integer import Int32s, IntNode, Ints
from snn2hw.ir.limits import INT32_MAX, MAX_SHIFT, whole
from snn2hw.ir.network import Reals
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Shape, mismatch
from snn2hw.layers.base import IntOperator, Operator, Quantiser, channels_first
from snn2hw.num import Interval

FINE = 12  # bits by which a value is shifted at most so that the constant is exact, or nearly
ROOM = 2.0**12  # of what a shifted value and a constant that is never exact may reach: an error of 1 in 8,192 of it


def _shape(node: Offset | IntOffset, entering: Shape) -> Shape:
    if node.offset.shape not in ((entering[0],), entering):
        expected = f"[{entering[0]}], or {list(entering)}"
        raise mismatch(
            node, "the constant that is added fits neither the channels nor the shape", list(node.offset.shape), expected
        )
    return entering


def broadcast(offset: Reals | Int32s, axes: int) -> Reals | Int32s:
    """The constant as it is added to [N, C, ...]: [1, C, 1, ...] of one for each channel, [1, C, ...] of one for each place."""
    return offset.reshape((1, -1) + (1,) * (axes - 2)) if offset.ndim == 1 else offset[None]


@dataclass(frozen=True, eq=False)
class Offset(Operator):
    """y = sign * x + offset; sign 1 or -1, offset [C] or the whole shape [C, ...]."""

    offset: Reals
    sign: int
    keeps_spikes = True
    by_channel = True

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        return _shape(self, inputs[0])

    def real(self, inputs: Sequence[Reals]) -> Reals:
        """The equation."""
        y: Reals = self.sign * inputs[0] + broadcast(self.offset, inputs[0].ndim)
        return y

    def magnitude(self, entering: Sequence[float], shapes: Sequence[Shape]) -> float:
        """The sum of both."""
        return entering[0] + self.added()

    def added(self) -> float:
        """The largest constant."""
        return float(np.abs(self.offset).max(initial=0.0))

    def quantised(self, q: Quantiser, inputs: Sequence[Scale]) -> tuple[IntNode, Scale]:
        """The value is shifted until the constant is exact at its binary point, or as fine as there is room for."""
        scale, largest = inputs[0], q.interval(self.inputs[0]).magnitude
        units = self.offset / float(scale.unit) * channels_first(2.0 ** np.array(scale.exponents, np.float64), self.offset.ndim)
        # Sums whose channels have scales of their own are as fine as the target has room for already.
        most = FINE if len(scale.exponents) == 1 else 0
        shift = next((s for s in range(most + 1) if (units * 2.0**s == np.round(units * 2.0**s)).all()), None)
        if shift is None:
            shift = most
            while shift and (largest + np.abs(units).max()) * 2.0**shift > ROOM:
                shift -= 1
        raw = np.floor(units * 2.0**shift + 0.5)
        if np.abs(raw).max() > INT32_MAX:
            raise WidthError(
                "a constant that is added does not fit int32",
                where=self.source or self.name,
                got=f"{np.abs(self.offset).max():g}, which is {np.abs(raw).max():g} units of the value",
                expected="below 2**31",
                do="use a smaller constant, or larger weights before it",
            )
        given, kept = (v.reshape(len(v), -1).any(1) for v in (self.offset, raw))
        if lost := int((given & ~kept).sum()):
            q.loses_constants(self, lost, 2.0**-shift * float(scale.unit) * 2.0 ** -min(scale.exponents))
        after = Scale(scale.unit, tuple(e + shift for e in scale.exponents))
        return IntOffset(**self.common(after), offset=raw.astype(np.int32), sign=self.sign, shift=shift), after


@dataclass(frozen=True, eq=False)
class IntOffset(IntOperator):
    """y = sign * x * 2**shift + offset, exact; sign 1 or -1, offset int32 [C] or [C, ...]."""

    offset: Int32s
    sign: int
    shift: int
    keeps_spikes = True

    @property
    def factor(self) -> int:
        """What the value is multiplied by."""
        return self.sign << self.shift

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        """That of the input."""
        return _shape(self, inputs[0])

    def unit_of_input(self, k: int) -> int | None:
        """Coarser by the shift."""
        return 1 << self.shift

    def value(self, inputs: Sequence[Ints]) -> Ints:
        """The equation."""
        y: Ints = (inputs[0] << self.shift) * self.sign + broadcast(self.offset, inputs[0].ndim).astype(np.int64)
        return y

    def interval_from(self, sources: Sequence[IntNode]) -> Interval:
        """That of the input times its factor, moved by the least and by the largest constant."""
        moved = Interval(int(self.offset.min()), int(self.offset.max()))
        return sources[0].interval * Interval(self.factor, self.factor) + moved

    def ends(self, inputs: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
        """What is turned round is lowest where its input is highest."""
        lo, hi = (self.value([end]) for end in inputs[0])
        return (lo, hi) if self.sign > 0 else (hi, lo)

    def reach(self, entering: Sequence[int]) -> int:
        """The sum of both."""
        return (entering[0] << self.shift) + int(np.abs(self.offset.astype(np.int64)).max())

    def problems(self, sources: Sequence[IntNode]) -> Iterator[tuple[str, str]]:
        """The constant has its type, and the shift is that of the binary point."""
        if self.offset.dtype != np.int32 or not self.offset.size:
            yield "the constant of an offset is int32", f"{self.offset.dtype} {list(self.offset.shape)}"
        if self.format.frac - sources[0].format.frac != self.shift:
            yield (
                "the binary point must be that of the input, shifted",
                f"{self.format} after {sources[0].format} << {self.shift}",
            )

    def broken_fields(self) -> Iterator[tuple[str, str]]:
        """A sign, and a shift that int32 has room for."""
        if self.sign not in (1, -1) or not whole((self.shift,), 0, MAX_SHIFT):
            yield f"an offset has the sign 1 or -1 and a shift from 0 to {MAX_SHIFT}", f"{self.sign!r}, {self.shift!r}"[:200]

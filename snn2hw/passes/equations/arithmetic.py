"""Numbers, products and sums of an equation in integers: each as fine as the target's widths allow, rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from snn2hw.errors import WidthError
from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Reals
from snn2hw.ir.program import Op
from snn2hw.num import Rounding
from snn2hw.passes.polynomials.horner import nearest
from snn2hw.passes.polynomials.products import cut, multiply, reach, split
from snn2hw.passes.state import round_half_up
from snn2hw.target import Lowering

LEAST = -64  # binary points below this are not looked for
SPARE = 3  # bits of the accumulator that a sum leaves free: a sign, an offset, the lift of its rounding


@dataclass
class Arithmetic:
    """Writes into a program; every method returns the name of the value it wrote.

    Args:
        b: the program. limits: what the target can hold.
        where: of the layer, for messages.
        origins: of every constant that follows numbers of the equation: see `Origin`.
    """

    b: ProgramBuilder
    limits: Lowering
    where: str
    origins: dict[str, Origin] = field(default_factory=dict)

    def number(self, name: str, values: Reals, frac: int, origin: Origin | None = None) -> str:
        """Numbers at a binary point: in as few bits as they need, at most those of a constant, then shifted.

        Args:
            name: of the value to write. values: real numbers, [1] or [C]. frac: binary point of the result.
            origin: what of the equation the numbers follow, kept for learning; None: nothing.
        """
        own = self._held(values, frac)
        raw = [round_half_up(v * 2.0**own) for v in values.tolist()]
        while own > LEAST and any(raw) and all(r % 2 == 0 for r in raw):  # numbers that round to 0 stay where they are
            own, raw = own - 1, [r // 2 for r in raw]
        return self.b.rescale(f"{name}_moved", self._constant(name, values, own, origin), frac, self.limits.rounding)

    def _held(self, values: Reals, frac: int) -> int:
        """The finest binary point up to `frac` at which the numbers fit a constant."""
        limit = 2 ** (self.limits.coefficient_bits - 1)
        return next(f for f in count(frac, -1) if all(-limit <= round_half_up(v * 2.0**f) < limit for v in values.tolist()))

    def _constant(self, name: str, values: Reals, frac: int, origin: Origin | None) -> str:
        name = self.b.param(name, [round_half_up(v * 2.0**frac) for v in values.tolist()], frac)
        if origin is not None:
            self.origins[name] = origin
        return name

    def scaled(self, name: str, value: str, factors: Reals, origin: Origin | None = None) -> str:
        """A value times numbers: exact where the numbers are short, else with all bits that a constant may have.

        Args:
            name: of the value to write. value: name of one written before. factors: real numbers, [1] or [C].
            origin: as in `number`; with one, a factor of 1 is written too.
        """
        largest = float(np.abs(factors).max())
        if (factors == 1.0).all() and origin is None:
            return value
        most = self._finest(largest)
        own = next((f for f in range(LEAST, most) if (factors * 2.0**f % 1 == 0).all()), most) if largest else 0
        return self.multiplied(name, value, self._constant(f"{name}_by", factors, own, origin))

    def _finest(self, largest: float) -> int:
        room = 2.0 ** (self.limits.coefficient_bits - 1) - 1
        return int(np.floor(np.log2(room / largest))) if largest else 0

    def multiplied(self, name: str, first: str, second: str) -> str:
        """The product of two values at the finest binary point that leaves room to add to it.

        Args:
            name: of the value to write. first, second: names of the two factors, written before.
        """
        b, limits = self.b, self.limits
        words = cut(reach(b.interval(first)), reach(b.interval(second)), limits)
        if words is None:
            raise self.too_wide(name, b.interval(first).bits[0] + b.interval(second).bits[0])
        exact = b.interval(first) * b.interval(second)
        drop = max(0, exact.bits[0] + SPARE - limits.accumulator_bits)
        frac = b.frac(first) + b.frac(second) - drop
        return multiply(b, name, split(b, first, words.first, limits), split(b, second, words.second, limits), frac, limits)

    def summed(self, name: str, parts: Sequence[str], constant: Reals, aim: int, origin: Origin | None = None) -> str:
        """parts + constant, added up at the finest point there is room for, rounded to nearest at the binary point `aim`.

        Args:
            name: of the value to write. parts: names of the terms. constant: real numbers to add, [1] or [C].
            origin: of the constant, as in `number`; with one, a constant of 0 is written too.
        """
        b = self.b
        reached = sum(b.interval(p).magnitude * 2.0 ** -b.frac(p) for p in parts) + float(np.abs(constant).max())
        room = int(np.floor(np.log2(2.0 ** (self.limits.accumulator_bits - SPARE) / max(reached, 2.0**-40))))
        frac = max(min(max(b.frac(p) for p in parts), room), aim)
        total, *rest = [b.rescale(f"{p}_in_{name}", p, frac, self.limits.rounding) for p in parts]
        # A shift that floors loses half a unit on average: added before, it rounds to nearest.
        lost = 2.0 ** -(aim + 1) if frac > aim and self.limits.rounding is not Rounding.HALF_UP else 0.0
        if (constant + lost).any() or origin is not None:
            offset = self._constant(f"{name}_offset", constant + lost, self._held(constant + lost, frac), origin)
            rest.append(b.rescale(f"{offset}_moved", offset, frac, self.limits.rounding))
        for part in rest:
            total = b.emit(Op.ADD, f"{name}_sum", (total, part))
        return nearest(b, total, aim, self.limits, name)

    def aligned(self, values: Sequence[str], frac: int) -> int:
        """The binary point, this one or coarser, at which all values leave room in the accumulator."""
        room = 2 ** (self.limits.accumulator_bits - 2)
        for value in values:
            while frac > self.b.frac(value) and self.b.interval(value).magnitude << (frac - self.b.frac(value)) >= room:
                frac -= 1
        return frac

    def too_wide(self, name: str, bits: int) -> WidthError:
        """The error for a value that the accumulator cannot hold."""
        return WidthError(
            "a value of the neuron's equation does not fit the accumulator",
            where=f"{self.where}: {name}",
            got=f"{bits} bits",
            expected=f"at most {self.limits.accumulator_bits} bits",
            do="use fewer state bits, narrower state ranges, or a target with a wider accumulator",
        )


@dataclass(frozen=True)
class Origin:
    """What a constant of a program stands for: the sum over numbers n of the equation of weight * n.

    Args:
        weights: place of a number -> its weight, one for all channels or one per channel.
    """

    weights: tuple[tuple[int, tuple[float, ...]], ...]

    @staticmethod
    def of(place: int, factor: Reals | float = 1.0) -> Origin:
        """One number, times a factor."""
        return Origin(((place, tuple(np.atleast_1d(factor).tolist())),))

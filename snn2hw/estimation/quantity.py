"""A number that nobody knows exactly: its value, between which it lies, how sure that is, and where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from snn2hw.target import Fact, in_base_unit

# By which factor a number may be off either way. A convention of this tool, stated wherever it is used: a number that was
# read in its source holds there, and not at another voltage, temperature or size; an excerpt leaves out for what it holds.
FACTOR: Mapping[str, float] = {"F": 1.2, "P": 1.5, "K": 3.0}
WORST = "FPK"  # from the surest to the least sure


@dataclass(frozen=True)
class Quantity:
    """value [low, high] in a unit.

    Args:
        value: the middle: sqrt(low * high) of what its sources say. low, high: the span that they leave, with what their
            confidence adds.
        unit: J, s, W, cycles. confidence: F, P or K, of the least sure number in it.
        source: of all numbers in it, each once.
    """

    value: float
    low: float
    high: float
    unit: str
    confidence: str
    source: str

    @classmethod
    def of(cls, fact: Fact, unit: str) -> Quantity:
        """One number of a target, in its base unit: from lowest / f to highest * f, f = FACTOR[confidence].

        Args:
            fact: of the sections [energy] or [latency]. unit: J, s, W, Hz or cycles.
        """
        low, high = in_base_unit(fact)
        factor = FACTOR[fact.confidence]
        return cls(math.sqrt(low * high), low / factor, high * factor, unit, fact.confidence, fact.source)

    def times(self, count: float, unit: str = "") -> Quantity:
        """So many of it.

        Args:
            count: from 0. unit: of the product, where it is another one.
        """
        return Quantity(
            self.value * count, self.low * count, self.high * count, unit or self.unit, self.confidence, self.source
        )  # fmt: skip

    @staticmethod
    def sum(parts: Iterable[Quantity]) -> Quantity | None:
        """All of them together, as if all were low, or all high, at once; None of nothing."""
        given = list(parts)
        if not given:
            return None
        sources = dict.fromkeys(source for p in given for source in p.source.split("; also "))
        return Quantity(
            sum(p.value for p in given), sum(p.low for p in given), sum(p.high for p in given), given[0].unit,
            max((p.confidence for p in given), key=WORST.index), "; also ".join(sources),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{short(self.low, self.unit)} to {short(self.high, self.unit)}"


PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"))


def short(value: float, unit: str) -> str:
    """The number with two digits and a prefix: 3.1 uJ; two digits, as no source of an energy has more."""
    if unit == "cycles":
        return f"{value:,.0f} cycles"
    if value <= 0 or not math.isfinite(value):
        return f"0 {unit}" if value == 0 else f"{value:g} {unit}"
    rounded = float(f"{value:.1e}")
    scale, prefix = next(((s, p) for s, p in PREFIXES if rounded >= s), PREFIXES[-1])
    return f"{float(f'{rounded / scale:.2g}'):g} {prefix}{unit}"

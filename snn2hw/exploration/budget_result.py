"""What an error budget says: what each quantiser does, and which widths are proposed."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from snn2hw.diagnosis.parts import Quantiser
from snn2hw.shown import brief


@dataclass(frozen=True)
class Effect:
    """What some quantisers do, beside the float network.

    Args:
        flips: share of the spike values of all neuron layers that differ. accuracy: of the labels.
        same_prediction: share of the samples. error: root mean square of the difference of the readouts, relative to theirs.
    """

    flips: float
    accuracy: float
    same_prediction: float
    error: float


@dataclass(frozen=True)
class Row:
    """One quantiser.

    Args:
        quantiser: says the layer and what of it. bits: its width; None where its numbers have several.
        alone: it is on, all others are float. without: it is float, all others are on, each at its widest; None where it
            cannot be while the state is rounded: the numbers of an equation of a user's own.
    """

    quantiser: Quantiser
    bits: int | None
    alone: Effect
    without: Effect | None


@dataclass(frozen=True)
class Proposal:
    """Widths of weights, and of states where there are several to choose from, layer by layer.

    Args:
        layer_bits: by synaptic layer; layer_state_bits: by neuron layer, empty where all have one width.
        bits: of all that has several widths; widest: of the same all at the largest width.
        accuracy: of the integers with these widths, without training; uniform: with all at the largest width.
        asked: the share of the bits that it may keep.
    """

    layer_bits: Mapping[str, int]
    layer_state_bits: Mapping[str, int]
    bits: int
    widest: int
    accuracy: float
    uniform: float
    asked: float

    @property
    def share(self) -> float:
        """Of the bits that are kept; all of them where there are none."""
        return self.bits / self.widest if self.widest else 1.0

    @property
    def within(self) -> bool:
        """Whether it keeps no more than was asked; else the smallest widths keep more."""
        return self.bits <= self.asked * self.widest


@dataclass(frozen=True)
class Budget:
    """What each quantiser costs.

    Args:
        samples: how many ran. accuracy: of the float network. whole: what all quantisers do together, each at its widest.
        rows: of each quantiser, of weights and states one for each width. proposal: widths that follow.
    """

    samples: int
    accuracy: float
    whole: Effect
    rows: tuple[Row, ...]
    proposal: Proposal

    __repr__ = brief

    def to_document(self) -> dict[str, Any]:
        """All of it for JSON."""
        p = self.proposal
        return {**asdict(self), "proposal": {**asdict(p), "share": p.share, "within": p.within}}

    def to_csv(self) -> str:
        """The rows as a table."""
        out = io.StringIO()
        names = list(Effect.__dataclass_fields__)
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["layer", "quantiser", "bits", *(f"alone_{n}" for n in names), *(f"without_{n}" for n in names)])
        for row in self.rows:
            without = [""] * len(names) if row.without is None else [getattr(row.without, n) for n in names]
            bits = "" if row.bits is None else row.bits
            writer.writerow([row.quantiser.layer, row.quantiser.part, bits, *(getattr(row.alone, n) for n in names), *without])
        return out.getvalue()

"""What a diagnosis says: where float and integers part, and which cause it has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from snn2hw.shown import brief

WEIGHTS = "weight rounding"
COEFFICIENTS = "coefficient rounding"
TIE = "threshold tie"
SATURATION = "saturation"
HEAD = "head factor"
DEAD = "dead channel"
SHIFT = "time shift"
RESET = "reset order"
STATE = "state rounding"
THRESHOLD = "another threshold"
INPUT = "input rounding"
AMPLITUDE = "amplitude rounding"
UNKNOWN = "none of the known causes"

REMEDIES = {
    WEIGHTS: "use more weight bits for this layer (--layer-bits), scales per channel (--scales), or train on the integers",
    COEFFICIENTS: "use fewer state bits, which leaves coefficients more, or a target with wider constants",
    TIE: "move the threshold, or weights, away from sums that meet it exactly; more state bits make ties rarer",
    SATURATION: "use the same state_range in both, a wider one, or smaller weights before this layer",
    HEAD: "use scales per layer, fewer state bits, or a target with a wider accumulator",
    DEAD: 'compile with scales="channel" (--scales channel), or use more weight bits for this layer',
    SHIFT: "look for a delay: a spike that is read a step early or late, an input that begins a step late",
    RESET: "give both the same order of reset, decay and input (docs/reference/layers.md), or name the convention of the file",
    STATE: "use more state bits (--state-bits)",
    THRESHOLD: "give both the same threshold, or use more state bits",
    INPUT: "choose a narrower input_range (--input-range), so that 8 bits hold the samples more finely",
    AMPLITUDE: "choose amplitudes that the spike value holds (snn2hw inspect ARTEFACT), or train on the integers",
    UNKNOWN: "compare what ran with the reference first: snn2hw diff ARTEFACT TRACE",
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What one switch does to the differences that begin in the layer.

    Args:
        switch: the quantiser, or what was assumed. alone: the share of the differences that it makes by itself, all other
            quantisers being float; back: the share that vanishes where it alone is float again, None where it cannot be while
            the state is rounded, or was not tried. Below 0 it makes others.
        here: whether it does one of the two at the value that is diagnosed.
    """

    switch: str
    alone: float
    back: float | None
    here: bool

    @property
    def score(self) -> float:
        """The larger, the more of the differences it explains."""
        known = [max(share, -1.0) for share in (self.alone, self.back) if share is not None]
        return sum(known) / len(known) + 0.5 * self.here


@dataclass(frozen=True)
class Diagnosis:
    """Where the float network and its integers part first, and why.

    Args:
        samples, steps: how many were compared. values: spike values in which the two differ, each run by itself; `begun`:
            those that begin in their layer. unexplained: of these the ones that the rounding of their layer does not explain.
        cause: the class of the cause; "" where nothing differs.
        layer, sample, step, index: the first value whose difference is not explained by the rounding of its layer and of
            those before it or, where all are, the first that differs. The step of a readout is -1.
        got, expected: that value, of the integers and of the float layer given the same spikes; in real units. Where no
            difference begins in a layer: of the float network by itself.
        margin: how far the float layer was from firing otherwise there; lsb: one unit of its state.
        because: the reason, a sentence.
        evidence: what each switch does, the most telling first.
    """

    samples: int
    steps: int
    values: int
    begun: int
    unexplained: int
    cause: str = ""
    layer: str = ""
    sample: int = -1
    step: int = -1
    index: tuple[int, ...] = ()
    got: float = 0.0
    expected: float = 0.0
    margin: float | None = None
    lsb: float | None = None
    because: str = ""
    evidence: tuple[Evidence, ...] = ()

    __repr__ = brief

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES.get(self.cause, "")

    @property
    def explained(self) -> bool:
        """Whether the rounding of its own layer explains every difference."""
        return self.unexplained == 0

    def __str__(self) -> str:
        if not self.cause:
            return f"float and integers agree in every spike and prediction of {self.samples} samples"
        at = "" if self.step < 0 else f" at step {self.step}"
        where = f"{self.layer}{at}, sample {self.sample}, neuron {list(self.index)}"
        return f"{self.cause}: {where}: integers {self.got:g}, float {self.expected:g}; {self.because}"

    def to_document(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {**asdict(self), "explained": self.explained, "remedy": self.remedy}

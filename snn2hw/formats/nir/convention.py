"""How the continuous neurons of a NIR file are stepped. The file does not say: every writer's own importer has a convention.

    LIF       tau dv/dt = v_leak - v + r*x         v <- a1*v + (1 - a1)*v_leak + gain*x
    IF            dv/dt = r*x                      v <- v + gain*x
    CubaLIF   tau_mem dv/dt = v_leak - v + r*i     v <- a1*v + (1 - a1)*v_leak + gain*i
              tau_syn di/dt = w_in*x - i           i <- b1*i + gain_in*x, before v takes it
    LI, I, CubaLI are the same and never fire.

    euler        a1 = 1 - dt/tau           gain = r*dt/tau       (IF: r*dt)     b1, gain_in: the same of tau_syn and w_in
    exponential  a1 = exp(-dt/tau)         gain = r*(1 - a1)     (IF: r*dt)
    input "unit": gain = r and gain_in = w_in, whatever dt is      input "decayed": gain = 1, gain_in = b1*w_in

Then the neuron fires and is reset, or it is reset in the next step, after the decay and the input. A Threshold fires where
x > threshold, whatever the convention. The presets are in `presets`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from snn2hw.arguments import one_of, positive, whole
from snn2hw.errors import UsageError

METHODS, INPUTS, MOST_LEVELS = ("euler", "exponential"), ("ode", "unit"), 16
NIR_RESETS, WHEN, THRESHOLDS = ("value", "subtract", "none"), ("now", "next"), ("strict", "inclusive")
STARTS = ("0", "v_leak", "v_reset")
CUBA_INPUTS, CUBA_R = ("ode", "unit", "decayed"), ("read", "tau/dt", "step", "decayed")
NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")


@dataclass(frozen=True)
class Cuba:
    """What is different for neurons with a synaptic current.

    Args:
        input: "ode", "unit" or "decayed".
        r: "read"; "tau/dt": it must be tau_mem/dt, so that gain = 1. Two state the step of a layer, the smallest of its
            neurons: "step": r = tau_mem/dt - 1; "decayed": r = tau_mem/dt * exp(-dt/tau_mem).
        neutral: as in `Convention`, with w_in = 1.
    """

    input: str = "ode"
    r: str = "read"
    neutral: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        one_of("input", self.input, CUBA_INPUTS, "Cuba")
        one_of("r", self.r, CUBA_R, "Cuba")


@dataclass(frozen=True)
class Unsaid:
    """What the files of a writer do not carry, so that it has to be said, or taken for granted.

    Args:
        kinds: of the nodes that it concerns.
        what: one sentence: what the files do not say.
        taken: how the preset reads it. cause: when that is wrong.
        settles: names of what settles it when it is stated.
        fields: of the convention, with the values that they have then; how both readings differ is counted on the sample. None
            where no convention reads it.
        model: whether models of this writer can be compiled as they are.
    """

    kinds: tuple[str, ...]
    what: str
    taken: str
    cause: str
    settles: tuple[str, ...]
    fields: tuple[tuple[str, str | bool], ...] = ()
    model: bool = False


@dataclass(frozen=True)
class Convention:
    """What makes a difference equation of a NIR neuron.

    Args:
        dt: seconds of a step (steps, where the writer's tau is in steps).
        method: "euler" or "exponential".
        lif_input: "ode": x is what the differential equation says; "unit": r*x is added as it is.
        if_input: the same for IF.
        reset: "value" (to v_reset), "subtract" (v_threshold for every spike) or "none".
        when: "now": in the step of the spike; "next": one step later, after the decay and the input: what v would be is
            lowered by v_threshold, or v_reset stands in its place.
        threshold: "strict": fires where v > v_threshold; "inclusive": where v >= v_threshold.
        start: of v in every sample: "0", "v_leak" or "v_reset", in which v is counted from there.
        levels: most spikes a neuron may fire in a step; None: as many as v holds thresholds, of which MOST_LEVELS can be read.
            More than one needs reset "subtract".
        if_floor: an IF's v is held at -v_threshold or above.
        neutral: (parameter, why) of those that must be neutral (r = 1, v_leak = 0, v_reset = 0), because the writer's importer
            does not read them, or reads them as the float network cannot.
        without: (kind, why) of the neurons, or the Delay, that cannot be read so.
        cuba: what is different for those with a current.
        no_cycles: why recurrent edges cannot be read so; "" where they can. nested_cycles: whether a nested graph is one CubaLIF
            with its recurrent edge through a synapse without a bias, and nothing else.
        late_synapses: whether a synapse on a recurrent edge is left out in the first step, its bias, too.
        unsaid: what the files of this writer do not carry.
        name: of the preset, for messages.

    Raises:
        UsageError, ValueRangeError: a word that is none of these, or a number out of range.
    """

    dt: float
    method: str = "euler"
    lif_input: str = "ode"
    if_input: str = "unit"
    reset: str = "value"
    when: str = "now"
    threshold: str = "strict"
    start: str = "0"
    levels: int | None = 1
    if_floor: bool = False
    neutral: tuple[tuple[str, str], ...] = ()
    without: tuple[tuple[str, str], ...] = ()
    cuba: Cuba = Cuba()
    no_cycles: str = ""
    nested_cycles: bool = False
    late_synapses: bool = False
    unsaid: tuple[Unsaid, ...] = ()
    name: str = "Convention"

    def __post_init__(self) -> None:
        positive("dt", self.dt, self.name)
        one_of("method", self.method, METHODS, self.name)
        one_of("lif_input", self.lif_input, INPUTS, self.name)
        one_of("if_input", self.if_input, INPUTS, self.name)
        one_of("reset", self.reset, NIR_RESETS, self.name)
        one_of("when", self.when, WHEN, self.name)
        one_of("threshold", self.threshold, THRESHOLDS, self.name)
        one_of("start", self.start, STARTS, self.name)
        if self.levels is not None:
            whole("levels", self.levels, 1, MOST_LEVELS, self.name)
        if self.levels != 1 and self.reset != "subtract":
            raise UsageError(
                "several spikes in a step need reset='subtract'",
                where=self.name,
                got=f"levels={self.levels}, reset='{self.reset}'",
                expected="levels=1, or reset='subtract'",
                do="leave one of them out",
            )
        if self.levels != 1 and self.when == "next":
            raise UsageError(
                "several spikes in a step are reset at once",
                where=self.name,
                got=f"levels={self.levels}, when='next'",
                expected="levels=1, or when='now'",
                do="leave one of them out",
            )

    def decay(self, tau: float) -> float:
        """a1 of a time constant."""
        return 1.0 - self.dt / tau if self.method == "euler" else math.exp(-self.dt / tau)

    def lif_gain(self, r: float, tau: float) -> float:
        """What r*x is multiplied by in a LIF."""
        return r * (1.0 - self.decay(tau)) if self.lif_input == "ode" else r

    def if_gain(self, r: float) -> float:
        """What r*x is multiplied by in an IF."""
        return r * self.dt if self.if_input == "ode" else r

    def cuba_gains(self, r: float, w_in: float, tau_mem: float, tau_syn: float) -> tuple[float, float]:
        """(gain_in, gain) of a neuron with a current.

        Args:
            r, w_in: as NIR defines them, without units. tau_mem, tau_syn: time constants of v and i, in the unit of
                `dt`.
        """
        if self.cuba.input == "decayed":
            return w_in * self.decay(tau_syn), 1.0
        if self.cuba.input == "unit":
            return w_in, r
        return w_in * (1.0 - self.decay(tau_syn)), r * (1.0 - self.decay(tau_mem))

    @property
    def step_is_in_file(self) -> bool:
        """Whether files state the step by r, so that `dt` is none of them."""
        return self.cuba.r in ("step", "decayed")

    @property
    def unread(self) -> tuple[str, ...]:
        """Parameters that a file for this convention leaves neutral: those it does not read, and from which v would start."""
        starts: dict[str, tuple[str, ...]] = {"0": (), "v_leak": ("v_leak",), "v_reset": ("v_leak", "v_reset")}
        return (*dict(self.neutral), *starts[self.start])

    @property
    def late(self) -> bool:
        """Whether a reset comes a step later."""
        return self.when == "next" and self.reset != "none"

    def refusal(self, kind: str) -> str:
        """Why nodes of a kind cannot be read so; "" where they can."""
        return dict(self.without).get(kind, "")

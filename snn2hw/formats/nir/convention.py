"""How the continuous neurons of a NIR file are stepped. The file does not say: every writer's own importer has a convention.

    LIF       tau dv/dt = v_leak - v + r*x         v <- a1*v + (1 - a1)*v_leak + gain*x
    IF            dv/dt = r*x                      v <- v + gain*x
    CubaLIF   tau_mem dv/dt = v_leak - v + r*i     v <- a1*v + (1 - a1)*v_leak + gain*i
              tau_syn di/dt = w_in*x - i           i <- b1*i + gain_in*x, before v takes it
    LI, I, CubaLI are the same and never fire.

    euler        a1 = 1 - dt/tau           gain = r*dt/tau       (IF: r*dt)     b1, gain_in: the same of tau_syn and w_in
    exponential  a1 = exp(-dt/tau)         gain = r*(1 - a1)     (IF: r*dt)
    input "unit": gain = r and gain_in = w_in, whatever dt is      input "decayed": gain = 1, gain_in = b1*w_in

Then the neuron fires and is reset, in the same step. A Threshold fires where x > threshold, whatever the convention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from snn2hw.arguments import one_of, positive, whole
from snn2hw.errors import UsageError

METHODS, INPUTS, NIR_RESETS, MOST_LEVELS = ("euler", "exponential"), ("ode", "unit"), ("value", "subtract"), 16
CUBA_INPUTS, CUBA_R = ("ode", "unit", "decayed"), ("read", "tau/dt", "step")
NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")


@dataclass(frozen=True)
class Cuba:
    """What is different for neurons with a synaptic current.

    Args:
        input: "ode", "unit" or "decayed".
        r: "read"; "tau/dt": it must be tau_mem/dt, so that gain = 1; "step": the step is the smallest tau_mem/(1 + r) of a
            layer.
        neutral: as in `Convention`, with w_in = 1.
    """

    input: str = "ode"
    r: str = "read"
    neutral: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        one_of("input", self.input, CUBA_INPUTS, "Cuba")
        one_of("r", self.r, CUBA_R, "Cuba")


@dataclass(frozen=True)
class Convention:
    """What makes a difference equation of a NIR neuron.

    Args:
        dt: seconds of a step (steps, where the writer's tau is in steps).
        method: "euler" or "exponential".
        lif_input: "ode": x is what the differential equation says; "unit": r*x is added as it is.
        if_input: the same for IF.
        reset: "value" (to v_reset) or "subtract" (v_threshold for every spike).
        strict: fires where v > v_threshold, else where v >= v_threshold.
        levels: most spikes a neuron may fire in a step; None: as many as v holds thresholds, of which MOST_LEVELS can be read.
            More than one needs reset "subtract".
        if_floor: an IF's v is held at -v_threshold or above.
        neutral: (parameter, why) of those that must be neutral (r = 1, v_leak = 0, v_reset = 0), because the writer's importer
            does not read them, or reads them as the real stage cannot.
        without: (kind, why) of the neurons, or the Delay, that cannot be read so.
        cuba: what is different for those with a current.
        no_cycles: why recurrent edges cannot be read so; "" where they can. nested_cycles: whether a nested graph is one CubaLIF
            with its recurrent edge through a synapse without a bias, and nothing else.
        name: of the preset, for messages.

    Raises:
        UsageError, ValueRangeError: a word that is none of these, or a number out of range.
    """

    dt: float
    method: str = "euler"
    lif_input: str = "ode"
    if_input: str = "unit"
    reset: str = "value"
    strict: bool = True
    levels: int | None = 1
    if_floor: bool = False
    neutral: tuple[tuple[str, str], ...] = ()
    without: tuple[tuple[str, str], ...] = ()
    cuba: Cuba = Cuba()
    no_cycles: str = ""
    nested_cycles: bool = False
    name: str = "Convention"

    def __post_init__(self) -> None:
        positive("dt", self.dt, self.name)
        one_of("method", self.method, METHODS, self.name)
        one_of("lif_input", self.lif_input, INPUTS, self.name)
        one_of("if_input", self.if_input, INPUTS, self.name)
        one_of("reset", self.reset, NIR_RESETS, self.name)
        if self.levels is not None:
            whole("levels", self.levels, 1, MOST_LEVELS, self.name)
        if self.levels != 1 and self.reset != "subtract":
            raise UsageError(
                "several spikes in a step need reset='subtract'",
                where=self.name,
                got=f"levels={self.levels}, reset='{self.reset}'",
                expected="levels=1, or reset='subtract'",
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
    def stated(self) -> tuple[tuple[str, str | float], ...]:
        """For the manifest; a step that the file states is not here."""
        return ("convention", self.name), *(() if self.cuba.r == "step" else (("dt", self.dt),))

    def refusal(self, kind: str) -> str:
        """Why nodes of a kind cannot be read so; "" where they can."""
        return dict(self.without).get(kind, "")


_LEAK = ("v_leak", "its importer requires v_leak = 0")
_RESET = ("v_reset", "its importer resets to 0 and does not read v_reset")


def _unknown(*kinds: str, why: str = "its importer does not know this node") -> tuple[tuple[str, str], ...]:
    return tuple((kind, why) for kind in kinds)


# norse 1.1.0: torch/utils/import_nir.py (dt = 0.001), functional/lif_box.py, functional/leaky_integrator_box.py (the synapse of a
#     CubaLIF, which leaks to v_leak too), functional/iaf.py, functional/heaviside.py.
# sinabs 3.1.3: nir.py (IAFSqueeze with min_v_mem=-v_threshold; LIFSqueeze and, for LI, ExpLeakSqueeze with norm_input=False),
#     layers/functional/lif.py, activation/spike_generation.py (MultiSpike), activation/reset_mechanism.py (MembraneSubtract). Its
#     tau is in steps.
# snntorch 1.0.0: import_nir.py (dt = 1e-4, reset_mechanism="zero", reset_delay=False), _neurons/leaky.py, _neurons/synaptic.py,
#     surrogate.py. It divides the threshold by r*dt/tau (CubaLIF: w_in*dt/tau_syn) where the ODE multiplies the input: the same
#     spikes, the membrane in other units.
# lava: NIR repository, docs/source/examples/lava/nir_to_lava.py (commit 5299949) with fixed_pt=False, and lava-nc 0.10.0,
#     proc/lif/models.py, PyLifModelFloat.
# rockpool 3.1.0: nn/modules/torch/nir.py, nn/modules/torch/lif_torch.py.
PRESETS: Mapping[str, Convention] = {
    "norse": Convention(
        dt=1e-3,
        neutral=(
            ("r", "its importer does not read r, and warns"),
            ("v_leak", "its neurons start at v_leak, those here at 0"),
            _RESET,
        ),
        without=_unknown("I", "LI", "CubaLI"),
        cuba=Cuba(neutral=(("v_leak", "its synapse leaks to v_leak too"), _RESET)),
        name="norse",
    ),
    "sinabs": Convention(
        dt=1.0,
        method="exponential",
        lif_input="unit",
        reset="subtract",
        strict=False,
        levels=None,
        if_floor=True,
        neutral=(("r", "its importer does not read r"), _LEAK),
        without=_unknown("I", "CubaLI", "CubaLIF"),
        no_cycles="its importer runs every layer over all steps at once",
        name="sinabs",
    ),
    "snntorch": Convention(
        dt=1e-4,
        neutral=(_LEAK, _RESET),
        without=(
            ("IF", "its importer makes an IF a Leaky with beta=0.9, whose reset also looks at the membrane of the step before"),
            *_unknown("I", "LI", "CubaLI"),
        ),
        cuba=Cuba(r="tau/dt", neutral=(_LEAK, _RESET)),
        name="snntorch",
    ),
    "lava": Convention(
        dt=1e-4,
        neutral=(("r", "its importer does not read r"), ("v_leak", "its importer does not read v_leak"), _RESET),
        without=(("IF", "its importer for Lava does not know IF"), *_unknown("I", "LI", "CubaLI", "CubaLIF")),
        no_cycles="its importer puts a Dense of its own before every LIF, so that a recurrent edge takes two steps",
        name="lava",
    ),
    "rockpool": Convention(
        dt=1e-3,  # that of a file is in r
        method="exponential",
        reset="subtract",
        strict=False,
        levels=None,
        without=(
            ("LIF", "its importer asks a LIF for 'tau_mem', which NIR calls 'tau'"),
            ("LI", "its importer makes whole numbers of time constants in seconds"),
            *_unknown("I", "IF", "CubaLI", "Delay"),
        ),
        cuba=Cuba(
            input="decayed",
            r="step",
            neutral=(("w_in", "its importer does not read w_in"), ("v_leak", "its importer adds v_leak at every step")),
        ),
        no_cycles="its importer runs every layer over all steps at once, but for a nested graph of a CubaLIF and a Linear",
        nested_cycles=True,
        name="rockpool",
    ),
}


def chosen_convention(given: str | Convention | None, dt: float | None = None) -> Convention:
    """A preset by its name, or a convention as it is; `dt` replaces its own.

    Raises:
        UsageError: none given, an unknown name, or a step where the convention takes it from the file.
    """
    if isinstance(given, str) and given in PRESETS:
        given = PRESETS[given]
    if not isinstance(given, Convention):
        raise UsageError(
            "a NIR file does not say how its neurons are stepped",
            got="no convention" if given is None else repr(given),
            expected=f"{', '.join(PRESETS)}, or a Convention",
            do="give the writer's: convention='norse' (--convention norse)",
        )
    if dt is not None and given.cuba.r == "step":
        raise UsageError(
            "the step is in the file, which states r = tau_mem/dt - 1",
            where=given.name,
            got=f"dt = {dt:g}",
            expected="no dt",
            do="leave dt (--dt) out",
        )
    return given if dt is None else replace(given, dt=dt)

"""How the continuous neurons of a NIR file are stepped. The file does not say: every writer's own importer has a convention.

    LIF   tau dv/dt = v_leak - v + r*x     v <- a1*v + (1 - a1)*v_leak + gain*x
    IF        dv/dt = r*x                  v <- v + gain*x

    euler        a1 = 1 - dt/tau           gain = r*dt/tau       (IF: r*dt)
    exponential  a1 = exp(-dt/tau)         gain = r*(1 - a1)     (IF: r*dt)
    input "unit": gain = r, for both, whatever dt is

Then the neuron fires and is reset, in the same step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from snn2hw.arguments import one_of, positive, whole
from snn2hw.errors import UnsupportedError, UsageError

METHODS, INPUTS, NIR_RESETS, MOST_LEVELS = ("euler", "exponential"), ("ode", "unit"), ("value", "subtract"), 16


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
        no_if: why IF cannot be read so; "" where it can.
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
    no_if: str = ""
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


_LEAK = ("v_leak", "its importer requires v_leak = 0")
_RESET = ("v_reset", "its importer resets to 0 and does not read v_reset")

# norse 1.1.0: torch/utils/import_nir.py (dt = 0.001), functional/lif_box.py, functional/iaf.py, functional/heaviside.py.
# sinabs 3.1.3: nir.py (IAFSqueeze with min_v_mem=-v_threshold; LIFSqueeze with norm_input=False), layers/functional/lif.py,
#     activation/spike_generation.py (MultiSpike), activation/reset_mechanism.py (MembraneSubtract). Its tau is in steps.
# snntorch 1.0.0: import_nir.py (dt = 1e-4, reset_mechanism="zero", reset_delay=False), _neurons/leaky.py, surrogate.py. It
#     divides the threshold by r*dt/tau where the ODE multiplies the input: the same spikes, the membrane in other units.
# lava: NIR repository, docs/source/examples/lava/nir_to_lava.py (commit 5299949) with fixed_pt=False, and lava-nc 0.10.0,
#     proc/lif/models.py, PyLifModelFloat.
PRESETS: Mapping[str, Convention] = {
    "norse": Convention(
        dt=1e-3,
        neutral=(
            ("r", "its importer does not read r, and warns"),
            ("v_leak", "its neurons start at v_leak, those here at 0"),
            _RESET,
        ),
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
        name="sinabs",
    ),
    "snntorch": Convention(
        dt=1e-4,
        neutral=(_LEAK, _RESET),
        no_if="its importer makes an IF a Leaky with beta=0.9, whose reset also looks at the membrane of the step before",
        name="snntorch",
    ),
    "lava": Convention(
        dt=1e-4,
        neutral=(("r", "its importer does not read r"), ("v_leak", "its importer does not read v_leak"), _RESET),
        no_if="its importer for Lava does not know IF",
        name="lava",
    ),
}
# rockpool 3.1.0: nn/modules/torch/nir.py.
REFUSED_PRESETS = {
    "rockpool": "its importer (rockpool 3.1.0) reads no IF, and asks a LIF for 'tau_mem', which NIR calls 'tau'; what "
    "it reads is CubaLIF, which is not supported here yet",
}


def chosen_convention(given: str | Convention | None, dt: float | None = None) -> Convention:
    """A preset by its name, or a convention as it is; `dt` replaces its own.

    Raises:
        UsageError: none given, or an unknown name. UnsupportedError: a preset that cannot be expressed, with the reason.
    """
    if isinstance(given, str) and given in REFUSED_PRESETS:
        raise UnsupportedError(
            f"the convention of '{given}' cannot be followed",
            got=REFUSED_PRESETS[given],
            expected=", ".join(PRESETS),
            do="state how its neurons are to be stepped: Convention(dt=..., ...)",
        )
    if isinstance(given, str) and given in PRESETS:
        given = PRESETS[given]
    if not isinstance(given, Convention):
        raise UsageError(
            "a NIR file does not say how its neurons are stepped",
            got="no convention" if given is None else repr(given),
            expected=f"{', '.join(PRESETS)}, or a Convention",
            do="give the writer's: convention='norse' (--convention norse)",
        )
    return given if dt is None else replace(given, dt=dt)

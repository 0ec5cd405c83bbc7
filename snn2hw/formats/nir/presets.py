"""The conventions of those that write NIR files: what each of their importers does, found in its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from snn2hw.errors import UsageError
from snn2hw.formats.nir.convention import Convention, Cuba, Unsaid

_LEAK = ("v_leak", "its importer requires v_leak = 0")
_RESET = ("v_reset", "its importer resets to 0 and does not read v_reset")


def _unknown(*kinds: str, why: str = "its importer does not know this node") -> tuple[tuple[str, str], ...]:
    return tuple((kind, why) for kind in kinds)


_SNNTORCH_RESET = Unsaid(
    kinds=("LIF", "CubaLIF"),
    what="a file of snnTorch does not say how its neurons are reset",
    taken="they are reset to 0 in the step of the spike, as snnTorch's own importer reads them",
    cause="Leaky, Synaptic, RLeaky and RSynaptic subtract the threshold, one step late, where nothing else is asked for",
    settles=("reset", "when"),
    fields=(("reset", "subtract"), ("when", "next")),
    model=True,
)
_SINABS_FLOOR = Unsaid(
    kinds=("IF",),
    what="a file of Sinabs does not say how far below 0 its neurons go",
    taken="they go down to -v_threshold, as Sinabs' own importer reads them",
    cause="IAF and IAFSqueeze have no lower bound where min_v_mem is not given",
    settles=("if_floor",),
    fields=(("if_floor", False),),
)
_ROCKPOOL_STEP = Unsaid(
    kinds=("CubaLIF",),
    what="a file of Rockpool holds no biases of its neurons and no weights between them",
    taken="there are none, and the step is tau_mem/(1 + r), as Rockpool's own importer reads it",
    cause="LIFTorch has a bias, and recurrent weights with has_rec=True, which it does not write; it writes "
    "r = tau_mem/dt * exp(-dt/tau_mem), which says another step",
    settles=("cuba_r",),
    fields=(("cuba_r", "decayed"),),
)
_NORSE_CURRENT = Unsaid(
    kinds=("CubaLIF",),
    what="a file of Norse does not say which of its neurons with a current wrote it",
    taken="the current is scaled by dt/tau_syn and reaches the membrane at once, as Norse's own importer reads it",
    cause="LIF and LIFCell, which write this node, add their input to the current as it is, one step before the membrane "
    "takes it; no convention says that",
    settles=("cuba_input",),
    model=True,
)

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
# spikingjelly 2.0.0: activation_based/nir_exchange/to_nir.py (dt = 1e-4, r = 1/dt of an IF, v_leak = v_reset) and from_nir.py,
#     activation_based/_neuron.
PRESETS: Mapping[str, Convention] = {
    "norse": Convention(
        dt=1e-3,
        neutral=(
            ("r", "its importer does not read r, and warns"),
            _RESET,
        ),
        start="v_leak",
        without=_unknown("I", "LI", "CubaLI"),
        late_synapses=True,
        unsaid=(_NORSE_CURRENT,),
        cuba=Cuba(neutral=(("v_leak", "its synapse leaks to v_leak too"), _RESET)),
        name="norse",
    ),
    "sinabs": Convention(
        dt=1.0,
        method="exponential",
        lif_input="unit",
        reset="subtract",
        threshold="inclusive",
        levels=None,
        if_floor=True,
        neutral=(("r", "its importer does not read r"), _LEAK),
        without=_unknown("I", "CubaLI", "CubaLIF"),
        no_cycles="its importer runs every layer over all steps at once",
        unsaid=(_SINABS_FLOOR,),
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
        unsaid=(_SNNTORCH_RESET,),
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
        threshold="inclusive",
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
        unsaid=(_ROCKPOOL_STEP,),
        name="rockpool",
    ),
    "spikingjelly": Convention(
        dt=1e-4,
        if_input="ode",
        threshold="inclusive",
        start="v_reset",
        without=_unknown("I", "LI", "CubaLI", "Delay"),
        no_cycles="its importer runs every layer over all steps at once",
        name="spikingjelly",
    ),
}
CUBA = {"cuba_input": "input", "cuba_r": "r"}  # what is stated of a convention's `cuba`, by the names of the command line
NAMED = ("neutral", "without", "cuba", "no_cycles", "nested_cycles", "unsaid", "name")  # not to be stated one by one


def stateable() -> tuple[str, ...]:
    """The names of what can be stated of a convention by itself."""
    return (*(f.name for f in fields(Convention) if f.name not in NAMED), *CUBA)


def chosen_convention(given: str | Convention | None, dt: float | None = None, **stated: Any) -> Convention:
    """A preset by its name, or a convention as it is, with what is stated in place of its own.

    Args:
        given: None: where `dt` is stated, NIR's own equation under Euler. dt: seconds of a step. stated: by `stateable` names.

    Raises:
        UsageError: none given, an unknown name or field, or a step where the convention takes it from the file.
    """
    stated = {name: value for name, value in stated.items() if value is not None}
    if unknown := [name for name in stated if name not in stateable()]:
        raise UsageError(
            "a convention has no such field",
            got=", ".join(unknown),
            expected=", ".join(stateable()),
            do="name one of these",
        )
    if isinstance(given, str) and given in PRESETS:
        given = PRESETS[given]
    if given is None and dt is not None:
        given = Convention(dt=dt)
    if not isinstance(given, Convention):
        raise UsageError(
            "a NIR file does not say how its neurons are stepped",
            got="no convention" if given is None else repr(given),
            expected=f"{', '.join(PRESETS)}, or a Convention",
            do="give the writer's: convention='norse' (--convention norse), or state your own, dt first (--dt 1e-4)",
        )
    if dt is not None and given.step_is_in_file:
        raise UsageError(
            "the step is in the file, which states it by r",
            where=given.name,
            got=f"dt = {dt:g}",
            expected="no dt",
            do="leave dt (--dt) out",
        )
    if "levels" in stated and stated["levels"] == "any":
        stated["levels"] = None
    elif stated.get("reset", "subtract") != "subtract" or stated.get("when") == "next":
        stated = {"levels": 1, **stated}  # only what subtracts at once may fire more than once
    cuba_stated = [name for name in CUBA if name in stated]
    cuba = {CUBA[name]: stated.pop(name) for name in cuba_stated}
    own = {**stated, **({} if dt is None else {"dt": dt})}
    left = tuple(u for u in given.unsaid if not any(name in own or name in cuba_stated for name in u.settles))
    return replace(given, **own, cuba=replace(given.cuba, **cuba), unsaid=left)


def said(convention: Convention) -> tuple[tuple[str, str | float], ...]:
    """What the manifest says of a convention: its name, its step, and what is not as in the preset of that name.

    A step that the file states is not here.
    """
    base = PRESETS.get(convention.name, Convention(dt=convention.dt))
    found: list[tuple[str, str | float]] = [("convention", convention.name)]
    if not convention.step_is_in_file:
        found.append(("dt", convention.dt))
    for name in stateable():
        at, before = (convention.cuba, base.cuba) if name in CUBA else (convention, base)
        value = getattr(at, CUBA.get(name, name))
        if name != "dt" and value != getattr(before, CUBA.get(name, name)):
            found.append((name, "any" if value is None else str(value)))
    return tuple(found)

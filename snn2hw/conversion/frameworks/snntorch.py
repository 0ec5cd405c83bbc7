"""snnTorch 1.0.0: its neurons, one step of [N, C, ...] at a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from snn2hw import nn
from snn2hw.conversion.frameworks.reading import Reader, base_of, fires, refuse_overridden, refused, shared, unknown
from snn2hw.conversion.frameworks.surrogates import of_snntorch
from snn2hw.conversion.known import Known

PACKAGE = "snntorch"
WITHOUT_STATE = frozenset({"RecurrentOneToOne"})  # of the folder of the neurons
UNKNOWN: Mapping[str, tuple[str, str]] = {
    "SLSTM": ("its gates are sigmoid and tanh of sums over neurons", "RSynaptic"),
    "SConv2dLSTM": ("its gates are sigmoid and tanh of convolutions", "RLeaky with conv2d_channels"),
    "LeakyParallel": (
        "it is a torch.nn.RNN with relu, whose weights between neurons may be learned",
        "Leaky(reset_mechanism='none')",
    ),
    "LeakyKernel": ("it is a kernel for a GPU", "Leaky"),
    "DeltaLeaky": ("it fires where its membrane jumps either way, |v[t] - v[t-1]|", "a nn.CustomNeuron of those lines"),
    "StateLeaky": ("it is a convolution over all steps, whose floats no step by step sum gives", "Leaky(reset_mechanism='none')"),
    "LinearLeaky": ("it is a convolution over all steps, whose floats no step by step sum gives", "nn.Linear and Leaky"),
    "AssociativeLeaky": ("its state is a matrix for each head", "Leaky"),
}
_MECHANISMS = ("subtract", "zero", "none")
_FUNCTIONS = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}


def read(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known | None:
    """What a module of snnTorch is here; None where it is no neuron of snnTorch.

    Args:
        module: of the user's model. shape: of a step's input without N. where: its name and class, for messages.

    Raises:
        UnsupportedError: a neuron or a setting that nothing here computes; the message names the nearest that is.
    """
    base = base_of(module, PACKAGE)
    if base is None or not base.__module__.startswith("snntorch._neurons") or base.__name__ in WITHOUT_STATE:
        return None
    if base.__name__ not in NEURONS:
        raise unknown("snnTorch", base.__name__, UNKNOWN.get(base.__name__), NEURONS, where)
    refuse_overridden(module, base, where)
    _check(module, where)
    return NEURONS[base.__name__](module, shape, where)


def _check(module: Any, where: str) -> None:
    """Settings that no neuron here has, and releases whose steps are others."""
    if getattr(getattr(module, "state_function", None), "__name__", "") not in _FUNCTIONS:
        raise refused(
            "this neuron is of another release of snnTorch than the one whose steps are known",
            where,
            f"a {type(module).__name__} without the state functions of 1.0",
            "snnTorch 1.0",
            "install it (pip install 'snntorch>=1.0'), and load the trained weights into the model there",
        )
    if module.inhibition:
        raise refused(
            "inhibition lets only one neuron of a layer fire, and a neuron here sees itself only",
            where,
            "inhibition=True",
            "inhibition=False",
            "train without it",
        )
    if module.state_quant:
        raise refused(
            "state_quant rounds the states of the float model, which the compiler does by itself",
            where,
            f"state_quant={getattr(module.state_quant, '__qualname__', module.state_quant)}",
            "state_quant=False",
            "leave it out, and train on the integers instead: snn2hw.quantize.prepare (docs/how-to/quantize.md)",
        )
    fires(module.spike_grad, True, where)


def _mechanism(module: Any, where: str) -> str:
    """The reset that the module was constructed with, and still has."""
    found, now = _FUNCTIONS[module.state_function.__name__], _MECHANISMS[int(module.reset_mechanism_val)]
    if not found == now == module.reset_mechanism:
        raise refused(
            "the reset mechanism of this neuron is not the one that it was made with, which snnTorch itself follows in part only",
            where,
            f"made with {found!r}, now {now!r}",
            "one reset mechanism",
            f"construct it with reset_mechanism={now!r}",
        )
    return found


def _common(module: Any, where: str) -> dict[str, Any]:
    """The arguments that all neurons take."""
    return {
        "reset_mechanism": _mechanism(module, where),
        "graded_spikes_factor": 1.0 if _graded(module) else None,
        "surrogate": of_snntorch(module.spike_grad),
    }


def _graded(module: Any) -> bool:
    factor = module.graded_spikes_factor
    return isinstance(factor, torch.nn.Parameter) or bool((factor != 1).any())


def _filled(layer: Any, module: Any, shape: tuple[int, ...], where: str, *names: str) -> Any:
    """The layer with the module's own numbers."""
    graded = ("graded_spikes_factor",) if _graded(module) else ()
    shared(layer, {name: getattr(module, name) for name in (*names, "threshold", *graded)}, shape, where)
    if "own" in layer.states:
        worth = module.graded_spikes_factor.detach()
        ends = (min(0.0, float(worth.min())), max(0.0, float(worth.max())))
        layer.states = {**layer.states, "own": replace(layer.states["own"], range=ends)}
    return layer


def _known(module: Any, layer: torch.nn.Module, *states: str) -> Known:
    """Behind the spikes the states are returned; with init_hidden they are not, unless `output` asks for them."""
    return Known(layer, whole=False, states=states if module.output or not module.init_hidden else ())


def _leaky(module: Any, shape: tuple[int, ...], where: str) -> Known:
    layer = nn.Leaky(0.5, reset_delay=module.reset_delay, **_common(module, where))
    return _known(module, _filled(layer, module, shape, where, "beta"), "v")


def _synaptic(module: Any, shape: tuple[int, ...], where: str) -> Known:
    layer = nn.Synaptic(0.5, 0.5, reset_delay=module.reset_delay, **_common(module, where))
    return _known(module, _filled(layer, module, shape, where, "alpha", "beta"), "i", "v")


def _alpha(module: Any, shape: tuple[int, ...], where: str) -> Known:
    layer = nn.Alpha(0.5, 0.25, **_common(module, where))
    return _known(module, _filled(layer, module, shape, where, "alpha", "beta"), "e", "i", "v")


def _lapicque(module: Any, shape: tuple[int, ...], where: str) -> Known:
    layer = nn.Lapicque(**_common(module, where))
    return _known(module, _filled(layer, module, shape, where, "R", "C", "time_step"), "v")


def _rleaky(module: Any, shape: tuple[int, ...], where: str) -> Known:
    layer = nn.RLeaky(0.5, _own(module), reset_delay=module.reset_delay, **_common(module, where))
    names = ("beta",) if module.all_to_all else ("beta", "V")
    return _known(module, _recurrent(module, _filled(layer, module, shape, where, *names)), "v")


def _rsynaptic(module: Any, shape: tuple[int, ...], where: str) -> Known:
    """`reset_delay` is not asked for: in RSynaptic it acts on names that the step forgets."""
    common = _common(module, where)
    if module.all_to_all:
        neuron = _filled(nn.Synaptic(0.5, 0.5, **common), module, shape, where, "alpha", "beta")
    else:
        neuron = _filled(nn.RSynaptic(0.5, 0.5, **common), module, shape, where, "alpha", "beta", "V")
    return _known(module, _recurrent(module, neuron), "i", "v")


def _own(module: Any) -> float | None:
    return None if module.all_to_all else 1.0


def _recurrent(module: Any, neuron: torch.nn.Module) -> torch.nn.Module:
    """All to all: through the module's own Linear or Conv2d, whose parameters the layer shares."""
    if not module.all_to_all:
        return neuron
    own = module.recurrent
    if isinstance(own, torch.nn.Linear):
        synapse: torch.nn.Module = nn.Linear(own.in_features, own.out_features)
    else:
        synapse = nn.Conv2d(own.in_channels, own.out_channels, own.kernel_size, padding=own.padding)
    synapse.weight, synapse.bias = own.weight, own.bias
    return nn.Recurrent(neuron, synapse, enters="after")


NEURONS: Mapping[str, Reader] = {
    "Leaky": _leaky,
    "Synaptic": _synaptic,
    "Alpha": _alpha,
    "Lapicque": _lapicque,
    "RLeaky": _rleaky,
    "RSynaptic": _rsynaptic,
}

"""SpikingJelly 2.0.0, and 0.0.0.0.14 in eval mode: the neurons of `activation_based`, in step modes s and m."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from snn2hw import nn
from snn2hw.conversion.frameworks.reading import (
    Reader,
    around,
    base_of,
    fires,
    has_ancestor,
    one_number,
    refuse_overridden,
    refused,
    shared,
    unknown,
)
from snn2hw.conversion.frameworks.surrogates import of_spikingjelly
from snn2hw.conversion.known import Known

PACKAGE = "spikingjelly"
WITHOUT_STATE = frozenset({"Dropout", "Dropout2d", "DropConnectLinear"})  # they keep a mask from step to step, in training only
UNKNOWN: Mapping[str, tuple[str, str]] = {
    "EIFNode": ("it takes exp of the membrane, which integers have not", "QIFNode"),
    "GatedLIFNode": ("its numbers change from step to step", "ParametricLIFNode"),
    "KLIFNode": ("its spikes take relu of the membrane", "LIFNode"),
    "LIAFNode": ("it sends an activation of the membrane, not spikes", "LIFNode"),
    "PSN": ("it mixes all steps by a matrix", "LIFNode"),
    "MaskedPSN": ("it mixes all steps by a matrix", "LIFNode"),
    "SlidingPSN": ("it mixes several steps by weights", "LIFNode"),
    "SynapseFilter": ("a synapse here has no state", "nn.CubaLIF"),
    "LinearRecurrentContainer": ("it concatenates input and spikes into one sum", "nn.Recurrent with two layers"),
    "ElementWiseRecurrentContainer": ("it joins input and spikes by a function of its own", "nn.Recurrent"),
    "Delay": ("a layer here has no delay", "a nn.CustomNeuron that keeps the step before"),
}


def read(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known | None:
    """What a module of SpikingJelly is here; None where it has no state.

    Args:
        module: of the user's model. shape: of a step's input without N. where: its name and class, for messages.

    Raises:
        UnsupportedError: a module with a state, or a setting, that nothing here computes.
    """
    base = base_of(module, PACKAGE)
    if base is None or base.__name__ in WITHOUT_STATE or not _stateful(module, base):
        return None
    if base.__name__ not in NEURONS:
        raise unknown("SpikingJelly", base.__name__, UNKNOWN.get(base.__name__), NEURONS, where)
    refuse_overridden(module, base, where)
    _check(module, where)
    return NEURONS[base.__name__](module, shape, where)


def _stateful(module: torch.nn.Module, base: type) -> bool:
    return has_ancestor(module, PACKAGE, "MemoryModule") or ".neuron" in base.__module__


def _check(module: Any, where: str) -> None:
    """Settings that no neuron here has."""
    backend = getattr(module, "backend", "torch")
    if backend != "torch":
        raise refused(
            "this neuron's floats are computed by another back end than torch, in an order of its own",
            where,
            f"backend={backend!r}",
            "backend='torch'",
            "set it: functional.set_backend(net, 'torch')",
        )
    if getattr(module, "_neuron_precision", None) is not None:
        raise refused(
            "this neuron computes in a precision of its own",
            where,
            f"a neuron precision of {module._neuron_precision}",
            "float32",
            "leave the precision out before converting",
        )
    if hasattr(module, "surrogate_function"):
        fires(module.surrogate_function, False, where)


def _common(module: Any, where: str) -> dict[str, Any]:
    """The arguments that all neurons take."""
    threshold, initial = one_number("v_threshold", module.v_threshold, where), _initial(module, "v", where)
    reset = None if module.v_reset is None else one_number("v_reset", module.v_reset, where)
    return {
        "v_threshold": threshold,
        "v_reset": reset,
        "detach_reset": bool(module.detach_reset),
        "initial": initial,
        "state_range": around(threshold, reset or 0.0, initial),
        "surrogate": of_spikingjelly(module.surrogate_function),
    }


def _initial(module: Any, name: str, where: str) -> float:
    """What a state is after `functional.reset_net`."""
    initial = module._memories_rv[name]
    if not isinstance(initial, int | float):
        raise refused(
            "a state of this neuron starts from a tensor",
            where,
            f"a reset value of {type(initial).__name__} for {name}",
            "a number",
            f'call module.set_reset_value("{name}", 0.0), and reset the network',
        )
    return float(initial)


def _known(module: Any, layer: torch.nn.Module) -> Known:
    return Known(layer, whole=module.step_mode == "m")


def _old(module: Any) -> bool:
    """Whether this is a neuron of a release before 2.0, which computes some sums in another order."""
    return hasattr(module, "v_float_to_tensor")


def _if(module: Any, shape: tuple[int, ...], where: str) -> Known:
    return _known(module, nn.IFNode(**_common(module, where)))


def _lif(module: Any, shape: tuple[int, ...], where: str) -> Known:
    factored = _old(module) and module.v_reset is None
    tau = one_number("tau", module.tau, where)
    return _known(module, nn.LIFNode(tau, module.decay_input, factored=factored, **_common(module, where)))


def _parametric(module: Any, shape: tuple[int, ...], where: str) -> Known:
    factored = _old(module) and not module.v_reset
    layer = nn.ParametricLIFNode(2.0, module.decay_input, factored=factored, **_common(module, where))
    shared(layer, {"w": module.w}, shape, where)
    return _known(module, layer)


def _parabola(module: Any, where: str) -> dict[str, Any]:
    return {name: one_number(name, getattr(module, name), where) for name in ("tau", "v_c", "a0", "v_rest")}


def _qif(module: Any, shape: tuple[int, ...], where: str) -> Known:
    return _known(module, nn.QIFNode(**_parabola(module, where), **_common(module, where)))


def _izhikevich(module: Any, shape: tuple[int, ...], where: str) -> Known:
    if _old(module):
        raise unknown(
            "SpikingJelly 0.0.0.0.14", "IzhikevichNode", ("it adds in an order that 2.0 changed", "2.0"), NEURONS, where
        )
    adapting: dict[str, Any] = {name: one_number(name, getattr(module, name), where) for name in ("tau_w", "a", "b")}
    rest = _initial(module, "w", where)
    layer = nn.IzhikevichNode(w_rest=rest, **adapting, **_parabola(module, where), **_common(module, where))
    return _known(module, layer)


def _silent(module: Any, shape: tuple[int, ...], where: str) -> Known:
    """All steps at a call, and one value of them, which `decode` names."""
    kind = {"last_mem": "last", "mean-mem": "mean"}.get(module.decode)
    if kind is None:
        raise refused(
            "a neuron that never fires is read by a readout, and this one's has no integer form here",
            where,
            f"decode={module.decode!r}",
            "decode='last_mem' or 'mean-mem'",
            "construct it with one of these",
        )
    tau = one_number("tau", module.tau, where) if hasattr(module, "tau") else None
    return Known(nn.Sequential(nn.NonSpikingNode(tau), nn.Readout(kind)), whole=True)


NEURONS: Mapping[str, Reader] = {
    "IFNode": _if,
    "SimpleIFNode": _if,
    "HalfThresholdIFNode": _if,
    "LIFNode": _lif,
    "SimpleLIFNode": _lif,
    "ParametricLIFNode": _parametric,
    "QIFNode": _qif,
    "IzhikevichNode": _izhikevich,
    "NonSpikingIFNode": _silent,
    "NonSpikingLIFNode": _silent,
}

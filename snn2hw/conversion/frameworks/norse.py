"""Norse 1.1.0: its cells, one step at a call, and its layers, all steps [T, N, C, ...] at a call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch

from snn2hw import nn
from snn2hw.conversion.frameworks.reading import Reader, around, base_of, one_number, refuse_overridden, refused, shared, unknown
from snn2hw.conversion.frameworks.surrogates import of_norse
from snn2hw.conversion.known import Known

PACKAGE = "norse"
CONTAINERS = frozenset({"SequentialState"})  # they keep the states of what is in them
METHODS = ("heaviside", "super", "triangle", "tanh", "circ", "heavi_erfc")
UNKNOWN: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("LIFEx", "LIFExCell", "LIFExRecurrent", "LIFExRecurrentCell"),
        ("it takes exp of the membrane, which integers have not", "LIF, or SpikingJelly's QIFNode"),
    ),
    **dict.fromkeys(
        ("LIFAdEx", "LIFAdExCell", "LIFAdExRecurrent", "LIFAdExRecurrentCell"),
        ("it takes exp of the membrane, which integers have not", "LSNN"),
    ),
    "RecurrentSequential": ("it adds the output of several layers to its input", "LIFRecurrent"),
    "LIFCorrelation": ("its weights change while it runs", "LIF"),
}


def read(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known | None:
    """What a module of Norse is here; None where it is none with a state.

    Args:
        module: of the user's model. shape: of a step's input without N. where: its name and class, for messages.

    Raises:
        UnsupportedError: a module with a state, or a setting, that nothing here computes.
    """
    base = base_of(module, PACKAGE)
    if base is None or base.__name__ in CONTAINERS or "state" not in inspect.signature(module.forward).parameters:
        return None
    if base.__name__ not in NEURONS:
        raise unknown("Norse", base.__name__, UNKNOWN.get(base.__name__), NEURONS, where)
    refuse_overridden(module, base, where)
    _check(module, base.__name__, where)
    return NEURONS[base.__name__](module, shape, where)


def _check(module: Any, name: str, where: str) -> None:
    """That the module computes the step of its class, and fires 0 and 1."""
    p = getattr(module.p, "lif", module.p)
    if getattr(p, "method", "super") not in METHODS:
        raise refused(
            "this spike function of Norse fires by chance, or not at all",
            where,
            f"method={p.method!r}",
            ", ".join(METHODS),
            "construct the parameters with method='super'",
        )
    own = getattr(getattr(module, "activation", None), "__module__", f"{PACKAGE}.")
    if not str(own).startswith(f"{PACKAGE}."):
        raise refused(
            "this module computes another step than Norse's",
            where,
            f"activation {own}.{module.activation.__name__}",
            f"the step of {name}",
            "write its step as a nn.CustomNeuron (docs/how-to/custom.md), and use that in the model",
        )


def _made(
    kind: Callable[..., Any], names: tuple[str, ...], p: Any, module: Any, size: tuple[int, ...], where: str, **given: Any
) -> Any:
    """A neuron of ours with the parameters p of the module.

    Args:
        kind: its class. names: of the numbers that it shares. size: [C] or [C, H, W] of the layer. given: further arguments.
    """
    leak = {"v_leak": one_number("v_leak", p.v_leak, where)} if "v_leak" in names else {}
    ends = [end for name in names if name.startswith("v_") for end in _ends(getattr(p, name))]
    if kind not in (nn.LI, nn.LIBox):
        given["surrogate"] = of_norse(p.method)
    if kind is not nn.IAF:
        given["dt"] = float(module.dt)
    layer = kind(**leak, **given, state_range=around(*ends))
    shared(layer, {name: getattr(p, name) for name in names}, size, where)
    return layer


def _ends(value: Any) -> tuple[float, float]:
    values = torch.as_tensor(value).detach()
    return float(values.min()), float(values.max())


_CURRENT = ("tau_syn_inv", "tau_mem_inv", "v_leak")
_SPIKES = ("v_th", "v_reset")


def _neuron_lif(module: Any, size: tuple[int, ...], where: str, detach_reset: bool = False) -> Any:
    return _made(nn.NorseLIF, _CURRENT + _SPIKES, module.p, module, size, where, detach_reset=detach_reset)


def _neuron_refractory(module: Any, size: tuple[int, ...], where: str, detach_reset: bool = False) -> Any:
    rest = one_number("rho_reset", module.p.rho_reset, where)
    given = {"rho_reset": rest, "detach_reset": detach_reset}
    return _made(nn.LIFRefrac, _CURRENT + _SPIKES, module.p.lif, module, size, where, **given)


def _neuron_lsnn(module: Any, size: tuple[int, ...], where: str, detach_reset: bool = False) -> Any:
    p, start = module.p, one_number("v_th", module.p.v_th, where)
    highest = 32.0 * max(1.0, abs(start))
    names = (*_CURRENT, *_SPIKES, "tau_adapt_inv", "beta")
    given = {"v_th": start, "threshold_range": (min(0.0, start), highest), "detach_reset": detach_reset}
    return _made(nn.LSNN, names, p, module, size, where, **given)


def _neuron_li(module: Any, size: tuple[int, ...], where: str) -> Any:
    return _made(nn.LI, _CURRENT, module.p, module, size, where)


def _neuron_iaf(module: Any, size: tuple[int, ...], where: str) -> Any:
    return _made(nn.IAF, _SPIKES, module.p, module, size, where, v_reset=one_number("v_reset", module.p.v_reset, where))


def _neuron_box(module: Any, size: tuple[int, ...], where: str) -> Any:
    own = module.p.reset_method
    reset = {"reset_value": "value", "reset_subtract": "subtract"}.get(own.__name__) if _of_norse(own) else None
    if reset is None:
        raise refused(
            "this reset is none of Norse's own",
            where,
            f"reset_method={getattr(own, '__qualname__', own)}",
            "norse.torch.functional.reset.reset_value or reset_subtract",
            "use one of these, or write its step as a nn.CustomNeuron (docs/how-to/custom.md)",
        )
    return _made(nn.LIFBox, ("tau_mem_inv", "v_leak", *_SPIKES), module.p, module, size, where, reset=reset)


def _of_norse(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith(f"{PACKAGE}.")


def _neuron_li_box(module: Any, size: tuple[int, ...], where: str) -> Any:
    return _made(nn.LIBox, ("tau_mem_inv", "v_leak"), module.p, module, size, where)


def _alone(neuron: Callable[..., Any], whole: bool, *states: str) -> Reader:
    """A neuron, and the states that it returns behind its spikes."""
    return lambda module, shape, where: Known(neuron(module, shape, where), whole, states)


def _recurrent(neuron: Callable[..., Any], whole: bool, *states: str) -> Reader:
    """A neuron that hears itself; the spikes are the first of the states that it returns.

    Norse detaches the reset of these forms, and not that of others (`lif_step`, `lsnn_step`).
    """

    def read_one(module: Any, shape: tuple[int, ...], where: str) -> Known:
        hidden = int(module.hidden_size)
        own = neuron(module, (hidden,), where, detach_reset=True)
        back = nn.Recurrent(own, _linear(module.recurrent_weights), enters="after")
        return Known(nn.Sequential(_linear(module.input_weights), back), whole, (None, *states))

    return read_one


def _linear(weight: torch.Tensor) -> nn.Linear:
    """A layer without bias whose weight is this very tensor; a plain one becomes a parameter of the same memory."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    own = isinstance(weight, torch.nn.Parameter)
    layer.weight = weight if own else torch.nn.Parameter(weight.detach(), requires_grad=weight.requires_grad)
    return layer


def _li_linear(module: Any, shape: tuple[int, ...], where: str) -> Known:
    layer = nn.Sequential(_linear(module.input_weights), _neuron_li(module, (int(module.hidden_size),), where))
    return Known(layer, False, ("v", "i"))


NEURONS: Mapping[str, Reader] = {
    "LIF": _alone(_neuron_lif, True, "v", "i"),
    "LIFCell": _alone(_neuron_lif, False, "v", "i"),
    "LIFRecurrent": _recurrent(_neuron_lif, True, "v", "i"),
    "LIFRecurrentCell": _recurrent(_neuron_lif, False, "v", "i"),
    "LIFRefracCell": _alone(_neuron_refractory, False, "v", "i", "n"),
    "LIFRefracRecurrent": _recurrent(_neuron_refractory, True, "v", "i", "n"),
    "LIFRefracRecurrentCell": _recurrent(_neuron_refractory, False, "v", "i", "n"),
    "LSNN": _alone(_neuron_lsnn, True, "v", "i", "b"),
    "LSNNCell": _alone(_neuron_lsnn, False, "v", "i", "b"),
    "LSNNRecurrent": _recurrent(_neuron_lsnn, True, "v", "i", "b"),
    "LSNNRecurrentCell": _recurrent(_neuron_lsnn, False, "v", "i", "b"),
    "LI": _alone(_neuron_li, True, "v", "i"),
    "LICell": _alone(_neuron_li, False, "v", "i"),
    "LILinearCell": _li_linear,
    "LIBoxCell": _alone(_neuron_li_box, False, "v"),
    "LIFBoxCell": _alone(_neuron_box, False, "v"),
    "IAF": _alone(_neuron_iaf, True, "v"),
    "IAFCell": _alone(_neuron_iaf, False, "v"),
}

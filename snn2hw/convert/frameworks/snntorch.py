"""snnTorch 1.0.0: its neurons, one step of [N, C, ...] at a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from snn2hw import nn
from snn2hw.convert.frameworks.reading import Reader, base_of, fires, has_ancestor, refuse_overridden, refused, shared
from snn2hw.convert.frameworks.surrogates import of_snntorch
from snn2hw.convert.known import Known

PACKAGE = "snntorch"
_MECHANISM = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}


def read(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known | None:
    """What a module of snnTorch is here; None where it is no neuron of snnTorch.

    Args:
        module: of the user's model. shape: of a step's input without N. where: its name and class, for messages.

    Raises:
        UnsupportedError: a neuron or a setting that nothing here computes; the message names the nearest that is.
    """
    base = base_of(module, PACKAGE)
    if base is None or not has_ancestor(module, PACKAGE, "SpikingNeuron"):
        return None
    if base.__name__ not in NEURONS:
        raise refused(
            f"snnTorch's {base.__name__} has no neuron here that computes the same",
            where,
            base.__name__,
            ", ".join(sorted(NEURONS)),
            "use one of these, or write its step as a nn.CustomNeuron (docs/custom.md)",
        )
    refuse_overridden(module, base, where)
    _check(module, where)
    return NEURONS[base.__name__](module, shape, where)


def _check(module: Any, where: str) -> None:
    """Settings that no neuron here has."""
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
            "leave it out, and train on the integers instead: snn2hw.quantize.prepare (docs/quantize.md)",
        )
    fires(module.spike_grad, True, where)


def _mechanism(module: Any, where: str) -> str:
    """The reset that the module was constructed with, and still has."""
    found = _MECHANISM[module.state_function.__name__]
    if found != module.reset_mechanism or int(module.reset_mechanism_val) != ("subtract", "zero", "none").index(found):
        raise refused(
            "the reset mechanism of this neuron was changed after it was made, which snnTorch itself follows only in part",
            where,
            f"made with {found!r}, now {module.reset_mechanism!r} ({int(module.reset_mechanism_val)})",
            "one reset mechanism",
            f"construct it with reset_mechanism={module.reset_mechanism!r}",
        )
    return found


def _common(module: Any, where: str) -> dict[str, Any]:
    """The arguments that all neurons take."""
    return {
        "reset_mechanism": _mechanism(module, where),
        "reset_delay": bool(getattr(module, "reset_delay", True)),
        "graded_spikes_factor": 1.0 if _graded(module) else None,
        "surrogate": of_snntorch(module.spike_grad),
    }


def _graded(module: Any) -> bool:
    factor = module.graded_spikes_factor
    return isinstance(factor, torch.nn.Parameter) or bool((factor != 1).any())


def _numbers(module: Any, *names: str) -> dict[str, Any]:
    graded = ("graded_spikes_factor",) if _graded(module) else ()
    return {name: getattr(module, name) for name in (*names, "threshold", *graded)}


def _states(module: Any, *names: str | None) -> tuple[str | None, ...]:
    """What is returned behind the spikes: nothing with init_hidden, unless `output` asks for it."""
    return names if module.output or not module.init_hidden else ()


def _leaky(module: Any, shape: tuple[int, ...], where: str) -> Known:
    layer = nn.Leaky(0.5, **_common(module, where))
    shared(layer, _numbers(module, "beta"), shape, where)
    return Known(layer, whole=False, states=_states(module, "v"))


NEURONS: Mapping[str, Reader] = {"Leaky": _leaky}

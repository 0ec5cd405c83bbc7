"""SpikingJelly 2.0.0, and 0.0.0.0.14 in eval mode: the neurons of `activation_based`, in step modes s and m."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from snn2hw import nn
from snn2hw.convert.frameworks.reading import Reader, around, base_of, fires, has_ancestor, refuse_overridden, refused
from snn2hw.convert.frameworks.surrogates import of_spikingjelly
from snn2hw.convert.known import Known

PACKAGE = "spikingjelly"
WITHOUT_STATE = frozenset({"Dropout", "Dropout2d"})  # they keep a mask from step to step, in training only


def read(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known | None:
    """What a module of SpikingJelly is here; None where it has no state.

    Args:
        module: of the user's model. shape: of a step's input without N. where: its name and class, for messages.

    Raises:
        UnsupportedError: a module with a state, or a setting, that nothing here computes.
    """
    base = base_of(module, PACKAGE)
    if base is None or base.__name__ in WITHOUT_STATE or not has_ancestor(module, PACKAGE, "MemoryModule"):
        return None
    if base.__name__ not in NEURONS:
        raise refused(
            f"SpikingJelly's {base.__name__} has no layer here that computes the same",
            where,
            base.__name__,
            ", ".join(sorted(NEURONS)),
            "use one of these, or write its step as a nn.CustomNeuron (docs/custom.md)",
        )
    refuse_overridden(module, base, where)
    fires(module.surrogate_function, False, where)  # type: ignore[arg-type]
    return NEURONS[base.__name__](module, shape, where)


def _common(module: Any, where: str) -> dict[str, Any]:
    """The arguments that all neurons take."""
    initial = module.get_reset_value("v") if hasattr(module, "get_reset_value") else module._memories_rv["v"]
    if not isinstance(initial, int | float):
        raise refused(
            "the membrane of this neuron starts from a tensor",
            where,
            f"a reset value of {type(initial).__name__}",
            "a number",
            'call module.set_reset_value("v", 0.0)',
        )
    reset, threshold = module.v_reset, float(module.v_threshold)
    return {
        "v_threshold": threshold,
        "v_reset": None if reset is None else float(reset),
        "detach_reset": bool(module.detach_reset),
        "initial": float(initial),
        "state_range": around(threshold, float(reset or 0.0), float(initial)),
        "surrogate": of_spikingjelly(module.surrogate_function),
    }


def _known(module: Any, layer: torch.nn.Module) -> Known:
    return Known(layer, whole=module.step_mode == "m")


def _if(module: Any, shape: tuple[int, ...], where: str) -> Known:
    return _known(module, nn.IFNode(**_common(module, where)))


def _old(module: Any) -> bool:
    """Whether this is a neuron of a release before 2.0, which computes some sums in another order."""
    return not hasattr(module, "single_step_functional_forward") and hasattr(module, "v_float_to_tensor")


def _lif(module: Any, shape: tuple[int, ...], where: str) -> Known:
    factored = _old(module) and module.v_reset is None
    return _known(module, nn.LIFNode(module.tau, module.decay_input, factored=factored, **_common(module, where)))


NEURONS: Mapping[str, Reader] = {
    "IFNode": _if,
    "SimpleIFNode": _if,
    "HalfThresholdIFNode": _if,
    "LIFNode": _lif,
    "SimpleLIFNode": _lif,
}

"""Norse 1.1.0: its cells, one step at a call, and its layers, all steps [T, N, C, ...] at a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from snn2hw import nn
from snn2hw.convert.frameworks.reading import (
    Reader,
    around,
    base_of,
    has_ancestor,
    one_number,
    refuse_overridden,
    refused,
    shared,
)
from snn2hw.convert.frameworks.surrogates import of_norse
from snn2hw.convert.known import Known

PACKAGE = "norse"
BASES = ("SNN", "SNNCell", "SNNRecurrent", "SNNRecurrentCell")
METHODS = ("heaviside", "super", "triangle", "tanh", "circ", "heavi_erfc")


def read(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> Known | None:
    """What a module of Norse is here; None where it is none with a state.

    Args:
        module: of the user's model. shape: of a step's input without N. where: its name and class, for messages.

    Raises:
        UnsupportedError: a module with a state, or a setting, that nothing here computes.
    """
    base = base_of(module, PACKAGE)
    if base is None or not any(has_ancestor(module, PACKAGE, name) for name in BASES):
        return None
    if base.__name__ not in NEURONS:
        raise refused(
            f"Norse's {base.__name__} has no layer here that computes the same",
            where,
            base.__name__,
            ", ".join(sorted(NEURONS)),
            "use one of these, or write its step as a nn.CustomNeuron (docs/custom.md)",
        )
    refuse_overridden(module, base, where)
    return NEURONS[base.__name__](module, shape, where)


def _whole(module: Any) -> bool:
    """Whether one call takes all steps."""
    return not type(module).__name__.endswith("Cell") and not any(has_ancestor(module, PACKAGE, n) for n in BASES[1::2])


def _surrogate(p: Any, where: str) -> nn.Surrogate | None:
    if p.method not in METHODS:
        raise refused(
            "this spike function of Norse fires by chance, or not at all",
            where,
            f"method={p.method!r}",
            ", ".join(METHODS),
            "construct the parameters with method='super'",
        )
    return of_norse(p.method)


def _numbers(p: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(p, name) for name in names}


def _lif(module: Any, shape: tuple[int, ...], where: str) -> Known:
    p, leak = module.p, one_number("v_leak", module.p.v_leak, where)
    layer = nn.NorseLIF(
        v_leak=leak,
        dt=float(module.dt),
        state_range=around(leak, *_ends(p.v_th), *_ends(p.v_reset)),
        surrogate=_surrogate(p, where),
    )
    shared(layer, _numbers(p, "tau_syn_inv", "tau_mem_inv", "v_leak", "v_th", "v_reset"), shape, where)
    return Known(layer, whole=_whole(module), states=("v", "i"))


def _li(module: Any, shape: tuple[int, ...], where: str) -> Known:
    leak = one_number("v_leak", module.p.v_leak, where)
    layer = nn.LI(v_leak=leak, dt=float(module.dt), state_range=around(leak))
    shared(layer, _numbers(module.p, "tau_syn_inv", "tau_mem_inv", "v_leak"), shape, where)
    return Known(layer, whole=_whole(module), states=("v", "i"))


def _ends(value: Any) -> tuple[float, float]:
    values = torch.as_tensor(value).detach()
    return float(values.min()), float(values.max())


NEURONS: Mapping[str, Reader] = {"LIF": _lif, "LIFCell": _lif, "LI": _li, "LICell": _li}

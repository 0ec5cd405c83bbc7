"""What a torch model says of itself besides the network that is read of it: all that a training of it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
import torch

from snn2hw.gate import numbers

PLAIN = (bool, int, float, complex, str, bytes, np.generic, type(None))
BY_TEXT = (Enum, torch.dtype, torch.device)
PASSING = ("training", "_checked", "_watchers")  # what a run leaves in a module, and who looks on
DEEP = 16  # containers within each other that are looked into; one that holds itself has no end


def module_facts(model: torch.nn.Module) -> list[Any]:
    """Values of all parameters and buffers, which of them learn and which are shared, and the settings of all modules.

    What is neither a plain value nor a container of such is told by the name of its type: its text may hold an address.
    """
    parameters = list(model.named_parameters(remove_duplicate=False))
    buffers = list(model.named_buffers(remove_duplicate=False))  # those besides that no state_dict holds
    first = {id(value): name for name, value in reversed([*parameters, *buffers])}
    values = [(name, _values(value), value.requires_grad, first[id(value)]) for name, value in [*parameters, *buffers]]
    return [values, [(path, type(m).__qualname__, m.extra_repr(), _settings(m)) for path, m in model.named_modules()]]


def _settings(module: torch.nn.Module) -> dict[str, Any]:
    """Such as the share of a Dropout. Not what every module has: parameters, buffers, modules and hooks."""
    left_out = {*vars(torch.nn.Module()), *PASSING}
    return {name: _plain(value) for name, value in sorted(vars(module).items()) if name not in left_out}


def _plain(value: Any, depth: int = 0) -> Any:
    """A value as what `digest` takes."""
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, BY_TEXT):
        return str(value)
    if isinstance(value, torch.Tensor):
        return _values(value)
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value
    if depth < DEEP and (held := _held(value)) is not None:
        return [type(value).__qualname__, *(_plain(each, depth + 1) for each in held)]
    named = value if hasattr(value, "__qualname__") else type(value)  # of a function, or a class, its own name
    return ["named", getattr(named, "__module__", ""), named.__qualname__]


def _held(value: Any) -> list[Any] | None:
    """What a container holds, in an order that is the same in every process; None of something else."""
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, set | frozenset):
        return sorted(value, key=lambda each: repr(_plain(each)))
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, f.name) for f in fields(value)]
    return list(value) if isinstance(value, tuple | list | np.ndarray) else None


def _values(tensor: torch.Tensor) -> list[Any]:
    return [str(tensor.dtype), numbers(tensor, "the model")]

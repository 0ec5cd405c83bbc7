"""What a torch model says of itself besides the network that is read of it: all that a training of it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import CodeType, FunctionType
from typing import Any

import numpy as np
import torch

from snn2hw.exploration.digest import digest
from snn2hw.gate import numbers

PLAIN = (bool, int, float, complex, str, bytes, np.generic, type(None))
BY_TEXT = (Enum, torch.dtype, torch.device)
PASSING = ("training", "_checked", "_watchers")  # what a run leaves in a module, and who looks on
DEEP = 64  # things within each other that are looked into: Python itself ends at some hundreds
PICKLED = 4  # the protocol of pickle, which says what a thing is made of; another one would give other hashes


def module_facts(model: torch.nn.Module) -> list[Any]:
    """Values of all parameters and buffers, which of them learn and which are shared, and the settings of all modules.

    A setting that is neither a plain value nor a container is told by what pickle would store of it, a function by its code
    and by the values that it closes over. What pickle refuses is told by the name of its type: its text may hold an address.
    """
    return _Told().of_model(model)


class _Told:
    """Things as what `digest` takes, each of which is looked into once, so that a thing may hold itself."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}  # with the thing itself: while it lives no other has its id

    def of_model(self, model: torch.nn.Module) -> list[Any]:
        parameters = list(model.named_parameters(remove_duplicate=False))
        buffers = list(model.named_buffers(remove_duplicate=False))  # those besides that no state_dict holds
        first = {id(value): name for name, value in reversed([*parameters, *buffers])}
        values = [(name, _values(value), value.requires_grad, first[id(value)]) for name, value in [*parameters, *buffers]]
        modules = list(model.named_modules())
        self._known = {id(m): (m, f"module {path!r}") for path, m in modules} | self._known
        return [values, [(path, _name(type(m)), m.extra_repr(), self._settings(m)) for path, m in modules]]

    def _settings(self, module: torch.nn.Module) -> dict[str, Any]:
        """Such as the share of a Dropout. Not what every module has: parameters, buffers, modules and hooks."""
        left_out = {*vars(torch.nn.Module()), *PASSING}
        return {name: self.plain(value) for name, value in sorted(vars(module).items()) if name not in left_out}

    def plain(self, value: Any, depth: int = 0) -> Any:
        """A value as what `digest` takes; of what holds others, the hash."""
        if isinstance(value, PLAIN):
            return value
        if isinstance(value, BY_TEXT):
            return str(value)
        if isinstance(value, torch.Tensor):
            return _values(value)
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            return value
        if id(value) not in self._known:
            self._known[id(value)] = value, "itself"
            self._known[id(value)] = value, digest([_name(_named(value)), self._inside(value, depth + 1)])
        return self._known[id(value)][1]

    def _inside(self, value: Any, depth: int) -> Any:
        if isinstance(value, torch.nn.Module):  # one that is no part of the model, such as in a list
            return self.of_model(value)
        if depth > DEEP:
            return None
        if isinstance(value, set | frozenset):  # in an order that is the same in every process
            return sorted(digest(self.plain(each, depth)) for each in value)
        return [self.plain(each, depth) for each in _held(value)]


def _held(value: Any) -> list[Any]:
    """What a thing holds; nothing of one that is known by its name."""
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, f.name) for f in fields(value)]
    if isinstance(value, tuple | list | np.ndarray):
        return list(value)
    if isinstance(value, CodeType):
        return [value.co_code, *value.co_names, *value.co_consts]
    if isinstance(value, FunctionType):
        return [value.__code__, value.__defaults__, value.__kwdefaults__, *_closed_over(value)]
    return [] if hasattr(value, "__qualname__") and not hasattr(value, "__self__") else _pickled(value)


def _closed_over(function: FunctionType) -> list[Any]:
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # it has no value yet
            found.append(None)
    return found


def _pickled(value: Any) -> list[Any]:
    """What pickle would store, such as the attributes of an object, the arguments of a partial, the object of a method."""
    try:
        reduced = value.__reduce_ex__(PICKLED)
        return [reduced] if isinstance(reduced, str) else [list(part) if hasattr(part, "__next__") else part for part in reduced]
    except Exception:
        return []


def _named(value: Any) -> Any:
    return value if hasattr(value, "__qualname__") else type(value)  # of a function, or a class, its own name


def _name(named: Any) -> str:
    return f"{getattr(named, '__module__', '')} {named.__qualname__}"


def _values(tensor: torch.Tensor) -> list[Any]:
    return [str(tensor.dtype), numbers(tensor, "the model")]

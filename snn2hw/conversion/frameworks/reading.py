"""What all frameworks' rooms need: whose module it is, what a subclass changed, and its numbers as a layer of ours takes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from snn2hw.conversion.known import Known
from snn2hw.errors import UnsupportedError
from snn2hw.nn.numbered import Numbered, Range

Reader = Callable[[Any, tuple[int, ...], str], Known]
FREE = frozenset({"__init__", "extra_repr", "__repr__"})  # what a subclass may have of its own without another step


def base_of(module: torch.nn.Module, package: str) -> type | None:
    """The first class of a module's ancestry that this package defines, found by name: nothing is imported."""
    return next((c for c in type(module).__mro__ if c.__module__.split(".")[0] == package), None)


def has_ancestor(module: torch.nn.Module, package: str, name: str) -> bool:
    """Whether a module derives from the class of this name of a package."""
    return any(c.__name__ == name and c.__module__.split(".")[0] == package for c in type(module).__mro__)


def refuse_overridden(module: torch.nn.Module, base: type, where: str) -> None:
    """A user's subclass that sets arguments is the class itself; one with a step of its own is not.

    Args:
        module: of the user's model. base: the framework's class that it is, or derives from. where: of it, for messages.

    Raises:
        UnsupportedError: it overrides a function of `base`.
    """
    for own in type(module).__mro__[: type(module).__mro__.index(base)]:
        changed = sorted(n for n, v in vars(own).items() if n not in FREE and hasattr(base, n) and _is_code(v))
        if changed:
            raise UnsupportedError(
                f"a subclass of {base.__name__} changes what it computes",
                where=where,
                got=f"{own.__name__} with {', '.join(changed)} of its own",
                expected=f"a {base.__name__} as it is, or a subclass that sets its arguments",
                do="write its step as a nn.CustomNeuron (docs/how-to/custom.md), and use that in the model",
            )


def _is_code(value: Any) -> bool:
    return callable(value) or isinstance(value, property | staticmethod | classmethod)


def refused(what: str, where: str, got: str, expected: str, do: str) -> UnsupportedError:
    """The error for a module or a setting that nothing here computes. Arguments as `Snn2hwError`."""
    return UnsupportedError(what, where=where, got=got, expected=expected, do=do)


def unknown(framework: str, name: str, why: tuple[str, str] | None, taken: Collection[str], where: str) -> UnsupportedError:
    """The error for a module with a state that is in no table.

    Args:
        framework: its name, for people. name: of the class. why: a reason, and the nearest that is exact; None where
            nobody wrote them down. taken: the classes that are in the table. where: of the module, for messages.
    """
    reason, nearest = why or ("nothing here computes the same step", "")
    nearest = f"use {nearest}, " if nearest else "use one of these, "
    return UnsupportedError(
        f"{framework}'s {name} cannot be exact: {reason}",
        where=where,
        got=name,
        expected=", ".join(sorted(taken)),
        do=nearest + "or write its step as a nn.CustomNeuron (docs/how-to/custom.md)",
    )


def shared(layer: Numbered, tensors: Mapping[str, Any], shape: tuple[int, ...], where: str) -> None:
    """Put the numbers of a framework's module into a layer: the same tensors, learned where they are.

    Args:
        layer: of ours. tensors: by the names of its numbers; plain numbers become buffers.
        shape: [C] or [C, H, W] of its input. where: of the module, for messages.

    Raises:
        UnsupportedError: a number per pixel.
    """
    for name, value in tensors.items():
        layer.share(name, per_channel(name, value, shape, where))


def per_channel(name: str, value: Any, shape: tuple[int, ...], where: str) -> Tensor:
    """A number as a layer of ours takes it: one value, or one per channel of the input. Arguments as `shared`.

    Raises:
        UnsupportedError: one per pixel, or of another shape.
    """
    tensor = value if isinstance(value, Tensor) else torch.as_tensor(value, dtype=torch.float32)
    if not isinstance(tensor, torch.nn.Parameter):
        tensor = tensor.detach()
    if not tensor.is_floating_point():
        tensor = tensor.to(torch.float32)
    over = (1,) * (len(shape) + 1 - tensor.ndim) + tuple(tensor.shape)  # how it broadcasts to [N, C, ...]
    if tensor.numel() == 1 or (over[0] == 1 and math.prod(over) == over[1] == shape[0] and len(over) == len(shape) + 1):
        return tensor
    raise UnsupportedError(
        f"{name} has neither one value nor one per channel",
        where=where,
        got=f"shape {list(tensor.shape)} for an input of [N, {', '.join(map(str, shape))}]",
        expected="one value, or one per channel: " + ("[C]" if len(shape) == 1 else f"[C{', 1' * (len(shape) - 1)}]"),
        do=f"give {name} one value per channel, and train again; a neuron's numbers are those of its channel",
    )


def one_number(name: str, value: Any, where: str) -> float:
    """A number of which there is one for the layer.

    Args:
        name: of it. value: a float or a tensor. where: of the module, for messages.

    Raises:
        UnsupportedError: several that differ.
    """
    values = torch.as_tensor(value, dtype=torch.float64).detach().reshape(-1)
    if (values == values[0]).all():
        return float(values[0])
    raise UnsupportedError(
        f"{name} has several values, and this layer has one",
        where=where,
        got=f"shape {list(torch.as_tensor(value).shape)}, {float(values.min()):g} to {float(values.max()):g}",
        expected="the same value for the whole layer",
        do=f"give {name} one value",
    )


def around(*values: float) -> Range:
    """A range that holds these values twice over, at least [-8, 8]; whoever has data sets it anew."""
    largest = max(8.0, *(2.0 * abs(v) for v in values))
    return (-largest, largest)


def fires(function: Callable[[Tensor], Tensor], strict: bool, where: str) -> None:
    """Try a surrogate function: its forward must be the step function.

    Args:
        function: of v - threshold. strict: whether 0 does not fire. where: of the module, for messages.

    Raises:
        UnsupportedError: it is another function.
    """
    at = torch.tensor([-1.0, -1e-6, 0.0, 1e-6, 1.0])
    with torch.no_grad():
        found = torch.as_tensor(function(at)).to(at)
    if not torch.equal(found, (at > 0 if strict else at >= 0).to(at)):
        raise UnsupportedError(
            "the surrogate function of this neuron is no step function forwards",
            where=where,
            got=f"{', '.join(f'{v:g}' for v in found.reshape(-1).tolist())} at -1, -1e-06, 0, 1e-06, 1",
            expected=f"0 and 1: [v {'>' if strict else '>='} threshold]",
            do="use one of the framework's own surrogate functions, which fire 0 and 1",
        )

"""Operations of a forward that are no layers: views, products, factors, averages over places, sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from snn2hw.formats.torch.values import Values
from snn2hw.formats.torch.views import VIEWS, RefusedError, View, matrix_transposed
from snn2hw.layers import Flatten

DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")


@dataclass(frozen=True)
class Call:
    """A function or method: its name, the path for messages, its arguments, and those of them that are views."""

    name: str
    path: str
    args: Sequence[Any]
    named: Mapping[str, Any]
    views: Sequence[View]


def evaluated(values: Values, call: Call) -> Any:
    """The view or number that a call gives; None where it has no meaning here.

    Raises:
        RefusedError: an operation that has a meaning, but not with these arguments.
        TypeError, IndexError, ValueError: arguments that do not fit it.
    """
    if call.name in ("matmul", "bmm"):
        both = len(call.views) == len(call.args) == 2
        return values.multiplied(call.views[0], call.views[1], call.path) if both else None
    if call.name in ("mul", "truediv", "div"):
        return _scaled(call)
    if call.name not in _TABLE or len(call.views) > 1 or call.args[0] is not call.views[0]:
        return None
    return _TABLE[call.name](values, call)


def _scaled(call: Call) -> View | None:
    """x * factor, factor * x, x / divisor."""
    (x, *others), number = call.views, call.args[isinstance(call.args[0], View)]
    if others or call.named or (x is not call.args[0] and call.name != "mul"):
        return None
    factor = float(number) if call.name == "mul" else 1.0 / number
    if not isfinite(factor) or factor <= 0:
        raise RefusedError("a factor must be positive")
    return replace(x, factor=x.factor * factor)


def _mean(values: Values, call: Call) -> View | None:
    x, *given = call.args
    axes = given[0] if given else call.named.get("dim", ())
    axes = tuple(axes) if isinstance(axes, tuple | list) else (axes,)
    keep = bool(given[1] if len(given) > 1 else call.named.get("keepdim", False))
    return values.averaged(x, axes, keep, values.unique(call.path), f"{call.path} (mean)") if axes else None


def _flatten(values: Values, call: Call) -> View:
    """A node where all axes of a sample become one; else the view."""
    (x,) = call.views
    flat = VIEWS["flatten"](*call.args, **call.named)
    if x.ways[0].order is not None or len(flat.ways[0].seen) != 1 or flat.lead != x.lead or len(x.ways) > 1:
        return flat
    name = values.settled(x.ways[0], x.factor)
    return values.add(Flatten(values.unique(call.path), (name,), (), source=f"{call.path} (flatten)"), x.lead)


def _attribute(values: Values, call: Call) -> Any:
    x, name = call.args[0], call.args[1]
    return matrix_transposed(x) if name == "mT" else {"shape": x.shape, "ndim": len(x.shape)}.get(name)


def _size(values: Values, call: Call) -> Any:
    (x,) = call.views
    dim = call.args[1] if len(call.args) > 1 else call.named.get("dim")
    return x.shape if dim is None else x.shape[dim]


def _dropout(values: Values, call: Call) -> View:
    """Nothing, in evaluation; torch's own default is to drop values there, too."""
    training = call.args[2] if len(call.args) > 2 else call.named.get("training", True)
    if training:
        raise RefusedError("it drops values in evaluation, too: pass training=self.training")
    return call.views[0]


def _view(name: str) -> Callable[[Values, Call], View]:
    return lambda values, call: VIEWS[name](*call.args, **call.named)


_TABLE: dict[str, Callable[[Values, Call], Any]] = {
    **{name: _view(name) for name in VIEWS},
    **dict.fromkeys(DROPOUTS, _dropout),
    "flatten": _flatten,
    "mean": _mean,
    "getattr": _attribute,
    "size": _size,
    "dim": lambda values, call: len(call.views[0].shape),
}

"""Operations of a forward that are no layers: views, products, factors, averages over places, sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import torch

from snn2hw.formats.torch.joins import added, concatenated, gated, scaled, shifted
from snn2hw.formats.torch.values import Values
from snn2hw.formats.torch.views import VIEWS, RefusedError, View, matrix_transposed
from snn2hw.layers import Flatten, Upsample2d
from snn2hw.layers.add import MINUS, PLUS

JOINS = {
    **dict.fromkeys(("add", "iadd", "add_"), "+"),
    **dict.fromkeys(("sub", "isub", "sub_", "subtract", "rsub", "neg", "negative"), "-"),
}
FACTORS = ("mul", "truediv", "div")
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
    if call.name in JOINS:
        return _joined(values, call)
    if call.name in FACTORS:
        return _scaled(values, call)
    if call.name in ("cat", "concat", "concatenate"):
        return _concatenated(values, call)
    if call.name not in _TABLE or len(call.views) > 1 or call.args[0] is not call.views[0]:
        return None
    return _TABLE[call.name](values, call)


def _joined(values: Values, call: Call) -> View | None:
    """x + y, x - y; x + constant, constant - x and so on; -x."""
    name, source = values.unique(call.path), f"{call.path} ({JOINS[call.name]})"
    if call.name in ("neg", "negative"):
        return shifted(values, call.views[0], 0.0, -1, name, source)
    if len(call.args) != 2 or call.named:
        raise RefusedError("an addition must join two branches of the network, or a branch and a constant")
    first, second = call.args if call.name != "rsub" else call.args[::-1]
    minus = JOINS[call.name] == "-"
    if isinstance(first, View) and isinstance(second, View):
        return added(values, first, second, name, source, MINUS if minus else PLUS)
    if isinstance(first, View):
        return shifted(values, first, -_constant(second) if minus else _constant(second), 1, name, source)
    return shifted(values, second, _constant(first), -1 if minus else 1, name, source)


def _constant(value: Any) -> Any:
    """A number, a parameter or a buffer, as it is at deployment."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().double().numpy()
    if isinstance(value, int | float):
        return np.float64(value)
    raise RefusedError("an addition must join two branches of the network, or a branch and a constant")


def _concatenated(values: Values, call: Call) -> View:
    """torch.cat of branches."""
    parts = call.args[0]
    if not isinstance(parts, tuple | list) or len(parts) < 2 or not all(isinstance(p, View) for p in parts):
        raise RefusedError("a concatenation must be of two branches of the network or more")
    axis = call.args[1] if len(call.args) > 1 else call.named.get("dim", call.named.get("axis", 0))
    return concatenated(values, parts, int(axis), values.unique(call.path), f"{call.path} (cat)")


def _scaled(values: Values, call: Call) -> View | None:
    """x * factor, factor * x, x / divisor; x * y of spikes; x * parameter."""
    if len(call.views) == len(call.args) == 2 and call.name == "mul" and not call.named:
        return gated(values, call.args[0], call.args[1], values.unique(call.path), f"{call.path} (*)")
    (x, *others), number = call.views, call.args[isinstance(call.args[0], View)]
    if others or call.named or (x is not call.args[0] and call.name != "mul"):
        return None
    if isinstance(number, torch.Tensor):
        constant = _constant(number) if call.name == "mul" else 1.0 / _constant(number)
        return scaled(values, x, constant, values.unique(call.path), f"{call.path} (*)")
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


def _interpolated(values: Values, call: Call) -> View:
    """torch.nn.functional.interpolate by whole factors, nearest neighbour."""
    given = dict(zip(("input", "size", "scale_factor", "mode"), call.args, strict=False)) | dict(call.named)
    if given.get("mode", "nearest") not in ("nearest", "nearest-exact") or given.get("size") is not None:
        raise RefusedError(
            "values are made larger in another way than nearest neighbour by whole factors", "use scale_factor=2, mode='nearest'"
        )
    factor = given.get("scale_factor")
    factors = tuple(factor) if isinstance(factor, tuple | list) else (factor, factor)
    (x,) = call.views
    way = next((w for w in x.ways if w.is_map and len(w.shape) == 3), None)
    if way is None or len(factors) != 2 or any(f != int(f) or f < 1 for f in factors):
        raise RefusedError(f"a factor of {factor} of {x}", "give whole factors, of images [T*N, C, H, W]")
    name, whole = values.settled(way, x.factor), (int(factors[0]), int(factors[1]))
    made = Upsample2d(values.unique(call.path), (name,), (), whole, source=f"{call.path} (interpolate)")
    return values.add(made, x.lead)


def _view(name: str) -> Callable[[Values, Call], View]:
    return lambda values, call: VIEWS[name](*call.args, **call.named)


_TABLE: dict[str, Callable[[Values, Call], Any]] = {
    **{name: _view(name) for name in VIEWS},
    **dict.fromkeys(DROPOUTS, _dropout),
    "flatten": _flatten,
    "interpolate": _interpolated,
    "mean": _mean,
    "getattr": _attribute,
    "size": _size,
    "dim": lambda values, call: len(call.views[0].shape),
}

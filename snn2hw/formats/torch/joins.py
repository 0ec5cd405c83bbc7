"""How additions, differences, products place by place, concatenations and constants read views of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import UnsupportedError
from snn2hw.formats.torch.values import Values
from snn2hw.formats.torch.views import Placed, Product, RefusedError, View
from snn2hw.ir.network import Node, Reals
from snn2hw.ir.rules import no_payload
from snn2hw.ir.shapes import Pair
from snn2hw.layers import Add, BatchNorm, Concat, Multiply, Offset
from snn2hw.layers.add import PLUS


def added(values: Values, x: View, y: View, name: str, source: str, signs: Pair = PLUS) -> View:
    """x + y, or x - y.

    Args:
        values: gets the node. name, source: of it. signs: of x and y, each 1 or -1.

    Raises:
        UnsupportedError: branches that lie differently over their values.
    """
    what = "added" if signs == PLUS else "subtracted"
    return _paired(values, x, y, lambda inputs: Add(name, inputs, (), signs, source=source), what, source)


def gated(values: Values, x: View, y: View, name: str, source: str) -> View:
    """x * y, place by place, of what neurons fired.

    Args:
        values: gets the node. name, source: of it; `source` is its place in the model.

    Raises:
        UnsupportedError: branches that lie differently over their values, or that no neuron fired.
    """
    made = _paired(values, x, y, lambda inputs: Multiply(name, inputs, (), source=source), "multiplied", source)
    for entering in values.nodes[name].inputs:
        if (wrong := no_payload(entering, values.nodes)) is not None:
            raise UnsupportedError(
                "a product of what no neuron fired",
                where=source,
                got=wrong.source or wrong.name,
                expected="spikes, or pools, sums and products of spikes",
                do="put a neuron behind it",
            )
    return made


def _paired(values: Values, x: View, y: View, make: Callable[[tuple[str, str]], Node], what: str, source: str) -> View:
    pairs = list(product(x.ways, y.ways))
    plain = [(a, b) for a, b in pairs if a.is_map and b.is_map]
    alike = [(_as(a, b), _as(b, a)) for a, b in pairs if a.seen == b.seen and (a.numbers == b.numbers).all()]
    alike = [(a, b) for a, b in alike if a.shape == b.shape]
    if x.lead != y.lead or not (plain or alike):
        raise UnsupportedError(
            f"two branches whose axes do not mean the same are {what}",
            where=source,
            got=f"{x} and {y}",
            expected="branches of the same layout",
            do=f"transpose one as the other, before they are {what}",
        )
    a, b = (plain or alike)[0]
    inputs = values.settled(a, x.factor), values.settled(b, y.factor)
    made = values.add(make(inputs), x.lead)
    return made if plain else made.each(lambda _: a.numbers)


def _as(way: Placed, other: Placed) -> Placed:
    """A product, whose places may lie as those of what it is joined with."""
    if (
        not isinstance(way.source, Product)
        or len(other.shape) != 3
        or (way.channels, way.places) != (other.channels, other.places)
    ):
        return way
    size = other.shape[1], other.shape[2]
    return replace(way, source=replace(way.source, size=size), shape=other.shape)


def concatenated(values: Values, views: Sequence[View], axis: int, name: str, source: str) -> View:
    """The views side by side along their channels: axis 2 of [T, N, C, ...], or the last of tokens [T, N, L, C].

    Args:
        values: gets the node. name, source: of it; `source` is its place in the model.

    Raises:
        RefusedError: another axis.
    """
    first = views[0]
    axis = axis % len(first.shape) - len(first.lead)
    if axis < 0 or any(v.lead != first.lead for v in views):
        raise RefusedError("a concatenation must keep the T and N axes", "concatenate along the channels: dim=2")

    def joined(ways: Sequence[Placed | None], settle: Callable[[Placed, float], str]) -> View:
        inputs = tuple(settle(w, v.factor) for w, v in zip(ways, views, strict=True) if w is not None)
        return values.add(Concat(name, inputs, (), source=source), first.lead)

    rows = [next((w for w in v.ways if len(w.seen) == 1 and w.is_row), None) for v in views]
    if all(rows):
        return joined(rows, values.row)
    maps = [next((w for w in v.ways if w.is_channels_first), None) for v in views]
    if axis == 0 and all(maps):
        after = first.ways[0].seen[1:]
        made = joined(maps, values.settled)
        return made if first.ways[0].is_map else made.each(lambda numbers: numbers.reshape(len(numbers), *after))
    tokens = [next((w for w in v.ways if w.is_tokens), None) for v in views]
    if axis == len(first.ways[0].seen) - 1 and all(tokens):
        before = first.ways[0].seen[:-1]
        made = joined(tokens, values.settled)
        return made.each(lambda numbers: numbers.reshape(len(numbers), -1).T.reshape(*before, len(numbers)))
    raise RefusedError("a concatenation is not along the channels", "concatenate along the channels: dim=2 of [T, N, C, ...]")


def shifted(values: Values, x: View, constant: Any, sign: int, name: str, source: str) -> View:
    """sign * x + constant, the constant a number or an array that broadcasts over x without T and N.

    Args:
        values: gets the node. sign: 1 or -1. name, source: of the node; `source` is its place in the model.

    Raises:
        RefusedError: a constant of another shape.
    """
    way = _settling(x)
    offset = _placed(x, way, constant)
    made = values.add(Offset(name, (values.settled(way, x.factor),), (), offset, sign, source=source), x.lead)
    return made if way.is_map else made.each(lambda _: way.numbers)


def scaled(values: Values, x: View, constant: Any, name: str, source: str) -> View:
    """x * constant, one number for each channel: a BatchNorm without a shift.

    Args:
        values: gets the node. name, source: of it; `source` is its place in the model.

    Raises:
        RefusedError: numbers that differ within a channel.
    """
    way = _settling(x)
    scale = _placed(x, way, constant)
    if scale.ndim > 1:
        raise RefusedError(
            "a value is multiplied with numbers that differ from place to place", "use one number for each channel"
        )
    made = values.add(BatchNorm(name, (values.settled(way, x.factor),), (), scale, np.zeros_like(scale), source=source), x.lead)
    return made if way.is_map else made.each(lambda _: way.numbers)


def _settling(x: View) -> Placed:
    return min(x.ways, key=lambda w: (not w.is_map, not w.is_channels_first, not w.is_tokens))


def _placed(x: View, way: Placed, constant: Any) -> Reals:
    """The constant at every place of the node: [C] where each channel has one, else of the node's shape."""
    given: npt.NDArray[np.float64] = np.asarray(constant, np.float64)
    while given.ndim > len(way.seen) and given.shape[0] == 1:
        given = given[0]
    try:
        seen = np.broadcast_to(given, way.seen)
    except ValueError:
        raise RefusedError(
            f"a constant of shape {list(given.shape)} does not fit {x}", "give it one number for each channel"
        ) from None
    flat = np.empty(seen.size)
    flat[way.numbers.ravel()] = seen.ravel()
    rows = flat.reshape(way.channels, -1)
    return rows[:, 0].copy() if (rows == rows[:, :1]).all() else flat.reshape(way.shape)

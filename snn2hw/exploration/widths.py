"""Which widths of weights and states follow from an error budget."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeVar

import numpy as np

from snn2hw.diagnosis.mixed import fed_by
from snn2hw.diagnosis.parts import STATE, WEIGHTS
from snn2hw.exploration.budget_result import Row
from snn2hw.ir.network import EquationNeuron, Network, Neuron

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Widths:
    """Widths layer by layer.

    Args:
        layer_bits: of weights, by synaptic layer; layer_state_bits: of states, by neuron layer; of the one that was chosen.
        bits: that all of these take; widest: the same, each at its largest width.
    """

    layer_bits: Mapping[str, int]
    layer_state_bits: Mapping[str, int]
    bits: int
    widest: int


@dataclass(frozen=True)
class _Item:
    """Something that has one width: the weights of some layers, or the states of one.

    Args:
        part: which. names: of the layers that have the width. number: of weights or states. widths: rising; errors: of each.
    """

    part: str
    names: tuple[str, ...]
    number: int
    widths: tuple[int, ...]
    errors: tuple[float, ...]


def widths_within(net: Network, rows: Iterable[Row], memory: float, parts: Collection[str] = (WEIGHTS,)) -> Widths:
    """Widths that keep a share of the bits.

    Args:
        net: in floats. rows: of its budget, one for each width. memory: the share of the bits.
        parts: what has widths, of "weights" and "state".
    """
    known = list(rows)
    items = [*(_weights(net, known) if WEIGHTS in parts else ()), *(_states(net, known) if STATE in parts else ())]
    numbers = {item.names: item.number for item in items}
    places = assigned({i.names: i.errors for i in items}, numbers, {i.names: i.widths for i in items}, memory)
    widths = {item.names: item.widths[places[item.names]] for item in items}
    chosen = {part: {n: widths[i.names] for i in items if i.part == part for n in i.names} for part in (WEIGHTS, STATE)}
    bits = sum(widths[item.names] * item.number for item in items)
    return Widths(chosen[WEIGHTS], chosen[STATE], bits, sum(item.widths[-1] * item.number for item in items))


def _weights(net: Network, rows: Sequence[Row]) -> list[_Item]:
    """Layers that share a synaptic layer are one, as its weights have one width and are there once."""
    by_layer = _by_layer(rows, WEIGHTS)
    found: list[tuple[list[str], dict[str, int]]] = []
    for layer in by_layer:
        layers, sizes = [layer], {s.name: s.weight.size for s in fed_by(net, layer)}
        for other in [each for each in found if each[1].keys() & sizes.keys()]:
            found.remove(other)
            layers, sizes = [*other[0], *layers], {**other[1], **sizes}
        if sizes:  # what other neurons enter as they are has no weights
            found.append((layers, sizes))
    items = []
    for layers, sizes in found:
        widths = tuple(sorted({bits for layer in layers for bits in by_layer[layer]}))
        errors = tuple(sum(by_layer[layer][bits] for layer in layers) for bits in widths)
        items.append(_Item(WEIGHTS, tuple(sizes), sum(sizes.values()), widths, errors))
    return items


def _states(net: Network, rows: Sequence[Row]) -> list[_Item]:
    nodes: dict[str, Any] = {n.name: n for n in net.neurons}
    items = []
    for layer, errors in _by_layer(rows, STATE).items():
        widths = tuple(sorted(errors))
        number = prod(nodes[layer].shape) * _count(nodes[layer])
        items.append(_Item(STATE, (layer,), number, widths, tuple(errors[bits] for bits in widths)))
    return items


def _count(node: Neuron | EquationNeuron) -> int:
    """How many states a neuron has."""
    return len(node.equation.states) if isinstance(node, EquationNeuron) else 1 + (node.current is not None)


def _by_layer(rows: Sequence[Row], part: str) -> dict[str, dict[int, float]]:
    """By neuron layer, of each width the squared error that it alone makes."""
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        if row.quantiser.part == part and row.bits is not None:
            found.setdefault(row.quantiser.layer, {})[row.bits] = row.alone.error**2
    return found


def assigned(
    errors: Mapping[Name, Sequence[float]], numbers: Mapping[Name, int], widths: Mapping[Name, Sequence[int]], memory: float
) -> dict[Name, int]:
    """Of each item the place of its width among its widths, so that a share of the bits is kept and the sum of errors is small.

    From all at the largest width on, that step is taken which loses least for each bit that it saves, until what is left
    is within the share; a step may pass over a width that loses more than a narrower one. The last step may save more than it
    had to: what then has room within the share is widened again, what gains most for each bit first. A width that loses less
    than a wider one by chance counts as that.

    Args:
        errors: of each width, narrow ones first. numbers: how many have this width. widths: rising.
        memory: the share of the bits.
    """
    lost = {name: np.maximum.accumulate(np.asarray(each, np.float64)[::-1])[::-1] for name, each in errors.items()}
    chosen = {name: len(each) - 1 for name, each in errors.items()}
    limit = memory * sum(numbers[name] * widths[name][-1] for name in errors)

    def used() -> int:
        return sum(numbers[n] * widths[n][at] for n, at in chosen.items())

    def bits(name: Name, to: int) -> int:
        return numbers[name] * (widths[name][to] - widths[name][chosen[name]])

    def per_bit(name: Name, to: int) -> float:
        return float((lost[name][to] - lost[name][chosen[name]]) / -bits(name, to))

    while used() > limit and any(chosen.values()):
        narrower = [(per_bit(name, to), order, -to, name) for order, (name, at) in enumerate(chosen.items()) for to in range(at)]
        _, _, to, name = min(narrower, key=lambda step: step[:3])
        chosen[name] = -to
    while wider := [
        (per_bit(name, to), -order, -to, name)
        for order, (name, at) in enumerate(chosen.items())
        for to in range(at + 1, len(widths[name]))
        if used() + bits(name, to) <= limit and lost[name][to] < lost[name][at]
    ]:
        _, _, to, name = max(wider, key=lambda step: step[:3])
        chosen[name] = -to
    return chosen

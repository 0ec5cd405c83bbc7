"""Which widths of weights follow from an error budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from snn2hw.diagnosis.mixed import fed_by
from snn2hw.diagnosis.parts import WEIGHTS
from snn2hw.exploration.budget_result import Row
from snn2hw.ir.network import Network

Name = TypeVar("Name", str, tuple[str, ...])


def widths_within(
    net: Network, rows: Iterable[Row], widths: Sequence[int], memory: float
) -> tuple[dict[str, int], dict[str, int]]:
    """(widths by synaptic layer, numbers of their weights).

    Args:
        net: in floats. rows: of its budget. widths: that layers may have, rising. memory: the share of the bits.
    """
    weights = [row for row in rows if row.quantiser.part == WEIGHTS and row.bits is not None]
    every = {row.quantiser.layer: {s.name: s.weight.size for s in fed_by(net, row.quantiser.layer)} for row in weights}
    groups = _apart({name: sizes for name, sizes in every.items() if sizes})  # what neurons enter as it is has no weights
    errors = {group: [0.0] * len(widths) for group in groups}
    for group, errs in errors.items():
        for row in (r for r in weights if r.quantiser.layer in group):
            errs[widths.index(row.bits or 0)] += row.alone.error**2
    chosen = assigned(errors, {group: sum(sizes.values()) for group, sizes in groups.items()}, widths, memory)
    layer_bits = {name: widths[chosen[group]] for group, sizes in groups.items() for name in sizes}
    return layer_bits, {name: size for sizes in groups.values() for name, size in sizes.items()}


def _apart(layers: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, ...], dict[str, int]]:
    """Layers that share a synaptic layer are one, as its weights have one width and are there once.

    Args:
        layers: by neuron layer, the numbers of weights by synaptic layer.
    """
    found: dict[tuple[str, ...], dict[str, int]] = {}
    for name, sizes in layers.items():
        group: tuple[str, ...] = (name,)
        of_group = dict(sizes)
        for other in [o for o, theirs in found.items() if theirs.keys() & of_group.keys()]:
            group, of_group = (*other, *group), {**found.pop(other), **of_group}
        found[group] = of_group
    return found


def assigned(
    errors: Mapping[Name, Sequence[float]], numbers: Mapping[Name, int], widths: Sequence[int], memory: float
) -> dict[Name, int]:
    """By layer the place in `widths` of its width, so that a share of the bits is kept and the sum of errors is small.

    From all at the largest width on, that step is taken which loses least for each bit that it saves, until what is left
    is within the share; a step may pass over a width that loses more than a narrower one. A width that loses less than a
    wider one by chance counts as that.

    Args:
        errors: by layer, of each width, narrow ones first. numbers: of weights, by layer. memory: the share of the bits.
    """
    largest = len(widths) - 1
    lost = {name: np.maximum.accumulate(np.asarray(each, np.float64)[::-1])[::-1] for name, each in errors.items()}
    chosen = dict.fromkeys(errors, largest)
    limit = memory * widths[-1] * sum(numbers.values())
    while sum(numbers[n] * widths[at] for n, at in chosen.items()) > limit and any(chosen.values()):
        steps = [
            (float((lost[name][to] - lost[name][at]) / (numbers[name] * (widths[at] - widths[to]))), name, to)
            for name, at in chosen.items()
            for to in range(at)
        ]
        _, name, to = min(steps, key=lambda s: (s[0], s[1], -s[2]))
        chosen[name] = to
    return chosen

"""Who reads whom in an integer network, found by trying: one value after the other is changed, and what changes is seen.

It shares no code with `snn2hw.estimation`; a network of some hundred neurons takes a moment.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.layers import IntAdd, IntConcat, IntMatMul, IntMaxPool2d, IntMultiply, IntSynapse

Reads = dict[tuple[str, str], npt.NDArray[np.bool_]]  # (target, source) -> [target values, source values]


def plain(node: IntNode) -> IntNode:
    """The layer with every weight, shift and sign 1, so that nothing cancels."""
    if isinstance(node, IntSynapse):
        return replace(node, weight=np.ones_like(node.weight), bias=np.zeros_like(node.bias))
    if isinstance(node, IntAdd):
        return replace(node, shifts=(0, 0), signs=(1, 1))
    return replace(node, shifts=(0,) * len(node.shifts)) if isinstance(node, IntConcat) else node


def value(node: IntNode, of: dict[str, Any]) -> Any:
    given = [of[i] for i in node.inputs]
    if isinstance(node, IntNeuron | IntReadout | IntFeedback):
        return given[0]
    if isinstance(node, IntMultiply | IntMatMul):  # a change is seen beside ones, not beside zeros
        return sum(node.value([g if k == at else np.ones_like(g) for k, g in enumerate(given)]) for at in range(len(given)))
    return plain(node).value(given)


def connectivity(net: IntegerNetwork, populations: list[str]) -> Reads:
    """For every pair of these nodes: which value of one reads which value of the other, without another of them between."""
    known = {n.name: n for n in net.nodes}
    found: Reads = {}
    for source in populations:
        size = prod(known[source].shape)
        rows = np.eye(size, dtype=np.int64).reshape(size, *known[source].shape)
        values = {name: np.zeros((size, *known[name].shape), np.int64) for name in populations} | {source: rows}
        zero = {name: np.zeros_like(v) for name, v in values.items()}
        later = [n for n in net.nodes if isinstance(n, IntFeedback)] + [n for n in net.nodes if not isinstance(n, IntFeedback)]
        for node in later:
            if node.name in populations:
                if not isinstance(node, IntInput):
                    read = (value(node, values) != value(node, zero)).reshape(size, -1).T
                    if read.any():
                        found[node.name, source] = read
            else:
                values[node.name], zero[node.name] = value(node, values), value(node, zero)
    return found


def populations_of(net: IntegerNetwork) -> list[str]:
    """The nodes whose values somebody must compute, by the rule of the documents: no sum is sent on unless it is kept."""
    known = {n.name: n for n in net.nodes}
    kept = {
        n.name for n in net.nodes if isinstance(n, IntInput | IntNeuron | IntReadout | IntMaxPool2d | IntMultiply | IntMatMul)
    }
    for node in net.nodes:
        if isinstance(node, IntNeuron | IntReadout) or (node.name not in kept and not isinstance(node, IntSynapse)):
            continue
        waiting = list(node.inputs)
        while waiting:
            read = known[waiting.pop()]
            if read.name not in kept and isinstance(read, IntSynapse):
                kept.add(read.name)
            elif read.name not in kept:
                waiting += read.inputs
    return [n.name for n in net.nodes if n.name in kept]

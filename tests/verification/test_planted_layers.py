"""Faults in the ONNX table of layers that join, gate, shift and enlarge: `verify` finds each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.formats.onnx import write_layers as onnx_layers
from snn2hw.layers import IntConcat, IntMultiply, IntOffset, IntPlaces, IntResize2d
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from snn2hw.verification.verdict import compare_executors
from tests.random_networks import LAYERED, compiled, payloads_of, random_case

SEEDS = (1, 3, 4, 8, 21)  # together they have all of these layers
Row = Callable[..., str]


@cache
def network(seed: int) -> tuple[Artefact, Ints]:
    case = random_case(LAYERED + seed)
    net = compiled(case).network
    return make_artefact(net), payloads_of(case, net)


def changed(**fields: Callable[[Any], Any]) -> Callable[[Row], Row]:
    """The right row, of a node whose fields are others."""

    def wrong(right: Row) -> Row:
        def row(w: Any, node: Any, inputs: list[str], sources: list[Any]) -> str:
            other = type(node)(**{**vars(node), **{name: change(node) for name, change in fields.items()}})
            return right(w, other, inputs, sources)

        return row

    return wrong


def backwards(right: Row) -> Row:
    return lambda w, node, inputs, sources: right(w, node, inputs[::-1], sources[::-1])


def added(right: Row) -> Row:
    return lambda w, node, inputs, sources: w.node("Add", inputs, onnx_layers.value_name(node))


def turned(right: Row) -> Row:
    return lambda w, node, inputs, sources: w.node(
        "Neg", [right_of(right, w, node, inputs, sources)], onnx_layers.value_name(node)
    )


def right_of(right: Row, w: Any, node: Any, inputs: list[str], sources: list[Any]) -> str:
    """The right value under another name."""
    other = type(node)(**{**vars(node), "name": f"{node.name}_right"})
    return right(w, other, inputs, sources)


FAULTS: dict[str, tuple[type, Callable[[Row], Row]]] = {
    "a concatenation the other way round": (IntConcat, backwards),
    "a sum in place of a product": (IntMultiply, added),
    "a constant that is left out": (IntOffset, changed(offset=lambda n: np.zeros_like(n.offset))),
    "a constant of the other sign": (IntOffset, changed(offset=lambda n: -n.offset)),
    "a value that is not turned, or is": (IntOffset, changed(sign=lambda n: -n.sign)),
    "places that change their sign": (IntPlaces, turned),
    "larger images of the negative": (IntResize2d, turned),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_onnx_layer_table(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, wrong = FAULTS[fault]
    nets = [network(seed) for seed in SEEDS if any(isinstance(n, kind) for n in network(seed)[0].network.nodes)]
    assert nets
    monkeypatch.setitem(onnx_layers.LAYERS, kind, wrong(onnx_layers.LAYERS[kind]))  # type: ignore[index]
    remade = [(make_artefact(artefact.network), payloads[:, :4]) for artefact, payloads in nets[:2]]
    assert not all(compare_executors(a, payloads, ["onnx-reference"]).equal for a, payloads in remade)

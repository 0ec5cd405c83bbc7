"""A fault planted in one executor must be found, located and explained; every claim is checked by brute force."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, Executor, HoldsAll
from snn2hw.formats.onnx import write_layers as onnx_layers
from snn2hw.formats.onnx import write_program as onnx_program
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntNode, IntReadout
from snn2hw.ir.optable import SOURCES
from snn2hw.ir.program import Op
from snn2hw.layers import (
    IntAdd,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMatMul,
    IntMaxPool2d,
    IntSumPool2d,
)
from snn2hw.num import Rounding
from snn2hw.simplification import simplified
from snn2hw.store import make_artefact
from snn2hw.trace import Ints, Trace
from snn2hw.verification.verdict import compare_executors
from tests.verification import test_planted_layers
from tests.verification.brute_force import SEEDS, check_named, everywhere, fed_by, layer_of, network, operations, with_op
from tests.verification.hand_networks import compiled, image, integrate, linear, readout
from tests.verification.hand_networks import network as network_of

ONNX = [name for name in ("onnxruntime", "onnx-reference") if not EXECUTORS[name].unavailable()]
INNER = "reference" if EXECUTORS["torch"].unavailable() else "torch"  # what runs the changed weights outside ONNX

# --- the torch executor's own table ------------------------------------------------------------------------------------

TorchOp = Callable[[Any, Any, Any], Any]


def _off_by_one(right: TorchOp) -> TorchOp:
    return lambda i, a, x: right(i, a, x) + 1


def _half_up(right: TorchOp) -> TorchOp:
    return lambda i, a, x: right(replace(i, attrs=(i.attrs[0], Rounding.HALF_UP)), a, x)


def _floor(right: TorchOp) -> TorchOp:
    return lambda i, a, x: right(replace(i, attrs=(i.attrs[0], Rounding.FLOOR)), a, x)


def _toward_zero(right: TorchOp) -> TorchOp:
    return lambda i, a, x: right(replace(i, attrs=(i.attrs[0], Rounding.TOWARD_ZERO)), a, x)


TORCH_FAULTS: dict[str, tuple[Op, Callable[[TorchOp], TorchOp]]] = {
    "an addition carries one": (Op.ADD, _off_by_one),
    "an addition wraps at 8 bits": (Op.ADD, lambda right: lambda i, a, x: (right(i, a, x) + 128).remainder(256) - 128),
    "a subtraction borrows one": (Op.SUB, _off_by_one),
    "a subtraction the other way round": (Op.SUB, lambda right: lambda i, a, x: right(i, a[::-1], x)),
    "a product off by one": (Op.MUL, _off_by_one),
    "a product of magnitudes": (Op.MUL, lambda right: lambda i, a, x: right(i, a, x).abs()),
    "a shift left by one too few": (
        Op.SHIFT_LEFT,
        lambda right: lambda i, a, x: right(replace(i, attrs=(int(i.attrs[0]) - 1,)), a, x),
    ),
    "a shift right that rounds half up": (Op.SHIFT_RIGHT, _half_up),
    "a shift right that floors": (Op.SHIFT_RIGHT, _floor),
    "a shift right that truncates": (Op.SHIFT_RIGHT, _toward_zero),
    "a clamp one too low": (
        Op.CLAMP,
        lambda right: lambda i, a, x: right(replace(i, attrs=(i.attrs[0], int(i.attrs[1]) - 1)), a, x),
    ),
    "a clamp from above only": (Op.CLAMP, lambda right: lambda i, a, x: a[0].clamp(max=int(i.attrs[1]))),
    "a wrap off by one": (Op.WRAP, _off_by_one),
    "a maximum that takes the first": (Op.MAX, lambda right: lambda i, a, x: a[0]),
    ">= as >": (Op.GE, lambda right: lambda i, a, x: a[0].gt(a[1]).long()),
    "> as >=": (Op.GT, lambda right: lambda i, a, x: a[0].ge(a[1]).long()),
    "a select with its arms exchanged": (Op.SELECT, lambda right: lambda i, a, x: right(i, [a[0], a[2], a[1]], x)),
    "an output that loses its lowest bit": (Op.OUTPUT, lambda right: lambda i, a, x: right(i, a, x) // 2 * 2),
}


@pytest.mark.torch
def test_every_operation_that_torch_runs_has_a_fault() -> None:
    from snn2hw.backends.torch.program import OPERATIONS

    planted = {op for op, _ in TORCH_FAULTS.values()}
    assert planted == operations(simplified) - SOURCES - {Op.CONST}  # what computes nothing
    assert planted <= set(OPERATIONS)


@pytest.mark.torch
@pytest.mark.parametrize("fault", TORCH_FAULTS)
def test_a_fault_in_the_torch_table(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2hw.backends.torch.program import OPERATIONS

    op, change = TORCH_FAULTS[fault]
    monkeypatch.setitem(OPERATIONS, op, change(OPERATIONS[op]))
    for found in everywhere("torch", with_op(op)):
        assert found.executor == "torch"


@pytest.mark.torch
def test_sums_in_float32_where_it_is_not_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2hw.backends.torch import executor as torch_executor

    real = network_of(1, image(600), linear("fc", "input", np.full((1, 600), 127 / 128)), readout("fc"))
    net, payloads = compiled(real, np.ones((1, 600))), np.full((1, 1, 600), 255)
    total = 127 * 255 * 600 - 127
    payloads[0, 0, 7] -= 1
    assert total > 2**24
    assert total % 2 == 1  # which no float32 of this size holds
    artefact = make_artefact(net)
    assert compare_executors(artefact, payloads, ["torch"]).equal
    monkeypatch.setattr(torch_executor, "FLOAT32_EXACT", 2**62)
    (found,) = compare_executors(artefact, payloads, ["torch"]).differences
    assert (found.executor, found.signal, found.expected) == ("torch", "readout", total)
    assert found.got != total


# --- the ONNX emission tables ------------------------------------------------------------------------------------------

Emitted = Callable[[Any, Any], None]


def _other_op(op: str) -> Callable[[Emitted], Emitted]:
    return lambda right: lambda e, i: e.node(op, i, *i.args)


def _raised(right: Emitted) -> Emitted:
    """The right value plus one."""

    def emit(e: Any, i: Any) -> None:
        right(e, replace(i, name=f"{i.name}_right"))
        e.node("Add", i, f"{i.name}_right", e.constant(1))

    return emit


def _rounding(rounding: Rounding) -> Callable[[Emitted], Emitted]:
    return lambda right: lambda e, i: right(e, replace(i, attrs=(i.attrs[0], rounding)))


def alternating(faults: Iterable[str]) -> list[tuple[str, str]]:
    """Each fault with one of the executors of ONNX files, in turns: the fault is in the file, which all of them read."""
    return [(fault, ONNX[k % len(ONNX)]) for k, fault in enumerate(faults)]


ONNX_PROGRAM_FAULTS: dict[str, tuple[Op, Callable[[Emitted], Emitted]]] = {
    "an addition carries one": (Op.ADD, _raised),
    "a subtraction that adds": (Op.SUB, _other_op("Add")),
    "a product off by one": (Op.MUL, _raised),
    "a shift left by one too few": (Op.SHIFT_LEFT, lambda right: lambda e, i: right(e, replace(i, attrs=(int(i.attrs[0]) - 1,)))),
    "a shift right that truncates": (Op.SHIFT_RIGHT, _rounding(Rounding.TOWARD_ZERO)),
    "a shift right that floors": (Op.SHIFT_RIGHT, _rounding(Rounding.FLOOR)),
    "a clamp one too high": (Op.CLAMP, lambda right: lambda e, i: right(e, replace(i, attrs=(i.attrs[0], int(i.attrs[1]) + 1)))),
    "a wrap off by one": (Op.WRAP, _raised),
    "a maximum that takes the smaller": (Op.MAX, lambda right: onnx_program._TABLE[Op.MIN]),
    ">= as >": (Op.GE, lambda right: onnx_program._TABLE[Op.GT]),
    "> as >=": (Op.GT, lambda right: onnx_program._TABLE[Op.GE]),
    "a select with its arms exchanged": (
        Op.SELECT,
        lambda right: lambda e, i: right(e, replace(i, args=(i.args[0], *i.args[:0:-1]))),
    ),
}


@pytest.mark.parametrize(("fault", "executor"), alternating(ONNX_PROGRAM_FAULTS))
def test_a_fault_in_the_onnx_program_table(fault: str, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    op, change = ONNX_PROGRAM_FAULTS[fault]
    monkeypatch.setitem(onnx_program._TABLE, op, change(onnx_program._TABLE[op]))  # type: ignore[index]
    everywhere(executor, with_op(op))


def test_every_operation_that_compiling_writes_has_a_fault_in_onnx() -> None:
    assert {op for op, _ in ONNX_PROGRAM_FAULTS.values()} == operations(simplified) - SOURCES - {Op.OUTPUT, Op.CONST}


EmittedLayer = Callable[[Any, Any, list[str], list[IntNode]], str]


def _changed(**changes: Callable[[Any], Any]) -> Callable[[EmittedLayer], EmittedLayer]:
    """The node is written with some of its fields changed."""
    return lambda right: lambda w, n, i, s: right(w, replace(n, **{k: f(n) for k, f in changes.items()}), i, s)


def _channels_last(right: EmittedLayer) -> EmittedLayer:
    def emit(w: Any, node: Any, inputs: list[str], sources: list[IntNode]) -> str:
        name = f"{onnx_layers.value_name(node)}/channels_last"
        return right(w, node, [w.node("Transpose", inputs, name, perm=[0, 2, 3, 1])], sources)

    return emit


def _one_more(right: EmittedLayer) -> EmittedLayer:
    return lambda w, n, i, s: right(w, n, [w.node("Add", [i[0], w.constant(1, np.int32)], "one_more")], s)


ONNX_LAYER_FAULTS: dict[str, tuple[type, Callable[[EmittedLayer], EmittedLayer]]] = {
    "a convolution without bias": (IntConv2d, _changed(bias=lambda n: np.zeros_like(n.bias))),
    "a convolution with its kernel turned": (IntConv2d, _changed(weight=lambda n: n.weight[..., ::-1, ::-1])),
    "a convolution with its channels moved": (IntConv2d, _changed(weight=lambda n: np.roll(n.weight, 1, axis=0))),
    "a linear layer without bias": (IntLinear, _changed(bias=lambda n: np.zeros_like(n.bias))),
    "a linear layer with its inputs moved": (IntLinear, _changed(weight=lambda n: np.roll(n.weight, 1, axis=1))),
    "a maximum in place of a sum": (IntSumPool2d, lambda right: onnx_layers.LAYERS[IntMaxPool2d]),
    "a sum in place of a maximum": (IntMaxPool2d, lambda right: onnx_layers.LAYERS[IntSumPool2d]),
    "a flatten with the channels last": (IntFlatten, _channels_last),
    "an addition that does not align": (IntAdd, _changed(shifts=lambda n: (0, 0))),
    "a readout that adds one": (IntReadout, _one_more),
}


@pytest.mark.parametrize(("fault", "executor"), alternating(ONNX_LAYER_FAULTS))
def test_a_fault_in_the_onnx_layer_table(fault: str, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, change = ONNX_LAYER_FAULTS[fault]
    monkeypatch.setitem(onnx_layers.LAYERS, kind, change(onnx_layers.LAYERS[kind]))  # type: ignore[index]
    everywhere(executor, lambda net: any(isinstance(n, kind) for n in net.nodes))


@pytest.mark.parametrize("executor", ONNX)
@pytest.mark.parametrize("kind", [IntConv2d, IntMaxPool2d])
def test_a_wrong_fill_of_the_padding(kind: type, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = onnx_layers._padded

    def padded(w: Any, name: str, x: str, window: Any, axes: Any, fill: int, dtype: Any) -> str:
        return right(w, name, x, window, axes, 0 if (axes == (1, 2)) == (kind is IntConv2d) else fill, dtype)

    monkeypatch.setattr(onnx_layers, "_padded", padded)
    everywhere(executor, lambda net: any(isinstance(n, kind) and any(n.window.padding) for n in net.nodes))


def test_every_kind_of_layer_has_a_fault() -> None:
    present = {type(n) for seed in SEEDS for n in network(seed)[0].nodes[1:]}
    elsewhere = {IntMatMul, *(kind for kind, _ in test_planted_layers.FAULTS.values())}  # and in tests/backends/test_attention.py
    assert {kind for kind, _ in ONNX_LAYER_FAULTS.values()} == present - {IntNeuron} == set(onnx_layers.LAYERS) - elsewhere


# --- one bit of one weight ---------------------------------------------------------------------------------------------


def with_one_bit(net: IntegerNetwork, name: str, at: tuple[int, ...]) -> IntegerNetwork:
    """One weight moved by one, toward zero where it is not zero, so that every sum stays where it was proved to be."""
    node: Any = next(n for n in net.nodes if n.name == name)
    weight = node.weight.copy()
    weight[at] -= np.sign(weight[at])
    return replace(net, nodes=tuple(replace(n, weight=weight) if n is node else n for n in net.nodes))


def chosen(node: Any) -> list[tuple[int, ...]]:
    """Four weights that are not zero, spread over the synapse."""
    places = [tuple(int(i) for i in at) for at in np.argwhere(node.weight)]
    return places[:: -(-len(places) // 4)]


@cache
def right_artefact(seed: int) -> Artefact:
    return make_artefact(network(seed)[0])


class Foreign(HoldsAll):
    """An executor that runs another network than the one it is given."""

    name, description = "foreign", "another network"

    def __init__(self, inner: Executor, net: IntegerNetwork) -> None:
        self.inner, self.net = inner, net

    def unavailable(self) -> str:
        return ""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        return self.inner.run(replace(artefact, network=self.net), payloads, traces)


@pytest.mark.parametrize("executor", ["onnx", "foreign"])
@pytest.mark.parametrize("seed", [*SEEDS[:2], *(pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS[2:])])
def test_one_bit_of_one_weight(seed: int, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the ONNX files, whose executors take turns as all of them read the same weight, and in another executor's network."""
    for node in network(seed)[0].nodes:
        if isinstance(node, IntConv2d | IntLinear):
            try:
                shows_and_is_named(seed, node, executor, monkeypatch)
            except AssertionError as error:
                raise AssertionError(f"a weight of {node.name}: {error}") from error


def shows_and_is_named(seed: int, node: IntConv2d | IntLinear, executor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one of four weights that change shows; whichever shows is found where the synapse leads, and suspected."""
    net, payloads = network(seed)
    fed, shown = fed_by(net, node.name), 0
    for k, at in enumerate(chosen(node)):
        wrong = with_one_bit(net, node.name, at)
        monkeypatch.setitem(EXECUTORS, "foreign", Foreign(EXECUTORS[INNER], wrong))
        artefact = right_artefact(seed)
        if executor == "onnx":
            model, step = to_onnx(wrong)
            artefact = replace(artefact, model=model, step=step)
        found = check_named(artefact, payloads, ONNX[k % len(ONNX)] if executor == "onnx" else executor)
        if found is None:
            continue
        shown += 1
        if found.signal == "readout":
            assert fed == {net.readout.name}
        else:
            assert layer_of(net, found.signal).name in fed
            assert "the synapse is suspected" in found.cause
    assert shown > 0


def test_a_weight_too_large_for_the_proved_sums_is_still_a_fault_of_the_synapse(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = linear("linear", "input", [[0.25, 0.5]]), integrate("neuron", "linear"), readout("neuron")
    sample = np.array([[1.0, 1.0]])
    net = compiled(network_of(2, image(2), *layers), sample)
    node: Any = next(n for n in net.nodes if n.name == "linear")
    wrong = replace(node, weight=node.weight + np.array([[1, 0]], np.int8))
    foreign = replace(net, nodes=tuple(wrong if n is node else n for n in net.nodes))
    monkeypatch.setitem(EXECUTORS, "foreign", Foreign(EXECUTORS["reference"], foreign))
    payloads = encode(net, sample)
    assert int(wrong.value([payloads[0]]).max()) > node.interval.hi
    (found,) = compare_executors(make_artefact(net), payloads, ["foreign"]).differences
    assert (found.signal, found.step) == ("neuron.u", 0)
    assert "the synapse is suspected" in found.cause

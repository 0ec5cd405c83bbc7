"""The vectorised reference against an interpreter of nested loops on Python integers, one neuron at a time."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntNode
from snn2hw.ir.program import SPIKES, initial_value
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    IntAdd,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMaxPool2d,
    IntSumPool2d,
)
from snn2hw.trace import Ints
from tests.random_networks import compiled, payloads_of, random_case, reproducer

Place = tuple[int, ...]
Value = dict[Place, int]  # one sample's value at one step, integer by integer

SEEDS = range(1000, 1022)
ALL_KINDS = {IntConv2d, IntLinear, IntSumPool2d, IntMaxPool2d, IntFlatten, IntAdd, IntNeuron}


def places(shape: tuple[int, ...]) -> list[Place]:
    return list(product(*(range(n) for n in shape)))


def taps(window: Window, y: int, x: int) -> list[Place]:
    """(row, column, kernel row, kernel column) of everything the kernel sees from output place (y, x), border included."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = window.kernel, window.stride, window.padding, window.dilation
    return [(y * sh - ph + i * dh, x * sw - pw + j * dw, i, j) for i in range(kh) for j in range(kw)]


def convolution(node: IntConv2d, entering: Value) -> Value:
    weight, bias, per_group = node.weight.tolist(), node.bias.tolist(), node.weight.shape[1]
    result = {}
    for o, y, x in places(node.shape):
        total = bias[o]
        first = o // (len(weight) // node.groups) * per_group
        for c in range(per_group):
            for row, column, i, j in taps(node.window, y, x):
                total += weight[o][c][i][j] * entering.get((first + c, row, column), 0)
        result[o, y, x] = total
    return result


def product_with_matrix(node: IntLinear, entering: Value) -> Value:
    weight, bias = node.weight.tolist(), node.bias.tolist()
    return {(o,): bias[o] + sum(w * entering[(i,)] for i, w in enumerate(row)) for o, row in enumerate(weight)}


def pooled(node: IntSumPool2d | IntMaxPool2d, entering: Value) -> Value:
    result = {}
    for c, y, x in places(node.shape):
        seen = [entering[c, row, column] for row, column, _, _ in taps(node.window, y, x) if (c, row, column) in entering]
        result[c, y, x] = max(seen) if isinstance(node, IntMaxPool2d) else sum(seen)
    return result


def flattened(node: IntNode, entering: Value) -> Value:
    return {(k,): entering[place] for k, place in enumerate(sorted(entering))}


def layer(node: IntNode, inputs: list[Value]) -> Value:
    if isinstance(node, IntConv2d):
        return convolution(node, inputs[0])
    if isinstance(node, IntLinear):
        return product_with_matrix(node, inputs[0])
    if isinstance(node, IntSumPool2d | IntMaxPool2d):
        return pooled(node, inputs[0])
    if isinstance(node, IntFlatten):
        return flattened(node, inputs[0])
    if isinstance(node, IntAdd):
        return {p: inputs[0][p] * 2 ** node.shifts[0] + inputs[1][p] * 2 ** node.shifts[1] for p in inputs[0]}
    return inputs[0]


def run_sample(net: IntegerNetwork, payloads: Any) -> dict[str, list[Any]]:
    """Every signal of one sample [T, ...] as nested lists of Python integers: readout, payloads and states by step."""
    states = {
        n.name: {p: {s: initial_value(i) for s, i in n.program.states.items()} for p in places(n.shape)} for n in net.neurons
    }
    seen: dict[str, list[Any]] = {}
    readout = [0] * net.readout.shape[0]
    for frame in payloads:
        values: dict[str, Value] = {net.input.name: {p: int(frame[p]) for p in places(net.input.shape)}}
        for node in net.nodes[1:]:
            inputs = [values[i] for i in node.inputs]
            if isinstance(node, IntNeuron):
                values[node.name] = fired(node, inputs[0], states[node.name])
                seen.setdefault(f"spikes/{node.name}", []).append([values[node.name][p] for p in places(node.shape)])
                for s in node.program.states:
                    seen.setdefault(f"states/{node.name}.{s}", []).append([states[node.name][p][s] for p in places(node.shape)])
            else:
                values[node.name] = layer(node, inputs)
        readout = [total + values[net.readout.name][(k,)] for k, total in enumerate(readout)]
    return {"readout": readout, **seen}


def fired(node: IntNeuron, entering: Value, states: dict[Place, dict[str, int]]) -> Value:
    """The payloads; `states` become those after the step."""
    outputs = {to: i.name for to, i in node.program.outputs.items()}
    payloads = {}
    for place, state in states.items():
        values = evaluate_scalar(node.program, entering[place], state, channel=place[0])
        payloads[place] = values[outputs[SPIKES]]
        states[place] = {s: values[outputs[s]] for s in state}
    return payloads


@cache
def drawn(seed: int) -> tuple[IntegerNetwork, Ints]:
    """A random network and its payloads, for every test that asks for this seed."""
    case = random_case(seed)
    net = compiled(case).network
    return net, payloads_of(case, net)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks(seed: int) -> None:
    net, payloads = drawn(seed)
    payloads = payloads[:, [1, 2, 5, -1]]  # all-highest, alternating corners, noise, a real sample
    trace = interpret(net, payloads).arrays()
    for n in range(payloads.shape[1]):
        for name, expected in run_sample(net, payloads[:, n]).items():
            got = trace[name][n] if name == "readout" else trace[name][:, n].reshape(net.steps, -1)
            assert got.tolist() == expected, f"{name}, sample {n}; {reproducer(seed)}"


def test_the_networks_hold_every_kind_of_layer() -> None:
    nets = [drawn(seed)[0] for seed in SEEDS]
    nodes = [n for net in nets for n in net.nodes]
    assert {type(n) for n in nodes} >= ALL_KINDS
    convolutions = [n for n in nodes if isinstance(n, IntConv2d)]
    assert any(n.groups > 1 for n in convolutions)
    assert any(n.window.dilation != (1, 1) for n in convolutions)
    assert any(n.window.stride != (1, 1) for n in convolutions)
    assert any(any(n.window.padding) for n in nodes if isinstance(n, IntMaxPool2d))
    assert any(any(n.window.padding) for n in nodes if isinstance(n, IntSumPool2d))
    assert any(n.shifts != (0, 0) for n in nodes if isinstance(n, IntAdd))
    assert any(n.program.channels > 1 for n in nodes if isinstance(n, IntNeuron))


def test_without_traces_the_readout_is_the_same() -> None:
    net, payloads = drawn(SEEDS[0])
    alone = interpret(net, payloads, traces=False)
    assert alone.spikes == alone.states == {}
    np.testing.assert_array_equal(alone.readout, interpret(net, payloads).readout)


def test_samples_do_not_see_each_other() -> None:
    net, payloads = drawn(SEEDS[1])
    whole = interpret(net, payloads)
    backwards = interpret(net, payloads[:, ::-1])
    for name, value in whole.arrays().items():
        other = backwards.arrays()[name]
        np.testing.assert_array_equal(value, other[::-1] if name == "readout" else other[:, ::-1])

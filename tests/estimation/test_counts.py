"""Counts of a run, against the rule itself: binary weights on binary values, and the flags of the programs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.backends.reference import initial_states, interpret
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.estimation.counts import Counts
from snn2hw.estimation.values import Values, _flags
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Circulate
from snn2hw.layers import IntSynapse
from snn2hw.trace import Ints, Trace
from snn2hw.verification.inputs import values_at
from tests.hand_networks import compiled, counts, linear, network, neuron, readout
from tests.random_networks import ATTENTION, LAYERED, RECURRENT, payloads_of, random_case
from tests.random_networks import compiled as compiled_case

SEEDS = [3, 7, LAYERED + 1, RECURRENT + 2, ATTENTION]
MANY = [*range(20, 60), *(first + k for first in (LAYERED, RECURRENT, ATTENTION) for k in range(10, 30))]


def run(seed: int) -> tuple[IntegerNetwork, Ints, Trace]:
    case = random_case(seed)
    net = compiled_case(case).network
    payloads = payloads_of(case, net)
    return net, payloads, interpret(net, payloads)


def counted(net: IntegerNetwork, payloads: Ints, trace: Trace) -> Counts:
    """In two batches, which are to add up."""
    found, half = Counts(net), payloads.shape[1] // 2
    for some in (slice(0, half), slice(half, None)):
        if payloads[:, some].shape[1]:
            found.add(payloads[:, some], trace.part(*some.indices(payloads.shape[1])[:2]))
    return found


def agrees(seed: int) -> None:
    net, payloads, trace = run(seed)
    found = counted(net, payloads, trace)
    known = {n.name: n for n in net.nodes}
    for t in range(net.steps):
        values = values_at(net, t, trace, payloads)
        for name, layer in found.synapses.items():
            node: Any = known[name]
            entering = [values[i] for i in node.inputs]
            binary = node
            if isinstance(node, IntSynapse):
                binary = replace(node, weight=(node.weight != 0).astype(np.int8), bias=np.zeros_like(node.bias))
            assert layer.operations[t] == binary.value([(x != 0).astype(np.int64) for x in entering]).sum(), (seed, name, t)
            if isinstance(node, IntSynapse):
                assert bool(layer.multiplies[t]) == bool((np.abs(entering[0]) > 1).any()), (seed, name, t)
        for node in net.neurons:
            layer, history = found.neurons[node.name], trace.states
            assert layer.sent[t] == np.count_nonzero(trace.spikes[node.name][t])
            moved = np.zeros(trace.spikes[node.name][t].shape, bool)
            for state, initial in initial_states(node, payloads.shape[1]).items():
                after = history[f"{node.name}.{state}"]
                moved |= after[t] != (after[t - 1] if t else initial)
            assert layer.changed[t] == moved.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks(seed: int) -> None:
    agrees(seed)


@pytest.mark.slow
def test_many_random_networks() -> None:
    ran = 0
    for seed in MANY:
        try:
            agrees(seed)
            ran += 1
        except (WidthError, UnsupportedError):
            continue
    assert ran > 0.6 * len(MANY)


def circulate(amplitudes: tuple[float, ...], signed: bool) -> tuple[IntegerNetwork, Ints]:
    firing = Circulate((0.5,) * len(amplitudes), amplitudes, signed=signed)
    rng = np.random.default_rng(len(amplitudes))
    nodes = [
        counts(6),
        linear("fc", "input", rng.normal(0, 0.8, (5, 6))),
        neuron("n", "fc", "CirculateFiring", ((0.0, 0.5),), firing=firing),
    ]
    net = network(4, *nodes, linear("head", "n", rng.normal(0, 1, (3, 5))), readout("head"))
    x = (rng.random((4, 9, 6)) < 0.6).astype(float)
    made = compiled(net, x).network
    return made, x.astype(np.int64)


@pytest.mark.parametrize("amplitudes", [(1.0, 1.0, 1.0), (2.0, 2.0), (1.0, 0.5, 0.25), (1.0,)])
@pytest.mark.parametrize("signed", [True, False])
def test_spikes_of_a_step_are_the_flags_that_are_up(amplitudes: tuple[float, ...], signed: bool) -> None:
    net, payloads = circulate(amplitudes, signed)
    trace = interpret(net, payloads)
    (node,) = (n for n in net.neurons if n.name == "n")
    values, most = Values(net, payloads, trace), 0
    for t in range(net.steps):
        assert isinstance(node, IntNeuron)
        roles = node.program.roles
        assert roles is not None
        assert roles.firing is not None
        flags = _flags(node.program, roles.firing, *values._before(node, t))
        assert values.spikes("n", t).tolist() == flags.tolist()
        most = max(most, int(flags.max()))
    assert most == len(amplitudes)  # else nothing was tested
    found = counted(net, payloads, trace)
    assert found.neurons["n"].spikes.sum() >= found.neurons["n"].sent.sum()
    (head,) = (n for n in net.nodes if n.name == "head" and isinstance(n, IntSynapse))
    sent = [int((values.spikes("n", t).sum(0) * np.count_nonzero(head.weight, axis=0)).sum()) for t in range(net.steps)]
    assert found.synapses["head"].by_spike.tolist() == sent


def test_one_network_by_hand() -> None:
    """Two inputs, three neurons with weights of 1 that fire at 1 and keep nothing: every number is written out."""
    weight = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    nodes = [
        counts(2),
        linear("fc", "input", weight),
        neuron("n", "fc", "IF", ((0.0, 1.0),), reset="value"),
        linear("head", "n", np.eye(3)),
    ]
    x = np.array([[[1.0, 0.0]], [[1.0, 1.0]], [[0.0, 0.0]]])
    net = compiled(network(3, *nodes, readout("head")), x).network
    payloads = x.astype(np.int64)
    found = counted(net, payloads, interpret(net, payloads))
    fc, n = found.synapses["fc"], found.neurons["n"]
    assert (fc.weights, fc.zeros, fc.dense) == (6, 2, 6)
    assert fc.operations.tolist() == [2, 4, 0]
    assert (fc.accumulates, fc.macs) == (6, 0)
    assert n.sent.tolist() == [2, 3, 0]  # inputs 1 and 0 reach neurons 0 and 2; then all three
    assert n.changed.tolist() == [0, 0, 0]  # each fires in the step in which something comes, and is at 0 again
    assert n.updates.tolist() == [3, 0, 0]
    assert found.samples == 1

"""Whether a verdict is right, by brute force: the place of the first difference, and the synaptic sums that explain it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, Executor, HoldsAll
from snn2hw.backends.reference import interpret
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntReadout
from snn2hw.ir.program import SPIKES, Op, Program, declared_interval, initial_value
from snn2hw.store import make_artefact
from snn2hw.trace import Ints, Trace
from snn2hw.verification.differential import Difference
from snn2hw.verification.verdict import compare_executors
from tests.random_networks import compiled, payloads_of, random_case, reproducer

# Small random networks in which, together, every fault below shows; their synaptic sums are few enough to try them all.
SEEDS = (572, 37, 127, 873)


@cache
def network(seed: int) -> tuple[IntegerNetwork, Ints]:
    case = random_case(seed)
    net = compiled(case).network
    return net, payloads_of(case, net)


@dataclass(frozen=True)
class Place:
    signal: str
    step: int
    sample: int
    index: tuple[int, ...]
    got: int
    expected: int


def earliest(net: IntegerNetwork, got: Trace, expected: Trace) -> Place | None:
    """Earliest step, then earliest layer, payload before state, then lowest sample and index; the readout last."""
    for t in range(net.steps):
        for node in net.neurons:
            signals = [(node.name, got.spikes[node.name], expected.spikes[node.name])]
            signals += [(k, v, expected.states[k]) for k, v in got.states.items() if k.rpartition(".")[0] == node.name]
            for name, a, b in signals:
                if (a[t] == b[t]).all():
                    continue
                for sample, *index in np.ndindex(a.shape[1:]):
                    g, e = int(a[(t, sample, *index)]), int(b[(t, sample, *index)])
                    if g != e:
                        return Place(name, t, sample, tuple(index), g, e)
    for sample, k in np.ndindex(got.readout.shape):
        g, e = int(got.readout[sample, k]), int(expected.readout[sample, k])
        if g != e:
            return Place("readout", -1, sample, (k,), g, e)
    return None


def layer_of(net: IntegerNetwork, signal: str) -> IntNeuron:
    return next(n for n in net.neurons if signal == n.name or signal.rpartition(".")[0] == n.name)


def synaptic_sum(net: IntegerNetwork, node: IntNeuron, place: Place, trace: Trace, payloads: Ints) -> int:
    values = {net.input.name: payloads[place.step]}
    for n in net.nodes[1:]:
        if n.name == node.name:
            break
        inputs = [values[i] for i in n.inputs]
        values[n.name] = trace.spikes[n.name][place.step] if isinstance(n, IntNeuron) else n.value(inputs)
    return int(values[node.inputs[0]][(place.sample, *place.index)])


def explanation(node: IntNeuron, place: Place, got: Trace, expected: Trace) -> Callable[[int], bool]:
    """Whether the reference, in plain Python integers, gives what the executor gave when the synaptic sum is this."""
    at = (place.step, place.sample, *place.index)
    before = {
        s: initial_value(i) if place.step == 0 else int(expected.states[f"{node.name}.{s}"][(place.step - 1, *at[1:])])
        for s, i in node.program.states.items()
    }
    seen = {SPIKES: int(got.spikes[node.name][at])} | {s: int(got.states[f"{node.name}.{s}"][at]) for s in before}
    outputs = {to: i.name for to, i in node.program.outputs.items()}

    def explains(x: int) -> bool:
        values = evaluate_scalar(node.program, x, before, place.index[0])
        return all(values[name] == seen[to] for to, name in outputs.items())

    return explains


class Recorder(HoldsAll):
    """An executor that keeps the traces it gave."""

    def __init__(self, inner: Executor) -> None:
        self.name, self.description, self.unavailable, self.inner = inner.name, inner.description, inner.unavailable, inner
        self.traces: list[Trace] = []

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        self.traces.append(self.inner.run(artefact, payloads, traces))
        return self.traces[-1]


def check_named(artefact: Artefact, payloads: Ints, executor: str) -> Difference | None:
    """The verdict on `executor` against brute force; its difference, None where the fault leaves no trace here."""
    net, expected = artefact.network, interpret(artefact.network, payloads)
    with pytest.MonkeyPatch.context() as patch:
        recorder = Recorder(EXECUTORS[executor])
        patch.setitem(EXECUTORS, executor, recorder)
        verdict = compare_executors(artefact, payloads, [executor])
    (got,) = recorder.traces
    place = earliest(net, got, expected)
    assert verdict.equal == (place is None)
    if place is None:
        return None
    (found,) = verdict.differences
    assert found.executor == executor
    assert Place(found.signal, found.step, found.sample, found.index, found.got, found.expected) == place
    assert type(found.got) is type(found.expected) is int
    right = expected.arrays()
    assert verdict.different == {executor: sum(int(np.count_nonzero(v != right[k])) for k, v in got.arrays().items())}
    if found.signal == "readout":
        assert found.cause == "every spike and state is equal: the last synapse, or the sum over steps, differs"
        return found
    node = layer_of(net, found.signal)
    explains, x = explanation(node, place, got, expected), synaptic_sum(net, node, place, expected, payloads)
    declared = declared_interval(node.program.input)
    sums = [v for v in range(declared.lo, declared.hi + 1) if explains(v)]
    start = f"all that enters '{node.name}' at step {place.step} is equal, so the fault is in its synapse or its neuron program; "
    assert found.cause.startswith(start)
    said = found.cause[len(start) :].splitlines()
    if match := re.fullmatch(
        r"a synaptic sum of (-?\d+) instead of (-?\d+) gives these values: the synapse is suspected", said[0]
    ):
        named, instead_of = int(match[1]), int(match[2])
        assert instead_of == x
        assert explains(named)
        assert all(abs(named - x) <= abs(v - x) for v in sums)
    else:
        assert said[0] == "no synaptic sum gives these values: the neuron program was executed differently"
        assert not sums
    assert said[1] == f"  the reference, line by line (channel {place.index[0]}):"
    assert len(said) == 2 + len(node.program.instructions)
    return found


def everywhere(executor: str, fits: Callable[[IntegerNetwork], bool]) -> list[Difference]:
    """The differences that the fault makes in the networks it fits; the artefact is made under the fault."""
    found = []
    for seed in SEEDS:
        net, payloads = network(seed)
        if fits(net):
            try:
                found.append(check_named(make_artefact(net), payloads, executor))
            except AssertionError as error:
                raise AssertionError(f"{reproducer(seed)} with this fault\n{error}") from error
    shown = [d for d in found if d is not None]
    assert shown, "the fault shows in none of the networks"
    return shown


def with_op(op: Op) -> Callable[[IntegerNetwork], bool]:
    return lambda net: any(n.program.of(op) for n in net.neurons)


def operations(ran: Callable[[Program], Program] = lambda program: program) -> set[Op]:
    """Those of the networks. `ran`: what an executor makes of a program before it runs."""
    return {i.op for seed in SEEDS for n in network(seed)[0].neurons for i in ran(n.program).instructions}


def fed_by(net: IntegerNetwork, synapse: str) -> set[str]:
    """The neuron layers (or the readout) that a synapse feeds without another neuron between."""
    reached, found = {synapse}, set()
    for node in net.nodes:
        if reached & set(node.inputs):
            if isinstance(node, IntNeuron | IntReadout):
                found.add(node.name)
            else:
                reached.add(node.name)
    return found

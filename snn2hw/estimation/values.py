"""The values that the nodes of a network had in a run, and the spikes that they are made of, from its trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.ir.program import Instruction, Op, Program, initial_value, values_of
from snn2hw.ir.roles import FiringRoles
from snn2hw.layers import IntAdd, IntConcat
from snn2hw.trace import Ints, Trace

Before = tuple[Ints, dict[str, Ints]]  # the synaptic sum of a layer, and its states before a step


class Values:
    """What the nodes of a network gave at each step of a run; only what is asked for is computed."""

    def __init__(self, net: IntegerNetwork, payloads: Ints, trace: Trace) -> None:
        self.net, self.payloads, self.trace = net, payloads, trace
        self.known = {n.name: n for n in net.nodes}
        self._kept: dict[tuple[str, int], Ints] = {}
        self._step = 0

    def at(self, name: str, t: int) -> Ints:
        """The value [N, ...] of a node at step t."""
        node = self.known[name]
        if isinstance(node, IntNeuron):
            given: Ints = self.trace.spikes[name][t]
            return given
        if isinstance(node, IntFeedback):
            fired = self.trace.spikes[node.inputs[0]]
            before: Ints = fired[t - 1] if t else np.zeros_like(fired[0])
            return before
        if not node.inputs:
            entered: Ints = self.payloads[t]
            return entered
        if (name, t) not in self._kept:
            if t != self._step:
                self._kept.clear()
                self._step = t
            self._kept[name, t] = node.value([self.at(i, t) for i in node.inputs])
        return self._kept[name, t]

    def spikes(self, name: str, t: int) -> Ints:
        """How many spikes each value [N, ...] of a node is made of, one for every value other than 0 where nothing is known.

        Of a neuron that fires several times in a step it is the number of its flags that are up; of a node behind it that
        only moves or adds values, and of a recurrent edge, what reaches it.
        """
        node = self.known[name]
        if isinstance(node, IntNeuron):
            return _spikes(node, self.trace.spikes[name][t], lambda: self._before(node, t))
        if isinstance(node, IntFeedback):
            return self.spikes(node.inputs[0], t - 1) if t else np.zeros_like(self.trace.spikes[node.inputs[0]][0])
        if isinstance(node, IntAdd | IntConcat):
            level: Any = (0,) * len(node.inputs)  # a spike is one spike, whatever the binary point
            return replace(node, shifts=level).value([self.spikes(i, t) for i in node.inputs])
        if node.keeps_spikes and len(node.inputs) == 1:
            return node.value([self.spikes(node.inputs[0], t)])
        something: Ints = (self.at(name, t) != 0).astype(np.int64)
        return something

    def _before(self, node: IntNeuron, t: int) -> Before:
        """(synaptic sum, states before step t) of a layer."""
        x = self.at(node.inputs[0], t)
        states = {}
        for name, state in node.program.states.items():
            history = self.trace.states[f"{node.name}.{name}"]
            states[name] = history[t - 1] if t else np.full(x.shape, initial_value(state), np.int64)
        return x, states


def _spikes(node: IntNeuron, fired: Ints, before: Callable[[], Before]) -> Ints:
    """How many spikes each of these values is made of.

    All spikes of a step have the sign of the residual membrane, which a subtracted threshold does not take through 0; so
    where all have one amplitude their number is |value| / amplitude. Else the flags of the program are counted.
    """
    firing = node.program.roles.firing if node.program.roles is not None else None
    if firing is None or len(firing.spikes) < 2:
        each: Ints = (fired != 0).astype(np.int64)
        return each
    amplitudes = {_constant(node.program, s.amplitude) for s in firing.spikes}
    own = any(s.negative for s in firing.spikes)  # what is worth 0 cannot be counted from its value
    if not own and len(amplitudes) == 1 and (amplitude := amplitudes.pop()) is not None:
        along = np.abs(np.asarray(amplitude, np.int64)).reshape((-1,) + (1,) * (fired.ndim - 2))
        number: Ints = np.abs(fired) // np.maximum(along, 1)
        return number
    return _flags(node.program, firing, *before())


def _constant(program: Program, name: str | None) -> tuple[int, ...] | None:
    """The values of a constant, one or one for each channel; None of what is no constant."""
    if name is None:
        return (1,)
    i = program.by_name[name]
    if i.op is Op.PARAM:
        return values_of(i)
    return (int(str(i.attrs[0])),) if i.op is Op.CONST else None


def _flags(program: Program, firing: FiringRoles, x: Ints, states: Mapping[str, Ints]) -> Ints:
    def sources(i: Instruction) -> Ints:
        if i.op is Op.PARAM:
            return np.asarray(values_of(i), np.int64).reshape((-1,) + (1,) * (x.ndim - 2))
        return states[i.name] if i.op is Op.STATE else x

    values = evaluate(program, sources)
    names = (n for s in firing.spikes for n in (s.up, s.down) if n is not None)
    total = np.zeros(x.shape, np.int64)
    for name in names:
        total = total + values[name]
    return total

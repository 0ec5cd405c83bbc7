"""An integer network as one C source: `snn_run` for one sample, arrays of weights bound from outside or written in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.depthwise import by_taps
from snn2hw.backends.c.layer_code import layer_function, units_of
from snn2hw.backends.c.neuron_code import Pace, neuron_function
from snn2hw.backends.c.plan import Plan, Value, plan, state_types
from snn2hw.backends.c.runtime import runtime
from snn2hw.backends.c.synapse_code import PHASES, synapse_function
from snn2hw.backends.c.synapse_plan import Synapse, biases, packed, packed_events, synapse
from snn2hw.backends.c.team import ELEMENT, UPDATE, parts
from snn2hw.backends.c.text import template
from snn2hw.ir.integer import (
    IntegerNetwork,
    IntFeedback,
    IntInput,
    IntNeuron,
    IntNode,
    IntReadout,
)
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.native.templates import filled
from snn2hw.simplification import simplified_network

CROSSINGS = "crossings"  # array of the activities below which layers are summed by events
Crossing = Callable[[Synapse], int]
Arrays = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Source:
    """C and what it needs.

    Args:
        text: the source, weights left to be bound. arrays: name -> weights and biases; what is read one after the other lies so,
            for while a block of weights is used, the one behind it is fetched. arena: bytes of scratch a run needs.
        own: bytes that each of its threads needs besides, for itself. phases: of a sample, in `templates/fast/team.h`.
        input_type: C type of its values, [steps][height][width][channels].
        output, output_type: how many values leave, and their C type.
        traces: (layer, signal, C type) in the order of pointers; signal is a state, or empty for spike values.
    """

    text: str
    arrays: Arrays
    arena: int
    own: int
    phases: int
    input_type: str
    output: int
    output_type: str
    traces: list[tuple[str, str, str]]


def to_c(net: IntegerNetwork, still: bool, forced: bool = True, crossing: Crossing | None = None) -> Source:
    """The C of a network.

    Args:
        net: its programs are simplified here. It ends in a readout, which leaves, or else in a value that leaves at every step
            at which it is another one. still: whether the input is the same at every step; one step of it is given then.
        forced: whether layers can be summed by events although that hardly ever pays.
        crossing: below which activity, in 10,000ths, a layer is summed by events where the caller leaves it open; None: never.
            The text does not depend on it.
    """
    net = simplified_network(net)
    rough = plan(net, 0, still)
    synapses = [_synapse(n, rough, forced) for n in net.nodes if isinstance(n, IntConv2d | IntLinear)]
    laid = plan(net, max((s.scratch for s in synapses), default=0), still)
    own = max((s.own for s in synapses), default=0)
    made = _Made(net, laid, forced)
    loops = {loop[0]: loop for loop in laid.loops}
    for node in net.nodes[1:]:
        if node.name in loops:
            made.loop(loops[node.name])
        elif not made.has(node):
            made.layer(node)
    output, output_type = made.output()
    decided = [0 if crossing is None or not s.events else crossing(s) for s in made.crossings]
    arrays = made.weights | made.event_weights | made.biases | {CROSSINGS: np.array(decided or [0], np.int32)}
    source = laid.values[net.input.name]
    bound = "\n".join(f"#define {name} ((const {_array_type(a)} *)arrays[{n}])" for n, (name, a) in enumerate(arrays.items()))
    text = filled(
        template("fast/run.c"),
        {
            "RUNTIME": runtime(),
            "ARRAYS": bound,
            "FUNCTIONS": "".join(made.functions),
            "INPUT": source.type,
            "OUTPUT": output_type,
            "SCRATCH": laid.padded,
            "PHASES": made.phases,
            "CALLS": "\n    ".join(made.calls),
        },
    )
    return Source(text, arrays, laid.arena, own, made.phases, source.type, output, output_type, made.traces)


class _Made:
    """What has been written so far: functions, the calls of `snn_run`, arrays by name, (layer, signal, C type) of every trace,
    the layers that are summed, and how many phases there are."""

    def __init__(self, net: IntegerNetwork, laid: Plan, forced: bool) -> None:
        self.net, self.laid, self.forced, self.inside = net, laid, forced, False
        self.numbers = {n.name: k for k, n in enumerate(net.nodes)}
        self.functions, self.calls = list[str](), list[str]()
        self.biases, self.weights, self.event_weights = Arrays(), Arrays(), Arrays()
        self.traces = list[tuple[str, str, str]]()
        self.crossings = list[Synapse]()
        self.phases = 0
        self._elsewhere = {*laid.fused.values(), *(name for loop in laid.loops for name in loop)}

    def has(self, node: IntNode) -> bool:
        """Whether a node went with its loop, or goes with the neuron that takes its sums."""
        return node.name in self._elsewhere

    def loop(self, names: list[str]) -> None:
        """Nodes that go step by step together."""
        before, self.calls, self.inside = self.calls, [], True
        for name in names:
            self.layer(self.net.nodes[self.numbers[name]])
        inner = "\n".join("        " + c for c in self.calls)
        self.calls, self.inside = before, False
        self._call(f"for (int step = 0; step < {self.net.steps}; ++step) {{\n{inner}\n    }}")

    def layer(self, node: IntNode) -> None:
        """The function of a node and its call."""
        k = self.numbers[node.name]
        if isinstance(node, IntNeuron):
            self._neuron(k, node)
        elif isinstance(node, IntConv2d | IntLinear):
            s = synapse(node, self._seen(node.inputs[0]), self._seen(node.name), self.forced)
            self._synapse(k, s, None, self._at(node.name), "0")
        elif isinstance(node, IntFeedback):
            source = self.laid.values[node.inputs[0]]
            self.functions.append(layer_function(k, node, [source], self._seen(node.name), self.net.steps))
            self._call(f"layer_{k}({_pointer(source)}, {self._at(node.name)}, step);")
        else:
            inputs, out = [self._seen(i) for i in node.inputs], self._seen(node.name)
            self.functions.append(layer_function(k, node, inputs, out, self.net.steps, ranged=True))
            given = [*map(self._at, node.inputs), "readout" if isinstance(node, IntReadout) else self._at(node.name)]
            units = units_of(node, out)
            if units is None:
                self._call(f"layer_{k}({', '.join(given)});")
            else:
                work = out.steps * out.places * out.channels * ELEMENT
                self._call(f"layer_{k}({', '.join(given)}, from, to);", units, work)

    def output(self) -> tuple[int, str]:
        """How many values leave, and their C type; of a value at every step, after the call that hands it on."""
        last = self.net.nodes[-1]
        if isinstance(last, IntReadout):
            return prod(last.shape), "int64_t"
        value = self.laid.values[last.name]
        size = value.steps * value.places * value.channels
        self._call(f"memcpy(readout, {_pointer(value)}, {size} * sizeof *readout);")
        return size, value.type

    def _neuron(self, k: int, node: IntNeuron) -> None:
        traced = f"traces ? traces + {len(self.traces)} : 0"
        self.traces.append((node.name, "", self.laid.values[node.name].type))
        self.traces += [(node.name, s, kind) for s, kind in zip(node.program.states, state_types(node), strict=True)]
        value, fused = self.laid.values[node.name], self.laid.fused.get(node.name)
        entering = self.laid.values[node.inputs[0]]
        kind = "int32_t" if fused is not None else entering.type
        pace = Pace.LOOP if self.inside else Pace.WHOLE
        self.functions.append(neuron_function(k, node, value, kind, self.net.steps, pace=pace))
        if fused is not None:
            s = _synapse(self.net.nodes[self.numbers[fused]], self.laid, self.forced)
            self._synapse(k, s, f"neuron_{k}", _pointer(value), traced)
            return
        if self.inside:
            places = [f"({t} *)(arena + {at})" for t, at in zip(state_types(node), self.laid.states[node.name], strict=True)]
            traced = ", ".join([traced, "step", *places])
        work = value.steps * value.places * value.channels * UPDATE
        self._call(_unfused(k, entering, value, traced), value.places, work)

    def _synapse(self, k: int, s: Synapse, neuron: str | None, to: str, traced: str) -> None:
        consumer = self.laid.values[self.net.nodes[k].name]
        self.functions.append(synapse_function(k, s, neuron, consumer, self.phases))
        team = "0" if self.inside else "team"
        most = f"SNN_MOST({len(self.crossings)})"
        self.crossings.append(s)
        self.calls.append(f"layer_{k}({self._at(s.source.node.name)}, {to}, pad, arrays, {traced}, {most}, {team}, own);")
        self.phases += PHASES
        self.weights[f"weight_{k}"] = by_taps(s) if s.depthwise else packed(s)
        self.biases[f"bias_{k}"] = (s.node.bias if s.depthwise else biases(s, s.zero)).astype(np.int32)
        if s.events:
            self.event_weights[f"event_weight_{k}"] = packed_events(s)
            self.biases[f"event_bias_{k}"] = biases(s, 0).astype(np.int32)

    def _call(self, text: str, units: int = 1, products: int = 0) -> None:
        """A call with a phase of its own, whose text says what it does `from` one of its units `to` another."""
        if self.inside:
            self.calls.append(f"{{ const int64_t from = 0, to = {units}; (void)from; (void)to; {text} }}")
            return
        self.calls.append(f"SNN_SHARED({self.phases}, {parts(units, products)}, {units}, {text})")
        self.phases += 1

    def _seen(self, name: str) -> Value:
        """A value as layers see it: in a loop, one step of it."""
        value = self.laid.values[name]
        return value.one if self.inside else value

    def _at(self, name: str) -> str:
        """Where what they see of it lies."""
        value = self.laid.values[name]
        moves = self.inside and value.steps > 1
        return _pointer(value) + (f" + step * INT64_C({value.places * value.channels})" if moves else "")


def _array_type(array: npt.NDArray[np.generic]) -> str:
    return f"{array.dtype.name}_t"


def _synapse(node: IntNode, laid: Plan, forced: bool) -> Synapse:
    assert isinstance(node, IntConv2d | IntLinear)
    return synapse(node, laid.values[node.inputs[0]], laid.values[node.name], forced)


def _pointer(value: Value) -> str:
    return "input" if isinstance(value.node, IntInput) else f"({value.type} *)(arena + {value.offset})"


def _unfused(k: int, source: Value, value: Value, traced: str) -> str:
    stride = source.places * source.channels if source.steps > 1 else 0
    return (
        f"for (int64_t place = from; place < to; ++place) for (int first = 0; first < {value.channels}; first += BLOCK) "
        f"neuron_{k}({_pointer(source)} + place * {value.channels} + first, {stride}, place, first, "
        f"{value.channels} - first < BLOCK ? {value.channels} - first : BLOCK, {_pointer(value)}, {traced});"
    )

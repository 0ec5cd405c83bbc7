"""An integer network as one C source: `snn_run` for one sample, arrays of weights bound from outside or written in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snn2hw.export.c.dense import DENSE
from snn2hw.export.c.events import EVENTS
from snn2hw.export.c.layers import layer_function
from snn2hw.export.c.neurons import neuron_function
from snn2hw.export.c.plan import Plan, Value, plan
from snn2hw.export.c.runtime import HEAD
from snn2hw.export.c.synapse import Synapse, biases, packed, packed_events, synapse
from snn2hw.export.c.synapses import synapse_function
from snn2hw.ir.integer import IntConv2d, IntegerNetwork, IntInput, IntLinear, IntNeuron, IntReadout


@dataclass(frozen=True)
class Source:
    """C and what it needs.

    Args:
        text: the source, weights left to be bound. arrays: name -> weights and biases. arena: bytes of scratch a run needs.
        input_type: C type of the payloads, [steps][height][width][channels]. traces: (layer, signal) in the order of pointers.
    """

    text: str
    arrays: dict[str, npt.NDArray[np.generic]]
    arena: int
    input_type: str
    traces: list[tuple[str, str]]


def to_c(net: IntegerNetwork, still: bool) -> Source:
    """The C of a network.

    Args:
        still: whether the input is the same at every step, so that one step of it is given.
    """
    rough = plan(net, 0, still)
    synapses = {n.name: _synapse(n, rough) for n in net.nodes if isinstance(n, IntConv2d | IntLinear)}
    laid = plan(net, max([s.scratch for s in synapses.values()], default=0), still)
    synapses = {name: _synapse(s.node, laid) for name, s in synapses.items()}
    numbers = {n.name: k for k, n in enumerate(net.nodes)}
    functions, calls, arrays, traces = [], [], dict[str, npt.NDArray[np.generic]](), list[tuple[str, str]]()
    for node in net.nodes[1:]:
        k, value = numbers[node.name], laid.values[node.name]
        if isinstance(node, IntNeuron):
            base = len(traces)
            traces += [(node.name, ""), *((node.name, s) for s in node.program.states)]
            functions.append(_neuron(k, node, laid, net.steps))
            fused = laid.fused.get(node.name)
            traced = f"traces ? traces + {base} : 0"
            if fused is not None:
                s = synapses[fused]
                functions.append(synapse_function(k, s, f"neuron_{k}", value))
                calls.append(f"layer_{k}({_pointer(s.source)}, {_pointer(value)}, pad, arrays, {traced}, percent);")
                arrays |= _arrays(k, s)
            else:
                calls.append(_unfused(k, laid.values[node.inputs[0]], value, traced))
        elif isinstance(node, IntConv2d | IntLinear):
            if node.name not in laid.fused.values():
                s = synapses[node.name]
                functions.append(synapse_function(k, s, None, value))
                calls.append(f"layer_{k}({_pointer(s.source)}, {_pointer(value)}, pad, arrays, 0, percent);")
                arrays |= _arrays(k, s)
        else:
            inputs = [laid.values[i] for i in node.inputs]
            functions.append(layer_function(k, node, inputs, value, net.steps))
            to = "readout" if isinstance(node, IntReadout) else _pointer(value)
            calls.append(f"layer_{k}({', '.join(map(_pointer, inputs))}, {to});")
    source = laid.values[net.input.name]
    bound = "\n".join(f"#define {name} ((const {_array_type(a)} *)arrays[{n}])" for n, (name, a) in enumerate(arrays.items()))
    text = f"""#include <stdint.h>
#include <string.h>
#define SNN_ALIGNED _Alignas(64)
{HEAD}{DENSE}{EVENTS}
{bound}
{"".join(functions)}
void snn_run(const {source.type} *input, int64_t *readout, uint8_t *arena, const void *const *arrays,
    int64_t *const *traces, int percent)
{{
    uint8_t *pad = arena + {laid.padded};
    (void)pad; (void)arrays; (void)traces; (void)percent;
    {chr(10).join("    " + c for c in calls).lstrip()}
}}
"""
    return Source(text, arrays, laid.arena, source.type, traces)


def _arrays(k: int, s: Synapse) -> dict[str, npt.NDArray[np.generic]]:
    made: dict[str, npt.NDArray[np.generic]] = {f"weight_{k}": packed(s), f"bias_{k}": biases(s, s.zero).astype(np.int32)}
    if s.events:
        made |= {f"event_weight_{k}": packed_events(s), f"event_bias_{k}": biases(s, 0).astype(np.int32)}
    return made


def _array_type(array: npt.NDArray[np.generic]) -> str:
    return f"{array.dtype.name}_t"


def _synapse(node: IntConv2d | IntLinear, laid: Plan) -> Synapse:
    return synapse(node, laid.values[node.inputs[0]], laid.values[node.name])


def _pointer(value: Value) -> str:
    return "input" if isinstance(value.node, IntInput) else f"({value.type} *)(arena + {value.offset})"


def _neuron(k: int, node: IntNeuron, laid: Plan, steps: int) -> str:
    entering = laid.values[node.inputs[0]]
    return neuron_function(k, node, laid.values[node.name], "int32_t" if node.name in laid.fused else entering.type, steps)


def _unfused(k: int, source: Value, value: Value, traced: str) -> str:
    stride = source.places * source.channels if source.steps > 1 else 0
    return (
        f"for (int64_t place = 0; place < {value.places}; ++place) for (int first = 0; first < {value.channels}; first += BLOCK) "
        f"neuron_{k}({_pointer(source)} + place * {value.channels} + first, {stride}, place, first, "
        f"{value.channels} - first < BLOCK ? {value.channels} - first : BLOCK, {_pointer(value)}, {traced});"
    )

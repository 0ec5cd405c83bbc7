"""The C of the folder: plain C99, one way to sum, no vectors, no lists, no traces; neurons and layers as `to_c` has them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snn2hw.export.c.layers import layer_function
from snn2hw.export.c.memory import Memory
from snn2hw.export.c.neurons import neuron_function
from snn2hw.export.c.sums import AT_ONCE, Sums, neurons_everywhere
from snn2hw.export.c.text import comment, rows, table
from snn2hw.ir.integer import IntConv2d, IntegerNetwork, IntLinear, IntNeuron, IntNode
from snn2hw.ir.program_text import program_to_text


def run_text(net: IntegerNetwork, memory: Memory) -> str:
    """The functions of every layer, and `snn_run`, which calls them in order."""
    number = {n.name: k for k, n in enumerate(net.nodes)}
    functions, calls = list[str](), list[str]()
    for node in net.nodes[1:]:
        if node.name in memory.fused.values():
            continue
        k, out = number[node.name], memory.values[node.name]
        taken = net.nodes[number[memory.fused[node.name]]] if node.name in memory.fused else node  # what reads the inputs
        inputs = [memory.values[i] for i in taken.inputs]
        given = [*(memory.pointers[i] for i in taken.inputs), memory.pointers[node.name]]
        if isinstance(node, IntNeuron):
            entering = inputs[0].type if taken is node else "int32_t"
            functions += ["\n", comment(_program(node)), neuron_function(k, node, out, entering, net.steps, False, AT_ONCE)]
        functions += ["\n", comment(_says(taken, node))]
        if isinstance(taken, IntConv2d | IntLinear):
            s = Sums(k, number[taken.name], taken, inputs[0], out, isinstance(node, IntNeuron))
            functions.append(s.text())
            given.append(memory.sums[taken.name])
        elif isinstance(node, IntNeuron):
            functions.append(neurons_everywhere(k, inputs[0], out))
        else:
            functions.append(layer_function(k, node, inputs, out, net.steps, "int32_t").lstrip("\n"))
        calls.append(f"layer_{k}({', '.join(given)});")
    ignored = "" if "memory->" in "".join(calls) else "    (void)memory;\n"
    return f"""{"".join(functions)}
void snn_run(const snn_payload input[SNN_INPUT], int32_t readout[SNN_CLASSES], snn_memory *memory)
{{
{ignored}{chr(10).join("    " + c for c in calls)}
}}
"""


def weights_text(net: IntegerNetwork) -> str:
    """Every weight and bias as an array; a row holds what one input adds to each output."""
    parts = list[str]()
    for k, node in enumerate(net.nodes):
        if isinstance(node, IntConv2d | IntLinear):
            order = "group, tap row, tap column, input" if isinstance(node, IntConv2d) else "input"
            parts += ["\n", comment(f"{node.name}: a row for each {order}; a column for each output")]
            parts += [rows(f"static const int8_t weight_{k}", _rows(node))]
            parts += [table(f"static const int32_t bias_{k}", list(map(str, node.bias.tolist())))]
    return "".join(parts)


def weight_arrays(net: IntegerNetwork) -> dict[str, int]:
    """The arrays of `weights_text`: name -> bytes."""
    synapses = {k: n for k, n in enumerate(net.nodes) if isinstance(n, IntConv2d | IntLinear)}
    return {f"{name}_{k}": a.nbytes for k, n in synapses.items() for name, a in (("weight", n.weight), ("bias", n.bias))}


def _rows(node: IntConv2d | IntLinear) -> npt.NDArray[np.int8]:
    """Weights [groups * taps * inputs of a group][outputs of a group]."""
    if isinstance(node, IntLinear):
        return np.ascontiguousarray(node.weight.T)
    kh, kw = node.window.kernel
    split = node.weight.reshape(node.groups, -1, node.weight.shape[1], kh, kw)  # group, out, in, ky, kx
    return np.ascontiguousarray(split.transpose(0, 3, 4, 2, 1)).reshape(-1, split.shape[1])


def _says(synapse: IntNode, node: IntNode) -> str:
    """One line on what a function computes."""
    kinds = [type(synapse).__name__.removeprefix("Int"), f"[{', '.join(map(str, synapse.shape))}]"]
    if isinstance(synapse, IntConv2d):
        w = synapse.window
        kinds.append(f"kernel {w.kernel} stride {w.stride} padding {w.padding} dilation {w.dilation} groups {synapse.groups}")
    if node is not synapse:
        return f"{synapse.name}: {' '.join(kinds)}, then {node.name}"
    return f"{synapse.name}: {' '.join(kinds)}"


def _program(node: IntNeuron) -> str:
    """The neuron's program as `snn2hw inspect` prints it, with constants per channel counted."""
    text = program_to_text(node.program, lambda _, v: f"[{v[0]}]" if len(v) == 1 else f"[one for each of {len(v)} channels]")
    return f"{node.name}: {text.rstrip()}"

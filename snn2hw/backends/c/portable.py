"""The C of the folder: plain C99, no traces, no vectors but those of `rows_code`; neurons and layers as `to_c` has them."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.layer_code import layer_function
from snn2hw.backends.c.memory import Memory
from snn2hw.backends.c.neuron_code import Pace, neuron_function
from snn2hw.backends.c.packing import field_bits, packed
from snn2hw.backends.c.plan import Value, state_types
from snn2hw.backends.c.portable_sums import AT_ONCE, Sums, neurons_everywhere
from snn2hw.backends.c.text import comment, fragment, rows, table
from snn2hw.backends.c.words import WORD, words
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron, IntNode
from snn2hw.ir.program import initial_value
from snn2hw.ir.program_text import program_with_comments
from snn2hw.ir.roles import Roles
from snn2hw.layers import IntConv2d, IntLinear


def run_text(net: IntegerNetwork, memory: Memory, roles: Mapping[str, Roles | None]) -> str:
    """The functions of every layer, and what calls them in order, those of a loop step by step: `snn_run`.

    Streaming, it is `snn_step`; `snn_start` before it sets what lasts, and `snn_run` calls the two.

    Args:
        net: with simplified programs. memory: where everything lies.
        roles: of each layer's program before it was simplified, for comments.
    """
    number = {n.name: k for k, n in enumerate(net.nodes)}
    functions, calls = list[str](), list[str]()
    loops = {name: loop for loop in memory.loops for name in loop}
    for node in net.nodes[1:]:
        if node.name in memory.fused.values():
            continue
        loop = loops.get(node.name, [])
        text, call = _layer(net, memory, number, node, bool(loop), roles.get(node.name))
        functions += text
        if loop and node.name == loop[0]:
            calls.append(f"    for (int step = 0; step < {net.steps}; ++step) {{")
        calls.append(f"    {'    ' if loop else ''}{call}")
        if loop and node.name == loop[-1]:
            calls.append("    }")
    ignored = "" if "memory->" in "".join(calls) else "    (void)memory;"
    whole = {"functions": "".join(functions), "ignored": ignored, "calls": "\n".join(calls)}
    if not memory.streaming:
        return fragment("folder/run.c", **whole) + "\n"
    return (
        fragment(
            "folder/stream.c",
            **whole,
            start="\n".join(_start(net, memory)) or "    (void)memory;",
            next="" if net.input.static else " + (size_t)t * SNN_STEP_INPUT",
            add="+=" if net.readout.kind == "sum" else "=",
        )
        + "\n"
    )


def lanes_text(net: IntegerNetwork) -> str:
    """What says how many words a vector holds, where a layer adds words in vectors."""
    found = [words(node, source) for node, source in _synapses(net).values()]
    return fragment("folder/lanes.c") if any(laid is not None and laid.lanes > 1 for laid in found) else ""


def _start(net: IntegerNetwork, memory: Memory) -> list[str]:
    """Statements that set the states of every neuron, and what recurrent edges read at the first step."""
    lasting = [(memory.pointers[n.inputs[0]], prod(n.shape), 0) for n in net.feedbacks]
    for node in net.neurons:
        initial = [initial_value(s) for s in node.program.states.values()]
        lasting += [(at, prod(node.shape), v) for at, v in zip(memory.states[node.name], initial, strict=True)]
    return [f"    for (int i = 0; i < {size}; ++i) ({at})[i] = {value};" for at, size, value in dict.fromkeys(lasting)]


def _layer(
    net: IntegerNetwork, memory: Memory, number: Mapping[str, int], node: IntNode, inside: bool, roles: Roles | None
) -> tuple[list[str], str]:
    """The functions of a node and its call; inside of a loop, of one step."""
    k, whole = number[node.name], memory.values
    taken = net.nodes[number[memory.fused[node.name]]] if node.name in memory.fused else node  # what reads the inputs

    def seen(name: str) -> Value:
        return whole[name].one if inside else whole[name]

    pace = Pace.STREAM if memory.streaming else Pace.LOOP if inside else Pace.WHOLE

    def at(name: str) -> str:
        moves = inside and whole[name].steps > 1
        return memory.pointers[name] + (f" + step * {whole[name].places * whole[name].channels}" if moves else "")

    inputs, out = [seen(i) for i in taken.inputs], seen(node.name)
    given = [*map(at, taken.inputs), at(node.name)]
    functions, kept = list[str](), list[str]()
    if isinstance(node, IntNeuron):
        kept = [] if pace is Pace.WHOLE else state_types(node)
        entering = whole[node.inputs[0]].type if taken is node else "int32_t"
        text = neuron_function(k, node, whole[node.name], entering, net.steps, False, AT_ONCE, pace)
        functions += ["\n", comment(_program(node, roles)), text]
    sums = None
    if isinstance(taken, IntConv2d | IntLinear):
        sums = Sums(k, number[taken.name], taken, inputs[0], out, isinstance(node, IntNeuron), kept)
        functions.append(sums.rows())
    functions += ["\n", comment(_says(taken, node))]
    if sums is not None:
        functions.append(sums.text())
        given += [memory.sums[taken.name], *(memory.states[node.name] if kept else [])]
    elif isinstance(node, IntNeuron):
        functions.append(neurons_everywhere(k, whole[node.inputs[0]], whole[node.name], pace, kept))
        if pace is not Pace.WHOLE:
            step = ["step"] if inside else []
            given = [memory.pointers[node.inputs[0]], memory.pointers[node.name], *step, *memory.states[node.name]]
    elif isinstance(node, IntFeedback):
        functions.append(layer_function(k, node, [whole[node.inputs[0]]], out, net.steps, "int32_t").lstrip("\n"))
        given = [memory.pointers[node.inputs[0]], at(node.name), "1" if memory.streaming else "step"]
    else:
        functions.append(layer_function(k, node, inputs, out, net.steps, "int32_t").lstrip("\n"))
    return functions, f"layer_{k}({', '.join(given)});"


def weights_text(net: IntegerNetwork) -> str:
    """Every weight and bias as an array; a row holds what one input adds to each output."""
    parts = list[str]()
    for k, (node, source) in _synapses(net).items():
        order = "group, tap row, tap column, input" if isinstance(node, IntConv2d) else "input"
        parts += ["\n", comment(f"{node.name}: a row for each {order}; {_columns(node, source)}")]
        stored = _rows(node, source)
        parts += [rows(f"static const {stored.dtype}_t weight_{k}", stored)]
        parts += [table(f"static const int32_t bias_{k}", list(map(str, node.bias.tolist())))]
    return "".join(parts)


def weight_arrays(net: IntegerNetwork) -> dict[str, int]:
    """The arrays of `weights_text`: name -> bytes."""
    arrays = dict[str, int]()
    for k, (node, source) in _synapses(net).items():
        arrays |= {f"weight_{k}": _rows(node, source).nbytes, f"bias_{k}": node.bias.nbytes}
    return arrays


def _synapses(net: IntegerNetwork) -> dict[int, tuple[IntConv2d | IntLinear, IntNode]]:
    """Number -> a layer with weights, and what it reads."""
    named = {n.name: n for n in net.nodes}
    return {k: (n, named[n.inputs[0]]) for k, n in enumerate(net.nodes) if isinstance(n, IntConv2d | IntLinear)}


def _columns(node: IntConv2d | IntLinear, source: IntNode) -> str:
    """What stands in a row."""
    bits = field_bits(node.weight)
    if bits == 8 and words(node, source) is None:
        return "a column for each output"
    unit, size = ("word", WORD) if words(node, source) is not None else ("byte", 8)
    return f"{size // bits} outputs to a {unit}, the first lowest: {bits} bits each, of weight + {1 << (bits - 1)}"


def _rows(node: IntConv2d | IntLinear, source: IntNode) -> npt.NDArray[np.int8 | np.uint8 | np.uint32]:
    """Weights [groups * taps * inputs of a group][outputs of a group]; packed into words, or where they have few bits."""
    if isinstance(node, IntLinear):
        whole = np.ascontiguousarray(node.weight.T)
    else:
        kh, kw = node.window.kernel
        split = node.weight.reshape(node.groups, -1, node.weight.shape[1], kh, kw)  # group, out, in, ky, kx
        whole = np.ascontiguousarray(split.transpose(0, 3, 4, 2, 1)).reshape(-1, split.shape[1])
    if (laid := words(node, source)) is not None:
        return laid.packed(whole)
    bits = field_bits(node.weight)
    return whole if bits == 8 else packed(whole, bits)


def _says(synapse: IntNode, node: IntNode) -> str:
    """One line on what a function computes."""
    kinds = [type(synapse).__name__.removeprefix("Int"), f"[{', '.join(map(str, synapse.shape))}]"]
    if isinstance(synapse, IntConv2d):
        w = synapse.window
        kinds.append(f"kernel {w.kernel} stride {w.stride} padding {w.padding} dilation {w.dilation} groups {synapse.groups}")
    if node is not synapse:
        return f"{synapse.name}: {' '.join(kinds)}, then {node.name}"
    return f"{synapse.name}: {' '.join(kinds)}"


def _program(node: IntNeuron, roles: Roles | None) -> str:
    """The neuron's simplified program as `snn2hw inspect` prints programs, with constants per channel counted."""

    def values(_: str, own: tuple[int, ...]) -> str:
        return f"[{own[0]}]" if len(own) == 1 else f"[one for each of {len(own)} channels]"

    text = program_with_comments(node.program, values, roles)
    return f"{node.name}: {text.rstrip()}"

"""An integer network as ONNX: opset 21, integers only, model-local functions for every neuron layer. Pure: returns bytes.

What a step calls is the simplified program of a layer, in the domain `snn2hw.<layer>`. The file of the whole sequence holds the
program as it was lowered, too, in `lowered.snn2hw.<layer>`: nothing calls it, the certificate speaks of it, and `snn2hw check`
proves that both give the same.

step:     x [N, ...], every state [N, ...]  ->  logits [N, classes], every spike value as spikes/<layer>, every next state
          (of a recurrent edge: feedback/<edge>, the spike value of the step before, int32; at the first step 0)
sequence: x [T, N, ...]                     ->  readout [N, classes], the sum over T of the logits (a Scan over the step)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from onnx import FunctionProto, GraphProto, ModelProto, checker, helper

from snn2hw.formats.onnx.graph import IR_VERSION, OPSET, GraphWriter, onnx_type, value_info
from snn2hw.formats.onnx.write_layers import emit_layer, value_name
from snn2hw.formats.onnx.write_program import arithmetic_dtype, function_inputs, function_name, program_function
from snn2hw.ir.document import to_json
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.ir.onnx_terms import (
    DOMAIN,
    FORMAT,
    FORMAT_KEY,
    LOWERED,
    NETWORK_KEY,
    array_name,
    onnx_name,
    payload_dtype,
    state_dtype,
    state_name,
)
from snn2hw.ir.program import Program, initial_value
from snn2hw.simplification import simplified


def to_onnx(net: IntegerNetwork, shorter: Callable[[Program], Program] = simplified) -> tuple[bytes, bytes]:
    """(whole sequence, one step) as bytes of ONNX models that ONNX Runtime and onnx.reference run as they are.

    Args:
        net: the network, with its programs as they were lowered. shorter: what is called in the place of a program.
    """
    called = {n.name: shorter(n.program) for n in net.neurons}
    functions = [program_function(called[n.name], _domain(n), _given(n, called[n.name])) for n in net.neurons]
    lowered = [program_function(n.program, f"{LOWERED}.{_domain(n)}") for n in net.neurons]
    text = to_json(net)[0]  # both files hold the same text
    return (
        _serialised(_sequence_graph(net, called), [*functions, *lowered], text),
        _serialised(_step_graph(net, called), functions, text),
    )


def _domain(node: IntNeuron) -> str:
    return f"{DOMAIN}.{onnx_name(node.name)}"


def _given(node: IntNeuron, called: Program) -> list[str]:
    """What a layer's function is called with: all constants of the lowered program, then those that only the shorter one has."""
    return [*function_inputs(node.program), *(f"in/{name}" for name in _more(node, called))]


def _more(node: IntNeuron, called: Program) -> list[str]:
    return [name for name in called.params if name not in node.program.params]


def _serialised(graph: GraphProto, functions: list[FunctionProto], text: str) -> bytes:
    domains = ["", *(f.domain for f in functions)]
    model: ModelProto = helper.make_model(
        graph,
        functions=functions,
        ir_version=IR_VERSION,
        producer_name="snn2hw",
        opset_imports=[helper.make_opsetid(d, OPSET if not d else 1) for d in domains],
    )
    helper.set_model_props(model, {FORMAT_KEY: FORMAT, NETWORK_KEY: text})
    checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


@dataclass(frozen=True)
class _Carried:
    """What goes from step to step: the graph's value before the step and after it, its type, shape and first value."""

    before: str
    after: str
    dtype: Any
    shape: tuple[int, ...]
    initial: int

    @property
    def name(self) -> str:
        """For what is made of it outside the steps."""
        return self.before.removeprefix("state/")


def _carried(net: IntegerNetwork) -> list[_Carried]:
    """Every state of every layer, then every recurrent edge."""
    states = [(n, name, s) for n in net.neurons for name, s in n.program.states.items()]
    return [
        *(
            _Carried(
                f"state/{state_name(n.name, s)}",
                f"next/{state_name(n.name, s)}",
                state_dtype(i.format),
                n.shape,
                initial_value(i),
            )
            for n, s, i in states
        ),
        *(_Carried(value_name(n), f"next/{value_name(n)}", np.int32, n.shape, 0) for n in net.feedbacks),
    ]


Called: TypeAlias = "Mapping[str, Program]"  # by layer, the program that its function is


def _step_body(w: GraphWriter, net: IntegerNetwork, called: Called, x: str) -> None:
    """Append the nodes of one step."""
    known = {n.name: n for n in net.nodes}
    values = {net.input.name: w.node("Cast", [x], value_name(net.input), to=onnx_type(np.int32))}
    for node in net.nodes[1:]:
        if isinstance(node, IntFeedback):
            values[node.name] = value_name(node)
            continue
        inputs = [values[i] for i in node.inputs]
        if isinstance(node, IntNeuron):
            _call_neuron(w, node, called[node.name], inputs[0])
            values[node.name] = value_name(node)
        else:
            values[node.name] = emit_layer(w, node, inputs, [known[i] for i in node.inputs])

    for node in net.feedbacks:
        w.node("Identity", [values[node.inputs[0]]], f"next/{value_name(node)}")


def _call_neuron(w: GraphWriter, node: IntNeuron, called: Program, x: str) -> None:
    program, params = node.program, []
    assert all(program.params.get(name, values) == values for name, values in called.params.items())  # kept with the name
    for of, names in ((program, program.params.keys()), (called, _more(node, called))):
        for name in names:
            array = np.asarray(of.params[name], arithmetic_dtype(of)).reshape((-1,) + (1,) * (len(node.shape) - 1))
            params.append(w.initializer(array_name(f"{node.name}.{name}"), array))
    states = [f"state/{state_name(node.name, s)}" for s in program.states]
    outputs = [value_name(node), *(f"next/{state_name(node.name, s)}" for s in program.states)]
    assert len(_given(node, called)) == 1 + len(states) + len(params)
    w.call(function_name(program), [x, *states, *params], outputs, domain=_domain(node))


def _step_graph(net: IntegerNetwork, called: Called) -> GraphProto:
    w = GraphWriter()
    _step_body(w, net, called, "x")
    inputs = [value_info("x", payload_dtype(net.input.format), ["N", *net.input.shape])]
    outputs = [value_info(value_name(net.readout), np.int32, ["N", *net.readout.shape])]
    outputs += [value_info(value_name(n), np.int32, ["N", *n.shape]) for n in net.neurons]
    for c in _carried(net):
        inputs.append(value_info(c.before, c.dtype, ["N", *c.shape]))
        outputs.append(value_info(c.after, c.dtype, ["N", *c.shape]))
    return helper.make_graph(w.nodes, "step", inputs, outputs, w.initializers)


def _sequence_graph(net: IntegerNetwork, called: Called) -> GraphProto:
    body = GraphWriter("body/")
    _step_body(body, net, called, "x_step")
    logits = value_name(net.readout)
    adds = net.readout.kind == "sum"
    total = body.node("Add" if adds else "Identity", ["readout_before", logits] if adds else [logits], "readout_after")
    carried = _carried(net)
    body_inputs = [value_info("readout_before", np.int32, ["N", *net.readout.shape])]
    body_inputs += [value_info(c.before, c.dtype, ["N", *c.shape]) for c in carried]
    body_inputs += [value_info("x_step", payload_dtype(net.input.format), ["N", *net.input.shape])]
    body_outputs = [value_info(total, np.int32, ["N", *net.readout.shape])]
    body_outputs += [value_info(c.after, c.dtype, ["N", *c.shape]) for c in carried]
    step = helper.make_graph(body.nodes, "step", body_inputs, body_outputs, body.initializers)
    w = GraphWriter()
    samples = w.node("Slice", [w.node("Shape", ["x"], "x_shape"), w.constant([1]), w.constant([2])], "samples")
    starts = [_start(w, "readout", 0, np.int32, net.readout.shape, samples)]
    starts += [_start(w, c.name, c.initial, c.dtype, c.shape, samples) for c in carried]
    ends = ["readout", *(f"end/{c.name}" for c in carried)]
    w.nodes.append(helper.make_node("Scan", [*starts, "x"], ends, name="steps", num_scan_inputs=1, body=step))
    inputs = [value_info("x", payload_dtype(net.input.format), [net.steps, "N", *net.input.shape])]
    return helper.make_graph(w.nodes, "sequence", inputs, [value_info("readout", np.int32, ["N", *net.readout.shape])])


def _start(w: GraphWriter, name: str, value: int, dtype: Any, shape: tuple[int, ...], samples: str) -> str:
    size = w.node("Concat", [samples, w.constant(list(shape))], f"start/{name}/shape", axis=0)
    return w.node("Expand", [w.constant(value, dtype), size], f"start/{name}")

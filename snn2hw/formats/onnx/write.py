"""An integer network as ONNX: opset 21, integers only, one model-local function per neuron layer. Pure: returns bytes.

step:     x [N, ...], every state [N, ...]  ->  logits [N, classes], every spike value as spikes/<layer>, every next state
          (of a recurrent edge: feedback/<edge>, the spike value of the step before, int32; at the first step 0)
sequence: x [T, N, ...]                     ->  readout [N, classes], the sum over T of the logits (a Scan over the step)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    NETWORK_KEY,
    array_name,
    onnx_name,
    payload_dtype,
    state_dtype,
    state_name,
)
from snn2hw.ir.program import initial_value


def to_onnx(net: IntegerNetwork) -> tuple[bytes, bytes]:
    """(whole sequence, one step) as bytes of ONNX models that ONNX Runtime and onnx.reference run as they are."""
    functions = [program_function(n.program, f"{DOMAIN}.{onnx_name(n.name)}") for n in net.neurons]
    text = to_json(net)[0]  # both files hold the same functions and the same text
    return _serialised(_sequence_graph(net), functions, text), _serialised(_step_graph(net), functions, text)


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


def _step_body(w: GraphWriter, net: IntegerNetwork, x: str) -> None:
    """Append the nodes of one step."""
    known = {n.name: n for n in net.nodes}
    values = {net.input.name: w.node("Cast", [x], value_name(net.input), to=onnx_type(np.int32))}
    for node in net.nodes[1:]:
        if isinstance(node, IntFeedback):
            values[node.name] = value_name(node)
            continue
        inputs = [values[i] for i in node.inputs]
        if isinstance(node, IntNeuron):
            _call_neuron(w, node, inputs[0])
            values[node.name] = value_name(node)
        else:
            values[node.name] = emit_layer(w, node, inputs, [known[i] for i in node.inputs])

    for node in net.feedbacks:
        w.node("Identity", [values[node.inputs[0]]], f"next/{value_name(node)}")


def _call_neuron(w: GraphWriter, node: IntNeuron, x: str) -> None:
    program, dtype = node.program, arithmetic_dtype(node.program)
    params = []
    for name, values in program.params.items():
        shape = (-1,) + (1,) * (len(node.shape) - 1)
        params.append(w.initializer(array_name(f"{node.name}.{name}"), np.asarray(values, dtype).reshape(shape)))
    states = [f"state/{state_name(node.name, s)}" for s in program.states]
    outputs = [value_name(node), *(f"next/{state_name(node.name, s)}" for s in program.states)]
    assert len(function_inputs(program)) == 1 + len(states) + len(params)
    w.call(function_name(program), [x, *states, *params], outputs, domain=f"{DOMAIN}.{onnx_name(node.name)}")


def _step_graph(net: IntegerNetwork) -> GraphProto:
    w = GraphWriter()
    _step_body(w, net, "x")
    inputs = [value_info("x", payload_dtype(net.input.format), ["N", *net.input.shape])]
    outputs = [value_info(value_name(net.readout), np.int32, ["N", *net.readout.shape])]
    outputs += [value_info(value_name(n), np.int32, ["N", *n.shape]) for n in net.neurons]
    for c in _carried(net):
        inputs.append(value_info(c.before, c.dtype, ["N", *c.shape]))
        outputs.append(value_info(c.after, c.dtype, ["N", *c.shape]))
    return helper.make_graph(w.nodes, "step", inputs, outputs, w.initializers)


def _sequence_graph(net: IntegerNetwork) -> GraphProto:
    body = GraphWriter("body/")
    _step_body(body, net, "x_step")
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

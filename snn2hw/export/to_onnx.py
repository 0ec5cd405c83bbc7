"""An integer network as ONNX: opset 21, integers only, one model-local function per neuron layer. Pure: returns bytes.

step:     x [N, ...], every state [N, ...]  ->  logits [N, classes], every payload as spikes/<layer>, every next state
sequence: x [T, N, ...]                     ->  readout [N, classes], the sum over T of the logits (a Scan over the step)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, checker, helper

from snn2hw.export.onnx_build import IR_VERSION, OPSET, GraphWriter, onnx_type, value_info
from snn2hw.export.onnx_layers import emit_layer, value_name
from snn2hw.export.onnx_program import arithmetic_dtype, function_inputs, program_function
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.onnx_terms import DOMAIN, FORMAT, FORMAT_KEY, NETWORK_KEY, payload_dtype, state_dtype
from snn2hw.ir.program import initial_value
from snn2hw.ir.text import to_text


def to_onnx(net: IntegerNetwork) -> tuple[bytes, bytes]:
    """(whole sequence, one step) as bytes of ONNX models that ONNX Runtime and onnx.reference run as they are."""
    return _serialised(net, _sequence_graph(net)), _serialised(net, _step_graph(net))


def _serialised(net: IntegerNetwork, graph: GraphProto) -> bytes:
    functions = [program_function(n.program, f"{DOMAIN}.{n.name}") for n in net.neurons]
    domains = ["", *(f.domain for f in functions)]
    model: ModelProto = helper.make_model(
        graph,
        functions=functions,
        ir_version=IR_VERSION,
        producer_name="snn2hw",
        opset_imports=[helper.make_opsetid(d, OPSET if not d else 1) for d in domains],
    )
    helper.set_model_props(model, {FORMAT_KEY: FORMAT, NETWORK_KEY: to_text(net)[0]})
    checker.check_model(model)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def state_names(net: IntegerNetwork) -> list[tuple[IntNeuron, str]]:
    """Every (layer, state) in the order of the step graph's inputs."""
    return [(n, s) for n in net.neurons for s in n.program.states]


def _step_body(w: GraphWriter, net: IntegerNetwork, x: str) -> None:
    """Append the nodes of one step."""
    known = {n.name: n for n in net.nodes}
    values = {net.input.name: w.node("Cast", [x], value_name(net.input), to=onnx_type(np.int32))}
    for node in net.nodes[1:]:
        inputs = [values[i] for i in node.inputs]
        if isinstance(node, IntNeuron):
            _call_neuron(w, node, inputs[0])
            values[node.name] = value_name(node)
        else:
            values[node.name] = emit_layer(w, node, inputs, [known[i] for i in node.inputs])


def _call_neuron(w: GraphWriter, node: IntNeuron, x: str) -> None:
    program, dtype = node.program, arithmetic_dtype(node.program)
    params = []
    for name, values in program.params.items():
        shape = (-1,) + (1,) * (len(node.shape) - 1)
        params.append(w.initializer(f"{node.name}.{name}", np.asarray(values, dtype).reshape(shape)))
    states = [f"state/{node.name}.{s}" for s in program.states]
    outputs = [value_name(node), *(f"next/{node.name}.{s}" for s in program.states)]
    assert len(function_inputs(program)) == 1 + len(states) + len(params)
    w.call(program.kind, [x, *states, *params], outputs, domain=f"{DOMAIN}.{node.name}")


def _step_graph(net: IntegerNetwork) -> GraphProto:
    w = GraphWriter()
    _step_body(w, net, "x")
    inputs = [value_info("x", payload_dtype(net.input.format), ["N", *net.input.shape])]
    outputs = [value_info(value_name(net.readout), np.int32, ["N", *net.readout.shape])]
    outputs += [value_info(value_name(n), np.int32, ["N", *n.shape]) for n in net.neurons]
    for n, s in state_names(net):
        dtype = state_dtype(n.program.states[s].format)
        inputs.append(value_info(f"state/{n.name}.{s}", dtype, ["N", *n.shape]))
        outputs.append(value_info(f"next/{n.name}.{s}", dtype, ["N", *n.shape]))
    return helper.make_graph(w.nodes, "step", inputs, outputs, w.initializers)


def _sequence_graph(net: IntegerNetwork) -> GraphProto:
    body = GraphWriter("body/")
    _step_body(body, net, "x_step")
    total = body.node("Add", ["readout_before", value_name(net.readout)], "readout_after")
    states = state_names(net)
    shapes = [(f"{n.name}.{s}", state_dtype(n.program.states[s].format), n) for n, s in states]
    body_inputs = [value_info("readout_before", np.int32, ["N", *net.readout.shape])]
    body_inputs += [value_info(f"state/{name}", dtype, ["N", *n.shape]) for name, dtype, n in shapes]
    body_inputs += [value_info("x_step", payload_dtype(net.input.format), ["N", *net.input.shape])]
    body_outputs = [value_info(total, np.int32, ["N", *net.readout.shape])]
    body_outputs += [value_info(f"next/{name}", dtype, ["N", *n.shape]) for name, dtype, n in shapes]
    step = helper.make_graph(body.nodes, "step", body_inputs, body_outputs, body.initializers)
    w = GraphWriter()
    samples = w.node("Slice", [w.node("Shape", ["x"], "x_shape"), w.constant([1]), w.constant([2])], "samples")
    starts = [_start(w, "readout", 0, np.int32, net.readout.shape, samples)]
    for (n, s), (name, dtype, _) in zip(states, shapes, strict=True):
        starts.append(_start(w, name, initial_value(n.program.states[s]), dtype, n.shape, samples))
    ends = ["readout", *(f"end/{name}" for name, _, _ in shapes)]
    w.nodes.append(helper.make_node("Scan", [*starts, "x"], ends, name="steps", num_scan_inputs=1, body=step))
    inputs = [value_info("x", payload_dtype(net.input.format), [net.steps, "N", *net.input.shape])]
    return helper.make_graph(w.nodes, "sequence", inputs, [value_info("readout", np.int32, ["N", *net.readout.shape])])


def _start(w: GraphWriter, name: str, value: int, dtype: Any, shape: tuple[int, ...], samples: str) -> str:
    size = w.node("Concat", [samples, w.constant(list(shape))], f"start/{name}/shape", axis=0)
    return w.node("Expand", [w.constant(value, dtype), size], f"start/{name}")

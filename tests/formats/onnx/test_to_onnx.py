from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, checker, helper, inliner, shape_inference
from onnx.reference import ReferenceEvaluator

from snn2hw.backends.reference import interpret
from snn2hw.formats.onnx.graph import GraphWriter, value_info
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.formats.onnx.write_layers import emit_layer
from snn2hw.formats.onnx.write_program import function_inputs
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNode
from snn2hw.ir.network import Network
from snn2hw.ir.program import Op, Program
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d
from snn2hw.num import Format, Interval
from snn2hw.simplification import simplified
from tests.golden import Golden
from tests.hand_networks import (
    circulate,
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    image,
    lif,
    linear,
    network,
    neuron,
    normal,
    one_neuron,
    readout,
)
from tests.random_networks import compiled as compiled_case
from tests.random_networks import random_case

Array = npt.NDArray[Any]

INTEGERS = {
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.INT16,
    TensorProto.UINT16,
    TensorProto.INT32,
    TensorProto.UINT32,
    TensorProto.INT64,
    TensorProto.UINT64,
    TensorProto.BOOL,
}


@pytest.fixture(scope="module")
def net() -> IntegerNetwork:
    return compiled(every_kind(), every_kind_sample()).network


@pytest.fixture(scope="module")
def models(net: IntegerNetwork) -> list[ModelProto]:
    return [onnx.load_model_from_string(data) for data in to_onnx(net)]


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs(attribute.g)


def bodies(model: ModelProto) -> list[GraphProto | FunctionProto]:
    return [*graphs(model.graph), *model.functions]


def all_nodes(model: ModelProto) -> list[NodeProto]:
    return [n for body in bodies(model) for n in body.node]


def test_the_same_network_gives_the_same_bytes() -> None:
    again = [to_onnx(compiled(every_kind(), every_kind_sample()).network) for _ in range(2)]
    assert again[0] == again[1]


def test_the_checker_accepts_both_files(models: list[ModelProto]) -> None:
    for model in models:
        checker.check_model(model, full_check=True)
        assert model.producer_name == "snn2hw"
        assert {(o.domain, o.version) for o in model.opset_import if not o.domain} == {("", 21)}
        assert all(o.version == 21 for f in model.functions for o in f.opset_import if not o.domain)
        assert model.ir_version == 10


def element_types(model: ModelProto) -> Iterator[tuple[str, int]]:
    """Every type that is written in the file, or follows from what is written."""
    for graph in graphs(model.graph):
        for value in [*graph.input, *graph.output, *graph.value_info]:
            yield value.name, value.type.tensor_type.elem_type
        for tensor in graph.initializer:
            yield tensor.name, tensor.data_type
    for node in all_nodes(model):
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield node.name, attribute.t.data_type
            if attribute.name == "to":
                yield node.name, attribute.i
            assert attribute.type not in (onnx.AttributeProto.FLOAT, onnx.AttributeProto.FLOATS), node.name


@pytest.mark.parametrize("seed", range(8))
def test_nothing_but_integers_and_flags_in_either_file(seed: int) -> None:
    for data in to_onnx(compiled_case(random_case(seed)).network):
        types = dict(element_types(onnx.load_model_from_string(data)))
        assert set(types.values()) <= INTEGERS, {k: v for k, v in types.items() if v not in INTEGERS}


def test_nothing_but_integers_and_flags_is_computed(models: list[ModelProto]) -> None:
    """With functions inlined, every value of the step graph gets a type by inference."""
    flat = shape_inference.infer_shapes(inliner.inline_local_functions(models[1]), strict_mode=True, data_prop=True)
    known = {v.name: v.type.tensor_type.elem_type for v in [*flat.graph.value_info, *flat.graph.output]}
    computed = [name for node in flat.graph.node for name in node.output]
    assert not flat.functions
    assert len(computed) > 150
    assert set(computed) <= set(known)
    assert {known[name] for name in computed} <= INTEGERS


def test_inference_finds_the_shapes_that_the_network_has(net: IntegerNetwork, models: list[ModelProto]) -> None:
    flat = shape_inference.infer_shapes(inliner.inline_local_functions(models[1]), strict_mode=True, data_prop=True)
    for node in net.neurons:
        (found,) = [v for v in flat.graph.output if v.name == f"spikes/{node.name}"]
        assert [d.dim_value for d in found.type.tensor_type.shape.dim][1:] == list(node.shape)


def test_every_neuron_layer_is_a_function_named_for_what_it_is(net: IntegerNetwork, models: list[ModelProto]) -> None:
    expected = [("snn2hw.lnm", "LNM"), ("snn2hw.cf", "CirculateFiring"), ("snn2hw.fire", "IF"), ("snn2hw.lif", "LIF")]
    lowered = [(f"lowered.{domain}", name) for domain, name in expected]
    for model, functions in zip(models, ([*expected, *lowered], expected), strict=True):
        assert [(f.domain, f.name) for f in model.functions] == functions
        assert [(n.domain, n.op_type) for n in all_nodes(model) if n.domain] == expected
        assert {o.domain for o in model.opset_import} == {"", *(d for d, _ in functions)}


def test_a_layer_calls_its_simplified_program_and_keeps_the_lowered_one(net: IntegerNetwork, models: list[ModelProto]) -> None:
    for node in net.neurons:
        called, lowered = (f for f in models[0].functions if f.domain.endswith(f"snn2hw.{node.name}"))
        for function, program in ((called, simplified(node.program)), (lowered, node.program)):
            made = [n.output[0] for n in function.node]
            assert [name for name in made if name in program.by_name] == [
                i.name for i in program.instructions if i.op is not Op.OUTPUT
            ]
            assert list(lowered.input) == function_inputs(node.program) == list(called.input[: len(lowered.input)])
    sizes = [len(f.node) for f in models[0].functions if f.domain.endswith("snn2hw.cf")]
    assert sizes[0] < 0.6 * sizes[1]


def test_a_constant_keeps_its_values_with_its_name(net: IntegerNetwork) -> None:
    def other(program: Program) -> Program:
        lines = [replace(i, attrs=((7,),)) if i.op is Op.PARAM else i for i in program.instructions]
        return replace(program, instructions=tuple(lines))

    with pytest.raises(AssertionError):
        to_onnx(net, other)


def test_inputs_and_outputs_of_both_files(net: IntegerNetwork, models: list[ModelProto]) -> None:
    def typed(values: Any) -> list[tuple[str, int, list[int | str]]]:
        return [
            (v.name, v.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
            for v in values
        ]

    sequence, step = models
    assert typed(sequence.graph.input) == [("x", TensorProto.UINT8, [3, "N", 1, 6, 6])]
    assert typed(sequence.graph.output) == [("readout", TensorProto.INT32, ["N", 4])]
    shapes = {"lnm": [3, 6, 6], "cf": [3, 6, 6], "fire": [3, 6, 6], "lif": [8]}
    states = [("u", k, v) for k, v in shapes.items()]
    assert typed(step.graph.input) == [
        ("x", TensorProto.UINT8, ["N", 1, 6, 6]),
        *((f"state/{k}.{s}", TensorProto.INT32, ["N", *v]) for s, k, v in states),
    ]
    assert typed(step.graph.output) == [
        ("logits", TensorProto.INT32, ["N", 4]),
        *((f"spikes/{k}", TensorProto.INT32, ["N", *v]) for k, v in shapes.items()),
        *((f"next/{k}.{s}", TensorProto.INT32, ["N", *v]) for s, k, v in states),
    ]


@pytest.mark.parametrize(
    ("source", "dtype"),
    [
        (image(2), TensorProto.UINT8),
        (image(2, lo=-1.0), TensorProto.INT8),
        (counts(2), TensorProto.UINT8),
        (counts(2, lo=-7, hi=7), TensorProto.INT8),
        (counts(2, lo=-255, hi=255), TensorProto.INT32),
    ],
)
def test_the_type_of_the_input(source: Any, dtype: int) -> None:
    made = compiled(network(2, source, linear("head", "input", np.eye(2)), readout("head"))).network
    assert [onnx.load_model_from_string(d).graph.input[0].type.tensor_type.elem_type for d in to_onnx(made)] == [dtype] * 2


def products(source: Any) -> set[str]:
    made = compiled(network(2, source, linear("head", "input", normal(0, 2, 2)), readout("head"))).network
    ops = {n.op_type for d in to_onnx(made) for n in all_nodes(onnx.load_model_from_string(d))}
    return ops & {"MatMul", "MatMulInteger", "ConvInteger", "Conv", "Gemm", "QLinearMatMul", "QLinearConv"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (counts(2), {"MatMulInteger"}),
        (counts(2, hi=127), {"MatMulInteger"}),
        (counts(2, lo=-63, hi=63), {"MatMulInteger"}),
        (counts(2, hi=255), {"MatMul"}),
        (counts(2, lo=-127, hi=127), {"MatMul"}),
        (image(2), {"MatMul"}),
        (image(2, lo=-1.0), {"MatMul"}),
    ],
)
def test_which_product_carries_which_payload(source: Any, expected: set[str]) -> None:
    """u8*s8 kernels without VNNI saturate an int16 pair sum, so 8-bit payloads take the int32 product."""
    assert products(source) == expected


def test_no_operator_that_refuses_or_rounds_integers(models: list[ModelProto]) -> None:
    for model in models:
        ops = {n.op_type for n in all_nodes(model)}
        assert not ops & {"Conv", "ConvInteger", "QLinearConv", "BitShift", "AveragePool", "MaxPool", "Round", "Floor", "Pow"}
        assert {"MatMul", "MatMulInteger"} <= ops


def test_wide_arithmetic_has_no_int64_clip_min_or_max() -> None:
    """ONNX Runtime's int64 Clip, Min and Max are wrong around 2**31."""
    wide = compiled(one_neuron(neuron("n", "fc", coefficients=((0.05, 0.6, -0.1, 0.02),))), state_bits=24).network
    assert max(i.format.width for i in wide.neurons[0].program.instructions) > 32
    ops = {n.op_type for f in onnx.load_model_from_string(to_onnx(wide)[1]).functions for n in f.node}
    assert not ops & {"Clip", "Min", "Max"}
    narrow = compiled(one_neuron(lif("n", "fc")), state_bits=12).network
    assert "Clip" in {n.op_type for f in onnx.load_model_from_string(to_onnx(narrow)[0]).functions for n in f.node}


def listing(model: ModelProto) -> str:
    lines = []
    for body in bodies(model):
        lines.append(f"function {body.domain}.{body.name}" if isinstance(body, FunctionProto) else f"graph {body.name}")
        lines += [f"  {', '.join(n.output)} = {n.op_type}({', '.join(n.input)})" for n in body.node]
    return "\n".join(lines) + "\n"


def small() -> Network:
    return network(
        2,
        counts(1, 2, 2),
        conv("conv", "input", normal(0, 2, 1, 2, 2), window=Window((2, 2), padding=(1, 0))),
        circulate("cf", "conv", amplitudes=(1.0,)),
        flatten("flat", "cf"),
        linear("head", "flat", np.ones((2, 6))),
        readout("head"),
    )


def test_the_operators_of_a_small_network(golden: Golden) -> None:
    """The listing is pinned; the files it lists are executed against the reference."""
    made = compiled(small(), state_bits=12).network
    sequence, step = (onnx.load_model_from_string(d) for d in to_onnx(made))
    golden("onnx_listing.txt", f"model.onnx\n{listing(sequence)}\nstep.onnx\n{listing(step)}")
    payloads = np.random.default_rng(0).integers(0, 2, (2, 50, 1, 2, 2))
    (readout_value,) = ReferenceEvaluator(sequence).run(None, {"x": payloads.astype(np.uint8)})
    np.testing.assert_array_equal(readout_value, interpret(made, payloads).readout)
    assert len(np.unique(readout_value)) > 3


def by_onnx_reference(model: ModelProto, x: Array) -> Array:
    return np.asarray(ReferenceEvaluator(model).run(None, {"x": x})[0])


def by_onnxruntime(model: ModelProto, x: Array) -> Array:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def alone(node: IntNode, source: IntNode) -> ModelProto:
    """One layer as a model of its own."""
    writer = GraphWriter()
    made = emit_layer(writer, node, ["x"], [source])
    graph = helper.make_graph(
        writer.nodes,
        "layer",
        [value_info("x", np.int32, ["N", *source.shape])],
        [value_info(made, np.int32, ["N", *node.shape])],
        writer.initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def convolved(x: Array, node: IntConv2d) -> Array:
    """The definition, one product at a time."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = node.window.kernel, node.window.stride, node.window.padding, node.window.dilation
    out, per_group = node.weight.shape[:2]
    _, oh, ow = node.shape
    y = np.zeros((len(x), out, oh, ow), np.int64)
    for n, o, i, j in np.ndindex(*y.shape):
        total, group = int(node.bias[o]), o // (out // node.groups)
        for c, a, b in np.ndindex(per_group, kh, kw):
            row, column = i * sh - ph + a * dh, j * sw - pw + b * dw
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                total += int(node.weight[o, c, a, b]) * int(x[n, group * per_group + c, row, column])
        y[n, o, i, j] = total
    return y


WINDOWS = {
    "plain": (Window((3, 3)), 1),
    "one tap": (Window((1, 1)), 1),
    "strided": (Window((3, 2), stride=(2, 3)), 1),
    "padded": (Window((3, 3), padding=(1, 2)), 1),
    "dilated": (Window((2, 3), dilation=(3, 2)), 1),
    "two groups": (Window((2, 2)), 2),
    "depthwise": (Window((3, 3), padding=(1, 1)), 4),
    "all at once": (Window((2, 3), stride=(2, 1), padding=(2, 1), dilation=(2, 2)), 2),
}
PAYLOADS = {
    "binary": Interval(0, 1),
    "graded": Interval(-63, 64),
    "negative": Interval(-5, -2),
    "image": Interval(0, 255),
    "signed image": Interval(-127, 127),
}


@pytest.mark.parametrize("run", [by_onnx_reference, by_onnxruntime])
@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("which", WINDOWS)
def test_convolutions_equal_the_definition(which: str, payload: str, run: Callable[[ModelProto, Array], Array]) -> None:
    window, groups = WINDOWS[which]
    held = PAYLOADS[payload]
    rng = np.random.default_rng(0)
    source = IntInput("input", (), (4, 6, 7), Format(32, 0), held, unit=1.0, static=True, counts=True)
    weight = rng.integers(-127, 128, (4, 4 // groups, *window.kernel)).astype(np.int8)
    weight[0] = 127  # the largest sums
    bias = rng.integers(-(2**20), 2**20, 4).astype(np.int32)
    draft = IntConv2d(
        "conv", ("input",), (), Format(32, 0), Interval(0, 0), weight=weight, bias=bias, window=window, groups=groups
    )
    node = IntConv2d(**{**vars(draft), "shape": draft.output_shape([source.shape])})
    x = rng.integers(held.lo, held.hi, (3, 4, 6, 7), endpoint=True).astype(np.int32)
    x[0] = held.hi
    got = run(alone(node, source), x)
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, convolved(x, node))

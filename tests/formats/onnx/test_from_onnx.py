from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from snn2hw.errors import ArtefactError, RuleError, Snn2hwError
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.onnx_terms import FORMAT_KEY, NETWORK_KEY
from snn2hw.ir.text import to_text
from tests.hand_networks import compiled, every_kind, every_kind_sample
from tests.random_networks import compiled as compiled_case
from tests.random_networks import random_case
from tests.refused import refused

AGAIN = "do:       compile the trained model again; files are not meant to be edited"


@pytest.fixture(scope="module")
def written() -> bytes:
    return to_onnx(compiled(every_kind(), every_kind_sample()).network)[0]


def edited(data: bytes, edit: Callable[[ModelProto], object]) -> bytes:
    model = onnx.load_model_from_string(data)
    edit(model)
    return model.SerializeToString(deterministic=True)


def body_of(model: ModelProto) -> onnx.GraphProto:
    (scan,) = [n for n in model.graph.node if n.op_type == "Scan"]
    return next(a.g for a in scan.attribute if a.name == "body")


def with_text(data: bytes, change: Callable[[str], str]) -> bytes:
    def edit(model: ModelProto) -> None:
        entry = next(p for p in model.metadata_props if p.key == NETWORK_KEY)
        entry.value = change(entry.value)

    return edited(data, edit)


def test_reading_and_writing_again_gives_the_same_bytes(written: bytes) -> None:
    for data in to_onnx(from_onnx(written)):
        again = from_onnx(data)
        assert to_onnx(again) == to_onnx(from_onnx(written))
    assert to_onnx(from_onnx(written))[0] == written


def test_both_files_hold_the_same_network() -> None:
    net = compiled(every_kind(), every_kind_sample()).network
    text, arrays = to_text(net)
    for data in to_onnx(net):
        again_text, again = to_text(from_onnx(data))
        assert again_text == text
        assert again.keys() == arrays.keys()
        assert all(again[k].dtype == arrays[k].dtype and np.array_equal(again[k], arrays[k]) for k in arrays)


@pytest.mark.parametrize("seed", range(12))
def test_random_networks_come_back_bit_for_bit(seed: int) -> None:
    files = to_onnx(compiled_case(random_case(seed)).network)
    assert to_onnx(from_onnx(files[0])) == files


def test_every_truncation_is_refused(written: bytes) -> None:
    lengths = sorted({*range(0, 40), *range(0, len(written), 97), *range(len(written) - 40, len(written))})
    for length in lengths:
        with pytest.raises(ArtefactError) as caught:
            from_onnx(written[:length], "half.onnx")
        assert caught.value.where == "half.onnx", length


@pytest.mark.parametrize("length", [100, 5000])
def test_a_truncated_file_says_so(written: bytes, length: int) -> None:
    with refused(
        ArtefactError,
        f"""
        this is not an ONNX file, or it is truncated
          where:    model.onnx
          got:      {length} bytes that are no ONNX model, or not all of one
          {AGAIN}
        """,
    ):
        from_onnx(written[:length])


def test_an_empty_file_holds_no_graph() -> None:
    with refused(
        ArtefactError,
        f"""
        this ONNX file holds no graph
          where:    model.onnx
          got:      0 bytes
          {AGAIN}
        """,
    ):
        from_onnx(b"")


@pytest.mark.parametrize("data", [b"\xff" * 64, b"PK\x03\x04 not a model", b"\x00\x01\x02", b"<html></html>"])
def test_garbage_is_refused(data: bytes) -> None:
    with refused(
        ArtefactError,
        f"""
        this is not an ONNX file, or it is truncated
          where:    model.onnx
          got:      {len(data)} bytes that are no ONNX model, or not all of one
          {AGAIN}
        """,
    ):
        from_onnx(data)


def foreign(dtype: int) -> bytes:
    x, y = (helper.make_tensor_value_info(name, dtype, ["N"]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"], name="n")], "g", [x], [y])
    return helper.make_model(graph, producer_name="somebody").SerializeToString()


def test_a_foreign_integer_file_was_not_written_by_snn2hw() -> None:
    with refused(
        ArtefactError,
        """
        this ONNX file was not written by snn2hw
          where:    other.onnx
          got:      producer 'somebody'
          expected: metadata 'snn2hw.network'
          do:       compile the trained model with `snn2hw compile`
        """,
    ):
        from_onnx(foreign(TensorProto.INT32), "other.onnx")


def floats(got: str) -> str:
    return f"""the file computes with floats
  where:    model.onnx
  got:      {got}
  expected: integer tensors and snn2hw's own functions
  {AGAIN}"""


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16])
def test_a_foreign_float_file_is_refused(dtype: int) -> None:
    with refused(ArtefactError, floats("'x' is a float tensor")):
        from_onnx(foreign(dtype))


def cast_to_float(nodes: list[onnx.NodeProto]) -> None:
    nodes.append(helper.make_node("Cast", [nodes[0].output[0]], ["half"], name="sneaky", to=TensorProto.FLOAT16))


def float_weight(model: ModelProto) -> None:
    body_of(model).initializer.append(numpy_helper.from_array(np.ones(2, np.float32), "w"))


FLOATS: dict[str, tuple[Callable[[ModelProto], object], str]] = {
    "a cast in the graph": (lambda m: cast_to_float(m.graph.node), "node 'sneaky' casts to float"),
    "a cast in the body": (lambda m: cast_to_float(body_of(m).node), "node 'sneaky' casts to float"),
    "a cast in a function": (lambda m: cast_to_float(m.functions[1].node), "node 'sneaky' casts to float"),
    "an initializer": (float_weight, "'w' is a float tensor"),
    "an output": (
        lambda m: m.graph.output.append(helper.make_tensor_value_info("p", TensorProto.DOUBLE, [1])),
        "'p' is a float tensor",
    ),
}


@pytest.mark.parametrize("which", FLOATS)
def test_floats_put_in_are_found(written: bytes, which: str) -> None:
    edit, got = FLOATS[which]
    with refused(ArtefactError, floats(got)):
        from_onnx(edited(written, edit))


@pytest.mark.parametrize("inside", [False, True])
def test_an_operation_of_an_unknown_domain_is_refused(written: bytes, inside: bool) -> None:
    def edit(model: ModelProto) -> None:
        graph = body_of(model) if inside else model.graph
        graph.node.append(helper.make_node("FusedMatMul", ["a", "b"], ["c"], name="fast", domain="com.microsoft"))

    with refused(
        ArtefactError,
        f"""
        the file has an operation that snn2hw does not know
          where:    model.onnx
          got:      com.microsoft.FusedMatMul in node 'fast'
          expected: integer tensors and snn2hw's own functions
          {AGAIN}
        """,
    ):
        from_onnx(edited(written, edit))


@pytest.mark.parametrize("version", ["3", "", None])
def test_another_version_of_the_format_is_refused(written: bytes, version: str | None) -> None:
    def edit(model: ModelProto) -> None:
        (entry,) = [p for p in model.metadata_props if p.key == FORMAT_KEY]
        if version is None:
            model.metadata_props.remove(entry)
        else:
            entry.value = version

    lines = ["this file has another version of the format", "  where:    model.onnx"]
    lines += [f"  got:      {version}"] if version != "" else []
    with refused(ArtefactError, "\n".join([*lines, "  expected: 4", f"  {AGAIN}"])):
        from_onnx(edited(written, edit))


DAMAGE: dict[str, tuple[Callable[[str], str], str]] = {
    "head": (lambda t: "x" + t, "this is not the text of a network"),
    "class": (lambda t: t.replace('"is": "IntFlatten"', '"is": "Flatten2"'), "a node cannot be read"),
    "field": (lambda t: t.replace('"groups": 1', '"group": 1', 1), "a node cannot be read"),
    "bracket": (lambda t: t.replace('"groups": 1}', '"groups": 1', 1), "this is not the text of a network"),
    "format": (lambda t: t.replace('"format": "s', '"format": "q', 1), "this is not a fixed-point format"),
    "interval": (lambda t: t.replace('"interval": [0, 255]', '"interval": [255, 0]', 1), "a node cannot be read"),
    "missing array": (lambda t: t.replace('"name": "head"', '"name": "tail"'), "a node cannot be read"),
    "operation": (lambda t: t.replace('"op": "clamp"', '"op": "clip"', 1), "a node cannot be read"),
    "attribute": (lambda t: t.replace(', "rounding": "floor"', "", 1), "a node cannot be read"),
    "overflow": (lambda t: t.replace('"saturate"', '"wrap"', 1), "a node cannot be read"),
    "older form": (lambda t: "network integer steps=1 target=generic\n", "this is not the text of a network"),
}  # fmt: skip


@pytest.mark.parametrize("which", DAMAGE)
def test_damaged_text_is_refused(written: bytes, which: str) -> None:
    change, first = DAMAGE[which]
    with pytest.raises(ArtefactError) as caught:
        from_onnx(with_text(written, change), "bad.onnx")
    lines = str(caught.value).splitlines()
    assert lines[:3] == ["the network in this file cannot be read", "  where:    bad.onnx", f"  got:      {first}"]
    assert lines[-1] == f"  {AGAIN}"


BROKEN_RULES: dict[str, tuple[Callable[[str], str], str]] = {
    "interval too small": (
        lambda t: t.replace('"interval": [0, 255]', '"interval": [0, 256]'),
        "the declared interval does not fit the format",
    ),
    "shape": (lambda t: t.replace('"shape": [27]', '"shape": [26]'), "the shape is not that of the equation"),
    "input undefined": (lambda t: t.replace('"inputs": ["flat"]', '"inputs": ["flt"]'), "an input is used before it is defined"),
    "wide": (lambda t: t.replace('"args": ["h_sum"], "lo": -32768', '"args": ["h_sum"], "lo": -65536', 1), "the result lies in"),
}


@pytest.mark.parametrize("which", BROKEN_RULES)
def test_text_that_breaks_a_rule_is_refused(written: bytes, which: str) -> None:
    change, first = BROKEN_RULES[which]
    with pytest.raises(RuleError) as caught:
        from_onnx(with_text(written, change))
    assert caught.value.what.startswith(first)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_any_single_edit_of_the_text_is_read_or_refused_cleanly(written: bytes, every: int) -> None:
    """Every value in the text replaced by others; whatever comes of it is a network or one of our errors."""
    model = onnx.load_model_from_string(written)
    text = next(p.value for p in model.metadata_props if p.key == NETWORK_KEY)
    values = [m.span(1) for m in re.finditer(r": (\[[^\]]*\]|\"[^\"]*\"|[^\s,{}]+)", text)]
    escaped = []
    for start, stop in values[::every]:
        for other in ("null", "-1", "[]", '"x"'):
            broken = text[:start] + other + text[stop:]
            try:
                from_onnx(with_text(written, lambda _, broken=broken: broken))
            except Snn2hwError:
                pass
            except Exception as error:  # noqa: BLE001
                escaped.append(f"{text[start - 12 : stop]} -> {other}: {type(error).__name__}: {error}")
    assert not escaped, "\n".join(escaped)


@pytest.mark.parametrize("place", ["/etc/passwd", "weights.bin", "../../x"])
def test_a_tensor_in_another_file_is_refused(written: bytes, place: str) -> None:
    def move(model: ModelProto) -> None:
        body = next(a.g for n in model.graph.node for a in n.attribute if a.HasField("g"))
        tensor = body.initializer[0]
        tensor.data_location = onnx.TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", place

    with pytest.raises(ArtefactError, match="this ONNX file does not hold its tensors") as caught:
        from_onnx(edited(written, move))
    assert caught.value.got.endswith("lies in another file")

"""Forged models, with all hashes made right: `check` finds every one and names what is wrong with it, and so does `load`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from snn2hw.checker.check import check_claims
from snn2hw.fingerprints import fingerprints
from tests.checker.forged import EACH, KINDS, Forger, forged, found_by_check, found_by_load
from tests.checker.tampering import Written, written
from tests.hand_networks import compiled, conv, flatten, image, linear, network, neuron, normal, readout

FEW = 8  # random networks in the quick test; compiling them takes most of its time
SAYS = {
    "a local function called like an operator": "is called like an operator of ONNX",
    "two functions in one domain": "is one of 2 in this domain",
    "an overload": "has an overload, attributes or stated types",
    "a function that fires nothing": "'out/spikes' of the simplified program is not proved",
    "a call of the lowered function": "is not called exactly once",
    "a value cast through INT8": "which INT8 cannot hold",
    "a value cast through BOOL": "which BOOL cannot hold",
    "a value cast through floats": "which holds no integers",
    "the samples cast to a narrower type": "INT8 cannot hold",
    "a readout beyond int32": "'the readout' reaches [",
    "weights in another file": "lies in another file",
    "beyond the lower end of a type": "cannot hold",
    "a state that starts outside its interval": "it starts at ",
    "a readout that does not start at 0": "the readout does not start at 0",
    "a product with a negative number": "need not be lowest where its arguments are",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_forged_model_is_found_and_named(kind: str) -> None:
    for made in forged(kind, 2, FEW):
        texts = found_by_check(made)
        assert any(SAYS[kind] in text for text in texts), f"{made.says}: {texts[:5]}"
        assert found_by_load(made), made.says


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_forged_model_is_found_and_named(kind: str) -> None:
    for made in forged(kind, EACH):
        assert any(SAYS[kind] in text for text in found_by_check(made)), made.says
        assert found_by_load(made), made.says


def per_channel() -> Written:
    """Two channels with constants of their own, on images of two by two."""
    own = neuron("n", "c", coefficients=((0.0, 0.5, 0.1), (0.1, 0.25, -0.1)))
    parts = (
        conv("c", "input", normal(3, 2, 1, 1, 1)),
        own,
        flatten("f", "n"),
        linear("head", "f", normal(4, 2, 8)),
        readout("head"),
    )
    return written(compiled(network(2, image(1, 2, 2), *parts), state_bits=8).network)


def as_found(before: Written, model: onnx.ModelProto) -> list[str]:
    data = model.SerializeToString(deterministic=True)
    assert data != before.model
    return [str(f) for f in check_claims(data, {**before.certificate, "model": fingerprints(data)}).failures]


def test_constants_of_channels_that_lie_along_the_columns_are_found() -> None:
    """Where there are as many columns as channels the shapes agree, and every neuron gets the constants of another."""
    before = per_channel()
    f = Forger(before, np.random.default_rng(0))
    tensors = [t for t in f.body.initializer if list(t.dims) == [2, 1, 1]]
    assert len(tensors) > 1
    for tensor in tensors:
        tensor.dims[:] = [1, 1, 2]
    assert any("a constant of n is not one for all or one for each channel" in t for t in as_found(before, f.model))


def test_a_state_that_leaves_in_another_type_is_found() -> None:
    before = per_channel()
    f = Forger(before, np.random.default_rng(0))
    (cast,) = (n for n in f.model.functions[0].node if n.output[0] == "out/u")
    cast.attribute[0].i = TensorProto.INT16
    assert any("changes its shape or its type from step to step" in t for t in as_found(before, f.model))


def _shadowed(f: Forger) -> None:
    f.model.graph.node.insert(0, helper.make_node("Shape", ["x"], [f.body.node[0].output[0]]))


def _turned(f: Forger) -> None:
    node = next(n for n in f.model.functions[0].node if n.op_type == "Sub")
    node.op_type = "Mod"
    node.attribute.append(helper.make_attribute("fmod", 1))


def _sparse(f: Forger) -> None:
    values = numpy_helper.from_array(np.ones(1, np.int8), "sparse")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "at")
    f.body.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2]))


def _clipped_in_int64(f: Forger) -> None:
    node = next(n for n in f.model.functions[0].node if n.op_type == "Where" and n.input[0].endswith("/raised/beyond"))
    node.op_type, node.input[:] = "Max", list(node.input[1:])


def _in_bytes(f: Forger) -> None:
    cast = next(n for n in f.body.node if n.op_type == "Cast" and n.output[0].endswith("/payload"))
    cast.attribute[0].i = TensorProto.UINT8
    matmul = next(n for n in f.body.node if n.op_type == "MatMul")
    wide = next(n for n in f.body.node if n.output[0] == matmul.input[1])
    matmul.op_type, matmul.input[1] = "MatMulInteger", wide.input[0]


def _unknown(f: Forger) -> None:
    next(n for n in f.model.functions[0].node if n.op_type == "Sub").op_type = "Pow"


def _any_steps(f: Forger) -> None:
    f.model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "T"


EXTRA: dict[str, tuple[Callable[[Forger], object], str]] = {
    "a value within and around the steps": (_shadowed, "stands for a value within the steps and for one around them"),
    "an attribute that turns the meaning": (_turned, "has the attributes ['fmod'], not []"),
    "a sparse weight": (_sparse, "has sparse weights, stated types or annotations"),
    "a second storage": (
        lambda f: f.body.initializer[0].int64_data.extend([1, 2]),
        "holds its values in ['raw_data', 'int64_data'], in part or not at all",
    ),
    "an operator set": (lambda f: setattr(f.model.opset_import[0], "version", 20), "the operator sets are"),
    "metadata twice": (lambda f: f.model.metadata_props.append(f.model.metadata_props[0]), "one piece of metadata twice"),
    "a maximum in int64": (_clipped_in_int64, "which ONNX Runtime computes wrongly beyond 32 bits"),
    "bytes that saturate": (_in_bytes, "is of bytes up to"),
    "an unknown operator": (_unknown, "no operator that is known here"),
    "a number of steps that is not stated": (_any_steps, "the samples are [0, 0, "),
}


@pytest.mark.parametrize("name", EXTRA)
def test_what_onnx_allows_and_compile_never_writes_is_found(name: str) -> None:
    before, (change, says) = per_channel(), EXTRA[name]
    f = Forger(before, np.random.default_rng(0))
    change(f)
    texts = as_found(before, f.model)
    assert any(says in t for t in texts), texts[:5]

"""Thresholds that depend on the step, as the checker reads them: what is tampered with is found, whatever the hashes say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

from snn2hw.checker.check import check_claims
from snn2hw.errors import ArtefactError
from snn2hw.fingerprints import fingerprints
from snn2hw.ir.network import Circulate
from tests.checker.tampering import LEAF_KINDS, MODEL_KINDS, Written, tampered, written
from tests.hand_networks import circulate, compiled, one_neuron
from tests.test_store_tampering import initializers


@cache
def by_step(signed: bool = True) -> Written:
    firing = Circulate((1.0, 0.5), (1.0, 1.0), signed, (1.0, 1.0, 1.0, 0.5, 2.0))
    return written(compiled(one_neuron(replace(circulate("cf", "fc"), firing=firing)), state_bits=9).network)


def failures(model: bytes, claimed: Any) -> list[str]:
    return [str(f) for f in check_claims(model, claimed).failures]


@pytest.mark.parametrize("signed", [False, True])
def test_as_it_was_written_it_passes(signed: bool) -> None:
    before = by_step(signed)
    assert failures(before.model, before.certificate) == []
    (layer,) = before.certificate["layers"]
    assert [f["at"] for f in layer["firing"]] == [{"n": t} for t in range(5)]
    assert [f["thresholds"] for f in layer["firing"]] == [[64, 32]] * 3 + [[32, 16], [128, 64]]


def lowered(model: ModelProto) -> Any:
    """The function that claims are of."""
    (function,) = (f for f in model.functions if f.domain.startswith("lowered."))
    return function


def constant(name: str, value: int) -> Callable[[ModelProto], None]:
    """Another value for a constant of the function, which stands under this name or behind it."""

    def change(model: ModelProto) -> None:
        function = lowered(model)
        made = {n.output[0]: n for n in function.node}
        node = made[name] if made[name].op_type == "Constant" else made[made[name].input[0]]
        tensor = node.attribute[0].t
        node.attribute[0].t.CopyFrom(numpy_helper.from_array(np.full_like(numpy_helper.to_array(tensor), value), tensor.name))

    return change


def end(value: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        function = lowered(model)
        (clamp,) = (n for n in function.node if n.output[0] == "n_after")
        constant(clamp.input[-1], value)(model)

    return change


def threshold(model: ModelProto) -> None:
    tensor = initializers(model)["cf.threshold1_from3"]
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + 1, tensor.name))


def start(model: ModelProto) -> None:
    """The counter starts at 1; what it is spread over stays."""
    (scan,) = (n for n in model.graph.node if n.op_type == "Scan")
    body = onnx.helper.get_node_attr_value(scan, "body")
    at = next(k for k, i in enumerate(body.input) if i.name.startswith("state/cf.n") or i.name.endswith("cf.n"))
    (spread,) = (n for n in model.graph.node if n.output[0] == scan.input[at])
    dtype = onnx.helper.tensor_dtype_to_np_dtype(body.input[at].type.tensor_type.elem_type)
    first = onnx.helper.make_node("Constant", [], ["first"], value=numpy_helper.from_array(np.array(1, dtype)))
    spread.input[0] = "first"
    model.graph.node.insert(0, first)


FIRING = "layers.cf.firing"
TAMPERED = {
    "a threshold of one step": (threshold, f"{FIRING}.3.thresholds: claimed [32, 16], true is [33, 16]"),
    "where a threshold changes": (constant("before3", 1), f"{FIRING}.2.thresholds: claimed [64, 32], true is [32, 16]"),
    "the counter's start": (start, "ValueError: ['n'] do not count the steps: [1] at step 0"),
    "the counter's increment": (constant("n_one", 2), "ValueError: ['n'] do not count the steps: [2] at step 1"),
    "a counter that stands": (constant("n_one", 0), f"{FIRING}: claimed "),
    "a later end of the counter": (end(5), f"{FIRING}: claimed "),
    "an earlier end of the counter": (end(3), f"{FIRING}: claimed "),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_another_schedule_is_found_without_any_hash(name: str) -> None:
    before, (change, says) = by_step(), TAMPERED[name]
    model = onnx.load_model_from_string(before.model)
    change(model)
    data = model.SerializeToString(deterministic=True)
    assert data != before.model
    texts = failures(data, {**before.certificate, "model": fingerprints(data)})
    assert any(says in t for t in texts), texts


def backwards(model: ModelProto) -> None:
    """n_after = 1 - n: 0, 1, 0, 1, ..."""
    function = lowered(model)
    (total,) = (n for n in function.node if n.output[0] == "n_sum")
    total.op_type, total.input[:] = "Sub", total.input[::-1]


def test_a_count_backwards_is_refused_whatever_is_claimed() -> None:
    before = by_step()
    model = onnx.load_model_from_string(before.model)
    backwards(model)
    data = model.SerializeToString(deterministic=True)
    text, *_ = failures(data, {**before.certificate, "model": fingerprints(data)})
    assert text.endswith("ValueError: ['n'] do not count the steps: [0] at step 2")


def test_whatever_is_tampered_with_is_found() -> None:
    for seed in range(48):
        rng = np.random.default_rng(seed)
        done = tampered(by_step(bool(seed % 2)), (*MODEL_KINDS, *LEAF_KINDS)[seed % 8], rng)
        assert done is not None
        try:
            texts = failures(done.model, done.certificate)
        except ArtefactError as error:
            texts = [str(error)]
        assert any(done.part in t for t in texts), f"seed {seed}: {done.kind}, {done.part}: {done.says}\n{texts[:5]}"

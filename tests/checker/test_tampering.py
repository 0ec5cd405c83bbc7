"""One integer changed anywhere in model.onnx, one leaf anywhere in certificate.json: it is found, and the part is named."""

from __future__ import annotations

import copy
import os
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from snn2hw.checker.check import check_claims
from snn2hw.errors import ArtefactError
from tests.checker.tampering import LEAF_KINDS, MODEL_KINDS, Tampered, Written, rewired, tampered, written, written_random
from tests.hand_networks import add, back, compiled, counts, lif, linear, network, normal, readout

KINDS = (*MODEL_KINDS, *LEAF_KINDS)
FIRST = int(os.environ.get("SNN2HW_FUZZ_SEED", "0")) * 1_000_000
NETWORKS, FEW = 24, 6  # random networks that are tampered with; compiling them takes most of the time


def tampered_by(seed: int, networks: int = NETWORKS) -> Tampered:
    rng = np.random.default_rng(seed)
    before = written_random(int(rng.integers(networks)), int(rng.choice([8, 10, 12])))
    done = tampered(before, KINDS[seed % len(KINDS)], rng)
    assert done is not None, f"seed {seed}: nothing to change"
    return done


def assert_found(seed: int, networks: int) -> str:
    """The kind of change that was done, and found by its name."""
    done = tampered_by(seed, networks)
    try:
        texts = [str(f) for f in check_claims(done.model, done.certificate).failures]
    except ArtefactError as error:
        texts = [str(error)]
    where = f"tampered_by({seed}, {networks}): {done.kind}, {done.part}: {done.says}"
    assert texts, f"not found: {where}"
    assert any(done.part in t for t in texts), f"found, but not named: {where}\n" + "\n".join(texts[:5])
    return done.kind


def sweep(seeds: range, networks: int) -> Counter[str]:
    counted = Counter(assert_found(seed, networks) for seed in seeds)
    print(f"tampered with and found: {dict(sorted(counted.items()))}")
    return counted


def test_what_was_tampered_with_is_found_and_named() -> None:
    assert sweep(range(FIRST, FIRST + 24), FEW) == dict.fromkeys(KINDS, 3)


@pytest.mark.slow
def test_whatever_is_tampered_with_is_found_and_named() -> None:
    counted = sweep(range(FIRST + 24, FIRST + 528), NETWORKS)
    assert counted == dict.fromkeys(KINDS, 63)
    assert counted.total() >= 500


@pytest.mark.parametrize("seed", range(3))
def test_what_was_not_tampered_with_passes(seed: int) -> None:
    for bits in (8, 10, 12):
        before = written_random(seed, bits)
        assert check_claims(before.model, before.certificate).failures == []


def test_the_change_is_a_function_of_the_seed() -> None:
    for seed in range(len(KINDS)):
        assert tampered_by(seed) == tampered_by(seed)


def swap(ends: Any, a: int, b: int) -> None:
    kept = [copy.deepcopy(e) for e in ends]
    kept[a], kept[b] = kept[b], kept[a]
    del ends[:]
    ends.extend(kept)


def other_start(graph: Any, scan: Any, body: Any) -> None:
    """The membrane starts where a node of ours says, past the name that the compiler gives."""
    (old,) = (n for n in graph.node if n.output[0] == scan.input[1])
    first = onnx.helper.make_node("Constant", [], ["first"], value=numpy_helper.from_array(np.array(7, np.int16)))
    spread = onnx.helper.make_node("Expand", ["first", old.input[1]], ["other"])
    scan.input[1] = "other"
    nodes = [copy.deepcopy(n) for n in graph.node]
    del graph.node[:]
    graph.node.extend([*nodes[:-1], first, spread, nodes[-1]])


def initialised(graph: Any, scan: Any, body: Any) -> None:
    shape = [2, *(d.dim_value for d in body.input[1].type.tensor_type.shape.dim[1:])]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(body.input[1].type.tensor_type.elem_type)
    graph.initializer.append(numpy_helper.from_array(np.full(shape, 7, dtype), "given"))
    scan.input[1] = "given"


def doubled(graph: Any, scan: Any, body: Any) -> None:
    (total,) = (n for n in body.node if n.output[0] == "readout_after")
    total.input[1] = "readout_before"


def subtracted(graph: Any, scan: Any, body: Any) -> None:
    (total,) = (n for n in body.node if n.output[0] == "readout_after")
    total.op_type = "Sub"


def counted_twice(graph: Any, scan: Any, body: Any) -> None:
    scan.output[0] = "once"
    graph.node.append(onnx.helper.make_node("Add", ["once", "once"], ["readout"]))


REWIRED = {
    "next states swapped": lambda graph, scan, body: swap(body.output, 1, 2),
    "entries swapped": lambda graph, scan, body: swap(body.input, 1, 2),
    "another start": other_start,
    "an initialiser": initialised,
    "the sum doubled": doubled,
    "the sum subtracted": subtracted,
    "counted twice": counted_twice,
    "backwards": lambda graph, scan, body: scan.attribute.append(onnx.helper.make_attribute("scan_input_directions", [1])),
}


@pytest.mark.parametrize("name", REWIRED)
def test_another_way_from_step_to_step_is_found(name: str) -> None:
    """Two neurons alike, an edge between them: what is carried goes by place, whatever it is called."""
    before = two_alike()
    assert check_claims(before.model, before.certificate).failures == []
    done = rewired(before, REWIRED[name])
    onnx.checker.check_model(onnx.load_model_from_string(done.model))
    assert check_claims(done.model, done.certificate).failures


@cache
def two_alike() -> Written:
    made = network(
        3,
        counts(2),
        linear("a", "input", normal(1, 2, 2)),
        back("late", "m", 2),
        add("j", "a", "late"),
        lif("n", "j"),
        linear("b", "n", normal(2, 2, 2)),
        lif("m", "b"),
        readout("m"),
    )
    return written(compiled(made, state_bits=10).network)

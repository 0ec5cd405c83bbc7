"""Attention in every executor, in C, in the certificate; and mistakes in it, which must be found."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import onnx
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.backends.lava.fits import check_network
from snn2hw.backends.reference import interpret
from snn2hw.certificate.certify import certify
from snn2hw.checker.check import check_claims
from snn2hw.errors import UnsupportedError
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.replay import replay
from snn2hw.num import Interval
from snn2hw.trace import Ints
from snn2hw.verification.verdict import compare_executors
from tests.backends.c.folders import texts, written
from tests.backends.test_recurrent import Foreign
from tests.hand_networks import artefact_of, attending, samples
from tests.native.compiling import needs_compiler
from tests.refused import refused

NETWORKS = {
    "scores first": {},
    "keys and values first": {"how": "linear"},
    "signed": {"how": "signed", "factor": 0.3},
    "signed, one head, keys and values first": {"how": "signed", "heads": 1},
    "large": {"how": "large", "factor": 2.0**-10},
    "pooled": {"how": "pooled", "factor": 2.0},
}


@cache
def given(name: str) -> tuple[Artefact, Ints]:
    made: Any = NETWORKS[name]
    artefact = artefact_of(attending(**made))
    return artefact, encode(artefact.network, samples(3, 6, 2, 2, 3))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_executor_agrees(name: str) -> None:
    artefact, payloads = given(name)
    compiles = name in ("signed", "keys and values first")  # for seconds; all three ways are in these
    verdict = compare_executors(
        artefact, payloads, [n for n, e in EXECUTORS.items() if not e.unavailable() and (n != "fast" or compiles)]
    )
    assert verdict.equal, verdict.differences
    assert from_onnx(artefact.model).nodes[-1].name == "readout"
    trace = interpret(artefact.network, payloads)
    assert all(s.any() for s in trace.spikes.values())


@needs_compiler
def test_the_c_folder(tmp_path: Any) -> None:
    artefact, payloads = given("scores first")
    done = replay(written(tmp_path / "c", texts(artefact.network, payloads)))
    assert done.equal, done.report


def test_binary_payloads_are_multiplied_in_eight_bits_and_wide_ones_in_32() -> None:
    def products(name: str) -> list[str]:
        nodes = onnx.load_model_from_string(given(name)[0].step).graph.node
        return [n.op_type for n in nodes if n.op_type.startswith("MatMul") and "mixed" in n.name]

    assert products("scores first") == ["MatMulInteger"]
    wide = changed(given("scores first")[0].network, "scores", interval=Interval(0, 128))
    step = onnx.load_model_from_string(to_onnx(wide)[1])
    assert [n.op_type for n in step.graph.node if n.name == "value/mixed/sum"] == ["MatMul"]


# mistakes


def changed(net: IntegerNetwork, name: str, **fields: Any) -> IntegerNetwork:
    return replace(net, nodes=tuple(replace(n, **fields) if n.name == name else n for n in net.nodes))


@pytest.mark.parametrize(
    ("name", "node", "fields"),
    [
        ("scores first", "scores", {"inputs": ("q", "k")}),  # keys and queries exchanged: the product transposed
        ("scores first", "scores", {"inputs": ("k", "k")}),
        ("keys and values first", "kept", {"inputs": ("k", "v")}),
        ("scores first", "mixed", {"inputs": ("q", "scores")}),
    ],
)
def test_a_wrong_product_is_found_and_placed(name: str, node: str, fields: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    artefact, payloads = given(name)
    monkeypatch.setitem(EXECUTORS, "foreign", Foreign(changed(artefact.network, node, **fields)))
    (found,) = compare_executors(artefact, payloads, ["foreign"]).differences
    assert found.signal in ("n", "n.u")
    assert "the synapse is suspected" in found.cause


@pytest.mark.parametrize("name", NETWORKS)
def test_the_certificate_is_derived_again(name: str) -> None:
    artefact, _ = given(name)
    claimed = json.loads(json.dumps(certify(artefact.network, artefact.model)))
    assert check_claims(artefact.model, claimed).failures == []
    layer = next(n for n in claimed["layers"] if n["layer"] == "n")
    mixed = next(n for n in artefact.network.nodes if n.name == "mixed").interval
    assert name == "pooled" or layer["inputs"] == [[mixed.lo, mixed.hi]] * 4  # there fewer places are seen at the border
    layer["inputs"][0][1] -= 1
    assert [f.claim for f in check_claims(artefact.model, claimed).failures] == ["layers.n.inputs"]


def test_lava_has_no_process_for_it() -> None:
    instead = "run the other executors, or write this layer with the operations named, as blocks.SpikeDrivenAttention does"
    with refused(
        UnsupportedError,
        f"""
        the network does not fit Lava
          got:      scores: an operation that has no Lava process: MatMul ({instead})
                    mixed: an operation that has no Lava process: MatMul ({instead})
          do:       change these layers, or run the other executors
        """,
    ):
        check_network(given("scores first")[0].network)


def test_nir_has_no_node_for_it() -> None:
    pytest.importorskip("nir")
    from snn2hw.formats.nir.write import to_nir

    with refused(
        UnsupportedError,
        """
        NIR cannot hold this network
          got:      scores: NIR has no node for a product of what two layers fire: MatMul (export to C, or use model.onnx)
                    mixed: NIR has no node for a product of what two layers fire: MatMul (export to C, or use model.onnx)
          do:       export to C, or use model.onnx
        """,
    ):
        to_nir(given("scores first")[0].network)

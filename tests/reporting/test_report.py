"""The page holds what was measured, every integer of it, and takes no text for HTML."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.errors import UsageError
from snn2hw.ir.encode import encode
from snn2hw.ir.network import Network
from tests.refused import refused
from tests.reporting.conftest import LABELS
from tests.reporting.pages import data_of
from tests.small_networks import two_layer_network


def unpacked(bits: Any, count: int) -> Any:
    return np.unpackbits(bits, count=count, bitorder="little")


def test_it_says_what_evaluate_and_verify_and_estimate_say(made: tuple[Artefact, Network, Any, Path]) -> None:
    artefact, network, images, path = made
    said = data_of(path)
    measured = snn2hw.evaluate(artefact, images, LABELS, network)
    assert said["evaluation"]["accuracy"] == measured.accuracy
    assert said["evaluation"]["float_accuracy"] == measured.float_accuracy
    assert said["layers"]["lnm"]["measured"]["spike_mismatch"] == measured.layers["lnm"].spike_mismatch
    readout = interpret(artefact.network, encode(artefact.network, images)).readout
    right = sum(said["confusion"]["integers"][k][k] for k in range(5))
    assert right == int((readout.argmax(1) == LABELS).sum())
    assert sum(map(sum, said["confusion"]["float"])) == 12
    assert said["verdict"]["equal"]
    assert set(said["verdict"]["compared"]) == {"onnx-reference"}
    assert said["estimate"]["operations"] == snn2hw.estimate(artefact, samples=images).operations
    assert [n["name"] for n in said["nodes"]] == [n.name for n in artefact.network.nodes]
    assert said["layers"]["lnm"]["claim"]["widest_bits"] > 0
    assert "without input" not in str(said["warnings"])


def test_samples_in_a_folder_are_the_same_samples(made: tuple[Artefact, Network, Any, Path], tmp_path: Path) -> None:
    artefact, network, images, path = made
    (tmp_path / "x").mkdir()
    for number, part in enumerate(np.array_split(images, 3)):
        np.save(tmp_path / "x" / f"{number}.npy", part)
    stored = snn2hw.open_samples(tmp_path / "x")
    again = snn2hw.report(artefact, stored, LABELS, network, tmp_path / "r.html", executors=("reference", "onnx-reference"))
    one, other = data_of(path), data_of(again)
    assert {name for name in one if one[name] != other[name]} <= {"provenance"}


def test_rasters_are_the_spikes_of_the_integers(made: tuple[Artefact, Network, Any, Path]) -> None:
    artefact, _, images, path = made
    trace = interpret(artefact.network, encode(artefact.network, images))
    for shown in data_of(path)["activity"]:
        number = shown["sample"]
        assert shown["prediction"] == int(trace.readout[number].argmax())
        assert shown["label"] == int(LABELS[number])
        for name, layer in shown["layers"].items():
            kind = np.uint8 if layer["bits"] == 1 else np.int8
            packed = np.frombuffer(base64.b64decode(layer["values"]), kind)
            values = (unpacked(packed, 3 * layer["neurons"]) if layer["bits"] == 1 else packed).reshape(layer["steps"], -1)
            assert values.tolist() == trace.spikes[name][:, number].reshape(3, -1).tolist()
            assert layer["neurons"] == layer["of"]
            states = layer["membranes"]["neurons"][0]["states"]
            (state,) = (s for s in artefact.network.neurons if s.name == name)
            first = next(iter(states))
            unit = 2.0 ** -state.program.states[first].format.frac
            every = trace.states[f"{name}.{first}"][:, number].reshape(3, -1)[:, layer["membranes"]["neurons"][0]["neuron"]]
            assert states[first] == pytest.approx((every * unit).tolist(), rel=1e-8, abs=0)


def test_differences_are_marked_where_the_float_model_fires_otherwise(made: tuple[Artefact, Network, Any, Path]) -> None:
    artefact, network, images, path = made
    measured = snn2hw.evaluate(artefact, images, None, network)
    marked = dict.fromkeys(measured.layers, 0)
    everything = snn2hw.report(
        artefact, images, model=network, out=path.parent / "all.html", shown=range(8), executors=("reference", "onnx-reference")
    )
    eight = snn2hw.evaluate(artefact, images[:8], None, network)
    for shown in data_of(everything)["activity"]:
        for name, layer in shown["layers"].items():
            where = np.frombuffer(base64.b64decode(layer["differs"]["where"]), np.uint8)
            assert int(unpacked(where, 3 * layer["neurons"]).sum()) == layer["differs"]["number"]
            marked[name] += layer["differs"]["number"]
            differs = unpacked(where, 3 * layer["neurons"]).reshape(3, -1)
            for m in layer["membranes"]["neurons"]:  # of so small a layer every neuron is shown
                assert m["differs"] == np.flatnonzero(differs[:, m["neuron"]]).tolist()
    layers = [each for a in data_of(everything)["activity"] for each in a["layers"].values()]
    assert any(m["differs"] for each in layers for m in each["membranes"]["neurons"])
    assert marked == {name: layer.mismatches for name, layer in eight.layers.items()}


def test_causes_are_those_of_each_layer(made: tuple[Artefact, Network, Any, Path]) -> None:
    artefact, network, images, path = made
    said = data_of(path)["causes"]
    begun = {name: each.own_mismatches for name, each in snn2hw.evaluate(artefact, images, LABELS, network).layers.items()}
    assert {c["layer"]: c["begun"] for c in said} == {name: n for name, n in begun.items() if n}
    first = snn2hw.diagnose(artefact, images, network)
    (own,) = [c for c in said if c["layer"] == first.layer]
    assert (own["cause"], own["sample"], own["step"], tuple(own["index"])) == (first.cause, first.sample, first.step, first.index)


def test_wrong_predictions_are_shown_first(made: tuple[Artefact, Network, Any, Path]) -> None:
    artefact, _, images, path = made
    wrong = np.flatnonzero(interpret(artefact.network, encode(artefact.network, images)).readout.argmax(1) != LABELS)
    shown = [a["sample"] for a in data_of(path)["activity"]]
    assert shown[: min(4, len(wrong))] == wrong[:4].tolist()
    assert len(shown) == len(set(shown)) <= 8


def test_no_text_of_the_model_is_html(tmp_path: Path) -> None:
    network, images = two_layer_network()
    bad = "</script><img src=x onerror=alert(1)>"
    nodes = tuple(n if n.name != "lnm" else type(n)(**{**vars(n), "source": bad}) for n in network.nodes)
    artefact = snn2hw.compile(type(network)(**{**vars(network), "nodes": nodes}), images, steps=3, out=tmp_path / "<b>x")
    path = snn2hw.report(artefact, out=tmp_path / "r.html", executors=("reference", "onnx-reference"))
    text = path.read_text(encoding="utf-8")
    assert bad not in text
    assert "<img" not in text
    assert data_of(path)["layers"]["lnm"]["source"] == bad
    assert "<title>&lt;b&gt;x</title>" in text
    assert not re.search(r"(?:src|href)=[\"']?(?!x )", text.split("<script>")[0])  # nothing is loaded from anywhere


def test_without_samples_it_shows_the_vectors(made: tuple[Artefact, Network, Any, Path], tmp_path: Path) -> None:
    artefact = made[0]
    said = data_of(snn2hw.report(artefact, out=tmp_path / "r.html", executors=("reference", "onnx-reference")))
    assert said["evaluation"] is None
    assert said["confusion"] is None
    assert said["activity"]


def test_a_report_is_replaced_and_nothing_else(made: tuple[Artefact, Network, Any, Path], tmp_path: Path) -> None:
    artefact = made[0]
    out = tmp_path / "r.html"
    for _ in range(2):
        snn2hw.report(artefact, out=out, executors=("reference", "onnx-reference"))
    out.write_text("<p>my own page</p>", encoding="utf-8")
    with pytest.raises(UsageError):
        snn2hw.report(artefact, out=out)
    assert out.read_text(encoding="utf-8") == "<p>my own page</p>"


def test_labels_without_samples_and_samples_that_there_are_not(made: tuple[Artefact, Network, Any, Path], tmp_path: Path) -> None:
    artefact, _, images, _ = made
    with refused(
        UsageError,
        """
        labels and a model need samples
          got:      none
          expected: the samples that the labels are of
          do:       give samples (--samples), or a model that has test samples of its own (--model)
        """,
    ):
        snn2hw.report(artefact, labels=LABELS, out=tmp_path / "r.html")
    with refused(
        UsageError,
        """
        there is no such sample to show
          got:      [3, 12]
          expected: numbers from 0 to 11
          do:       name samples that were given
        """,
    ):
        snn2hw.report(artefact, images, out=tmp_path / "r.html", shown=[3, 12], executors=("reference", "onnx-reference"))
    assert not (tmp_path / "r.html").exists()


def test_two_states_have_a_phase_portrait_and_surrogates_their_widths(two_states: Path) -> None:
    layers = data_of(two_states)["layers"]
    for name in ("1", "3"):
        (first, *_) = layers[name]["portraits"]
        assert len(first["start"]) == len(first["real"]) == len(first["integers"]) == 15 * 15
        assert layers[name]["curves"] == []
        (c, *_) = layers[name]["dynamics"]["channels"]
        assert c["tried"] < c["all_states"]
        assert c["integer_ends"] >= len(c["integers"]) > 0
    assert layers["1"]["widths"] == pytest.approx([0.5] * 3)
    assert layers["3"]["widths"] == [1.0]

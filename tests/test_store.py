from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import Snn2hwError, UsageError
from snn2hw.files.record import sha256
from snn2hw.files.write import write_npz
from snn2hw.trace import Trace, read_npz
from snn2hw.vectors import read_vectors
from tests.hand_networks import every_kind, every_kind_sample, neuron, one_neuron
from tests.refused import refused
from tests.stored import FILES, HASHED, contents, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "net")
    return tmp_path / "net"


# writing and reading


def test_a_folder_is_written_and_read_back(tmp_path: Path) -> None:
    net = every_kind()
    written = snn2hw.compile(net, every_kind_sample(), target="loihi2", out=tmp_path / "a" / "b" / "net")
    folder = tmp_path / "a" / "b" / "net"
    assert sorted(p.name for p in folder.iterdir()) == FILES
    assert [p.name for p in folder.parent.iterdir()] == ["net"]
    loaded = snn2hw.load(folder)
    assert (loaded.model, loaded.step) == (written.model, written.step)
    assert loaded.manifest == json.loads((folder / "manifest.json").read_text()) == written.manifest
    assert loaded.folder == written.folder == folder
    assert loaded.network.target == "loihi2"


def test_the_manifest_states_what_was_compiled(tmp_path: Path) -> None:
    net = every_kind()
    options = snn2hw.Options(state_bits=14, weight_bits=6, scales="channel")
    manifest = snn2hw.compile(net, every_kind_sample(), target="generic", out=tmp_path / "net", options=options).manifest
    assert manifest["format"] == 3
    assert manifest["snn2hw"] == snn2hw.__version__
    assert (manifest["target"], manifest["steps"]) == ("generic", 3)
    assert manifest["options"] == {"state_bits": 14, "weight_bits": 6, "scales": "channel"}
    assert manifest["input"] == {"shape": [1, 6, 6], "format": "u8.0", "unit": pytest.approx(1 / 255), "static": True}
    assert manifest["calibration"]["samples"] == 5
    assert set(manifest["calibration"]["firing_rates"]) == {"lnm", "cf", "fire", "lif"}
    assert manifest["files"] == {name: sha256((tmp_path / "net" / name).read_bytes()) for name in HASHED}
    layers = {entry["name"]: entry for entry in manifest["layers"]}
    assert layers["lnm"]["kind"] == "LNM"
    assert layers["lnm"]["states"] == {"u": "s14.11"}
    assert layers["conv1"] | {"format": ""} == {"name": "conv1", "node": "IntConv2d", "shape": [3, 6, 6], "format": ""}


def test_the_same_model_gives_the_same_files(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    same = [f for f in FILES if f not in ("manifest.json", "vectors.npz")]
    assert [a[f] for f in same] == [b[f] for f in same]


def test_the_vectors_hold_stimulus_and_expected_trace(folder: Path) -> None:
    loaded = snn2hw.load(folder)
    payloads, stored = read_vectors(loaded)
    arrays = read_npz(folder / "vectors.npz")
    assert set(arrays) == {"model_sha256", "payloads", "readout", "spikes/fire", "states/fire.u"}
    assert str(arrays["model_sha256"]) == sha256(loaded.model)
    assert payloads.shape == (2, 4 + 7, 2)
    assert {0, 1} == set(np.unique(payloads))
    assert snn2hw.verify(loaded, executors=("onnx-reference",)).equal
    assert stored.spikes["fire"].any()


def test_an_artefact_replaces_an_earlier_one_and_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    first = write(tmp_path / "net")
    second = write(tmp_path / "net", one_neuron(neuron("lnm", "fc")))
    assert snn2hw.load(tmp_path / "net").model == second.model != first.model
    assert [p.name for p in tmp_path.iterdir()] == ["net"]


# folders that cannot be written


EXPECTED = "  expected: a new folder, an empty one, or an earlier artefact\n  do:       choose another folder"


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net").write_text("mine")
    text = f"the output is no folder\n  where:    {tmp_path / 'net'}\n  got:      a file\n{EXPECTED}"
    with refused(UsageError, text):
        write(tmp_path / "net")
    assert contents(tmp_path) == {"net": b"mine"}


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "thesis.tex").write_text("mine")
    text = f"the output folder holds something else\n  where:    {tmp_path / 'net'}\n"
    with refused(UsageError, f"{text}  got:      thesis.tex, which snn2hw did not write\n{EXPECTED}"):
        write(tmp_path / "net")
    assert contents(tmp_path) == {"net/thesis.tex": b"mine"}


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with refused(
        UsageError,
        f"""
        the output folder cannot be written
          where:    {tmp_path / "file" / "net"}
          got:      Not a directory
          do:       choose a folder you can write to
        """,
    ):
        write(tmp_path / "file" / "net")
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_compilation_that_fails_leaves_the_earlier_artefact_as_it_was(folder: Path) -> None:
    before = contents(folder.parent)
    with pytest.raises(Snn2hwError):
        write(folder, one_neuron(neuron("lnm", "fc", coefficients=((0.0, 1e30),))))
    assert contents(folder.parent) == before
    assert snn2hw.verify(snn2hw.load(folder), executors=("onnx-reference",)).equal


def test_the_working_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with refused(
        UsageError,
        """
        the output folder has no name
          where:    .
          got:      '.'
          do:       name a folder, such as build/mine
        """,
    ):
        write(Path())
    assert contents(tmp_path) == {}


def test_a_link_to_a_folder_stays_a_link(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    made = write(link, one_neuron(neuron("lnm", "fc")))
    assert link.is_symlink()
    assert snn2hw.load(folder).model == snn2hw.load(link).model == made.model
    assert sorted(p.name for p in folder.parent.iterdir()) == ["link", "net"]


def test_a_trace_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    path = tmp_path / "file" / "deep" / "trace.npz"
    with refused(
        UsageError,
        f"""
        the file cannot be written
          where:    {path}
          got:      Not a directory
          do:       choose a folder you can write to
        """,
    ):
        write_npz(path, Trace(np.zeros((1, 2), np.int64)).arrays())
    assert contents(tmp_path) == {"file": b"mine"}


def test_vectors_of_a_large_network_are_narrow_and_read_as_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "wide")
    monkeypatch.setattr("snn2hw.store.MOST_WIDE", 10)
    write(tmp_path / "narrow")
    wide, narrow = (read_npz(tmp_path / name / "vectors.npz") for name in ("wide", "narrow"))
    assert list(wide) == list(narrow)
    assert all(np.array_equal(wide[k], narrow[k]) for k in wide)
    assert {v.dtype.name for v in narrow.values() if v.dtype.kind == "i"} < {"int8", "int16", "int32"}
    assert {v.dtype.name for v in wide.values() if v.dtype.kind == "i"} == {"int64"}
    assert snn2hw.verify(snn2hw.load(tmp_path / "narrow")).equal

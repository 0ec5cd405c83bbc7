from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

import snn2hw
from snn2hw.errors import ArtefactError, RuleError, Snn2hwError, UsageError
from snn2hw.store import read_vectors, sha256
from snn2hw.trace import Trace, read_npz, write_npz
from tests.hand_networks import every_kind, every_kind_sample, lif, neuron, one_neuron, sample_of
from tests.refused import refused

FILES = ["manifest.json", "model.onnx", "step.onnx", "vectors.npz"]
DAMAGED = "do:       compile the trained model again, or restore the folder from where it came"


def write(folder: Path, net: Any = None) -> snn2hw.Artefact:
    net = net or one_neuron(lif("fire", "fc"))
    return snn2hw.compile(net, sample_of(net), target="generic", out=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "net")
    return tmp_path / "net"


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def edit_manifest(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    edit(manifest)
    path.write_text(json.dumps(manifest))


def rehash(folder: Path) -> None:
    """What a careful forger would do: make the manifest agree with the files."""
    edit_manifest(folder, lambda m: m.update(files={name: sha256((folder / name).read_bytes()) for name in FILES[1:]}))


def edit_model(path: Path, edit: Callable[[ModelProto], object]) -> None:
    model = onnx.load(path)
    edit(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


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
    assert manifest["format"] == 1
    assert manifest["snn2hw"] == snn2hw.__version__
    assert (manifest["target"], manifest["steps"]) == ("generic", 3)
    assert manifest["options"] == {"state_bits": 14, "weight_bits": 6, "scales": "channel"}
    assert manifest["input"] == {"shape": [1, 6, 6], "format": "u8.0", "unit": pytest.approx(1 / 255), "static": True}
    assert manifest["calibration"]["samples"] == 5
    assert set(manifest["calibration"]["firing_rates"]) == {"lnm", "cf", "fire", "lif"}
    assert manifest["files"] == {name: sha256((tmp_path / "net" / name).read_bytes()) for name in FILES[1:]}
    layers = {entry["name"]: entry for entry in manifest["layers"]}
    assert layers["lnm"]["kind"] == "LNM"
    assert layers["lnm"]["states"] == {"u": "s14.11"}
    assert layers["conv1"] | {"format": ""} == {"name": "conv1", "node": "IntConv2d", "shape": [3, 6, 6], "format": ""}


def test_the_same_model_gives_the_same_files(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert [a[f] for f in ("model.onnx", "step.onnx")] == [b[f] for f in ("model.onnx", "step.onnx")]


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


def test_when_the_new_folder_appears_it_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        seen.append(sorted(p.name for p in self.iterdir()))
        assert snn2hw.load(self).network.neurons[0].program.kind == "LIF"
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    write(tmp_path / "net")
    assert seen == [FILES]


# damage


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize("how", ["changed", "truncated", "emptied"])
def test_a_file_that_is_not_the_one_of_the_manifest_is_named(folder: Path, name: str, how: str) -> None:
    data = (folder / name).read_bytes()
    damaged = {"changed": data[:-1] + bytes([data[-1] ^ 1]), "truncated": data[: len(data) // 2], "emptied": b""}[how]
    (folder / name).write_bytes(damaged)
    with refused(
        ArtefactError,
        f"""
        {name} is not the file the manifest was written for
          where:    {folder / name}
          got:      sha256 {sha256(damaged)[:16]}...
          expected: sha256 {sha256(data)[:16]}...
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize("name", FILES[1:])
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with refused(
        ArtefactError,
        f"""
        a file of the artefact cannot be read
          where:    {folder / name}
          got:      No such file or directory
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize(("make", "got"), [(True, "no manifest.json in it"), (False, "no such folder")])
def test_a_folder_without_a_manifest_is_no_network(tmp_path: Path, make: bool, got: str) -> None:
    if make:
        (tmp_path / "net").mkdir()
    with refused(
        ArtefactError,
        f"""
        this is no compiled network
          where:    {tmp_path / "net"}
          got:      {got}
          expected: a folder that `snn2hw compile` wrote
          do:       compile the trained model, or check the path
        """,
    ):
        snn2hw.load(tmp_path / "net")


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_manifest_that_is_no_json_is_refused(folder: Path, data: bytes, got: str) -> None:
    (folder / "manifest.json").write_bytes(data)
    with refused(
        ArtefactError,
        f"""
        the manifest cannot be read
          where:    {folder / "manifest.json"}
          got:      {got}
          expected: JSON
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


@pytest.mark.parametrize(
    "edit",
    [
        lambda m: m.update(format=2),
        lambda m: m.pop("format"),
        lambda m: m.pop("files"),
        lambda m: m.update(files=[]),
        lambda m: m["files"].pop("model.onnx"),
        lambda m: m["files"].pop("vectors.npz"),
    ],
)
def test_a_manifest_of_another_version_is_refused(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    edit_manifest(folder, edit)
    with refused(
        ArtefactError,
        f"""
        the manifest is not one of this version
          where:    {folder / "manifest.json"}
          got:      missing or other fields
          expected: format 1
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


def test_a_manifest_that_is_a_list_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(ArtefactError, match=r"^the manifest is not one of this version\n"):
        snn2hw.load(folder)


@pytest.mark.parametrize("name", ["../net/model.onnx", "/etc/passwd", "sub/model.onnx"])
def test_a_manifest_that_names_files_elsewhere_is_refused(folder: Path, name: str) -> None:
    edit_manifest(folder, lambda m: m["files"].update({name: "0"}))
    with refused(
        ArtefactError,
        f"""
        the manifest names files outside its folder
          where:    {folder / "manifest.json"}
          got:      model.onnx, step.onnx, vectors.npz, {name}
          {DAMAGED}
        """,
    ):
        snn2hw.load(folder)


# tampering, with the manifest made to agree


def initializers(model: ModelProto) -> dict[str, Any]:
    nested = [a.g for n in model.graph.node for a in n.attribute if a.HasField("g")]
    return {t.name: t for g in [model.graph, *nested] for t in g.initializer}


def lower_one_weight(model: ModelProto) -> None:
    tensor = initializers(model)["fc.weight"]
    value = numpy_helper.to_array(tensor).copy()
    value[0, 0] -= 1
    tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def raise_one_weight(model: ModelProto) -> None:
    tensor = initializers(model)["fc.weight"]
    value = numpy_helper.to_array(tensor).copy()
    value[0, 0] += 1
    tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def compare_strictly(model: ModelProto) -> None:
    (node,) = [n for f in model.functions for n in f.node if n.op_type == "GreaterOrEqual"]
    node.op_type = "Greater"


def test_one_node_changed_is_found(folder: Path) -> None:
    for name in ("model.onnx", "step.onnx"):
        before = contents(folder)
        edit_model(folder / name, compare_strictly)
        rehash(folder)
        with refused(
            ArtefactError,
            f"""
            the graph in {name} is not the network it states
              where:    {folder / name}
              got:      other nodes than this version writes
              expected: the bytes that writing the network gives
              do:       compile the trained model again with this version of snn2hw
            """,
        ):
            snn2hw.load(folder)
        for file, data in before.items():
            (folder / file).write_bytes(data)
    assert snn2hw.load(folder)


def test_one_weight_changed_in_one_of_the_files_is_found(folder: Path) -> None:
    edit_model(folder / "model.onnx", lower_one_weight)
    rehash(folder)
    with pytest.raises(ArtefactError, match=r"^the graph in step\.onnx is not the network it states\n"):
        snn2hw.load(folder)


def test_a_weight_beyond_the_stated_interval_is_found(folder: Path) -> None:
    for name in ("model.onnx", "step.onnx"):
        edit_model(folder / name, raise_one_weight)
    rehash(folder)
    with pytest.raises(RuleError, match=r"^the value can leave its declared interval\n"):
        snn2hw.load(folder)


def test_one_weight_changed_everywhere_is_another_model_whose_vectors_do_not_fit(folder: Path) -> None:
    own = snn2hw.load(folder)
    for name in ("model.onnx", "step.onnx"):
        edit_model(folder / name, lower_one_weight)
    rehash(folder)
    other = snn2hw.load(folder)
    with refused(
        ArtefactError,
        f"""
        these vectors belong to another model
          where:    {folder / "vectors.npz"}
          got:      model sha256 {sha256(own.model)[:16]}...
          expected: model sha256 {sha256(other.model)[:16]}...
          do:       use the vectors.npz, or the trace, of this artefact
        """,
    ):
        snn2hw.verify(other)


def test_vectors_with_one_integer_changed_give_a_difference(folder: Path) -> None:
    arrays: dict[str, Any] = dict(read_npz(folder / "vectors.npz"))
    arrays["states/fire.u"][1, 3, 0] += 1
    write_npz(folder / "vectors.npz", arrays)
    rehash(folder)
    verdict = snn2hw.verify(snn2hw.load(folder), executors=("reference",))
    (d,) = verdict.differences
    assert (d.executor, d.signal, d.step, d.sample, d.index, d.got - d.expected) == ("vectors.npz", "fire.u", 1, 3, (0,), 1)
    assert verdict.different == {"vectors.npz": 1}


def test_vectors_of_another_model_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", one_neuron(neuron("fire", "fc")))
    (tmp_path / "a" / "vectors.npz").write_bytes((tmp_path / "b" / "vectors.npz").read_bytes())
    with pytest.raises(ArtefactError, match=r"^vectors\.npz is not the file the manifest was written for\n"):
        snn2hw.load(tmp_path / "a")
    rehash(tmp_path / "a")
    with pytest.raises(ArtefactError, match=r"^these vectors belong to another model\n"):
        snn2hw.verify(snn2hw.load(tmp_path / "a"))


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (
            lambda a: a.pop("payloads"),
            "these vectors hold no stimulus\n  where:    {path}\n"
            "  got:      readout, spikes/fire, states/fire.u\n  expected: an array 'payloads'",
        ),
        (
            lambda a: a.pop("readout"),
            "this is not a trace\n  where:    {path}\n  got:      spikes/fire, states/fire.u\n  expected: an array 'readout'",
        ),
        (
            lambda a: a.update({"spikes/fire": a["spikes/fire"] * 0.5}),
            "a trace holds integers only\n  where:    {path}: spikes/fire\n  got:      float64\n  expected: int64",
        ),
    ],
)
def test_vectors_that_lack_something_are_refused(folder: Path, edit: Callable[[dict[str, Any]], object], text: str) -> None:
    arrays: dict[str, Any] = dict(read_npz(folder / "vectors.npz"))
    edit(arrays)
    write_npz(folder / "vectors.npz", arrays)
    rehash(folder)
    with refused(ArtefactError, text.format(path=folder / "vectors.npz")):
        snn2hw.verify(snn2hw.load(folder))


def test_an_artefact_in_memory_has_no_vectors() -> None:
    net = one_neuron(lif("fire", "fc"))
    with refused(
        ArtefactError,
        """
        this artefact has no vectors
          got:      it was only made in memory
          do:       compile with out=, or give samples
        """,
    ):
        snn2hw.verify(snn2hw.compile(net, sample_of(net)))


# folders that cannot be written


def something_else(folder: Path) -> str:
    return f"""the output folder holds something else
  where:    {folder}
  got:      files that are no artefact of snn2hw
  expected: a new folder, an empty one, or an earlier artefact
  do:       choose another folder"""


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net").write_text("mine")
    with refused(UsageError, something_else(tmp_path / "net")):
        write(tmp_path / "net")
    assert contents(tmp_path) == {"net": b"mine"}


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "thesis.tex").write_text("mine")
    with refused(UsageError, something_else(tmp_path / "net")):
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


@pytest.mark.parametrize("at", range(2))
def test_a_disk_that_runs_full_leaves_nothing_behind_and_the_earlier_artefact_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    before, calls = contents(folder.parent), []
    write_bytes = Path.write_bytes

    def full(self: Path, data: Any) -> int:
        calls.append(self.name)
        if len(calls) > at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    for where in (folder, folder.parent / "new"):
        calls.clear()
        with refused(
            UsageError,
            f"""
            the output folder cannot be written
              where:    {where}
              got:      No space left on device
              do:       choose a folder you can write to
            """,
        ):
            write(where, one_neuron(neuron("lnm", "fc")))
        assert len(calls) == at + 1
    monkeypatch.undo()
    assert contents(folder.parent) == before


def test_a_compilation_that_fails_leaves_the_earlier_artefact_as_it_was(folder: Path) -> None:
    before = contents(folder.parent)
    with pytest.raises(Snn2hwError):
        write(folder, one_neuron(neuron("lnm", "fc", coefficients=((0.0, 1e30),))))
    assert contents(folder.parent) == before
    assert snn2hw.verify(snn2hw.load(folder), executors=("onnx-reference",)).equal


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="the earlier folder is removed before the new one has its name")
def test_a_rename_that_fails_leaves_the_earlier_artefact_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(folder.parent)

    def refuse(self: Path, target: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(UsageError):
        write(folder, one_neuron(neuron("lnm", "fc")))
    monkeypatch.undo()
    assert contents(folder.parent) == before


@pytest.mark.xfail(strict=True, raises=ValueError, reason="Path('.') has no name")
def test_the_working_folder_can_be_written_or_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        write(Path())
    except Snn2hwError:
        assert contents(tmp_path) == {}
    else:
        assert sorted(contents(tmp_path)) == FILES


@pytest.mark.xfail(strict=True, raises=TypeError, reason="a hash is sliced before it is checked")
def test_a_manifest_with_a_hash_that_is_no_text_is_refused(folder: Path) -> None:
    edit_manifest(folder, lambda m: m["files"].update({"model.onnx": None}))
    with pytest.raises(ArtefactError):
        snn2hw.load(folder)


@pytest.mark.xfail(strict=True, raises=NotADirectoryError, reason="unlink(missing_ok=True) raises it again")
def test_a_trace_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"^cannot write\n"):
        write_npz(tmp_path / "file" / "trace.npz", Trace(np.zeros((1, 2), np.int64)).arrays())

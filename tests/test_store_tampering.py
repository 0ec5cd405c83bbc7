"""Files that were changed, with the manifest made to agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import ModelProto, numpy_helper

import snn2hw
from snn2hw.errors import ArtefactError, RuleError, ShapeError, Snn2hwError, ValueRangeError
from snn2hw.files.record import sha256
from snn2hw.files.write import write_npz
from snn2hw.trace import read_npz
from tests.hand_networks import lif, neuron, one_neuron, sample_of
from tests.refused import refused
from tests.stored import contents, edit_model, rehash, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "net")
    return tmp_path / "net"


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


def compare_strictly(which: int) -> Callable[[ModelProto], None]:
    def edit(model: ModelProto) -> None:
        (node,) = [n for n in model.functions[which].node if n.op_type == "GreaterOrEqual"]
        node.op_type = "Greater"

    return edit


def test_one_node_changed_is_found(folder: Path) -> None:
    """Of the function that is called and of the one that nothing calls."""
    for name, which in (("model.onnx", 0), ("model.onnx", 1), ("step.onnx", 0)):
        before = contents(folder)
        edit_model(folder / name, compare_strictly(which))
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
            "  got:      readout, spikes/fire, states/fire.u\n  expected: an array `payloads`\n"
            "  do:       use the vectors.npz of this compiled model, or compile again",
        ),
        (
            lambda a: a.pop("readout"),
            "this is not a trace\n  where:    {path}\n  got:      spikes/fire, states/fire.u\n  expected: an array 'readout'\n"
            "  do:       store the array `readout` [N, classes] with the trace; `snn2hw simulate --out` writes one",
        ),
        (
            lambda a: a.update({"spikes/fire": a["spikes/fire"] * 0.5}),
            "a trace holds integers only: these values are no integers\n  where:    {path}: spikes/fire\n"
            "  got:      dtype float64\n  expected: integers, such as int64\n"
            "  do:       give integers; real samples go to snn2hw.simulate, which encodes them",
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


@pytest.mark.parametrize(
    ("edit", "kind", "text"),
    [
        (
            lambda x: x[:, :, :1],
            ShapeError,
            "the spike values have another shape than the network's input\n  where:    {path}\n  got:      [2, 11, 1]\n"
            "  expected: [T = 2, N, 2]\n  do:       give integers with the steps first, then the samples",
        ),
        (
            lambda x: x[:, :0],
            ShapeError,
            "there are no samples\n  where:    {path}\n  got:      [2, 0, 2]\n"
            "  expected: [T = 2, N, 2]\n  do:       give at least one sample",
        ),
        (
            lambda x: x * 0.5,
            ValueRangeError,
            "these values are no integers\n  where:    {path}\n  got:      dtype float64\n  expected: integers, such as int64\n"
            "  do:       give integers; real samples go to snn2hw.simulate, which encodes them",
        ),
        (
            lambda x: x * 2 - 1,
            ValueRangeError,
            "the spike values are outside the network's declared range\n  where:    {path}\n  got:      -1 to 1\n"
            "  expected: 0 to 1\n  do:       give integers within it, or compile with a sample that covers them; "
            "snn2hw.simulate encodes real samples",
        ),
    ],
)
def test_vectors_with_impossible_payloads_are_refused(
    folder: Path, edit: Callable[[Any], Any], kind: type[Snn2hwError], text: str
) -> None:
    arrays: dict[str, Any] = dict(read_npz(folder / "vectors.npz"))
    write_npz(folder / "vectors.npz", {**arrays, "payloads": edit(arrays["payloads"])})
    rehash(folder)
    with refused(kind, text.format(path=folder / "vectors.npz")):
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

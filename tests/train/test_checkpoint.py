"""A checkpoint that is not as it was written is refused by name, and nothing of it is taken."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from snn2hw import train
from snn2hw.errors import CheckpointError, UsageError
from snn2hw.train import checkpoint
from tests.refused import refused
from tests.stored import contents
from tests.train import small

pytestmark = pytest.mark.torch

RECIPE = train.Recipe(epochs=2, batch=30)


def fitted(out: Path, model: torch.nn.Module | None = None, **given: Any) -> train.Fitted:
    return train.fit(model or small.model(), small.data(), steps=2, recipe=RECIPE, out=out, progress=False, **given)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("whole")
    fitted(out)
    return (out / checkpoint.FILE).read_bytes()


@pytest.fixture
def path(whole: bytes, tmp_path: Path) -> Path:
    (tmp_path / checkpoint.FILE).write_bytes(whole)
    return tmp_path / checkpoint.FILE


def refusal(path: Path) -> CheckpointError:
    """What resuming says, which leaves model and file as they were."""
    model, before = small.model(), path.read_bytes()
    first = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        fitted(path.parent, model, resume=True)
    assert all(torch.equal(first[name], value) for name, value in model.state_dict().items())
    assert path.read_bytes() == before
    assert caught.value.where == str(path)
    return caught.value


def places(data: bytes) -> tuple[int, dict[str, tuple[int, int]]]:
    """Where the tensors begin, and where each of them lies."""
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    found = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
    return 8 + size, {name: (8 + size + a, 8 + size + b) for name, (a, b) in found.items()}


def flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def test_a_flipped_bit_of_any_tensor_names_it(path: Path, whole: bytes) -> None:
    _, found = places(whole)
    assert {name.split(".")[0] for name in found} == {"model", "optimiser"}
    draw = random.Random(0)
    for name, (a, b) in found.items():
        path.write_bytes(flipped(whole, draw.randrange(a, b), draw.randrange(8)))
        with pytest.raises(CheckpointError) as caught:
            checkpoint.read(path)
        assert caught.value.got == f"tensor {name}: another checksum"
    error = refusal(path)
    assert error.what == "the checkpoint is not as it was written"
    assert error.expected == "what its checksums say"
    assert error.do == ("restore the file from where it came, or pass resume=False to start afresh over it, or another out")


def test_a_flipped_bit_anywhere_is_refused(path: Path, whole: bytes) -> None:
    start, _ = places(whole)
    draw, taken = random.Random(1), []
    tensors, facts = checkpoint.read(path)
    header, data = ([draw.randrange(*span) for _ in range(100)] for span in ((8, start), (start, len(whole))))
    for at in [*range(8), *header, *data]:
        path.write_bytes(flipped(whole, at, draw.randrange(8)))
        try:
            again, said = checkpoint.read(path)
        except CheckpointError:
            continue
        assert said == facts  # only what says nothing may change, such as white space in front of the end of the header
        assert all(torch.equal(again[name], tensor) for name, tensor in tensors.items())
        taken.append(at)
    assert len(taken) < 10


@pytest.mark.parametrize("kind", ["optimiser.0.exp_avg", "optimiser.2.", "model.0.weight"])
def test_tensors_that_are_gone_are_named(kind: str, path: Path) -> None:
    tensors, facts = checkpoint.read(path)
    gone = [name for name in tensors if name.startswith(kind)]
    kept = {name: tensor for name, tensor in tensors.items() if name not in gone}
    whole = checkpoint.content(tensors, facts)
    metadata = json.loads(whole[8 : 8 + struct.unpack("<Q", whole[:8])[0]])["__metadata__"]
    path.write_bytes(checkpoint.packed(kept, metadata))
    got = refusal(path).got
    assert all(f"tensor {name}: missing" in got for name in gone[:4])


def test_a_tensor_that_nobody_wrote_is_named(path: Path, whole: bytes) -> None:
    tensors, _ = checkpoint.read(path)
    metadata = json.loads(whole[8 : 8 + struct.unpack("<Q", whole[:8])[0]])["__metadata__"]
    path.write_bytes(checkpoint.packed({**tensors, "model.more": torch.zeros(3)}, metadata))
    assert refusal(path).got == "tensor model.more: unknown"


@pytest.mark.parametrize("also", ["type", "shape"])
def test_the_type_and_the_shape_are_part_of_a_checksum(also: str, path: Path, whole: bytes) -> None:
    tensors, _ = checkpoint.read(path)
    metadata = json.loads(whole[8 : 8 + struct.unpack("<Q", whole[:8])[0]])["__metadata__"]
    name = "model.0.weight"
    other = tensors[name].view(torch.int32) if also == "type" else tensors[name].flatten()
    path.write_bytes(checkpoint.packed({**tensors, name: other}, metadata))
    assert refusal(path).got == f"tensor {name}: another checksum"


def test_facts_of_another_text_are_refused(path: Path, whole: bytes) -> None:
    tensors, _ = checkpoint.read(path)
    metadata = json.loads(whole[8 : 8 + struct.unpack("<Q", whole[:8])[0]])["__metadata__"]
    for change in ({checkpoint.KEY: metadata[checkpoint.KEY].replace('"seed": 0', '"seed": 1')}, {checkpoint.SUM: "0" * 64}):
        path.write_bytes(checkpoint.packed(tensors, {**metadata, **change}))
        assert refusal(path).got == "its facts (JSON)"
    path.write_bytes(checkpoint.packed(tensors, {checkpoint.KEY: metadata[checkpoint.KEY]}))
    assert refusal(path).got == "its facts (JSON)"


# with checksums made right again: what is missing or strange is still named, and never a raw error


@pytest.mark.parametrize("name", [n for n in checkpoint.FACTS if n != checkpoint.SUMS])
def test_a_fact_that_is_missing_or_of_another_type(name: str, path: Path) -> None:
    tensors, facts = checkpoint.read(path)
    kind = checkpoint.FACTS[name]
    others = [v for v in (None, 1, 1e308, "x", [], {}) if not isinstance(v, kind)]
    for changed in ({k: v for k, v in facts.items() if k != name}, *({**facts, name: v} for v in (*others, True))):
        path.write_bytes(checkpoint.content(tensors, changed))
        with pytest.raises(CheckpointError) as caught:
            checkpoint.read(path)
        said = f"it is {type(changed[name]).__name__}" if name in changed else "missing"
        assert caught.value.got == f"fact {name}: {said}"


@pytest.mark.parametrize("name", ["recipe", "history", "machine"])
def test_a_fact_with_nothing_in_it(name: str, path: Path) -> None:
    tensors, facts = checkpoint.read(path)
    path.write_bytes(checkpoint.content(tensors, {**facts, name: type(facts[name])()}))
    assert refusal(path)


@pytest.mark.parametrize("sums", [None, [], {"data": 1}])
def test_checksums_of_data_that_are_none(sums: Any, path: Path) -> None:
    tensors, facts = checkpoint.read(path)
    path.write_bytes(checkpoint.content(tensors, {**facts, "checksums": sums}))
    assert refusal(path).got == "fact checksums: something else than checksums"


@pytest.mark.parametrize("epoch", [{}, {"number": 1}, {"number": 1, "more": 2}, 3, None])
def test_a_history_of_other_records(epoch: Any, path: Path) -> None:
    tensors, facts = checkpoint.read(path)
    path.write_bytes(checkpoint.content(tensors, {**facts, "history": [epoch]}))
    assert refusal(path).got == "fact history: records of another form"


@pytest.mark.parametrize("name", ["torch", "threads", "device"])
def test_a_machine_without_a_fact(name: str, path: Path) -> None:
    tensors, facts = checkpoint.read(path)
    del facts["machine"][name]
    path.write_bytes(checkpoint.content(tensors, facts))
    assert refusal(path).got == f"fact machine: {name} missing"


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda t: t.pop("optimiser.1.exp_avg"), "optimiser.1.exp_avg: missing in the file"),
        (lambda t: t.update({"optimiser.1.exp_avg": torch.zeros(7)}), "optimiser.1.exp_avg: [7] in the file, "),
        (lambda t: t.update({"optimiser.99.exp_avg": torch.zeros(1)}), "optimiser.99.exp_avg: of no parameter"),
        (lambda t: t.update({"optimiser.x.exp_avg": torch.zeros(1)}), "optimiser.x.exp_avg: of no parameter"),
        (lambda t: t.update({"strange": torch.zeros(1)}), "strange: of no parameter"),
    ],
)  # fmt: skip
def test_moments_of_another_optimiser(change: Callable[[dict[str, Any]], object], got: str, path: Path) -> None:
    tensors, facts = checkpoint.read(path)
    change(tensors)
    path.write_bytes(checkpoint.content(tensors, facts))
    error = refusal(path)
    assert error.what == "the checkpoint is of another optimiser"
    assert got in error.got


# what stands in the folder


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors", "history.jsonl"])
def test_files_of_these_names_that_no_training_wrote_stay(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"mine")
    text = f"""
        the output folder holds files of names that a training writes
          where:    {tmp_path}
          got:      {name}, and no checkpoint.safetensors
          expected: a folder without them, or one that a training wrote
          do:       choose another out, or pass resume=False to overwrite them
        """
    with refused(UsageError, text):
        fitted(tmp_path)
    assert contents(tmp_path) == {name: b"mine"}
    fitted(tmp_path, resume=False)
    assert (tmp_path / checkpoint.FILE).exists()


def test_what_a_training_left_before_its_first_checkpoint_is_written_again(tmp_path: Path) -> None:
    fitted(tmp_path)
    (tmp_path / checkpoint.FILE).unlink()
    before = contents(tmp_path)
    fitted(tmp_path)
    assert {n: d for n, d in contents(tmp_path).items() if n not in (checkpoint.FILE, "history.jsonl")} == {
        n: d for n, d in before.items() if n != "history.jsonl"
    }


@pytest.mark.parametrize("resume", ["auto", True, False])
def test_a_checkpoint_that_is_a_link_to_a_device_stays(resume: Any, tmp_path: Path) -> None:
    (tmp_path / checkpoint.FILE).symlink_to("/dev/null")
    with pytest.raises(UsageError, match="the output is no file"):
        fitted(tmp_path, resume=resume)
    assert (tmp_path / checkpoint.FILE).is_symlink()

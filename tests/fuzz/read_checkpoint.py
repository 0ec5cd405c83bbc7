"""A training's checkpoint: damaged bytes, header and facts, with the checksum of the facts made right or not."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch

from snn2hw import nn, train
from snn2hw.files.record import sha256
from snn2hw.train import checkpoint
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes, damaged_tree, flip, written

RECIPE = train.Recipe(epochs=1, batch=8)


def fitted(out: Path) -> train.Fitted:
    """Train one epoch, or find it done."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(4, 3), nn.LIF(), nn.Linear(3, 2))
    x = torch.linspace(0, 9, 32).reshape(8, 4)
    return train.fit(model, (x, torch.arange(8) % 2), steps=2, recipe=RECIPE, out=out, progress=False, device="cpu")


def prepare(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """(a sound checkpoint, what it holds)."""
    done = fitted(folder / "out")
    return (folder / "out" / checkpoint.FILE).read_bytes(), meaning(done, folder / "out")


def meaning(done: train.Fitted, out: Path) -> dict[str, Any]:
    """Weights and history, and the moments of the optimiser, which a training that goes on would take."""
    weights = {name: sha256(t.numpy().tobytes()) for name, t in done.model.state_dict().items()}
    moments = {name: sha256(t.numpy().tobytes()) for name, t in checkpoint.read(out / checkpoint.FILE)[0].items()}
    return {"weights": weights, "moments": moments, "history": [repr(e) for e in done.history]}


def damage(rng: random.Random, folder: Path, good: tuple[bytes, dict[str, Any]]) -> Attempt:
    """A damaged checkpoint."""
    data, right = good
    begin = 8 + int.from_bytes(data[:8], "little")
    forged, how = False, rng.randrange(5)
    if how == 4:
        says, tensors = flip(rng, data[begin:])
        says, data = f"tensors: {says}", data[:begin] + tensors
    elif how < 2:
        says, data = damaged_bytes(rng, data)
    else:
        header = json.loads(data[8:begin])
        if how == 2:
            says, header = damaged_tree(rng, header)
        else:
            says, facts = damaged_tree(rng, json.loads(header["__metadata__"][checkpoint.KEY]))
            text = written(facts).decode()
            forged = rng.random() < 0.7
            header["__metadata__"][checkpoint.KEY] = text
            if forged:
                header["__metadata__"][checkpoint.SUM] = sha256(text.encode())
        made = written(header)
        data = len(made).to_bytes(8, "little") + made + data[begin:]
    (folder / "run").mkdir()
    (folder / "run" / checkpoint.FILE).write_bytes(data)
    # Whoever makes the checksum right may tell another history; weights and moments have checksums of their own.
    return Attempt(says, lambda got: (forged and unlike(got, right) <= {"history"}) or got == right)


def unlike(got: dict[str, Any], right: dict[str, Any]) -> set[str]:
    """The parts that differ."""
    return {name for name in right if got[name] != right[name]}


def read(folder: Path, good: Any) -> dict[str, Any]:
    """What resuming a finished training gives."""
    out = folder.parent / "out" / "run"
    (folder / "run").rename(out)
    try:
        return meaning(fitted(out), out)
    finally:
        out.rename(folder / "run")


READER = Reader("checkpoint", prepare, damage, read, quick=15)

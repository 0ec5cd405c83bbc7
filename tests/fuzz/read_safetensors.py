"""Weights of a model: damaged headers, and tensors of another shape or type."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from snn2hw.weights import load_weights
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes, damaged_tree, written


def model() -> torch.nn.Sequential:
    """What the weights are for."""
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))


def prepare(folder: Path) -> tuple[bytes, int]:
    """(a sound file, where its tensors begin)."""
    torch.manual_seed(0)
    data = save(model().state_dict(), {"of": "a test"})
    return data, 8 + int.from_bytes(data[:8], "little")


def reheaded(rng: random.Random, data: bytes, begin: int) -> tuple[str, bytes]:
    """One field of the header changed, its length made right."""
    says, tree = damaged_tree(rng, json.loads(data[8:begin]))
    header = written(tree)
    return f"header: {says}", len(header).to_bytes(8, "little") + header + data[begin:]


def damage(rng: random.Random, folder: Path, good: tuple[bytes, int]) -> Attempt:
    """A damaged file. The format has no checksum: other bytes in the place of a tensor are other weights."""
    data, begin = good
    if rng.random() < 0.5:
        says, made = reheaded(rng, data, begin)
    else:
        says, made = damaged_bytes(rng, data)
    (folder / "w.safetensors").write_bytes(made)
    return Attempt(says, lambda got: got == shapes(model()))


def shapes(module: torch.nn.Module) -> dict[str, Any]:
    """What cannot change: names, shapes and types."""
    return {name: (tuple(t.shape), str(t.dtype)) for name, t in module.state_dict().items()}


def read(folder: Path, good: Any) -> dict[str, Any]:
    """What `--weights` gives."""
    made = model()
    load_weights(made, folder / "w.safetensors")
    return shapes(made)


READER = Reader("safetensors", prepare, damage, read, quick=60)

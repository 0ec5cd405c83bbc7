"""Small .net files that begin with a dense layer, in the form in which lava-dl 0.6 writes them, and events for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.netx_files import dense, recurrent, without_neuron, write_net

STEPS = 12
NEVER = {"vThMant": 2**18 - 1}  # as `block.cuba.Affine(dynamics=True)` writes it


def _weight(rng: np.random.Generator, shape: tuple[int, int], wide: bool = False) -> Any:
    return rng.integers(-64, 127, shape) * 2 if wide else rng.integers(-40, 90, shape)


def _decays(rng: np.random.Generator) -> dict[str, int]:
    return {"iDecay": int(rng.choice([0, 1024, 3000, 4096])), "vDecay": int(rng.choice([0, 128, 2048]))}


def layers_of(name: str) -> list[Mapping[str, Any]]:
    """The layers of a case: what leads to the end, and the end."""
    rng = np.random.default_rng(sum(map(ord, name)))
    first = dense(_weight(rng, (4, 3)), rng.integers(-9, 10, 4), vThMant=30, **_decays(rng))
    rec = recurrent(_weight(rng, (4, 3)), _weight(rng, (4, 4)) - 20, rng.integers(-9, 10, 4), vThMant=80, **_decays(rng))
    last = _weight(rng, (2, 4))
    ends = {
        "dense": [first, dense(last, vThMant=60, **_decays(rng))],
        "wide": [dense(_weight(rng, (4, 3), wide=True), vThMant=90), dense(_weight(rng, (2, 4), wide=True), vThMant=70)],
        "without a neuron": [first, without_neuron(last)],
        "never": [first, dense(last, [3, -4], **NEVER, **_decays(rng))],
        "recurrent": [rec, dense(last, vThMant=60)],
        "recurrent, wide": [recurrent(2 * _weight(rng, (4, 3)), _weight(rng, (4, 4), wide=True), vThMant=150), dense(last)],
        "recurrent at the end": [first, recurrent(last, _weight(rng, (2, 2)), vThMant=90)],
        "recurrent, never": [first, recurrent(last, _weight(rng, (2, 2)), **NEVER)],
    }
    return ends[name]


NAMES = (
    "dense", "wide", "without a neuron", "never", "recurrent", "recurrent, wide", "recurrent at the end", "recurrent, never",
)  # fmt: skip


def written(name: str, folder: Path) -> tuple[Path, Any]:
    """(file, events [T, 3])."""
    x = (np.random.default_rng(len(name)).random((STEPS, 3)) < 0.5).astype(np.int64)
    return write_net(folder / f"{name.replace(', ', '-').replace(' ', '-')}.net", layers_of(name), steps=None), x

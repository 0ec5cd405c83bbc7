"""Files of data sets: idx, N-MNIST, AEDAT 3.1, wav and .ts, with damage to their bytes."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.data import read_aedat, read_idx, read_nmnist, read_ts, read_wav
from tests.data.published import aedat3, forty_bits, idx, ts, wav
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes

EVENTS = [(n * 7, n % 34, n * 3 % 34, n % 2) for n in range(20)]
PACKETS = [(1, 0, [(n * 7, n % 128, n * 3 % 128, n % 2, n % 5 > 0) for n in range(9)]), (0, 0, []), (1, 1, [(1, 2, 3, 0, True)])]
CASES = [np.arange(6, dtype=np.float32).reshape(3, 2), np.ones((3, 2), np.float32)]
GOOD: dict[str, bytes] = {
    "x.idx": idx(np.arange(60, dtype=np.uint8).reshape(3, 4, 5)),
    "x.idx.gz": gzip.compress(idx(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), mtime=0),
    "x.bin": forty_bits(EVENTS),
    "x.aedat": aedat3(PACKETS),
    "x.wav": wav(np.arange(50, dtype=np.int16)),
    "x.ts": ts(CASES, ["a", "b"], ["a", "b"], ["@dimensions 2", "@equalLength true", "@seriesLength 3"]).encode(),
}
READ: dict[str, Callable[[Path], Any]] = {
    "x.idx": read_idx,
    "x.idx.gz": read_idx,
    "x.bin": read_nmnist,
    "x.aedat": read_aedat,
    "x.wav": read_wav,
    "x.ts": read_ts,
}


def prepare(folder: Path) -> None:
    """Nothing: the files are written for each case."""


def damage(rng: random.Random, folder: Path, good: None) -> Attempt:
    """One of the files, damaged once or twice."""
    name = rng.choice(sorted(GOOD))
    says, data = damaged_bytes(rng, GOOD[name])
    if rng.random() < 0.3:
        more, data = damaged_bytes(rng, data)
        says += f", {more}"
    (folder / name).write_bytes(data)
    return Attempt(f"{name}: {says}", lambda size: size <= 64 * (len(data) + 64))


def read(folder: Path, good: Any) -> int:
    """How many numbers were read."""
    (path,) = folder.iterdir()
    made = READ[path.name](path)
    return int(made.values[0].size * len(made.values)) if path.name == "x.ts" else len(np.ravel(getattr(made, "t", made)))


READER = Reader("published", prepare, damage, read, quick=30)

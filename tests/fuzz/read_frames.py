"""Event frames kept in the cache: what comes back is what was counted, or nothing, and then it is counted again."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.data.kept import Kept
from snn2hw.files.write import write_npz
from snn2hw.trace import read_npz
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes

FRAMES = np.random.default_rng(0).integers(0, 9, (3, 2, 8, 8)).astype(np.uint32)
KEPT = Kept("frames", ("a recording",), FRAMES.dtype, FRAMES.shape)


def prepare(folder: Path) -> bytes:
    """The file of the frames."""
    os.environ["SNN2HW_CACHE"] = str(folder)
    assert KEPT.write(FRAMES)
    return KEPT.path.read_bytes()


def damage(rng: random.Random, folder: Path, good: bytes) -> Attempt:
    """Other bytes, another array in an archive that is whole, or an array that was kept under another key."""
    os.environ["SNN2HW_CACHE"] = str(folder)
    KEPT.path.parent.mkdir(parents=True)
    how = rng.choice(("bytes", "array", "key"))
    if how == "bytes":
        how, data = damaged_bytes(rng, good)
        KEPT.path.write_bytes(data)
    elif how == "array":
        KEPT.path.write_bytes(good)
        arrays = dict(read_npz(KEPT.path))
        arrays["array"] = rng.choice((np.zeros_like(FRAMES), FRAMES + 1, FRAMES[::-1], FRAMES.astype("i8"), FRAMES[:2]))
        if rng.random() < 0.3:
            del arrays["seal"]
        write_npz(KEPT.path, arrays)
    else:
        other = Kept("frames", ("another recording",), FRAMES.dtype, FRAMES.shape)
        other.write(FRAMES[::-1].copy())
        other.path.replace(KEPT.path)
    return Attempt(how, lambda got: got is None or np.array_equal(got, FRAMES))


def read(folder: Path, good: Any) -> Any:
    """The frames, or None."""
    return KEPT.read()


READER = Reader("frames", prepare, damage, read, quick=60)

"""CIFAR's files, in a set of a few records: what is accepted is what stands in the damaged bytes."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from snn2hw.data import cifar
from tests.fuzz.harness import Attempt, Reader, never
from tests.fuzz.mutators import damaged_bytes

RECORDS = 6
SMALL = replace(cifar.TEN, files={"train": ("a.bin", "b.bin"), "test": ("a.bin",)}, records={"train": RECORDS, "test": RECORDS})
NAMES = "names.txt"


class Small(cifar._Cifar):
    """CIFAR-10 with so few records that many can be tried."""

    def __init__(self, root: Path) -> None:
        super().__init__(SMALL, root, "train", 0, 10, NAMES, None)


def prepare(folder: Path) -> dict[str, bytes]:
    """The files of a good set."""
    rng = random.Random(0)
    records = (bytes([rng.randrange(10)]) + rng.randbytes(cifar.PIXELS) for _ in range(2 * RECORDS))
    data = b"".join(records)
    half = len(data) // 2
    return {"a.bin": data[:half], "b.bin": data[half:], NAMES: b"".join(b"class %d\n" % k for k in range(10))}


def damage(rng: random.Random, folder: Path, good: dict[str, bytes]) -> Attempt:
    """One of the files damaged, gone, or no file."""
    files, name, how = dict(good), rng.choice(list(good)), rng.random()
    if how < 0.05:
        for other, data in files.items():
            if other != name:
                (folder / other).write_bytes(data)
        os.mkfifo(folder / name)
        return Attempt(f"{name} is a FIFO", never if name != NAMES else lambda got: got[0] == [str(k) for k in range(10)])
    if how < 0.3 and name != NAMES:  # of the same size, so that content decides
        at = rng.randrange(len(files[name]))
        at -= at % (1 + cifar.PIXELS) if rng.random() < 0.7 else 0
        files[name] = files[name][:at] + bytes([rng.randrange(256)]) + files[name][at + 1 :]
        says = f"{name}: byte {at}"
    else:
        says, files[name] = damaged_bytes(rng, files[name])
    for other, data in files.items():
        (folder / other).write_bytes(data)
    return Attempt(says, lambda got: got == plainly(files))


def plainly(files: dict[str, bytes]) -> Any:
    """(names, labels, bytes of the first and the last image), by their places."""
    data, size = files["a.bin"] + files["b.bin"], 1 + cifar.PIXELS
    names = [n.strip() for n in files[NAMES].decode("utf-8", "replace").splitlines() if n.strip()]
    return names, [data[k * size] for k in range(2 * RECORDS)], [data[1:size], data[-cifar.PIXELS :]]


def read(folder: Path, good: Any) -> Any:
    """The same from the data set."""
    data = Small(folder)
    images = [bytes(round(v * 255) for v in data[k][0].flatten().tolist()) for k in (0, -1)]
    return list(data.classes), data.labels.tolist(), images


READER = Reader("cifar", prepare, damage, read, quick=40)

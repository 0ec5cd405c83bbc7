"""Writers of the published byte formats, by their descriptions and not by the readers."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

PLANES = 3 * 32 * 32
NAMES = {
    10: ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    20: [f"coarse_{k}" for k in range(20)],
    100: [f"fine_{k}" for k in range(100)],
}


def write_records(path: Path, records: int, labels: int, given: dict[int, tuple[tuple[int, ...], np.ndarray]]) -> None:
    """A file of so many records, zeros but for the given ones: place -> (label bytes, pixels [3, 32, 32])."""
    with path.open("wb") as file:
        file.truncate(records * (labels + PLANES))
        for place, (before, pixels) in given.items():
            file.seek(place * (labels + PLANES))
            file.write(bytes(before) + pixels.astype(np.uint8).tobytes())


def write_cifar10(root: Path, given: dict[str, dict[int, tuple[tuple[int, ...], np.ndarray]]]) -> Path:
    """The unpacked archive; given: file name -> records."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name in [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]:
        write_records(folder / name, 10_000, 1, given.get(name, {}))
    (folder / "batches.meta.txt").write_text("\n".join(NAMES[10]) + "\n\n")
    return folder


def write_cifar100(root: Path, given: dict[str, dict[int, tuple[tuple[int, ...], np.ndarray]]]) -> Path:
    """The unpacked archive; label bytes are (coarse, fine)."""
    folder = root / "cifar-100-binary"
    folder.mkdir(parents=True)
    for name, records in (("train.bin", 50_000), ("test.bin", 10_000)):
        write_records(folder / name, records, 2, given.get(name, {}))
    for kind, count in (("coarse", 20), ("fine", 100)):
        (folder / f"{kind}_label_names.txt").write_text("\n".join(NAMES[count]) + "\n")
    return folder


HEADER = (
    b"#!AER-DAT2.0\r\n"
    b"# This is a raw AE data file - do not edit\r\n"
    b"# Data format is int32 address, int32 timestamp (8 bytes total), repeated for each event\r\n"
    b"# Timestamps tick is 1 us\r\n"
)


def aedat(events: Iterable[tuple[int, int]], header: bytes = HEADER) -> bytes:
    """A file of (address, clock) pairs."""
    return header + b"".join(struct.pack(">II", *pair) for pair in events)


def address(x: int, y: int, on: bool) -> int:
    """Of the event of an upright picture: x from the left, y from the top."""
    return (127 - x) << 8 | (127 - y) << 1 | (0 if on else 1)


def write_dvs(root: Path, each: int, seed: int = 0, events: int = 200) -> dict[Path, list[tuple[int, int, int, int]]]:
    """A small CIFAR10-DVS: so many recordings of every class; path -> (t, x, y, p) of its events."""
    rng, written = np.random.default_rng(seed), {}
    for name in NAMES[10]:
        (root / name).mkdir(parents=True)
        for number in range(each):
            t = np.cumsum(rng.integers(0, 50, events))
            x, y, p = rng.integers(0, 128, events), rng.integers(0, 128, events), rng.integers(0, 2, events)
            path = root / name / f"cifar10_{name}_{number}.aedat"
            path.write_bytes(aedat((address(*at), clock) for *at, clock in zip(*(a.tolist() for a in (x, y, p, t)), strict=True)))
            written[path] = [tuple(e) for e in np.stack([t - t[0], x, y, p], 1).tolist()]
    return written


def write_image(path: Path, mode: str = "RGB", size: tuple[int, int] = (40, 30), seed: int = 0) -> np.ndarray:
    """A smooth image, so that JPEG changes little; returns its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    image = small.resize(size, Image.Resampling.BICUBIC).convert(mode)
    image.save(path)
    return np.array(image)

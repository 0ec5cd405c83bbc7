"""Images in class folders, where damaged ones are passed over: whatever Pillow does, the next one is taken, and nothing else."""

from __future__ import annotations

import os
import random
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.errors import Snn2hwWarning
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.mutators import damaged_bytes

SIZE = 8
PICTURE = np.random.default_rng(0).integers(0, 256, (12, 10, 3), np.uint8)
SAVED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("PNG", "RGB", {}),
    ("PNG", "P", {}),
    ("JPEG", "RGB", {}),
    ("JPEG", "CMYK", {}),
    ("BMP", "RGB", {}),
    ("WEBP", "RGB", {}),
    ("PPM", "RGB", {}),
    ("TIFF", "RGB", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "L", {"compression": "jpeg"}),
)
OTHERS = (
    "EPS",
    "GIF",
    "ICO",
    "PDF",
    "PCX",
    "TGA",
    "SGI",
    "IM",
    "DDS",
)  # formats that Pillow writes and this loader does not read


def prepare(folder: Path) -> dict[str, Any]:
    """Good files by format, those of formats that are refused, and the pixels of a neighbour and of the good PNG."""
    from PIL import Image

    def saved(kind: str, mode: str, options: dict[str, Any]) -> bytes:
        file = BytesIO()
        Image.fromarray(PICTURE).convert(mode).save(file, kind, **options)
        return file.getvalue()

    other = Image.fromarray(255 - PICTURE)
    file = BytesIO()
    other.save(file, "PNG")
    made = {
        "good": [(kind, saved(kind, mode, options)) for kind, mode, options in SAVED],
        "others": [saved(kind, "RGB" if kind != "GIF" else "P", {}) for kind in OTHERS],
        "neighbour": file.getvalue(),
    }
    (folder / "train" / "c").mkdir(parents=True)
    (folder / "train" / "c" / "b.png").write_bytes(file.getvalue())
    made["passed over"] = _pixels(folder)
    made["pngs"] = []
    for kind, data in made["good"]:
        if kind == "PNG":
            (folder / "train" / "c" / "a.png").write_bytes(data)
            made["pngs"].append(_pixels(folder))
    return made


def damage(rng: random.Random, folder: Path, made: dict[str, Any]) -> Attempt:
    """A damaged image a.*, and a good one behind it."""
    place = folder / "train" / "c"
    place.mkdir(parents=True)
    (place / "b.png").write_bytes(made["neighbour"])
    path, how = place / f"a.{rng.choice(('png', 'jpg', 'JPEG', 'tif', 'webp', 'ppm', 'bmp'))}", rng.random()
    if how < 0.05:
        os.mkfifo(path)
        return Attempt("a FIFO", lambda got: got == made["passed over"])
    if how < 0.15:
        path.write_bytes(rng.choice(made["others"]))
        return Attempt("another format", lambda got: got == made["passed over"])
    if how < 0.25:
        says, data = _large(rng)
        path.write_bytes(data)
        return Attempt(says, lambda got: got == made["passed over"])
    at = rng.randrange(len(made["good"]))
    kind, data = made["good"][at]
    says, data = damaged_bytes(rng, data)
    path.write_bytes(data)
    if kind == "PNG":  # checksums: it is what it was, or passed over
        return Attempt(f"{kind}: {says}", lambda got: got in (made["passed over"], *made["pngs"]))
    return Attempt(f"{kind}: {says}", lambda got: got == made["passed over"] or got == straight(path))


def _large(rng: random.Random) -> tuple[str, bytes]:
    """A PNG or a BMP that says it is large."""
    side = rng.choice((8193, 13_000, 60_000, 2**31 - 1))
    if rng.random() < 0.3:
        header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
        return f"BMP of {side} x {side}", b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b""))
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return f"PNG of {side} x {side}", b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _pixels(folder: Path) -> list[int]:
    from snn2hw.data import ImageFolder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)
        data = ImageFolder(folder, size=SIZE, crop="centre", on_corrupt="skip")
        pixels, _ = data[0]
    assert pixels.shape == (3, SIZE, SIZE)
    return [round(p * 255) for p in pixels.flatten().tolist()]


def straight(path: Path) -> list[int] | None:
    """The same part of the image by Pillow alone: these formats have no checksum, so what it decodes is what the file says."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            pixels = np.array(image.convert("RGB"))
    side = min(pixels.shape[:2]) * 7 / 8
    top, left = ((n - side) / 2 for n in pixels.shape[:2])
    box = (left, top, left + side, top + side)
    small = Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box)
    return [int(p) for p in np.array(small).transpose(2, 0, 1).ravel()]


def read(folder: Path, made: Any) -> list[int]:
    """The first sample."""
    return _pixels(folder)


READER = Reader("image", prepare, damage, read, quick=20)

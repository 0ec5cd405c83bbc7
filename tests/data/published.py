"""Writers of further published byte formats, by their descriptions and not by the readers."""

from __future__ import annotations

import gzip
import struct
import wave
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

IDX = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx(array: npt.NDArray) -> bytes:
    """An idx file."""
    head = struct.pack(">HBB", 0, IDX[array.dtype.str[1:]], array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_mnist(root: Path, images: npt.NDArray, labels: npt.NDArray, split: str = "train", packed: bool = True) -> Path:
    """The two files of a split."""
    begins = {"train": "train", "test": "t10k"}[split]
    for name, array in (("images-idx3", images), ("labels-idx1", labels)):
        data = idx(array)
        file = root / f"{begins}-{name}-ubyte{'.gz' * packed}"
        file.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return root


def forty_bits(events: Iterable[tuple[int, int, int, int]]) -> bytes:
    """A recording of N-MNIST of (t, x, y, p)."""
    return b"".join(bytes([x, y]) + (p << 23 | t).to_bytes(3, "big") for t, x, y, p in events)


def aedat3(packets: Sequence[tuple[int, int, Sequence[tuple[int, int, int, int, bool]]]]) -> bytes:
    """An AEDAT 3.1 file of packets (type, overflows of the clock, [(t, x, y, p, valid)])."""
    out = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2016-02-18 17:03:50\r\n#!END-HEADER\r\n"
    for kind, overflows, events in packets:
        out += struct.pack("<hhiiiiii", kind, 1, 8, 4, overflows, len(events), len(events), sum(e[4] for e in events))
        out += b"".join(struct.pack("<Ii", x << 17 | y << 2 | p << 1 | valid, t) for t, x, y, p, valid in events)
    return out


def wav(sound: npt.NDArray[np.int16], rate: int = 8000, channels: int = 1) -> bytes:
    """A wav file of 16 bits."""
    made = BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(sound.astype("<i2").tobytes())
    return made.getvalue()


def ts(values: Sequence[npt.NDArray], labels: Sequence[str], classes: Sequence[str], facts: Sequence[str] = ()) -> str:
    """A .ts file of cases [T, dimensions]."""
    lines = ["# remarks", "@problemName Made", "@timeStamps false", *facts, f"@classLabel true {' '.join(classes)}", "@data"]
    for value, label in zip(values, labels, strict=True):
        lines.append(":".join([*(",".join(repr(float(v)) for v in row) for row in value.T), label]))
    return "\n".join(lines) + "\n"

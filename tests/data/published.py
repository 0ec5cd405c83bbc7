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


def aedat4(packets: Sequence[bytes], streams: Sequence[tuple[str, int, int]], packing: int = 0, ended: bool = True) -> bytes:
    """An AEDAT 4 file of packets (`event_packet`) and streams (type, width, height), number 0 the first."""
    nodes = "".join(
        f'<node name="{n}" path="/mainloop/Recorder/outInfo/{n}/"><attr key="typeIdentifier" type="string">{kind}</attr>'
        f'<node name="info" path="/mainloop/Recorder/outInfo/{n}/info/"><attr key="sizeX" type="int">{width}</attr>'
        f'<attr key="sizeY" type="int">{height}</attr></node></node>'
        for n, (kind, width, height) in enumerate(streams)
    )
    path = "/mainloop/Recorder/outInfo/"
    xml = f'<dv version="2.0"><node name="outInfo" path="{path}">{nodes}</node></dv>'.encode()
    begin, body = b"#!AER-DAT4.0\r\n", b"".join(packets)
    end = len(begin) + 4 + 44 + len(xml) + 1 + len(body) if ended else -1
    # Where the table is, "IOHE", the places of its three fields, the table, the description.
    header = struct.pack("<I4s5HxxiqiII", 20, b"IOHE", 10, 20, 12, 4, 16, 12, end, packing, 4, len(xml)) + xml + b"\0"
    return begin + struct.pack("<I", len(header)) + header + body + b"a table of the packets" * ended


def event_packet(
    stream: int, events: Sequence[tuple[int, int, int, int]], packing: int = 0, kind: bytes = b"EVTS", stated: int | None = None
) -> bytes:
    """A packet of (t, x, y, p), packed without making it smaller: 1 LZ4, 3 ZSTD. stated: the number of events it says it has."""
    number = len(events) if stated is None else stated
    table = struct.pack("<I4s3HxxiII", 16, kind, 6, 8, 4, 8, 4, number)
    body = table + b"".join(struct.pack("<qhh?xxx", *event) for event in events)
    data = struct.pack("<I", len(body)) + body
    if packing == 1:  # one block as it is: the highest bit of its size
        data = b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", 1 << 31 | len(data)) + data + bytes(4)
    if packing == 3:  # the last block: bit 0 of its size
        data = b"\x28\xb5\x2f\xfd\x00\x58" + (len(data) << 3 | 1).to_bytes(3, "little") + data
    return struct.pack("<II", stream, len(data)) + data

"""Files of data sets that a user has, read by `snn2hw.data` beside a reader of other people: `python -m bench.genuine FOLDER`.

Recordings in AEDAT 2.0 and of N-MNIST are compared with tonic, those in AEDAT 4 (.aedat4) with iniVation's dv-processing, series
in .ts with aeon, sounds in .wav with SciPy, each where it is installed: every event, case and sample, bit for bit. A recording in
AEDAT 3.1 is read and not compared, as tonic mixes events of all types. tonic leaves times as they are in the file; here they are
held where they descend, as `read_aedat` says.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.data import aedat3, aedat4, read_aedat, read_nmnist, read_ts, read_wav
from snn2hw.data.events import Events
from snn2hw.errors import DataError

Items = npt.NDArray[Any] | list[bytes]
COLUMNS = ("folder", "format", "files", "items", "compared with", "differ", "refused")


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Args:
        name: with what is counted. ours: reads the items of a file. module, theirs: the same by others; None: not this file.
    """

    name: str
    ours: Callable[[Path], Items]
    module: str
    theirs: Callable[[Path], Items | None]


def _events(events: Events) -> Items:
    return np.stack([events.t, events.x, events.y, events.p], 1).astype(np.int64)


def _aedat(path: Path) -> Items | None:
    from tonic import io

    with path.open("rb") as file:
        if file.readline().startswith((*aedat3.BEGINS, aedat4.BEGINS)):
            return None
    found = io.get_aer_events_from_file(str(path), *io.read_aedat_header_from_file(str(path))[:2])
    found = found[found["address"] < 1 << 15]
    address, clock = found["address"].astype(np.int64), np.unwrap(found["timeStamp"].astype(np.int64), period=1 << 32)
    held = np.maximum.accumulate(clock)
    return np.stack([held - held[0], 127 - (address >> 8), 127 - (address >> 1 & 127), 1 - (address & 1)], 1)


def _aedat4(path: Path) -> Items:
    from dv_processing import io

    recording, packets = io.MonoCameraRecording(str(path)), []
    while (batch := recording.getNextEventBatch()) is not None:
        packets.append(batch.numpy())
    found = np.concatenate(packets)
    return np.stack([found["timestamp"] - found["timestamp"][0], found["x"], found["y"], found["polarity"]], 1)


def _nmnist(path: Path) -> Items:
    from tonic import io

    found = io.read_mnist_file(str(path), np.dtype([(name, np.int64) for name in "xytp"]))
    return np.stack([found[name] for name in "txyp"], 1)


def _cases(values: Sequence[npt.NDArray[Any]], labels: Sequence[str]) -> Items:
    """Values [T, dimensions] and label of each case, in small letters, as aeon has it."""
    return [v.astype("<f4").tobytes() + label.lower().encode() for v, label in zip(values, labels, strict=True)]


def _series(path: Path) -> Items:
    read = read_ts(path)
    return _cases(read.values, [read.classes[n] for n in read.labels])


def _aeon(path: Path) -> Items:
    from aeon.datasets import load_from_ts_file

    values, labels = load_from_ts_file(str(path))
    return _cases([v.T for v in values], [str(label) for label in labels])


def _wavfile(path: Path) -> Items:
    from scipy.io import wavfile

    sound: npt.NDArray[np.int16] = wavfile.read(path)[1]
    scaled: Items = sound.astype(np.float32) / np.float32(1 << 15)
    return scaled


FORMATS = {
    ".aedat": Format("AEDAT, events", lambda path: _events(read_aedat(path)), "tonic", _aedat),
    ".aedat4": Format("AEDAT 4, events", lambda path: _events(read_aedat(path)), "dv_processing", _aedat4),
    ".bin": Format("N-MNIST, events", lambda path: _events(read_nmnist(path)), "tonic", _nmnist),
    ".ts": Format(".ts, cases", _series, "aeon", _aeon),
    ".wav": Format(".wav, samples", read_wav, "scipy", _wavfile),
}


def differing(ours: Items, theirs: Items) -> int:
    """Items that are not equal, those among them that only one of both has."""
    both = min(len(ours), len(theirs))
    if isinstance(ours, np.ndarray) and isinstance(theirs, np.ndarray):
        unequal = int((ours[:both] != theirs[:both]).reshape(both, -1).any(1).sum())
    else:
        unequal = sum(a != b for a, b in zip(ours[:both], theirs[:both], strict=True))
    return unequal + max(len(ours), len(theirs)) - both


def compared(folder: Path) -> Iterator[tuple[str, ...]]:
    """A row for each folder below this one and format; on standard error, why a file is refused."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in FORMATS):
        groups.setdefault((path.parent, path.suffix), []).append(path)
    for (parent, suffix), paths in groups.items():
        kind, items, against, differ, refused = FORMATS[suffix], 0, 0, 0, 0
        there = importlib.util.find_spec(kind.module) is not None
        for path in paths:
            try:
                ours = kind.ours(path)
            except DataError as error:
                refused += 1
                print(f"{path}: {error.what}: {error.got}", file=sys.stderr)
                continue
            items += len(ours)
            theirs = kind.theirs(path) if there else None
            if theirs is not None:
                against, differ = against + 1, differ + differing(ours, theirs)
        read = len(paths) - refused
        other = kind.module if against == read else f"{kind.module}, {against} of {read} files" if against else ""
        counts = (f"{read:,}", f"{items:,}", other, f"{differ:,}" if against else "", str(refused))
        yield str(parent.relative_to(folder)), kind.name, *counts


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Read the files of data sets below a folder, by snn2hw.data and by others.")
    parser.add_argument("folder", type=Path, help="searched for " + ", ".join(FORMATS))
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *compared(parser.parse_args(arguments).folder)]
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))


if __name__ == "__main__":
    main()

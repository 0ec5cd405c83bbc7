"""N-MNIST as published: MNIST's digits before a moving event camera, a file of 40-bit events for each.

Five bytes an event: the column, the row, then 24 bits, big-endian: the polarity (1: brighter) and 23 bits of microseconds
(Orchard et al., Frontiers in Neuroscience 2015, 9:437; the file format is that of its page).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from snn2hw.arguments import whole
from snn2hw.data.content import content
from snn2hw.data.events import Events
from snn2hw.data.folders import given_file, given_folder, listed, wrong_folder
from snn2hw.data.labelled import Transform
from snn2hw.data.recordings import Recordings, descending, off_sensor
from snn2hw.errors import DataError, UsageError
from snn2hw.files.read import is_folder

SIDE, EVENT = 34, 5
MOST = 16 << 20  # bytes of a recording, of which the published ones have some 20,000
SITE = "https://www.garrickorchard.com/datasets/n-mnist"
CLASSES = tuple(map(str, range(10)))


def read_nmnist(path: str | Path) -> Events:
    """The events of one recording of N-MNIST, on 34x34 pixels; t is the clock of the file.

    Raises:
        DataError: no such file, empty, zeros alone, an event cut off, off the sensor, or times that descend.
    """
    path = given_file(path)
    what, expected = "a recording of N-MNIST", "events of 5 bytes"
    again = f"unpack it again, from {SITE}"
    data = content(path, what, expected, again, MOST)
    if len(data) % EVENT:
        got = f"{len(data)} bytes, {len(data) % EVENT} more than {len(data) // EVENT} events"
        raise DataError(f"{what} is cut off", where=str(path), got=got, expected=expected, do=again)
    if not any(data):  # what is left of a copy that was interrupted
        raise DataError(f"{what} has zeros alone", where=str(path), got=f"{len(data)} bytes 0", expected=expected, do=again)
    raw = np.frombuffer(data, np.uint8).reshape(-1, EVENT).astype(np.int64)
    x, y, word = raw[:, 0], raw[:, 1], raw[:, 2] << 16 | raw[:, 3] << 8 | raw[:, 4]
    t = word & 0x7FFFFF
    if got := off_sensor(x, y, SIDE, SIDE):
        raise DataError(f"{what} is of another camera", where=str(path), got=got, expected=f"0..{SIDE - 1}", do=again)
    if got := descending(t):
        raise DataError(f"{what} is not in the order of time", where=str(path), got=got, expected="times that ascend", do=again)
    return Events(t, x, y, word >> 23, SIDE, SIDE)


class NMNIST(Recordings):
    """N-MNIST: 60,000 recordings for training, 10,000 for testing, ten classes; events counted in T frames.

    Samples are float32 [T, 2, size, size], whole numbers: OFF events, ON events (`Events.frames`). A recording is read when its
    sample is asked for; names and labels are in memory.

    Args:
        root: the folder with Train/0/00002.bin and so on, and Test.
        split: "train" or "test".
        steps: T. size: rows and columns, at most 34.
        by: "time": as many microseconds in every frame; "count": as many events.
        duration: microseconds of all frames, where by="time"; later events are left out. None: to each recording's last event.
        transform: applied to every sample.

    Raises:
        UsageError, ValueRangeError: another split or binning, steps, size or duration out of range, a duration beside "count".
            DataError: another folder, a class without recordings; on reading, a recording as `read_nmnist` says.
    """

    classes = CLASSES

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        steps: int = 10,
        size: int = SIDE,
        by: str = "time",
        duration: int | None = None,
        transform: Transform | None = None,
    ) -> None:
        where = "N-MNIST"
        self._ask(where, split, steps, size, by, SIDE, transform)
        self.duration = None if duration is None else whole("duration", duration, 1, None, where)
        if by == "count" and duration is not None:
            raise UsageError(
                "a duration says nothing where events are counted off",
                where=where,
                got=f"by='count', duration={duration}",
                expected="by='time', or no duration",
                do="leave out one of the two",
            )
        folder = given_folder(root)
        self._root = folder / split.capitalize()
        self._names = [[name for name in _listed(self._root / c) if name.endswith(".bin")] for c in CLASSES]
        if not any(self._names):
            expected = f"a folder {split.capitalize()} with folders 0 to 9 of recordings, 00002.bin and so on"
            raise wrong_folder(where, folder, expected, f"unpack {split.capitalize()}.zip of {SITE} here")
        if missing := [c for c, names in zip(CLASSES, self._names, strict=True) if not names]:
            raise DataError(
                "a class of N-MNIST has no recordings",
                where=str(self._root),
                got=f"nothing in {', '.join(missing)}",
                expected="recordings in each of 0 to 9",
                do=f"unpack {split.capitalize()}.zip of {SITE} again",
            )
        self.labels = torch.arange(10).repeat_interleave(torch.tensor([len(names) for names in self._names]))
        self._flat = [name for names in self._names for name in names]

    def path(self, index: int) -> Path:
        """The recording of a sample."""
        return self._root / CLASSES[int(self.labels[index])] / self._flat[index]

    def sample(self, index: int) -> Tensor:
        """Frames [T, 2, size, size]."""
        events, duration = read_nmnist(self.path(index)), None
        if self.duration is not None:
            duration = self.duration
            events = events.until(duration)
        counts = events.frames(self.shape[0], (self.size, self.size), by=self.by, duration=duration)
        return torch.from_numpy(counts.astype(np.float32))


def _listed(folder: Path) -> list[str]:
    return listed(folder) if is_folder(folder) else []

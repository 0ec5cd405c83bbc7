"""CIFAR10-DVS as published: 10 folders of 1000 AEDAT recordings of CIFAR-10 images moved before a DVS128."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.data.aedat import SIDE, read_dvs128
from snn2hw.data.folders import given_folder, listed, no_recordings, scanned, still_there, wrong_folder
from snn2hw.data.kept import Kept
from snn2hw.data.labelled import Transform
from snn2hw.data.recordings import Recordings
from snn2hw.errors import DataError
from snn2hw.files.read import is_folder

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SITE = "https://doi.org/10.6084/m9.figshare.4724671"
TRAIN_TENTHS = 9


class CIFAR10DVS(Recordings):
    """CIFAR10-DVS (Li et al., Frontiers in Neuroscience 2017, 11:309): events counted in T frames.

    Samples are float32 [T, 2, size, size], whole numbers: OFF events, ON events (`read_aedat`, `Events.frames`). The published
    set has no split: of the n recordings of every class, numbered 0 to n - 1, the first 9/10 are for training, the last for
    testing, so 0-899 and 900-999.

    The first time every recording is read and checked, its frames are counted and kept in the cache folder, compressed; after
    that a sample is one small file. (Compressed events take longer to read back than the recording itself.) Numbers and labels
    are in memory, no events. A cache that cannot be written is no failure: recordings are then read whenever asked for.

    Args:
        root: the folder with airplane/cifar10_airplane_0.aedat and so on.
        split: "train" or "test".
        steps: T. size: rows and columns, at most 128; 128, 64, 32 sum equal areas of the sensor.
        by: "count": as many events in every frame; "time": as many microseconds.
        transform: applied to every sample.

    Raises:
        UsageError, ValueRangeError: another split or binning, steps or size out of range. DataError: another folder, missing
            recordings, a recording that cannot be read.
    """

    classes = CLASSES

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        steps: int = 10,
        size: int = 64,
        by: str = "count",
        transform: Transform | None = None,
    ) -> None:
        self._ask("CIFAR10-DVS", split, steps, size, by, SIDE, transform)
        self._root = given_folder(root)
        count = _recordings(self._root)
        chosen = [number for number in range(count) if (number * 10 < count * TRAIN_TENTHS) == (split == "train")]
        self.labels = torch.arange(len(CLASSES)).repeat_interleave(len(chosen))
        self._numbers = np.tile(chosen, len(CLASSES))
        if not chosen:
            got, do = f"split={split!r} of {count} recordings in each class", f"unpack the whole set from {SITE}"
            raise no_recordings("CIFAR10-DVS", self._root, got, "1000 in each class", do)
        self._scan()

    def sample(self, index: int) -> Tensor:
        """Frames [T, 2, size, size].

        Raises:
            DataError: the recording is gone, or cannot be read.
        """
        kept = self._kept(index)
        counts = kept.read()
        if counts is None or not counts.any():  # every recording has an event
            counts = self._made(index)
            kept.write(counts)
        return torch.from_numpy(counts.astype(np.float32))

    def path(self, index: int) -> Path:
        """The recording of a sample."""
        name = CLASSES[int(self.labels[index])]
        return self._root / name / f"cifar10_{name}_{self._numbers[index]}.aedat"

    def _scan(self) -> None:
        missing = [i for i in range(len(self)) if not self._kept(i).path.exists()]
        for index in scanned(missing, f"CIFAR10-DVS, {self.split}: counting the events of {len(missing)} recordings"):
            if not self._kept(index).write(self._made(index)):
                return

    def _kept(self, index: int) -> Kept:
        path = self.path(index)
        facts = still_there(path, "CIFAR10-DVS", f"unpack {path.parent.name}.zip of {SITE} again")
        return Kept(
            f"cifar10-dvs/{path.stem}",
            (str(path), facts.st_size, facts.st_mtime_ns, self.steps, self.size, self.by),
            np.dtype(np.uint32),
            self.shape,
        )

    def _made(self, index: int) -> npt.NDArray[Any]:
        steps, _, *size = self.shape
        return read_dvs128(self.path(index)).frames(steps, (size[0], size[1]), by=self.by).astype(np.uint32)


def _recordings(root: Path) -> int:
    """How many recordings every class has, numbered from 0 without a gap.

    Raises:
        DataError: no class folders, or recordings that are missing.
    """
    numbers = {name: _numbers(root / name, name) for name in CLASSES}
    if not any(numbers.values()):
        raise wrong_folder(
            "CIFAR10-DVS",
            root,
            "folders airplane/ to truck/ with cifar10_airplane_0.aedat and so on (AEDAT 2.0)",
            f"unpack the ten archives of {SITE} here",
        )
    count = max(len(found) for found in numbers.values())
    for name, found in numbers.items():
        if gaps := sorted(set(range(count)) - found):
            raise DataError(
                "recordings of CIFAR10-DVS are missing",
                where=str(root / name),
                got=f"{len(found)} recordings; no cifar10_{name}_{gaps[0]}.aedat",
                expected=f"{count}, numbered 0 to {count - 1}, as in the other classes",
                do=f"unpack {name}.zip of {SITE} again",
            )
    return count


def _numbers(folder: Path, name: str) -> set[int]:
    pattern = re.compile(rf"cifar10_{name}_(0|[1-9][0-9]*)\.aedat")  # as `path` writes them
    names = listed(folder) if is_folder(folder) else ()
    return {int(found[1]) for file in names if (found := pattern.fullmatch(file))}

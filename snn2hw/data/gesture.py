"""DVS-Gesture as published: recordings of people before a DVS128 in AEDAT 3.1, and when which of 11 gestures was made."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.data.aedat import read_dvs128
from snn2hw.data.aedat3 import SIDE
from snn2hw.data.content import content
from snn2hw.data.events import Events
from snn2hw.data.folders import given_folder, no_recordings, scanned, still_there, wrong_folder
from snn2hw.data.kept import Kept
from snn2hw.data.labelled import Transform
from snn2hw.data.recordings import Recordings
from snn2hw.errors import DataError, Snn2hwWarning
from snn2hw.files.read import is_file

SITE = "https://research.ibm.com/interactive/dvsgesture"
CLASSES = (
    *("hand clapping", "right hand wave", "left hand wave", "right arm clockwise", "right arm counter clockwise"),
    *("left arm clockwise", "left arm counter clockwise", "arm roll", "air drums", "air guitar", "other gestures"),
)
COLUMNS = ("class", "startTime_usec", "endTime_usec")
MOST_TEXT = 1 << 20
LATEST = 1 << 62  # us: AEDAT 3.1 counts 31 bits, and how often they ran over in 31 more


class Trial(NamedTuple):
    """One gesture: the recording it is in, its microseconds there, its class."""

    recording: str
    begin: int
    end: int
    label: int


class DVSGesture(Recordings):
    """DVS-Gesture (Amir et al., CVPR 2017): gestures of 29 people, 11 classes; events counted in T frames.

    Samples are float32 [T, 2, size, size], whole numbers: OFF events, ON events. The first time every recording is read and
    checked, the frames of its gestures are counted and kept in the cache folder; after that a sample is one small file.

    Args:
        root: the folder with trials_to_train.txt, user01_fluorescent.aedat, user01_fluorescent_labels.csv and so on.
        split: "train" (98 recordings, as published) or "test" (24).
        steps: T. size: rows and columns, at most 128; 128, 64, 32 sum equal areas of the sensor.
        by: "time": as many microseconds of the gesture in every frame; "count": as many events.
        transform: applied to every sample.

    Raises:
        UsageError, ValueRangeError: another split or binning, steps or size out of range. DataError: another folder, a list or
            table of labels that cannot be read, a list without a recording, a recording that is missing, cannot be read, or has
            no event in a gesture.

    Warns:
        Snn2hwWarning: a recording ends before the half of a gesture.
    """

    classes = CLASSES

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        steps: int = 16,
        size: int = 64,
        by: str = "time",
        transform: Transform | None = None,
    ) -> None:
        self._ask("DVS-Gesture", split, steps, size, by, SIDE, transform)
        self._root = given_folder(root)
        self.trials = [trial for name in _recordings(self._root, split) for trial in _trials(self._root, name)]
        self.labels = torch.tensor([trial.label for trial in self.trials])
        missing = [name for name in dict.fromkeys(t.recording for t in self.trials) if not self._has(name)]
        for name in scanned(missing, f"DVS-Gesture, {split}: counting the events of {len(missing)} recordings"):
            if not all(self._kept(index).write(counts) for index, counts in self._made(name)):
                break

    def sample(self, index: int) -> Tensor:
        """Frames [T, 2, size, size].

        Raises:
            DataError: the recording is gone, or cannot be read.
        """
        counts = self._kept(index).read()
        if counts is None or not counts.any():  # every gesture has an event
            counts = dict(self._made(self.trials[index].recording))[index]
        return torch.from_numpy(counts.astype(np.float32))

    def _has(self, name: str) -> bool:
        return all(self._kept(i).path.exists() for i, trial in enumerate(self.trials) if trial.recording == name)

    def _kept(self, index: int) -> Kept:
        trial = self.trials[index]
        facts = still_there(self._root / trial.recording, "DVS-Gesture", f"unpack DvsGesture.tar.gz of {SITE} again")
        key = (str(self._root), trial, facts.st_size, facts.st_mtime_ns, self.steps, self.size, self.by)
        return Kept(f"dvs-gesture/{Path(trial.recording).stem}-{index}", key, np.dtype(np.uint32), self.shape)

    def _made(self, name: str) -> list[tuple[int, npt.NDArray[Any]]]:
        """(index, frames) of every gesture of a recording."""
        events, made = read_dvs128(self._root / name), []
        for index, trial in enumerate(self.trials):
            if trial.recording == name:
                own = events.between(trial.begin, trial.end)
                if not len(own):
                    raise DataError(
                        "a gesture has no event",
                        where=str(self._root / name),
                        got=f"none from {trial.begin} to {trial.end} us; the recording has {events.t[0]} to {events.t[-1]} us",
                        expected="events in every gesture that the table of labels names",
                        do=f"unpack the set from {SITE} again",
                    )
                _warn_of_cut(self._root / name, trial, events)
                made.append((index, self._counted(own, trial)))
        return made

    def _counted(self, own: Events, trial: Trial) -> npt.NDArray[Any]:
        since = Events(own.t - trial.begin, own.x, own.y, own.p, SIDE, SIDE)
        duration = trial.end - trial.begin if self.by == "time" else None
        return since.frames(self.shape[0], (self.size, self.size), by=self.by, duration=duration).astype(np.uint32)


def _warn_of_cut(path: Path, trial: Trial, events: Events) -> None:
    """A recording that was cut between two packets reads as a whole one, and a gesture of it has empty frames."""
    if 2 * int(events.t[-1]) < trial.begin + trial.end:
        warnings.warn(
            Snn2hwWarning(
                "a recording ends before the half of a gesture",
                where=str(path),
                got=f"its last event at {events.t[-1]} us",
                expected=f"events of the gesture from {trial.begin} to {trial.end} us",
                do=f"unpack the set from {SITE} again",
            ),
            stacklevel=4,
        )


def _recordings(root: Path, split: str) -> list[str]:
    """The names of a split's recordings, in the order of the published list."""
    path = root / f"trials_to_{split}.txt"
    if not is_file(path):
        expected = f"trials_to_{split}.txt, and the recordings user01_fluorescent.aedat and so on that it names"
        raise wrong_folder("DVS-Gesture", root, expected, f"unpack DvsGesture.tar.gz of {SITE} here")
    text = content(path, "the list of a split of DVS-Gesture", "names of recordings", f"unpack it again, from {SITE}", MOST_TEXT)
    names = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    if not names:
        got, do = f"no name in {len(text)} bytes", f"unpack DvsGesture.tar.gz of {SITE} again"
        raise no_recordings("DVS-Gesture", path, got, "a name of a recording in each line", do)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(
            "the list of a split of DVS-Gesture names a recording twice",
            where=str(path),
            got=repr(twice),
            expected="every recording once",
            do=f"unpack DvsGesture.tar.gz of {SITE} again",
        )
    for name in names:
        if Path(name).name != name or not is_file(root / name):
            raise DataError(
                "a recording of DVS-Gesture is missing",
                where=str(path),
                got=f"{name!r}, which is no file of this folder",
                expected=f"the names of recordings in {root}",
                do=f"unpack DvsGesture.tar.gz of {SITE} again",
            )
    return names


def _trials(root: Path, name: str) -> list[Trial]:
    """The gestures of a recording, from the table beside it."""
    path = root / f"{name.removesuffix('.aedat')}_labels.csv"
    expected, do = f"columns {', '.join(COLUMNS)}, of whole numbers, classes 1 to {len(CLASSES)}", f"unpack it again, from {SITE}"
    data = content(path, "a table of labels of DVS-Gesture", expected, do, MOST_TEXT)
    try:
        table = csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""))
        rows, head = list(table), [column.strip() for column in table.fieldnames or ()]
        if twice := [column for column in COLUMNS if head.count(column) > 1]:
            raise ValueError(f"two columns {twice[0]}")
        if not rows:
            raise ValueError("no row below its head")
        trials = list[Trial]()
        for n, row in enumerate(rows, 2):
            kind, begin, end = (_whole(row.get(column), n) for column in COLUMNS)
            if not (1 <= kind <= len(CLASSES) and begin < end <= LATEST):
                raise ValueError(f"class {kind}, {begin} to {end} us in line {n}")
            if any((begin, end) == (t.begin, t.end) for t in trials):
                raise ValueError(f"{begin} to {end} us a second time in line {n}")
            trials.append(Trial(name, begin, end, kind - 1))
    except (ValueError, csv.Error) as error:
        raise DataError(
            "a table of labels of DVS-Gesture cannot be read", where=str(path), got=str(error)[:300], expected=expected, do=do
        ) from error
    return trials


def _whole(text: str | None, line: int) -> int:
    digits = (text or "").strip()
    if not (digits.isascii() and digits.isdecimal()):  # int() takes 1_0, and digits of every script
        raise ValueError(f"{digits!r}, which is no whole number, in line {line}")
    return int(digits)

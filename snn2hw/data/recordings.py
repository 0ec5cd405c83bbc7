"""What recordings of event cameras have in common: the checks of their events, and how their frames are asked for."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.arguments import one_of, whole
from snn2hw.data.events import BINNINGS
from snn2hw.data.folders import SPLITS
from snn2hw.data.labelled import Samples, Transform, sized
from snn2hw.errors import Snn2hwWarning

EARLY = 1 << 16  # us: a DVS128 reads its clock byte by byte, so that single events come 2^8 or 2^16 us too early
SILENCE = 60_000_000  # us: noise alone gives a DVS128 some hundred events a second, so that a minute without one is none
FEW = 0.01  # share of early events beyond which they are no single ones


class Recordings(Samples):
    """Events of a square sensor, counted in T frames: samples are [T, 2, size, size]."""

    def _ask(self, where: str, split: str, steps: int, size: int, by: str, side: int, transform: Transform | None) -> None:
        """Take what a user asks for.

        Args:
            where: the data set, for messages. side: of its sensor. The others: as its constructor has them.

        Raises:
            UsageError, ValueRangeError: another split or binning, steps below 1, a size beyond the sensor's, a sample that no
                memory holds.
        """
        self.split, self.by, self.transform = one_of("split", split, SPLITS, where), one_of("by", by, BINNINGS, where), transform
        self.steps, self.size = whole("steps", steps, 1, None, where), whole("size", size, 1, side, where)
        self.shape = sized((steps, 2, size, size), where)


def another_camera(header: bytes) -> str:
    """The camera that the header of an AEDAT file names, where that is no DVS128; "" where it is, or none is named.

    jAER writes the class of its chip, such as ch.unizh.ini.jaer.chip.retina.DVS128 ("Tmpdiff128" is an earlier name of it), cAER
    a line for each source of events.
    """
    for name in re.findall(rb"^#[ \t]*(?:AEChip|Source[ \t]+\d+):[ \t]*([^\r\n]*)", header, re.MULTILINE):
        if name.strip() and not re.search(rb"DVS128|Tmpdiff128", name, re.IGNORECASE):
            return ascii(name.strip().decode("ascii", "replace"))[:80]
    return ""


def off_sensor(x: npt.NDArray[Any], y: npt.NDArray[Any], height: int, width: int) -> str:
    """The first event that is off the sensor, and how many are, for a message; "" where none is.

    Args:
        x, y: columns and rows, [E]. height, width: of the sensor, in pixels.
    """
    off = np.flatnonzero((x >= width) | (y >= height))
    if not len(off):
        return ""
    return f"column {x[off[0]]}, row {y[off[0]]} in event {off[0]}; {len(off)} of {len(x)} events are off the sensor"


def descending(t: npt.NDArray[Any], most: int = 0) -> str:
    """The first event that lies more than `most` us before the latest one in front of it, for a message; "" where none does."""
    latest = np.maximum.accumulate(t)
    back = np.flatnonzero(latest - t > most)
    return f"{t[back[0]]} us behind {latest[back[0]]} us in event {back[0]}" if len(back) else ""


def held(path: Path, t: npt.NDArray[np.int64], stacklevel: int) -> npt.NDArray[np.int64]:
    """Times in ascending order, [E]: an early event gets that of the latest one before it.

    Args:
        path: of the recording, for the warning. t: microseconds, [E]. stacklevel: of the warning, 1 for whoever calls this.

    Warns:
        Snn2hwWarning: more than FEW of the events are early, so that more than single ones lose their time; the clock jumps.
    """
    latest: npt.NDArray[np.int64] = np.maximum.accumulate(t)
    early = int((t < latest).sum())
    if early > FEW * len(t):
        warnings.warn(
            Snn2hwWarning(
                "events of a recording are early, and get the time of the latest one before them",
                where=str(path),
                got=f"{early} of {len(t)} events",
                expected=f"at most {FEW:.0%} of them, as a DVS128 has single ones",
                do="export the recording again in the order of time",
            ),
            stacklevel=stacklevel + 1,
        )
    gaps = np.diff(latest)
    if len(gaps) and gaps.max() > SILENCE:
        at = int(gaps.argmax())
        warnings.warn(
            Snn2hwWarning(
                "the clock of a recording jumps",
                where=str(path),
                got=f"{gaps[at]} us between events {at} and {at + 1}, with {len(t)} in all",
                expected=f"at most {SILENCE} us: the noise of a camera alone gives more events",
                cause="a damaged time, or two recordings in one file",
                do="look at the times around this place; Events.between leaves out what does not belong to it",
            ),
            stacklevel=stacklevel + 1,
        )
    return latest

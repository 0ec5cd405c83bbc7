"""What an event camera says: at time t the pixel (x, y) became brighter (p = 1) or darker (p = 0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.arguments import one_of, whole
from snn2hw.data.labelled import sized
from snn2hw.errors import ShapeError, UsageError, ValueRangeError

Counts: TypeAlias = npt.NDArray[np.int64]
BINNINGS = ("time", "count")


@dataclass(frozen=True, eq=False)
class Events:
    """E events of one recording in the order of time.

    Args:
        t: microseconds since the recording began, [E], ascending, any integer type (as the others).
        x: columns from the left, [E]. y: rows from the top, [E]. p: 1 brighter (ON), 0 darker (OFF), [E].
        height: rows of the sensor. width: columns of the sensor.

    Raises:
        UsageError: what is no array of whole numbers, or no whole height and width. ShapeError: arrays of different lengths.
        ValueRangeError: off the sensor, t that descends, or p beside 0 and 1.
    """

    t: npt.NDArray[Any]
    x: npt.NDArray[Any]
    y: npt.NDArray[Any]
    p: npt.NDArray[Any]
    height: int
    width: int

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            size = getattr(self, name)
            whole(name, int(size) if isinstance(size, np.integer) else size, 1, None, "Events")
        for name in "txyp":
            _check_numbers(name, getattr(self, name))
        shapes = [a.shape for a in (self.t, self.x, self.y, self.p)]
        if len(set(shapes)) != 1 or len(shapes[0]) != 1:
            raise ShapeError(
                "the parts of an event stream differ in length",
                where="Events",
                got=", ".join(f"{name} {list(s)}" for name, s in zip("txyp", shapes, strict=True)),
                expected="t, x, y, p of shape [E]",
                do="give every event its time, x, y and polarity",
            )
        for name, values, stop in (("x", self.x, self.width), ("y", self.y, self.height), ("p", self.p, 2)):
            if len(values) and not 0 <= (low := int(values.min())) <= (high := int(values.max())) < stop:
                raise ValueRangeError(
                    f"{name} of an event is out of range",
                    where="Events",
                    got=f"{low}..{high}",
                    expected=f"0..{stop - 1}",
                    do="give p as 0 and 1" if name == "p" else "give the size of the sensor, or leave out events beyond it",
                )
        if len(self.t) and (int(self.t[0]) < 0 or bool((self.t[1:] < self.t[:-1]).any())):
            raise ValueRangeError(
                "events are not in the order of time", where="Events", expected="t ascending from 0 or later", do="sort them by t"
            )

    def __len__(self) -> int:
        return len(self.t)

    def until(self, end: int) -> Events:
        """Those before this time, in microseconds."""
        return self.between(0, end)

    def between(self, begin: int, end: int) -> Events:
        """Those from `begin` on and before `end`, in microseconds; times stay as they are."""
        first, last = np.searchsorted(self.t, (begin, end))
        t, x, y, p = (a[first:last] for a in (self.t, self.x, self.y, self.p))
        return Events(t, x, y, p, self.height, self.width)

    def frames(self, steps: int, size: tuple[int, int] | None = None, *, by: str = "time", duration: int | None = None) -> Counts:
        """Events counted in T frames, int64 [T, 2, h, w]: channel 0 OFF, channel 1 ON. Every event is in exactly one cell.

        by="time":   frame of an event at t = floor(t * T / duration)
        by="count":  frame of event number i = floor(i * T / E)
        row = floor(y * h / height), column = floor(x * w / width): sums over areas of the sensor, equal ones where h and w
        divide its size, else of two neighbouring sizes.

        Args:
            steps: T. size: (h, w), at most the sensor's, which is what None means.
            duration: microseconds of the recording, where by="time"; None: to the last event, that included. Events after
                it are an error.

        Raises:
            UsageError: another `by`, a size that is no pair, or not a whole number. ValueRangeError: steps below 1, a size
                beyond the sensor's, more frames than a computer holds, events after the duration.
        """
        where = "Events.frames"
        whole("steps", steps, 1, None, where)
        one_of("by", by, BINNINGS, where)
        h, w = _pair(size, where) if size is not None else (self.height, self.width)
        whole("size[0]", h, 1, self.height, where)
        whole("size[1]", w, 1, self.width, where)
        sized((steps, 2, h, w), where)
        if by == "time":
            last = int(self.t[-1]) if len(self) else 0
            ends = last + 1 if duration is None else whole("duration", duration, last + 1, None, where)
            # In Python's integers where int64 does not hold the product, or the duration.
            exact = np.int64 if max(last * steps, ends) < 1 << 63 else object
            frame = (self.t.astype(exact) * steps // ends).astype(np.int64)
        else:
            frame = np.arange(len(self), dtype=np.int64) * steps // max(len(self), 1)
        row = self.y.astype(np.int64) * h // self.height
        column = self.x.astype(np.int64) * w // self.width
        cell = ((frame * 2 + self.p.astype(np.int64)) * h + row) * w + column
        return np.bincount(cell, minlength=steps * 2 * h * w).reshape(steps, 2, h, w)


def _check_numbers(name: str, values: Any) -> None:
    """A NumPy array of whole numbers; of polarities also of flags."""
    kinds = "iub" if name == "p" else "iu"
    if not isinstance(values, np.ndarray) or values.dtype.kind not in kinds:
        raise UsageError(
            f"{name} of events is no array of whole numbers",
            where="Events",
            got=f"{type(values).__name__} of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__,
            expected="a NumPy array [E] of an integer type",
            do="make it one: numpy.asarray(values).astype(numpy.int64)",
        )


def _pair(size: Any, where: str) -> tuple[int, int]:
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise UsageError(
            "a size is no pair of numbers", where=where, got=repr(size)[:80], expected="(rows, columns)", do="pass both"
        )
    return size[0], size[1]

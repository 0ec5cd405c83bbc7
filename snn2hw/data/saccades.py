"""The digits scans before an event camera that moves along three saccades, as N-MNIST and CIFAR10-DVS were recorded.

The scan is a surface: its integers v[i, j] in 0..16 lie at the points (i, j), are joined bilinearly, and fall to 0 around
the border. A scan pixel is 1.5 sensor pixels wide, so the 8x8 scan covers 12x12 of the 16x16 sensor. At time k
(milliseconds, 0..300) the surface lies displaced by (dx, dy) sensor pixels, along a closed triangle of straight lines,
100 ms each, through CORNERS:

    I_k(y, x) = v((y - 7.5 - dy_k) / 1.5 + 3.5, (x - 7.5 - dx_k) / 1.5 + 3.5) / 16        intensity in [0, 1]
    L_k       = ln(I_k + EPSILON)                                                         what a DVS pixel compares
    n_k       = trunc((L_k - R) / CONTRAST);   R += n_k * CONTRAST                        per pixel, R = L_0 at first

A pixel gives |n_k| events of the polarity of n_k, stamped with the millisecond in which they arose, (k - 1) * 1000 us.
There is no noise, no refractory time and no leak. Displacements are multiples of 1/128 pixel, so I is a fraction of integers
and exact; L is rounded to 2^-16 once, from a table. Everything after that is integers: the events are the same on every
machine. The path is closed, so every pixel gives as many ON as OFF events.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.data.digits import WHITE
from snn2hw.data.events import Events

SIZE = 16
FINE = 192  # steps of a scan pixel: 1.5 sensor pixels of 128 steps each
CORNERS = ((-256, -192), (256, -192), (0, 256))  # (dx, dy) in 1/128 sensor pixels
SACCADE = 100  # milliseconds
DURATION = len(CORNERS) * SACCADE * 1000  # microseconds
EPSILON = 0.1
CONTRAST = 0.3
ONE = 1 << 16  # L and R are in units of 2^-16


def facts() -> tuple[object, ...]:
    """Everything the events follow from beside the scans."""
    return SIZE, FINE, WHITE, CORNERS, SACCADE, EPSILON, CONTRAST, ONE


def record(scans: npt.NDArray[Any]) -> list[Events]:
    """The events of each scan.

    Args:
        scans: integers 0..16, [N, 8, 8].
    """
    threshold, table = round(CONTRAST * ONE), _logarithms()
    surface = scans.astype(np.float32)  # products and sums below stay under 2^24: exact, and quick
    reference: npt.NDArray[Any] | None = None
    parts: list[tuple[npt.NDArray[Any], ...]] = []
    for k, (dx, dy) in enumerate(path()):
        seen = table[(_weights(dy) @ surface @ _weights(dx).T).astype(np.int32)]
        if reference is None:
            reference = seen
            continue
        change = seen - reference
        at = np.nonzero(np.abs(change) >= threshold)
        times, sign = np.abs(change[at]) // threshold, np.sign(change[at])
        reference[at] += sign * times * threshold
        sample, y, x, p = (np.repeat(a, times) for a in (*at, sign > 0))
        parts.append((sample, np.full(len(sample), (k - 1) * 1000), x, y, p))
    sample, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(sample, kind="stable")
    ends = np.cumsum(np.bincount(sample, minlength=len(scans)))[:-1]
    split = [np.split(c[order].astype(dtype), ends) for c, dtype in zip(columns, ("i4", "i2", "i2", "i1"), strict=True)]
    return [Events(t, x, y, p, SIZE, SIZE) for t, x, y, p in zip(*split, strict=True)]


def path() -> list[tuple[int, int]]:
    """(dx, dy) in 1/128 sensor pixels at 0, 1, ..., 300 ms; rounded down; the first and the last are the same."""
    legs = zip(CORNERS, (*CORNERS[1:], CORNERS[0]), strict=True)
    on_the_way = [
        (x0 + (x1 - x0) * k // SACCADE, y0 + (y1 - y0) * k // SACCADE) for (x0, y0), (x1, y1) in legs for k in range(SACCADE)
    ]
    return [*on_the_way, CORNERS[0]]


def _weights(shift: int) -> npt.NDArray[np.float32]:
    """[SIZE, 8]: how much of each scan line a sensor line sees, in 1/FINE, displaced by `shift` / 128 sensor pixels."""
    made = np.zeros((SIZE, 8), np.float32)
    for line in range(SIZE):
        # (line - 7.5) / 1.5 + 3.5 scan pixels, less the shift, in 1/FINE of one
        before, beyond = divmod((2 * line - (SIZE - 1)) * FINE // 3 + FINE * 7 // 2 - shift, FINE)
        for at, weight in ((before, FINE - beyond), (before + 1, beyond)):
            if 0 <= at < 8:
                made[line, at] = weight
    return made


def _logarithms() -> npt.NDArray[np.int32]:
    """ln(i / full + EPSILON) for every intensity i = 0..full there can be, in 1/ONE."""
    full = WHITE * FINE * FINE
    table: npt.NDArray[np.int32] = np.rint(np.log(np.arange(full + 1) / full + EPSILON) * ONE).astype(np.int32)
    return table

"""Sound as a neuron hears it: the energy of bands that lie as pitches do, in steps of time.

    E[t, b] = sum over frequencies f of w_b(f) |FFT(hann * x around t)|^2(f) / (sum of hann)^2
    y[t, b] = clamp((10 log10(E[t, b]) + 80) / 80, 0, 1)           0: 80 dB below 1 or less, 1: E of 1 or more

w_b is a triangle over the pitches m(f) = 2595 log10(1 + f / 700) between its two neighbours' middles. A sine of full scale has an
E of 0.3 to 0.6 in the bands of speech.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
FLOOR = 80.0  # dB below full scale
WIDE = 2.0  # steps that a window is wide


def log_mel(sound: npt.NDArray[Any], rate: int, steps: int, bands: int) -> npt.NDArray[np.float32]:
    """[steps, bands] in [0, 1] of samples in [-1, 1], cut into equal steps from its beginning to its end.

    Args:
        sound: [n], n >= 1. rate: samples in a second. steps: T. bands: from 0 to half of the rate.
    """
    hop = len(sound) / steps
    width, size = _window(hop)
    around = np.concatenate([np.zeros(width), sound, np.zeros(width)])
    begins = np.round((np.arange(steps) + 0.5) * hop - width / 2).astype(int) + width
    window = np.hanning(width + 1)[:-1]
    cut = around[begins[:, None] + np.arange(width)] * window
    power = np.abs(np.fft.rfft(cut, size)) ** 2 / window.sum() ** 2
    energy = power @ _triangles(size, rate, bands)
    loud: Reals = 10 * np.log10(np.maximum(energy, 10 ** (-FLOOR / 10)))
    return np.clip((loud + FLOOR) / FLOOR, 0, 1).astype(np.float32)


def deaf(samples: int, rate: int, steps: int, bands: int) -> list[int]:
    """The bands that hear nothing: between two frequencies of so short a window, so that they are 0 whatever sounds.

    Args:
        samples: n of `log_mel`; rate, steps, bands: as there.
    """
    return [int(band) for band in np.flatnonzero(~_triangles(_window(samples / steps)[1], rate, bands).any(0))]


def _window(hop: float) -> tuple[int, int]:
    """Samples of a window, and of its FFT, where steps are so many samples apart."""
    width = max(2, round(WIDE * hop))
    return width, 1 << (width - 1).bit_length()


@lru_cache(maxsize=8)
def _triangles(size: int, rate: int, bands: int) -> Reals:
    """[size/2 + 1, bands]"""
    pitch = 2595 * np.log10(1 + np.fft.rfftfreq(size, 1 / rate) / 700)
    edges = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), bands + 2)
    up = (pitch[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - pitch[:, None]) / (edges[2:] - edges[1:-1])
    made: Reals = np.maximum(np.minimum(up, down), 0)
    return made

"""Spoken digits (Free Spoken Digit Dataset) as log-mel spectrograms: read from where the data was put, and nothing but NumPy.

The set is not part of the project. `fsdd.npz` is its recordings of the official split in one file:
audio_train, audio_test int16 [samples of all recordings one after the other], lengths_* int64 [N],
y_* uint8 [N]. Source: github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA 4.0, 8 kHz.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.errors import DataError

VARIABLE = "SNN2HW_SHARED_DATA"
FILE = "real/fsdd.npz"
RATE = 8000  # Hz
STEPS, HOP, WINDOW = 40, 160, 256  # 40 steps of 20 ms; each sees 32 ms
BANDS, LOWEST = 32, 60.0  # mel bands, the first begins at so many Hz
DYNAMIC = 80.0  # dB below the loudest cell of the recording that are kept
LEVELS = 255  # of the input's 8 bits

Reals = npt.NDArray[np.float64]


def load(split: str) -> tuple[Tensor, Tensor]:
    """One part of the official split: 2,700 recordings to train with, 300 (the first five of every speaker and digit) to test.

    Args:
        split: "train" or "test".

    Returns:
        log-mel spectrograms float32 [N, 40, 32] in [0, 1], whole multiples of 1/255; labels int64 [N].

    Raises:
        DataError: the file is not there, or is not as described above.
    """
    path = find()
    try:
        with np.load(path) as file:
            audio, lengths, labels = (np.asarray(file[f"{k}_{split}"]) for k in ("audio", "lengths", "y"))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            "the file of spoken digits cannot be read",
            where=str(path),
            got=str(error),
            expected=f"an .npz with audio_{split}, lengths_{split} and y_{split}",
            do="copy it again",
        ) from error
    if lengths.sum() != len(audio) or len(lengths) != len(labels):
        raise DataError(
            "the recordings do not add up",
            where=str(path),
            got=f"{len(labels)} labels, {len(lengths)} lengths of {int(lengths.sum())} samples in all, {len(audio)} samples",
            expected="one label and one length per recording, lengths that sum to the samples",
            do="copy it again",
        )
    parts = np.split(audio.astype(np.float64) / 32768.0, np.cumsum(lengths)[:-1])
    samples = np.stack([log_mel(p) for p in parts]).astype(np.float32)
    return torch.from_numpy(samples), torch.from_numpy(labels.astype(np.int64))


def find(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the file is: in $SNN2HW_SHARED_DATA, else in ../shared/data beside the checkout.

    Raises:
        DataError: it is in neither.
    """
    folder = Path(environment.get(VARIABLE) or Path(__file__).resolve().parents[3] / "shared" / "data")
    path = folder / FILE
    if not path.is_file():
        raise DataError(
            "the spoken digits are not here",
            where=str(path),
            got="no such file",
            expected="fsdd.npz: the recordings of the Free Spoken Digit Dataset in one file, as bench/custom/fsdd.py describes",
            do=f"set {VARIABLE} to the folder that holds {FILE}",
        )
    return path


def log_mel(audio: Reals) -> Reals:
    """A recording [samples] in [-1, 1] -> [40, 32] in [0, 1], multiples of 1/255: 1 is its loudest cell, 0 is 80 dB below.

    Step t is the power spectrum of 256 samples from 160 t on under a Hann window, summed in 32
    triangles that are equally wide on the mel scale. What is longer than 40 steps is cut off, what
    is shorter is followed by silence.
    """
    padded = np.zeros((STEPS - 1) * HOP + WINDOW)
    padded[: len(audio)] = audio[: len(padded)]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
    decibel = 10.0 * np.log10(power @ FILTERS + 1e-12)
    inside = np.clip(1.0 + (decibel - decibel.max()) / DYNAMIC, 0.0, 1.0)
    cells: Reals = np.rint(inside * LEVELS) / LEVELS
    return cells


def _filters() -> Reals:
    """[bins of the spectrum, bands]: triangles between neighbours of 34 points at equal mel distances."""
    mels = np.linspace(_mel(LOWEST), _mel(RATE / 2), BANDS + 2)
    points: Reals = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    hertz = np.fft.rfftfreq(WINDOW, 1.0 / RATE)[:, None]
    rising = (hertz - points[:-2]) / (points[1:-1] - points[:-2])
    falling = (points[2:] - hertz) / (points[2:] - points[1:-1])
    filters: Reals = np.maximum(0.0, np.minimum(rising, falling))
    return filters


def _mel(hertz: float) -> float:
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


FILTERS = _filters()

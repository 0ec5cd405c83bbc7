"""Recorded data that models are trained on, from files of $SNN2HW_SHARED_DATA, else of ../shared/data beside the checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.arguments import one_of
from snn2hw.errors import DataError, MissingExtraError

VARIABLE = "SNN2HW_SHARED_DATA"
MNIST, FASHION, NMNIST = "real/mnist_part.npz", "real/fashion_mnist.npz", "real/nmnist_small.npz"
DIGITS, WATCH, CIFAR10 = "real/fsdd.npz", "real/watch.npz", "real/cifar10_jpeg.npz"
SPLITS = ("train", "test")
WHITE = 255
WATCH_SPAN = (3.0, 1.6, 2.2, 4.5, 7.8, 4.0)  # of each channel of the watch the 99.5 % quantile of |x| over its training windows


def mnist(split: str) -> tuple[Tensor, Tensor]:
    """10,000 of MNIST's 60,000 training images, or the 10,000 of its official test set.

    Returns:
        images float32 [10000, 1, 28, 28] in [0, 1], whole multiples of 1/255; labels int64 [10000].

    Raises:
        UsageError: another split. DataError: the file is not there, or is not as described above.
    """
    images, labels = _arrays(MNIST, split, (28, 28))
    return torch.from_numpy(images[:, None].astype(np.float32) / WHITE), labels


def fashion(split: str) -> tuple[Tensor, Tensor]:
    """The 60,000 training images of Fashion-MNIST, or the 10,000 of its test set; all else as `mnist`."""
    images, labels = _arrays(FASHION, split, (28, 28))
    return torch.from_numpy(images[:, None].astype(np.float32) / WHITE), labels


def nmnist(split: str) -> tuple[Tensor, Tensor]:
    """1,000 and 100 recordings of N-MNIST, a real event camera, in 10 frames of 30.6 ms: where events were, not how many.

    Returns:
        frames float32 [10, N, 2, 34, 34], 0 or 1, polarities as channels; labels int64 [N].

    Raises:
        UsageError: another split. DataError: the file is not there, or is not as described above.
    """
    frames, labels = _arrays(NMNIST, split, (10, 2, 34, 34))
    return torch.from_numpy((frames > 0).astype(np.float32).swapaxes(0, 1)), labels


def spoken_digits(split: str) -> tuple[Tensor, Tensor]:
    """2,700 and 300 recordings of the Free Spoken Digit Dataset: 32 log-mel energies at each of 40 steps.

    Returns:
        energies float32 [40, N, 32] in [0, 1], whole multiples of 1/255; labels int64 [N].

    Raises:
        UsageError: another split. DataError: the file is not there, or is not as described above.
    """
    energies, labels = _arrays(DIGITS, split, (40, 32))
    return torch.from_numpy((energies.astype(np.float32) / WHITE).swapaxes(0, 1)), labels


def watch(split: str) -> tuple[Tensor, Tensor]:
    """Windows of what the motion sensor of a watch felt while its wearer exercised.

    Returns:
        six channels float32 [100, N, 6], in the units of the file; labels int64 [N].

    Raises:
        UsageError: another split. DataError: the file is not there, or is not as described above.
    """
    series, labels = _arrays(WATCH, split, (100, 6), "float32")
    return torch.from_numpy(series.swapaxes(0, 1)), labels


def cifar10(split: str) -> tuple[Tensor, Tensor]:
    """The 50,000 training images of CIFAR-10, or the 10,000 of its test set, as JPEG files have them: with their losses.

    Returns:
        images float32 [N, 3, 32, 32] in [0, 1], whole multiples of 1/255; labels int64 [N].

    Raises:
        UsageError: another split. DataError: the file is not there, or is not as described above.
        MissingExtraError: Pillow is not installed.
    """
    expected = f"an .npz with jpeg_{split} uint8, of which image i is offsets_{split}[i] to [i + 1], and y_{split} [N]"
    with _read(CIFAR10, split, ("jpeg", "offsets", "y"), expected) as (files, offsets, labels):
        places = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        images = np.stack([_decoded(files[begin:end].tobytes()) for begin, end in places])
        if images.shape != (*labels.shape, 32, 32, 3):
            raise ValueError(f"images {list(images.shape)}, labels {list(labels.shape)}")
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32, "C") / WHITE), _labels(labels)


def _arrays(file: str, split: str, shape: tuple[int, ...], dtype: str = "uint8") -> tuple[npt.NDArray[Any], Tensor]:
    """Samples [N, *shape] of a dtype, labels int64 [N]."""
    expected = f"an .npz with x_{split} {dtype} [N, {', '.join(map(str, shape))}] and y_{split} [N]"
    with _read(file, split, ("x", "y"), expected) as (samples, labels):
        if samples.dtype != dtype or samples.shape != (*labels.shape, *shape):
            raise ValueError(f"samples {samples.dtype} {list(samples.shape)}, labels {list(labels.shape)}")
    return samples, _labels(labels)


@contextmanager
def _read(file: str, split: str, names: tuple[str, ...], expected: str) -> Iterator[list[npt.NDArray[Any]]]:
    """The arrays NAME_SPLIT; what goes wrong inside is said as something wrong with the file."""
    one_of("split", split, SPLITS, file)
    folder = Path(os.environ.get(VARIABLE) or Path(__file__).resolve().parents[2] / "shared" / "data")
    path = folder / file
    if not path.is_file():
        raise DataError(
            "the recorded data are not here",
            where=str(path),
            got="no such file",
            expected=expected,
            do=f"set {VARIABLE} to the folder that holds {file}",
        )
    try:
        with np.load(BytesIO(path.read_bytes())) as arrays:
            yield [arrays[f"{name}_{split}"] for name in names]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise DataError(
            "the recorded data cannot be read", where=str(path), got=str(error), expected=expected, do="copy the file again"
        ) from error


def _decoded(file: bytes) -> npt.NDArray[np.uint8]:
    """[H, W, 3] of a JPEG file."""
    try:
        from PIL.Image import open as open_image
    except ModuleNotFoundError as missing:
        raise MissingExtraError("pillow", "data", "models/recorded.py") from missing
    with open_image(BytesIO(file), formats=("JPEG",)) as image:
        return np.asarray(image.convert("RGB"))


def _labels(labels: npt.NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(labels.astype(np.int64))

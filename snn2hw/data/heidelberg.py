"""Spiking Heidelberg Digits and Spiking Speech Commands as published: spikes of 700 channels of an artificial ear, in HDF5."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snn2hw.arguments import one_of, positive, whole
from snn2hw.data.folders import given_folder, wrong_folder
from snn2hw.data.labelled import Samples, Transform, sized
from snn2hw.data.lists import stated_lengths
from snn2hw.errors import DataError, MissingExtraError
from snn2hw.files.hdf5_pieces import unwritten
from snn2hw.files.read import is_file

SITE = "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd"
CHANNELS = 700
PACKED = 1200  # times its size that a file may unpack to: Deflate packs 1032 bytes into one at most
LANGUAGES = ("english", "german")


class _Heidelberg(Samples):
    """spikes/times and spikes/units, a list of each recording, and labels."""

    name = ""
    splits: tuple[str, ...] = ("train", "test")
    count = 0  # of classes

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        *,
        steps: int = 100,
        seconds: float = 1.4,
        bands: int = 140,
        transform: Transform | None = None,
    ) -> None:
        one_of("split", split, self.splits, self.name)
        self.split, self.transform = split, transform
        self.steps, self.bands = whole("steps", steps, 1, None, self.name), whole("bands", bands, 1, CHANNELS, self.name)
        self.seconds = positive("seconds", seconds, self.name)
        self.shape = sized((steps, bands), self.name)
        file = f"{self.name.lower()}_{split}.h5"
        folder = given_folder(root)
        self._path = folder / file
        if not is_file(self._path):
            raise wrong_folder(self.name, folder, file, f"unpack {file}.gz of {SITE} here")
        self._file: Any = None
        self._owner = 0  # process that opened it
        with self._reading() as h5:
            labels = h5["labels"][()]
            self._require(labels.ndim == 1 and labels.dtype.kind in "iu", f"labels {labels.dtype} {list(labels.shape)}")
            self._require(len(labels) > 0, "no recording")
            for part in ("times", "units"):
                self._require(
                    h5["spikes"][part].shape == labels.shape, f"{len(labels)} labels, {part} of {h5['spikes'][part].shape}"
                )
            last = int(labels.max())
            self._require(int(labels.min()) >= 0 and last < self.count, f"labels {labels.min()}..{last}")
        self.labels = torch.from_numpy(labels.astype(np.int64))

    def sample(self, index: int) -> Tensor:
        """Spikes counted in T steps and so many bands of neighbouring channels, float32 [T, bands].

        Raises:
            DataError: the file cannot be read there, or a spike is no spike of the 700 channels.
        """
        with self._reading() as h5:
            times, units = (np.asarray(h5["spikes"][part][index]) for part in ("times", "units"))
            self._require(times.shape == units.shape, f"{times.size} times and {units.size} units of recording {index}")
            fits = (
                bool(np.isfinite(times).all())
                and bool((times >= 0).all())
                and bool((units >= 0).all() & (units < CHANNELS).all())
                and bool((units % 1 == 0).all())
            )
            self._require(fits, f"a time below 0, or a unit that is none of {CHANNELS}, in recording {index}")
        inside = times < self.seconds
        step = (times[inside].astype(np.float64) * self.shape[0] / self.seconds).astype(np.int64)
        step = np.minimum(step, self.shape[0] - 1)  # a product can be rounded up to the end
        band = units[inside].astype(np.int64) * self.bands // CHANNELS
        counts = np.bincount(step * self.bands + band, minlength=self.shape[0] * self.bands).reshape(self.shape)
        return torch.from_numpy(counts.astype(np.float32))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}  # each worker opens its own

    def _require(self, holds: bool, got: str) -> None:
        if not holds:
            raise ValueError(got)

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        try:
            import h5py
        except ModuleNotFoundError as error:
            raise MissingExtraError("h5py", "data", f"reading {self.name}") from error
        try:
            if self._file is None or self._owner != os.getpid():  # a fork must not share the place in an open file
                self._file, self._owner = h5py.File(self._path, "r"), os.getpid()
                for name in ("labels", "spikes/times", "spikes/units"):
                    self._plain(h5py, name)
            yield self._file
        except Exception as error:  # h5py raises a dozen classes for damaged files
            raise DataError(
                f"a file of {self.name} cannot be read",
                where=str(self._path),
                got=(str(error).splitlines() or [type(error).__name__])[0][:200],
                expected="HDF5 with labels [N], spikes/times and spikes/units [N], each a list of numbers",
                do=f"unpack {self._path.name}.gz of {SITE} again",
            ) from error

    def _plain(self, h5py: Any, name: str) -> None:
        """The dataset is in this very file, and no larger than it can be."""
        for part in (name.split("/", maxsplit=1)[0], name):
            self._require(isinstance(self._file.get(part, getlink=True), h5py.HardLink), f"no {part} in the file itself")
        item = self._file[name]
        self._require(isinstance(item, h5py.Dataset) and not item.is_virtual and item.external is None, f"{name} lies elsewhere")
        self._require(item.ndim == 1, f"{name} of shape {list(item.shape)}")
        listed = h5py.check_vlen_dtype(item.dtype)
        self._require((listed is not None and np.dtype(listed).kind in "iuf") == ("/" in name), f"{name} of type {item.dtype}")
        if listed is not None:  # h5py 3.16 gives the bytes of lists as they are, and calls them numbers of this machine's order
            self._require(np.dtype(listed).isnative, f"{name} in another order of bytes than this machine's")
        size = self._path.stat().st_size
        most = PACKED * size // item.id.get_type().get_size()
        self._require(item.shape[0] <= most, f"{name} with {item.shape[0]} entries")
        self._require(item.chunks is None or item.chunks[0] <= most, f"{name} in pieces of {item.chunks} entries")
        if listed is None:
            there = unwritten(item)  # a label that was never written would be class 0
            self._require(not there, f"{name} that are declared, but not all in the file: {there}")
        else:
            lengths = stated_lengths(item)
            at = int(lengths.argmax()) if len(lengths) else 0
            longest = int(lengths.max(initial=0))
            held = longest * np.dtype(listed).itemsize <= size  # a list is never packed
            self._require(held, f"{longest} numbers in recording {at} of {name}, more than {size} bytes hold")


class SHD(_Heidelberg):
    """Spiking Heidelberg Digits (Cramer et al., IEEE TNNLS 2022): 8,156 for training, 2,264 for testing, 20 classes.

    Samples are float32 [T, bands], whole numbers: spikes of `seconds` / T in 700 / bands neighbouring channels. Spikes after that
    time are left out. A recording is read when its sample is asked for.

    Args:
        root: the folder with shd_train.h5 and shd_test.h5.
        split: "train" or "test".
        steps: T. seconds: of all steps. bands: at most 700, equal ones where they divide it.
        transform: applied to every sample.

    Raises:
        UsageError, ValueRangeError: another split, steps, seconds or bands out of range. DataError: another folder, a file that
            cannot be read, holds something else, or keeps its data elsewhere. MissingExtraError: h5py is not installed.
    """

    name, count = "SHD", 20
    classes = tuple(f"{language} {digit}" for language in LANGUAGES for digit in range(10))


class SSC(_Heidelberg):
    """Spiking Speech Commands (Cramer et al.): 75,466 for training, 9,981 for validation, 20,382 for testing, 35 classes.

    All else as `SHD`, `root`, `steps`, `seconds`, `bands` and `transform` among it; files ssc_train.h5, ssc_valid.h5,
    ssc_test.h5; split "train", "valid" or "test". Classes are numbers, as the files name none.
    """

    name, count = "SSC", 35
    splits = ("train", "valid", "test")
    classes = tuple(map(str, range(35)))

"""Arrays that are made once and kept on disk: under a key of everything they were made from, whole or made again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.cache import cache_folder
from snn2hw.errors import ArtefactError, UsageError
from snn2hw.files.write import write_npz
from snn2hw.trace import read_npz

VERSION = 1  # of how arrays are made: a new one leaves what older code has kept aside


@dataclass(frozen=True)
class Kept:
    """A place in the cache folder for one array.

    Args:
        name: of the file, without the key. facts: what the array follows from; its repr is the key.
        dtype, shape: of the array.
    """

    name: str
    facts: object
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def path(self) -> Path:
        """The file, whether it is there or not."""
        key = hashlib.sha256(repr((VERSION, self.facts, self.dtype.str, self.shape)).encode()).hexdigest()[:16]
        return cache_folder() / "data" / f"{self.name}-{key}.npz"

    def read(self) -> npt.NDArray[Any] | None:
        """The array; None where it is not there, or damaged: the archive has a checksum of what is in it."""
        try:
            array = read_npz(self.path).get("array")
        except ArtefactError:
            return None
        return array if array is not None and array.dtype == self.dtype and array.shape == self.shape else None

    def write(self, array: npt.NDArray[Any]) -> bool:
        """Whether the array could be kept: a cache that cannot be written is no failure."""
        assert (array.dtype, array.shape) == (self.dtype, self.shape)
        try:
            write_npz(self.path, {"array": array})
        except UsageError:
            return False
        return True

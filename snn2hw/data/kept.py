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

VERSION = 3  # of how arrays are made: a new one leaves what older code has kept aside


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
        return cache_folder() / "data" / f"{self.name}-{hashlib.sha256(self._key).hexdigest()[:16]}.npz"

    @property
    def _key(self) -> bytes:
        return repr((VERSION, self.facts, self.dtype.str, self.shape)).encode()

    def _seal(self, array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Of this array under this key: another array, or one that was kept under another key, has another one."""
        return np.frombuffer(hashlib.sha256(self._key + np.ascontiguousarray(array).tobytes()).digest(), np.uint8)

    def read(self) -> npt.NDArray[Any] | None:
        """The array; None where it is not there, damaged, or not what was written under this key."""
        try:
            found = read_npz(self.path, lambda name: name in ("array", "seal"))
        except ArtefactError:
            return None
        array = found.get("array")
        if array is None or array.dtype != self.dtype or array.shape != self.shape:
            return None
        return array if np.array_equal(found.get("seal", ()), self._seal(array)) else None

    def write(self, array: npt.NDArray[Any]) -> bool:
        """Whether the array could be kept: a cache that cannot be written is no failure."""
        assert (array.dtype, array.shape) == (self.dtype, self.shape)
        try:
            write_npz(self.path, {"array": array, "seal": self._seal(array)})
        except UsageError:
            return False
        return True

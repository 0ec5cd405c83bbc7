"""Arrays that are made once and kept on disk: under a key of everything they were made from, whole or made again."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from snn2hw.cache import cache_folder
from snn2hw.errors import ArtefactError, UsageError
from snn2hw.trace import read_npz, write_npz

VERSION = 1  # of how arrays are made: a new one leaves what older code has kept aside


def kept(
    name: str, facts: object, make: Callable[[], npt.NDArray[Any]], accept: Callable[[npt.NDArray[Any]], bool]
) -> npt.NDArray[Any]:
    """What `make` returns; from the cache folder where it is there, whole and accepted.

    A cache that cannot be written is no failure: the array is then made every time.

    Args:
        name: begins the file's name. facts: what the array follows from; its repr is the key.
        accept: whether an array that was read is of the expected type and shape.
    """
    key = hashlib.sha256(repr((VERSION, facts)).encode()).hexdigest()[:16]
    path = cache_folder() / "data" / f"{name}-{key}.npz"
    with contextlib.suppress(ArtefactError):  # missing or damaged: the archive has a checksum of every array
        arrays = read_npz(path)
        if set(arrays) == {"array"} and accept(arrays["array"]):
            return arrays["array"]
    made = make()
    with contextlib.suppress(UsageError):
        write_npz(path, {"array": made})
    return made

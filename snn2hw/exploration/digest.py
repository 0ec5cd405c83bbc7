"""What two runs must have in common, as a hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from snn2hw.files.stored import pieces


@dataclass(frozen=True, eq=False)
class Counted:
    """Samples of which a piece is read at a time: wherever they lie, and however they are divided, the hash is the same.

    Args:
        values: an array, or samples that lie in files. axis: along which they are counted.
    """

    values: Any
    axis: int


def digest(thing: Any) -> str:
    """sha256 of what a structure of dataclasses, arrays and plain values says; the same in every process."""
    known = hashlib.sha256()
    _feed(known, thing)
    return known.hexdigest()


def _feed(known: Any, thing: Any) -> None:
    if isinstance(thing, np.ndarray):
        known.update(f"array {thing.dtype.str} {thing.shape}".encode())
        known.update(np.ascontiguousarray(thing).tobytes())
    elif isinstance(thing, Counted):
        known.update(f"samples {thing.values.dtype.str} {thing.values.shape}".encode())
        for piece in pieces(thing.values, axis=thing.axis):
            known.update(np.ascontiguousarray(piece).tobytes())
    elif is_dataclass(thing) and not isinstance(thing, type):
        known.update(f"{type(thing).__name__}(".encode())
        for each in fields(thing):
            known.update(f"{each.name}=".encode())
            _feed(known, getattr(thing, each.name))
    elif isinstance(thing, dict):
        known.update(f"dict {len(thing)}".encode())
        for key, value in thing.items():
            _feed(known, key)
            _feed(known, value)
    elif isinstance(thing, tuple | list):
        known.update(f"list {len(thing)}".encode())
        for each in thing:
            _feed(known, each)
    else:
        known.update(f"{type(thing).__name__} {thing!r};".encode())

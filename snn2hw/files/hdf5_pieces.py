"""How much of an HDF5 dataset is in its file: what was never written would be read as zeros."""

from __future__ import annotations

import math
from typing import Any


def pieces(item: Any) -> list[Any]:
    """The pieces of a chunked dataset that are in the file."""
    found: list[Any] = []
    item.id.chunk_iter(found.append)
    return found


def unwritten(item: Any) -> str:
    """How much of a dataset is in the file, "3 of 5 pieces", where not all is; else ""."""
    if item.chunks:
        stored = len({piece.chunk_offset for piece in pieces(item)})
        stated = math.prod(-(-n // c) for n, c in zip(item.shape, item.chunks, strict=True))
    else:
        stored, stated = item.id.get_storage_size(), math.prod(item.shape) * item.id.get_type().get_size()
    return f"{stored} of {stated} {'pieces' if item.chunks else 'bytes'}" if stored < stated else ""

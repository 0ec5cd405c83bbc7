"""The header of a safetensors file, checked before the package of that name reads the tensors.

    8 bytes: length n of the header; n bytes of JSON: name -> {dtype, shape, data_offsets}, and __metadata__; the tensors

Raises OSError and ValueError, as `snn2hw.files.read` does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snn2hw.files.read import json_value, opened

MOST_HEADER = 16 << 20
BITS = {  # of an element
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}


def checked_metadata(path: Path) -> Mapping[str, str]:
    """The metadata of a safetensors file, after a look at its header: every byte behind it belongs to one tensor.

    Raises:
        OSError, ValueError: as `snn2hw.files.read` says.
    """
    with opened(path) as file:
        there = os.fstat(file.fileno()).st_size - 8
        size = int.from_bytes(file.read(8), "little")
        if size > min(MOST_HEADER, there):
            raise ValueError("its header is cut off, or this is no safetensors file")
        header = json_value(file.read(size))
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are not text")
    end = 0
    for first, last, name in sorted((*_extent(entry, name), name) for name, entry in header.items()):
        if first != end:
            raise ValueError(f"the bytes of the tensor '{name}' are not where the one before ends")
        end = last
    if end != there - size:
        raise ValueError(f"its tensors take {end} bytes; there are {there - size}")
    return metadata


def _extent(entry: Any, name: str) -> tuple[int, int]:
    """First byte, and the one behind the last, of a tensor."""
    complete = isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}
    if not complete or str(entry["dtype"]) not in BITS or not _whole(entry["shape"]) or not _whole(entry["data_offsets"]):
        raise ValueError(f"the header's entry of '{name}' is not one of a tensor")
    offsets = entry["data_offsets"]
    if len(offsets) != 2 or (offsets[1] - offsets[0]) * 8 != math.prod(entry["shape"]) * BITS[entry["dtype"]]:
        raise ValueError(f"the tensor '{name}' has another size than its header states")
    return offsets[0], offsets[1]


def _whole(values: Any) -> bool:
    return isinstance(values, list) and len(values) <= 64 and all(type(v) is int and 0 <= v < 1 << 48 for v in values)

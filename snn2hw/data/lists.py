"""How long the lists of an HDF5 file say to be: the library takes memory for all of a list before it looks for its numbers.

A dataset of lists holds 16 bytes for each: u32 length, then u64 address and u32 index of where its numbers are, which are never
packed. h5py does not tell the length, so it is read from these bytes.

Source: HDF5 File Format Specification 3.0, IV.A.2.d (variable-length types).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.files.read import opened

ELEMENT = np.dtype([("length", "<u4"), ("where", "V12")])


def stated_lengths(lists: Any) -> npt.NDArray[np.uint32]:
    """How many numbers each list of a dataset [N] says to have; 0 where none was ever written.

    Raises:
        ValueError: the lists are stored in another way than h5py and PyTables do.
    """
    import h5py

    layout = lists.id.get_create_plist().get_layout()
    if layout not in (h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED) or lists.file.id.get_create_plist().get_sizes() != (8, 8):
        raise ValueError(f"{lists.name} with lists that are stored in an unusual way")
    return _in_pieces(h5py, lists) if layout == h5py.h5d.CHUNKED else _in_one(lists)


def _in_one(lists: Any) -> npt.NDArray[np.uint32]:
    begin, count = lists.id.get_offset(), lists.shape[0]
    if begin is None:
        return np.zeros(count, np.uint32)
    with opened(lists.file.filename) as file:
        file.seek(begin)
        elements = np.frombuffer(file.read(count * ELEMENT.itemsize), ELEMENT, count)
    return elements["length"].astype(np.uint32)


def _in_pieces(h5py: Any, lists: Any) -> npt.NDArray[np.uint32]:
    """The pieces, as they are, put into a dataset in memory whose elements are 16 bytes: the library unpacks them there."""
    made, by_mask = np.zeros(lists.shape, np.uint32), dict[int, list[tuple[int, ...]]]()
    lists.id.chunk_iter(lambda piece: by_mask.setdefault(piece.filter_mask, []).append(piece.chunk_offset))
    filters = lists.id.get_create_plist()
    kind, space = h5py.h5t.create(h5py.h5t.OPAQUE, ELEMENT.itemsize), h5py.h5s.create_simple(lists.shape, (h5py.h5s.UNLIMITED,))
    for mask, places in by_mask.items():  # bit n: filter n was not applied, as shuffle never is to lists
        alike = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        alike.set_chunk(lists.chunks)
        for n in range(filters.get_nfilters()):
            if not mask >> n & 1:
                alike.set_filter(*filters.get_filter(n)[:3])
        with h5py.File("lists", "w", driver="core", backing_store=False) as memory:
            copy = h5py.Dataset(h5py.h5d.create(memory.id, b"lists", kind, space, alike))
            for place in places:
                copy.id.write_direct_chunk(place, lists.id.read_direct_chunk(place)[1])
            made += copy[()].view(ELEMENT)["length"]  # 0 in the pieces of another mask
    return made

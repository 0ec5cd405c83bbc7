"""Words of any length in an HDF5 file, from its bytes: HDF5's own library loops for ever on a damaged heap.

    an element       u32 length, u64 address of a collection, u32 index in it
    a collection     "GCOL", u8 version 1, 3 bytes, u64 size of all of it; then objects to its end
    an object        u16 index (0: the rest is free), u16 references, u32, u64 size; its bytes, up to a multiple of 8

Source: HDF5 File Format Specification 3.0, III.E (global heap) and IV.A.2.d (variable-length types).
"""

from __future__ import annotations

import struct

ELEMENT, COLLECTION, OBJECT = struct.Struct("<IQI"), struct.Struct("<4sB3xQ"), struct.Struct("<HHIQ")


class Heap:
    """The global heap of a file.

    Args:
        data: the file.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._known: dict[int, dict[int, tuple[int, int]]] = {}

    def words(self, start: int, count: int) -> list[bytes]:
        """So many elements from this place on.

        Raises:
            ValueError: they, or what they refer to, are not in the file.
        """
        stored = self._data[start : start + count * ELEMENT.size]
        if len(stored) != count * ELEMENT.size:
            raise ValueError(f"{count} words at {start} are beyond the end of the file")
        return [self._word(*element) for element in ELEMENT.iter_unpack(stored)]

    def _word(self, length: int, address: int, index: int) -> bytes:
        if not length:
            return b""
        if address not in self._known:
            self._known[address] = self._collection(address)
        start, size = self._known[address].get(index, (0, 0))
        if length > size:
            raise ValueError(f"a word of {length} bytes is not in object {index} of the heap at {address}")
        return self._data[start : start + length].split(b"\0")[0]

    def _collection(self, address: int) -> dict[int, tuple[int, int]]:
        """index -> (place, size) of the objects."""
        head = self._data[address : address + COLLECTION.size]
        mark, version, whole = COLLECTION.unpack(head) if len(head) == COLLECTION.size else (b"", 0, 0)
        end = address + whole
        if mark != b"GCOL" or version != 1 or end > len(self._data):
            raise ValueError(f"there is no heap of words at {address}")
        found, at = dict[int, tuple[int, int]](), address + COLLECTION.size
        while at + OBJECT.size <= end:
            index, _, _, size = OBJECT.unpack_from(self._data, at)
            if index == 0:
                if size != end - at:  # HDF5's own library does not read such a heap
                    raise ValueError(f"the free space of the heap at {address} is {size} bytes, and {end - at} are left")
                break
            at += OBJECT.size
            if size > end - at or index in found:
                raise ValueError(f"object {index} of the heap at {address} is larger than the heap, or there twice")
            found[index] = (at, size)
            at += -(-size // 8) * 8
        return found

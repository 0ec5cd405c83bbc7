"""Memory for traces, which is used again when nobody holds a trace in it any more.

The system zeroes every fresh page, which may take longer than to compute what is written there.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

MOST = 128 << 20  # bytes that wait for the next traces
ALIGNED = 64  # bytes: a cache line
Bytes = npt.NDArray[np.uint8]


class Room:
    """Blocks of memory that are lent, and come back by themselves.

    Finalizers give them back, at any time and in any thread, even while this thread looks for one. So nothing here takes a lock,
    single steps of a dict are atomic, and what is walked through is a copy.
    """

    def __init__(self) -> None:
        self.free: dict[int, Bytes] = {}  # by identity

    def arrays(self, wanted: Sequence[tuple[tuple[int, ...], npt.DTypeLike]]) -> list[npt.NDArray[Any]]:
        """Arrays of these shapes and types, one behind the other, their values whatever lay there."""
        sizes = [prod(shape) * np.dtype(kind).itemsize for shape, kind in wanted]
        ends = np.cumsum([-(-size // ALIGNED) * ALIGNED for size in sizes], dtype=np.int64).tolist()
        block = self._lent(ends[-1] if ends else 0)
        begins = [0, *ends][: len(sizes)]
        return [
            block[begin : begin + size].view(kind).reshape(shape)
            for begin, size, (shape, kind) in zip(begins, sizes, wanted, strict=True)
        ]

    def joined(self, parts: Sequence[npt.NDArray[Any]], axis: int) -> npt.NDArray[Any]:
        """`np.concatenate` of parts that lie in memory alike, in which the result lies, too."""
        first = parts[0]
        shape = list(first.shape)
        shape[axis] = sum(p.shape[axis] for p in parts)
        outermost = sorted(range(first.ndim), key=lambda k: -abs(first.strides[k]))
        (block,) = self.arrays([(tuple(shape[k] for k in outermost), first.dtype)])
        result = block.transpose(np.argsort(outermost))
        return np.concatenate(parts, axis=axis, out=result)

    def _lent(self, size: int) -> Bytes:
        block = self._taken(size)
        # Every view of `lent` holds it, as it owns nothing itself; when the last one is gone, the block is free.
        lent = np.frombuffer(block.data, np.uint8)
        weakref.finalize(lent, self._back, block).atexit = False
        return lent

    def _taken(self, size: int) -> Bytes:
        """A free block that is large enough, and not more than twice as large; else a new one."""
        for key, block in self.free.copy().items():
            if size <= block.size <= 2 * size and self.free.pop(key, None) is not None:
                return block
        return np.empty(size, np.uint8)

    def _back(self, block: Bytes) -> None:
        if sum(b.size for b in self.free.copy().values()) + block.size > MOST:
            self.free.clear()  # what waits was of other sizes
        if block.size <= MOST:
            self.free[id(block)] = block


ROOM = Room()

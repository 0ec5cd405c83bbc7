"""A network's generated C, compiled and bound to its weights."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.to_c import Source, to_c
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.compiler import library
from snn2hw.trace import Ints

ALIGN = 64


@dataclass(frozen=True)
class Built:
    """A network compiled and bound.

    Args:
        arrays: weights, aligned. pointers: to them, as the library takes them. spare: memory of runs that are over.
    """

    source: Source
    run: Any
    arrays: list[npt.NDArray[Any]]
    pointers: Any
    spare: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def one(self, x: npt.NDArray[Any], readout: Ints, arena: npt.NDArray[np.uint8], traces: list[Ints], percent: int) -> None:
        """One sample: x [steps, height, width, channels] in the source's input type; `readout` and `traces` are written.

        Args:
            arena: bytes for the values of all layers; no other thread may use it meanwhile.
            percent: a layer is summed event-driven where fewer of its inputs are active.
        """
        pointers = (ctypes.c_void_p * len(traces))(*(a.ctypes.data for a in traces)) if traces else None
        self.run(*(ctypes.c_void_p(a.ctypes.data) for a in (x, readout, arena)), self.pointers, pointers, ctypes.c_int(percent))

    def arena(self) -> npt.NDArray[np.uint8]:
        """The memory that a run needs, to be appended to `spare` afterwards: pages that are there are quicker than new ones."""
        try:
            return self.spare.pop()
        except IndexError:
            return aligned(self.source.arena)


def build(net: IntegerNetwork, still: bool) -> Built:
    """Generate, compile (or find in the cache) and bind.

    Args:
        still: whether the input is the same at every step.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails. UnsupportedError: more steps than the stack holds.
    """
    source = to_c(net, still)
    loaded = library(source.text)
    arrays = [_filled(a) for a in source.arrays.values()]
    loaded.snn_run.restype = None
    return Built(source, loaded.snn_run, arrays, (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays)))


def aligned(size: int) -> npt.NDArray[np.uint8]:
    """Memory that vector instructions may be aimed at."""
    raw = np.empty(size + ALIGN, np.uint8)
    start = -raw.ctypes.data % ALIGN
    return raw[start : start + size]


def _filled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    made = aligned(max(array.nbytes, 1))[: array.nbytes].view(array.dtype).reshape(array.shape)
    made[...] = array
    return made

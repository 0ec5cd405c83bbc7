"""A network's generated C, compiled and bound to its weights."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.to_c import Crossing, Source, to_c
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.compiler import library

ALIGN = 64
PHASE = 64  # bytes of `snn_phase` in C
MEASURED = -1


@dataclass(frozen=True)
class Built:
    """A network compiled and bound.

    Args:
        many: `snn_many` of the library. arrays: weights, aligned. pointers: to them, as the library takes them.
        spare: memory of runs that are over, by its size.
        each: seconds that a sample took in the last run with traces, and in that without.
    """

    source: Source
    many: Any
    arrays: list[npt.NDArray[Any]]
    pointers: Any
    spare: dict[int, list[npt.NDArray[np.uint8]]] = field(default_factory=lambda: defaultdict(list))
    each: dict[bool, float] = field(default_factory=dict)

    def runner(
        self, given: npt.NDArray[Any], readout: npt.NDArray[Any], kept: Sequence[npt.NDArray[Any]], percent: int
    ) -> Runner:
        """What runs the samples; `readout` and `kept` are written.

        Args:
            given: [N, steps, height, width, channels] in the source's input type. readout: [N, what leaves] in its output type.
            kept: for every trace of the source [N, T, ...] in its type; empty where none is wanted.
            percent: of active inputs, below which a layer is summed event-driven; 0: none ever, more than 100: all that can be,
                always; `MEASURED`: each below its own crossover, as `build` was given it.
        """
        count = np.arange(len(given), dtype=np.uintp)[:, None]
        rows = np.array([a.ctypes.data for a in kept], np.uintp) + count * np.array([a.strides[0] for a in kept], np.uintp)
        return Runner(self, given, readout, kept, rows, percent)

    @contextmanager
    def memory(self, size: int) -> Iterator[npt.NDArray[np.uint8]]:
        """So many bytes, which the next run gets again: pages that are there are quicker than new ones."""
        try:
            lent = self.spare[size].pop()
        except IndexError:
            lent = aligned(size)
        yield lent
        self.spare[size].append(lent)


@dataclass(frozen=True)
class Runner:
    """One run of samples, by threads that take some samples each or all samples together.

    Args:
        built: the network. given, readout, kept, percent: as of `Built.runner`. rows: [N, traces], where those of a sample lie.
    """

    built: Built
    given: npt.NDArray[Any]
    readout: npt.NDArray[Any]
    kept: Sequence[npt.NDArray[Any]]
    rows: npt.NDArray[np.uintp]
    percent: int

    def __call__(self, first: int, last: int) -> None:
        """Run samples from `first` to before `last`, in any thread."""
        source = self.built.source
        with self.built.memory(source.arena) as arena, self.built.memory(source.own) as own:
            self._many(first, last, arena, own, None)

    @contextmanager
    def together(self) -> Iterator[Callable[[int, int], None]]:
        """What all threads of a team call, once each: it runs all samples, and every layer of each goes in parts to whoever is
        free. Whoever comes when all is done returns at once; behind the `with`, nobody is at work."""
        team = aligned(len(self.given) * self.built.source.phases * PHASE)
        team[:] = 0
        source = self.built.source
        with self.built.memory(source.arena) as arena:

            def join(first: int, last: int) -> None:
                with self.built.memory(source.own) as own:
                    self._many(0, len(self.given), arena, own, team)

            yield join

    def _many(
        self, first: int, last: int, arena: npt.NDArray[np.uint8], own: npt.NDArray[np.uint8], team: npt.NDArray[np.uint8] | None
    ) -> None:
        x, out, rows, shared, mine = (a.ctypes.data for a in (self.given, self.readout, self.rows, arena, own))
        sizes = self.given[0].size, self.readout[0].size, len(self.kept)
        phases = None if team is None else team.ctypes.data
        bound = self.built.pointers, rows if self.kept else None
        given = x, out, shared, *bound, *sizes, first, last, self.percent, phases, mine
        self.built.many(*given)


def build(net: IntegerNetwork, still: bool, forced: bool = True, crossing: Crossing | None = None) -> Built:
    """Generate, compile (or find in the cache) and bind.

    Args:
        net: the network. still: whether the input is the same at every step. forced, crossing: as of `to_c`.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails. UnsupportedError: more steps than the stack holds.
    """
    source = to_c(net, still, forced, crossing)
    loaded = library(source.text)
    arrays = _laid(list(source.arrays.values()))
    many = loaded.snn_many
    address, number = ctypes.c_void_p, ctypes.c_int64
    many.restype, many.argtypes = None, [*[address] * 5, *[number] * 5, ctypes.c_int, address, address]
    return Built(source, many, arrays, (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays)))


def aligned(size: int) -> npt.NDArray[np.uint8]:
    """Memory that vector instructions may be aimed at."""
    raw = np.empty(size + ALIGN, np.uint8)
    start = -raw.ctypes.data % ALIGN
    return raw[start : start + size]


def _laid(arrays: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """The arrays in one piece of memory, in their order, each aligned."""
    ends = np.cumsum([0, *(-(-a.nbytes // ALIGN) * ALIGN for a in arrays)]).tolist()
    whole = aligned(ends[-1])
    made = [whole[at : at + a.nbytes].view(a.dtype).reshape(a.shape) for at, a in zip(ends[:-1], arrays, strict=True)]
    for to, array in zip(made, arrays, strict=True):
        to[...] = array
    return made

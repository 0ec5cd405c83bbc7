"""fast: C made for the network, compiled by this machine's compiler and run in this process, samples over threads."""

from __future__ import annotations

import ctypes
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.errors import UsageError
from snn2hw.export.c.to_c import Source, to_c
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native.compiler import INSTALL, compiler, library
from snn2hw.trace import Ints, Trace

THREADS_VARIABLE = "SNN2HW_THREADS"
KEPT = 8  # networks
EVENTS_BELOW = 15  # percent of inputs that are active: where bench/resnet.py has both ways cost the same


@dataclass(frozen=True)
class Built:
    """A network compiled and bound.

    Args:
        arrays: weights, aligned. pointers: to them, as the library takes them.
    """

    source: Source
    run: Any
    arrays: list[npt.NDArray[Any]]
    pointers: Any


class Fast:
    """The generated C. One sample at a time, layer by layer, all steps of a layer together.

    Args:
        percent: a layer is summed event by event where fewer of its inputs are active; 0: never, 101: always.
    """

    name = "fast"
    says = "C generated for the network, compiled here, neurons fused behind their synapses"

    def __init__(self, percent: int = EVENTS_BELOW) -> None:
        self.percent = percent
        self._built: OrderedDict[tuple[bytes, bool], Built] = OrderedDict()

    def unavailable(self) -> str:
        """Why there is no compiler, and what to install."""
        return "" if compiler() is not None else f"there is no C compiler: {INSTALL}"

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...].

        Raises:
            ExecutorUnavailableError: no compiler, or one that fails. UnsupportedError: more steps than the stack holds.
        """
        net = artefact.network
        still = net.input.static and bool((payloads == payloads[:1]).all())
        built = self.built(artefact, still)
        samples = payloads.shape[1]
        given = np.moveaxis(payloads, 2, -1) if payloads.ndim == 5 else payloads  # channels last
        given = np.ascontiguousarray(given[:1] if still else given, np.dtype(built.source.input_type[:-2]))
        readout = np.empty((samples, *net.readout.shape), np.int64)
        kept = _traces(net, built.source, samples) if traces else []
        workers = min(threads(), samples)
        arenas = [_aligned(built.source.arena) for _ in range(workers)]

        def some(worker: int) -> None:
            for n in range(worker, samples, workers):
                _one(built, np.ascontiguousarray(given[:, n]), readout[n], arenas[worker], [a[n] for a in kept], self.percent)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(some, range(workers)))
        if not traces:
            return Trace(readout)
        return _trace(net, built.source, readout, kept)

    def built(self, artefact: Artefact, still: bool) -> Built:
        """The network's library, for input that is the same at every step or not; the last few are kept."""
        key = artefact.model, still
        if key not in self._built:
            source = to_c(artefact.network, still)
            loaded = library(source.text)
            arrays = [_filled(a) for a in source.arrays.values()]
            pointers = (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays))
            loaded.snn_run.restype = None
            self._built[key] = Built(source, loaded.snn_run, arrays, pointers)
            while len(self._built) > KEPT:
                self._built.popitem(last=False)
        self._built.move_to_end(key)
        return self._built[key]


def threads() -> int:
    """$SNN2HW_THREADS, else the cores this process may use.

    Raises:
        UsageError: the variable is no number of threads.
    """
    given = os.environ.get(THREADS_VARIABLE)
    if given is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not given.isdigit() or int(given) < 1:
        raise UsageError(f"{THREADS_VARIABLE} is no number of threads", got=repr(given), expected="1 or more")
    return int(given)


def _aligned(size: int) -> npt.NDArray[np.uint8]:
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]


def _filled(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    made = _aligned(max(array.nbytes, 1))[: array.nbytes].view(array.dtype).reshape(array.shape)
    made[...] = array
    return made


def _one(
    built: Built, x: npt.NDArray[Any], readout: Ints, arena: npt.NDArray[np.uint8], traces: list[Ints], percent: int
) -> None:
    pointers = (ctypes.c_void_p * len(traces))(*(a.ctypes.data for a in traces)) if traces else None
    built.run(*(ctypes.c_void_p(a.ctypes.data) for a in (x, readout, arena)), built.pointers, pointers, ctypes.c_int(percent))


def _traces(net: IntegerNetwork, source: Source, samples: int) -> list[Ints]:
    shapes = {n.name: n.shape for n in net.neurons}
    return [np.empty((samples, net.steps, *_last(shapes[layer])), np.int64) for layer, _ in source.traces]


def _last(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*shape[1:], shape[0])


def _trace(net: IntegerNetwork, source: Source, readout: Ints, kept: list[Ints]) -> Trace:
    spikes, states = {}, {}
    for (layer, state), values in zip(source.traces, kept, strict=True):
        stepwise = np.ascontiguousarray(np.moveaxis(np.moveaxis(values, -1, 2), 1, 0))
        if state:
            states[f"{layer}.{state}"] = stepwise
        else:
            spikes[layer] = stepwise
    return Trace(readout, spikes, states)

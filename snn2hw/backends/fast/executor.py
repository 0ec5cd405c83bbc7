"""fast: C made for the network, compiled by this machine's compiler and run in this process, samples over threads."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.backends.base import gated
from snn2hw.backends.c.fits import fast_lacks
from snn2hw.backends.c.plan import c_type
from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.c.to_c import Source
from snn2hw.backends.fast.built import MEASURED, Built, build
from snn2hw.backends.fast.crossover import crossings
from snn2hw.backends.fast.sharing import shared
from snn2hw.backends.fast.side_by_side import at_once, groups_in, groups_of, side_by_side
from snn2hw.backends.fast.split import split
from snn2hw.errors import UsageError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.native.compiler import unavailable
from snn2hw.room import ROOM
from snn2hw.run.forks import ForkLock
from snn2hw.trace import Ints, Signals, Trace

THREADS_VARIABLE = "SNN2HW_THREADS"
KEPT = 12  # libraries


class Part(Enum):
    """What of a network a library holds."""

    WHOLE = auto()
    FRONT = auto()
    TAIL = auto()


class Fast:
    """The generated C. Layer by layer, all steps of a layer together, of one sample at a time; where linear layers would wait for
    their weights and no traces are wanted, of several (`side_by_side`, `split`).

    Args:
        percent: of active inputs, below which a layer is summed event-driven; 0: none ever, 101: all that can be, always; None:
            each below its own crossover, by what `crossings` measured.
    """

    name = "fast"
    description = "C generated for the network, compiled here, neurons fused behind their synapses"

    def __init__(self, percent: int | None = None) -> None:
        self.percent = percent
        self._built: OrderedDict[tuple[bytes, bool, int, Part], Built] = OrderedDict()
        self._lock = ForkLock()
        self._parts = lru_cache(maxsize=KEPT)(_together)  # asked in every run

    def __reduce__(self) -> tuple[type[Fast], tuple[int | None]]:
        """Another process loads its own libraries; the compiler's work is in the cache."""
        return Fast, (self.percent,)

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """Layers that the generated C has no function for, and more steps than the stack holds."""
        return fast_lacks(network)

    def unavailable(self) -> str:
        """Why there is no compiler, and what to install."""
        return unavailable()

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...].

        Arguments as `Executor.run`.

        Raises:
            ExecutorUnavailableError: no compiler, or one that fails. UnsupportedError: more steps than the stack holds.
            ShapeError, ValueRangeError: spike values that the network does not take.
        """
        net, count = artefact.network, payloads.shape[1]
        still = net.input.static and bool((payloads == payloads[:1]).all())
        seen = payloads[:1] if still else payloads
        if not traces:
            return Trace(self._readout(artefact, seen, still))
        built = self.built(artefact, still)
        readout = np.empty((count, *net.readout.shape), np.int64)
        kept = _kept(net, built.source, count)
        self._one_by_one(built, seen, readout, kept)
        return _trace(built.source, readout, kept)

    def _one_by_one(
        self, built: Built, seen: npt.NDArray[Any], out: npt.NDArray[Any], kept: Sequence[npt.NDArray[Any]] = ()
    ) -> None:
        by_samples = seen.transpose(1, 0, *range(3, seen.ndim), 2)  # channels last
        self._shared(built, np.ascontiguousarray(by_samples, built.source.input_type[:-2]), out, kept)

    def together(self, network: IntegerNetwork) -> int:
        """Samples that run side by side without traces, in all layers or in the last ones; 1 where each runs by itself."""
        samples, _ = self._parts(network)
        return samples

    def _readout(self, artefact: Artefact, seen: Ints, still: bool) -> Ints:
        """The readout of payloads [steps, N, ...]: samples side by side where that pays, one by one what is left over."""
        net, count = artefact.network, seen.shape[1]
        samples, parts = self._parts(net)
        groups = groups_in(count, samples) if samples > 1 else 0
        done = groups * samples
        readout = np.empty((max(done, count), *net.readout.shape), np.int64)
        if groups:
            entering, last, part, same = seen[:, :done], net, Part.WHOLE, still
            if parts is not None:
                entering, last, part = self._signal(artefact, parts[0], entering, still), parts[1], Part.TAIL
                same = len(entering) < net.steps
            wide = partial(side_by_side, last, samples)
            built = self._found((artefact.model, same, samples, part), wide)
            given = groups_of(entering, samples, c_type(last.input.interval)[:-2])
            self._shared(built, given, readout[:done].reshape(groups, -1), [])
        if done < count:
            self._one_by_one(self.built(artefact, still), seen[:, done:], readout[done:])
        return readout[:count]

    def _signal(self, artefact: Artefact, front: IntegerNetwork, seen: Ints, still: bool) -> npt.NDArray[Any]:
        """What the front of a network hands on, [steps, N, values]; one step where it is the same at all."""
        built = self._found((artefact.model, still, 1, Part.FRONT), lambda: front)
        signal = np.empty((seen.shape[1], built.source.output), built.source.output_type[:-2])
        self._one_by_one(built, seen, signal)
        steps = built.source.output // front.nodes[-1].shape[0]
        by_steps: npt.NDArray[Any] = signal.reshape(len(signal), steps, -1).transpose(1, 0, 2)
        return by_steps

    def _shared(self, built: Built, given: npt.NDArray[Any], out: npt.NDArray[Any], kept: Sequence[npt.NDArray[Any]]) -> None:
        """Run what is given, over threads."""
        run, traces = built.runner(given, out, kept, MEASURED if self.percent is None else self.percent), len(kept) > 0
        each = shared(run, len(given), threads(), built.each.get(traces), run.together)
        if each is not None:
            built.each[traces] = each

    def built(self, artefact: Artefact, still: bool) -> Built:
        """The network's library, which runs one sample after the other.

        Args:
            artefact: with the network. still: whether the input is the same at every step.
        """
        return self._found((artefact.model, still, 1, Part.WHOLE), lambda: artefact.network)

    def _found(self, key: tuple[bytes, bool, int, Part], made: Callable[[], IntegerNetwork | None]) -> Built:
        """The library of a network, for input that is the same at every step or not; the last few are kept.

        Args:
            key: the model, whether the input is the same, how many samples lie side by side, and what of the network it is.
            made: gives the network that this is.
        """
        with self._lock:
            if key in self._built:
                self._built.move_to_end(key)
                return self._built[key]
        net = made()
        assert net is not None  # as `at_once` found
        # Without the lock, for it takes long, and others go on with what is there. Of threads that build the same, one is kept.
        compiled = self._compiled(net, key[1])
        with self._lock:
            kept = self._built.setdefault(key, compiled)
            while len(self._built) > KEPT:
                self._built.popitem(last=False)
            return kept

    def _compiled(self, net: IntegerNetwork, still: bool) -> Built:
        return build(net, still, (self.percent or 0) > 100, _crossing if self.percent is None else None)


def _together(net: IntegerNetwork) -> tuple[int, tuple[IntegerNetwork, IntegerNetwork] | None]:
    """How many samples run side by side; in the second part of a network only, if there are two."""
    samples = at_once(net)
    parts = split(net) if samples == 1 else None
    return (samples if parts is None else at_once(parts[1])), parts


def _crossing(layer: Synapse) -> int:
    """Measured once a layer asks for it."""
    return crossings().of(layer)


def threads() -> int:
    """$SNN2HW_THREADS, else the cores this process may use.

    Raises:
        UsageError: the variable is no number of threads.
    """
    given = os.environ.get(THREADS_VARIABLE)
    if given is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not (given.isascii() and given.isdigit()) or int(given) < 1:
        raise UsageError(
            f"{THREADS_VARIABLE} is no number of threads",
            got=repr(given),
            expected="1 or more",
            do=f"unset {THREADS_VARIABLE} for a thread on every processor, or set it to a number",
        )
    return int(given)


def _kept(net: IntegerNetwork, source: Source, samples: int) -> list[npt.NDArray[Any]]:
    """Room for every trace, in its own type: [N, T, places..., channels]."""
    places = {n.name: (samples, net.steps, *n.shape[1:], n.shape[0]) for n in net.neurons}
    return ROOM.arrays([(places[layer], kind[:-2]) for layer, _, kind in source.traces])


def _trace(source: Source, readout: Ints, kept: list[npt.NDArray[Any]]) -> Trace:
    """The trace over what was written, where it lies."""
    spikes, states = dict[str, npt.NDArray[Any]](), dict[str, npt.NDArray[Any]]()
    for (layer, state, _), values in zip(source.traces, kept, strict=True):
        stepwise = values.transpose(1, 0, values.ndim - 1, *range(2, values.ndim - 1))
        (states if state else spikes)[f"{layer}.{state}" if state else layer] = stepwise
    return Trace(readout, Signals(spikes), Signals(states))

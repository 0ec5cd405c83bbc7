"""What a comparison finds of one batch, and the batches together: the same whoever ran them, and in whatever order.

A batch is compared by itself, wherever that is done. The findings are then added in the order of the batches: an executor
that fails in one of them counts up to it, and no later, also where a later batch was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.backends import Executor
from snn2hw.backends.base import Measuring
from snn2hw.backends.reference import Reference
from snn2hw.backends.running import in_one_line, run_executor
from snn2hw.errors import Snn2hwError
from snn2hw.files.mapped import Mapped, mapped, unmapped
from snn2hw.files.stored import Stored
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints, Trace
from snn2hw.verification.differential import Difference, check_comparable, first_difference
from snn2hw.verification.together import Untraced, untraced

Progress = Callable[[str, int, int], None]  # (what, samples done, samples in all)
Ran = Callable[[str, int], None]  # (executor, samples of this batch)
STORED = "vectors.npz"  # the name under which a stored trace is compared


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of one batch in real units, which become integers where they are run.

    Args:
        values: [n, ...], or [T, n, ...] where the input is temporal; or their place in a file. count: n.
    """

    values: npt.NDArray[Any] | Mapped | Stored
    count: int

    @staticmethod
    def of(x: npt.NDArray[Any], axis: int) -> Samples:
        """Of an array whose samples are counted along this axis."""
        return Samples(x.sent() if isinstance(x, Stored) else mapped(x), x.shape[axis])

    def opened(self) -> Any:
        """An array, or what is taken like one; of values that lie in files none is read yet."""
        return self.values if isinstance(self.values, Stored) else unmapped(self.values)

    def array(self) -> npt.NDArray[Any]:
        """The values."""
        return np.asarray(self.opened())


Given = Ints | Samples


def sample_count(batch: Given) -> int:
    """How many samples a batch has."""
    return batch.count if isinstance(batch, Samples) else batch.shape[1]


@dataclass(frozen=True)
class Ended:
    """What one executor made of a batch.

    Args:
        seconds: wall time; None of a stored trace. compared, different: integers. first: the first difference, its sample
            counted from the start of the batch. error: why it was not run to the end. note: a line on the run.
    """

    seconds: float | None = None
    compared: int = 0
    different: int = 0
    first: Difference | None = None
    error: Snn2hwError | None = None
    note: str | None = None


@dataclass(frozen=True)
class Batch:
    """What all executors made of a batch, in the order in which they were asked for.

    Args:
        samples: how many. seconds: of the reference. ended: by executor.
    """

    samples: int
    seconds: float
    ended: dict[str, Ended]


def compare_batch(
    artefact: Artefact, running: Sequence[Executor], given: Given, stored: Trace | None = None, ran: Ran | None = None
) -> Batch:
    """Run the reference and executors on one batch, and compare.

    Args:
        artefact: with the network. running: the executors. given: the batch. stored: a trace of it from a file.
        ran: called when one has run.

    Raises:
        ShapeError, ValueRangeError: samples that do not fit. ArtefactError: a trace of another run.
    """
    payloads = encode(artefact.network, given.array()) if isinstance(given, Samples) else given
    count, ended = payloads.shape[1], {}
    expected, seconds = _timed(Reference(), artefact, payloads)
    if ran is not None:
        ran(Reference.name, count)
    for e in running:
        try:
            got, took = _timed(e, artefact, payloads)
            alone = untraced(e, artefact, payloads)
        except Snn2hwError as error:  # the others' results are shown all the same
            ended[e.name] = Ended(error=error)
            continue
        if ran is not None:
            ran(e.name, count)
        note = e.measured() if isinstance(e, Measuring) else None
        found = replace(_compared(artefact.network, e.name, got, expected, payloads), seconds=took, note=note)
        ended[e.name] = _besides(found, e.name, alone, expected)
    if stored is not None:
        ended[STORED] = _compared(artefact.network, STORED, stored, expected, payloads)
    return Batch(count, seconds, ended)


def comparing(given: tuple[Artefact, Sequence[Executor]]) -> Callable[[tuple[Given, Trace | None]], Batch]:
    """`compare_batch` as the job of a worker.

    Args:
        given: the artefact, and the executors.
    """
    artefact, running = given
    return lambda part: compare_batch(artefact, running, *part)


def _timed(e: Executor, artefact: Artefact, payloads: Ints) -> tuple[Trace, float]:
    begun = perf_counter()
    trace = run_executor(e, artefact, payloads)
    return trace, perf_counter() - begun


def _compared(net: IntegerNetwork, name: str, got: Trace, expected: Trace, payloads: Ints) -> Ended:
    check_comparable(name, got, expected)
    arrays, right = got.held(), expected.held()
    different = sum(int(np.count_nonzero(arrays[k] != right[k])) for k in right)
    found = first_difference(net, name, got, expected, payloads) if different else None
    return Ended(None, sum(v.size for v in arrays.values()), different, found)


def _besides(found: Ended, name: str, alone: Untraced | None, expected: Trace) -> Ended:
    """What was found, and what a run without traces says besides; of both, the difference with traces comes first."""
    if alone is None:
        return found
    compared, different, first = alone.differing(name, expected.readout)
    return Ended(
        (found.seconds or 0) + alone.seconds,
        found.compared + compared,
        found.different + different,
        found.first or first,
        note="; ".join(filter(None, (found.note, alone.note))),
    )


class Merged:
    """The findings of batches that are added in their order.

    Args:
        net: the network. running: executors; those that fail are taken out. not_run: why others do not run; failures are added.
        progress: is told of every run. total: samples times executors, 0 where nobody knows. stored: whether a stored trace
            is compared besides.
    """

    def __init__(
        self,
        net: IntegerNetwork,
        running: list[Executor],
        not_run: dict[str, str],
        progress: Progress | None,
        total: int,
        stored: bool,
    ) -> None:
        self.net, self.running, self.not_run, self.stored = net, list(running), not_run, stored
        self.progress, self.total, self.done, self.samples = progress, total, 0, 0
        self.first: dict[str, Difference] = {}
        self.compared: dict[str, int] = {}
        self.different: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        self.notes: dict[str, str] = {}

    def ran(self, name: str, samples: int) -> None:
        """Tell that an executor has run samples more."""
        self.done += samples
        if self.progress is not None:
            self.progress(name, self.done, max(self.total, self.done))

    def add(self, batch: Batch, *, told: bool = True) -> None:
        """The next batch.

        Args:
            batch: what was found. told: whether `ran` has been called for it.

        Raises:
            Snn2hwError: the error of the last executor, where nothing is left to compare.
        """
        self._took(Reference.name, batch.seconds, batch.samples, told)
        for e in list(self.running):
            ended = batch.ended[e.name]
            if ended.error is not None:
                self.running.remove(e)
                self.not_run[e.name] = in_one_line(ended.error)
                if not (self.running or self.compared or self.stored):
                    raise ended.error
                continue
            assert ended.seconds is not None
            self._took(e.name, ended.seconds, batch.samples, told)
            self._count(e.name, ended)
            if ended.note is not None:
                self.notes[e.name] = ended.note
        if STORED in batch.ended:
            self._count(STORED, batch.ended[STORED])
        self.samples += batch.samples

    def _took(self, name: str, seconds: float, samples: int, told: bool) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        if not told:
            self.ran(name, samples)

    def _count(self, name: str, ended: Ended) -> None:
        self.compared[name] = self.compared.get(name, 0) + ended.compared
        self.different[name] = self.different.get(name, 0) + ended.different
        if ended.first is not None:
            here = replace(ended.first, sample=ended.first.sample + self.samples)
            self.first[name] = min(self.first.get(name, here), here, key=self._order)

    def _order(self, d: Difference) -> tuple[int, int, int]:
        """Earliest step first, then the order of evaluation, then samples; the readout, which has no step, last."""
        layers = [n.name for n in self.net.neurons]
        position = next((k for k, layer in enumerate(layers) if d.signal in (layer, *self._states(layer))), len(layers))
        return (d.step if d.step >= 0 else self.net.steps, position, d.sample)

    def _states(self, layer: str) -> list[str]:
        node = next(n for n in self.net.neurons if n.name == layer)
        return [f"{layer}.{s}" for s in node.program.states]

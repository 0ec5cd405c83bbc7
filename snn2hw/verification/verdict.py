"""One stimulus through several executors; every spike, every state and the readout compared with the reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from snn2hw.artefact import Artefact
from snn2hw.backends import Executor, executors
from snn2hw.backends.reference import Reference
from snn2hw.backends.running import ANOTHER, cannot_hold, cannot_hold_error, why_not
from snn2hw.errors import ArtefactError, ExecutorUnavailableError, ShapeError, Snn2hwError, UnsupportedError, UsageError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.run.job import Job, results
from snn2hw.shown import brief_of
from snn2hw.trace import Ints, Trace
from snn2hw.verification.batches import STORED, Given, Merged, Progress, compare_batch, comparing, sample_count
from snn2hw.verification.differential import Difference

BATCH = 64
MOST_INTEGERS = 1 << 27  # of all traces of a batch together: 1 GB


@dataclass(frozen=True)
class Verdict:
    """What a comparison found.

    Args:
        differences: the first difference of each executor that has one.
        not_run: executor -> why it was not run, or not to the end.
        compared: executor -> number of integers compared with the reference.
        seconds: executor -> wall time, the reference included.
        samples, steps: size of the stimulus, as far as it was compared.
        different: executor -> number of integers that differ.
        notes: executor -> what its last batch cost beside the arithmetic, of those that measure it, and whether its readout
            without traces was compared, too, of those that run several samples together then.
    """

    differences: list[Difference]
    not_run: dict[str, str]
    compared: dict[str, int]
    seconds: dict[str, float]
    samples: int
    steps: int
    different: dict[str, int]
    notes: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return brief_of(
            self, equal=self.equal, differences=self.differences, different=self.different, compared=self.compared,
            not_run=self.not_run, samples=self.samples, steps=self.steps, seconds=self.seconds,
        )  # fmt: skip

    @property
    def equal(self) -> bool:
        """Whether every executor that ran gave the integers of the reference, and at least one was compared."""
        return not self.differences and bool(self.compared)


RESERVED = (Reference.name, STORED)


def batch_size(net: IntegerNetwork) -> int:
    """Samples that are run at once: fewer of a large network, so that the reference's trace and another's, each made from a copy
    of its parts, keep to MOST_INTEGERS."""
    each = net.steps * sum(prod(n.shape) * (1 + len(n.program.states)) for n in net.neurons)
    return max(1, min(BATCH, MOST_INTEGERS // max(1, 4 * each)))


def compare_executors(
    artefact: Artefact,
    payloads: Ints,
    names: Sequence[str | Executor],
    progress: Progress | None = None,
    stored: Trace | None = None,
    first: bool = False,
    workers: int = 1,
    cluster: str | None = None,
) -> Verdict:
    """Run executors and the reference on payloads [T, N, ...], batch by batch, and compare.

    Args:
        artefact: with the network. progress: called with (executor, samples done, samples in all).
        names: of the executors, or the objects.
        stored: a trace of the same spike values from a file, compared like an executor.
        first: stop behind the batch in which the first difference is found.
        workers, cluster: as in `compare_batches`.

    Raises:
        ExecutorUnavailableError: none of the executors asked for can run here. UnsupportedError: none can hold the network,
            with all that is in the way. UsageError: an unknown executor, or two of one name.
    """
    if stored is not None and len(stored.readout) != payloads.shape[1]:
        raise ArtefactError(
            "the stored trace is of another number of samples",
            where=STORED,
            got=f"{len(stored.readout)} samples",
            expected=f"{payloads.shape[1]} samples",
            do="store the trace of the spike values beside it",
        )
    return compare_batches(
        artefact, _parts(artefact, payloads), payloads.shape[1], names, progress, stored, first, workers, cluster
    )


def _parts(artefact: Artefact, payloads: Ints) -> Iterator[Ints]:
    size = batch_size(artefact.network)
    return (payloads[:, start : start + size] for start in range(0, payloads.shape[1], size))


def compare_batches(
    artefact: Artefact,
    batches: Iterable[Given],
    total: int,
    names: Sequence[str | Executor],
    progress: Progress | None = None,
    stored: Trace | None = None,
    first: bool = False,
    workers: int = 1,
    cluster: str | None = None,
) -> Verdict:
    """`compare_executors` on spike values that come batch by batch, `total` samples in all (0: nobody knows).

    Args:
        batches: payloads [T, n, ...] each, or samples that are encoded where they are run.
        workers, cluster: who runs them, as `snn2hw.run.job.results` says.
        artefact, names, progress, stored, first: as in `compare_executors`; `stored` is of all batches together.

    Raises:
        ShapeError: no batch at all, so that nothing would be compared. And as `compare_executors`.
    """
    asked = executors(names)
    if impostor := next((e for e in asked if e.name in RESERVED and not isinstance(e, Reference)), None):
        raise UsageError(
            "an executor cannot have this name in a comparison",
            got=repr(impostor.name),
            expected="a name of its own: this one stands for what it is compared with",
            do="give the object another name",
        )
    lacks = {e.name: missing for e in asked if (missing := cannot_hold(e, artefact.network))}
    not_run = {name: "; ".join(map(str, found)) for name, found in lacks.items()}
    not_run |= {e.name: reason for e in asked if e.name not in lacks and (reason := why_not(e))}
    running = [e for e in asked if e.name not in not_run and not isinstance(e, Reference)]
    if not_run and not running and not (lacks and stored is not None):
        raise _nobody(not_run, lacks)
    if not running and stored is None:
        raise UsageError(
            "there is nothing to compare",
            got=f"executors {', '.join(e.name for e in asked) or 'none'}",
            expected="at least one besides the reference",
            do="name another executor: --executors reference,onnxruntime",
        )
    verdict = Merged(artefact.network, running, not_run, progress, total * (1 + len(running)), stored is not None)
    if workers == 1 and cluster is None:
        for batch in batches:
            part = None if stored is None else stored.part(verdict.samples, verdict.samples + sample_count(batch))
            verdict.add(compare_batch(artefact, verdict.running, batch, part, verdict.ran))
            if first and verdict.first:
                break
    else:
        parts = _stored_beside(batches, stored)
        with results(Job("verify", comparing, (artefact, running)), parts, workers, cluster) as each:
            for found in each:
                verdict.add(found, told=False)
                if first and verdict.first:
                    break
    if verdict.samples == 0:
        raise ShapeError(
            "there are no samples",
            where="samples",
            got="an iterator without a batch",
            expected="one or more",
            do="give at least one batch; nothing that was not compared is called equal",
        )
    return Verdict(
        list(verdict.first.values()),
        not_run,
        verdict.compared,
        verdict.seconds,
        verdict.samples,
        artefact.network.steps,
        verdict.different,
        {e.name: verdict.notes[e.name] for e in verdict.running if e.name in verdict.notes},
    )


def _stored_beside(batches: Iterable[Given], stored: Trace | None) -> Iterator[tuple[Given, Trace | None]]:
    """Each batch with its part of the stored trace."""
    start = 0
    for batch in batches:
        count = sample_count(batch)
        yield batch, None if stored is None else stored.part(start, start + count)
        start += count


def _nobody(not_run: Mapping[str, str], lacks: Mapping[str, Sequence[Lack]]) -> Snn2hwError:
    """Why there is nobody to compare the reference with; what no executor can hold is no matter of what is installed."""
    if len(not_run) == 1 and lacks:
        ((name, found),) = lacks.items()
        return cannot_hold_error(name, found)
    kind = UnsupportedError if len(lacks) == len(not_run) else ExecutorUnavailableError
    return kind(
        "no executor that was asked for can run here",
        got="; ".join(f"{name}: {why}" for name, why in not_run.items()),
        expected="at least one executor to compare with the reference",
        do=f"change these layers, or {ANOTHER}" if lacks else "install what is missing",
    )

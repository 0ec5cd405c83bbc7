"""What is done with a compiled network: samples through one executor, or through several whose integers are compared."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy.typing as npt

from snn2hw.artefact import Artefact, check_compiled
from snn2hw.backends import EXECUTORS, Executor, chosen_executor
from snn2hw.backends.running import insist, run_executor, why_not
from snn2hw.errors import ShapeError
from snn2hw.formats.sample import samples_array, stored_or_array
from snn2hw.ir.encode import check_payloads, check_shape, encode
from snn2hw.ir.layout import arranged, read_as
from snn2hw.trace import Ints, Trace
from snn2hw.vectors import read_vectors
from snn2hw.verification.batches import Given, Progress, Samples
from snn2hw.verification.verdict import Verdict, batch_size, compare_batches, compare_executors

INDEPENDENT = ("onnxruntime", "onnx-reference", "fast", "torch")  # what `verify` compares with the reference by itself


def stimulus(artefact: Artefact, samples: npt.ArrayLike | None, layout: str | None = None) -> Ints:
    """Integers [T, N, ...] of the samples, or of the artefact's conformance vectors where there are none.

    Args:
        artefact: the compiled model. samples: real values. layout: as in `simulate`.
    """
    return read_vectors(artefact)[0] if samples is None else encode(artefact.network, read(artefact, samples, layout))


def read(artefact: Artefact, samples: npt.ArrayLike, layout: str | None, stacklevel: int = 2) -> npt.NDArray[Any]:
    """Samples as the network takes them: [N, ...] where its input is static, else [T, N, ...].

    Args:
        artefact: the compiled model. samples: as they were given. layout: as in `simulate`.
        stacklevel: of a warning, 1 for whoever calls this.
    """
    net = artefact.network
    return read_as(stored_or_array(samples), layout, net.steps, static=net.input.static, stacklevel=stacklevel + 1)


def batches(artefact: Artefact, samples: npt.ArrayLike | Iterator[npt.ArrayLike], layout: str | None = None) -> Iterator[Ints]:
    """Integers of the samples, some at a time: arrays are read as they are needed, and iterators give batches of their own.

    Args:
        artefact: the compiled model. samples: real values, or an iterator of such batches. layout: as in `simulate`.

    Raises:
        ShapeError, ValueRangeError: samples that do not fit, when their batch is reached.
    """
    if isinstance(samples, Iterator):
        nothing = True
        for given in samples:
            nothing = False
            yield encode(artefact.network, arranged(samples_array(given), layout, static=artefact.network.input.static))
        if nothing:
            raise ShapeError(
                "there are no samples",
                where="samples",
                got="an iterator without a batch",
                expected="one batch at least",
                do="make the iterator again where it was read before",
            )
        return
    static = artefact.network.input.static
    x, axis = arranged(stored_or_array(samples), layout, static=static), 0 if static else 1
    check_shape(artefact.network, x)
    size = batch_size(artefact.network)
    for start in range(0, x.shape[axis], size):
        yield encode(artefact.network, x[(slice(None),) * axis + (slice(start, start + size),)])


def simulate(
    artefact: Artefact,
    samples: npt.ArrayLike | Iterator[npt.ArrayLike],
    executor: str | Executor = "reference",
    *,
    traces: bool = True,
    layout: str | None = None,
    progress: Progress | None = None,
) -> Trace:
    """Run samples through one executor, batch by batch; memory grows with what is kept, not with what is run.

    Args:
        artefact: the compiled model. progress: called with (executor, samples done, samples in all as far as that is known).
        samples: real values [N, ...] where the input is static, else [T, N, ...], of whatever type. An array on
            disk (`np.load(path, mmap_mode="r")`) or an iterator of such arrays is read as it is needed.
        executor: a name (`snn2hw backends` lists them) or an object (`snn2hw.backends.Executor`); "auto" is `fast` where there
            is a C compiler and it holds the network, else `onnxruntime`, and a warning says so.
        traces: whether spikes and states are kept; without, only the readout is.
        layout: which axis of temporal samples is time: "TN" for [T, N, ...], as taken where nothing is said, or "NT" for
            [N, T, ...].

    Raises:
        ShapeError, ValueRangeError: samples that do not fit. ExecutorUnavailableError: the executor cannot run here.
        UnsupportedError, WidthError: it cannot hold the network; every layer that is in the way, before anything runs.
        UsageError: no such executor, or an object that is none.
    """
    check_compiled(artefact)
    chosen, note = chosen_executor(executor, artefact.network)
    if note:
        warnings.warn(note, stacklevel=2)
    given, total = _given(artefact, samples, layout)
    return _joined(chosen, artefact, given, traces, progress, total)


def _given(
    artefact: Artefact, samples: npt.ArrayLike | Iterator[npt.ArrayLike], layout: str | None
) -> tuple[Iterator[Ints], int]:
    """Integers batch by batch, and how many samples they are, 0 where nobody knows."""
    if isinstance(samples, Iterator):
        return batches(artefact, samples, layout), 0
    x = read(artefact, samples, layout, stacklevel=3)
    return batches(artefact, x), int((*x.shape, 0, 0)[0 if artefact.network.input.static else 1])


def simulate_payloads(
    artefact: Artefact,
    payloads: npt.ArrayLike,
    executor: str | Executor = "reference",
    *,
    traces: bool = True,
    progress: Progress | None = None,
) -> Trace:
    """`simulate` on payloads [T, N, ...] that are encoded already, integers within the network's declared range.

    Args:
        artefact, executor, traces, progress: as in `simulate`.

    Raises:
        ShapeError, ValueRangeError: they are no spike values of this network; no executor is started then.
    """
    chosen, note = chosen_executor(executor, artefact.network)
    if note:
        warnings.warn(note, stacklevel=2)
    admitted = check_payloads(artefact.network, payloads)
    total, size = admitted.shape[1], batch_size(artefact.network)
    parts = (admitted[:, start : start + size] for start in range(0, total, size))
    return _joined(chosen, artefact, parts, traces, progress, total)


def _joined(
    chosen: Executor, artefact: Artefact, parts: Iterable[Ints], traces: bool, progress: Progress | None, total: int
) -> Trace:
    insist(chosen, artefact.network)
    done, found = 0, []
    for batch in parts:
        found.append(run_executor(chosen, artefact, batch, traces))
        done += batch.shape[1]
        if progress is not None:
            progress(chosen.name, done, max(total, done))
    return Trace.concatenate(found)


def verify(
    artefact: Artefact,
    samples: npt.ArrayLike | Iterator[npt.ArrayLike] | None = None,
    executors: Sequence[str | Executor] | None = None,
    *,
    layout: str | None = None,
    progress: Progress | None = None,
    first: bool = False,
    workers: int = 1,
    cluster: str | None = None,
) -> Verdict:
    """The same stimulus through all executors, batch by batch; every spike, state and readout compared with the reference.

    Args:
        artefact: the compiled model. progress: called with (executor, samples done, samples in all), summed over all.
        samples: [N, ...] or [T, N, ...], as in `simulate`; None takes the artefact's conformance vectors, whose stored trace is
            compared too.
        executors: names (`snn2hw backends` lists them) or objects (`snn2hw.backends.Executor`); None takes the first of
            INDEPENDENT that can run here: every installation has onnx-reference.
        layout: as in `simulate`.
        first: stop behind the batch in which the first difference is found, rather than count them all.
        workers: how many processes run batches, each with one thread; 1 is this process. The verdict is the same but for
            `seconds`, which are summed over all processes.
        cluster: the address of a Dask scheduler, whose workers run them instead (docs/how-to/scale.md).

    Raises:
        ExecutorUnavailableError: none of the executors asked for can run here. UnsupportedError, WidthError: none can hold the
            network; every layer that is in the way. UsageError: no such executor, or two of one name.
        ShapeError, ValueRangeError: samples that do not fit, when their batch is reached.
    """
    check_compiled(artefact)
    names: Sequence[str | Executor] = executors if executors is not None else ("reference", _first_installed())
    if samples is None:
        payloads, stored = read_vectors(artefact)
        return compare_executors(artefact, payloads, names, progress, stored, first, workers, cluster)
    given, total = _raw_batches(artefact, samples, layout)
    return compare_batches(artefact, given, total, names, progress, None, first, workers, cluster)


def _raw_batches(
    artefact: Artefact, samples: npt.ArrayLike | Iterator[npt.ArrayLike], layout: str | None
) -> tuple[Iterator[Given], int]:
    """Samples batch by batch, to be encoded where they are run, and how many there are; 0 where nobody knows."""
    if isinstance(samples, Iterator):
        return batches(artefact, samples, layout), 0
    x, axis = read(artefact, samples, layout, stacklevel=3), 0 if artefact.network.input.static else 1
    check_shape(artefact.network, x)
    size, total = batch_size(artefact.network), int(x.shape[axis])
    return (Samples.of(x[(slice(None),) * axis + (slice(n, n + size),)], axis) for n in range(0, total, size)), total


def _first_installed() -> str:
    return next((name for name in INDEPENDENT if not why_not(EXECUTORS[name])), INDEPENDENT[0])

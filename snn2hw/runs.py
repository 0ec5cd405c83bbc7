"""What is done with a compiled network: samples through one executor, or through several whose integers are compared."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence

import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, Executor, chosen_executor
from snn2hw.backends.running import insist, run_executor, why_not
from snn2hw.errors import ShapeError
from snn2hw.formats.sample import samples_array
from snn2hw.ir.encode import check_payloads, check_shape, encode
from snn2hw.trace import Ints, Trace
from snn2hw.vectors import read_vectors
from snn2hw.verification.verdict import Progress, Verdict, batch_size, compare_batches, compare_executors

INDEPENDENT = ("onnxruntime", "onnx-reference", "fast", "torch")  # what `verify` compares with the reference by itself


def stimulus(artefact: Artefact, samples: npt.ArrayLike | None) -> Ints:
    """Payloads [T, N, ...] of the samples, or of the artefact's conformance vectors where there are none."""
    return read_vectors(artefact)[0] if samples is None else encode(artefact.network, samples_array(samples))


def batches(artefact: Artefact, samples: npt.ArrayLike | Iterator[npt.ArrayLike]) -> Iterator[Ints]:
    """Payloads of the samples, some at a time: arrays are read as they are needed, and iterators give batches of their own.

    Raises:
        ShapeError, ValueRangeError: samples that do not fit, when their batch is reached.
    """
    if isinstance(samples, Iterator):
        nothing = True
        for given in samples:
            nothing = False
            yield encode(artefact.network, samples_array(given))
        if nothing:
            raise ShapeError(
                "there are no samples",
                where="samples",
                got="an iterator without a batch",
                expected="one batch at least",
                do="make the iterator again where it was read before",
            )
        return
    x, axis = samples_array(samples), 0 if artefact.network.input.static else 1
    check_shape(artefact.network, x)
    size = batch_size(artefact.network)
    for start in range(0, x.shape[axis], size):
        yield stimulus(artefact, x[(slice(None),) * axis + (slice(start, start + size),)])


def simulate(
    artefact: Artefact,
    samples: npt.ArrayLike | Iterator[npt.ArrayLike],
    executor: str | Executor = "reference",
    *,
    traces: bool = True,
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

    Raises:
        ShapeError, ValueRangeError: samples that do not fit. ExecutorUnavailableError: the executor cannot run here.
        UnsupportedError, WidthError: it cannot hold the network; every layer that is in the way, before anything runs.
        UsageError: no such executor, or an object that is none.
    """
    chosen, note = chosen_executor(executor, artefact.network)
    if note:
        warnings.warn(note, stacklevel=2)
    total = 0 if isinstance(samples, Iterator) else _number(artefact, samples)
    return _joined(chosen, artefact, batches(artefact, samples), traces, progress, total)


def _number(artefact: Artefact, samples: npt.ArrayLike) -> int:
    shape = samples_array(samples).shape
    return int((*shape, 0, 0)[0 if artefact.network.input.static else 1])


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
        ShapeError, ValueRangeError: they are no payloads of this network; no executor is started then.
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
    progress: Progress | None = None,
    first: bool = False,
) -> Verdict:
    """The same stimulus through all executors, batch by batch; every spike, state and readout compared with the reference.

    Args:
        artefact: the compiled model. progress: called with (executor, samples done, samples in all), summed over all.
        samples: as in `simulate`; None takes the artefact's conformance vectors, whose stored trace is compared too.
        executors: names (`snn2hw backends` lists them) or objects (`snn2hw.backends.Executor`); None takes the first of
            INDEPENDENT that can run here: every installation has onnx-reference.
        first: stop behind the batch in which the first difference is found, rather than count them all.

    Raises:
        ExecutorUnavailableError: none of the executors asked for can run here. UnsupportedError, WidthError: none can hold the
            network; every layer that is in the way. UsageError: no such executor, or two of one name.
        ShapeError, ValueRangeError: samples that do not fit, when their batch is reached.
    """
    names: Sequence[str | Executor] = executors if executors is not None else ("reference", _first_installed())
    if samples is not None:
        total = 0 if isinstance(samples, Iterator) else _number(artefact, samples)
        return compare_batches(artefact, batches(artefact, samples), total, names, progress, first=first)
    payloads, stored = read_vectors(artefact)
    return compare_executors(artefact, payloads, names, progress, stored, first)


def _first_installed() -> str:
    return next((name for name in INDEPENDENT if not why_not(EXECUTORS[name])), INDEPENDENT[0])

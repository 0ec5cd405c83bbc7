"""report: one HTML file about a compiled model, with nothing to load from anywhere."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact, check_compiled
from snn2hw.backends import Executor, chosen_executor
from snn2hw.backends.running import insist, run_executor
from snn2hw.diagnosis.diagnose import diagnose_layers
from snn2hw.diagnosis.result import Diagnosis
from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.estimation.estimate import estimate as cost_of
from snn2hw.evaluation import evaluate, float_network
from snn2hw.files.kinds import REPORT
from snn2hw.files.write import check_file, write_file
from snn2hw.ir.encode import check_shape, encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.layout import TN
from snn2hw.ir.network import Network
from snn2hw.ir.real import run_real
from snn2hw.reporting.collect import Shown, collect
from snn2hw.reporting.page import page
from snn2hw.runs import read, verify
from snn2hw.trace import Ints, Trace
from snn2hw.vectors import read_vectors
from snn2hw.verification.batches import Progress
from snn2hw.verification.short import affordable
from snn2hw.verification.verdict import batch_size

if TYPE_CHECKING:
    import torch

MOST = 8  # samples that are shown step by step
VERIFIED = 16  # samples on which the executors are compared
TRACED = 128  # samples whose states are counted in histograms


def report(
    artefact: Artefact,
    samples: npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    model: torch.nn.Module | Network | None = None,
    out: str | Path = "report.html",
    *,
    shown: Sequence[int] | None = None,
    executors: Sequence[str | Executor] | None = None,
    target: str | None = None,
    layout: str | None = None,
    command: str = "snn2hw.report",
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write one self-contained HTML file about a compiled model: what it is, what it fires, what is proved, what it costs.

    Args:
        artefact: the compiled model.
        samples: real values [N, ...] where the input is static, else [T, N, ...]; the conformance vectors by default.
        labels: classes [N]; they give accuracy and the confusion matrix.
        model: the float model, as `snn2hw.compile` took it; it gives accuracy, agreement, its spikes and its states.
        out: the file to write.
        shown: samples that are shown step by step; the first few by default, wrong predictions first where there are labels.
        executors: that are compared with the reference on a few samples; those of `verify` by default.
        target: of the cost estimate; the artefact's own by default. layout: as in `simulate`.
        command: that is named in the page. force: replace a file that is no report of this tool.
        progress: called with (stage, samples done, samples in all).

    Returns:
        The path of the file.

    Raises:
        UsageError: a file that is something else, or not called *.html; samples to show that there are not;
            labels without samples.
        ShapeError, ValueRangeError: samples or labels that do not fit.
    """
    check_compiled(artefact)
    path = Path(out)
    check_file(path, REPORT, force=force)
    net = artefact.network
    if samples is None:
        if labels is not None or model is not None:
            raise UsageError(
                "labels and a model need samples", got="none", expected="the samples that the labels are of",
                do="give samples (--samples), or a model that has test samples of its own (--model)",
            )  # fmt: skip
        given, x = Given(net, None, read_vectors(artefact)[0]), None
    else:
        x = read(artefact, samples, layout)
        check_shape(net, x)
        given = Given(net, x, None)
    real = None if model is None or x is None else float_network(artefact, model, x)
    axes = None if net.input.static else TN
    verdict = verify(artefact, _some(x, net.input.static), **_named(executors), layout=None if x is None else axes)
    trace, readout, float_readout = _run(artefact, given, real, progress)
    known = None if labels is None else np.asarray(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)  # what it warns of stands in the page
        causes = [] if real is None or x is None else _causes(artefact, real, x)
        found = None if x is None else evaluate(artefact, x, labels, model, layout=axes)
        cost = cost_of(artefact, target, x, layout=axes)
    numbers = _shown(shown, given.total, readout, known)
    each = [given.some(number, number + 1) for number in numbers]
    reals = [of_it for _, of_it in each if of_it is not None]
    data = Shown(
        artefact, [raw for raw, _ in each], trace, readout, numbers, x=reals or None,
        labels=known, float_readout=float_readout, real=real,
        evaluation=found, estimate=cost, verdict=verdict, causes=causes, widths=_surrogate_widths(model),
    )  # fmt: skip
    title = artefact.folder.name if artefact.folder is not None else "a compiled model"
    write_file(path, page(collect(data, title, command)), sealing=True, force=force)
    return path


@dataclass(frozen=True, eq=False)
class Given:
    """The samples of a report, of which some are in memory at a time.

    Args:
        net: the integers. x: as the network takes them, or None. payloads: [T, N, ...], where there is no x.
    """

    net: IntegerNetwork
    x: npt.NDArray[Any] | None
    payloads: Ints | None

    @property
    def total(self) -> int:
        """How many there are."""
        if self.x is None:
            assert self.payloads is not None
            return int(self.payloads.shape[1])
        return int(self.x.shape[0 if self.net.input.static else 1])

    def some(self, start: int, stop: int) -> tuple[Ints, npt.NDArray[Any] | None]:
        """(their integers [T, n, ...], themselves) of some of them."""
        if self.x is None:
            assert self.payloads is not None
            return self.payloads[:, start:stop], None
        x = np.asarray(self.x[start:stop] if self.net.input.static else self.x[:, start:stop])
        return encode(self.net, x), x


def _run(
    artefact: Artefact, given: Given, real: Network | None, progress: Progress | None
) -> tuple[Trace, npt.NDArray[Any], npt.NDArray[Any] | None]:
    """The trace of the first samples, and the readouts of all, of the integers and of the float network."""
    executor, _ = chosen_executor("auto", artefact.network)
    insist(executor, artefact.network)
    size, total = batch_size(artefact.network), given.total
    first, readouts, floats = None, list[Any](), list[Any]()
    for start in range(0, total, size):
        payloads, x = given.some(start, min(start + size, total))
        part = run_executor(executor, artefact, payloads, start == 0)
        first = first or part.part(0, min(TRACED, size, total))
        readouts.append(part.readout)
        if real is not None and x is not None:
            floats.append(run_real(real, x.astype(np.float64)) * real.readout.share)
        if progress is not None:
            progress("report", min(start + size, total), total)
    assert first is not None
    return first, np.concatenate(readouts), np.concatenate(floats) if floats else None


def _surrogate_widths(model: Any) -> dict[str, list[float]]:
    """Of each neuron layer of a torch model, by the name that it has in the network."""
    if not hasattr(model, "named_modules"):
        return {}
    found = {}
    for name, module in model.named_modules():
        width = getattr(getattr(module, "surrogate", None), "width", None)
        if width is not None:
            found[name] = [float(w) for w in (width if isinstance(width, tuple) else (width,))]
    return found


def _causes(artefact: Artefact, real: Network, x: npt.NDArray[Any]) -> list[Diagnosis]:
    """Why layers fire otherwise than the float network, on the first samples."""
    static = artefact.network.input.static
    few = affordable(real, artefact.network, x.shape[0 if static else 1])
    executor, _ = chosen_executor("auto", artefact.network)
    return diagnose_layers(artefact, real, x[:few] if static else x[:, :few], executor)


def _some(x: Any, static: bool) -> Any:
    return None if x is None else x[:VERIFIED] if static else x[:, :VERIFIED]


def _named(executors: Sequence[str | Executor] | None) -> dict[str, Any]:
    return {} if executors is None else {"executors": tuple(executors)}


def _shown(given: Sequence[int] | None, total: int, readout: Any, labels: Any) -> list[int]:
    """Which samples are shown: those that are asked for, else wrong predictions and the first ones, in turn."""
    if given is not None:
        numbers = list(dict.fromkeys(int(n) for n in given))
        if not numbers or min(numbers) < 0 or max(numbers) >= total:
            raise UsageError(
                "there is no such sample to show", got=str(list(given))[:200], expected=f"numbers from 0 to {total - 1}",
                do="name samples that were given",
            )  # fmt: skip
        return numbers[:MOST]
    wrong = [] if labels is None or labels.ndim != 1 else np.flatnonzero(np.argmax(readout, axis=1) != labels).tolist()
    return list(dict.fromkeys([*wrong[: MOST // 2], *range(total)]))[: MOST // 2 + min(len(wrong), MOST // 2)]

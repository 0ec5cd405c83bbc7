"""budget: what each quantiser alone loses, what all but it lose, and which widths follow from that."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.backends import Executor
from snn2hw.diagnosis.parts import INPUT, STATE, WEIGHTS
from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.exploration.budget_result import Budget, Effect, Proposal, Row
from snn2hw.exploration.given import Explored, explored
from snn2hw.exploration.measured import Budgeted, Counts, compiled, measuring
from snn2hw.exploration.usual import BUDGET_STATE_BITS, BUDGET_WEIGHT_BITS
from snn2hw.exploration.widths import Widths, widths_within
from snn2hw.ir.network import Network
from snn2hw.passes.base import Options
from snn2hw.run.job import Job, checked_workers, results
from snn2hw.trace import Ints
from snn2hw.verification.accuracy import Truth
from snn2hw.verification.batches import Progress, Samples
from snn2hw.verification.short import affordable

if TYPE_CHECKING:
    import torch

MEMORY = 0.6  # the share of the bits that a proposal may keep, where none is asked for
SHARES = (0.75, 0.6, 0.45)  # of the bits, for which an exploration takes proposals
BUDGETED = 128  # samples that these are made on
GENERIC = api.DEFAULT_TARGET  # for which these are made: a budget is of one target


def budget(
    model: torch.nn.Module | Network,
    samples: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    weight_bits: Iterable[int] = BUDGET_WEIGHT_BITS,
    state_bits: int | Iterable[int] = BUDGET_STATE_BITS,
    scales: str = "auto",
    target: str = "generic",
    memory: float = MEMORY,
    steps: int | None = None,
    sample: npt.ArrayLike | None = None,
    input_range: tuple[float, float] | None = None,
    layout: str | None = None,
    output: str | None = None,
    executor: str | Executor = "auto",
    workers: int = 1,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> Budget:
    """What each quantiser of a network loses alone, what all others lose without it, and widths of its layers that follow.

    The quantisers are the samples' 8 bits; of each neuron layer the weights that lead to it (at each width), the factor of its
    sum, its coefficients, its thresholds, its bounds and its state (at each width); and the weights of the readout. A mixture
    runs, of which one is in integers and the rest in floats, or the reverse with each at its widest; with all of them in
    integers it is the compiled network.

    Args:
        model: a float model, as `snn2hw.compile` takes it.
        samples, labels: [N, ...] or [T, N, ...], and classes [N], as `snn2hw.evaluate` takes them.
        weight_bits: widths that a layer's weights may have; state_bits: the width of states, or several that a layer's may have.
        scales: as `snn2hw.Options` has them. target: as in `snn2hw.compile`.
        memory: the share of the bits that the proposal may keep, of what has several widths to choose from (weights, states, or
            both together), where all of it at the largest width is the whole.
        steps, input_range, layout: as in `snn2hw.compile`. output: as in `snn2hw.evaluate`.
        sample: real samples to calibrate on, of which the network is made as `snn2hw.compile` makes it; by default up to 256
            spread over `samples`.
        executor: what measures the accuracy of the proposal, and of all at the largest width. workers, cluster: who runs the
            mixtures, as in `snn2hw.verify`.
        progress: called with ("budget", samples done, samples in all).

    Returns:
        What each quantiser does at each width (`rows`), what all do together (`whole`), and widths layer by layer (`proposal`).

    Raises:
        UsageError: widths or a share out of range, labels that are no classes. ShapeError: labels of another length.
        ValueRangeError: samples beyond the range that the calibration samples ask for. Snn2hwError: as `snn2hw.compile`.

    Warns:
        Snn2hwWarning: the smallest of all widths keep more than `memory` of the bits.
    """
    checked_workers(workers, cluster)
    widths = tuple(sorted(set(weight_bits)))
    states = (state_bits,) if isinstance(state_bits, int) else tuple(sorted(set(state_bits)))
    if not widths or not states:
        raise UsageError("there is no width to try", got="none", expected="2 to 8", do="give weight_bits=(4, 8)")
    check_share(memory)
    for bits in widths:
        Options(weight_bits=bits, scales=scales)
    for bits in states:
        Options(state_bits=bits)
    asked = explored(model, samples, labels, sample, steps, input_range, layout, output)
    classes_of(asked.truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)  # a width that loses much is an answer, no surprise
        options = Options(states[-1], widths[-1], scales)
        widest = compiled(asked.network, asked.sample, target, options)
        given = Budgeted(asked.network, Samples.of(asked.sample, asked.axis), widths, states, scales, target, asked.truth, widest)
        counted = _run(given, asked.x, asked.axis, workers, cluster, progress)
        rows, whole, accuracy = _rows(counted, given)
        parts = [part for part, of_it in ((WEIGHTS, widths), (STATE, states)) if len(of_it) > 1] or [WEIGHTS]
        chosen = widths_within(asked.network, rows, memory, parts)
        own = replace(options, layer_bits=chosen.layer_bits, layer_state_bits=chosen.layer_state_bits)
        mixed = compiled(asked.network, asked.sample, target, own)
        accuracies = (_accuracy(mixed, asked, executor), _accuracy(widest, asked, executor))
    proposal = Proposal(**vars(chosen), accuracy=accuracies[0], uniform=accuracies[1], asked=memory)
    if not proposal.within:
        warnings.warn(_too_many(proposal), stacklevel=2)
    return Budget(asked.total, accuracy, whole, rows, proposal)


def check_share(memory: float) -> None:
    """A share of the bits that a proposal may keep.

    Raises:
        UsageError: it is none.
    """
    if not 0 < memory <= 1:
        raise UsageError(
            "this is no share of memory",
            where="memory",
            got=str(memory),
            expected="above 0, up to 1",
            do=f"give {MEMORY:g} for {100 * MEMORY:g} %",
        )


def classes_of(truth: Truth) -> Ints:
    """The classes that labels are.

    Raises:
        UsageError: they are real values.
    """
    if truth.classes is None:
        raise UsageError(
            "an error budget needs classes", where="labels", got="real values", expected="whole numbers [N]",
            do="give the classes of the samples",
        )  # fmt: skip
    return truth.classes


def _too_many(found: Proposal) -> Snn2hwWarning:
    return Snn2hwWarning(
        "no choice of these widths keeps as few bits as were asked for",
        where="memory",
        got=f"{100 * found.share:.3g} % of the bits, with every layer at its smallest width",
        expected=f"at most {100 * found.asked:.3g} %",
        do="give narrower widths (weight_bits, state_bits), or allow more of the bits (memory, --memory)",
    )


def _accuracy(artefact: Artefact, asked: Explored, executor: str | Executor) -> float:
    ran = api.simulate(artefact, asked.x, executor, traces=False, layout=asked.layout)
    return float(asked.truth.right(ran.readout).mean())


def _run(
    given: Budgeted,
    x: npt.NDArray[Any],
    axis: int,
    workers: int,
    cluster: str | None,
    progress: Progress | None,
) -> dict[Any, Counts]:
    """What all samples say of each mixture."""
    total = int(x.shape[axis])
    size = affordable(given.network, given.widest.network, total)
    parts = (
        (Samples.of(x[(slice(None),) * axis + (slice(n, n + size),)], axis), n) for n in range(0, total, size)
    )  # fmt: skip
    found: dict[Any, Counts] = {}
    done = 0
    with results(Job("budget", measuring, given), parts, workers, cluster) as each:
        for part in each:
            for key, counts in part.items():
                found[key] = found[key] + counts if key in found else counts
            done = min(done + size, total)
            if progress is not None:
                progress("budget", done, total)
    return found


def _effect(c: Counts) -> Effect:
    return Effect(
        c.flips / max(1, c.values), c.right / c.samples, c.same / c.samples, float(np.sqrt(c.error / c.power)) if c.power else 0.0
    )


def _rows(counted: Mapping[Any, Counts], given: Budgeted) -> tuple[tuple[Row, ...], Effect, float]:
    """The rows, what all quantisers do together, and the accuracy of the float network."""
    found = []
    for key, counts in counted.items():
        kind, quantiser, bits = key
        if kind == "alone":
            without = counted.get(("without", quantiser, bits))
            shown = bits if quantiser.part in (WEIGHTS, STATE) else 8 if quantiser.part == INPUT else None
            found.append(Row(quantiser, shown, _effect(counts), None if without is None else _effect(without)))
    whole = _effect(counted["all", None, given.widths[-1]])
    return tuple(found), whole, _effect(counted["none", None, given.widths[-1]]).accuracy


def proposals(asked: Explored, widths: Iterable[int], states: Iterable[int], parts: Collection[str]) -> list[Widths]:
    """Widths layer by layer for several shares of the bits, each once.

    Args:
        asked: the network, and samples with classes. widths, states: that layers may have.
        parts: for which there are proposals, of "weights" and "state".
    """
    at = np.linspace(0, asked.total - 1, min(BUDGETED, asked.total)).astype(np.int64)
    some = Truth(classes_of(asked.truth)[at], None, asked.truth.chosen)
    of_weights, of_states = tuple(sorted(set(widths))), tuple(sorted(set(states)))
    options = Options(of_states[-1], of_weights[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)
        given = Budgeted(
            asked.network, Samples.of(asked.sample, asked.axis), of_weights if WEIGHTS in parts else of_weights[-1:],
            of_states if STATE in parts else of_states[-1:], options.scales, GENERIC, some,
            compiled(asked.network, asked.sample, GENERIC, options),
        )  # fmt: skip
        counted = _run(given, np.take(asked.x, at, asked.axis), asked.axis, 1, None, None)
    rows, _, _ = _rows(counted, given)
    several = [[WEIGHTS]] * (WEIGHTS in parts) + [sorted(parts)] * (STATE in parts)
    found = [widths_within(asked.network, rows, share, p) for p in several for share in SHARES]
    return [each for k, each in enumerate(found) if each not in found[:k]]

"""budget: what each quantiser alone loses, what all but it lose, and which widths of weights follow from that."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snn2hw import api
from snn2hw.backends import Executor
from snn2hw.diagnosis.mixed import fed_by
from snn2hw.diagnosis.parts import WEIGHTS, Quantiser
from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.evaluation import chosen_outputs, truth_of
from snn2hw.exploration.given import places_of, read_model, spread
from snn2hw.exploration.measured import Budgeted, Counts, measuring
from snn2hw.formats.sample import samples_array
from snn2hw.ir.encode import check_shape
from snn2hw.ir.layout import TN, read_as
from snn2hw.ir.network import Network
from snn2hw.passes.base import Options
from snn2hw.run.job import Job, checked_workers, results
from snn2hw.shown import brief
from snn2hw.verification.accuracy import Truth
from snn2hw.verification.batches import Progress, Samples
from snn2hw.verification.short import affordable

if TYPE_CHECKING:
    import torch

SHARES = (0.75, 0.6, 0.45)  # of the bits, for which an exploration takes proposals
BUDGETED = 128  # samples that these are made on
CALIBRATED = 256  # samples of those that are measured, where none are given to calibrate on


@dataclass(frozen=True)
class Effect:
    """What some quantisers do, beside the float network.

    Args:
        flips: share of the spike values of all neuron layers that differ. accuracy: of the labels.
        same_prediction: share of the samples. error: root mean square of the difference of the readouts, relative to theirs.
    """

    flips: float
    accuracy: float
    same_prediction: float
    error: float


@dataclass(frozen=True)
class Row:
    """One quantiser.

    Args:
        quantiser: says the layer and what of it. bits: its width; None where its numbers have several.
        alone: it is on, all others are float. without: it is float, all others are on, weights at their widest; None where it
            cannot be while the state is rounded: the numbers of an equation of a user's own.
    """

    quantiser: Quantiser
    bits: int | None
    alone: Effect
    without: Effect | None


@dataclass(frozen=True)
class Proposal:
    """Widths of weights, layer by layer.

    Args:
        layer_bits: by synaptic layer. bits: of all weights; widest: of the same all at the largest width.
        accuracy: of the integers with these widths, without training; uniform: with all at the largest width.
    """

    layer_bits: Mapping[str, int]
    bits: int
    widest: int
    accuracy: float
    uniform: float

    @property
    def share(self) -> float:
        """Of the bits of the weights that are kept."""
        return self.bits / self.widest


@dataclass(frozen=True)
class Budget:
    """What each quantiser costs.

    Args:
        samples: how many ran. accuracy: of the float network. whole: what all quantisers do together, weights at their widest.
        rows: of each quantiser, of weights one for each width. proposal: widths that follow.
    """

    samples: int
    accuracy: float
    whole: Effect
    rows: tuple[Row, ...]
    proposal: Proposal

    __repr__ = brief

    def to_document(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {**asdict(self), "proposal": {**asdict(self.proposal), "share": self.proposal.share}}

    def to_csv(self) -> str:
        """The rows as a table."""
        out = io.StringIO()
        names = list(Effect.__dataclass_fields__)
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["layer", "quantiser", "bits", *(f"alone_{n}" for n in names), *(f"without_{n}" for n in names)])
        for row in self.rows:
            without = [""] * len(names) if row.without is None else [getattr(row.without, n) for n in names]
            bits = "" if row.bits is None else row.bits
            writer.writerow([row.quantiser.layer, row.quantiser.part, bits, *(getattr(row.alone, n) for n in names), *without])
        return out.getvalue()


def budget(
    model: torch.nn.Module | Network,
    samples: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    weight_bits: Iterable[int] = (2, 3, 4, 5, 6, 8),
    state_bits: int = 16,
    scales: str = "auto",
    target: str = "generic",
    memory: float = 0.6,
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
    """What each quantiser of a network loses alone, what all others lose without it, and widths of weights that follow.

    The quantisers are the samples' 8 bits, and of each neuron layer its weights (at each width), the factor of its sum, its
    coefficients, its thresholds, its bounds and its state. A mixture runs, of which one is in integers and the rest in floats,
    or the reverse; with all of them in integers it is the compiled network.

    Args:
        model: a float model, as `snn2hw.compile` takes it. samples, labels: classes, as `snn2hw.evaluate` takes them.
        weight_bits: widths that a layer's weights may have. state_bits, scales, target: as in `snn2hw.compile`.
        memory: the share of the weights' bits at the largest width that the proposal may keep.
        steps, input_range, layout: as in `snn2hw.compile`. output: as in `snn2hw.evaluate`.
        sample: real samples to calibrate on; by default up to 256 spread over `samples`.
        executor: what measures the proposal. workers, cluster: who runs the mixtures, as in `snn2hw.verify`.
        progress: called with ("budget", samples done, samples in all).

    Raises:
        UsageError: widths or a share out of range, labels that are no classes.
        Snn2hwError: as `snn2hw.compile`.
    """
    checked_workers(workers, cluster)
    widths = tuple(sorted(set(weight_bits)))
    if not widths:
        raise UsageError("there is no width to try", got="none", expected="2 to 8", do="give weight_bits=(4, 8)")
    if not 0 < memory <= 1:
        raise UsageError(
            "this is no share of memory", where="memory", got=str(memory), expected="above 0, up to 1", do="give 0.6 for 60 %"
        )
    for bits in widths:
        Options(state_bits, bits, scales)
    network, x = read_model(model, samples, steps, input_range, layout)
    check_shape(network, x)
    axis = 0 if network.input.static else 1
    total = int(x.shape[axis])
    truth = truth_of(labels, total, chosen_outputs(places_of(network), output))
    if truth.classes is None:
        raise _no_classes()
    if sample is None:
        known = spread(x, axis, CALIBRATED)
    else:
        known = read_as(samples_array(sample), layout, network.steps, static=network.input.static, stacklevel=2)
    check_shape(network, known)
    given = Budgeted(network, known, widths, state_bits, scales, target, truth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)  # a width that loses much is an answer, no surprise
        counted = _run(given, x, axis, total, workers, cluster, progress)
        rows, whole, accuracy = _rows(counted, widths, state_bits)
        proposal = _proposal(given, rows, memory, x, axis, executor)
    return Budget(total, accuracy, whole, rows, proposal)


def _no_classes() -> UsageError:
    return UsageError(
        "an error budget needs classes", where="labels", got="real values", expected="whole numbers [N]",
        do="give the classes of the samples",
    )  # fmt: skip


def _run(
    given: Budgeted,
    x: npt.NDArray[Any],
    axis: int,
    total: int,
    workers: int,
    cluster: str | None,
    progress: Progress | None,
) -> dict[Any, Counts]:
    """What all samples say of each mixture."""
    size = affordable(given.network, given.compiled(max(given.widths)).net, total)
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


def _rows(counted: Mapping[Any, Counts], widths: Sequence[int], state_bits: int) -> tuple[tuple[Row, ...], Effect, float]:
    """The rows, what all quantisers do together, and the accuracy of the float network."""
    found = []
    for key, counts in counted.items():
        kind, quantiser, bits = key
        if kind == "alone":
            without = counted.get(("without", quantiser, bits))
            shown = bits if quantiser.part == WEIGHTS else {"input": 8, "state": state_bits}.get(quantiser.part)
            found.append(Row(quantiser, shown, _effect(counts), None if without is None else _effect(without)))
    whole = _effect(counted["all", None, widths[-1]])
    return tuple(found), whole, _effect(counted["none", None, widths[-1]]).accuracy


def _proposal(
    given: Budgeted, rows: Sequence[Row], memory: float, x: npt.NDArray[Any], axis: int, executor: str | Executor
) -> Proposal:
    """Widths that lose least by the sum of their squared errors, within so much memory, and what they keep."""
    layer_bits, sizes = widths_within(given.network, rows, given.widths, memory)
    widest = Options(given.state_bits, given.widths[-1], given.scales)
    mixed = Options(given.state_bits, given.widths[-1], given.scales, layer_bits)
    accuracies = [_accuracy(given, options, x, given.truth, executor) for options in (mixed, widest)]
    bits = sum(size * layer_bits[name] for name, size in sizes.items())
    return Proposal(layer_bits, bits, sum(sizes.values()) * given.widths[-1], *accuracies)


def widths_within(
    net: Network, rows: Iterable[Row], widths: Sequence[int], memory: float
) -> tuple[dict[str, int], dict[str, int]]:
    """(widths by synaptic layer, numbers of their weights).

    Args:
        net: in floats. rows: of its budget. widths: that layers may have, rising. memory: the share of the bits.
    """
    weights = [row for row in rows if row.quantiser.part == WEIGHTS and row.bits is not None]
    every = {row.quantiser.layer: fed_by(net, row.quantiser.layer) for row in weights}
    groups = {name: group for name, group in every.items() if group}  # what other neurons enter as they are has no weights
    numbers = {name: sum(s.weight.size for s in group) for name, group in groups.items()}
    errors = {name: [0.0] * len(widths) for name in groups}
    for row in (r for r in weights if r.quantiser.layer in groups):
        errors[row.quantiser.layer][widths.index(row.bits or 0)] = row.alone.error**2
    layer_bits: dict[str, int] = {}
    for name, at in assigned(errors, numbers, widths, memory).items():
        for synapse in groups[name]:  # one that two layers read needs what either needs
            layer_bits[synapse.name] = max(widths[at], layer_bits.get(synapse.name, 0))
    return layer_bits, {s.name: s.weight.size for group in groups.values() for s in group}


def proposals(
    net: Network,
    sample: npt.NDArray[Any],
    truth: Truth,
    x: npt.NDArray[Any],
    axis: int,
    widths: Iterable[int],
    state_bits: int,
) -> list[dict[str, int]]:
    """Widths layer by layer for several shares of the bits, each once.

    Args:
        net: in floats. sample: what it is calibrated on. truth: of the samples x, which are counted along the axis.
        widths: that layers may have. state_bits: of the states.

    Raises:
        UsageError: labels that are no classes.
    """
    if truth.classes is None:
        raise _no_classes()
    at = np.linspace(0, x.shape[axis] - 1, min(BUDGETED, x.shape[axis])).astype(np.int64)
    some = Truth(truth.classes[at], None, truth.chosen)
    given = Budgeted(net, sample, tuple(sorted(set(widths))), state_bits, "auto", "generic", some)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)
        counted = _run(given, np.take(x, at, axis), axis, len(at), 1, None, None)
    rows, _, _ = _rows(counted, given.widths, state_bits)
    found = [widths_within(net, rows, given.widths, share)[0] for share in SHARES]
    return [each for k, each in enumerate(found) if each not in found[:k]]


def assigned(
    errors: Mapping[str, Sequence[float]], numbers: Mapping[str, int], widths: Sequence[int], memory: float
) -> dict[str, int]:
    """By layer the place in `widths` of its width, so that a share of the bits is kept and the sum of errors is small.

    From all at the largest width on, that step is taken which loses least for each bit that it saves, until what is left
    is within the share; a step may pass over a width that loses more than a narrower one. A width that loses less than a
    wider one by chance counts as that.

    Args:
        errors: by layer, of each width, narrow ones first. numbers: of weights, by layer. memory: the share of the bits.
    """
    largest = len(widths) - 1
    lost = {name: np.maximum.accumulate(np.asarray(each, np.float64)[::-1])[::-1] for name, each in errors.items()}
    chosen = dict.fromkeys(errors, largest)
    limit = memory * widths[-1] * sum(numbers.values())
    while sum(numbers[n] * widths[at] for n, at in chosen.items()) > limit and any(chosen.values()):
        steps = [
            (float((lost[name][to] - lost[name][at]) / (numbers[name] * (widths[at] - widths[to]))), name, to)
            for name, at in chosen.items()
            for to in range(at)
        ]
        _, name, to = min(steps, key=lambda s: (s[0], s[1], -s[2]))
        chosen[name] = to
    return chosen


def _accuracy(given: Budgeted, options: Options, x: npt.NDArray[Any], truth: Truth, executor: str | Executor) -> float:
    artefact = api.compile(given.network, given.sample, target=given.target, options=options, layout=_layout(given))
    ran = api.simulate(artefact, x, executor, traces=False, layout=_layout(given))
    return float((ran.readout[:, truth.chosen].argmax(1) == truth.classes).mean())


def _layout(given: Budgeted) -> str | None:
    return None if given.network.input.static else TN

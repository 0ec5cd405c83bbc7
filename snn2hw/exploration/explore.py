"""explore: what fewer bits would save, and what they would lose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from snn2hw.backends import Executor
from snn2hw.diagnosis.parts import STATE, WEIGHTS
from snn2hw.errors import UsageError
from snn2hw.exploration.budget import classes_of, proposals
from snn2hw.exploration.given import explored, spread
from snn2hw.exploration.plan import Some, going_on, rounds
from snn2hw.exploration.point import COST, Front, Point, Setting, check_cost, settings_of
from snn2hw.exploration.results_file import ResultsFile, by_part, check_results, head_of
from snn2hw.exploration.trained import training_of
from snn2hw.exploration.trial import COUNTED, Given, Part, Ran, check_alike, trying
from snn2hw.exploration.usual import STATE_BITS, WEIGHT_BITS
from snn2hw.ir.network import Network
from snn2hw.run.job import Job, checked_workers, crew
from snn2hw.verification.batches import Progress, Samples

if TYPE_CHECKING:
    import torch

AUTO = "auto"


def explore(
    model: torch.nn.Module | Network,
    samples: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    weight_bits: Iterable[int] = WEIGHT_BITS,
    state_bits: Iterable[int] = STATE_BITS,
    scales: str | Iterable[str] = "auto",
    target: str | Iterable[str] = "generic",
    layer_bits: str | Mapping[str, int] | Iterable[Mapping[str, int]] = (),
    layer_state_bits: str | Mapping[str, int] | Iterable[Mapping[str, int]] = (),
    epochs: int | Iterable[int] = 0,
    train: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    steps: int | None = None,
    sample: npt.ArrayLike | None = None,
    input_range: tuple[float, float] | None = None,
    layout: str | None = None,
    output: str | None = None,
    cost: str = COST,
    halving: bool = True,
    executor: str | Executor = "auto",
    out: str | Path | None = None,
    workers: int = 1,
    cluster: str | None = None,
    progress: Progress | None = None,
) -> Front:
    """Compile a model with every combination of widths, and measure what each keeps and costs.

    Args:
        model: a float model, as `snn2hw.compile` takes it.
        samples, labels: [N, ...] or [T, N, ...], and [N], as `snn2hw.evaluate` takes them.
        weight_bits, state_bits, scales, target: what is combined; scales and target may be one or several.
        layer_bits: widths by layer, {"0": 4, "3": 2}, or several of these, that are tried besides, layers that are not named
            having the widest of weight_bits; "auto": those that an error budget (`snn2hw.budget`) proposes for 75, 60 and 45 %
            of the bits. layer_state_bits: the same of states, by neuron layer; "auto", where state_bits are several: those that
            the budget proposes for such shares of the bits of states, with layer_bits="auto" of weights and states together.
        epochs: for how many every choice is trained on its integers, 0 for none; of several, each. train: the (samples, labels)
            that it is trained on, by a torch model alone, samples in the same layout as those that are measured.
        steps, input_range, layout: as in `snn2hw.compile`.
        sample: real samples to calibrate on, of which the network is made as `snn2hw.compile` makes it; by default up to 256
            spread over `samples`, whose labels calibration does not see. Give others where the accuracy is to be reported as
            that on unseen data.
        output: which output the labels are of, where the network has several.
        cost: what the front is drawn against: "memory" (bits of weights and states), "weights", "operations", "energy", "luts".
        halving: whether choices that fall behind stop early (docs/how-to/explore.md); False: all run all samples.
        executor: what runs the integers.
        out: a file *.jsonl in which every result is kept. A run that was ended goes on from there, and finds the same.
        workers, cluster: who runs it, as in `snn2hw.verify`.
        progress: called with ("explore", samples done, samples of this round and those before).

    Returns:
        Every point (`points`), and those that no other beats (`pareto`), of which all ran all samples.

    Raises:
        UsageError: nothing to combine, widths out of range, a results file of something else, a cost that no target has.
        ShapeError: labels of another length. ValueRangeError: samples beyond the range that the calibration samples ask for.
        Snn2hwError: as `snn2hw.compile`, but for a single choice that does not compile: that is a point that says why.
    """
    checked_workers(workers, cluster)
    widths, states, trained = tuple(weight_bits), tuple(state_bits), (epochs,) if isinstance(epochs, int) else tuple(epochs)
    own, own_states = _own_widths(layer_bits, "layer_bits"), _own_widths(layer_state_bits, "layer_state_bits")
    scales, target = (each if isinstance(each, str) else tuple(each) for each in (scales, target))
    _check_epochs(trained)
    asked = settings_of(widths, states, scales, target, own, trained, own_states)
    for each in asked:
        _ = each.options  # a width out of range is said before anything is read
    check_cost(cost, {each.target for each in asked})
    if out is not None:
        check_results(Path(out))
    given = explored(model, samples, labels, sample, steps, input_range, layout, output)
    training = training_of(given, train, input_range) if any(trained) else None
    head = head_of(given.network, given.sample, given.x, [given.truth.classes, given.truth.values, output], given.axis)
    if training is not None:
        head |= training.head()
    proposed = [WEIGHTS] * isinstance(layer_bits, str) + [STATE] * (isinstance(layer_state_bits, str) and len(set(states)) > 1)
    if proposed:
        classes_of(given.truth)
    file = ResultsFile(None if out is None else Path(out), head)
    try:
        if proposed:
            found = proposals(given, widths, states, proposed)
            own += [each.layer_bits for each in found if not each.layer_state_bits]
            pairs = [each for each in found if each.layer_state_bits]
            asked = settings_of(widths, states, scales, target, own, trained, own_states, pairs)
        calibrated, counted = Samples.of(given.sample, given.axis), spread(given.x, given.axis, COUNTED)
        shared = Given(given.network, calibrated, given.truth, executor, counted, training)
        return _run(shared, given.x, given.axis, asked, cost, halving, file, workers, cluster, progress)
    finally:
        file.close()


def _own_widths(layer_bits: Any, where: str) -> list[Mapping[str, int]]:
    """Widths by layer, of the argument of this name; none where a budget is to propose them.

    Raises:
        UsageError: they are none.
    """
    if layer_bits == AUTO and isinstance(layer_bits, str):
        return []
    own = [layer_bits] if isinstance(layer_bits, Mapping) else [] if isinstance(layer_bits, str) else list(layer_bits)
    if isinstance(layer_bits, str) or not all(isinstance(each, Mapping) for each in own):
        raise UsageError(
            "unknown widths of layers", where=where, got=repr(layer_bits), expected='"auto", or [{"0": 8, "3": 8}, ...]',
            do="give widths by layer, or auto",
        )  # fmt: skip
    return own


def _check_epochs(epochs: Sequence[int]) -> None:
    if any(isinstance(e, bool) or not isinstance(e, int) or e < 0 for e in epochs) or not epochs:
        raise UsageError(
            "these are no epochs",
            where="epochs",
            got=str(list(epochs)),
            expected="whole numbers from 0 on",
            do="give epochs=(0, 2)",
        )


def _run(
    given: Given,
    x: npt.NDArray[Any],
    axis: int,
    settings: Sequence[Setting],
    cost: str,
    halving: bool,
    file: ResultsFile,
    workers: int,
    cluster: str | None,
    progress: Progress | None,
) -> Front:
    total = int(x.shape[axis])
    alive, plan, points, ran_all = list(settings), rounds(total, halving), dict[Setting, Point](), list[Some]()
    done = by_part(file.known)
    wanted = told = 0
    with ExitStack() as stack:
        run = None
        for number, some in enumerate(plan):
            ran_all += some
            wanted += sum(s.count for s in some) * len(alive)
            missing = [(s, part) for s in alive for part in some if (s, part) not in done]
            told = wanted - sum(part.count for _, part in missing)
            if missing and run is None:  # nothing is started where a file has it all
                run = stack.enter_context(crew(Job("explore", trying, given), workers, cluster))
            for ran in run(_part(x, axis, s, part, part == plan[0][0]) for s, part in missing) if run and missing else ():
                check_alike(done.values(), ran)
                file.add(ran)
                done[ran.setting, ran.some] = ran
                told += ran.some.count
                if progress is not None:
                    progress("explore", told, wanted)
            for setting in alive:
                points[setting] = _point(setting, [done[setting, part] for part in ran_all], number == len(plan) - 1)
            if number < len(plan) - 1:
                alive = going_on([points[s] for s in alive], cost)
    return Front(tuple(points[s] for s in settings), cost, total)


def _part(x: npt.NDArray[Any], axis: int, setting: Setting, some: Some, costs: bool) -> Part:
    cut = (slice(None),) * axis + (slice(some.start, some.stop, some.step),)
    return Part(setting, some, Samples.of(x[cut], axis), costs)


def _point(setting: Setting, parts: Sequence[Ran], whole: bool) -> Point:
    """What all parts of a choice say together; the first of them has the costs."""
    first, count = parts[0], sum(p.some.count for p in parts)
    if first.refused:
        return Point(setting, 0, False, refused=first.refused)
    classes = first.right is not None
    return Point(
        setting,
        count,
        whole,
        accuracy=sum(p.right or 0 for p in parts) / count if classes else None,
        mean_squared_error=None if classes else sum(p.error or 0.0 for p in parts) / count,
        weight_memory=first.weight_memory,
        state_memory=first.state_memory,
        operations=first.operations,
        energy_joules=first.energy_joules,
        fits=first.fits,
        luts=first.luts,
    )

"""estimate: does a compiled model fit on a target, and what does it cost there; every number with its span and its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from snn2hw.artefact import Artefact, check_compiled
from snn2hw.backends import Executor, chosen_executor
from snn2hw.backends.running import insist, run_executor
from snn2hw.errors import UsageError
from snn2hw.estimation.break_even import TABLE, BreakEven, break_even
from snn2hw.estimation.counts import Counts
from snn2hw.estimation.energy import energy
from snn2hw.estimation.held import Asked, Held, Used
from snn2hw.estimation.layers import LayerEstimate, layers_of
from snn2hw.estimation.neurobench_keys import neurobench_keys
from snn2hw.estimation.on_computer import on_computer
from snn2hw.estimation.on_cores import on_cores
from snn2hw.estimation.on_fpga import on_fpga
from snn2hw.estimation.on_microcontroller import on_microcontroller
from snn2hw.estimation.quantity import Quantity
from snn2hw.runs import batches, read
from snn2hw.shown import brief
from snn2hw.target import Chip, load_chip, target_names
from snn2hw.trace import Ints, Trace
from snn2hw.vectors import read_vectors
from snn2hw.verification.batches import Progress

KINDS: Mapping[str, Callable[[Asked], Held]] = {
    "chip": on_cores, "fpga": on_fpga, "microcontroller": on_microcontroller, "computer": on_computer,
}  # fmt: skip
EVERY = "all"
LONGEST = 1e6  # seconds of a step


@dataclass(frozen=True)
class Estimate:
    """What a compiled model needs of a target.

    Args:
        target, says: its name, and what it is. samples, steps: what was counted on; `on` says which samples they are.
        fits: whether it fits, None where the target states no limit. reasons: why it does not, each in a sentence.
        not_public: what nobody has published and was left out. notes: what else a reader must know.
        cores, chips: how many are taken, of a target that has cores. memory: what is taken, by kind.
        layers: by name. operations: of a sample, by NeuroBench's keys, and what it lacks.
        energy_joules, latency_seconds: of a sample; None where nothing public says.
        energy_parts: of synapses, neurons, spikes. relative_only: why the energy compares networks only; "" else.
        break_even: with a quantised network without time.
        mapping: which neurons lie on which core; None of a target without cores, and of a network that does not fit.
    """

    target: str
    says: str
    samples: int
    steps: int
    on: str
    fits: bool | None
    reasons: tuple[str, ...]
    not_public: tuple[str, ...]
    notes: tuple[str, ...]
    cores: int | None
    chips: int | None
    memory: Mapping[str, Used]
    layers: Mapping[str, LayerEstimate]
    operations: Mapping[str, Any]
    energy_joules: Quantity | None
    energy_parts: Mapping[str, Quantity]
    relative_only: str
    latency_seconds: Quantity | None
    break_even: BreakEven | None
    mapping: Any = None

    __repr__ = brief


def estimate(
    artefact: Artefact,
    target: str | None = None,
    samples: npt.ArrayLike | None = None,
    *,
    executor: str | Executor = "auto",
    layout: str | None = None,
    step_seconds: float | None = None,
    progress: Progress | None = None,
) -> Estimate:
    """Whether a compiled model fits on a target, and what a sample costs there.

    Counts are of the integers, on the samples; see `snn2hw.estimation.counts` for the rules.

    Args:
        artefact: the compiled model.
        target: a name (`snn2hw targets` lists them), or the path of a TOML file of your own; the artefact's own by default.
        samples: real values [N, ...] where the input is static, else [T, N, ...]; the conformance vectors by default.
        executor: what runs them; all give the same. layout: which axis of temporal samples is time, as in `simulate`.
        step_seconds: how long a step lasts where the chip runs in real time, s: latency is then T * step_seconds.
        progress: called with (executor, samples done, samples in all).

    Raises:
        TargetError: no such target. ShapeError, ValueRangeError: samples that do not fit.
        ArtefactError: no samples and no vectors. UsageError: no such executor, or a time that is none.
    """
    check_compiled(artefact)
    chip = load_chip(target or artefact.network.target)
    _check_time(step_seconds)
    return _estimated(artefact, chip, _counted(artefact, samples, executor, layout, progress), step_seconds)


def estimates(
    artefact: Artefact,
    samples: npt.ArrayLike | None = None,
    *,
    executor: str | Executor = "auto",
    layout: str | None = None,
    step_seconds: float | None = None,
    progress: Progress | None = None,
) -> dict[str, Estimate]:
    """`estimate` for every target that is shipped, by its name; the samples run once. Arguments as there."""
    _check_time(step_seconds)
    counted = _counted(artefact, samples, executor, layout, progress)
    return {name: _estimated(artefact, load_chip(name), counted, step_seconds) for name in target_names()}


def _check_time(step_seconds: float | None) -> None:
    if step_seconds is None or (not isinstance(step_seconds, bool) and 0 < step_seconds < LONGEST):
        return
    raise UsageError(
        "a step lasts no such time",
        where="step_seconds",
        got=repr(step_seconds),
        expected=f"seconds, above 0 and below {LONGEST:,.0f}",
        do="give how long a step of the chip lasts, 0.001 for a millisecond",
    )


@dataclass(frozen=True)
class _Counted:
    counts: Counts
    payloads: Ints
    trace: Trace
    on: str


def _counted(
    artefact: Artefact, samples: npt.ArrayLike | None, executor: str | Executor, layout: str | None, progress: Progress | None
) -> _Counted:
    """Run the samples, and count."""
    net = artefact.network
    if samples is None:
        payloads, trace = read_vectors(artefact)
        counts = Counts(net)
        counts.add(payloads, trace)
        return _Counted(counts, payloads, trace, "the conformance vectors of the model; give samples of your own for real rates")
    chosen, _ = chosen_executor(executor, net)
    insist(chosen, net)
    counts, first = Counts(net), None
    x = read(artefact, samples, layout)
    total = x.shape[0 if net.input.static else 1] if x.ndim > 1 else 0
    for payloads in batches(artefact, x, "TN" if not net.input.static else None):
        trace = run_executor(chosen, artefact, payloads)
        counts.add(payloads, trace)
        first = first or (payloads, trace)
        if progress is not None:
            progress(chosen.name, counts.samples, total)
    assert first is not None
    return _Counted(counts, *first, "the samples that were given")


def _estimated(artefact: Artefact, chip: Chip, counted: _Counted, step_seconds: float | None) -> Estimate:
    counts, net = counted.counts, artefact.network
    held = KINDS[chip.kind](Asked(artefact, chip, counts, counted.payloads, counted.trace))
    latency = held.latency
    if step_seconds is not None:
        said = f"{net.steps} steps of {step_seconds:g} s, as was given: the chip runs in real time"
        lasts = net.steps * step_seconds
        latency = Quantity(lasts, lasts, lasts, "s", "F", said)
    found = energy(counts, chip, held.destinations)
    total, notes = (found.total if found is not None else None), list(held.notes)
    not_public = list(held.not_public)
    if total is None and latency is not None and "busy" in chip.energy:
        total = Quantity.of(chip.energy["busy"], "W").times(latency.value, "J")
        notes.append("energy is the power of the whole chip, with the network it was measured with, times the time")
    elif total is None and "busy" in chip.energy:
        not_public.append("only a power is public: energy of a sample follows from step_seconds (--step-time)")
    elif total is None:
        not_public.append("no energy of an operation is public")
    else:
        not_public += list(found.left_out if found is not None else ())
    if latency is None:
        not_public.append(f"latency: {held.no_latency}")
    return Estimate(
        chip.name, chip.says, counts.samples, net.steps, counted.on, held.fits, held.reasons, tuple(not_public), tuple(notes),
        held.cores, held.chips, held.memory, layers_of(net, counts, found), neurobench_keys(net, counts), total,
        found.parts if found is not None else {}, chip.relative_only, latency,
        break_even(counts, load_chip(TABLE)), held.mapping,
    )  # fmt: skip

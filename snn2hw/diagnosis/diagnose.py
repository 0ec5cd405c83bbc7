"""diagnose: the first value in which a float network and its integers part, and why."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact, check_compiled
from snn2hw.backends import Executor, chosen_executor
from snn2hw.backends.running import insist, run_executor
from snn2hw.diagnosis import handed
from snn2hw.diagnosis.causes import Entered, Trial, because, entered, named
from snn2hw.diagnosis.mixed import Mixed
from snn2hw.diagnosis.result import Diagnosis
from snn2hw.errors import UsageError
from snn2hw.evaluation import float_network, tallied
from snn2hw.ir.encode import check_shape, encode
from snn2hw.ir.network import Network, Reals
from snn2hw.runs import read
from snn2hw.trace import Ints, Trace
from snn2hw.verification.agreement import Counted, Place, Tally
from snn2hw.verification.batches import Progress
from snn2hw.verification.short import affordable
from snn2hw.verification.verdict import batch_size

if TYPE_CHECKING:
    import torch


def diagnose(
    artefact: Artefact,
    samples: npt.ArrayLike,
    model: torch.nn.Module | Network,
    *,
    trace: Trace | None = None,
    layout: str | None = None,
    executor: str | Executor = "auto",
    progress: Progress | None = None,
    workers: int = 1,
    cluster: str | None = None,
) -> Diagnosis:
    """The first value in which the integers part from the float network for another reason than rounding, and the reason.

    A difference is explained by rounding as in `snn2hw.evaluate` (docs/how-to/evaluate.md). Where all are, the first
    difference is diagnosed all the same: which quantiser it was. In the layer in which it begins, given what the integers
    fired before it, each quantiser is switched: on alone, then off alone; and it is assumed that the layer is a step late
    or early, and that reset, decay and input come in another order (docs/how-to/diagnose.md).

    Args:
        artefact: the compiled model. samples: [N, ...] where the input is static, else [T, N, ...].
        model, layout, executor, progress, workers, cluster: as in `snn2hw.evaluate`.
        trace: of these samples, as hardware ran them; by default the executor runs them.

    Returns:
        The diagnosis; its `cause` is "" where nothing differs.

    Raises:
        UsageError: a model of another network, a trace of other samples or without the spikes and states of every layer.
        ShapeError, ValueRangeError: samples that do not fit.
    """
    check_compiled(artefact)
    net, x = artefact.network, read(artefact, samples, layout)
    check_shape(net, x)
    real = float_network(artefact, model, x)
    if trace is None:
        chosen, note = chosen_executor(executor, net)
        if note:
            warnings.warn(note, stacklevel=2)
        insist(chosen, net)
        seen = Seen(artefact, real, x, chosen)
        tally = tallied(artefact, real, x, chosen, progress, workers, cluster)
    else:
        _check_trace(artefact, trace, int(x.shape[0 if net.input.static else 1]))
        seen = Seen(artefact, real, x, trace)
        tally = _tally_of(seen, progress)
    return _diagnosed(seen, tally)


def diagnose_layers(artefact: Artefact, real: Network, x: npt.NDArray[Any], executor: Executor) -> list[Diagnosis]:
    """A diagnosis of every layer in which differences begin, in the order of the network; where none does, the one there is.

    Args:
        artefact: the compiled model. real: its float network. x: samples as it takes them. executor: what runs them.
    """
    seen = Seen(artefact, real, x, executor)
    tally = tallied(artefact, real, x, executor)
    found = [_of_layer(seen, _counted(tally, seen.total, (name,)), name, place)
             for name, counted in tally.layers.items() if (place := counted.first_unexplained or counted.first_own)]  # fmt: skip
    whole = [] if found else [_diagnosed(seen, tally)]
    return found + [d for d in whole if d.cause]


class Seen:
    """What is diagnosed."""

    def __init__(self, artefact: Artefact, real: Network, x: npt.NDArray[Any], ran: Trace | Executor) -> None:
        """The networks and samples.

        Args:
            artefact: the compiled model. real: its float network. x: samples as it takes them.
            ran: the trace of all of them, or what runs some of them again.
        """
        self.artefact, self.real, self.x, self.ran = artefact, real, x, ran
        self.mixed = Mixed.of(artefact, real)
        self._about: dict[int, tuple[dict[str, Entered], Mapping[str, Reals]]] = {}

    @property
    def axis(self) -> int:
        """Of the samples."""
        return 0 if self.artefact.network.input.static else 1

    @property
    def total(self) -> int:
        """How many samples there are."""
        return int(self.x.shape[self.axis])

    def some(self, start: int, stop: int) -> tuple[npt.NDArray[Any], Ints, Trace]:
        """Some of the samples, their integers, and their trace."""
        x = np.asarray(self.x[(slice(None),) * self.axis + (slice(start, stop),)])
        payloads = encode(self.artefact.network, x)
        if isinstance(self.ran, Trace):
            return x, payloads, self.ran.part(start, stop)
        return x, payloads, run_executor(self.ran, self.artefact, payloads)

    @cached_property
    def _together(self) -> int:
        """How many samples are looked at together."""
        return affordable(self.real, self.artefact.network, self.total)

    def _first_beside(self, sample: int) -> int:
        return sample // self._together * self._together

    def about(self, sample: int) -> tuple[int, dict[str, Entered], Mapping[str, Reals]]:
        """(the first of some samples with this one among them, what each layer is given, what it fires)."""
        start = self._first_beside(sample)
        if start not in self._about:
            ran = self.ran_about(sample)
            self._about = {start: (entered(self.mixed, ran.x, ran.fired), ran.fired)}
        return start, *self._about[start]

    def ran_about(self, sample: int) -> handed.Ran:
        """Some samples with this one among them, and what the integers make of them."""
        start = self._first_beside(sample)
        x, _, ran = self.some(start, min(start + self._together, self.total))
        units = {name: np.float64(2.0 ** -self.mixed.made[name].format.frac) for name in self.mixed.held}
        fired: dict[str, Reals] = {name: ran.spikes[name] * unit for name, unit in units.items()}
        return handed.Ran(x, fired, ran.readout * np.float64(self.artefact.scale), start)


def _tally_of(seen: Seen, progress: Progress | None) -> Tally:
    """What a trace says beside the float network."""
    net = seen.artefact.network
    tally, size = Tally(net, seen.real, seen.artefact.scale), batch_size(net)
    for start in range(0, seen.total, size):
        tally.add(*seen.some(start, start + size))
        if progress is not None:
            progress("diagnose", min(start + size, seen.total), seen.total)
    return tally


def _diagnosed(seen: Seen, tally: Tally) -> Diagnosis:
    found, first = _counted(tally, seen.total, tuple(tally.layers)), _first(tally)
    if first is None:
        return _handed(seen, tally, found)
    return _of_layer(seen, found, *first)


def _check_trace(artefact: Artefact, trace: Trace, samples: int) -> None:
    if len(trace.readout) != samples:
        raise UsageError(
            "the trace does not fit the samples",
            where="trace",
            got=f"{len(trace.readout)} samples",
            expected=f"{samples} samples",
            do="give the samples that the trace is of",
        )
    layers = artefact.network.neurons
    missing = [n.name for n in layers if n.name not in trace.spikes]
    missing += [f"{n.name}.{s}" for n in layers for s in n.program.states if f"{n.name}.{s}" not in trace.states]
    if missing:
        raise UsageError(
            "the trace lacks what a layer did",
            where="trace",
            got=f"nothing of {', '.join(missing[:6])}",
            expected="spikes and states of every neuron layer",
            do="record every layer, as `snn2hw simulate --out` does",
        )


def _counted(tally: Tally, samples: int, names: Sequence[str]) -> Diagnosis:
    """How much differs in some layers, without a cause."""
    layers = [tally.layers[name] for name in names]
    return Diagnosis(
        samples, tally.net.steps, sum(c.mismatches for c in layers), sum(c.own_mismatches for c in layers),
        sum(c.unexplained for c in layers),
    )  # fmt: skip


def _first(tally: Tally) -> tuple[str, Place] | None:
    """The value to be diagnosed with its layer, if there is one: the first that is unexplained, else the first that differs."""
    return _earliest(tally, lambda c: c.first_unexplained) or _earliest(tally, lambda c: c.first_own)


def _earliest(tally: Tally, which: Callable[[Counted], Place | None]) -> tuple[str, Place] | None:
    """Of these firsts of all layers that of the least sample, then the earliest step, then the layer that comes first."""
    known = [(name, place) for name, c in tally.layers.items() if (place := which(c)) is not None]
    return min(known, key=lambda k: k[1][:2], default=None)


def _of_layer(seen: Seen, found: Diagnosis, layer: str, place: Place) -> Diagnosis:
    """A difference that begins in a neuron layer, at `place`."""
    sample, step, flat = place
    start, given, fired = seen.about(sample)
    trial = Trial(seen.mixed, layer, given[layer], fired[layer])
    index = tuple(int(i) for i in np.unravel_index(flat, seen.mixed.made[layer].shape))
    at = (step, sample - start, *index)
    evidence = trial.evidence(at)
    cause, margin, lsb = named(trial, at, evidence), trial.margin(at), trial.neuron.unit
    return replace(
        found, cause=cause, layer=layer, sample=sample, step=step, index=index, got=float(trial.ran[at]),
        expected=float(trial.floats[at]), margin=margin, lsb=lsb, because=because(cause, evidence[0][1], margin, lsb),
        evidence=tuple(e for _, e in evidence),
    )  # fmt: skip


def _handed(seen: Seen, tally: Tally, found: Diagnosis) -> Diagnosis:
    """Nothing begins in a neuron layer: it was handed down, it is the weights of the readout, or there is nothing at all."""
    known = _earliest(tally, lambda c: c.first_mismatch)
    if known is not None:
        layer, place = known
        return handed.of_layer(seen.mixed, seen.ran_about(place[0]), found, layer, place)
    got, expected = np.concatenate(tally.readouts), np.concatenate(tally.float_readouts)
    other = np.flatnonzero(got.argmax(1) != expected.argmax(1)) if got.shape[1] > 1 else np.zeros(0, np.int64)
    if not len(other):
        return found
    return handed.of_readout(seen.mixed, seen.ran_about(int(other[0])), found, int(other[0]))

"""What a process does for an error budget: mixtures of integers and floats on some samples, beside the float network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.diagnosis.mixed import Mixed, Switches, all_on
from snn2hw.diagnosis.parts import INPUT, STATE, WEIGHTS, Quantiser, quantisers_of
from snn2hw.ir.network import Feedback, Network, Reals
from snn2hw.passes.base import Options
from snn2hw.store import make_artefact
from snn2hw.verification.accuracy import Truth
from snn2hw.verification.batches import Samples
from snn2hw.verification.beside import Beside

Key: TypeAlias = tuple[str, Quantiser | None, int]  # ("alone", "without", "all" or "none"; which; its width, or that of weights)
AtWidth: TypeAlias = dict[tuple[str, int], Mixed]  # by what has the width, weights or state; the other one at its widest


@dataclass(frozen=True, eq=False)
class Budgeted:
    """The same for all samples.

    Args:
        network: in floats. sample: what it is calibrated on. widths: of weights, states: of states, rising. scales,
            target: as in `snn2hw.compile`. truth: of all samples. widest: the compiled model with the largest of both.
    """

    network: Network
    sample: Samples
    widths: tuple[int, ...]
    states: tuple[int, ...]
    scales: str
    target: str
    truth: Truth
    widest: Artefact


def compiled(network: Network, sample: npt.NDArray[Any], target: str, options: Options) -> Artefact:
    """The integers alone, of which nothing is measured yet. Arguments as in `snn2hw.api.run_passes`."""
    done = api.run_passes(network, sample, target, options)
    scale = float(done.scales[done.network.readout.name].values[0]) * done.real.readout.share
    return make_artefact(done.network, {"readout": {"scale": scale}})


@dataclass(frozen=True)
class Counts:
    """What some samples say of a mixture beside the float network.

    Args:
        samples: how many. values, flips: spike values of all neuron layers, and how many differ. right: predictions at the
            label; same: at the float network's. error, power: sums of squares of the readouts' difference, and of the readouts.
    """

    samples: int
    values: int
    flips: int
    right: int
    same: int
    error: float
    power: float

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def measuring(given: Budgeted) -> Callable[[tuple[Samples, int]], dict[Key, Counts]]:
    """The function of some samples and the number of the first of them, for `snn2hw.run.job`."""
    widest, last = Mixed.of(given.widest, given.network), (given.states[-1], given.widths[-1])

    def narrower(state_bits: int, weight_bits: int) -> Mixed:
        options = Options(state_bits, weight_bits, given.scales)
        return Mixed.of(compiled(given.network, given.sample.opened(), given.target, options), given.network)

    at: AtWidth = dict.fromkeys(((STATE, last[0]), (WEIGHTS, last[1])), widest)
    at |= {(WEIGHTS, bits): narrower(last[0], bits) for bits in given.widths[:-1]}
    at |= {(STATE, bits): narrower(bits, last[1]) for bits in given.states[:-1]}

    def measured(part: tuple[Samples, int]) -> dict[Key, Counts]:
        samples, start = part
        x = np.asarray(samples.array(), np.float64)
        classes = given.truth.classes
        assert classes is not None
        count = x.shape[0 if given.network.input.static else 1]
        return _Measured(given, at, x, classes[start : start + count]).counts()

    return measured


class _Measured:
    """All mixtures on some samples."""

    def __init__(self, given: Budgeted, at: AtWidth, x: Reals, labels: npt.NDArray[Any]) -> None:
        self.given, self.at, self.x, self.labels = given, at, x, labels
        self.widest = at[WEIGHTS, given.widths[-1]]
        self.order = [n.name for n in given.network.neurons]
        # What is behind an edge back is before it, too: then every mixture runs from the beginning.
        self.loops = any(isinstance(n, Feedback) for n in given.network.nodes)
        self.beside = {name: Beside(self.widest.made[name], m.real) for name, m in self.widest.neurons.items()}  # type: ignore[arg-type]
        self.floats, self.readout = self._ran(self.widest, {}, False)
        self.integers, self.whole = self._ran(self.widest, all_on(self.widest), True)

    def counts(self) -> dict[Key, Counts]:
        """By mixture."""
        last = self.given.widths[-1]
        found: dict[Key, Counts] = {
            ("none", None, last): self._count(self.floats, self.readout),
            ("all", None, last): self._count(self.integers, self.whole),
        }
        for q in quantisers_of(self.widest.net):
            widths = {WEIGHTS: self.given.widths, STATE: self.given.states}.get(q.part, (last,))
            for bits in widths:
                found["alone", q, bits] = self._alone(self.at.get((q.part, bits), self.widest), q)
            if not self._tied(q):
                found["without", q, widths[-1]] = self._without(q)
        return found

    def _tied(self, q: Quantiser) -> bool:
        """Whether it cannot be float while all others are on."""
        return q.layer in self.widest.neurons and q.part in self.widest.neurons[q.layer].tied

    def _alone(self, mixed: Mixed, q: Quantiser) -> Counts:
        if q.part == INPUT:
            return self._count(*self._ran(mixed, {}, True))
        return self._switched(mixed, q.layer, {q.layer: frozenset({q.part})}, False, (self.floats, self.readout))

    def _without(self, q: Quantiser) -> Counts:
        if q.part == INPUT:
            return self._count(*self._ran(self.widest, all_on(self.widest), False))
        on = all_on(self.widest, {q.layer: frozenset({q.part})})
        return self._switched(self.widest, q.layer, on, True, (self.integers, self.whole))

    def _switched(
        self, mixed: Mixed, layer: str, on: Switches, input_on: bool, base: tuple[Mapping[str, Reals], Reals]
    ) -> Counts:
        """A run that is the base before this layer, and where the layer fires the same, behind it, too."""
        known = self._before(layer, base[0])
        if layer in self.beside and not self.loops:
            own = mixed.fired_by(layer, self.x, on, input_on, known)
            if np.array_equal(own, base[0][layer]):
                return self._count(*base)
            known[layer] = own
        return self._count(*self._ran(mixed, on, input_on, known))

    def _before(self, layer: str, fired: Mapping[str, Reals]) -> dict[str, Reals]:
        """What the layers before this one fire, which a switch in this one does not change."""
        if self.loops:
            return {}
        return {name: fired[name] for name in (self.order[: self.order.index(layer)] if layer in self.order else self.order)}

    def _ran(
        self, mixed: Mixed, on: Switches, input_on: bool, known: Mapping[str, Reals] | None = None
    ) -> tuple[dict[str, Reals], Reals]:
        """(what each layer fires [T, N, ...], the readout) of a mixture, where some of it is known."""
        return mixed.fired(self.x, on, input_on, known or {})

    def _count(self, fired: Mapping[str, Reals], readout: Reals) -> Counts:
        layers: Iterable[str] = self.beside
        flips = sum(int(self.beside[n].differs(fired[n], self.floats[n]).sum()) for n in layers if fired[n] is not self.floats[n])
        chosen = self.given.truth.chosen
        mine, theirs = readout[:, chosen], self.readout[:, chosen]
        best = mine.argmax(1)
        return Counts(
            len(best), sum(fired[n].size for n in layers if self.beside[n].tells), flips, int((best == self.labels).sum()),
            int((best == theirs.argmax(1)).sum()), float(((mine - theirs) ** 2).sum()), float((theirs**2).sum()),
        )  # fmt: skip

"""Where no difference begins in a neuron layer: it was handed down, or it is the weights of the readout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.diagnosis import result
from snn2hw.diagnosis.causes import is_dead
from snn2hw.diagnosis.mixed import Mixed
from snn2hw.diagnosis.parts import WEIGHTS
from snn2hw.diagnosis.result import Diagnosis, Evidence
from snn2hw.ir.network import Reals
from snn2hw.verification.beside import Beside, Flags


@dataclass(frozen=True, eq=False)
class Ran:
    """Some samples and what came of them.

    Args:
        x: as the network takes them. fired: by neuron layer [T, N, ...] what the integers fired, in real units.
        readout: [N, classes] of the integers, in real units. first: the number of the first of them.
    """

    x: npt.NDArray[Any]
    fired: Mapping[str, Reals]
    readout: Reals
    first: int


@dataclass(frozen=True)
class _Given:
    """What of the float network is given as the integers have it.

    Args:
        cause: its class. switch: what it is. input_on: the samples; held: neuron layers, whose spikes; weights: the readout's.
    """

    cause: str
    switch: str
    input_on: bool = False
    held: tuple[str, ...] = ()
    weights: bool = False


def of_layer(mixed: Mixed, ran: Ran, found: Diagnosis, layer: str, place: tuple[int, int, int]) -> Diagnosis:
    """A layer that fires otherwise although, given what the integers fired before it, it fires what they do.

    Args:
        mixed: the networks. ran: samples with that of `place` among them. found: how much differs.
        layer: the neuron layer. place: sample, step, and which value of the layer, counted through its shape.
    """
    sample, step, flat = place
    index = tuple(int(i) for i in np.unravel_index(flat, mixed.made[layer].shape))
    at = (step, sample - ran.first, *index)
    node: Any = mixed.made[layer]
    beside, fired = Beside(node, mixed.neurons[layer].real), ran.fired[layer]
    floats = _run(mixed, ran, _Given("", ""))[layer]
    differs = beside.differs(floats, fired)

    def left(given: _Given) -> Flags:
        return beside.differs(_run(mixed, ran, given)[layer], fired)

    tried = [_evidence(given, differs, left(given), at) for given in _candidates(mixed, _before(mixed, layer))]
    cause, evidence = _most_telling(tried)
    why = _because(evidence[0], "it fires here what the integers fire")
    return replace(
        found, cause=cause, layer=layer, sample=sample, step=step, index=index, got=float(fired[at]),
        expected=float(floats[at]), because=why, evidence=evidence,
    )  # fmt: skip


def of_readout(mixed: Mixed, ran: Ran, found: Diagnosis, sample: int) -> Diagnosis:
    """A prediction that is another one although every neuron layer fires the same.

    Args:
        mixed: the networks. ran: samples with this one among them. found: how much differs. sample: its number.
    """
    last, got, at = mixed.real.readout, ran.readout, (sample - ran.first,)
    expected = _readout(mixed, ran, _Given("", ""))
    differs = got.argmax(1) != expected.argmax(1)
    weights = _Given(result.WEIGHTS, f"the {WEIGHTS} of {last.name} as integers", weights=True)
    tried = [
        _evidence(given, differs, _readout(mixed, ran, given).argmax(1) != got.argmax(1), at)
        for given in [weights, *_candidates(mixed, _before(mixed, last.name))]
    ]
    cause, evidence = _most_telling(tried)
    classes = [int(got[at].argmax()), int(expected[at].argmax())]
    dead = [c for c in classes if is_dead(mixed.net, mixed.real, last.name, c)] if cause == result.WEIGHTS else []
    worst = dead[0] if dead else classes[0]
    why = f"every spike is equal; {_because(evidence[0], 'it predicts what the integers predict')}"
    return replace(
        found, cause=result.DEAD if dead else cause, layer=last.name, sample=sample, index=(worst,),
        got=float(got[at][worst]), expected=float(expected[at][worst]), because=why, evidence=evidence,
    )  # fmt: skip


def _before(mixed: Mixed, layer: str) -> tuple[str, ...]:
    """The neuron layers that lead to this one, directly or through others, in the order of the network."""
    nodes = {n.name: n for n in mixed.real.nodes}
    ahead, found = list(nodes[layer].inputs), set[str]()
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += nodes[name].inputs
    return tuple(name for name in mixed.neurons if name in found)  # behind an edge back, itself, too


def _candidates(mixed: Mixed, before: tuple[str, ...]) -> Iterator[_Given]:
    """What may have been handed down: each by itself, then more and more of it, so that the last is all of it."""
    rounds = not mixed.net.input.counts
    if rounds:
        yield _Given(result.INPUT, "the samples as 8 bits hold them", input_on=True)
    for name in before:
        yield _Given(_class(mixed, name), f"what {name} sends as integers", held=(name,))
    for count in range(1 if rounds else 2, len(before) + 1):
        yield _Given(
            _class(mixed, before[count - 1]), f"all as integers up to what {before[count - 1]} sends", rounds, before[:count]
        )


def _class(mixed: Mixed, layer: str) -> str:
    node: Any = mixed.made[layer]
    return result.AMPLITUDE if Beside(node, mixed.neurons[layer].real).tells else result.STATE


def _evidence(given: _Given, differs: Flags, left: Flags, at: tuple[int, ...]) -> tuple[str, Evidence]:
    share = 1.0 - int(left.sum()) / max(1, int(differs.sum()))
    return given.cause, Evidence(given.switch, share, None, bool(differs[at] and not left[at]))


def _most_telling(tried: list[tuple[str, Evidence]]) -> tuple[str, tuple[Evidence, ...]]:
    """(class of the first that explains the value, what each does, that one first)."""
    telling = [pair for pair in tried if pair[1].here]
    best = (telling or tried)[0]
    return best[0] if telling else result.UNKNOWN, (best[1], *(e for _, e in tried if e is not best[1]))


def _because(best: Evidence, then: str) -> str:
    if not best.here:
        return "nothing that is handed down explains it by itself"
    return f"the float network begins the same in every layer, and given {best.switch}, {then}"


def _run(mixed: Mixed, ran: Ran, given: _Given) -> dict[str, Reals]:
    """What each neuron layer fires, [T, N, ...]."""
    found: dict[str, list[Reals]] = {name: [] for name in mixed.neurons}

    def seen(name: str, t: int, entering: Reals, raw: Any, out: Reals) -> None:
        found[name].append(out)

    mixed.run(ran.x, {}, given.input_on, seen, {name: ran.fired[name] for name in given.held})
    return {name: np.stack(each) for name, each in found.items()}


def _readout(mixed: Mixed, ran: Ran, given: _Given) -> Reals:
    on = {mixed.real.readout.name: frozenset({WEIGHTS})} if given.weights else {}
    return mixed.run(ran.x, on, given.input_on, None, {name: ran.fired[name] for name in given.held})

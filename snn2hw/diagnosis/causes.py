"""Why a layer fires otherwise: every quantiser is switched, and what is otherwise built is assumed, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.diagnosis import result
from snn2hw.diagnosis.mixed import Mixed
from snn2hw.diagnosis.neuron import AS_IT_IS, ROUNDED, Change, Family, FloatNeuron, Written
from snn2hw.diagnosis.parts import ALL, BOUNDS, COEFFICIENTS, HEAD, NONE, STATE, THRESHOLDS, WEIGHTS, Parts
from snn2hw.diagnosis.result import Evidence
from snn2hw.ir.family import equation_of
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Network, Neuron, Potential, Reals
from snn2hw.layers import IntSynapse, Synapse
from snn2hw.layers.base import per_channel
from snn2hw.neurons import in_numpy
from snn2hw.neurons.equation import deciding
from snn2hw.passes.head import ALIGN
from snn2hw.verification.beside import Beside, Flags

CLASSES = {
    WEIGHTS: result.WEIGHTS, HEAD: result.HEAD, COEFFICIENTS: result.COEFFICIENTS, BOUNDS: result.SATURATION,
    THRESHOLDS: result.THRESHOLD, STATE: result.STATE,
}  # fmt: skip
EXACT = 1 / 8  # units of the state: a comparison that is so close is a tie, whatever decides it
SURE = 0.25  # of the score, above which a cause is named


@dataclass(frozen=True)
class Assumed:
    """Something that may be built otherwise.

    Args:
        cause: its class. says: what is assumed. later: steps by which what enters is late. change: in the neuron.
    """

    cause: str
    says: str
    later: int = 0
    change: Change = AS_IT_IS


def assumptions(layer: Family | Written) -> Iterator[Assumed]:
    """What may be built otherwise in a layer."""
    yield Assumed(result.SHIFT, "the layer is a step late", later=1)
    yield Assumed(result.SHIFT, "the layer is a step early", later=-1)
    real = layer.real
    if not isinstance(real, Neuron) or isinstance(real.firing, Potential):
        return
    other = "input_then_poly" if real.order == "poly_then_input" else "poly_then_input"
    says = "before" if other == "input_then_poly" else "behind"
    yield Assumed(result.RESET, f"the input enters {says} the decay", change=Change(order=other))
    if real.reset != "none":
        yield Assumed(result.RESET, "the reset comes a step late, behind the decay", change=Change(late=True))
    for kind in ("subtract", "value", "none"):
        if kind != real.reset:
            yield Assumed(result.RESET, f"the reset is '{kind}'", change=Change(reset=kind))


@dataclass(eq=False)
class Entered:
    """What a layer is given at each step: in floats, and the integers' sum."""

    floats: list[Reals] = field(default_factory=list)
    raw: list[Any] = field(default_factory=list)


def entered(mixed: Mixed, x: npt.NDArray[Any], fired: Mapping[str, Reals]) -> dict[str, Entered]:
    """Of each neuron layer what it is given, where those before it fired what the integers did.

    Args:
        mixed: the networks. x: the samples. fired: [T, N, ...] of each neuron layer, in real units, as ran.
    """
    found: dict[str, Entered] = {name: Entered() for name in mixed.neurons}

    def seen(name: str, t: int, given: Reals, raw: Any, out: Reals) -> None:
        found[name].floats.append(given)
        found[name].raw.append(raw)

    mixed.run(x, {}, True, seen, fired)
    return found


class Trial:
    """One neuron layer on some samples, given what the integers fired before it."""

    def __init__(self, mixed: Mixed, layer: str, given: Entered, ran: Reals) -> None:
        """Run the float layer.

        Args:
            mixed: the networks. layer: its name. given: what it is given. ran: [T, N, ...] what it fired, in real units.
        """
        self.mixed, self.layer, self.entered, self.raw, self.ran = mixed, layer, given.floats, given.raw, ran
        self.before: list[Any] = []
        self.neuron = mixed.neurons[layer]
        node: Any = mixed.made[layer]
        self.beside = Beside(node, self.neuron.real)
        self.floats = self.simulated(NONE, keep=True)
        self.differs = self.compared(self.floats, self.ran)

    def simulated(self, parts: Parts, assumed: Assumed | None = None, keep: bool = False) -> Reals:
        """What the layer fires, [T, N, ...].

        Args:
            parts: the quantisers that are on. assumed: what is otherwise besides. keep: its states before each step, too.
        """
        later = 0 if assumed is None else assumed.later
        layer: Family | Written | FloatNeuron = self.neuron
        if assumed is not None and assumed.change != AS_IT_IS and isinstance(layer, Written):
            assert isinstance(layer.real, Neuron)
            layer, parts = FloatNeuron(layer.real), NONE
        states, found = layer.start(self.entered[0].shape), list[Reals]()
        scale = self.neuron.scale
        for t in range(len(self.entered)):
            x, raw = _moved(self.entered, t - later), _moved(self.raw, t - later)
            if WEIGHTS in parts and scale is not None:
                x = raw * per_channel(scale, x)
            if keep:
                self.before.append(states)
            out, states = layer.step(states, x, raw, t, parts, AS_IT_IS if assumed is None else assumed.change)
            found.append(out)
        return np.stack(found)

    def compared(self, one: Reals, other: Reals) -> Flags:
        """Where two of them differ by more than amplitudes are rounded by."""
        return self.beside.differs(one, other)

    def evidence(self, at: tuple[int, ...]) -> list[tuple[str, Evidence]]:
        """(class, what it does) of every switch and assumption, the most telling first.

        Args:
            at: (step, sample, *place in the layer) of the value that is diagnosed.
        """
        found: list[tuple[str, Evidence]] = []
        whole = self.compared(self.simulated(ALL), self.floats) & self.differs  # what quantisers do, all together
        other = isinstance(self.neuron, Written) and not self.neuron.alike  # its program says nothing of these floats
        for part in (WEIGHTS,) if other else (WEIGHTS, HEAD, COEFFICIENTS, THRESHOLDS, BOUNDS, STATE):
            alone = self.compared(self.simulated(frozenset({part})), self.ran)
            here, vanish = not alone[at], None
            if part not in self.neuron.tied:
                back = self.compared(self.simulated(ALL - {part}), self.floats)
                here |= whole[at] and not back[at]
                vanish = self._share(back) - self._share(whole)
            here = bool(self.differs[at] and here)
            found.append((CLASSES[part], Evidence(f"{part} of {self.layer}", self._share(alone), vanish, here)))
        for each in assumptions(self.neuron):
            left = [self.compared(self.simulated(parts, each), self.ran) for parts in (NONE, ALL)]
            best = min(left, key=lambda flags: int(flags.sum()))
            share = self._share(best)
            found.append((each.cause, Evidence(each.says, share, share, bool(self.differs[at] and not best[at]))))
        return sorted(found, key=lambda pair: -pair[1].score)

    def _share(self, left: Flags) -> float:
        total = int(self.differs.sum())
        return 1.0 - int(left.sum()) / total if total else 0.0

    def margin(self, at: tuple[int, ...]) -> float | None:
        """The distance of the closest comparison of the float layer at (step, sample, *place); None where it has none."""
        t, *place = at
        if isinstance(self.neuron, Family):
            real = equation_of(self.neuron.real)
            equation, parameters, states = real.equation, real.parameters, self.before[t]
        else:
            equation, parameters, states = self.neuron.equation, self.neuron.parameters, self.before[t]["floats"]
        x = self.entered[t]
        values = in_numpy.evaluate(equation, parameters, states, x, t)
        margins = [abs(float(np.broadcast_to(values[a] - values[b], x.shape)[tuple(place)])) for a, b in deciding(equation)]
        return min(margins, default=None)


def _moved(each: Sequence[Any], t: int) -> Any:
    """What came at step t; nothing came before the first and behind the last."""
    return each[t] if 0 <= t < len(each) else np.zeros_like(each[0])


def named(trial: Trial, at: tuple[int, ...], found: Sequence[tuple[str, Evidence]]) -> str:
    """The class of a cause.

    Args:
        trial: of the layer. at: (step, sample, *place in the layer). found: what the switches do, the most telling first.
    """
    cause, best = found[0]
    if best.score < SURE:
        return result.UNKNOWN
    margin, lsb = trial.margin(at), trial.neuron.unit
    if margin is not None:
        near = cause in (result.STATE, result.THRESHOLD) and margin <= ROUNDED * lsb
        exact = cause in (result.WEIGHTS, result.COEFFICIENTS, result.HEAD) and margin <= EXACT * lsb
        if near or exact:
            return result.TIE
    if cause == result.WEIGHTS and is_dead(trial.mixed.net, trial.mixed.real, trial.layer, at[2]):
        return result.DEAD
    return cause


def is_dead(net: IntegerNetwork, real: Network, layer: str, channel: int) -> bool:
    """Whether all weights became 0 that lead to a channel.

    Args:
        net: the integers. real: the floats. layer: a neuron layer, or the readout. channel: of the layer, or a class.
    """
    made, floats = {n.name: n for n in net.nodes}, {n.name: n for n in real.nodes}
    ahead, found = list(made[layer].inputs), list[bool]()
    while ahead:
        node = made[ahead.pop()]
        float_node = floats.get(node.name)
        if isinstance(node, IntSynapse) and isinstance(float_node, Synapse):
            if channel < len(node.weight) == made[layer].shape[0]:
                found.append(not node.weight[channel].any() and bool(float_node.weight[channel].any()))
        elif not node.fires or (isinstance(node, IntNeuron) and node.program.kind == ALIGN):
            ahead += node.inputs
    return bool(found) and all(found)


def because(cause: str, best: Evidence, margin: float | None, lsb: float) -> str:
    """The reason in a sentence. Args: cause: its class. best: the most telling switch. margin, lsb: as in `Diagnosis`."""
    if cause in (result.SHIFT, result.RESET):
        return f"where {best.switch}, {_percent(best.alone)} of the differences of this layer are explained"
    if best.back is None:
        said = f"with the {best.switch} alone rounded, {_percent(best.alone)} of the layer's differences appear"
    else:
        said = (
            f"with the {best.switch} in floats again, {_percent(best.back)} of the layer's differences vanish; with them alone "
            f"rounded, {_percent(best.alone)} appear"
        )
    if cause == result.TIE and margin is not None:
        return f"the float layer is {margin / lsb if lsb else 0.0:.3g} units of the state from firing otherwise; {said}"
    if cause == result.DEAD:
        return f"all weights of this channel became 0; {said}"
    if cause == result.UNKNOWN:
        return f"no quantiser explains it by itself, and no shift or reset; most telling: {said}"
    return said


def _percent(share: float) -> str:
    return f"{100 * max(share, 0.0):.3g} %"

"""A network of which some quantisers are on and the others off, step by step in float64.

What a neuron layer is given is

    x = float sum                                       where its weights are float
    x = float sum + (sum of the integers * its unit - float sum of the same integers)   where they are rounded

so that with weights rounded and spikes that integers can hold, x is the integers' sum itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.backends.reference import step as integer_step
from snn2hw.diagnosis.neuron import Family, States, Written, mixed_neuron
from snn2hw.diagnosis.parts import ALL, NONE, WEIGHTS, Parts
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.ir.network import Delay, EquationNeuron, Feedback, Input, Network, Neuron, Node, Readout, Reals
from snn2hw.ir.real import delayed
from snn2hw.layers import Synapse
from snn2hw.layers.base import per_channel
from snn2hw.trace import Ints

Switches: TypeAlias = Mapping[str, Parts]
Seen: TypeAlias = Callable[[str, int, Reals, Any, Reals], None]


class Mixed:
    """A float network beside the integers that were made of it.

    Args:
        net: the integers. real: the float network. scale: the real value of one unit of the readout.
    """

    def __init__(self, net: IntegerNetwork, real: Network, scale: float) -> None:
        self.net, self.real = net, real
        self.made = {n.name: n for n in net.nodes}
        self.neurons: dict[str, Family | Written] = {}
        for node in real.neurons:
            integers = self.made[node.name]
            assert isinstance(integers, IntNeuron)
            self.neurons[node.name] = mixed_neuron(integers, node)
        self.readout_scale = scale / real.readout.share

    @staticmethod
    def of(artefact: Artefact, real: Network) -> Mixed:
        """The network of an artefact beside the float network."""
        return Mixed(artefact.network, real, artefact.scale)

    @property
    def held(self) -> list[str]:
        """The nodes whose spikes the integers and the floats both have."""
        floats = {n.name for n in self.real.nodes}
        return [n.name for n in self.net.neurons if n.name in floats]

    def encoded(self, x: npt.NDArray[Any]) -> tuple[Ints, Reals]:
        """(integers [T, N, ...], or [1, N, ...] of static samples; their real values) of samples."""
        raw = encode(self.net, x)
        raw = raw[:1] if self.net.input.static else raw
        return raw, raw * np.float64(self.net.input.unit)

    def run(
        self,
        x: npt.NDArray[Any],
        on: Switches,
        input_on: bool,
        seen: Seen | None = None,
        held: Mapping[str, Reals] | None = None,
    ) -> Reals:
        """The readout [N, classes] of samples, as the float network gives it.

        Args:
            x: [N, ...] where the input is static, else [T, N, ...]. on: by neuron layer, or the readout, the quantisers that
                are on; nothing is where it is not named. input_on: whether samples are rounded to 8 bits.
            seen: called with (layer, step, what enters it in floats, the integers' sum, what leaves it) of each neuron layer.
            held: by neuron layer [T, N, ...] what those behind it are given in the place of what it fires.
        """  # fmt: skip
        walk = _Walk(self)

        def step() -> None:
            for node in self.real.nodes:
                walk.node(node, on, seen)
                if held is not None and node.name in held:
                    walk.values[node.name] = held[node.name][walk.t]

        return self._steps(x, walk, input_on, step)

    def fired(
        self, x: npt.NDArray[Any], on: Switches, input_on: bool, known: Mapping[str, Reals]
    ) -> tuple[dict[str, Reals], Reals]:
        """(what each neuron layer fires, [T, N, ...]; the readout) of samples, of which some layers are known.

        Args:
            x, on, input_on: as in `run`. known: by neuron layer what it fires, which is not computed again, nor what leads
                to it alone.
        """
        asked = [name for name in self.neurons if name not in known]
        return self._fired(x, on, input_on, known, asked, [*asked, self.real.readout.name])

    def fired_by(self, layer: str, x: npt.NDArray[Any], on: Switches, input_on: bool, known: Mapping[str, Reals]) -> Reals:
        """What one neuron layer fires, [T, N, ...], and nothing behind it. Arguments as `fired`."""
        return self._fired(x, on, input_on, known, [layer], [layer])[0][layer]

    def _fired(
        self,
        x: npt.NDArray[Any],
        on: Switches,
        input_on: bool,
        known: Mapping[str, Reals],
        asked: Sequence[str],
        ends: Sequence[str],
    ) -> tuple[dict[str, Reals], Reals]:
        """What the layers that are asked for fire, beside what is known, and the readout, if it is among the ends."""
        walk, needed = _Walk(self), self._needed(known, ends)
        found: dict[str, list[Reals]] = {name: [] for name in asked}

        def step() -> None:
            walk.values.update({name: each[walk.t] for name, each in known.items()})
            for node in needed:
                walk.node(node, on, None)
            for name, each in found.items():
                each.append(walk.values[name])

        readout = self._steps(x, walk, input_on, step)
        return {**known, **{name: np.stack(each) for name, each in found.items()}}, readout

    def _needed(self, known: Mapping[str, Reals], ends: Sequence[str]) -> list[Node]:
        """What is to be computed for these ends, in order."""
        nodes = {n.name: n for n in self.real.nodes}
        ahead, found = list(ends), set[str]()
        while ahead:
            name = ahead.pop()
            if name not in found and name not in known:
                found.add(name)
                ahead += nodes[name].inputs
        return [n for n in self.real.nodes if n.name in found]

    def _steps(self, x: npt.NDArray[Any], walk: _Walk, input_on: bool, step: Callable[[], Any]) -> Reals:
        """The readout of all steps."""
        raw, rounded = self.encoded(x)
        static = self.net.input.static
        given: Any = rounded if input_on else np.asarray(x, np.float64)[None] if static else x
        total: Reals = np.zeros(())
        for t in range(self.real.steps):
            at = 0 if static else t
            walk.begin(raw[at], np.asarray(given[at], np.float64), t)
            step()
            last = self.real.readout
            now = walk.values.get(last.name, total)
            total = total + now if last.kind == "sum" else now
        return total * self.real.readout.share


class _Walk:
    """Values of one run: of the float network, of its integers, and of the float network given only what integers can hold."""

    def __init__(self, mixed: Mixed) -> None:
        self.m, self.t = mixed, -1
        self.states: dict[str, States] = {}
        self.waiting: dict[str, list[Reals]] = {}
        self.values: dict[str, Reals] = {}
        self._given: tuple[Any, Any] = (None, None)
        self._kept: dict[tuple[str, str], tuple[list[Any], Any]] = {}

    def begin(self, raw: Ints, given: Reals, t: int) -> None:
        """A step. Of static samples the same arrays come again, and what follows from them is kept.

        Args:
            raw: the integers that enter. given: what enters in real units. t: the step.
        """
        same = self.m.net.input.static and t > 0
        self._given = self._given if same else (raw, given)
        self.t, self.before, self.values = t, self.values, {}
        self._raw: dict[str, Any] = {}
        self._held: dict[str, Any] = {}

    def node(self, node: Node, on: Switches, seen: Seen | None) -> None:
        """Its value at this step. Arguments as `Mixed.run`."""
        values = self.values
        if isinstance(node, Input):
            values[node.name] = self._given[1]
        elif isinstance(node, Feedback):
            (source,) = node.inputs
            like = self.before.get(source)
            values[node.name] = np.zeros((len(self._given[1]), *node.shape)) if like is None or not self.t else like
        elif isinstance(node, Delay):
            values[node.name] = delayed(node, self.waiting.setdefault(node.name, []), values[node.inputs[0]])
        elif isinstance(node, Neuron | EquationNeuron):
            self._neuron(node, on.get(node.name, NONE), seen)
        elif isinstance(node, Readout):
            values[node.name] = self._entering(node, self.m.readout_scale, on.get(node.name, NONE))
        else:
            values[node.name] = self._again("float", node.name, [values[i] for i in node.inputs], node.real)

    def _neuron(self, node: Neuron | EquationNeuron, parts: Parts, seen: Seen | None) -> None:
        layer, plain = self.m.neurons[node.name], self.values[node.inputs[0]]
        x = self._entering(node, layer.scale, parts)
        raw = self.raw(self.m.made[node.name].inputs[0]) if parts or seen is not None else None
        start = self.states.get(node.name) or layer.start(plain.shape)
        # Without a quantiser the integers' sum is never looked at.
        out, self.states[node.name] = layer.step(start, x, raw if raw is not None else np.zeros(0, np.int64), self.t, parts)
        self.values[node.name] = out
        if seen is not None:
            seen(node.name, self.t, plain, raw, out)

    def _entering(self, node: Node, scale: Any, parts: Parts) -> Reals:
        x = self.values[node.inputs[0]]
        if WEIGHTS not in parts or scale is None:
            return x
        own = self.raw(self.m.made[node.name].inputs[0]) * per_channel(np.atleast_1d(scale), x)
        held = self._holding(node.inputs[0])
        found: Reals = own if held is x else x + (own - held)
        return found

    def raw(self, name: str) -> Any:
        """The integers of a node of the integer network: the nearest to what fired, and what follows of these."""
        if name not in self._raw:
            self._raw[name] = self._raw_of(name)
        return self._raw[name]

    def _raw_of(self, name: str) -> Any:
        node = self.m.made[name]
        if name == self.m.net.input.name:
            return self._given[0]
        if name in self.values and (node.fires or isinstance(node, IntFeedback)):
            return np.rint(self.values[name] * 2.0**node.format.frac).astype(np.int64)
        inputs = [self.raw(i) for i in node.inputs]
        if isinstance(node, IntNeuron):  # it brings the sums of a readout to one scale
            return integer_step(node.program, inputs[0], {})[0]
        return self._again("raw", name, inputs, node.value)

    def _holding(self, name: str) -> Any:
        """The float value of a node, given only what integers can hold; the very value where all that is given can be held."""
        if name not in self._held:
            node, value = next(n for n in self.m.real.nodes if n.name == name), self.values[name]
            if isinstance(node, Input | Feedback | Delay | Neuron | EquationNeuron):
                unit = self.m.net.input.unit if isinstance(node, Input) else 2.0 ** -self.m.made[name].format.frac
                held = self.raw(name) * np.float64(unit)
                self._held[name] = value if np.array_equal(held, value) else held
            else:
                inputs = [self._holding(i) for i in node.inputs]
                same = all(a is self.values[i] for a, i in zip(inputs, node.inputs, strict=True))
                self._held[name] = value if same else self._again("held", name, inputs, node.real)
        return self._held[name]

    def _again(self, kind: str, name: str, inputs: Sequence[Any], value: Callable[[Sequence[Any]], Any]) -> Any:
        """What follows from the inputs; not computed again where they are the arrays of the step before."""
        known = self._kept.get((kind, name))
        if known is None or not all(a is b for a, b in zip(known[0], inputs, strict=True)):
            known = self._kept[kind, name] = (list(inputs), value(inputs))
        return known[1]


def fed_by(real: Network, layer: str) -> list[Synapse]:
    """The synaptic layers that lead from neurons, or the input, to a neuron layer or the readout."""
    nodes = {n.name: n for n in real.nodes}
    ahead, found = list(nodes[layer].inputs), dict[str, Synapse]()
    while ahead:
        node = nodes[ahead.pop()]
        if isinstance(node, Input | Feedback | Delay | Neuron | EquationNeuron):
            continue
        if isinstance(node, Synapse):
            found[node.name] = node
        ahead += node.inputs
    return [n for n in real.nodes if isinstance(n, Synapse) and n.name in found]


def all_on(mixed: Mixed, without: Mapping[str, Parts] | None = None) -> dict[str, Parts]:
    """Switches with which every quantiser is on, but for some.

    Args:
        mixed: says the layers. without: by layer, those that are off.
    """
    off = without or {}
    return {name: ALL - off.get(name, NONE) for name in (*mixed.neurons, mixed.real.readout.name)}

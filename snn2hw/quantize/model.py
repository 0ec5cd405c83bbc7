"""The prepared model: the integer network as a torch module, and the integer network that it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.backends.torch.executor import FLOAT32_EXACT
from snn2hw.errors import ArtefactError, ShapeError, UnsupportedError, WidthError
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron, IntNode, IntReadout
from snn2hw.ir.program import SPIKES
from snn2hw.ir.ranges import ranges
from snn2hw.ir.rules import check_integer
from snn2hw.ir.text import to_text
from snn2hw.layers import (
    IntSynapse,
)
from snn2hw.layers.base import SUM_BITS
from snn2hw.num import Format, Interval
from snn2hw.passes.base import Options
from snn2hw.passes.equations import LoweredEquation
from snn2hw.passes.legalise import Legalise
from snn2hw.passes.narrow import Narrow
from snn2hw.quantize.constants import with_constants
from snn2hw.quantize.equation import QuantisedEquation
from snn2hw.quantize.neuron import QuantisedNeuron
from snn2hw.quantize.recurrent import Echo, Loop, loops_of
from snn2hw.quantize.synapse import Synapse
from snn2hw.quantize.template import Template
from snn2hw.quantize.values import LAYERS, aligned, payloads, undefined
from snn2hw.trace import Trace

AnyNeuron: TypeAlias = QuantisedNeuron | QuantisedEquation


class Prepared(torch.nn.Module):
    """logits [T, N, classes] of samples [T, N, ...], or [N, classes] where the model ends in a `nn.Readout`: forwards the
    integer network of `integers()`, bit for bit.

    logits = raw integers of the readout * their scale, the nearest float32. Train it as any torch model, then `snn2hw.compile`
    it: nothing changes any more. Made by `prepare`. In training and evaluation mode it computes the same.

    Args:
        template: the network whose constants move. layers: the synapses and neurons, by name of their node.
        bounds: the largest magnitude of every node's value, whatever is learned.
    """

    fingerprint: Tensor

    def __init__(self, template: Template, layers: Mapping[str, Synapse | AnyNeuron], bounds: dict[str, int]) -> None:
        super().__init__()
        self.template, self.bounds = template, bounds
        self.layers = torch.nn.ModuleDict({_key(name): layer for name, layer in layers.items()})
        self.register_buffer("fingerprint", _fingerprint(template.done.network))
        self._loops = loops_of(self._net.nodes)
        self._inside = frozenset(name for loop in self._loops.values() for name in loop.inside)
        scale = template.done.scales[self._net.readout.name]
        self.logit_scale = float(scale.values[0])
        self.integers()  # what does not fit the target is said here, not after the training

    @property
    def readout_scale(self) -> float:
        """The real value of one unit of the readout."""
        return self.logit_scale * self.template.done.real.readout.share

    @property
    def steps(self) -> int:
        """T."""
        return self._net.steps

    @property
    def target(self) -> str:
        """Name of the target whose widths and rounding it keeps."""
        return self._net.target

    @property
    def options(self) -> Options:
        """Widths and scales that it was prepared with."""
        return self.template.done.options

    @property
    def _net(self) -> IntegerNetwork:
        return self.template.done.network

    def forward(self, x: Tensor) -> Tensor:
        """Logits [T, N, classes], float32; [N, classes] where the model ends in a `nn.Readout`.

        Raises:
            ShapeError: another number of steps, or steps that differ where one sample is shown at all of them.
            ValueRangeError: input outside its declared range; a parameter that is NaN or infinite.
            WidthError: learning has driven a synaptic sum out of what the neuron program is proved for.
        """
        logits = self._readout(x).float() * self.logit_scale
        every, readout = logits.expand(self.steps, *logits.shape[1:]), self.template.done.real.readout
        if not readout.reduced:
            return every
        return every.sum(0) * readout.share if readout.kind == "sum" else every[-1]

    def _readout(self, x: Tensor) -> Tensor:
        """Raw integers of the readout, [T, N, classes], or [1, N, classes] where every step has the same."""
        net = self._net
        values = {net.input.name: self._encoded(x)}
        wrong: dict[str, Tensor] = {}
        for node in net.nodes[1:]:
            if node.name in self._inside:
                continue
            if node.name in self._loops:
                values[node.name] = self._recurrent(self._loops[node.name], values)
            elif isinstance(node, IntNeuron) and _key(node.name) not in self.layers:
                values[node.name] = aligned(node, values[node.inputs[0]])
                continue
            else:
                values[node.name] = self._value(node, [values[i] for i in node.inputs])
            if isinstance(node, IntNeuron):
                wrong[node.name] = self._neuron(node.name).wrong
        self._check(wrong)
        return values[net.readout.name]

    def _recurrent(self, loop: Loop, values: Mapping[str, Tensor]) -> Tensor:
        """What the neuron of a layer that hears itself fires at all steps."""
        synapse, x = self.layer(loop.synapse.name), values[loop.entering]
        assert isinstance(synapse, Synapse)

        def joined(entering: Tensor, heard: Tensor) -> Tensor:
            return self._value(loop.join, [heard, entering][:: 1 if loop.place == 0 else -1])

        fired: Tensor = self._neuron(loop.neuron.name)(x, Echo(x, synapse, joined, loop.factor))
        return fired

    @torch.no_grad()
    def trace(self, x: Tensor) -> Trace:
        """Every spike, state and the readout of this very forward on x [T, N, ...], as `snn2hw.simulate` gives them."""
        neurons = {n.name: self._neuron(n.name) for n in self._net.neurons if _key(n.name) in self.layers}
        arrays: dict[str, npt.NDArray[np.int64]] = {}
        try:
            for layer in neurons.values():
                layer.recorded = []
            raw = self._readout(x)
            for name, layer in neurons.items():
                payload, states = layer.recorded or (None, None)
                assert payload is not None
                assert states is not None
                arrays[f"spikes/{name}"] = _integers(payload)
                named = next(n for n in self._net.neurons if n.name == name).program.states
                arrays |= {f"states/{name}.{s}": _integers(v) for s, v in zip(named, states, strict=True)}
        finally:
            for layer in neurons.values():
                layer.recorded = None
        logits = _integers(raw.expand(self.steps, *raw.shape[1:]))
        arrays |= {f"spikes/{n.name}": logits for n in self._net.neurons if n.name not in neurons}  # all that it has is read
        readout = logits.sum(0) if self._net.readout.kind == "sum" else logits[-1]
        return Trace.from_arrays({"readout": readout, **arrays}, "prepared model")

    def integers(self) -> IntegerNetwork:
        """The integer network that `forward` computes now.

        Raises:
            WidthError, UnsupportedError: learning has driven it out of the target's widths.
        """
        known: dict[str, IntNode] = {}
        for node in self._net.nodes:
            if isinstance(node, IntFeedback):
                known[node.name] = self._edge_now(node)
                continue
            sources = [known[i] for i in node.inputs]
            known[node.name] = self._now(node, sources)
        done = self.template.done
        now = replace(done, integer=replace(self._net, nodes=tuple(known.values())))
        narrow = Narrow().run(now)
        check_integer(narrow.network)
        return Legalise().run(narrow).network

    def _now(self, node: IntNode, sources: list[IntNode]) -> IntNode:
        if isinstance(node, IntSynapse):
            layer = self.layer(node.name)
            assert isinstance(layer, Synapse)
            weight, bias = layer.integers()
            node = replace(node, weight=weight, bias=bias)
        elif isinstance(node, IntNeuron) and _key(node.name) not in self.layers:
            node = replace(node, program=with_constants(node.program, {}, sources[0].interval))
        elif isinstance(node, IntNeuron):
            node = self._neuron_now(node, sources[0].interval)
        interval = node.interval_from(sources) if sources else node.interval
        width = max(SUM_BITS, Format.holding(interval, 0).width)
        return replace(node, interval=interval, format=Format(width, node.format.frac, True))

    def _edge_now(self, node: IntFeedback) -> IntFeedback:
        """What fires is known before its sums are; of a neuron that a user wrote it follows the numbers in its output."""
        neuron, interval = self._neuron(node.inputs[0]), node.interval
        if isinstance(neuron, QuantisedEquation):
            program = _lowered(neuron, node).program
            interval = ranges(program)[program.outputs[SPIKES].name].hull(Interval(0, 0))
        return replace(node, interval=interval, format=Format(SUM_BITS, node.format.frac, True))

    def _neuron_now(self, node: IntNeuron, sums: Interval) -> IntNeuron:
        neuron = self._neuron(node.name)
        if isinstance(neuron, QuantisedEquation):
            made = _lowered(neuron, node)
            return replace(node, program=with_constants(made.program, {}, sums), equation=made.meaning)
        now = neuron.now()
        if not bool(now.finite):
            raise undefined(node.source or node.name)
        constants = {name: tuple(raw.tolist()) for name, raw in now.raw.items()}
        node = replace(node, program=with_constants(node.program, constants, sums))
        if node.meaning is None:
            return node
        return replace(node, meaning=replace(node.meaning, coefficients=tuple(map(tuple, now.a.detach().tolist()))))

    def layer(self, name: str) -> torch.nn.Module:
        """The synapse or neuron layer that the node of this name is."""
        return self.layers[_key(name)]

    def _neuron(self, name: str) -> AnyNeuron:
        layer = self.layer(name)
        assert isinstance(layer, AnyNeuron)
        return layer

    def _value(self, node: IntNode, x: list[Tensor]) -> Tensor:
        if isinstance(node, IntSynapse | IntNeuron):
            y: Tensor = self.layer(node.name)(x[0])
            return y
        if self.bounds[node.name] >= FLOAT32_EXACT:
            x = [v.double() for v in x]
        largest = max(n.interval.magnitude for n in self._net.nodes if n.name in node.inputs)
        return x[0] if isinstance(node, IntReadout) else LAYERS[type(node)](node, x, largest)

    def _encoded(self, x: Tensor) -> Tensor:
        """Raw integers [T, N, ...], or [1, N, ...] where all steps are the same."""
        source = self._net.input
        if x.ndim != len(source.shape) + 2 or tuple(x.shape[2:]) != source.shape or len(x) != self.steps:
            raise ShapeError(
                "the input has another shape than the prepared model",
                where=f"input '{source.name}'",
                got=str(list(x.shape)),
                expected=f"[{self.steps}, N, {', '.join(map(str, source.shape))}]",
                do=self._other_shape(x),
            )
        if x.shape[1] == 0:
            raise ShapeError(
                "there are no samples",
                where=f"input '{source.name}'",
                got=str(list(x.shape)),
                expected="at least one",
                do="give at least one sample",
            )
        if source.static:
            if x.stride(0) != 0 and not bool((x == x[:1]).all()):
                raise ShapeError(
                    "the steps differ, but the model was prepared for one sample shown at all of them",
                    where=f"input '{source.name}'",
                    got="[T, N, ...] with differing steps",
                    expected=f"nn.repeat(x, {self.steps})",
                    do="prepare it with a temporal sample [T, N, ...] and steps=None",
                )
            x = x[:1]
        return payloads(source, x)

    def _other_shape(self, x: Tensor) -> str:
        """What to do about an input of another shape."""
        source = self._net.input
        without_steps = source.static and tuple(x.shape[1:]) == source.shape
        if tuple(x.shape[2:]) != source.shape and not without_steps:
            return f"give samples {list(source.shape)}, as the sample it was prepared with had"
        if source.static:
            return f"show them for {self.steps} steps: train.fit(..., steps={self.steps}), or nn.repeat(samples, {self.steps})"
        return "bin events into as many steps, or prepare the float model with samples of these"

    def _check(self, wrong: dict[str, Tensor]) -> None:
        if not wrong or not bool(torch.stack(list(wrong.values())).any()):
            return
        name = next(name for name, here in wrong.items() if bool(here))
        if any(not bool(p.isfinite().all()) for p in self.parameters()):
            raise undefined(name)
        raise WidthError(
            "learning has driven a synaptic sum out of what the neuron program holds",
            where=name,
            got="a larger sum",
            expected=f"sums within {self._neuron(name).sums}",
            do="train with a smaller learning rate or more weight decay, or train the float model on and prepare that",
        )

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        given = state_dict.get(f"{prefix}fingerprint")
        if given is not None and not torch.equal(given.cpu(), self.fingerprint.cpu()):
            raise ArtefactError(
                "the state is that of a model that was prepared differently",
                where="load_state_dict",
                got=_hex(given),
                expected=_hex(self.fingerprint),
                do="prepare the same trained model with the same sample, target and options, then load",
            )
        super()._load_from_state_dict(state_dict, prefix, *rest)


def is_prepared(model: Prepared) -> UnsupportedError:
    """The error of a prepared model where a float one is needed."""
    return UnsupportedError(
        "the model is prepared already: its forward is its integer network",
        where=type(model).__name__,
        got="what `snn2hw.quantize.prepare` made",
        expected="a float model",
        do="give the float model that it was prepared from; `snn2hw.compile` takes the prepared one as it is",
    )


def _lowered(neuron: QuantisedEquation, node: IntNode) -> LoweredEquation:
    if any(not bool(p.isfinite().all()) for p in neuron.parameters()):
        raise undefined(node.source or node.name)
    return neuron.lowered()


def _integers(x: Tensor) -> npt.NDArray[np.int64]:
    whole: npt.NDArray[np.int64] = x.round().long().cpu().numpy()
    return whole


def _key(name: str) -> str:
    """A module path as one name: torch keeps the dot, and the names of a dictionary's methods, for itself."""
    key = name.replace(".", "/")
    return f"{key}/" if hasattr(torch.nn.ModuleDict, key) or hasattr(torch.nn.Module(), key) else key


def _fingerprint(net: IntegerNetwork) -> Tensor:
    text, arrays = to_text(net)
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        digest.update(arrays[name].tobytes())
    return torch.tensor(list(digest.digest()), dtype=torch.uint8)


def _hex(fingerprint: Tensor) -> str:
    return bytes(fingerprint.cpu().tolist()).hex()[:12]

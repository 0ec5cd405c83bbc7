"""Layers that hear themselves: which nodes of a network they are, and what such a layer hears.

    sums[t] = join(x[t], synapse(s[t-1]))        s[t] = neuron(sums[t]), s[-1] = 0

Forwards the layer is stepped through T in integers. What a synapse makes of all steps is then known at once, and so is what its
weights learn; only the gradient of s runs back from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntFeedback, IntNeuron, IntNode
from snn2hw.layers import IntAdd, IntSynapse
from snn2hw.nn.steps_at_once import Hears
from snn2hw.quantize.stepping import Entering
from snn2hw.quantize.synapse import Synapse


@dataclass(frozen=True)
class Loop:
    """The nodes of a recurrent layer: what the neuron fired, through the synapse, added to what enters.

    Args:
        back, synapse, join, neuron: each reads the one before it, and `back` the neuron, a step later.
        place: of the synapse among the two that are joined.
    """

    back: IntFeedback
    synapse: IntSynapse
    join: IntAdd
    neuron: IntNeuron
    place: int

    @property
    def entering(self) -> str:
        """The name of what enters from outside."""
        return self.join.inputs[1 - self.place]

    @property
    def inside(self) -> tuple[str, str, str]:
        """The nodes whose values nobody else takes."""
        return self.back.name, self.synapse.name, self.join.name

    @property
    def factor(self) -> int:
        """What the join multiplies the synapse's sums by."""
        return self.join.factors[self.place]


def loops_of(nodes: Sequence[IntNode]) -> dict[str, Loop]:
    """The recurrent layers of a network, by the name of their neuron.

    Raises:
        UnsupportedError: a recurrent edge of another form.
    """
    edges = [n for n in nodes if isinstance(n, IntFeedback)]
    return {loop.neuron.name: loop for loop in (_loop(edge, nodes) for edge in edges)}


def _loop(edge: IntFeedback, nodes: Sequence[IntNode]) -> Loop:
    synapse = _reader(edge, nodes)
    join = None if synapse is None else _reader(synapse, nodes)
    neuron = None if join is None else _reader(join, nodes)
    if isinstance(synapse, IntSynapse) and isinstance(join, IntAdd) and isinstance(neuron, IntNeuron):
        place = join.inputs.index(synapse.name)
        if edge.inputs == (neuron.name,) and join.inputs[1 - place] != synapse.name:
            return Loop(edge, synapse, join, neuron, place)
    raise UnsupportedError(
        "a recurrent edge of this form is not trained on integers",
        where=edge.source or edge.name,
        got=f"what '{edge.inputs[0]}' fired reaches " + (", ".join(n.name for n in _readers(edge, nodes)) or "nothing"),
        expected="a layer that hears itself: neuron -> synapse -> sum -> neuron, each read by nothing else",
        do="write it as nn.Recurrent(neuron, synapse), or train it in floats and compile it",
    )


def _readers(node: IntNode, nodes: Sequence[IntNode]) -> Iterator[IntNode]:
    return (n for n in nodes if node.name in n.inputs)


def _reader(node: IntNode, nodes: Sequence[IntNode]) -> IntNode | None:
    """The one node that reads a node; None where there are more, or none."""
    found = list(_readers(node, nodes))
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True)
class Echo:
    """What a layer hears of itself, added to what enters.

    Args:
        x: what enters, raw [T or 1, N, C, ...]. synapse: its own.
        join: adds what enters and what the synapse makes, [T, N, C, ...]. factor: what it multiplies the latter by.
    """

    x: Tensor
    synapse: Synapse
    join: Callable[[Tensor, Tensor], Tensor]
    factor: int

    @torch.no_grad()
    def entering(self) -> Entering:
        """The sums of a step, from what fired before it."""
        w, b = self.synapse.weights()

        def sums(t: int, fired: Tensor | None) -> Tensor:
            at = self.x[t if len(self.x) > 1 else 0]
            before = torch.zeros_like(at) if fired is None else fired
            return self.join(at[None], self.synapse.applied(before[None], w, b))[0]

        return sums

    def sums(self, fired: Tensor) -> Tensor:
        """Those of all steps [T, N, C, ...], of what fired at each; differentiable in x, weights and biases."""
        before = torch.cat([torch.zeros_like(fired[:1]), fired[:-1]]).detach()
        return self.join(self.x, self.synapse(before))

    @torch.no_grad()
    def hears(self, of_sums: Tensor, of_fired: float) -> Hears:
        """What the gradient of the neuron's input adds to that of its output a step before, both in real units.

        Args:
            of_sums: the real value of a raw unit of the sums, as it broadcasts to [C, ...].
            of_fired: the real value of a raw unit of what fires.
        """
        w, factor = self.synapse.weights()[0], of_sums * (self.factor / of_fired)
        return lambda g: self.synapse.back(g * factor, w.to(g.dtype))

"""One row for each layer of an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snn2hw.estimation.counts import Counts
from snn2hw.estimation.energy import Energy
from snn2hw.estimation.quantity import Quantity
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.shown import brief


@dataclass(frozen=True)
class LayerEstimate:
    """What one layer does in a sample, on average.

    Args:
        kind: of the layer. source: where it came from. shape: of its value at a step.
        weights, zeros: stored weights, and those that are 0. macs: products of a step if nothing were 0.
        operations: synaptic operations. by_step: the same of each step, of neurons their spikes.
        graded: of the operations, those with a value other than -1 and 1.
        by_spike: additions if a graded value were sent as the spikes that it is made of.
        rate: share of its values that are not 0, of neurons. spikes: fired, each of those of a step by itself.
        instructions: of its program, of one neuron at one step. state_bits: of one neuron.
        energy: J; None where nothing is public.
    """

    kind: str
    source: str
    shape: tuple[int, ...]
    weights: int = 0
    zeros: int = 0
    macs: int = 0
    operations: float = 0.0
    by_step: tuple[float, ...] = ()
    graded: float = 0.0
    by_spike: float = 0.0
    rate: float | None = None
    spikes: float = 0.0
    instructions: int = 0
    state_bits: int = 0
    energy: Quantity | None = None

    __repr__ = brief


def layers_of(net: IntegerNetwork, counts: Counts, found: Energy | None) -> Mapping[str, LayerEstimate]:
    """A row for each layer with weights or neurons, and each product of two streams, in order.

    Args:
        net: the network. counts: of samples. found: its energy, where there are prices.
    """
    rows, n = dict[str, LayerEstimate](), counts.samples
    prices = found.layers if found is not None else {}
    for node in net.nodes:
        if node.name in counts.synapses:
            s = counts.synapses[node.name]
            rows[node.name] = LayerEstimate(
                type(node).__name__.removeprefix("Int"),
                node.source,
                node.shape,
                weights=s.weights,
                zeros=s.zeros,
                macs=s.dense,
                operations=int(s.operations.sum()) / n,
                by_step=tuple((s.operations / n).tolist()),
                graded=int(s.graded.sum()) / n,
                by_spike=int(s.by_spike.sum()) / n,
                energy=prices.get(node.name),
            )
        elif isinstance(node, IntNeuron):
            c = counts.neurons[node.name]
            rows[node.name] = LayerEstimate(
                c.kind,
                node.source,
                node.shape,
                by_step=tuple((c.spikes / n).tolist()),
                rate=int(c.sent.sum()) / (n * net.steps * c.neurons),
                spikes=int(c.spikes.sum()) / n,
                instructions=sum(c.instructions.values()),
                state_bits=c.state_bits,
                energy=prices.get(node.name),
            )
    return rows

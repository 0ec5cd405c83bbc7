"""What the counted operations cost in energy, layer by layer, with the span that the sources leave.

    synapses    operations * synaptic_operation, or: values of -1 and 1 * addition, others * (multiplication + addition);
                besides operations * weight_read
    neurons     those whose state changed * neuron_update, the others * neuron_update_idle; or, where a target has no
                price for a neuron, every instruction of its program * addition or multiplication, and * state_access
                for each state that is read and written
    spikes      values that a layer sends, once for every core that they are sent to, * spike
    all         power * time, of a chip whose power is all that is published

What a target has no price for is left out, and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from snn2hw.estimation.counts import Counts, NeuronCounts, SynapseCounts
from snn2hw.estimation.quantity import Quantity
from snn2hw.ir.program import Op
from snn2hw.shown import brief
from snn2hw.target import Chip

JOULE = "J"


@dataclass(frozen=True)
class Energy:
    """What a sample costs.

    Args:
        layers: by the name of a layer, of those with a price. parts: synapses, neurons, spikes.
        left_out: what the target has no price for, in words.
    """

    layers: Mapping[str, Quantity]
    parts: Mapping[str, Quantity]
    left_out: tuple[str, ...]

    __repr__ = brief

    @property
    def total(self) -> Quantity | None:
        """Of a sample, all of its steps; None where nothing has a price."""
        return Quantity.sum(self.parts.values())


def prices_of(chip: Chip) -> dict[str, Quantity]:
    """What an operation costs on a target, by the field of [energy]; empty where nobody has published it."""
    return {name: Quantity.of(fact, JOULE) for name, fact in chip.energy.items() if name not in ("idle", "busy")}


def energy(counts: Counts, chip: Chip, destinations: Mapping[str, float] | None = None) -> Energy | None:
    """Energy of one of the counted samples, on average; None where the target has no price of an operation.

    Args:
        counts: of samples. chip: with its section [energy].
        destinations: of a layer's values, to how many cores each is sent; 1 of a layer that is not in it.
    """
    prices = prices_of(chip)
    if not prices:
        return None
    synapses = dict(_synapses(counts, prices))
    neurons = dict(_neurons(counts, prices))
    spikes = dict(_spikes(counts, prices, destinations or {}))
    kinds = {"synapses": synapses, "neurons": neurons, "spikes": spikes}
    parts = {kind: total for kind, found in kinds.items() if (total := Quantity.sum(found.values())) is not None}
    names = dict.fromkeys(name for found in kinds.values() for name in found)
    layers = {name: Quantity.sum(found[name] for found in kinds.values() if name in found) for name in names}
    given = {name: q for name, q in layers.items() if q is not None}
    left_out = [f"energy of {kind}" for kind in kinds if kind not in parts]
    left_out += ["energy of the way from core to core: how cores lie on the chip is not public"] * any("hop" in p for p in prices)
    return Energy(given, parts, tuple(left_out))


def _synapses(counts: Counts, prices: Mapping[str, Quantity]) -> Iterator[tuple[str, Quantity]]:
    for name, layer in counts.synapses.items():
        terms = [prices[kind].times(n) for kind, n in synaptic(layer, prices, counts.samples).items()]
        if (total := Quantity.sum(terms)) is not None:
            yield name, total


def synaptic(layer: SynapseCounts, prices: Mapping[str, Quantity], samples: int) -> dict[str, float]:
    """How often a layer with weights does what has a price, in one sample.

    Args:
        layer: its counts. prices: by the field of [energy]. samples: how many were counted.
    """
    single, graded = int(layer.single.sum()) / samples, int(layer.graded.sum()) / samples
    if "synaptic_operation" in prices:
        found = {"synaptic_operation": single + graded}
    elif "addition" in prices and ("multiplication" in prices or not graded):
        found = {"addition": single + graded, "multiplication": graded}
    else:
        return {}
    if "weight_read" in prices:
        found["weight_read"] = single + graded
    return {kind: n for kind, n in found.items() if kind in prices}


def _neurons(counts: Counts, prices: Mapping[str, Quantity]) -> Iterator[tuple[str, Quantity]]:
    for name, layer in counts.neurons.items():
        terms = [prices[kind].times(n) for kind, n in updating(layer, prices, counts).items()]
        if (total := Quantity.sum(terms)) is not None:
            yield name, total


def updating(layer: NeuronCounts, prices: Mapping[str, Quantity], counts: Counts) -> dict[str, float]:
    """How often a layer of neurons does what has a price, in one sample.

    Args:
        layer: its counts. prices: by the field of [energy]. counts: that they are of.
    """
    every = float(layer.neurons * counts.steps)
    if "neuron_update" in prices:
        active = int(layer.changed.sum()) / counts.samples if "neuron_update_idle" in prices else every
        return {k: n for k, n in {"neuron_update": active, "neuron_update_idle": every - active}.items() if k in prices}
    if not {"addition", "multiplication"} <= set(prices):
        return {}
    products = layer.instructions.get(Op.MUL.value, 0)
    found = {"addition": (sum(layer.instructions.values()) - products) * every, "multiplication": products * every}
    if "state_access" in prices:
        found["state_access"] = 2 * layer.states * every
    return found


def _spikes(counts: Counts, prices: Mapping[str, Quantity], destinations: Mapping[str, float]) -> Iterator[tuple[str, Quantity]]:
    if "spike" in prices:
        for name, layer in counts.neurons.items():
            yield name, prices["spike"].times(int(layer.sent.sum()) / counts.samples * destinations.get(name, 1.0))

"""Which integers of a prepared model are not about what they stand for: a model -> findings."""

from __future__ import annotations

from collections.abc import Iterator

from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Circulate, Neuron
from snn2hw.passes.findings import Finding, changed_negatives
from snn2hw.quantize.model import Prepared


def losses(model: Prepared, made: IntegerNetwork) -> Iterator[Finding]:
    """Amplitudes of negative spikes, learned or given, that the integers round to 0 or to something else.

    Args:
        model: as it is now. made: its `integers()`.
    """
    programs = {n.name: n.program for n in made.nodes if isinstance(n, IntNeuron)}
    for node in model.template.done.real.nodes:
        if isinstance(node, Neuron) and isinstance(node.firing, Circulate) and node.firing.own_negative:
            amplitudes = model.negatives(node.name)
            yield from changed_negatives(node, amplitudes, programs[node.name], learned=node.firing.finest)

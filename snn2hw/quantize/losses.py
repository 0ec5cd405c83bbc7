"""What the integers of a prepared model lose of what they stand for, as they are now: a model -> findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from torch import Tensor

from snn2hw import layers
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Circulate, EquationNeuron, Neuron, Reals, Single
from snn2hw.layers import IntSynapse
from snn2hw.passes.findings import Finding, LostConstant
from snn2hw.passes.lower import neuron_losses
from snn2hw.passes.synapse import lost_channels
from snn2hw.passes.too_large import too_large
from snn2hw.quantize.model import Prepared
from snn2hw.quantize.neuron import QuantisedNeuron
from snn2hw.quantize.synapse import Synapse


def losses(model: Prepared, made: IntegerNetwork) -> Iterator[Finding]:
    """What `snn2hw.compile` finds of a float model, here of the weights, biases and neurons that training has left.

    Args:
        model: as it is now. made: its `integers()`.
    """
    done = model.template.done
    yield from too_large(done.real, done.target)
    yield from (f for f in done.findings if isinstance(f, LostConstant))
    for node in done.real.nodes:
        if isinstance(node, layers.Synapse):
            yield from _of_weights(node, model, made)
    for node in done.real.nodes:
        if isinstance(node, Neuron | EquationNeuron):
            yield from _of_neuron(node, model, made)


def _of_weights(node: layers.Synapse, model: Prepared, made: IntegerNetwork) -> Iterator[Finding]:
    layer, done, (source,) = model.layer(node.name), model.template.done, node.inputs
    nodes = {n.name: n for n in made.nodes}
    now, entering = nodes[node.name], nodes[source].interval
    assert isinstance(layer, Synapse)
    assert isinstance(now, IntSynapse)
    trained = replace(node, weight=_reals(layer.weight), bias=_reals(layer.bias))
    exponents = done.scales[node.name].exponents
    yield from lost_channels(trained, now.weight, exponents, entering, done.scales[source], done, trained=True)


def _of_neuron(node: Neuron | EquationNeuron, model: Prepared, made: IntegerNetwork) -> Iterator[Finding]:
    now = next(n for n in made.nodes if n.name == node.name)
    assert isinstance(now, IntNeuron)
    if isinstance(node, EquationNeuron):
        assert now.equation is not None
        yield from neuron_losses(node, now.program, now.equation)
        return
    layer = model.layer(node.name)
    assert isinstance(layer, QuantisedNeuron)
    assert now.meaning is not None
    firing, learned = node.firing, tuple[float, ...]()
    if isinstance(firing, Circulate):
        firing = replace(firing, thresholds=layer.neuron.thresholds)
        learned = tuple(a * layer.neuron.negative_amplitude for a in layer.neuron.amplitudes) if firing.finest else ()
    elif isinstance(firing, Single):
        firing = Single(layer.neuron.thresholds[0])
    trained = replace(node, coefficients=np.array(now.meaning.coefficients), firing=firing)
    yield from neuron_losses(trained, now.program, now.meaning, learned)


def _reals(x: Tensor) -> Reals:
    found: Reals = x.detach().cpu().double().numpy()
    return found

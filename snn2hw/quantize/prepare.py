"""prepare: a trained float model becomes one that computes, and learns through, its own integer network."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TypeVar

import numpy.typing as npt
import torch

from snn2hw.backends.base import called
from snn2hw.errors import UnsupportedError
from snn2hw.formats.sample import input_node, stored_or_array
from snn2hw.formats.torch.read import from_torch
from snn2hw.ir.integer import IntFeedback, IntNeuron, UnloweredNeuron
from snn2hw.ir.layout import read_as
from snn2hw.layers import Conv2d, IntConv2d, IntLinear, IntOperator, Linear
from snn2hw.nn.base import Neuron
from snn2hw.nn.custom import CustomNeuron
from snn2hw.passes.base import Options, given_options
from snn2hw.passes.equations.spike_value import SPIKE_VALUE_MAX
from snn2hw.passes.findings import warned
from snn2hw.quantize.constants import moving_constants
from snn2hw.quantize.equation import QuantisedEquation, equation_layer
from snn2hw.quantize.model import AnyNeuron, Prepared, is_prepared
from snn2hw.quantize.neuron import Layer, QuantisedNeuron
from snn2hw.quantize.recurrent import loops_of
from snn2hw.quantize.synapse import Synapse
from snn2hw.quantize.template import Learned, Template, make_template
from snn2hw.quantize.values import LAYERS, factors_of
from snn2hw.run.forks import one_torch_thread
from snn2hw.target import load_target

_Module = TypeVar("_Module", bound=torch.nn.Module)


def prepare(
    model: torch.nn.Module,
    sample: npt.ArrayLike,
    target: str = "generic",
    *,
    steps: int | None = None,
    options: Options | None = None,
    input_range: tuple[float, float] | None = None,
    layout: str | None = None,
) -> Prepared:
    """A copy of a trained model for quantisation-aware training; the model itself is not changed.

    BatchNorm is folded with the statistics it has, so train with it first; the training so far is the warm-up. Weights and
    biases get the power-of-two scales, neurons the binary points that `snn2hw.compile` would choose on the sample, with one bit
    of room to learn; these stay. Weights, biases, coefficients, learned thresholds and learned surrogate widths go on learning.

    Args:
        sample: [N, ...] where the input is static, else [T, N, ...].
        model, steps, target, options, input_range, layout: as in `snn2hw.compile`.

    Raises:
        Snn2hwError: as `snn2hw.compile`; a model that is prepared already; a layer that training on integers has no row for.

    Warns:
        Snn2hwWarning: what quantisation loses before the training: weights of whole channels, a layer that can never fire, a
            synaptic input that is coarser than the state, negative spikes that become worth something else.
    """
    one_torch_thread()
    if isinstance(model, Prepared):
        raise is_prepared(model)
    options = given_options(options)
    x, chosen = read_as(stored_or_array(sample), layout, None, static=steps is not None, stacklevel=2), load_target(target)
    source, t = input_node(x, steps, input_range)
    network = from_torch(model, source, t)
    modules = dict(model.named_modules())
    memo: dict[int, object] = {}  # what the model shares, the copies share: a neuron that is called twice, a surrogate
    copies = {p: copy.deepcopy(m, memo) for p, m in modules.items() if isinstance(m, Neuron | CustomNeuron)}
    neurons = {n.name: _of(copies, n.name) for n in network.neurons}
    learned = {name: _learned(neuron) for name, neuron in neurons.items() if isinstance(neuron, Neuron)}
    template = make_template(network, learned, x, chosen, options)
    layers, bounds = _layers(template, neurons, learned)
    for name, layer in layers.items():
        module = _of(modules, name)
        for parameter in ("weight", "bias"):
            if isinstance(layer, Synapse) and getattr(module, parameter, None) is not None:
                getattr(layer, parameter).requires_grad = getattr(module, parameter).requires_grad
    warned(template.done.findings, stacklevel=2)
    return Prepared(template, layers, bounds).to(_device(model))


def _of(modules: dict[str, _Module], name: str) -> _Module:
    """The module a node comes from, also of a layer that is called again; of a model that is one layer the model itself."""
    path, dot, part = name.rpartition(".")  # the parts of a recurrent layer are named behind its path
    own = f"{path.rsplit('#', maxsplit=1)[0]}{dot}{part}".removeprefix(".")
    return (
        modules.get(name) or modules.get(own) or modules.get(name.rsplit("#", maxsplit=1)[0]) or modules.get(part) or modules[""]
    )


@torch.enable_grad()
def _learned(neuron: Neuron) -> Learned:
    """Every degree of an LNM; of neurons whose decay is learned only that of the decay."""
    negative = neuron.negative is not None and neuron.negative.requires_grad
    return Learned(neuron.learned_degrees, neuron.thetas(neuron.coefficients).requires_grad, negative)


def _layers(
    template: Template, neurons: Mapping[str, Neuron | CustomNeuron], learned: dict[str, Learned]
) -> tuple[dict[str, Synapse | AnyNeuron], dict[str, int]]:
    """The layers that learn, and the largest magnitude of every node's value, whatever they learn."""
    done = template.done
    reals = {n.name: n for n in done.real.nodes}
    layers: dict[str, Synapse | AnyNeuron] = {}
    bounds: dict[str, int] = {}
    loops_of(done.network.nodes)
    for node in done.network.nodes:
        entering = [bounds[i] for i in node.inputs if not isinstance(node, IntFeedback)]
        if isinstance(node, IntFeedback):
            custom = isinstance(neurons[node.inputs[0]], CustomNeuron)
            bounds[node.name] = max(SPIKE_VALUE_MAX if custom else 0, node.interval.magnitude)
        elif isinstance(node, IntConv2d | IntLinear):
            folded = reals[node.name]
            assert isinstance(folded, Conv2d | Linear)
            leaving = done.scales[node.name]
            bias_scale = 1.0 / leaving.values
            weight_scale = done.scales[node.inputs[0]].values[0] * bias_scale
            limit = 2 ** (min(done.options.bits_of(node.name), done.target.lowering.weight_bits) - 1) - 1
            synapse = layers[node.name] = Synapse(folded, node, weight_scale, bias_scale, limit, entering[0])
            bounds[node.name] = synapse.bound
        elif isinstance(node, IntNeuron) and node.name not in neurons:  # it aligns the classes of a readout
            bounds[node.name] = entering[0] * int(max(factors_of(node)))
        elif isinstance(node, IntNeuron):
            factor, neuron = tuple(done.scales[node.inputs[0]].values.tolist()), neurons[node.name]
            if isinstance(neuron, CustomNeuron):
                before, source = template.quantised[node.name], template.quantised[node.inputs[0]]
                assert isinstance(before, UnloweredNeuron)
                of_equation = equation_layer(before, source, done.target.lowering, done.state_bits(node.name), factor)
                layers[node.name] = QuantisedEquation(neuron, of_equation, done.network.steps)
                bounds[node.name] = max(SPIKE_VALUE_MAX, node.interval.magnitude)
                continue
            what, lowered_for = learned[node.name], template.lowered_for[node.name]
            now = neuron.coefficients.detach().cpu().double().numpy()
            amplitudes = neuron.amplitudes if what.negative else ()
            moving = (what.columns, neuron.firing.shape, what.thresholds, amplitudes)
            constants = moving_constants(node, lowered_for, now, *moving, done.target.lowering)
            layer = Layer(node.program, constants, factor, node.format.frac)
            layers[node.name] = QuantisedNeuron(neuron, layer, done.network.steps)
            bounds[node.name] = node.interval.magnitude
        elif isinstance(node, IntOperator):
            if type(node) not in LAYERS:
                raise UnsupportedError(
                    "training on integers does not know this layer",
                    where=node.source or node.name,
                    got=called(type(node)),
                    expected=", ".join(map(called, LAYERS)),
                    do="train the float model and compile it, or enter a row in snn2hw.quantize.values.LAYERS",
                )
            bounds[node.name] = node.reach(entering)
        else:
            bounds[node.name] = entering[0] if entering else node.interval.magnitude
    return layers, bounds


def _device(model: torch.nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))

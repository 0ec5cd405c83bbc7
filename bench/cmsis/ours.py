"""A layer in the generated C, with LIF neurons behind it: one step on binary inputs; spikes and states are the reference's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch

import snn2hw
from bench.cmsis.layers import ACTIVITIES, LIKELY, Bytes, Kind, Layer, Ours
from snn2hw import nn
from snn2hw.backends.c.folder import c_folder, entering
from snn2hw.backends.c.memory import memory, of_a_step, sums_elements
from snn2hw.backends.c.neuron_code import kept_parameters
from snn2hw.backends.c.plan import Value, state_types, type_bytes
from snn2hw.backends.c.portable_sums import kept_arguments, neurons_of_a_place
from snn2hw.backends.reference import interpret
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.estimation.emulated import Machine, compiled
from snn2hw.estimation.microcontroller import OPTIMISED, SOURCES
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.native.templates import filled, template
from snn2hw.simplification import simplified_network
from snn2hw.trace import Ints

STEPS = 3  # that a layer runs one after another, so that its neurons also start from what a step left
FILES = ("-ffunction-sections", "-fdata-sections")  # what only the rest of the network needs is left out
THRESHOLD = 0.5  # at which some neurons fire and some do not, at every activity


@dataclass(frozen=True)
class _Built:
    """A layer's C, with what is called in it.

    Args:
        net: the network around the layer. files: of its folder. neuron: its neurons; number: of their functions.
        source, fired: what enters, and what they fire. kept: C types of their states. groups: of the layer, whose sums are
            taken one after another. sums: of a group and place, and the list of active inputs behind them, elements.
    """

    net: IntegerNetwork
    files: dict[str, str]
    neuron: IntNeuron
    number: int
    source: Value
    fired: Value
    kept: list[str]
    groups: int
    sums: int

    @property
    def given(self) -> list[int]:
        """Bytes of the input, the spike values, the sums, and each state."""
        out = self.fired
        sizes = [(self.source.type, prod(self.net.input.shape)), (out.type, out.places * out.channels), ("int32_t", self.sums)]
        return [type_bytes(kind) * n for kind, n in (*sizes, *((kind, out.places * out.channels) for kind in self.kept))]

    def machine(self, calls: str, cpu: str) -> Machine:
        """A CPU with a program that calls this and nothing else."""
        types = {"INPUT": self.source.type, "OUTPUT": self.fired.type, "STATES": kept_parameters(self.kept)}
        main = filled(template(Path(__file__).with_name("layer.c")), {**types, "CALLS": calls})
        arguments = [OPTIMISED, *FILES, "main.c"]
        return Machine(compiled("the C of a layer", cpu, "layer", {**self.files, "main.c": main}, arguments))


def run(layer: Layer, cpu: str, bits: int) -> Ours:
    """A layer with weights of so many bits.

    Raises:
        ExecutorUnavailableError: no compiler, one that fails, or spikes or states that are not those of the reference.
    """
    built = _built(layer, bits)
    k, further = built.number, kept_arguments(built.kept)
    whole = built.machine(f"    layer_{k}(in, out, sums{further});", cpu)
    where = f"{layer.name} on {cpu}, weights of {bits} bits"
    counted = {percent: _steps(built, whole, active(layer, percent), where) for percent in ACTIVITIES}
    each = built.fired.channels // built.groups
    updates = neurons_of_a_place(k, each, "sums", 0, "place", f"g * {each}", " " * 12, further)
    every = f"    for (int place = 0; place < {built.fired.places}; ++place)\n        for (int g = 0; g < {built.groups}; ++g)\n"
    alone = built.machine(f"    (void)in;\n{every}{updates}", cpu)
    update = alone.run(*_given(built, alone)) / layer.neurons
    operations = layer.operations(active(layer, LIKELY)) / STEPS
    operation = (counted[LIKELY] - update * layer.neurons) / operations
    source, fired, sums, *states = built.given
    taken = Bytes(source + fired, sum(states), sums, whole.stack, whole.flash - whole.code, whole.code)
    return Ours(counted, update, operation, taken)


def active(layer: Layer, percent: int) -> Ints:
    """Binary inputs [steps][1][channels][row][column], of every step so many percent 1."""
    random, size = np.random.default_rng(percent), layer.inputs * layer.size**2
    ordered = (np.arange(size) < round(size * percent / 100)).astype(np.int64)
    shape = (layer.inputs, layer.size, layer.size) if layer.kind is not Kind.LINEAR else (layer.inputs,)
    return np.stack([random.permutation(ordered).reshape(1, *shape) for _ in range(STEPS)])


def _built(layer: Layer, bits: int) -> _Built:
    """The layer, its neurons, and a readout that a network must have."""
    torch.manual_seed(0)
    make: Callable[..., torch.nn.Module] = nn.Linear
    options: dict[str, int] = {}
    if layer.kind is not Kind.LINEAR:
        make, options = nn.Conv2d, {"kernel_size": layer.kernel, "padding": layer.kernel // 2, "groups": layer.groups}
    model = torch.nn.Sequential(
        make(layer.inputs, layer.outputs, **options), nn.LIF(threshold=THRESHOLD), nn.Flatten(), nn.Linear(layer.neurons, 2)
    )
    x = active(layer, ACTIVITIES[-1])
    net = snn2hw.compile(model.eval(), x.astype(np.float32), options=snn2hw.Options(weight_bits=bits)).network
    files = c_folder(net, "", x, interpret(net, x, traces=False).readout, 1, streaming=True)
    called = of_a_step(simplified_network(net))
    laid = memory(called, streaming=True)
    (neuron,) = called.neurons
    synapse = next(node for node in called.nodes if node.name in neuron.inputs and isinstance(node, IntConv2d | IntLinear))
    source = laid.values[net.input.name]
    return _Built(
        net, {name: files[name] for name in SOURCES}, neuron, called.nodes.index(neuron), source, laid.values[neuron.name],
        state_types(neuron), layer.groups, sums_elements(synapse, source),
    )  # fmt: skip


def _given(built: _Built, machine: Machine) -> list[int]:
    """Addresses of the input, the spike values, the sums of a place, and each state; a state of LIF begins at 0."""
    return [machine.room(size) for size in built.given]


def _steps(built: _Built, machine: Machine, x: Ints, where: str) -> float:
    """Mean of the instructions of a step, each with the spike values and the states of the reference."""
    law, name = interpret(built.net, x, traces=True), built.neuron.name
    given = _given(built, machine)
    source, fired, _, *states = given
    signals = [(fired, built.fired.type, law.spikes[name])]
    for at, kind, state in zip(states, built.kept, built.neuron.program.states, strict=True):
        machine.write(at, bytes(type_bytes(kind) * prod(built.neuron.shape)))
        signals.append((at, kind, law.states[f"{name}.{state}"]))
    counted = []
    for t, row in enumerate(entering(STEPS, x).reshape(STEPS, -1).astype(_dtype(built.source.type))):
        machine.write(source, row.tobytes())
        counted.append(machine.run(*given))
        for at, kind, values in signals:
            expected = np.moveaxis(values[t, 0], 0, -1).ravel()
            got = np.frombuffer(machine.read(at, type_bytes(kind) * expected.size), _dtype(kind))
            if (got != expected).any():
                raise ExecutorUnavailableError(
                    "the emulated layer gives other spike values or states than the reference",
                    where=f"{where}, step {t}", got=f"{int((got != expected).sum())} of {expected.size} that differ",
                    expected="none", do="report it, with the versions of ziglang and unicorn",
                )  # fmt: skip
    return float(np.mean(counted))


def _dtype(kind: str) -> np.dtype[np.integer]:
    return np.dtype(kind.removesuffix("_t"))

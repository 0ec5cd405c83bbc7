"""Networks with a known cause: integers that differ from their float network for one reason, which the class names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.diagnosis import result
from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.delay import delay_program
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork, IntNeuron, IntNode
from snn2hw.ir.network import Network, Neuron, Reals, Single
from snn2hw.ir.program import Op, Program, values_of
from snn2hw.ir.real import run_real
from snn2hw.layers import IntLinear, Linear
from snn2hw.num import Interval
from snn2hw.store import make_artefact
from snn2hw.trace import Trace
from tests.hand_networks import Array, artefact_of, counts, linear, network, neuron, readout

STEPS, INPUTS, SAMPLES = 6, 12, 24
SIZES = (8, 6, 3)


@dataclass(frozen=True)
class Planted:
    """A compiled model and the float model that it is held against; the trace, where something else ran."""

    artefact: Artefact
    model: Network
    x: Array
    trace: Trace | None = None


def planted(cause: str, seed: int) -> Planted:
    """The first network from this seed on in which the cause changes a spike."""
    for again in range(100):
        rng = np.random.default_rng([list(CAUSES).index(cause), seed, again])
        x = (rng.random((STEPS, SAMPLES, INPUTS)) < 0.4).astype(np.float64)
        made = CAUSES[cause](rng, x)
        if differs(made):
            return made
    raise AssertionError(f"{cause} {seed}: no spike changes")


def differs(made: Planted) -> bool:
    fired: dict[str, list[Reals]] = {}
    run_real(made.model, made.x, lambda node, inputs, value: fired.setdefault(node.name, []).append(value))
    ran = made.trace or interpret(made.artefact.network, encode(made.artefact.network, made.x))
    return any((np.stack(fired[name]) != spikes).any() for name, spikes in ran.spikes.items())


def exact(rng: np.random.Generator, outputs: int, inputs: int, bits: int = 5) -> Reals:
    """Weights that 8 bits hold exactly, their sums about the threshold."""
    return np.clip(np.rint(rng.normal(0.15, 0.4, (outputs, inputs)) * 2**bits), -63, 63) / 2**bits


def built(rng: np.random.Generator, weights: Callable[[int, int], Reals], neurons: Sequence[dict[str, Any]]) -> Network:
    drafts: list[Any] = [counts(INPUTS)]
    entering, size = "input", INPUTS
    for k, outputs in enumerate(SIZES):
        bias = np.rint(rng.normal(0, 4, outputs)) / 32
        drafts.append(linear(f"fc{k}", entering, weights(outputs, size), bias))
        if k < len(neurons):
            drafts.append(neuron(f"n{k}", f"fc{k}", **{"kind": "LIF", "coefficients": ((0.0, 0.5),), **neurons[k]}))
        entering, size = drafts[-1].name, outputs
    return network(STEPS, *drafts, readout(entering))


def plain(rng: np.random.Generator, **fields: Any) -> Network:
    return built(rng, lambda o, i: exact(rng, o, i), [fields, fields])


def weight_rounding(rng: np.random.Generator, x: Array) -> Planted:
    net = built(rng, lambda o, i: rng.normal(0.15, 0.4, (o, i)), [{}, {}])
    return Planted(artefact_of(net, x, weight_bits=int(rng.integers(3, 6)), state_bits=20), net, x)


def coefficient_rounding(rng: np.random.Generator, x: Array) -> Planted:
    row = [rng.normal(0, 0.05), rng.uniform(0.4, 0.9), rng.normal(0, 0.1), rng.normal(0, 0.02)]
    net = plain(rng, kind="LNM", coefficients=(tuple(row),))
    return Planted(changed(artefact_of(net, x), rng, _coarse), net, x)


def _coarse(node: IntNeuron) -> Program:
    """The coefficients in three bits."""
    assert node.program.roles is not None
    names = set(node.program.roles.polynomial.coefficients)

    def three(v: int) -> int:
        step = max(1, 1 << (abs(v).bit_length() - 3))
        return v // step * step

    return with_values(node.program, names, three)


def threshold_tie(rng: np.random.Generator, x: Array) -> Planted:
    """A sum that 32 times is a whole number, a threshold three tenths of a unit above one: the integers round it down to that."""
    threshold = float(rng.integers(20, 40)) / 32 + 0.3 * 2.0**-13
    net = plain(rng, firing=Single(threshold), reset="value")
    return Planted(artefact_of(net, x), net, x)


def saturation(rng: np.random.Generator, x: Array) -> Planted:
    net = built(rng, lambda o, i: exact(rng, o, i) * 1.5, [{}, {}])
    narrow = with_neurons(net, rng, lambda n: replace(n, state_range=(-float(rng.uniform(0.5, 1.2)), 1.25)))
    return Planted(artefact_of(narrow, x), net, x)


def head_factor(rng: np.random.Generator, x: Array) -> Planted:
    def uneven(outputs: int, inputs: int) -> Reals:
        return exact(rng, outputs, inputs, 4) * 2.0 ** -rng.integers(0, 3, (outputs, 1))

    net = built(rng, uneven, [{}, {}])
    return Planted(changed(artefact_of(net, x, scales="channel"), rng, _other_factor), net, x)


def _other_factor(node: IntNeuron) -> Program:
    """What the sum is multiplied by, an eighth larger."""
    program, factors = node.program, {i.name for i in node.program.of(Op.PARAM) if i.name.startswith("x_scale")}
    return with_values(program, factors, lambda v: v + max(1, v // 8))


def dead_channel(rng: np.random.Generator, x: Array) -> Planted:
    layer, channel = int(rng.integers(0, 2)), int(rng.integers(0, 6))
    net = built(rng, lambda o, i: np.clip(exact(rng, o, i, 2), -7 / 4, 7 / 4), [{}, {}])
    net = replace(net, nodes=tuple(replace(n, bias=np.rint(n.bias * 4) / 4) if isinstance(n, Linear) else n for n in net.nodes))
    fc = next(n for n in net.nodes if n.name == f"fc{layer}")
    assert isinstance(fc, Linear)
    weight, bias = fc.weight.copy(), fc.bias.copy()
    weight[:, 0] = 7 / 4
    weight[channel] = rng.uniform(-0.11, 0.11, weight.shape[1])
    bias[channel] = 0.5
    net = replace(net, nodes=tuple(replace(n, weight=weight, bias=bias) if n is fc else n for n in net.nodes))
    artefact = artefact_of(net, x, scales="layer", weight_bits=4, state_bits=20)
    made = next(n for n in artefact.network.nodes if n.name == fc.name)
    assert isinstance(made, IntLinear)
    assert not made.weight[channel].any()
    return Planted(artefact, net, x)


def time_shift(rng: np.random.Generator, x: Array) -> Planted:
    net = plain(rng)
    artefact, late = artefact_of(net, x), f"n{rng.integers(0, 2)}"
    nodes: list[IntNode] = []
    for node in artefact.network.nodes:
        if node.name == late:
            source = next(n for n in artefact.network.nodes if n.name == node.inputs[0])
            program = delay_program((1,), source.interval.hull(Interval(0, 0)), source.format.frac)
            nodes.append(IntNeuron("late", node.inputs, source.shape, source.format, source.interval, program=program))
            node = replace(node, inputs=("late",))
        nodes.append(node)
    ran = interpret(replace(artefact.network, nodes=tuple(nodes)), encode(artefact.network, x))
    spikes = {k: v for k, v in ran.spikes.items() if k != "late"}
    states = {k: v for k, v in ran.states.items() if not k.startswith("late.")}
    return Planted(artefact, net, x, Trace(ran.readout, spikes, states))


def reset_order(rng: np.random.Generator, x: Array) -> Planted:
    net = plain(rng)
    other = ({"order": "input_then_poly"}, {"reset": "value"}, {"reset": "none"})[int(rng.integers(0, 3))]
    return Planted(artefact_of(with_neurons(net, rng, lambda n: replace(n, **other)), x), net, x)


def with_neurons(net: Network, rng: np.random.Generator, change: Callable[[Neuron], Neuron]) -> Network:
    """One of its layers, another one."""
    name = f"n{rng.integers(0, 2)}"
    nodes = tuple(change(n) if isinstance(n, Neuron) and n.name == name else n for n in net.nodes)
    return replace(net, nodes=nodes)


def changed(artefact: Artefact, rng: np.random.Generator, program: Callable[[IntNeuron], Program]) -> Artefact:
    """With another program in one of its layers."""
    name = f"n{rng.integers(0, 2)}"
    nodes = [replace(n, program=program(n)) if isinstance(n, IntNeuron) and n.name == name else n for n in artefact.network.nodes]
    net: IntegerNetwork = replace(artefact.network, nodes=tuple(nodes))
    return make_artefact(net, {k: v for k, v in artefact.manifest.items() if k in ("snn2hw", "packages", "options", "readout")})


def with_values(program: Program, names: set[Any], value: Callable[[int], int]) -> Program:
    """With other constants."""
    lines = [
        replace(i, attrs=(tuple(map(value, values_of(i))),)) if i.op is Op.PARAM and i.name in names else i
        for i in program.instructions
    ]
    return with_narrowest_formats(replace(program, instructions=tuple(lines)))[0]


CAUSES: dict[str, Callable[[np.random.Generator, Array], Planted]] = {
    result.WEIGHTS: weight_rounding,
    result.COEFFICIENTS: coefficient_rounding,
    result.TIE: threshold_tie,
    result.SATURATION: saturation,
    result.HEAD: head_factor,
    result.DEAD: dead_channel,
    result.SHIFT: time_shift,
    result.RESET: reset_order,
}

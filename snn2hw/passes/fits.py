"""What a target cannot do of a float network, and has no room for: known before calibration, so that none is spent on it.

What `legalise` says of widths that follow from weights and scales is known afterwards only; all else it says is said here.
"""

from __future__ import annotations

from collections.abc import Iterator

from snn2hw.errors import Snn2hwError, UnsupportedError, WidthError
from snn2hw.ir import network as real
from snn2hw.ir.integer import IntFeedback, IntInput, IntNeuron, IntNode, UnloweredNeuron
from snn2hw.lack import Lack
from snn2hw.layers import IntMultiply, IntSumPool2d, Multiply, Synapse
from snn2hw.neurons.equation import Op, flags, varying
from snn2hw.neurons.in_numpy import numbers
from snn2hw.neurons.normal import normal
from snn2hw.passes.base import Compilation
from snn2hw.passes.lower import fired_at, thresholds
from snn2hw.passes.polynomials.lowered import check_reach, is_identity, trimmed
from snn2hw.passes.state import StateFormat, state_format
from snn2hw.passes.to_integers import known_early
from snn2hw.shown import Lines
from snn2hw.target import Lowering, Target

MASKS = "attention by masks needs no such product: snn2hw.nn.blocks.SpikeDrivenAttention fits loihi2"

GATE = "of spikes of 0 and 1, a neuron with the threshold 1.5 behind their sum fires the same"

_SYNAPSE = "put a neuron behind it, or give each branch a synapse of its own"
ONE_SPIKE = "let it fire one spike of one amplitude a step (LIF, LNM)"
_NARROWER: dict[type[IntNode], str] = {
    IntInput: "show events: samples [T, N, ...] of 0 and 1 in place of images or counts",
    IntNeuron: ONE_SPIKE,
    UnloweredNeuron: ONE_SPIKE,
    IntFeedback: ONE_SPIKE,
    IntSumPool2d: "use a MaxPool2d, or a convolution with a stride, in place of the average",
}


def target_lacks(c: Compilation) -> list[Lack]:
    """Everything that stands in the way on the target, layer by layer, as far as the float network tells."""
    limits, (known, errors) = c.target.lowering, known_early(c)
    read = {i for n in c.real.nodes if isinstance(n, Synapse) or n.of_spikes for i in n.inputs}
    found = list[Lack]()
    for node in c.real.nodes:
        found += products(node, limits)
        if node.name in read and node.name in known:
            found += spike_width(known[node.name], limits)
        if isinstance(node, real.Neuron):
            found += [*_polynomial(node, c), *_thresholds(node, c), *firing(node, limits)]
        if isinstance(node, real.EquationNeuron):
            found += _equation(node, limits)
    return found + [lack for lack in map(Lack.of, errors) if lack not in found]


def does_not_fit(target: Target, lacks: list[Lack]) -> Snn2hwError:
    """The error with one table of all that does not fit; a single lack that says what it expects is an error of its own."""
    if len(lacks) == 1 and lacks[0].expected:
        return lacks[0].error()
    return UnsupportedError(
        f"the network does not fit the target '{target.name}'",
        got=Lines("\n".join(map(str, lacks))),
        expected=target.says,
        do="change these layers, or choose another target (`snn2hw targets` lists them)",
    )


def products(node: real.Node | IntNode, limits: Lowering) -> Iterator[Lack]:
    """Of a layer that multiplies what two others fire."""
    if node.of_spikes and not limits.payload_products:
        remedy = GATE if isinstance(node, Multiply | IntMultiply) else MASKS
        yield Lack(node.source or node.name, f"it multiplies what neurons fire, which the target cannot do; {remedy}")


def spike_width(node: IntNode, limits: Lowering) -> Iterator[Lack]:
    """Of a value that a synapse reads: it crosses the network as a spike."""
    width = node.interval.bits[0]
    if width > limits.payload_bits:
        remedy = next((text for kind, text in _NARROWER.items() if isinstance(node, kind)), _SYNAPSE)
        said = f"synapses read {width} bits of it, a spike of the target carries {limits.payload_bits}; {remedy}"
        yield Lack(node.source or node.name, said)


def firing(node: real.Neuron, limits: Lowering) -> Iterator[Lack]:
    """Of the reset and the comparison of a neuron."""
    if isinstance(node.firing, real.Potential):  # nothing fires, is compared or reset
        return
    where = node.source or node.name
    if node.reset not in limits.resets:
        yield Lack(where, f"reset='{node.reset}', the target can do {', '.join(limits.resets)}")
    comparison = "strict" if node.strict else "inclusive"
    if comparison not in limits.comparisons:
        yield Lack(where, f"strict={node.strict}, the target compares {', '.join(limits.comparisons)}")


def _polynomial(node: real.Neuron, c: Compilation) -> Iterator[Lack]:
    """Of P(u): products of the state with itself, and a value that the accumulator cannot hold."""
    limits, where, coefficients = c.target.lowering, node.source or node.name, trimmed(node.coefficients)
    degree = coefficients.shape[1] - 1
    if degree > 1 and not limits.state_multiply:
        yield _multiplies(where, f"P(u) has degree {degree}, so it multiplies its state by itself", "")
    if is_identity(coefficients):
        return
    try:
        check_reach(coefficients, max(map(abs, node.state_range)), _state(node, c).frac, limits, where)
    except WidthError as error:
        yield Lack.of(error)


def _thresholds(node: real.Neuron, c: Compilation) -> Iterator[Lack]:
    """Of thresholds that are finer than the state."""
    try:
        thresholds(node, _state(node, c), node.source or node.name)
    except WidthError as error:
        yield Lack.of(error)


def _state(node: real.Neuron, c: Compilation) -> StateFormat:
    return state_format(node.state_range, c.state_bits(node.name), fired_at(node), node.strict)


def _equation(node: real.EquationNeuron, limits: Lowering) -> Iterator[Lack]:
    """Of a neuron that a user wrote: every product of two values that change, by its line."""
    if limits.state_multiply:
        return
    equation = normal(node.equation)
    given, varies, flag = numbers(equation, node.parameters), varying(equation), flags(equation)
    for term in equation.terms:
        if term.op is Op.MUL and all(varies[a] and not flag[a] for a in term.args):
            product = "it multiplies two values that change"
        elif term.op is Op.POLYNOMIAL and any(given[a].any() for a in term.args[3:]):
            product = "it multiplies a value that changes by itself"
        else:
            continue
        yield _multiplies(node.source or node.name, product, f"{equation.kind}.step" + f", {term.line}" * bool(term.line))


def _multiplies(where: str, product: str, line: str) -> Lack:
    return Lack(where, f"{product}, which a neuron of the target cannot do", line)

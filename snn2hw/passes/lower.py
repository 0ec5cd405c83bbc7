"""lower: every neuron's equation becomes an integer program in the widths of the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from snn2hw.errors import WidthError
from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.integer import IntNeuron, IntNode, Meaning, UnloweredNeuron
from snn2hw.ir.network import Circulate, Current, EquationNeuron, Neuron, Potential, Single
from snn2hw.ir.program import SPIKES, Op, Program
from snn2hw.ir.ranges import ranges
from snn2hw.ir.roles import Roles
from snn2hw.num import Interval
from snn2hw.passes.base import Compilation, Pass
from snn2hw.passes.equations import Entry, lower_equation
from snn2hw.passes.findings import HEAD_LSB, Finding, changed_negatives, coarse_head, silent, silent_equation
from snn2hw.passes.fire import lower_firing
from snn2hw.passes.head import emit_head, factor_frac, head_errors
from snn2hw.passes.polynomials.horner import Argument, horner_bounds
from snn2hw.passes.polynomials.lowered import lower_polynomial
from snn2hw.passes.state import StateFormat, round_half_up, state_format
from snn2hw.target import Lowering


@dataclass(frozen=True)
class Lower(Pass):
    """Formats from intervals: the state range decides the state's binary point, coefficients get the bits that are left.

    Raises:
        WidthError: a polynomial or a sum that the accumulator cannot hold; names the coefficient and the bits needed.
    """

    name: ClassVar[str] = "lower"
    says: ClassVar[str] = "every neuron equation into an integer program, P(u) by the scheme with the smallest worst error"

    def requires(self, c: Compilation) -> Iterator[str]:
        """An integer network."""
        if c.integer is None:
            yield "the network must be quantised first"

    def ensures(self, before: Compilation, after: Compilation) -> Iterator[str]:
        """Every neuron has a program."""
        yield from (f"'{n.name}' is still an equation" for n in after.network.nodes if isinstance(n, UnloweredNeuron))

    def run(self, c: Compilation) -> Compilation:
        """The compilation with a Program in every neuron."""
        nodes: list[IntNode] = []
        findings: list[Finding] = []
        known = {n.name: n for n in c.network.nodes}
        for node in c.network.nodes:
            if isinstance(node, UnloweredNeuron):
                program, meaning = lowered(node, known[node.inputs[0]], c.target.lowering, c.state_bits(node.name))
                findings += neuron_losses(node.equation, program, meaning)
                said = {"meaning": meaning} if isinstance(meaning, Meaning) else {"equation": meaning}
                common = {f: getattr(node, f) for f in ("name", "inputs", "shape", "format", "interval", "source")}
                node = IntNeuron(**common, program=program, **said)
            nodes.append(node)
        integer = replace(c.network, nodes=tuple(nodes))
        return replace(c, integer=integer, findings=(*c.findings, *findings))


def lowered(
    node: UnloweredNeuron, source: IntNode, limits: Lowering, state_bits: int
) -> tuple[Program, Meaning | EquationMeaning]:
    """The integer program of a neuron layer, and the real numbers its values stand for.

    Args:
        node: the neuron, still an equation. source: the node that gives its synaptic input.
        limits: widths, rounding and products of the target's neurons. state_bits: widest state allowed.
    """
    if not isinstance(node.equation, EquationNeuron):
        return lower_with_meaning(node, source, limits, state_bits)
    entry = Entry(source.interval, source.format.frac, node.input_scale)
    made = lower_equation(node.equation, entry, limits, state_bits)
    return _fitting(made.program, limits, node.source or node.name), made.meaning


def lower_neuron(node: UnloweredNeuron, source: IntNode, limits: Lowering, state_bits: int) -> Program:
    """The integer program of one neuron layer; `source` is the node that gives its synaptic input.

    Args:
        node: the neuron, still an equation. limits: what the target's neurons can hold.
        state_bits: widest state allowed.
    """
    return lower_with_meaning(node, source, limits, state_bits)[0]


def lower_with_meaning(node: UnloweredNeuron, source: IntNode, limits: Lowering, state_bits: int) -> tuple[Program, Meaning]:
    """The integer program of one neuron layer, and the real numbers its values stand for.

    Arguments as `lowered`; the equation is one of the built-in family.
    """
    equation, where = node.equation, node.source or node.name
    assert isinstance(equation, Neuron)
    bits = min(state_bits, limits.state_bits)
    state = state_format(equation.state_range, bits, fired_at(equation), equation.strict)
    b = ProgramBuilder(equation.kind)
    u = b.emit(Op.STATE, "u", (), (state.lo, state.hi, 0), state.frac)
    current = equation.current
    held = state if current is None else state_format(current.state_range, bits)
    factors = node.input_scale * 2.0**source.format.frac * equation.gain
    head = emit_head(b, factors, (source.interval, source.format.frac), held.frac, limits, shown(equation))
    now = "" if current is None else _current(b, current, head, held, limits)
    x = b.rescale("i_moved", now, state.frac, limits.rounding) if now else head
    argument = u
    if equation.order == "input_then_poly":
        argument = b.emit(Op.CLAMP, "z", (b.emit(Op.ADD, "z_sum", (u, x)),), (state.lo, state.hi))
    entering = Argument(argument, Interval(state.lo, state.hi), state.frac)
    polynomial = lower_polynomial(b, equation.coefficients, max(abs(v) for v in equation.state_range), entering, limits, where)
    total = polynomial.value
    if equation.order == "poly_then_input":
        total = b.emit(Op.ADD, "h_sum", (total, x))
    h = b.emit(Op.CLAMP, "h", (total,), (state.lo, state.hi))
    reset_value = min(max(state.raw(equation.reset_value), state.lo), state.hi)
    fired = lower_firing(b, equation, h, thresholds(equation, state, where), reset_value)
    b.emit(Op.OUTPUT, SPIKES, (fired.payload,), (SPIKES,))
    b.emit(Op.OUTPUT, "u_next", (fired.state,), ("u",))
    if now:
        b.emit(Op.OUTPUT, "i_next", (now,), ("i",))
    if fired.roles is not None and fired.roles.counter is not None:
        b.emit(Op.OUTPUT, "n_next", (fired.count,), (fired.roles.counter,))
    meaning = Meaning(tuple(tuple(row) for row in equation.coefficients.tolist()), tuple(factors.tolist()))
    return _fitting(b.program(Roles(u, h, head, polynomial, fired.roles)), limits, where), meaning


def _current(b: ProgramBuilder, current: Current, head: str, held: StateFormat, limits: Lowering) -> str:
    """The next synaptic current, from the sum at its binary point."""
    i = b.emit(Op.STATE, "i", (), (held.lo, held.hi, 0), held.frac)
    frac = factor_frac(current.decay, Interval(held.lo, held.hi), 0, limits)
    decay = b.param("i_decay", [round_half_up(d * 2.0**frac) for d in current.decay], frac)
    kept = b.rescale("i_kept", b.emit(Op.MUL, "i_product", (i, decay)), held.frac, limits.rounding)
    return b.emit(Op.CLAMP, "current", (b.emit(Op.ADD, "i_sum", (kept, head)),), (held.lo, held.hi))


def fired_at(equation: Neuron) -> Sequence[Sequence[float]]:
    """Real thresholds, a row for every step that has its own; empty where nothing fires."""
    firing = equation.firing
    return [[firing.threshold]] if isinstance(firing, Single) else firing.rows if isinstance(firing, Circulate) else [[]]


def thresholds(equation: Neuron, state: StateFormat, where: str) -> list[list[int]]:
    """Raw thresholds, a row for every step that has its own, each at least one unit of the state; empty where nothing fires.

    Args:
        equation: says what is fired at, in real units. state: the format that the thresholds get.
        where: of the layer, for messages.
    """
    reals = fired_at(equation)
    raw = [[state.raw(theta) for theta in row] for row in reals]
    t = next((t for t, row in enumerate(raw) if row and min(row) < 1), None)
    if t is not None:
        raise WidthError(
            "a threshold is finer than the state can tell",
            where=where,
            got=f"threshold {min(reals[t]):g}" + (f" at step {t}" if len(raw) > 1 else ""),
            expected=f"at least {2.0**-state.frac:g}, one unit of a state with {state.frac} fractional bits",
            do="use more state bits, a smaller state_range or a larger threshold",
        )
    return raw


def shown(equation: Neuron) -> float:
    """The largest input that the state, which is clamped, can tell from a larger one."""
    if equation.current is not None:
        return 2.0 * max(map(abs, equation.current.state_range))
    reach = max(map(abs, equation.state_range))
    return reach + (reach if equation.order == "input_then_poly" else horner_bounds(equation.coefficients, reach)[0])


def neuron_losses(
    equation: Neuron | EquationNeuron, program: Program, meaning: Meaning | EquationMeaning, learned: Sequence[float] = ()
) -> Iterator[Finding]:
    """A head that is coarser than the state, a layer that cannot fire, and negative spikes that send something else.

    Args:
        equation: with the thresholds, and of the built-in family the coefficients, that `program` was made of.
        meaning: what its values stand for. learned: amplitudes of negative spikes that were learned and stay as they are.
    """
    known = ranges(program)
    is_silent = known[program.outputs[SPIKES].name] == Interval(0, 0)
    if isinstance(equation, EquationNeuron):
        if is_silent:
            yield silent_equation(equation)
        return
    assert program.roles is not None
    assert isinstance(meaning, Meaning)
    errors = head_errors(program, program.roles.entering, np.array(meaning.input_factor), shown(equation))
    if errors.max() > HEAD_LSB:
        yield coarse_head(equation, errors)
    if isinstance(equation.firing, Potential):
        return
    if is_silent:
        h = program.by_name[program.roles.membrane]
        highest = known[h.name].hi * 2.0**-h.format.frac
        yield silent(equation, highest, min(row[0] for row in fired_at(equation)))
    if isinstance(equation.firing, Circulate) and (learned or not equation.firing.finest):  # else it still learns
        yield from changed_negatives(equation, learned or equation.firing.negatives, program, learned=bool(learned))


def _fitting(program: Program, limits: Lowering, where: str) -> Program:
    known = ranges(program)
    for i in program.instructions:
        if (width := known[i.name].bits[0]) > limits.accumulator_bits:
            raise WidthError(
                "a value of the neuron program does not fit the accumulator",
                where=f"{where}: {i.name}",
                got=f"{known[i.name]}, {width} bits",
                expected=f"at most {limits.accumulator_bits} bits",
                do="scale the weights before this neuron down, use fewer state bits, or a target with a wider accumulator",
            )
    return program

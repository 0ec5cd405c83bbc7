"""One step of a neuron that a user wrote, in integers and by its equation, from random states and inputs.

`python -m tests.certificate.one_step` prints, for 200 random neurons and 10 million states and inputs in all, how many claims of
the certificate are exceeded, and how far claims are from what was seen.
"""

from __future__ import annotations

import statistics
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from snn2hw.certificate.equation import EquationClaims
from snn2hw.certificate.groups import groups
from snn2hw.certificate.neuron import claims
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.evaluate import evaluate, evaluate_scalar
from snn2hw.ir.integer import IntInput, IntNeuron, UnloweredNeuron
from snn2hw.ir.network import EquationNeuron
from snn2hw.ir.program import SPIKES, Op, Program, declared_interval, one_channel, values_of
from snn2hw.ir.ranges import ranges
from snn2hw.neurons import equation as eq
from snn2hw.num import Format, Interval
from snn2hw.passes import lower
from snn2hw.target import load_target
from tests.random_equations import make_neuron, neuron_source

CHANNELS = 3
NEURONS, POINTS = 200, 50_000  # of the command
FLOAT = 1e-6  # units by which float64 may be wrong here


UNIT = 1.5 * 2.0**-9  # what 1 of a synaptic sum stands for


def lowered(neuron: Any, bits: int, target: str, reach: int = 900, **limits: Any) -> IntNeuron:
    """A layer of three channels of this neuron, that takes sums from -reach to reach.

    Args:
        limits: of the target, where they are to be others.
    """
    traced = neuron.trace(CHANNELS)
    parameters = tuple(p.detach().double().numpy().reshape(-1) for p in traced.parameters)
    node = EquationNeuron("n", ("x",), (CHANNELS,), equation=traced.equation, parameters=parameters)
    sums = Interval(-reach, reach)
    source = IntInput("x", (), (CHANNELS,), Format.holding(sums, 0), sums, unit=1.0, static=False, counts=False)
    unlowered = UnloweredNeuron("n", ("x",), (CHANNELS,), source.format, sums, equation=node, input_scale=np.array([UNIT]))
    program, meaning = lower.lowered(unlowered, source, replace(load_target(target).lowering, **limits), bits)
    assert isinstance(meaning, EquationMeaning)
    program = with_narrowest_formats(program)[0]
    return IntNeuron("n", ("x",), (CHANNELS,), program.payload, program.payload.interval, program=program, equation=meaning)


def random_layers(seeds: Iterable[int]) -> Iterator[tuple[int, IntNeuron]]:
    """Layers of random neurons, in turn of 8, 12 and 16 bits and for two targets."""
    for seed in seeds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                neuron = make_neuron(neuron_source(seed), CHANNELS)
                yield seed, lowered(neuron, (8, 12, 16)[seed % 3], ("generic", "loihi2")[seed % 2])
            except (WidthError, UnsupportedError):
                continue


def claimed(node: IntNeuron) -> dict[str, Any]:
    """What the certificate claims of the equation, for every sum that the program declares, from ranges by intervals alone.

    Those of the certificate itself are narrower, and take seconds where a state has 24 bits, which are all tried.
    """
    held = declared_interval(node.program.input)
    alike = groups(node.program, [(held.lo, held.hi)] * node.shape[0])
    found = EquationClaims(node, held, alike)
    for group in alike:
        found.look_at(group, ranges(one_channel(node.program, group.channels[0])))
    return found.claims()


def certified(node: IntNeuron) -> dict[str, Any]:
    """All claims of the certificate about a layer, for every sum that its program declares."""
    held = declared_interval(node.program.input)
    return claims(node, [(held.lo, held.hi)] * node.shape[0])


# The equation, in exact rationals and in float64. Where `decided` has the outcome of a comparison, that is taken.

Decided = Mapping[int, Any]
_Rows = Mapping[eq.Op, Callable[[Sequence[Any], Sequence[Any]], Any]]
_EXACT: _Rows = {
    eq.Op.CONSTANT: lambda a, t: Fraction(t[0]),
    eq.Op.ADD: lambda a, t: a[0] + a[1],
    eq.Op.SUB: lambda a, t: a[0] - a[1],
    eq.Op.NEG: lambda a, t: -a[0],
    eq.Op.MUL: lambda a, t: a[0] * a[1],
    eq.Op.MIN: lambda a, t: min(a),
    eq.Op.MAX: lambda a, t: max(a),
    eq.Op.CLAMP: lambda a, t: min(max(a[0], Fraction(t[0])), Fraction(t[1])),
    eq.Op.GE: lambda a, t: int(a[0] >= a[1]),
    eq.Op.GT: lambda a, t: int(a[0] > a[1]),
    eq.Op.FIRE: lambda a, t: int(a[0] > a[1] if t[0] else a[0] >= a[1]),
    eq.Op.NOT: lambda a, t: 1 - a[0],
    eq.Op.DIV: lambda a, t: a[0] / a[1],
    eq.Op.DETACH: lambda a, t: a[0],
    eq.Op.SELECT: lambda a, t: a[1] if a[0] else a[2],
    eq.Op.POLYNOMIAL: lambda a, t: sum(c * a[0] ** k for k, c in enumerate(a[1:])),
}
_FLOATS: _Rows = {
    **_EXACT,
    eq.Op.CONSTANT: lambda a, t: float(t[0]),
    eq.Op.MIN: lambda a, t: np.minimum(*a),
    eq.Op.MAX: lambda a, t: np.maximum(*a),
    eq.Op.CLAMP: lambda a, t: np.clip(a[0], *t),
    eq.Op.GE: lambda a, t: 1.0 * (a[0] >= a[1]),
    eq.Op.GT: lambda a, t: 1.0 * (a[0] > a[1]),
    eq.Op.FIRE: lambda a, t: 1.0 * (a[0] > a[1] if t[0] else a[0] >= a[1]),
    eq.Op.SELECT: lambda a, t: np.where(a[0] != 0, a[1], a[2]),
}


def terms(
    equation: eq.Equation, parameters: Sequence[Any], given: Mapping[str, Any], x: Any, decided: Decided, rows: _Rows = _EXACT
) -> list[Any]:
    """The value of every term."""
    found: list[Any] = []
    for place, term in enumerate(equation.terms):
        if place in decided:
            found.append(decided[place])
        elif term.op is eq.Op.INPUT:
            found.append(x)
        elif term.op is eq.Op.STATE:
            found.append(given[str(term.attrs[0])])
        elif term.op is eq.Op.PARAMETER:
            found.append(parameters[int(term.attrs[0])])
        else:
            found.append(rows[term.op]([found[a] for a in term.args], term.attrs))
    return found


@dataclass(frozen=True)
class Step:
    """What one step gave, where the equation decides as the program.

    Args:
        errors: integers minus equation in units of the integers, by claim of the certificate.
        decided: of every comparison of the equation, by its value in the program, what that said, what the equation itself would
            have said, and the difference of its operands in the equation, in units of the integers.
    """

    errors: dict[tuple[str, str], Any]
    decided: dict[str, tuple[Any, Any, Any]]


def decisions(meaning: EquationMeaning, values: Mapping[str, Any]) -> dict[int, Any]:
    """Of every comparison of the equation the outcome in integers."""
    compared = zip(range(len(meaning.values)), meaning.equation.terms, meaning.values, strict=True)
    return {place: values[value] for place, term, value in compared if term.op in eq.COMPARISONS and value is not None}


def exact_step(node: IntNeuron, channel: int, raw: Mapping[str, int]) -> Step:
    """One neuron, exactly."""
    program, meaning = node.program, node.equation
    assert meaning is not None
    values = evaluate_scalar(program, raw[program.input.name], {s: raw[s] for s in program.states}, channel)
    parameters = [Fraction(p[channel % len(p)]) for p in meaning.parameters]
    given = {s: raw[s] * Fraction(2) ** -i.format.frac for s, i in program.states.items()}
    x = raw[program.input.name] * Fraction(meaning.input_scale[channel % len(meaning.input_scale)])
    real = terms(meaning.equation, parameters, given, x, decisions(meaning, values))
    return _compared(program, meaning, values, real, _EXACT, Fraction(2))


def many_steps(node: IntNeuron, raw: Mapping[str, Any]) -> Step:
    """Neurons [points, channels], in float64."""
    program, meaning = node.program, node.equation
    assert meaning is not None
    values = evaluate(program, lambda i: np.array(values_of(i)) if i.op is Op.PARAM else raw[i.name])
    given = {s: raw[s] * 2.0**-i.format.frac for s, i in program.states.items()}
    x = raw[program.input.name] * np.array(meaning.input_scale)
    real = terms(meaning.equation, [np.array(p) for p in meaning.parameters], given, x, decisions(meaning, values), _FLOATS)
    return _compared(program, meaning, values, real, _FLOATS, 2.0)


def _compared(
    program: Program, meaning: EquationMeaning, values: Mapping[str, Any], real: Sequence[Any], rows: _Rows, two: Any
) -> Step:
    equation, out = meaning.equation, program.outputs

    def apart(value: str, other: Any) -> Any:
        return values[value] - other * two ** program.by_name[value].format.frac

    errors: dict[tuple[str, str], Any] = {}
    leaves = real[equation.output]
    for s, place in zip(equation.states, equation.updates, strict=True):
        held = rows[eq.Op.CLAMP]([real[place]], s.range)
        errors["states", s.name] = apart(out[s.name].name, held)
        if place == equation.output and out[s.name].args == out[SPIKES].args:
            leaves = held
    errors["output", ""] = apart(out[SPIKES].name, leaves)
    decided: dict[str, tuple[Any, Any, Any]] = {}
    for term, value in zip(equation.terms, meaning.values, strict=True):
        if term.op in eq.COMPARISONS and value is not None:
            (a, b), (p, q) = program.by_name[value].args, term.args
            errors["comparisons", value] = apart(a, real[p]) - apart(b, real[q])
            itself = rows[term.op]([real[p], real[q]], term.attrs)
            decided[value] = values[value], itself, (real[p] - real[q]) * two ** program.by_name[a].format.frac
    return Step(errors, decided)


def drawn(node: IntNeuron, rng: np.random.Generator, points: int) -> dict[str, Any]:
    """Raw states and inputs [points, channels] within what the program declares; their ends are among them."""
    program, found = node.program, {}
    for name, i in {**program.states, program.input.name: program.input}.items():
        held = declared_interval(i)
        value = rng.integers(held.lo, held.hi, (points, CHANNELS), endpoint=True)
        ends = rng.random((points, CHANNELS)) < 0.05
        found[name] = np.where(ends, rng.choice([held.lo, held.hi], (points, CHANNELS)), value)
    return found


def claim_of(claim: Mapping[str, Any], key: tuple[str, str]) -> Mapping[str, Any]:
    """The certificate's claim about an error."""
    what, name = key
    found: Mapping[str, Any] = claim["errors"][what][name] if name else claim["errors"][what]
    return found


def main() -> int:
    """Print the table; 1 where a claim was exceeded."""
    ratios: dict[tuple[str, str], list[float]] = {}
    exceeded = count = exact = 0
    for seed, node in random_layers(range(NEURONS)):
        claim = certified(node)
        steps = many_steps(node, drawn(node, np.random.default_rng(seed), POINTS))
        for key, errors in steps.errors.items():
            said, seen = claim_of(claim, key), float(np.abs(errors).max())
            lo, hi = said["signed"]
            exceeded += bool((errors < lo - FLOAT).any() or (errors > hi + FLOAT).any())
            count += 1
            exact += said["lsb"] == 0.0
            if seen > FLOAT:
                ratios.setdefault((key[0], said["method"]), []).append(said["lsb"] / seen)
    print(f"{count} claims about random neurons, {exact} of them that there is no error; exceeded: {exceeded}")
    print(f"{'error of':12} {'method':10} {'claims':>6}   claimed / seen: {'median':>7} {'95 % below':>10} {'worst':>6}")
    for (what, method), found in sorted(ratios.items()):
        below = float(np.quantile(found, 0.95))
        print(f"{what:12} {method:10} {len(found):6} {'':17} {statistics.median(found):7.2f} {below:10.2f} {max(found):6.2f}")
    return int(exceeded > 0)


if __name__ == "__main__":
    sys.exit(main())

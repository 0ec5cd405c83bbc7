"""The equation of a neuron: a straight line of terms on real numbers, elementwise over a layer.

    equation = kind, state*, term*, output, update*
    term     = op argument* attribute*           an argument is the place of an earlier term

One step computes every term from the states of the step before and the synaptic input x. The
output is what the neuron fires. The next value of state k is the term `updates[k]`, held to the
range that the state declares: what a register of so many bits does. What a term means is its row in
`in_numpy.MEANING` and `in_torch.MEANING`; what it becomes in integers is `passes.equations`.

Flags (of FIRE, GE, GT, NOT) are the numbers 0 and 1: `a and b` is MIN, `a or b` is MAX.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

Attr: TypeAlias = "float | int | str | bool"


class Op(Enum):
    """The operations; `ROWS` states their arguments and attributes."""

    INPUT = "input"
    STATE = "state"
    PARAMETER = "parameter"
    CONSTANT = "constant"
    SCHEDULE = "schedule"
    ADD = "add"
    SUB = "sub"
    NEG = "neg"
    MUL = "mul"
    DIV = "div"
    MIN = "min"
    MAX = "max"
    CLAMP = "clamp"
    GE = "ge"
    GT = "gt"
    FIRE = "fire"
    NOT = "not"
    DETACH = "detach"
    SELECT = "select"
    POLYNOMIAL = "polynomial"


@dataclass(frozen=True)
class Row:
    """The form of one operation.

    Args:
        arity: number of arguments; None where it differs from term to term.
        attrs: name and type of each attribute.
        says: the meaning in one line, for people.
    """

    arity: int | None
    attrs: tuple[tuple[str, type], ...]
    says: str


ROWS: dict[Op, Row] = {
    Op.INPUT: Row(0, (), "the synaptic input x"),
    Op.STATE: Row(0, (("name", str),), "a state, as the step before left it"),
    Op.PARAMETER: Row(0, (("index", int),), "a number of the layer, or one per channel"),
    Op.CONSTANT: Row(0, (("value", float),), "a number that stands in the equation itself"),
    Op.SCHEDULE: Row(0, (("index", int),), "a number of the layer that depends on the step: [S] values, of which the last stays"),
    Op.ADD: Row(2, (), "a + b"),
    Op.SUB: Row(2, (), "a - b"),
    Op.NEG: Row(1, (), "-a"),
    Op.MUL: Row(2, (), "a * b"),
    Op.DIV: Row(3, (), "a / b of a number b, whose reciprocal c stands beside it: integers and gradients are those of a * c"),
    Op.MIN: Row(2, (), "the smaller"),
    Op.MAX: Row(2, (), "the larger"),
    Op.CLAMP: Row(1, (("lo", float), ("hi", float)), "the number nearest to a in [lo, hi]"),
    Op.GE: Row(2, (), "1 if a >= b else 0"),
    Op.GT: Row(2, (), "1 if a > b else 0"),
    Op.FIRE: Row(2, (("strict", bool),), "1 if a >= b (strict: a > b) else 0, with the surrogate's gradient"),
    Op.NOT: Row(1, (), "1 - a of a flag a"),
    Op.DETACH: Row(1, (), "a, through which no gradient passes: a spike that a condition asks for"),
    Op.SELECT: Row(3, (), "b if the flag a is 1 else c; towards the flag the gradient is that of a b + (1 - a) c"),
    Op.POLYNOMIAL: Row(None, (), "c_0 + c_1 a + ... + c_d a**d for the arguments a, c_0, ..., c_d"),
}
COMPARISONS = frozenset({Op.GE, Op.GT, Op.FIRE})
SOURCES = frozenset({Op.INPUT, Op.STATE, Op.PARAMETER, Op.CONSTANT, Op.SCHEDULE})
GIVEN = frozenset({Op.PARAMETER, Op.SCHEDULE})  # by their index: numbers that stand beside the equation


@dataclass(frozen=True)
class State:
    """A number that a neuron keeps from one step to the next.

    Args:
        name: as the equation calls it.
        range: [lo, hi]; a value beyond it saturates there.
        initial: its value before the first step of every sample.
        saturates: False where the equation itself keeps the state in its range, so that nothing is left to hold.
    """

    name: str
    range: tuple[float, float]
    initial: float
    saturates: bool = True


@dataclass(frozen=True)
class Term:
    """One value of the equation.

    Args:
        op, args, attrs: what it is; arguments are places of earlier terms.
        line: where it was written, for messages: "neurons.py:12". Not part of what it means.
    """

    op: Op
    args: tuple[int, ...] = ()
    attrs: tuple[Attr, ...] = ()
    line: str = field(default="", compare=False)


@dataclass(frozen=True)
class Equation:
    """What one step of a neuron computes; see the module.

    Args:
        kind: what the neuron is called: the name of its class.
        states: in the order in which the neuron declares them.
        terms: in order of evaluation.
        output: place of the term that leaves the neuron.
        updates: places of the terms that become the next states, one for each.
        parameters: what the numbers are called that PARAMETER and SCHEDULE terms take by their index.
    """

    kind: str
    states: tuple[State, ...]
    terms: tuple[Term, ...]
    output: int
    updates: tuple[int, ...]
    parameters: tuple[str, ...] = ()

    def state(self, name: str) -> State:
        """The state of this name."""
        return next(s for s in self.states if s.name == name)

    def users(self, place: int) -> list[int]:
        """Places of the terms that take this one."""
        return [n for n, t in enumerate(self.terms) if place in t.args]

    def __str__(self) -> str:
        return "\n".join(_lines(self)) + "\n"


def problems(equation: Equation) -> Iterator[str]:
    """What is wrong with the form of an equation; nothing where it is sound."""
    names = [s.name for s in equation.states]
    if len(set(names)) != len(names):
        yield f"two states have one name: {', '.join(names)}"
    if len(equation.updates) != len(equation.states):
        yield f"{len(equation.updates)} updates for {len(equation.states)} states"
    for n, term in enumerate(equation.terms):
        row = ROWS[term.op]
        if row.arity not in (None, len(term.args)) or not all(0 <= a < n for a in term.args):
            yield f"term {n} ({term.op.value}) takes {term.args}, not {row.arity} earlier terms"
        if len(term.attrs) != len(row.attrs):
            yield f"term {n} ({term.op.value}) has the attributes {term.attrs}"
        elif term.op is Op.STATE and term.attrs[0] not in names:
            yield f"term {n} is the state {term.attrs[0]!r}, which is not declared"
        elif term.op in GIVEN and term.attrs[0] not in range(len(equation.parameters)):
            yield f"term {n} is parameter {term.attrs[0]} of {len(equation.parameters)}"
    for place in (equation.output, *equation.updates):
        if not 0 <= place < len(equation.terms):
            yield f"there is no term {place}"


def flags(equation: Equation) -> list[bool]:
    """For every term whether it is 0 or 1 whatever the states and the input are."""
    found: list[bool] = []
    for term in equation.terms:
        chosen = term.op in (Op.MIN, Op.MAX, Op.MUL) and all(found[a] for a in term.args)
        picked = term.op is Op.SELECT and all(found[a] for a in term.args[1:])
        passed = term.op is Op.DETACH and found[term.args[0]]
        found.append(term.op in COMPARISONS or term.op is Op.NOT or chosen or picked or passed)
    return found


def deciding(equation: Equation) -> list[tuple[int, int]]:
    """What is compared, (a, b), of every comparison that numbers decide: not of one that asks for a flag, late > 0."""
    two: list[bool] = []  # whether a term takes the values 0 and 1 alone
    found: list[tuple[int, int]] = []
    for term in equation.terms:
        if term.op in COMPARISONS:
            a, b = term.args
            if not (two[a] and two[b]):
                found.append((a, b))
        of = term.args[1:] if term.op is Op.SELECT else term.args
        joined = term.op in (Op.MIN, Op.MAX, Op.MUL, Op.SELECT, Op.DETACH) and all(two[a] for a in of)
        number = term.op is Op.CONSTANT and term.attrs[0] in (0.0, 1.0)
        two.append(term.op in COMPARISONS or term.op is Op.NOT or joined or number)
    return found


def varying(equation: Equation) -> list[bool]:
    """For every term whether it depends on a state, on the input or on the step."""
    found: list[bool] = []
    for term in equation.terms:
        found.append(term.op in (Op.INPUT, Op.STATE, Op.SCHEDULE) or any(found[a] for a in term.args))
    return found


def live(equation: Equation) -> Equation:
    """The same equation without the terms that neither the output nor a state needs."""
    needed = {equation.output, *equation.updates}
    for place in range(len(equation.terms) - 1, -1, -1):
        if place in needed:
            needed |= set(equation.terms[place].args)
    kept = sorted(needed)
    at = {old: new for new, old in enumerate(kept)}
    terms = tuple(_moved(equation.terms[old], at) for old in kept)
    return Equation(
        equation.kind,
        equation.states,
        terms,
        at[equation.output],
        tuple(at[u] for u in equation.updates),
        equation.parameters,
    )


def _moved(term: Term, at: dict[int, int]) -> Term:
    return Term(term.op, tuple(at[a] for a in term.args), term.attrs, term.line)


class Builder:
    """Writes an equation term by term; each method returns the place of its term."""

    def __init__(self, kind: str, states: Sequence[State]) -> None:
        self.kind, self.states = kind, tuple(states)
        self.terms: list[Term] = []
        self.parameters: list[str] = []
        self.places: dict[Term, int] = {}

    def emit(self, op: Op, *args: int, attrs: tuple[Attr, ...] = (), line: str = "") -> int:
        """Append a term; one that stands there already is taken again.

        Args:
            op: with a row in the table. args: places of the terms that it takes. attrs: as its row names them.
            line: of the user's file, for messages, '' where there is none.
        """
        term = Term(op, args, attrs, line)
        if term not in self.places:
            self.places[term] = len(self.terms)
            self.terms.append(term)
        return self.places[term]

    def parameter(self, name: str, line: str = "", *, by_step: bool = False) -> int:
        """Append a number; its value is given beside the equation, in the order of these calls.

        Args:
            name: for messages. line: as in `emit`. by_step: whether it has one value per step, else one per layer or
                channel.
        """
        self.parameters.append(name)
        return self.emit(Op.SCHEDULE if by_step else Op.PARAMETER, attrs=(len(self.parameters) - 1,), line=line)

    def constant(self, value: float) -> int:
        """Append a number that stands in the equation itself."""
        return self.emit(Op.CONSTANT, attrs=(float(value),))

    def equation(self, output: int, updates: Sequence[int]) -> Equation:
        """The equation, complete."""
        made = Equation(self.kind, self.states, tuple(self.terms), output, tuple(updates), tuple(self.parameters))
        wrong = list(problems(made))
        assert not wrong, wrong
        return made


def _lines(equation: Equation) -> Iterator[str]:
    yield f"equation {equation.kind}"
    for s in equation.states:
        yield f"  {s.name} in [{s.range[0]:g}, {s.range[1]:g}], initially {s.initial:g}"
    for n, term in enumerate(equation.terms):
        attrs = " ".join(f"{name}={value}" for (name, _), value in zip(ROWS[term.op].attrs, term.attrs, strict=True))
        if term.op in GIVEN:
            attrs = equation.parameters[int(term.attrs[0])]
        yield "  " + " ".join(filter(None, [f"t{n} = {term.op.value}", *(f"t{a}" for a in term.args), attrs]))
    yield f"  output t{equation.output}"
    for s, place in zip(equation.states, equation.updates, strict=True):
        yield f"  {s.name} becomes t{place}"

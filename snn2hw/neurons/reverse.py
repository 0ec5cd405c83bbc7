"""The derivative of an equation, term by term from the last: gradients of what leaves become those of what entered.

It is written once, with an `Arithmetic`: on tensors it is computed (`snn2hw.nn.steps` and `steps_back`), on names of
C variables it becomes the text of a kernel (`in_c`). Both do the same operations in the same order.

Comparisons have no derivative, but FIRE stands for its soft step. Beyond the bounds of a CLAMP, and
of the range of a state, the gradient is 0. At its ends it passes, as torch has it, where `ends` is
True, and else not, as the built-in family has it; at the ends of a state's range, where a state may
rest, it passes. MIN and MAX of two equal values share the gradient between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from snn2hw.neurons.equation import SOURCES, Equation, Op, Term

V = TypeVar("V")


class Arithmetic(Protocol[V]):
    """What a derivative is written with; a V is a number of every neuron, or a condition on it."""

    def number(self, value: float) -> V:
        """A number."""

    def add(self, a: V, b: V) -> V:
        """a + b."""

    def mul(self, a: V, b: V) -> V:
        """a * b."""

    def sub(self, a: V, b: V) -> V:
        """a - b."""

    def neg(self, a: V) -> V:
        """-a."""

    def chosen(self, flag: V, on: bool, a: V) -> V:
        """`a` where `flag` is 1, or 0 where not `on`; elsewhere 0."""

    def inside(self, v: V, ends: tuple[float, float], a: V) -> V:
        """`a` where lo < v < hi, (lo, hi) = `ends`; elsewhere 0."""

    def within(self, v: V, ends: tuple[float, float], a: V) -> V:
        """`a` where lo <= v <= hi, (lo, hi) = `ends`; elsewhere 0."""

    def shared(self, a: V, b: V, g: V) -> V:
        """g where `a` < b, g / 2 where a = b, elsewhere 0."""

    def fired(self, place: int, over: Callable[[], V], g: V) -> V:
        """g times the slope of the soft step of the FIRE at `place` for `over`; the width's gradient is kept by the way."""

    def once(self, place: int, make: Callable[[], V]) -> V:
        """What follows from values alone, for all sweeps with this arithmetic."""


@dataclass(frozen=True)
class Leaving(Generic[V]):
    """The gradients that enter the derivative of one step; None where one is 0.

    Args:
        output: of what leaves the neuron. states: of each next state.
        watched: of the watched value, as a function of that value; see `reverse`.
    """

    output: V | None
    states: Sequence[V | None]
    watched: Callable[[V], V] | None = None


@dataclass(frozen=True)
class _Place(Generic[V]):
    """One term in the sweep: what its rule needs."""

    with_: Arithmetic[V]
    value: Callable[[int], V]
    place: int
    term: Term
    g: V
    reaches: frozenset[int]
    ends: bool

    def arg(self, n: int) -> V:
        """The value of an argument."""
        return self.value(self.term.args[n])

    def to(self, n: int, g: Callable[[], V]) -> Iterator[tuple[int, V]]:
        """A gradient for an argument, where one is wanted."""
        if self.term.args[n] in self.reaches:
            yield self.term.args[n], g()


def reverse(
    equation: Equation,
    with_: Arithmetic[V],
    value: Callable[[int], V],
    leaving: Leaving[V],
    wanted: frozenset[int],
    watch: int | None,
    ends: bool,
) -> dict[int, V]:
    """The gradients of the sources, by their places; those that are 0 everywhere are not there.

    Args:
        equation: of one step. with_: what the gradients are written with. leaving: the gradients that enter.
        value: of a term, by its place.
        wanted: places of the sources whose gradients are asked for.
        watch: place of the value that is watched; None: the first next state, saturated at its range.
        ends: whether a gradient passes at the ends of a CLAMP.
    """
    sweep = _Sweep(equation, with_, value, reaching(equation, wanted), ends)
    sweep.begin(leaving, watch)
    return {place: g for place, g in sweep.run().items() if place in wanted}


@lru_cache(maxsize=256)
def reaching(equation: Equation, wanted: frozenset[int]) -> frozenset[int]:
    """Places of the terms through which a gradient reaches a source that wants one."""
    found = set(wanted)
    for place, term in enumerate(equation.terms):
        if any(term.args[n] in found for n in _through(term)):
            found.add(place)
    return frozenset(found)


def _through(term: Term) -> range:
    """The arguments that a gradient passes to."""
    if term.op in (Op.GE, Op.GT, Op.DETACH):
        return range(0)
    if term.op is Op.DIV:
        return range(0, 3, 2)
    return range(len(term.args))


class _Sweep(Generic[V]):
    def __init__(
        self, equation: Equation, with_: Arithmetic[V], value: Callable[[int], V], reaches: frozenset[int], ends: bool
    ) -> None:
        self.equation, self.with_, self.value, self.reaches, self.ends = equation, with_, value, reaches, ends
        self.found: dict[int, V] = {}

    def begin(self, leaving: Leaving[V], watch: int | None) -> None:
        """Enter what leaves."""
        equation, with_ = self.equation, self.with_
        if leaving.output is not None:
            self.enter(equation.output, leaving.output)
        for n, (state, place, g) in enumerate(zip(equation.states, equation.updates, leaving.states, strict=True)):
            if n == 0 and watch is None and leaving.watched is not None:
                seen = leaving.watched(self.value(place))
                g = seen if g is None else with_.add(g, seen)
            if g is not None and place in self.reaches:
                self.enter(place, with_.within(self.value(place), state.range, g) if state.saturates else g)
        if watch is not None and leaving.watched is not None:
            self.enter(watch, leaving.watched(self.value(watch)))

    def enter(self, place: int, g: V) -> None:
        """Add to the gradient of a term."""
        if place in self.reaches:
            self.found[place] = self.with_.add(self.found[place], g) if place in self.found else g

    def run(self) -> dict[int, V]:
        """From the last term to the first."""
        for place in range(len(self.equation.terms) - 1, -1, -1):
            term = self.equation.terms[place]
            if place in self.found and term.op not in SOURCES:
                at = _Place(self.with_, self.value, place, term, self.found.pop(place), self.reaches, self.ends)
                for argument, g in DERIVATIVE[term.op](at):
                    self.enter(argument, g)
        return self.found


Steps = Iterator[tuple[int, V]]


def _add(at: _Place[V]) -> Steps[V]:
    yield from at.to(0, lambda: at.g)
    yield from at.to(1, lambda: at.g)


def _sub(at: _Place[V]) -> Steps[V]:
    yield from at.to(0, lambda: at.g)
    yield from at.to(1, lambda: at.with_.neg(at.g))


def _neg(at: _Place[V]) -> Steps[V]:
    yield from at.to(0, lambda: at.with_.neg(at.g))


def _mul(at: _Place[V]) -> Steps[V]:
    yield from at.to(0, lambda: at.with_.mul(at.g, at.arg(1)))
    yield from at.to(1, lambda: at.with_.mul(at.g, at.arg(0)))


def _div(at: _Place[V]) -> Steps[V]:
    """Of a * c, c the reciprocal."""
    yield from at.to(0, lambda: at.with_.mul(at.g, at.arg(2)))
    yield from at.to(2, lambda: at.with_.mul(at.g, at.arg(0)))


def _min(at: _Place[V]) -> Steps[V]:
    yield from at.to(0, lambda: at.with_.shared(at.arg(0), at.arg(1), at.g))
    yield from at.to(1, lambda: at.with_.shared(at.arg(1), at.arg(0), at.g))


def _max(at: _Place[V]) -> Steps[V]:
    yield from at.to(0, lambda: at.with_.shared(at.arg(1), at.arg(0), at.g))
    yield from at.to(1, lambda: at.with_.shared(at.arg(0), at.arg(1), at.g))


def _clamp(at: _Place[V]) -> Steps[V]:
    lo, hi = (float(end) for end in at.term.attrs)
    if at.ends:
        yield from at.to(0, lambda: at.with_.within(at.arg(0), (lo, hi), at.g))
    else:  # the clamped value is strictly inside where its argument is
        yield from at.to(0, lambda: at.with_.inside(at.value(at.place), (lo, hi), at.g))


def _fire(at: _Place[V]) -> Steps[V]:
    g = at.with_.fired(at.place, lambda: at.with_.sub(at.arg(0), at.arg(1)), at.g)
    yield from at.to(0, lambda: g)
    yield from at.to(1, lambda: at.with_.neg(g))


def _select(at: _Place[V]) -> Steps[V]:
    yield from at.to(1, lambda: at.with_.chosen(at.arg(0), True, at.g))
    yield from at.to(2, lambda: at.with_.chosen(at.arg(0), False, at.g))
    yield from at.to(0, lambda: at.with_.mul(at.g, at.with_.sub(at.arg(1), at.arg(2))))  # a choice is a b + (1 - a) c


def _polynomial(at: _Place[V]) -> Steps[V]:
    yield from at.to(0, lambda: at.with_.mul(at.g, at.with_.once(at.place, lambda: _slope(at))))
    power = at.g  # times v**k
    for k in range(1, len(at.term.args)):
        yield from at.to(k, lambda power=power: power)  # type: ignore[misc]
        if any(a in at.reaches for a in at.term.args[k + 1 :]):
            power = at.with_.mul(power, at.arg(0))


def _slope(at: _Place[V]) -> V:
    """P'(v), by Horner's scheme."""
    given = [at.arg(n) for n in range(2, len(at.term.args))]
    terms = [c if k == 0 else at.with_.mul(c, at.with_.number(k + 1.0)) for k, c in enumerate(given)]
    y = terms[-1]
    for term in terms[-2::-1]:
        y = at.with_.add(at.with_.mul(y, at.arg(0)), term)
    return y


def _nothing(at: _Place[V]) -> Steps[V]:
    yield from ()


# Of terms that take others.
DERIVATIVE: Mapping[Op, Callable[[_Place[V]], Steps[V]]] = {
    Op.ADD: _add,
    Op.SUB: _sub,
    Op.NEG: _neg,
    Op.MUL: _mul,
    Op.DIV: _div,
    Op.MIN: _min,
    Op.MAX: _max,
    Op.CLAMP: _clamp,
    Op.GE: _nothing,
    Op.GT: _nothing,
    Op.FIRE: _fire,
    Op.NOT: _neg,
    Op.DETACH: _nothing,
    Op.SELECT: _select,
    Op.POLYNOMIAL: _polynomial,
}

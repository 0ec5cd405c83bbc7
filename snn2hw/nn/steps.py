"""An equation through all steps in torch: what the kernel in C must equal, and what runs where it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from snn2hw.neurons.equation import GIVEN, SOURCES, Attr, Op, Term
from snn2hw.neurons.in_torch import MEANING
from snn2hw.neurons.plan import Plan

Floats = Sequence[Tensor]


class Made(NamedTuple):
    """What all steps leave: the output, what is remembered, in the order of `Plan.saved`, and the watched value, [T, ...]."""

    output: Tensor
    saved: tuple[Tensor, ...]
    watched: Tensor | None


def forward(plan: Plan, x: Tensor, numbers: Floats, states: Floats, watched: bool) -> tuple[Made, list[Tensor]]:
    """(what all steps of x [T, N, C, ...] leave, the states after the last) from the states [N, C, ...] before the first.

    Args:
        plan: the equation, and what every step remembers.
        numbers: [1] for the layer, [C] per channel, or of a schedule [S]; all of the dtype and on the device of x.
        watched: whether the watched value is wanted, too.
    """
    equation, given = plan.equation, Given(plan, numbers, x)
    output = torch.empty_like(x)
    saved = tuple(x if place == plan.entering else torch.empty_like(x) for place in plan.saved)
    seen = torch.empty_like(x) if watched else None
    for t in range(len(x)):
        before = dict(zip((s.name for s in equation.states), states, strict=True))
        values = Values(plan, given.at(t), x[t], before.__getitem__)
        output[t] = values(equation.output)
        for place, kept in zip(plan.saved, saved, strict=True):
            if place != plan.entering:
                kept[t] = values(place)
        states = [values.held(n) for n in range(len(equation.states))]
        if seen is not None:
            seen[t] = states[0] if plan.watch is None else values(plan.watch)
    return Made(output, saved, seen), [s.expand_as(x[0]) for s in states]


class Given:
    """The terms that follow from numbers alone: once for all steps, but for those that follow a schedule."""

    def __init__(self, plan: Plan, numbers: Floats, like: Tensor) -> None:
        self.plan, self.like = plan, like
        self.numbers = [n if i in plan.scheduled else _along(n, like) for i, n in enumerate(numbers)]
        self.still: dict[int, Tensor] = {}
        scheduled: set[int] = set()
        for place, term in enumerate(plan.equation.terms):
            if plan.moving[place]:
                continue
            if term.op is Op.SCHEDULE or any(a in scheduled for a in term.args):
                scheduled.add(place)
            else:
                self.still[place] = self._value(term, self.still)
        self.by_step = sorted(scheduled)
        self.rows = {i: numbers[i].unbind(0) for i in plan.scheduled}

    def _value(self, term: Term, known: Mapping[int, Tensor]) -> Tensor:
        if term.op is Op.CONSTANT:
            return number(float(term.attrs[0]), self.like)
        return self.numbers[int(term.attrs[0])] if term.op in GIVEN else _applied(term, [known[a] for a in term.args])

    def at(self, t: int) -> dict[int, Tensor]:
        """Their values at a step, by place."""
        return self._with({i: rows[min(t, len(rows) - 1)] for i, rows in self.rows.items()})

    def at_all(self, begin: int, end: int) -> dict[int, Tensor]:
        """At the steps from `begin` on, [T, 1, ...] where they depend on the step."""
        if not self.by_step:
            return dict(self.still)
        shape = (end - begin, *(1,) * (self.like.ndim - 1))
        steps = torch.arange(begin, end, device=self.like.device)
        return self._with({i: self.numbers[i][steps.clamp_max(len(rows) - 1)].reshape(shape) for i, rows in self.rows.items()})

    def _with(self, schedules: Mapping[int, Tensor]) -> dict[int, Tensor]:
        known = dict(self.still)
        for place in self.by_step:
            term = self.plan.equation.terms[place]
            known[place] = schedules[int(term.attrs[0])] if term.op is Op.SCHEDULE else self._value(term, known)
        return known


class Values:
    """The values of terms at a step, or at all steps, each computed where it is first asked for.

    Args:
        known: those that are there already, by place. x: None where the input is not needed.
        state: of a name, as it was before the step.
    """

    def __init__(self, plan: Plan, known: dict[int, Tensor], x: Tensor | None, state: Callable[[str], Tensor]) -> None:
        self.plan, self.known, self.state = plan, known, state
        if x is not None and plan.entering is not None:
            known[plan.entering] = x

    def __call__(self, place: int) -> Tensor:
        """The value of a term."""
        found = self.known.get(place)
        if found is None:
            term = self.plan.equation.terms[place]
            found = self.state(str(term.attrs[0])) if term.op is Op.STATE else _applied(term, [self(a) for a in term.args])
            self.known[place] = found
        return found

    def held(self, n: int) -> Tensor:
        """The next value of state n."""
        state, value = self.plan.equation.states[n], self(self.plan.equation.updates[n])
        return value.clamp(*state.range) if state.saturates else value

    def by_name(self, name: str) -> Tensor:
        """The next value of a state."""
        return self.held(next(n for n, s in enumerate(self.plan.equation.states) if s.name == name))


def _applied(term: Term, a: Sequence[Tensor]) -> Tensor:
    assert term.op not in SOURCES
    if term.op in _COMPARED:
        compared: Tensor = _COMPARED[term.op](a, term.attrs)
        return compared.to(a[0].dtype)
    found: Tensor = MEANING[term.op](a, term.attrs, _unfired)
    return found


def _unfired(over: Tensor, strict: bool) -> Tensor:
    raise AssertionError("comparisons are made of their two sides")


_COMPARED: Mapping[Op, Callable[[Sequence[Tensor], Sequence[Attr]], Any]] = {
    Op.GE: lambda a, t: a[0] >= a[1],
    Op.GT: lambda a, t: a[0] > a[1],
    Op.FIRE: lambda a, t: a[0] > a[1] if t[0] else a[0] >= a[1],
}


def number(value: float, like: Tensor) -> Tensor:
    """A number in the dtype and on the device of `like`, filled there: a copy from main memory would wait for the device."""
    return torch.full((), value, dtype=like.dtype, device=like.device)


def _along(number: Tensor, like: Tensor) -> Tensor:
    """[1] or [C] as it broadcasts to steps `like` [T, N, C, ...]."""
    return number.reshape(()) if len(number) == 1 else number.reshape(-1, *(1,) * (like.ndim - 3))

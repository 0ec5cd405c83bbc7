"""An equation through all steps in torch, from the last to the first: the gradients.

On a CPU the steps are taken one by one, operation by operation: those of `snn2hw.neurons.in_c`, on
the same floats in the same order. On other devices, where many small operations cost more than few
large ones, all steps are taken at once: the gradient of the states before a step is linear in that
of the states after it,

    g[t-1] = A[t] g[t] + B[t]

A and B follow from what was remembered, for all t together; only this line runs through the steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from snn2hw.neurons.equation import Op
from snn2hw.neurons.plan import Plan
from snn2hw.nn.steps import Floats, Given, Values, number
from snn2hw.nn.surrogate import Atan, Rectangle, Surrogate, Triangle

PLAIN = (Rectangle, Triangle, Atan)  # surrogates of +, -, * and / alone, which are the same floats wherever they are computed


class Incoming(NamedTuple):
    """Gradients that enter the way back.

    Args:
        output: of the output, [T, ...], or None.
        positive, negative: of relu(v) and relu(-v) of the watched value v of every neuron of a step, [T], or None.
    """

    output: Tensor | None
    positive: Tensor | None
    negative: Tensor | None


class Sums(NamedTuple):
    """Gradients of what neurons share, to be added to: of every wanted number for each neuron; of the widths, [T].

    Args:
        numbers: by index, [N, C, ...], and of a schedule [S, N, C, ...], each row over its own steps. widths: or None.
    """

    numbers: dict[int, Tensor]
    widths: Tensor | None


def sweep(
    plan: Plan,
    saved: Floats,
    states: Floats,
    numbers: Floats,
    widths: Tensor,
    surrogate: Surrogate,
    incoming: Incoming,
    sums: Sums,
    after: Floats,
) -> tuple[Tensor, list[Tensor]]:
    """(gradient of x [T, ...], of the states before the first step); adds to `sums`.

    Args:
        saved: as `forward` left it. states: before the first step. widths: of the surrogate, [T].
        after: gradients of the states after the last step.
    """
    back = _Back(plan, saved, states, numbers, widths, surrogate, incoming, sums)
    return back.step_by_step(after) if saved[0].device.type == "cpu" else back.at_once(after)


def slopes(
    plan: Plan, saved: Floats, states: Floats, numbers: Floats, widths: Tensor, surrogate: Surrogate, wanted: bool
) -> list[Tensor]:
    """For each FIRE in order the slope at all steps and, where wanted, that of the width: for a kernel that knows neither."""
    back = _Back(plan, saved, states, numbers, widths, surrogate, Incoming(None, None, None), Sums({}, None))
    return [s for of in back.slopes(wanted).values() for s in of]


class _Back:
    def __init__(
        self,
        plan: Plan,
        saved: Floats,
        states: Floats,
        numbers: Floats,
        widths: Tensor,
        surrogate: Surrogate,
        incoming: Incoming,
        sums: Sums,
    ) -> None:
        self.plan, self.saved, self.states, self.widths = plan, saved, states, widths
        self.surrogate, self.incoming, self.sums = surrogate, incoming, sums
        self.given = Given(plan, numbers, saved[0])
        self.names = [s.name for s in plan.equation.states]

    def step_by_step(self, after: Floats) -> tuple[Tensor, list[Tensor]]:
        """One step after the other, the last first."""
        like, gs = self.saved[0], list(after)
        gx, of_widths = torch.empty_like(like), None if self.sums.widths is None else torch.empty_like(like)
        gp = torch.zeros_like(like) if self.incoming.output is None else self.incoming.output
        given = {} if type(self.surrogate) in PLAIN else self.slopes(of_widths is not None)
        values = self._values(len(like) - 1)
        for t in range(len(like) - 1, -1, -1):
            earlier = self._values(t - 1) if t else None
            values.state = self._started if earlier is None else earlier.by_name
            slopes = {place: [s[t] for s in of] for place, of in given.items()}
            with_ = _Tensors(like, self.widths[t], self.surrogate, of_widths is not None, slopes)
            found = self.plan.sweep(with_, values, gp[t], gs, self._watched(slice(t, t + 1), ()))
            gx[t] = self._of(found, self.plan.entering)
            gs = [self._of(found, self.plan.state(name)).expand_as(like[0]) for name in self.names]
            for index, total in self.sums.numbers.items():
                if (g := found.get(self.plan.number(index))) is not None:
                    (total[min(t, len(total) - 1)] if index in self.plan.scheduled else total).add_(g)
            if of_widths is not None:
                of_widths[t] = with_.zero if with_.width is None else with_.width
            values = values if earlier is None else earlier
        if of_widths is not None and self.sums.widths is not None:
            self.sums.widths.copy_(of_widths.flatten(1).sum(1))
        return gx, gs

    def at_once(self, after: Floats) -> tuple[Tensor, list[Tensor]]:
        """All steps together, but for the gradients of the states."""
        like = self.saved[0]
        values = Values(self.plan, {**self.given.at_all(0, len(like)), **self._kept(None)}, None, self._before_all())
        shape, none = (-1, *(1,) * (like.ndim - 1)), [None] * len(self.names)
        with_ = _Tensors(like, self.widths.reshape(shape), self.surrogate, False)
        watched = self._watched(slice(None), shape)
        places = [self.plan.state(name) for name in self.names]
        begin = self.plan.sweep(with_, values, self.incoming.output, none, watched)
        ones = [[number(1.0, like) if k == j else None for k in range(len(none))] for j in range(len(none))]
        through = [self.plan.sweep(with_, values, None, one, None) for one in ones]
        added = [self._whole(begin, place) for place in places]
        factors = [[self._whole(found, place) for found in through] for place in places]
        gs, every = list(after), [torch.empty_like(like) for _ in self.names]
        for t in range(len(like) - 1, -1, -1):
            for kept, now in zip(every, gs, strict=True):
                kept[t] = now
            gs = [_combined(b, row, gs, t) for b, row in zip(added, factors, strict=True)]
        with_ = _Tensors(like, self.widths.reshape(shape), self.surrogate, self.sums.widths is not None)
        found = self.plan.sweep(with_, values, self.incoming.output, every, watched)
        for index, total in self.sums.numbers.items():
            if (g := found.get(self.plan.number(index))) is not None:
                _over_steps(total, g.expand_as(like), index in self.plan.scheduled)
        if self.sums.widths is not None:
            self.sums.widths.copy_((with_.zero if with_.width is None else with_.width).expand_as(like).flatten(1).sum(1))
        return self._of(found, self.plan.entering).expand_as(like), gs

    def slopes(self, of_widths: bool) -> dict[int, list[Tensor]]:
        """Of each FIRE term the slope at all steps and, where wanted, that of the width.

        All at once, so that a library that rounds the last number of a row otherwise than its first does so here and there.
        """
        like = self.saved[0]
        values = Values(self.plan, {**self.given.at_all(0, len(like)), **self._kept(None)}, None, self._before_all())
        w, found = self.widths.reshape(-1, *(1,) * (like.ndim - 1)), {}
        for place, term in enumerate(self.plan.equation.terms):
            if term.op is Op.FIRE:
                over = (values(term.args[0]) - values(term.args[1])).expand_as(like)
                wanted = (self.surrogate.slope, self.surrogate.width_slope)[: 1 + of_widths]
                found[place] = [of(over, w).to(like.dtype).contiguous() for of in wanted]
        return found

    def _kept(self, t: int | None) -> dict[int, Tensor]:
        """What was remembered, of a step or of all."""
        return {place: kept if t is None else kept[t] for place, kept in zip(self.plan.saved, self.saved, strict=True)}

    def _values(self, t: int) -> Values:
        """Of a step, from what it remembers; it makes the next states without those before it."""
        nothing: dict[str, Tensor] = {}
        return Values(self.plan, {**self.given.at(t), **self._kept(t)}, None, nothing.__getitem__)

    def _started(self, name: str) -> Tensor:
        """A state before the first step."""
        return self.states[self.names.index(name)]

    def _before_all(self) -> Callable[[str], Tensor]:
        """The states before every step."""
        kept = {place: value[:-1] for place, value in self._kept(None).items()}
        values = Values(self.plan, {**self.given.at_all(0, len(self.saved[0]) - 1), **kept}, None, self._started)
        return lambda name: torch.cat([self._started(name)[None], values.by_name(name).expand_as(self.saved[0][:-1])])

    def _watched(self, steps: slice, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor] | None:
        """The gradient of the watched value at some steps; None where it has none."""
        if self.incoming.positive is None or self.incoming.negative is None:
            return None
        above, below = self.incoming.positive[steps].reshape(shape), (-self.incoming.negative[steps]).reshape(shape)
        zero = number(0.0, self.saved[0])
        return lambda v: torch.where(v > 0, above, torch.where(v < 0, below, zero))

    def _of(self, found: Mapping[int, Tensor], place: int | None) -> Tensor:
        g = None if place is None else found.get(place)
        return number(0.0, self.saved[0]) if g is None else g

    def _whole(self, found: Mapping[int, Tensor], place: int | None) -> Tensor | None:
        """A gradient at all steps; None where it is 0 at all."""
        g = None if place is None else found.get(place)
        return None if g is None else g.expand_as(self.saved[0])


@dataclass
class _Tensors:
    """The arithmetic of `reverse` on tensors.

    Args:
        like: for dtype and device. of: the width of the surrogate, as it broadcasts.
        widths: whether the gradient of the width is wanted; it is then in `width`.
        given: of a FIRE term the slope, and that of the width where it is wanted, where they are known already.
    """

    like: Tensor
    of: Tensor
    surrogate: Surrogate
    widths: bool
    given: Mapping[int, Floats] = field(default_factory=dict)
    width: Tensor | None = None
    zero: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.zero = number(0.0, self.like)

    def number(self, value: float) -> Tensor:
        return number(value, self.like)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b

    def sub(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        return a * b

    def neg(self, a: Tensor) -> Tensor:
        return -a

    def chosen(self, flag: Tensor, on: bool, a: Tensor) -> Tensor:
        return torch.where(flag != 0 if on else flag == 0, a, self.zero)

    def inside(self, v: Tensor, ends: tuple[float, float], a: Tensor) -> Tensor:
        return torch.where((v > ends[0]) & (v < ends[1]), a, self.zero)

    def within(self, v: Tensor, ends: tuple[float, float], a: Tensor) -> Tensor:
        return torch.where((v >= ends[0]) & (v <= ends[1]), a, self.zero)

    def shared(self, a: Tensor, b: Tensor, g: Tensor) -> Tensor:
        return torch.where(a < b, g, torch.where(a == b, g * 0.5, self.zero))

    def fired(self, place: int, over: Tensor, g: Tensor) -> Tensor:
        known = self.given.get(place)
        if self.widths:
            part = g * (known[1] if known else self.surrogate.width_slope(over, self.of))
            self.width = part if self.width is None else self.width + part
        return g * (known[0] if known else self.surrogate.slope(over, self.of))


def _combined(b: Tensor | None, row: Sequence[Tensor | None], gs: Floats, t: int) -> Tensor:
    total = None if b is None else b[t]
    for factor, g in zip(row, gs, strict=True):
        if factor is not None:
            total = factor[t] * g if total is None else torch.addcmul(total, factor[t], g)
    return torch.zeros_like(gs[0]) if total is None else total


def _over_steps(total: Tensor, values: Tensor, scheduled: bool) -> None:
    """Add values [T, ...]; of a schedule, each step to its row and to the last row what comes after it."""
    if not scheduled:
        total.add_(values.sum(0))
        return
    last = min(len(total), len(values)) - 1
    total[:last].add_(values[:last])
    total[last].add_(values[last:].sum(0))

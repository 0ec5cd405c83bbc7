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
        plan, numbers: as in `steps.forward`. incoming: what else enters the way back.
        saved: as `forward` left it. states: before the first step. widths: of the surrogate, [T].
        after: gradients of the states after the last step.
        surrogate: its soft step gives FIRE a slope. sums: gradients of all steps, added to.
    """
    back = _Back(plan, saved, states, numbers, widths, surrogate, incoming, sums)
    return back.step_by_step(after) if saved[0].device.type == "cpu" else back.at_once(after)


def slopes(
    plan: Plan, saved: Floats, states: Floats, numbers: Floats, widths: Tensor, surrogate: Surrogate, wanted: bool
) -> list[Tensor]:
    """For each FIRE in order the slope at all steps and, where wanted, that of the width: for a kernel that knows neither.

    Arguments as `sweep`; `wanted`: whether there are to be slopes of the width.
    """
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
        """All steps together, but for the gradients of the states; every gradient is linear in these."""
        like, count = self.saved[0], len(self.names)
        shape = (-1, *(1,) * (like.ndim - 1))
        values = Values(self.plan, {**self.given.at_all(0, len(like)), **self._kept(None)}, None, self._before_all())
        with_ = _Tensors(like, self.widths.reshape(shape), self.surrogate, self.sums.widths is not None)
        found = [self.plan.sweep(with_, values, self.incoming.output, [None] * count, self._watched(slice(None), shape))]
        widths = [with_.taken()]
        for j in range(count):
            found.append(self.plan.sweep(with_, values, None, [with_.one if k == j else None for k in range(count)], None))
            widths.append(with_.taken())
        parts = [[None if g is None else g.expand_as(like) for g in self._at(found, self.plan.state(s))] for s in self.names]
        gs, every = list(after), [torch.empty_like(like) for _ in self.names]
        for t in range(len(like) - 1, -1, -1):
            for kept, now in zip(every, gs, strict=True):
                kept[t] = now
            gs = [_combined([None if g is None else g[t] for g in of], gs, like[t]) for of in parts]
        for index, total in self.sums.numbers.items():
            g = _combined(self._at(found, self.plan.number(index)), every, like)
            _over_steps(total, g, index in self.plan.scheduled)
        if self.sums.widths is not None:
            self.sums.widths.copy_(_combined(widths, every, like).flatten(1).sum(1))
        return _combined(self._at(found, self.plan.entering), every, like), gs

    def _at(self, found: Sequence[Mapping[int, Tensor]], place: int | None) -> list[Tensor | None]:
        return [None if place is None else of.get(place) for of in found]

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


@dataclass
class _Tensors:
    """The arithmetic of `reverse` on tensors.

    Args:
        like: for dtype and device. of: the width of the surrogate, as it broadcasts.
        widths: whether the gradient of the width is wanted; it is then in `width`.
        slopes: of a FIRE term the slope, and that of the width where it is wanted, as far as they are known.
    """

    like: Tensor
    of: Tensor
    surrogate: Surrogate
    widths: bool
    slopes: dict[int, list[Tensor]] = field(default_factory=dict)
    width: Tensor | None = None
    made: dict[int, Tensor] = field(default_factory=dict)  # what follows from values alone
    zero: Tensor = field(init=False)
    one: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.zero, self.one = number(0.0, self.like), number(1.0, self.like)

    def taken(self) -> Tensor | None:
        """The gradient of the width, which begins anew."""
        width, self.width = self.width, None
        return width

    def number(self, value: float) -> Tensor:
        return number(value, self.like)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b

    def sub(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        return b if a is self.one else a * b

    def neg(self, a: Tensor) -> Tensor:
        return -a

    def chosen(self, flag: Tensor, on: bool, a: Tensor) -> Tensor:
        """Arguments as `Arithmetic.chosen`."""
        return torch.where(flag != 0 if on else flag == 0, a, self.zero)

    def inside(self, v: Tensor, ends: tuple[float, float], a: Tensor) -> Tensor:
        """Arguments as `Arithmetic.inside`."""
        return torch.where((v > ends[0]) & (v < ends[1]), a, self.zero)

    def within(self, v: Tensor, ends: tuple[float, float], a: Tensor) -> Tensor:
        """Arguments as `Arithmetic.within`."""
        return torch.where((v >= ends[0]) & (v <= ends[1]), a, self.zero)

    def shared(self, a: Tensor, b: Tensor, g: Tensor) -> Tensor:
        """Arguments as `Arithmetic.shared`."""
        return torch.where(a < b, g, torch.where(a == b, g * 0.5, self.zero))

    def once(self, place: int, make: Callable[[], Tensor]) -> Tensor:
        if place not in self.made:
            self.made[place] = make()
        return self.made[place]

    def fired(self, place: int, over: Callable[[], Tensor], g: Tensor) -> Tensor:
        """Arguments as `Arithmetic.fired`."""
        if place not in self.slopes:
            of = (self.surrogate.slope, self.surrogate.width_slope)[: 1 + self.widths]
            at = over()
            self.slopes[place] = [slope(at, self.of) for slope in of]
        slope, *width_slope = self.slopes[place]
        for of_width in width_slope:
            part = g * of_width
            self.width = part if self.width is None else self.width + part
        return self.mul(g, slope)


def _combined(parts: Sequence[Tensor | None], gs: Floats, like: Tensor) -> Tensor:
    """B + A_1 g_1 + A_2 g_2 + ... for the parts B, A_1, ..., of which those that are 0 are None."""
    total = parts[0]
    for factor, g in zip(parts[1:], gs, strict=True):
        if factor is not None:
            total = factor * g if total is None else torch.addcmul(total, factor, g)
    return torch.zeros_like(like) if total is None else total.expand_as(like)


def _over_steps(total: Tensor, values: Tensor, scheduled: bool) -> None:
    """Add values [T, ...]; of a schedule, each step to its row and to the last row what comes after it."""
    if not scheduled:
        total.add_(values.sum(0))
        return
    last = min(len(total), len(values)) - 1
    total[:last].add_(values[:last])
    total[last].add_(values[last:].sum(0))

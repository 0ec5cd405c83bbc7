"""An equation through all steps in torch, from the last to the first: the gradients.

On a CPU the steps are taken one by one, operation by operation: those of `snn2hw.neurons.in_c`, on
the same floats in the same order. On other devices, where many small operations cost more than few
large ones, all steps are taken at once (`steps_at_once`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from snn2hw.neurons.equation import Op
from snn2hw.neurons.plan import Plan
from snn2hw.nn.steps import Floats, Given, Values, number
from snn2hw.nn.steps_at_once import Hears, Incoming, Sums, Tensors, at_once, rows, watched
from snn2hw.nn.surrogate import Atan, Rectangle, Surrogate, Triangle

PLAIN = (Rectangle, Triangle, Atan)  # surrogates of +, -, * and / alone, which are the same floats wherever they are computed


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


def sweep_heard(
    plan: Plan,
    saved: Floats,
    states: Floats,
    numbers: Floats,
    widths: Tensor,
    surrogate: Surrogate,
    incoming: Incoming,
    sums: Sums,
    hears: Hears,
) -> Tensor:
    """As `sweep`, of a layer that hears itself: the gradient of x [T, ...]; its last states have none.

    Args:
        plan, saved, states, numbers, widths, surrogate, incoming, sums: as in `sweep`. hears: see there.
    """
    back = _Back(plan, saved, states, numbers, widths, surrogate, incoming, sums)
    return back.at_once([torch.zeros_like(s) for s in states], hears)[0]


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
            with_ = Tensors(like, self.widths[t], self.surrogate, of_widths is not None, slopes)
            found = self.plan.sweep(with_, values, gp[t], gs, watched(self.incoming, slice(t, t + 1), ()))
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

    def at_once(self, after: Floats, hears: Hears | None = None) -> tuple[Tensor, list[Tensor]]:
        """All steps together; on a CPU only of a layer that hears itself. Arguments as `steps_at_once.at_once`."""
        like = self.saved[0]
        values = Values(self.plan, {**self.given.at_all(0, len(like)), **self._kept(None)}, None, self._before_all())
        with_ = Tensors(like, self.widths.reshape(rows(like)), self.surrogate, self.sums.widths is not None)
        return at_once(self.plan, values, with_, self.incoming, self.sums, after, hears)

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

    def _of(self, found: Mapping[int, Tensor], place: int | None) -> Tensor:
        g = None if place is None else found.get(place)
        return number(0.0, self.saved[0]) if g is None else g

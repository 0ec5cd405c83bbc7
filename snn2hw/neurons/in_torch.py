"""What an equation computes, in torch: differentiable, a comparison that fires through its surrogate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from snn2hw.neurons.equation import Attr, Equation, Op


def _polynomial(a: Sequence[Tensor]) -> Tensor:
    """By Horner's scheme."""
    v, y = a[0], a[-1]
    for coefficient in a[-2:0:-1]:
        y = y * v + coefficient
    return y


def chosen(flag: Tensor, on: float | Tensor, off: Tensor) -> Tensor:
    """`on` where the flag is 1, else `off`, and towards the flag the gradient of flag * on + (1 - flag) * off."""
    value = torch.where(flag != 0, on, off)
    if not flag.requires_grad:
        return value
    return value + (flag - flag.detach()) * torch.nan_to_num(on - off)  # 0 times what may be infinite


Fire = Callable[[Tensor, bool], Tensor]  # (v - threshold, strict) -> flag

# Of terms that take others. Flags are zeros and ones in the dtype of the input.
MEANING: Mapping[Op, Callable[[Sequence[Tensor], Sequence[Attr], Fire], Any]] = {
    Op.ADD: lambda a, _, fire: a[0] + a[1],
    Op.SUB: lambda a, _, fire: a[0] - a[1],
    Op.NEG: lambda a, _, fire: -a[0],
    Op.MUL: lambda a, _, fire: a[0] * a[1],
    Op.DIV: lambda a, _, fire: a[0] / a[1],
    Op.MIN: lambda a, _, fire: torch.minimum(a[0], a[1]),
    Op.MAX: lambda a, _, fire: torch.maximum(a[0], a[1]),
    Op.CLAMP: lambda a, t, fire: a[0].clamp(float(t[0]), float(t[1])),
    Op.GE: lambda a, _, fire: a[0] >= a[1],
    Op.GT: lambda a, _, fire: a[0] > a[1],
    Op.FIRE: lambda a, t, fire: fire(a[0] - a[1], bool(t[0])),
    Op.NOT: lambda a, _, fire: 1.0 - a[0],
    Op.DETACH: lambda a, _, fire: a[0].detach(),
    Op.SELECT: lambda a, _, fire: chosen(*a),
    Op.POLYNOMIAL: lambda a, _, fire: _polynomial(a),
}


def evaluate(
    equation: Equation,
    parameters: Sequence[Tensor],
    states: Mapping[str, Tensor],
    x: Tensor,
    fire: Fire,
    t: int = 0,
    ends: bool = True,
) -> list[Tensor]:
    """The value of every term for states and input x [N, C, ...].

    Args:
        equation: of one step.
        parameters: [1] for the layer or [C] per channel, along axis 1 of x; of a schedule [S], one for each step.
        states: by name, [N, C, ...], as the step before left them.
        fire: the comparison of a difference with zero, with its gradient. t: the step, for schedules.
        ends: whether a gradient passes at the ends of a CLAMP, as in `reverse`.
    """
    values: list[Tensor] = []
    for term in equation.terms:
        if term.op is Op.INPUT:
            values.append(x)
        elif term.op is Op.STATE:
            values.append(states[str(term.attrs[0])])
        elif term.op is Op.PARAMETER:
            values.append(parameters[int(term.attrs[0])].to(x).reshape((1, -1) + (1,) * (x.ndim - 2)))
        elif term.op is Op.SCHEDULE:
            given = parameters[int(term.attrs[0])]
            values.append(given[min(t, len(given) - 1)].to(x).reshape((1,) * x.ndim))
        elif term.op is Op.CONSTANT:
            values.append(x.new_full((1,) * x.ndim, float(term.attrs[0])))
        else:
            value = MEANING[term.op]([values[a] for a in term.args], term.attrs, fire).to(x.dtype)
            values.append(value if ends or term.op is not Op.CLAMP else _without_ends(values[term.args[0]], value, term.attrs))
    return values


def _without_ends(before: Tensor, clamped: Tensor, attrs: Sequence[Attr]) -> Tensor:
    """The clamped value, with a gradient strictly inside only; torch's own passes one at the ends, too."""
    lo, hi = (float(end) for end in attrs)
    return torch.where((clamped > lo) & (clamped < hi), before, clamped.detach())


def step(
    equation: Equation, parameters: Sequence[Tensor], states: Mapping[str, Tensor], x: Tensor, fire: Fire, t: int = 0
) -> tuple[Tensor, dict[str, Tensor]]:
    """(output, next states before they saturate at their ranges), each [N, C, ...]. Arguments as `evaluate`."""
    values = evaluate(equation, parameters, states, x, fire, t)
    after = {s.name: values[place].expand_as(x) for s, place in zip(equation.states, equation.updates, strict=True)}
    return values[equation.output].expand_as(x), after

"""What an equation computes, in NumPy and float64: the float reference that everything is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.neurons.equation import Attr, Equation, Op, varying

Reals = npt.NDArray[np.float64]


def horner(v: Reals, coefficients: Sequence[Reals]) -> Reals:
    """c_0 + c_1 v + ... + c_d v**d, from c_d on."""
    y = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        y = y * v + coefficient
    return y


def _fire(v: Reals, threshold: Reals, strict: bool) -> Any:
    return v > threshold if strict else v >= threshold


# Of terms that take others. Flags are float64 zeros and ones.
MEANING: Mapping[Op, Callable[[Sequence[Reals], Sequence[Attr]], Any]] = {
    Op.ADD: lambda a, _: a[0] + a[1],
    Op.SUB: lambda a, _: a[0] - a[1],
    Op.NEG: lambda a, _: -a[0],
    Op.MUL: lambda a, _: a[0] * a[1],
    Op.DIV: lambda a, _: a[0] / a[1],
    Op.MIN: lambda a, _: np.minimum(a[0], a[1]),
    Op.MAX: lambda a, _: np.maximum(a[0], a[1]),
    Op.CLAMP: lambda a, t: np.clip(a[0], t[0], t[1]),
    Op.GE: lambda a, _: a[0] >= a[1],
    Op.GT: lambda a, _: a[0] > a[1],
    Op.FIRE: lambda a, t: _fire(a[0], a[1], bool(t[0])),
    Op.NOT: lambda a, _: 1.0 - a[0],
    Op.DETACH: lambda a, _: a[0],
    Op.SELECT: lambda a, _: np.where(a[0] != 0, a[1], a[2]),
    Op.POLYNOMIAL: lambda a, _: horner(a[0], a[1:]),
}


def evaluate(equation: Equation, parameters: Sequence[Reals], states: Mapping[str, Reals], x: Reals, t: int = 0) -> list[Reals]:
    """The value of every term for states and input x [N, C, ...].

    Args:
        equation: of one step.
        parameters: [1] for the layer or [C] per channel, along axis 1 of x; of a schedule [S], one for each step.
        states: by name, [N, C, ...], as the step before left them.
        t: the step, for schedules.
    """
    values: list[Reals] = []
    for term in equation.terms:
        if term.op is Op.INPUT:
            values.append(x)
        elif term.op is Op.STATE:
            values.append(states[str(term.attrs[0])])
        elif term.op is Op.PARAMETER:
            values.append(along_channels(parameters[int(term.attrs[0])], x.ndim))
        elif term.op is Op.SCHEDULE:
            values.append(along_channels(parameters[int(term.attrs[0])][: t + 1][-1:], x.ndim))
        elif term.op is Op.CONSTANT:
            values.append(np.full((1,) * x.ndim, float(term.attrs[0])))
        else:
            found = MEANING[term.op]([values[a] for a in term.args], term.attrs)
            values.append(np.asarray(found, np.float64))
    return values


def step(
    equation: Equation, parameters: Sequence[Reals], states: Mapping[str, Reals], x: Reals, t: int = 0
) -> tuple[Reals, dict[str, Reals], dict[str, Reals]]:
    """(output, next states, the same before they saturate at their ranges), each [N, C, ...]. Arguments as `evaluate`."""
    values = evaluate(equation, parameters, states, x, t)
    free = {s.name: _filled(values[place], x) for s, place in zip(equation.states, equation.updates, strict=True)}
    held = {s.name: np.clip(free[s.name], *s.range) if s.saturates else free[s.name] for s in equation.states}
    return _filled(values[equation.output], x), held, free


def initial(equation: Equation, shape: tuple[int, ...]) -> dict[str, Reals]:
    """The states before the first step."""
    return {s.name: np.full(shape, s.initial) for s in equation.states}


def along_channels(values: Reals, ndim: int) -> Reals:
    """[1] or [C] values so that they broadcast along axis 1 of an array of `ndim` axes."""
    return values.reshape((1, -1) + (1,) * (ndim - 2))


def _filled(values: Reals, like: Reals) -> Reals:
    """A term that follows from parameters alone has one value for all neurons."""
    return np.broadcast_to(values, like.shape).copy() if values.shape != like.shape else values


def numbers(equation: Equation, parameters: Sequence[Reals]) -> list[Reals]:
    """For every term that depends on no state, input or step its value, [1] or [C]; for the others nothing, [0]."""
    varies, values = varying(equation), list[Reals]()
    for place, term in enumerate(equation.terms):
        if varies[place]:
            values.append(np.zeros(0))
        elif term.op is Op.PARAMETER:
            values.append(np.asarray(parameters[int(term.attrs[0])], np.float64))
        elif term.op is Op.CONSTANT:
            values.append(np.array([float(term.attrs[0])]))
        else:
            values.append(np.asarray(MEANING[term.op]([values[a] for a in term.args], term.attrs), np.float64))
    return values

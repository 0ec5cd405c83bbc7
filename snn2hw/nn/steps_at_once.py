"""The gradients of an equation through all steps at once, where every value of every step is known.

The gradient of the states before a step is linear in that of the states after it and of the output,

    g[t-1] = A[t] g[t] + B[t] o[t] + C[t]

A, B and C follow from the values, for all t together; only this line runs through the steps. Of a layer that hears itself the
gradient of the output is known no sooner than that of the input at the step behind it, so it runs with the states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from snn2hw.neurons.plan import Plan
from snn2hw.nn.steps import Floats, Values, number
from snn2hw.nn.surrogate import Surrogate

Hears: TypeAlias = "Callable[[Tensor], Tensor]"  # gradient of the input at a step [N, ...] -> what it adds to the output's before


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


@dataclass
class Tensors:
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
        """A number, without axes."""
        return number(value, self.like)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        """a + b."""
        return a + b

    def sub(self, a: Tensor, b: Tensor) -> Tensor:
        """a - b."""
        return a - b

    def mul(self, a: Tensor, b: Tensor) -> Tensor:
        """a * b; nothing where a is the number 1 itself."""
        return b if a is self.one else a * b

    def neg(self, a: Tensor) -> Tensor:
        """-a."""
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
        """Arguments as `Arithmetic.once`."""
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


def at_once(
    plan: Plan, values: Values, with_: Tensors, incoming: Incoming, sums: Sums, after: Floats, hears: Hears | None = None
) -> tuple[Tensor, list[Tensor]]:
    """(gradient of x [T, ...], of the states before the first step); adds to `sums`.

    Args:
        plan: the equation, and what is asked of it. values: of all steps, [T, ...]. with_: the arithmetic.
        incoming: what else enters the way back. sums: gradients of all steps, added to.
        after: gradients of the states after the last step. hears: of a layer that hears itself, else None.
    """
    like, names = with_.like, [s.name for s in plan.equation.states]
    given, mass = incoming.output if hears is None else None, watched(incoming, slice(None), rows(like))
    found = [plan.sweep(with_, values, given, _unit(names, None, with_), mass)]
    widths = [with_.taken()]
    for j in range(len(names)):
        found.append(plan.sweep(with_, values, None, _unit(names, j, with_), None))
        widths.append(with_.taken())
    if hears is not None:
        found.append(plan.sweep(with_, values, with_.one, _unit(names, None, with_), None))
        widths.append(with_.taken())
    of_states, of_input = [_at(found, plan.state(name), like) for name in names], _at(found, plan.entering, like)
    gs, gx, every = list(after), torch.empty_like(like), [torch.empty_like(like) for _ in found[1:]]
    heard = torch.zeros_like(like[0])
    for t in range(len(like) - 1, -1, -1):
        now = gs if hears is None else [*gs, heard if incoming.output is None else heard + incoming.output[t]]
        for kept, g in zip(every, now, strict=True):
            kept[t] = g
        if hears is not None:
            gx[t] = _combined([None if g is None else g[t] for g in of_input], now, like[t])
            heard = hears(gx[t])
        gs = [_combined([None if g is None else g[t] for g in of], now, like[t]) for of in of_states]
    for index, total in sums.numbers.items():
        place = plan.number(index)
        _over_steps(total, _combined([of.get(place) for of in found], every, like), index in plan.scheduled)
    if sums.widths is not None:
        sums.widths.copy_(_combined(widths, every, like).flatten(1).sum(1))
    return gx if hears is not None else _combined(of_input, every, like), gs


def _unit(names: Sequence[str], which: int | None, with_: Tensors) -> list[Tensor | None]:
    """The gradient 1 of one of the states, or of none."""
    return [with_.one if k == which else None for k in range(len(names))]


def _at(found: Sequence[Mapping[int, Tensor]], place: int | None, like: Tensor) -> list[Tensor | None]:
    """The parts of the gradient of a term, as they are at every step; of a term that is not there all are 0."""
    parts = [None if place is None else of.get(place) for of in found]
    return [None if g is None else g.expand_as(like) for g in parts]


def watched(incoming: Incoming, steps: slice, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor] | None:
    """The gradient of the watched value at some steps; None where it has none.

    Args:
        incoming: holds it, [T]. steps: at which. shape: in which these broadcast to the value.
    """
    if incoming.positive is None or incoming.negative is None:
        return None
    above, below = incoming.positive[steps].reshape(shape), (-incoming.negative[steps]).reshape(shape)
    zero = number(0.0, above)
    return lambda v: torch.where(v > 0, above, torch.where(v < 0, below, zero))


def rows(like: Tensor) -> tuple[int, ...]:
    """The shape in which a number for each step broadcasts to values [T, ...]."""
    return (-1, *(1,) * (like.ndim - 1))


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

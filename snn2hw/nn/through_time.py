"""Layers of neurons through all steps T at once, and back: an equation, and its gradient, as one function of torch.

forwards   every step computes the equation from the states that the step before left, and x[t]
backwards  each comparison stands for its soft step of width w[t]; beyond the bounds of a clamp the gradient is 0, and in the
           built-in family also at the bounds

What is remembered is one value for each state and step, whatever the equation has of terms (`snn2hw.neurons.remembered`);
the others, and the states before the step, are computed from it again. Of the built-in family that is the clamped membrane
before firing, h, and where the input enters first the argument of P, z. `backward` asks no more: h may as well come from an
integer program, whose P(u) is not this one to the last bit.

`steps` and `steps_back` say in torch what is computed; in float32 on a CPU with a C compiler `kernel` gives the same floats
sooner. Sums over neurons are torch's, of the same terms, either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn2hw.neurons import library
from snn2hw.neurons.equation import Equation
from snn2hw.neurons.plan import Plan, planned
from snn2hw.nn import kernel
from snn2hw.nn.steps import Given, Values
from snn2hw.nn.steps_at_once import Hears, Incoming, Sums, Tensors, at_once, rows
from snn2hw.nn.steps_back import sweep_heard
from snn2hw.nn.surrogate import Surrogate

Reset: TypeAlias = Literal["subtract", "value", "none"]
Order: TypeAlias = Literal["poly_then_input", "input_then_poly"]


@dataclass(frozen=True)
class Settings:
    """What a neuron of the built-in family has besides tensors; see `snn2hw.nn.Neuron`.

    Args:
        order, reset, reset_value, strict: as there. lo, hi: its state_range.
        amplitudes: amp_k, one per level. signed: whether negative spikes are fired.
        own_negative: whether the amplitude of negative spikes is a further number. staircase: see `snn2hw.nn.Neuron`.
    """

    order: Order
    lo: float
    hi: float
    reset: Reset
    reset_value: float
    strict: bool
    signed: bool
    amplitudes: tuple[float, ...]
    own_negative: bool = False
    staircase: bool = False

    @property
    def input_first(self) -> bool:
        """Whether the input enters before the polynomial."""
        return self.order == "input_then_poly"

    def equation(self, degree: int) -> Equation:
        """The neuron's equation: parameters a_0 to a_d, then theta_1 to theta_K, which may depend on the step, then
        the amplitude of negative spikes where it is their own."""
        return library.equation(
            library.Member(
                degree=degree,
                state_range=(self.lo, self.hi),
                input_first=self.input_first,
                amplitudes=self.amplitudes,
                signed=self.signed,
                own_negative=self.own_negative,
                staircase=self.staircase,
                strict=self.strict,
                reset=self.reset,
                reset_value=self.reset_value,
                scheduled=True,
            )
        )


class Run(NamedTuple):
    """Spike value and clamped membrane before firing, [T, ...]; z = clamp(u + x) in input_then_poly, else None."""

    payload: Tensor
    h: Tensor
    z: Tensor | None


class Gradients(NamedTuple):
    """Of x [T, N, C, ...], a [1 or C, d+1], thetas [S, K], negative [1], widths [T]; None where it was not asked for."""

    x: Tensor
    a: Tensor | None
    thetas: Tensor | None
    negative: Tensor | None
    widths: Tensor | None


@torch.no_grad()
def run(x: Tensor, a: Tensor, thetas: Tensor, settings: Settings, negative: Tensor | None = None) -> Run:
    """Spike values and membranes of synaptic input x [T, N, C, ...]; u starts at 0, no gradient is recorded.

    Args:
        settings: the rest of the equation.
        a: coefficients [1 or C, d+1]. thetas: [S, K], a row for each step, of which the last one stays.
        negative: the amplitude of negative spikes, [1], where it is their own; all of one float dtype, on one device.
    """
    plan = _family(settings, a.shape[1], (False, False, False))
    made, _ = kernel.forward(plan, x, _numbers(a, thetas, negative), [torch.zeros_like(x[0])], False)
    return Run(made.output, made.saved[-1], made.saved[0] if settings.input_first else None)


@torch.no_grad()
def backward(
    h: Tensor,
    z: Tensor | None,
    a: Tensor,
    thetas: Tensor,
    widths: Tensor,
    surrogate: Surrogate,
    settings: Settings,
    grad_payload: Tensor | None,
    grad_positive: Tensor | None = None,
    grad_negative: Tensor | None = None,
    *,
    negative: Tensor | None = None,
    needs: tuple[bool, bool, bool, bool] = (True, True, True, True),
    hears: Hears | None = None,
) -> Gradients:
    """The gradients for membranes h (and z) that `run`, or an integer program that stands for it, made.

    Args:
        h, z: [T, N, C, ...]. a, thetas, settings, negative: as in `run`.
        surrogate: its soft step gives the comparison a slope. widths: of it, [T].
        grad_payload: [T, N, C, ...]. grad_positive, grad_negative: [T], of the mean over all neurons of relu(h) and relu(-h).
        needs: whether the gradients of a, thetas, negative, widths are wanted.
        hears: of a layer that hears itself, what the gradient of its input adds to that of its spike value a step before.
    """
    plan, numbers = _family(settings, a.shape[1], tuple(needs[:3])), _numbers(a, thetas, negative)
    zero, incoming = torch.zeros_like(h[0]), Incoming(grad_payload, *_each(grad_positive, grad_negative, h))
    sums = _sums(plan, h, numbers, needs[3])
    saved = [h] if z is None else [z, h]
    if hears is None:
        gx, _ = kernel.sweep(plan, saved, [zero], numbers, widths, surrogate, incoming, sums, [zero])
    else:
        gx = sweep_heard(plan, saved, [zero], numbers, widths, surrogate, incoming, sums, hears)
    return Gradients(gx, *_totals(sums, numbers, a, thetas, needs))


class EquationGradients(NamedTuple):
    """Of x [T, N, C, ...], widths [T], and the numbers that it was asked for, else None."""

    x: Tensor
    widths: Tensor | None
    numbers: list[Tensor | None]


@torch.no_grad()
def equation_backward(
    equation: Equation,
    x: Tensor,
    states: Mapping[str, Tensor],
    numbers: Sequence[Tensor],
    widths: Tensor,
    surrogate: Surrogate,
    grads: Sequence[Tensor | None],
    wanted: frozenset[int],
    of_widths: bool,
    hears: Hears | None = None,
) -> EquationGradients:
    """The gradients at states that the equation, or an integer program that stands for it, went through.

    Args:
        equation: of one step.
        x: [T, N, C, ...]. states: by name, before every step, [T, N, C, ...].
        numbers: of the equation, [1] or [C]. widths: of the surrogate, [T].
        surrogate: its soft step gives the comparison a slope.
        grads: of the output [T, N, C, ...], and [T] of the means of relu(v) and relu(-v), v the first next state.
        wanted: indices of the numbers whose gradients are. of_widths: whether those of the widths are.
        hears: as in `backward`.
    """
    plan = Plan(equation, None, True, wanted, ())
    output, positive, negative = grads
    sums, after = _sums(plan, x, numbers, of_widths), [torch.zeros_like(x[0]) for _ in equation.states]
    values = Values(plan, Given(plan, numbers, x).at_all(0, len(x)), x, states.__getitem__)
    with_ = Tensors(x, widths.reshape(rows(x)), surrogate, of_widths)
    gx, _ = at_once(plan, values, with_, Incoming(output, *_each(positive, negative, x)), sums, after, hears)
    return EquationGradients(gx, sums.widths, _of_numbers(sums, numbers))


class ThroughTime(torch.autograd.Function):
    """(spike value, positive, negative, h) of
    (x, a, thetas, negative, widths, surrogate, settings, checkpoint, observed).

    positive, negative: [T], the means of relu(h) and relu(-h); they and h, which has no gradient, are None unless observed.
    checkpoint: None remembers h and z of all steps; K remembers x and, every K steps, u.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        a: Tensor,
        thetas: Tensor,
        negative: Tensor | None,
        widths: Tensor,
        surrogate: Surrogate,
        settings: Settings,
        checkpoint: int | None,
        observed: bool,
    ) -> tuple[Tensor | None, ...]:
        """See the class. Arguments as `run` and `backward` have them."""
        ctx.surrogate, ctx.length = surrogate, checkpoint or len(x)
        ctx.set_materialize_grads(False)
        plan, numbers, u = (
            _family(settings, a.shape[1], tuple(ctx.needs_input_grad[1:4])),
            _numbers(a, thetas, negative),
            torch.zeros_like(x[0]),
        )
        ctx.plan = plan
        starts, outputs, saved = list[Tensor](), list[Tensor](), list[tuple[Tensor, ...]]()
        for n, part in enumerate(torch.split(x, ctx.length)):
            starts.append(u)
            made, (u,) = kernel.forward(plan, part, _from(n * ctx.length, plan, numbers), [u], False)
            outputs.append(made.output)
            saved.append(made.saved if checkpoint is None or observed else ())
        payload, h = _joined(outputs), _joined([s[-1] for s in saved if s])
        if checkpoint is None:
            z = saved[0][0] if settings.input_first else None
            ctx.save_for_backward(a, thetas, negative, widths, h, z, None, None)
        else:
            ctx.save_for_backward(a, thetas, negative, widths, None, None, x, torch.stack(starts))
        if not observed or h is None:
            return payload, None, None, None
        ctx.mark_non_differentiable(h)
        return payload, *masses(h), h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Of the tensors that entered; None where not asked for."""
        a, thetas, negative, widths, h, z, x, starts = ctx.saved_tensors
        like = x if h is None else h
        needs = ctx.needs_input_grad[1:5]
        plan, numbers = ctx.plan, _numbers(a, thetas, negative)
        payload, above, below, _ = grads
        scaled, sums = _each(above, below, like), _sums(plan, like, numbers, needs[3])
        gu, parts = [torch.zeros_like(like[0])], []
        for n in range((len(like) - 1) // ctx.length, -1, -1):
            begin = n * ctx.length
            now, given = slice(begin, begin + ctx.length), _from(begin, plan, numbers)
            start = [torch.zeros_like(like[0]) if starts is None else starts[n]]
            if x is None:
                saved: Sequence[Tensor] = [h] if z is None else [z, h]
            else:
                saved = kernel.forward(plan, x[now], given, start, False)[0].saved
            incoming = Incoming(*(None if g is None else g[now] for g in (payload, *scaled)))
            part = _part(sums, plan, numbers, now)
            gx, gu = kernel.sweep(plan, saved, start, given, widths[now], ctx.surrogate, incoming, part, gu)
            parts.append(gx)
        return _joined(parts[::-1]), *_totals(sums, numbers, a, thetas, needs), None, None, None, None


class EquationThroughTime(torch.autograd.Function):
    """(output, positive, negative, watched) of (x, widths, equation, surrogate, observed, records, *numbers).

    watched: the first state after every step, saturated, which has no gradient; positive, negative: [T], the means of
    its relu and of that of its negative; all three None unless observed. records: whether a gradient may be asked for.
    numbers: of the equation, [1] for the layer or [C] per channel.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        widths: Tensor,
        equation: Equation,
        surrogate: Surrogate,
        observed: bool,
        records: bool,
        *numbers: Tensor,
    ) -> tuple[Tensor | None, ...]:
        """See the class. Arguments as there; x: [T, N, C, ...], widths: of the surrogate, [T]."""
        wanted = frozenset(n for n, needed in enumerate(ctx.needs_input_grad[6:]) if needed)
        plan = planned(equation, wanted, records)
        states = [torch.full_like(x[0], s.initial) for s in equation.states]
        made, _ = kernel.forward(plan, x, numbers, states, observed)
        ctx.plan, ctx.surrogate, ctx.count = plan, surrogate, len(numbers)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(widths, *numbers, *made.saved)
        if made.watched is None:
            return made.output, None, None, None
        ctx.mark_non_differentiable(made.watched)
        return made.output, *masses(made.watched), made.watched

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Of the tensors that entered; None where not asked for."""
        widths, *rest = ctx.saved_tensors
        numbers, saved, plan = rest[: ctx.count], rest[ctx.count :], ctx.plan
        like, (output, positive, negative, _) = saved[0], grads
        incoming = Incoming(output, *_each(positive, negative, like))
        sums = _sums(plan, like, numbers, ctx.needs_input_grad[1])
        starts = [torch.full_like(like[0], s.initial) for s in plan.equation.states]
        after = [torch.zeros_like(like[0]) for _ in starts]
        gx, _ = kernel.sweep(plan, saved, starts, numbers, widths, ctx.surrogate, incoming, sums, after)
        return gx, sums.widths, None, None, None, None, *_of_numbers(sums, numbers)


@lru_cache(maxsize=256)
def _family(settings: Settings, count: int, needs: tuple[bool, ...]) -> Plan:
    """The plan of a neuron of the built-in family with so many coefficients.

    Args:
        needs: whether gradients of the coefficients, of the thresholds, and of the amplitude of negative spikes are wanted.
    """
    equation = settings.equation(count - 1)
    levels, total = count + len(settings.amplitudes), len(equation.parameters)
    numbers = (range(count), range(count, levels), range(levels, total))
    wanted = frozenset(n for own, needed in zip(numbers, needs, strict=True) if needed for n in own)
    h = library.membrane(equation)
    saved = (library.argument(equation), h) if settings.input_first else (h,)
    return Plan(equation, h, False, wanted, saved)


def _numbers(a: Tensor, thetas: Tensor, negative: Tensor | None) -> list[Tensor]:
    """The equation's numbers: a_k [1 or C], theta_k [S], and the amplitude of negative spikes [1] where it is their own."""
    own = [] if negative is None else [negative.detach()]
    return [*a.detach().T.contiguous().unbind(0), *thetas.detach().T.contiguous().unbind(0), *own]


def _from(step: int, plan: Plan, numbers: Sequence[Tensor]) -> list[Tensor]:
    """The numbers for the steps from this one on."""
    return [n[min(step, len(n) - 1) :] if i in plan.scheduled else n for i, n in enumerate(numbers)]


def _part(sums: Sums, plan: Plan, numbers: Sequence[Tensor], steps: slice) -> Sums:
    """The sums for some steps, as views."""
    own = {
        i: total[min(steps.start, len(numbers[i]) - 1) :] if i in plan.scheduled else total for i, total in sums.numbers.items()
    }
    return Sums(own, None if sums.widths is None else sums.widths[steps])


def _joined(parts: list[Tensor]) -> Any:
    """One after the other along T; None where there is none."""
    return None if not parts else parts[0] if len(parts) == 1 else torch.cat(parts)


def masses(v: Tensor) -> tuple[Tensor, Tensor]:
    """Means over neurons of relu(v) and relu(-v), [T]; the second from relu's mirror image, which spares a pass over -v."""
    return v.clamp_min(0).flatten(1).mean(1), 0.0 - v.clamp_max(0).flatten(1).mean(1)


def _each(positive: Tensor | None, negative: Tensor | None, like: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of two means over the neurons of a step, as those of every neuron; one that has none beside one has 0."""
    if positive is None and negative is None:
        return None, None
    zero, n = like.new_zeros(len(like)), like[0].numel()
    return (zero if positive is None else positive / n), (zero if negative is None else negative / n)


def _sums(plan: Plan, like: Tensor, numbers: Sequence[Tensor], widths: bool) -> Sums:
    shapes = {i: ((len(numbers[i]),) if i in plan.scheduled else ()) + tuple(like.shape[1:]) for i in sorted(plan.wanted)}
    return Sums({i: like.new_zeros(shape) for i, shape in shapes.items()}, like.new_zeros(len(like)) if widths else None)


def _totals(
    sums: Sums, numbers: Sequence[Tensor], a: Tensor, thetas: Tensor, needs: Sequence[bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Gradients of a, thetas, negative, widths."""
    count, own = a.shape[1], a.shape[1] + thetas.shape[1]
    of_a = [_total(sums.numbers[i], numbers[i]) for i in range(count)] if needs[0] else []
    of_thetas = [sums.numbers[i].flatten(1).sum(1) for i in range(count, own)] if needs[1] else []
    of_negative = _total(sums.numbers[own], numbers[own]) if own in sums.numbers else None
    return torch.stack(of_a, 1) if of_a else None, torch.stack(of_thetas, 1) if of_thetas else None, of_negative, sums.widths


def _of_numbers(sums: Sums, numbers: Sequence[Tensor]) -> list[Tensor | None]:
    return [_total(sums.numbers[n], number) if n in sums.numbers else None for n, number in enumerate(numbers)]


def _total(total: Tensor, number: Tensor) -> Tensor:
    """A sum over the neurons, of a number of the layer, or over those of a channel."""
    if len(number) == 1:
        return total.sum().reshape(1)
    return total.transpose(0, 1).flatten(1).sum(1)

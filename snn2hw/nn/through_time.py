"""A layer of neurons through all steps T at once, and back: the equation of `snn2hw.nn.Neuron` and its gradient.

forwards   v = u[t-1]                      or, input_then_poly:  v = z[t] = clamp(u[t-1] + x[t])
           h[t] = clamp(P(v) + x[t])       or                    h[t] = clamp(P(v))
           r = h;  for each level k:  s_k = [r >= theta_k] - signed*[r <= -theta_k],  r -= theta_k s_k,  theta_k = theta[t, k]
           payload[t] = sum_k amp_k s_k;  u[t] is r, h, or h where it did not fire and reset_value where it did
backwards  each comparison stands for its soft step of width w[t]. The firing is a function of h[t] alone, therefore
           gh[t] = (A[t] gu[t] + B[t]) M[t],   gu[t-1] = gh[t] P'(v),   da_k = sum gh[t] v**k
           with A, B of slopes and incoming gradients, and M = [lo < h < hi]: at the bounds of the clamp the gradient is 0.

h (and z) are all that is remembered: u[t-1] is what firing leaves of h[t-1], computed again. `backward` asks no more: h may as
well come from an integer program, whose P(u) is not this one to the last bit.

`equation` is the law, in torch, on every device; in float32 on a CPU with a C compiler `kernel` gives the same floats sooner.
Sums over neurons are torch's, of the same terms, either way.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from snn2hw.nn import equation, kernel
from snn2hw.nn.equation import Incoming, Order, Reset, Run, Settings, Sums, fire
from snn2hw.nn.surrogate import Surrogate

__all__ = ["Gradients", "Order", "Reset", "Run", "Settings", "ThroughTime", "backward", "fire", "run"]


class Gradients(NamedTuple):
    """Of x [T, N, C, ...], a [1 or C, d+1], thetas [S, K], widths [T]; None where it was not asked for."""

    x: Tensor
    a: Tensor | None
    thetas: Tensor | None
    widths: Tensor | None


@torch.no_grad()
def run(x: Tensor, a: Tensor, thetas: Tensor, settings: Settings) -> Run:
    """Payloads and membranes of synaptic input x [T, N, C, ...]; u starts at 0, no gradient is recorded.

    Args:
        a: coefficients [1 or C, d+1]. thetas: [S, K], a row for each step, of which the last one stays; all three of one float
            dtype, on one device.
    """
    return _run(x, a, thetas, settings, torch.zeros_like(x[0]))[0]


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
    needs: tuple[bool, bool, bool] = (True, True, True),
) -> Gradients:
    """The gradients for membranes h (and z) that `run`, or an integer program that stands for it, made.

    Args:
        h, z: [T, N, C, ...]. a, thetas: as in `run`. widths: of the surrogate, [T].
        grad_payload: [T, N, C, ...]. grad_positive, grad_negative: [T], of the mean over all neurons of relu(h) and relu(-h).
        needs: whether the gradients of a, thetas, widths are wanted.
    """
    incoming = Incoming(grad_payload, *_each(grad_positive, grad_negative, h))
    zero = torch.zeros_like(h[0])
    sums = _sums(h, a, thetas, needs)
    made = Run(h, h, z)  # the payload is not read
    gx, _ = _sweep(made, zero, a, thetas, widths, surrogate, settings, incoming, sums, zero)
    return Gradients(gx, *_totals(sums, a))


class ThroughTime(torch.autograd.Function):
    """(payload, positive, negative, h) of (x, a, thetas, widths, surrogate, settings, checkpoint, observed).

    positive, negative: [T], the means of relu(h) and relu(-h); they and h, which has no gradient, are None unless observed.
    checkpoint: None remembers h and z of all steps; K remembers x and, every K steps, u.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        a: Tensor,
        thetas: Tensor,
        widths: Tensor,
        surrogate: Surrogate,
        settings: Settings,
        checkpoint: int | None,
        observed: bool,
    ) -> tuple[Tensor | None, ...]:
        """See the class."""
        ctx.surrogate, ctx.settings, ctx.length = surrogate, settings, checkpoint or len(x)
        ctx.set_materialize_grads(False)
        u, states, runs = torch.zeros_like(x[0]), [], []
        for n, part in enumerate(torch.split(x, ctx.length)):
            states.append(u)
            made, u = _run(part, a, thetas[_from(n * ctx.length, thetas)], settings, u)
            runs.append(made if checkpoint is None or observed else made._replace(h=x.new_empty(0), z=None))
        payload, h = _joined([r.payload for r in runs]), _joined([r.h for r in runs])
        if checkpoint is None:
            ctx.save_for_backward(a, thetas, widths, h, runs[0].z, None, None)
        else:
            ctx.save_for_backward(a, thetas, widths, None, None, x, torch.stack(states))
        if not observed:
            return payload, None, None, None
        ctx.mark_non_differentiable(h)
        return payload, h.clamp_min(0).flatten(1).mean(1), (-h).clamp_min(0).flatten(1).mean(1), h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Of the tensors that entered; None where not asked for."""
        a, thetas, widths, h, z, x, states = ctx.saved_tensors
        like = x if h is None else h
        payload, positive, negative, _ = grads
        scaled = _each(positive, negative, like)
        sums = _sums(like, a, thetas, ctx.needs_input_grad[1:4])
        gu, parts = torch.zeros_like(like[0]), []
        starts = range(0, len(like), ctx.length)
        for n in range(len(starts) - 1, -1, -1):
            now, rows = slice(starts[n], starts[n] + ctx.length), _from(starts[n], thetas)
            u = torch.zeros_like(like[0]) if states is None else states[n]
            made = Run(h, h, z) if x is None else _run(x[now], a, thetas[rows], ctx.settings, u)[0]
            incoming = Incoming(*(None if g is None else g[now] for g in (payload, *scaled)))
            part = sums._replace(
                thetas=None if sums.thetas is None else sums.thetas[rows],
                widths=None if sums.widths is None else sums.widths[now],
            )
            gx, gu = _sweep(made, u, a, thetas[rows], widths[now], ctx.surrogate, ctx.settings, incoming, part, gu)
            parts.append(gx)
        return _joined(parts[::-1]), *_totals(sums, a), None, None, None, None


def _run(x: Tensor, a: Tensor, thetas: Tensor, settings: Settings, u: Tensor) -> tuple[Run, Tensor]:
    forward = kernel.forward if kernel.runs(x, a, thetas) else equation.forward
    return forward(x, a, thetas, settings, u)


def _sweep(
    made: Run,
    u: Tensor,
    a: Tensor,
    thetas: Tensor,
    widths: Tensor,
    surrogate: Surrogate,
    settings: Settings,
    incoming: Incoming,
    sums: Sums,
    gu: Tensor,
) -> tuple[Tensor, Tensor]:
    sweep = kernel.sweep if kernel.runs(made.h, a, thetas) else equation.sweep
    return sweep(made, u, a, thetas, widths, surrogate, settings, incoming, sums, gu)


def _from(step: int, thetas: Tensor) -> slice:
    """The rows of thetas [S, K] for the steps from this one on."""
    return slice(min(step, len(thetas) - 1), None)


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _each(positive: Tensor | None, negative: Tensor | None, like: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of two means over the neurons of a step, as those of every neuron; one that has none beside one has 0."""
    if positive is None and negative is None:
        return None, None
    zero, n = like.new_zeros(len(like)), like[0].numel()
    return (zero if positive is None else positive / n), (zero if negative is None else negative / n)


def _sums(like: Tensor, a: Tensor, thetas: Tensor, needs: tuple[bool, bool, bool]) -> Sums:
    return Sums(
        like.new_zeros(a.shape[1], *like.shape[1:]) if needs[0] else None,
        like.new_zeros(*thetas.shape, *like.shape[1:]) if needs[1] else None,
        like.new_zeros(len(like)) if needs[2] else None,
    )


def _totals(sums: Sums, a: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Sums over the neurons: over those of a channel where there is one row of a for each."""
    of_a = None
    if sums.a is not None and len(a) == 1:
        of_a = sums.a.flatten(1).sum(1)[None]
    elif sums.a is not None:
        of_a = sums.a.transpose(1, 2).flatten(2).sum(2).T.contiguous()
    of_thetas = None if sums.thetas is None else sums.thetas.flatten(2)
    return of_a, None if of_thetas is None else of_thetas.flatten(0, 1).sum(1).reshape(of_thetas.shape[:2]), sums.widths

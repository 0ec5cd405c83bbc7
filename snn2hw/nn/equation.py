"""The neuron's step in plain torch, for all steps, and its reverse sweep: the law that `kernel` is held to, on every device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from snn2hw.nn.surrogate import Surrogate

Reset: TypeAlias = Literal["subtract", "value", "none"]
Order: TypeAlias = Literal["poly_then_input", "input_then_poly"]


@dataclass(frozen=True)
class Settings:
    """What the step needs besides tensors; see `snn2hw.nn.Neuron`.

    Args:
        order, reset, reset_value, strict: as there. lo, hi: its state_range.
        amplitudes: amp_k, one per level. signed: whether negative spikes are fired.
    """

    order: Order
    lo: float
    hi: float
    reset: Reset
    reset_value: float
    strict: bool
    signed: bool
    amplitudes: tuple[float, ...]

    @property
    def input_first(self) -> bool:
        """Whether the input enters before the polynomial."""
        return self.order == "input_then_poly"


Fired: TypeAlias = Sequence[tuple[Tensor, Tensor, Tensor]]  # by level: r before it, s_k, r after it


class Run(NamedTuple):
    """Payload and clamped membrane before firing, [T, ...]; z = clamp(u + x) in input_then_poly, else None."""

    payload: Tensor
    h: Tensor
    z: Tensor | None


class Incoming(NamedTuple):
    """Gradients that enter the sweep.

    Args:
        payload: of the payload, [T, ...], or None.
        positive, negative: of relu(h) and relu(-h) of every neuron of a step, [T], or None.
    """

    payload: Tensor | None
    positive: Tensor | None
    negative: Tensor | None


class Sums(NamedTuple):
    """Gradients of what all neurons share, summed over the steps only; None where nobody asks.

    Args:
        a: [d+1, ...]. thetas: [S, K, ...], each row over its own steps. widths: over the neurons in place of the steps, [T].
    """

    a: Tensor | None
    thetas: Tensor | None
    widths: Tensor | None


def columns(a: Tensor, ndim: int) -> tuple[Tensor, ...]:
    """a_0..a_d of [1 or C, d+1], each to be broadcast to a step [N, C, ...] of `ndim` axes."""
    return a.reshape((1, len(a)) + (1,) * (ndim - 2) + (-1,)).unbind(-1)


def horner(terms: Sequence[Tensor], v: Tensor) -> Tensor:
    """terms[0] + terms[1] v + ..., of degree at least 1, each product and each sum rounded."""
    y = terms[-1] * v + terms[-2]
    for term in terms[-3::-1]:
        y = y.mul_(v).add_(term)
    return y


def row(thetas: Tensor, t: int) -> Tensor:
    """The thresholds [K] of step t, of thetas [S, K]: the last row stays."""
    return thetas[min(t, len(thetas) - 1)]


def levels(thetas: Tensor, like: Tensor) -> tuple[Tensor, ...]:
    """theta_k for every level, of thetas [S, K], each to be broadcast to the steps `like` [T, ...]."""
    if len(thetas) == 1:
        return thetas[0].unbind(0)
    steps = torch.arange(len(like), device=thetas.device).clamp_max(len(thetas) - 1)
    return thetas[steps].reshape(len(like), -1, *(1,) * (like.ndim - 1)).unbind(1)


def rounds(h: Tensor, thetas: Sequence[Tensor], settings: Settings) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(r before the level, s_k, r after it) for every level; elementwise, every theta_k broadcast to h."""
    r = h
    for theta in thetas:
        s = (r > theta if settings.strict else r >= theta).to(h.dtype)
        if settings.signed:
            s -= (r < -theta if settings.strict else r <= -theta).to(h.dtype)
        after = r - s * theta  # s is -1, 0 or 1: the product is exact
        yield r, s, after
        r = after


def fire(h: Tensor, thetas: Tensor, settings: Settings) -> tuple[Tensor, Tensor]:
    """(payload, membrane after the reset) of h of any shape; thetas [K]."""
    fired = list(rounds(h, thetas.unbind(0), settings))
    payload = fired[0][1] * settings.amplitudes[0]
    for (_, s, _), amplitude in zip(fired[1:], settings.amplitudes[1:], strict=True):
        payload.add_(s, alpha=amplitude)
    return payload, _left(h, fired, settings)


def _left(h: Tensor, fired: Fired, settings: Settings) -> Tensor:
    """The membrane after the reset."""
    if settings.reset == "subtract":
        return fired[-1][2]
    if settings.reset == "none":
        return h
    any_level = fired[0][1] != 0  # the payload would not do: spikes of opposite sign can cancel
    for _, s, _ in fired[1:]:
        any_level |= s != 0
    return h.masked_fill(any_level, settings.reset_value)


def forward(x: Tensor, a: Tensor, thetas: Tensor, settings: Settings, u: Tensor) -> tuple[Run, Tensor]:
    """(Run, membrane after the last step) from the membrane u [N, C, ...] before the first."""
    terms, (lo, hi) = columns(a, x.ndim - 1), (settings.lo, settings.hi)
    payload, h = torch.empty_like(x), torch.empty_like(x)
    z = torch.empty_like(x) if settings.input_first else None
    for t in range(len(x)):
        if z is not None:
            torch.clamp(u + x[t], lo, hi, out=z[t])
            torch.clamp(horner(terms, z[t]), lo, hi, out=h[t])
        else:
            torch.clamp(horner(terms, u).add_(x[t]), lo, hi, out=h[t])
        payload[t], u = fire(h[t], row(thetas, t), settings)
    return Run(payload, h, z), u


def sweep(
    run: Run,
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
    """(gradient of x [T, ...], of the membrane before the first step); adds to `sums`.

    Args:
        run: h and z are read. u: the membrane before the first step. widths: [T].
        gu: the gradient of the membrane after the last step.
    """
    h, z = run.h, run.z
    theta = levels(thetas, h)
    fired = list(rounds(h, theta, settings))
    gp = torch.zeros_like(h) if incoming.payload is None else incoming.payload
    w = widths.reshape(-1, *(1,) * (h.ndim - 1))
    keep, add = _affine(h, gp, fired, w, theta, surrogate, settings)
    if incoming.positive is not None and incoming.negative is not None:
        above, below = (g.reshape(w.shape) for g in (incoming.positive, -incoming.negative))
        add += torch.where(h > 0, above, torch.where(h < 0, below, torch.zeros_like(below)))
    outside = (h > settings.lo).logical_and_(h < settings.hi).logical_not_()  # NaN is outside
    keep, add = keep.masked_fill_(outside, 0.0), add.masked_fill_(outside, 0.0)
    v = z if z is not None else torch.cat([u[None], _left(h, fired, settings)[:-1]])
    slope = _derivative(a, v)
    if z is not None:
        slope = slope.masked_fill((z <= settings.lo) | (z >= settings.hi), 0.0)
    gh, gx = torch.empty_like(h), torch.empty_like(h) if z is not None else None
    gus = torch.empty_like(h) if sums.thetas is not None or sums.widths is not None else None
    for t in range(len(h) - 1, -1, -1):
        if gus is not None:
            gus[t] = gu
        torch.mul(keep[t], gu, out=gh[t]).add_(add[t])
        gu = gh[t] * slope[t]
        if gx is not None:
            gx[t] = gu
    if gus is not None:
        _levels(gp, gus, fired, w, theta, surrogate, settings, sums)
    if sums.a is not None:
        term = gh.clone() if gx is None else gh
        for k in range(len(sums.a)):
            _over_steps(sums.a[k : k + 1], term if k == 0 else term.mul_(v))
    return (gh if gx is None else gx), gu


def _affine(
    h: Tensor, gp: Tensor, fired: Fired, w: Tensor, thetas: Sequence[Tensor], surrogate: Surrogate, settings: Settings
) -> tuple[Tensor, Tensor]:
    """(A, B): the gradient of h is A gu + B for the gradient gu of the membrane after the reset."""
    keep, add = torch.ones_like(h), None
    for k in range(len(fired) - 1, -1, -1):
        up, down = _slopes(surrogate.slope, fired[k][0], thetas[k], w, settings)
        both = up if down is None else up + down
        factor = 1.0 - both * thetas[k]
        paid = (gp * settings.amplitudes[k]).mul_(both)
        add = paid if add is None else add.mul_(factor).add_(paid)
        if settings.reset == "subtract":
            keep.mul_(factor)
        elif settings.reset == "value":
            keep.masked_fill_(fired[k][1] != 0, 0.0)
    assert add is not None  # there is a level
    return keep, add


def _levels(
    gp: Tensor,
    gu: Tensor,
    fired: Fired,
    w: Tensor,
    thetas: Sequence[Tensor],
    surrogate: Surrogate,
    settings: Settings,
    sums: Sums,
) -> None:
    """Gradients of thresholds and widths, level by level from the last, along the residual."""
    gr = gu if settings.reset == "subtract" else torch.zeros_like(gu)
    of_width = torch.zeros_like(gu)
    for k in range(len(fired) - 1, -1, -1):
        before, s, _ = fired[k]
        up, down = _slopes(surrogate.slope, before, thetas[k], w, settings)
        gs = gp * settings.amplitudes[k] - gr * thetas[k]
        if sums.thetas is not None:
            _over_steps(sums.thetas[:, k], gs * (-up if down is None else down - up) - gr * s)
        if sums.widths is not None:
            wup, wdown = _slopes(surrogate.width_slope, before, thetas[k], w, settings)
            of_width += gs * (wup if wdown is None else wup - wdown)
        gr = gr + gs * (up if down is None else up + down)
    if sums.widths is not None:
        sums.widths.copy_(of_width.flatten(1).sum(1))


def _slopes(of: object, r: Tensor, theta: Tensor, w: Tensor, settings: Settings) -> tuple[Tensor, Tensor | None]:
    assert callable(of)
    return of(r - theta, w), of(-r - theta, w) if settings.signed else None


def _derivative(a: Tensor, v: Tensor) -> Tensor:
    """P'(v), v [T, N, C, ...]."""
    degree = a.shape[1] - 1
    terms = columns(a[:, 1:] * torch.arange(1, degree + 1, dtype=a.dtype, device=a.device), v.ndim - 1)
    return horner(terms, v) if degree > 1 else terms[0].expand(v.shape)


def _over_steps(totals: Tensor, values: Tensor) -> None:
    """totals [S, ...] += values [T, ...], each step to its row and to the last row what comes after it.

    Last step first on a CPU, the kernel's order; as the device likes elsewhere.
    """
    last = min(len(totals), len(values)) - 1
    if values.device.type != "cpu":
        totals[:last].add_(values[:last])
        totals[last].add_(values[last:].sum(0))
        return
    for t in range(len(values) - 1, -1, -1):
        totals[min(t, last)].add_(values[t])

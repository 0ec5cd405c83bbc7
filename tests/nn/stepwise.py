"""The neuron once more, step by step and readable, left to torch's own autograd: what the fused one is held to."""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from snn2hw import nn


class _Clamp(torch.autograd.Function):
    """clamp(y, lo, hi), or what an integer program made of it; the gradient is 0 at the bounds, where torch's own is 1."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, lo: float, hi: float, made: Tensor | None) -> Tensor:
        h = y.clamp(lo, hi) if made is None else made.clone()
        ctx.save_for_backward((h > lo) & (h < hi))
        return h

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return grads[0] * ctx.saved_tensors[0], None, None, None


def stepwise(
    neuron: nn.Neuron, x: Tensor, soft: bool = False, h: Tensor | None = None, z: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(payloads [T, N, C, ...], positive [T], negative [T]).

    Where soft, each step is replaced by its soft proxy. h, z [T, ...]: membranes in place of those computed.
    """
    a, thetas, s = neuron.coefficients, neuron.thetas(x), neuron.settings
    columns = a.reshape((1, len(a)) + (1,) * (x.ndim - 3) + (-1,)).unbind(-1)
    widths = neuron.surrogate.widths(len(x), x)
    u, payloads, positive, negative = torch.zeros_like(x[0]), [], [], []

    def polynomial(v: Tensor) -> Tensor:
        y = columns[-1] * v + columns[-2]
        for column in columns[-3::-1]:
            y = y * v + column
        return y

    made = [h.unbind(0) if h is not None else (None,) * len(x), z.unbind(0) if z is not None else (None,) * len(x)]
    for t, (now, width, held, argument) in enumerate(zip(x, widths, *made, strict=True)):

        def over(y: Tensor, width: Tensor = width) -> Tensor:
            """[y >= 0] with the gradient of the soft step, or the soft step itself."""
            gentle = neuron.surrogate.soft(y, width)
            hard = (y > 0 if neuron.strict else y >= 0).to(y.dtype)
            return gentle if soft else hard.detach() + (gentle - gentle.detach())

        first = neuron.order == "input_then_poly"
        y = polynomial(_Clamp.apply(u + now, s.lo, s.hi, argument)) if first else polynomial(u) + now
        m = _Clamp.apply(y, s.lo, s.hi, held)
        positive.append(m.relu().mean())
        negative.append((-m).relu().mean())
        r, payload, fires = m, torch.zeros_like(m), list[Tensor]()
        own = neuron.negative_amplitude if neuron.negative is None else neuron.negative.clamp(0, 1)
        for k, (theta, amplitude) in enumerate(zip(thetas[min(t, len(thetas) - 1)], neuron.amplitudes, strict=True), 1):
            v, level = (m, k * theta) if neuron.staircase else (r, theta)
            up, down = over(v - level), over(-v - level) if neuron.signed else torch.zeros_like(v)
            r = r - (up - down) * theta
            payload = payload + up * amplitude - down * (amplitude * own)
            fires.append(torch.maximum(up, down) if neuron.signed else up)
        payloads.append(payload)
        any_level = reduce(torch.maximum, fires)
        u = {"subtract": r, "none": m, "value": (1.0 - any_level) * m + any_level * neuron.reset_value}[neuron.reset]
    return torch.stack(payloads), torch.stack(positive), torch.stack(negative)


def own_stepwise(neuron: nn.CustomNeuron, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(spikes [T, N, C, ...], positive [T], negative [T]) of a user's step, T times, in torch's autograd."""
    states = {s.name: torch.full_like(x[0], s.initial) for s in neuron.declared()}
    first, spikes, seen = neuron.declared()[0].name, [], []
    for now, width in zip(x, neuron.surrogate.widths(len(x), x), strict=True):
        fired, states = neuron.one_step(now, states, width)
        spikes.append(fired)
        seen.append(states[first])
    v = torch.stack(seen)
    return torch.stack(spikes), v.clamp_min(0).flatten(1).mean(1), (-v).clamp_min(0).flatten(1).mean(1)

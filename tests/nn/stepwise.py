"""The neuron once more, step by step and readable, left to torch's own autograd: what the fused one is held to."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from snn2hw import nn


class _Clamp(torch.autograd.Function):
    """clamp(y, lo, hi), whose gradient is 0 at the bounds; torch's own is 1 there."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, lo: float, hi: float) -> Tensor:
        h = y.clamp(lo, hi)
        ctx.save_for_backward((h > lo) & (h < hi))
        return h

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return grads[0] * ctx.saved_tensors[0], None, None


def stepwise(neuron: nn.Neuron, x: Tensor, soft: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """(payloads [T, N, C, ...], positive [T], negative [T]); where soft, each step is replaced by its soft proxy."""
    a, thetas, s = neuron.coefficients, neuron.thetas(x), neuron.settings
    columns = a.reshape((1, len(a)) + (1,) * (x.ndim - 3) + (-1,)).unbind(-1)
    widths = neuron.surrogate.widths(len(x), x)
    u, payloads, positive, negative = torch.zeros_like(x[0]), [], [], []

    def polynomial(v: Tensor) -> Tensor:
        y = columns[-1] * v + columns[-2]
        for column in columns[-3::-1]:
            y = y * v + column
        return y

    for now, width in zip(x, widths, strict=True):

        def over(y: Tensor, width: Tensor = width) -> Tensor:
            """[y >= 0] with the gradient of the soft step, or the soft step itself."""
            gentle = neuron.surrogate.soft(y, width)
            hard = (y > 0 if neuron.strict else y >= 0).to(y.dtype)
            return gentle if soft else hard.detach() + (gentle - gentle.detach())

        if neuron.order == "input_then_poly":
            h = _Clamp.apply(polynomial(_Clamp.apply(u + now, s.lo, s.hi)), s.lo, s.hi)
        else:
            h = _Clamp.apply(polynomial(u) + now, s.lo, s.hi)
        positive.append(h.relu().mean())
        negative.append((-h).relu().mean())
        r, payload, fired = h, torch.zeros_like(h), torch.zeros_like(h, dtype=torch.bool)
        for theta, amplitude in zip(thetas, neuron.amplitudes, strict=True):
            spike = over(r - theta) - over(-r - theta) if neuron.signed else over(r - theta)
            r = r - spike * theta
            payload = payload + spike * amplitude
            fired = fired | (spike.detach().round() != 0)
        payloads.append(payload)
        u = {"subtract": r, "none": h, "value": h.masked_fill(fired, neuron.reset_value)}[neuron.reset]
    return torch.stack(payloads), torch.stack(positive), torch.stack(negative)

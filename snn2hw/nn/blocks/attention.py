"""Spike-driven attention without a product of two spike tensors: both products are neurons that add and compare.

Yao et al., "Spike-driven Transformer" (arXiv 2307.01694), call it SDSA. With x the places of an image (the tokens), elementwise *
and q, k spikes:

    m[c] = fire( sum over x of q[c, x] * k[c, x] )            y[c, x] = m[c] * v[c, x]

Time and memory grow with the number of places, not with its square. The products are of a spike and a spike value, so they are

    q * k = [q + k - 1 >= 1]                                  m * v = fire_K( v + K m - K ),   v in 0..K, m in {0, 1}

where fire_K fires min(K, h) times for h >= 1: a neuron without memory (`Gate`). Both hold exactly, in floats and in integers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Module, Sequential

from snn2hw.arguments import whole
from snn2hw.errors import ShapeError
from snn2hw.nn.base import Firing, Neuron
from snn2hw.nn.blocks.convolutions import Make, conv_norm
from snn2hw.nn.layers import AvgPool2d
from snn2hw.nn.linear_neurons import CirculateFiring
from snn2hw.nn.surrogate import Rectangle, Surrogate


class Gate(Neuron):
    """m * v of a spike value v in 0..K and a mask m in {0, 1}, from their sum x = v + K m: h = x - K, it fires min(K, max(0, h)).

    P(u) = -K, so nothing is remembered. With K = 1 it is the logical AND of two spikes. In training a gradient passes where one
    of the two is there.

    Args:
        levels: K, 1..16.

    Raises:
        UsageError, ValueRangeError: levels is no whole number in 1..16.
    """

    a: Tensor

    def __init__(self, levels: int = 1) -> None:
        firing = Firing.circulate(levels, False, 1.0, None, None, self.kind)  # refuses levels that are none
        single = Firing.single(1.0, self.kind)
        reach = 2.0 * levels  # twice what h can be: at an end no gradient would pass
        surrogate = Rectangle(width=2.5)  # from one below the threshold on
        super().__init__(firing if levels > 1 else single, reset="none", state_range=(-reach, reach), surrogate=surrogate)
        self.register_buffer("a", torch.tensor([[-float(levels), 0.0]]))

    @property
    def coefficients(self) -> Tensor:
        """The buffer `a`, [[-K, 0]]."""
        return self.a

    @property
    def learned_degrees(self) -> tuple[int, ...]:
        """None."""
        return ()


@dataclass(frozen=True)
class Kinds:
    """The neurons of a spike-driven network.

    Args:
        neuron: of everything whose spike value is free, signs included.
        binary: of q and k, spike values 0 and 1. value: of v, spike values 0..levels. mask: of m, spike values 0 and levels.
        levels: K.
    """

    neuron: Make
    binary: Make
    value: Make
    mask: Make
    levels: int = 1


def circulating(levels: int = 4, decay: float = 0.5, surrogate: Callable[[], Surrogate] = Rectangle) -> Kinds:
    """Circulate firing everywhere: signed, up to `levels` spikes per step where the spike value is free; unsigned in attention.

    The state range is at least twice what `levels` spikes take: room for what they leave over, in the bits they need anyway.
    `decay`: of the membrane, in [0, 1]. `surrogate`: makes the surrogate gradient of each layer of neurons.

    Raises:
        UsageError, ValueRangeError: as `CirculateFiring`.
    """
    reach = max(4.0, 2.0 * levels)
    wide = (-reach, reach)
    return Kinds(
        neuron=lambda c: CirculateFiring(levels, decay=decay, state_range=wide, surrogate=surrogate()),
        binary=lambda c: CirculateFiring(1, signed=False, decay=decay, surrogate=surrogate()),
        value=lambda c: CirculateFiring(levels, signed=False, decay=decay, state_range=wide, surrogate=surrogate()),
        mask=lambda c: CirculateFiring(1, signed=False, decay=decay, amplitudes=[float(levels)], surrogate=surrogate()),
        levels=levels,
    )


def sum_over_places(size: int) -> Sequential:
    """The sum of all places at every place of a size x size image, over (2 size - 1)**2: [T, N, C, size, size], same shape out.

    A window of 2 size - 1 sees the whole image from every place; rows first, then columns: 30 sums in place of 225 for 8x8.
    """
    whole("size", size, 1, None, "sum_over_places")
    reach, pad = 2 * size - 1, size - 1
    return Sequential(
        AvgPool2d((reach, 1), stride=1, padding=(pad, 0)),
        AvgPool2d((1, reach), stride=1, padding=(0, pad)),
    )


class SpikeDrivenAttention(Module):
    """y = x + conv1x1(m * v), q, k, v = fire(conv1x1(fire(x))): see the head of this file.

    x and y are synaptic input, [T, N, width, size, size]. Different from the paper: the sum over places is normalised per
    channel, with a learned factor and shift (1x1, depthwise), where the paper sets one threshold; and v may have several
    levels. Heads make no difference, for nothing here joins channels.

    Args:
        width: channels. size: rows and columns. kinds: the neurons.

    Raises:
        ShapeError: in the forward: another number of rows or columns.
    """

    def __init__(self, width: int, size: int, kinds: Kinds) -> None:
        super().__init__()
        self.size = size
        self.fire = kinds.neuron(width)
        self.q = Sequential(*conv_norm(width, width, 1), kinds.binary(width))
        self.k = Sequential(*conv_norm(width, width, 1), kinds.binary(width))
        self.v = Sequential(*conv_norm(width, width, 1), kinds.value(width))
        self.both = Gate()
        self.mask = Sequential(sum_over_places(size), conv_norm(width, width, 1, groups=width), kinds.mask(width))
        self.masked = Gate(kinds.levels)
        self.out = conv_norm(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Synaptic input of what follows."""
        if isinstance(x, Tensor) and x.shape[-2:] != (self.size, self.size):  # while it is traced x is none
            raise ShapeError(
                "attention is for another number of places",
                where="SpikeDrivenAttention",
                got=f"{x.shape[-2]} x {x.shape[-1]} places",
                expected=f"{self.size} x {self.size}: its window sees all of them from everywhere, and no others",
                do=f"construct it with size={x.shape[-2]}, or give it square images of {self.size} places a side",
            )
        s = self.fire(x)
        mask = self.mask(self.both(self.q(s) + self.k(s)))
        y: Tensor = self.out(self.masked(self.v(s) + mask))
        return x + y

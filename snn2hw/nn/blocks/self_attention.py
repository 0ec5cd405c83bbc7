"""Spiking self-attention without a softmax: products of what neurons fire, and the block that Spikformer is made of.

Zhou et al., "Spikformer" (arXiv 2209.15425). With L places of an image (the tokens), d channels to a head, and q, k, v [L, d] the
spike values of one head,

    y = fire( scale * (q k^T) v )  =  fire( scale * q (k^T v) )

Nothing stands between the two products, so their order is free: spike values are small whole numbers, whose
sums are exact in floats and in integers. The cheaper one is taken,
2 L d**2 products of spike values a head where d < L, else 2 L**2 d.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import Module, Sequential

from snn2hw.arguments import positive, whole
from snn2hw.errors import ShapeError
from snn2hw.nn.blocks.attention import Kinds
from snn2hw.nn.blocks.convolutions import conv_norm


class SpikingSelfAttention(Module):
    """y = fire(conv1x1(fire(scale * (q k^T) v))), q, k, v = fire(conv1x1(x)): spikes [T, N, width, H, W], same shape out.

    Args:
        width: channels. size: rows and columns. heads: into which the channels are divided.
        kinds: the neurons; q and k fire 0 or 1.
        scale: of the product; None is 4/(d K) with K the levels that v fires in: the paper's 0.125 for 32 channels a head, K = 1.

    Raises:
        ShapeError: the channels cannot be divided among the heads.
        UsageError, ValueRangeError: heads or scale that are none.
    """

    def __init__(self, width: int, size: int, heads: int, kinds: Kinds, scale: float | None = None) -> None:
        super().__init__()
        self.heads = whole("heads", heads, 1, None, "SpikingSelfAttention")
        if width % heads:
            raise ShapeError(
                "the channels cannot be divided among the heads",
                where="SpikingSelfAttention",
                got=f"{width} channels, {heads} heads",
                expected="a number of channels that is a multiple of the heads",
                do=f"use {heads * max(1, round(width / heads))} channels, or another number of heads",
            )
        channels = width // heads
        self.scale = 4 / (channels * kinds.levels) if scale is None else positive("scale", scale, "SpikingSelfAttention")
        self.channels_first = channels < whole("size", size, 1, None, "SpikingSelfAttention") ** 2
        self.q = Sequential(conv_norm(width, width, 1), kinds.binary(width))
        self.k = Sequential(conv_norm(width, width, 1), kinds.binary(width))
        self.v = Sequential(conv_norm(width, width, 1), kinds.neuron(width))
        self.fire = kinds.neuron(width)
        self.out = Sequential(conv_norm(width, width, 1), kinds.neuron(width))

    def forward(self, x: Tensor) -> Tensor:
        """Spike values."""
        T, N, C, H, W = x.shape  # noqa: N806
        q, k, v = (m(x).reshape(T, N, self.heads, C // self.heads, H * W) for m in (self.q, self.k, self.v))  # [d, L] a head
        product = (v @ k.mT) @ q if self.channels_first else v @ (k.mT @ q)
        y: Tensor = self.out(self.fire((product * self.scale).reshape(T, N, C, H, W)))
        return y


class SpikformerBlock(Module):
    """x + attention(x), then x + fire(conv1x1(fire(conv1x1(x)))): spikes [T, N, width, H, W], same shape out.

    Spike values are added (as SEW-ResNet does), so they grow by the neuron's own twice a block.

    Args:
        width, size, heads, kinds, scale: as in `SpikingSelfAttention`. ratio: how many times as wide the perceptron is.
    """

    def __init__(self, width: int, size: int, heads: int, kinds: Kinds, ratio: int = 4, scale: float | None = None) -> None:
        super().__init__()
        self.attention = SpikingSelfAttention(width, size, heads, kinds, scale)
        self.perceptron = Sequential(
            conv_norm(width, ratio * width, 1),
            kinds.neuron(ratio * width),
            conv_norm(ratio * width, width, 1),
            kinds.neuron(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Spike values."""
        x = x + self.attention(x)
        y: Tensor = self.perceptron(x)
        return x + y

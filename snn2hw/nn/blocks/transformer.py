"""What spiking Transformers have beside attention: patch splitting, the spike-driven perceptron, and the block of both."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import Module, Sequential

from snn2hw.arguments import whole
from snn2hw.errors import UsageError
from snn2hw.nn.blocks.attention import Kinds, SpikeDrivenAttention
from snn2hw.nn.blocks.convolutions import Make, conv_norm
from snn2hw.nn.layers import MaxPool2d

POOLS = (False, False, True, True)


class PatchSplitting(Module):
    """Images to places: four 3x3 convolutions of width/8, /4, /2 and width channels, halved in size behind those in `pools`;
    then the relative position, a 3x3 convolution of what is there. Spikformer (arXiv 2209.15425) adds its spikes to those of
    the last convolution, the spike-driven Transformer (arXiv 2307.01694) its synaptic input:

        spikes: y = x + fire(conv3x3(x)), x = fire(conv)          otherwise: y = x + conv3x3(fire(x)), x = conv

    [T, N, channels, H, W] -> [T, N, width, H/2**k, W/2**k], spike values or synaptic input; k: how many of `pools` are True.
    `neuron` makes a neuron layer, given its channels.

    Raises:
        UsageError, ValueRangeError: fewer than 8 channels, or not four pools.
    """

    def __init__(self, width: int, neuron: Make, channels: int = 3, pools: Sequence[bool] = POOLS, spikes: bool = False) -> None:
        super().__init__()
        whole("width", width, 8, None, "PatchSplitting")
        if len(pools) != len(POOLS):
            raise UsageError(
                "pools does not have one entry per convolution",
                where="PatchSplitting",
                got=repr(pools),
                expected="four of True and False",
                do=f"pass pools={POOLS}, for instance",
            )
        layers: list[Module] = []
        entering = channels
        for place, (share, pool) in enumerate(zip((8, 4, 2, 1), pools, strict=True)):
            leaving, last = width // share, place == len(pools) - 1
            layers.append(conv_norm(entering, leaving))
            if spikes or not last:
                layers.append(neuron(leaving))
            if pool:
                layers.append(MaxPool2d(2))
            entering = leaving
        self.split = Sequential(*layers)
        fire, conv = neuron(width), conv_norm(width, width)
        self.position = Sequential(conv, fire) if spikes else Sequential(fire, conv)

    def forward(self, x: Tensor) -> Tensor:
        """What enters the first block."""
        y: Tensor = self.split(x)
        position: Tensor = self.position(y)
        return y + position


class SpikeDrivenPerceptron(Module):
    """y = x + conv1x1(fire(conv1x1(fire(x)))), `ratio` times as wide between; synaptic input [T, N, width, H, W].

    `neuron` makes a neuron layer, given its channels.
    """

    def __init__(self, width: int, neuron: Make, ratio: int = 4) -> None:
        super().__init__()
        self.fire1, self.conv1 = neuron(width), conv_norm(width, ratio * width, 1)
        self.fire2, self.conv2 = neuron(ratio * width), conv_norm(ratio * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Synaptic input of the next block."""
        y: Tensor = self.conv2(self.fire2(self.conv1(self.fire1(x))))
        return x + y


class SpikeDrivenBlock(Sequential):
    """Attention, then the perceptron: synaptic input [T, N, width, size, size], same shape out.

    Args:
        width: channels. size: rows and columns. kinds: the neurons. ratio: of the perceptron.
    """

    def __init__(self, width: int, size: int, kinds: Kinds, ratio: int = 4) -> None:
        super().__init__(SpikeDrivenAttention(width, size, kinds), SpikeDrivenPerceptron(width, kinds.neuron, ratio))

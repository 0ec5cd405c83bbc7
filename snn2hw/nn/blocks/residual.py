"""The two residuals of deep spiking CNNs: one adds membrane input, the other adds spikes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import Module, Sequential

from snn2hw.arguments import one_of
from snn2hw.errors import UsageError
from snn2hw.nn.blocks.convolutions import Make, conv_norm


class MembraneBlock(Module):
    """MS-ResNet (arXiv 2112.08954): what is added is synaptic input, and only spikes enter a convolution.

    s = fire(x)      y = x + conv(fire(conv(s)))      where the shape changes: conv1x1(s) in place of x

    [T, N, entering, H, W] -> [T, N, leaving, H/stride, W/stride], real values. The published shortcut convolves x itself where
    the shape changes; a product of weights and membranes is nothing a spiking chip has, so it reads s here.
    `neuron` makes a neuron layer, given its channels.
    """

    def __init__(self, entering: int, leaving: int, stride: int, neuron: Make) -> None:
        super().__init__()
        self.fire1, self.conv1 = neuron(entering), conv_norm(entering, leaving, stride=stride)
        self.fire2, self.conv2 = neuron(leaving), conv_norm(leaving, leaving)
        self.short = _short(entering, leaving, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Synaptic input of the next block."""
        s = self.fire1(x)
        y: Tensor = self.conv2(self.fire2(self.conv1(s)))
        return y + (x if self.short is None else self.short(s))


class SpikeBlock(Module):
    """SEW-ResNet (arXiv 2102.04159) with ADD: spike values are added, so they grow by the neuron's own with every block.

    y = x + fire(conv(fire(conv(x))))      where the shape changes: fire(conv1x1(x)) in place of x

    [T, N, entering, H, W] -> [T, N, leaving, H/stride, W/stride], spike values.
    """

    def __init__(self, entering: int, leaving: int, stride: int, neuron: Make) -> None:
        super().__init__()
        self.conv1, self.fire1 = conv_norm(entering, leaving, stride=stride), neuron(leaving)
        self.conv2, self.fire2 = conv_norm(leaving, leaving), neuron(leaving)
        short = _short(entering, leaving, stride)
        self.short = None if short is None else Sequential(*short, neuron(leaving))

    def forward(self, x: Tensor) -> Tensor:
        """Spike values of the block and of all before it since the shape last changed."""
        y: Tensor = self.fire2(self.conv2(self.fire1(self.conv1(x))))
        return y + (x if self.short is None else self.short(x))


RESIDUALS: dict[str, type[MembraneBlock] | type[SpikeBlock]] = {"membrane": MembraneBlock, "spike": SpikeBlock}


def stages(residual: str, widths: Sequence[int], depths: Sequence[int], neuron: Make) -> Sequential:
    """Stages of so many blocks each; every one but the first begins with stride 2. It is entered at widths[0] channels.

    Args:
        residual: "membrane" or "spike". depths: blocks of each stage. neuron: channels -> a new one.
        widths: channels of each stage.

    Raises:
        UsageError: another word than those of `RESIDUALS`, or not one depth for each width.
    """
    one_of("residual", residual, tuple(RESIDUALS), "stages")
    if not 0 < len(widths) == len(depths):
        raise UsageError(
            "widths and depths do not fit together",
            where="stages",
            got=f"{len(widths)} widths, {len(depths)} depths",
            expected="one of each for every stage, and one stage at least",
            do="pass widths=(64, 128), depths=(2, 2), for instance",
        )
    block, entering = RESIDUALS[residual], widths[0]
    layers: list[torch.nn.Module] = []
    for stage, (leaving, depth) in enumerate(zip(widths, depths, strict=True)):
        for place in range(depth):
            layers.append(block(entering, leaving, 2 if stage and not place else 1, neuron))
            entering = leaving
    return Sequential(*layers)


def _short(entering: int, leaving: int, stride: int) -> Sequential | None:
    return None if stride == 1 and entering == leaving else conv_norm(entering, leaving, 1, stride=stride)

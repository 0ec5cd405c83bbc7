"""Sizes of a block by the formulas that a chip's file states."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from snn2hw.estimation.axes import Shape3, shape3, shape_of
from snn2hw.estimation.resources import Synapses
from snn2hw.layers import IntConv2d, IntFlatten
from snn2hw.target import Cores, formula


def kernel_words(cores: Cores, synapses: Sequence[Synapses], size: Shape3) -> int:
    """Words of the kernels of a block.

    Args:
        cores: the chip's, with the formula. synapses: into the layer. size: channels, rows and columns of the block.
    """
    text = str(cores.facts["kernel_words_formula"].value)
    return sum(formula.value(text, {**_layer(s), **_block(size)}) for s in synapses)


def neuron_words(cores: Cores, size: Shape3) -> int:
    """Words of the states of a block of so many channels, rows and columns."""
    return formula.value(str(cores.facts["neuron_words_formula"].value), {**dict.fromkeys(formula.NAMES, 1), **_block(size)})


def kernel_of(s: Synapses) -> Shape3:
    """(channels that enter, rows, columns) of a kernel; that of a Linear layer behind an image sees all of it."""
    if isinstance(s.synapse, IntConv2d):
        return s.synapse.weight.shape[1] * s.synapse.groups, s.synapse.window.kernel[0], s.synapse.window.kernel[1]
    behind = [*s.connection.through]
    while behind and behind.pop(0) is not s.synapse:
        pass
    if behind and isinstance(behind[0], IntFlatten):
        return shape3(behind[1].shape) if len(behind) > 1 else shape_of(s.connection.axes)
    return s.synapse.weight.shape[1], 1, 1


def _layer(s: Synapses) -> dict[str, int]:
    channels, rows, columns = kernel_of(s)
    return {
        "input_channels": channels,
        "kernel_height": rows,
        "kernel_width": columns,
        "connections": s.connection.pairs,
    }


def _block(size: Shape3) -> dict[str, int]:
    return {"channels": size[0], "height": size[1], "width": size[2], "neurons": prod(size)}

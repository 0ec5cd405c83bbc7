"""Several samples of a network of linear layers as the places of one image, so that weights are read once for all of them.

A linear layer takes of every weight, for one sample, what a 1 x 1 convolution takes of it for one place: a product for each step.
Of few steps that is so little that a processor mostly waits for weights. But where all values of a network are vectors [C], the
same network of images [C, 1, samples] does the same arithmetic for several samples at once, and its C reads a block of weights
once for all places.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.synapse_plan import MOST_ROWS
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntAdd, IntConcat, IntConv2d, IntFlatten, IntLinear, IntMultiply, IntOffset

MOST = 16  # samples; of more, few batches would be full, and weights are read so seldom already that little is gained
LEAST = 1 << 16  # chosen: weights; fewer stay in the first cache anyhow, and another library has to be compiled
BY_PLACE = (IntAdd, IntConcat, IntFeedback, IntMultiply, IntNeuron, IntOffset, IntReadout)  # one place says nothing of another


def at_once(net: IntegerNetwork) -> int:
    """Samples of a network that lie side by side: as many as fill a tile with their steps; 1 where that is not worth it.

    Args:
        net: its layers are seen step by step where there is a recurrent edge, else all steps together.
    """
    if sum(node.weight.size for node in net.nodes if isinstance(node, IntLinear)) < LEAST:
        return 1
    samples = max(min(MOST, MOST_ROWS // (1 if net.feedbacks else net.steps)), 1)
    return 1 if side_by_side(net, samples) is None else samples


def side_by_side(net: IntegerNetwork, samples: int) -> IntegerNetwork | None:
    """The network of [C, 1, samples] instead of [C]; None where a layer needs the places of an image for itself.

    An image that is flattened before anything else enters as the vector that it becomes.

    Args:
        net: the network of one sample. samples: how many.
    """
    vectors, made, same = set[str](), list[IntNode](), dict[str, str]()
    for node in net.nodes:
        if not isinstance(node, IntFeedback) and not vectors.issuperset(node.inputs):
            return None
        inputs, shape = tuple(same.get(name, name) for name in node.inputs), (prod(node.shape), 1, samples)
        if isinstance(node, IntInput) and _in_a_line(net):
            made.append(replace(node, shape=shape))
        elif type(node) is IntFlatten:
            same[node.name] = inputs[0]
        elif type(node) is IntLinear:
            given = node.name, inputs, shape, node.format, node.interval, node.weight[:, :, None, None], node.bias
            made.append(IntConv2d(*given, Window((1, 1)), 1, source=node.source))
        elif type(node) in BY_PLACE and len(node.shape) == 1:
            made.append(replace(node, inputs=inputs, shape=shape))
        else:
            return None
        vectors.add(node.name)
    return replace(net, nodes=tuple(made))


def _in_a_line(net: IntegerNetwork) -> bool:
    """Whether the input is a vector, or becomes one before anything else is done with it."""
    readers = [node for node in net.nodes if net.input.name in node.inputs]
    return len(net.input.shape) == 1 or all(type(node) is IntFlatten for node in readers)


def groups_in(count: int, samples: int) -> int:
    """Groups of so many samples; of those that are left over, half a group or more are one, too."""
    return (count + samples // 2) // samples


def groups_of(payloads: npt.NDArray[Any], samples: int, kind: str) -> npt.NDArray[np.generic]:
    """Payloads [T, N, ...] as they enter the generated C, [groups, T, 1, samples, values].

    Of the samples that are left over, half a group or more become a group, in which the last of them stands several times: that
    costs no more than to run them one by one. Fewer are not among the groups.

    Args:
        payloads: the samples. samples: of a group. kind: type of the values that is wanted.
    """
    steps, count = payloads.shape[:2]
    groups = groups_in(count, samples)
    whole, left = min(groups, count // samples), count % samples
    values = prod(payloads.shape[2:])
    made, lines = np.empty((groups, steps, 1, samples, values), kind), payloads.reshape(steps, count, values)
    made[:whole] = lines[:, : whole * samples].reshape(steps, whole, 1, samples, values).swapaxes(0, 1)
    if groups > whole:
        made[whole, :, 0, :left] = lines[:, whole * samples :]
        made[whole, :, 0, left:] = lines[:, -1:]
    return made

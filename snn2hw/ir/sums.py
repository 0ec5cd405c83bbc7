"""Exact intervals of what integer nodes other than neurons compute, from the actual weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snn2hw.ir.heads import terms
from snn2hw.ir.integer import (
    IntAdd,
    IntConv2d,
    IntegerNetwork,
    IntFeedback,
    IntInput,
    IntLinear,
    IntMatMul,
    IntNeuron,
    IntNode,
    IntSumPool2d,
    UnloweredNeuron,
)
from snn2hw.ir.network import Window
from snn2hw.ir.program import SPIKES
from snn2hw.ir.ranges import ranges
from snn2hw.num import Interval


def node_interval(node: IntNode, sources: Sequence[IntNode]) -> Interval:
    """The smallest interval known to hold the node's value, when those it reads keep to theirs."""
    inputs = [s.interval for s in sources]
    if isinstance(node, IntInput | UnloweredNeuron):
        return node.interval
    if isinstance(node, IntConv2d | IntLinear):
        return synaptic_interval(node, inputs[0])
    if isinstance(node, IntSumPool2d):
        taps = node.window.kernel[0] * node.window.kernel[1]
        return _with_padding(inputs[0], node.window) * Interval(taps, taps)
    if isinstance(node, IntAdd | IntMatMul):
        return _joined(node, sources)
    if isinstance(node, IntNeuron):
        return ranges(node.program)[node.program.outputs[SPIKES].name]
    return inputs[0].hull(Interval(0, 0)) if isinstance(node, IntFeedback) else inputs[0]


def _joined(node: IntAdd | IntMatMul, sources: Sequence[IntNode]) -> Interval:
    a, b = (s.interval for s in sources)
    if isinstance(node, IntMatMul):
        count = terms(node, sources[0].shape)
        return a * b * Interval(count, count)  # whose magnitude is that of every partial sum, too
    shift_a, shift_b = node.shifts
    return a * Interval(1 << shift_a, 1 << shift_a) + b * Interval(1 << shift_b, 1 << shift_b)


def synaptic_interval(node: IntConv2d | IntLinear, x: Interval) -> Interval:
    """sum over the fan-in of [min(w*lo, w*hi), max(w*lo, w*hi)] + bias, the widest channel deciding."""
    if isinstance(node, IntConv2d):
        x = _with_padding(x, node.window)
    weight = node.weight.reshape(len(node.weight), -1).astype(np.int64)
    positive, negative = np.maximum(weight, 0).sum(1), np.minimum(weight, 0).sum(1)
    bias = node.bias.astype(np.int64)
    lows = [int(p) * x.lo + int(n) * x.hi + int(b) for p, n, b in zip(positive, negative, bias, strict=True)]
    highs = [int(p) * x.hi + int(n) * x.lo + int(b) for p, n, b in zip(positive, negative, bias, strict=True)]
    return Interval(min(lows), max(highs))


def largest_partial_sum(node: IntConv2d | IntLinear, x: Interval) -> int:
    """The largest magnitude of any partial sum, in whatever order the products are added: max sum |w| * |x| + |b|."""
    fan_in = np.abs(node.weight.reshape(len(node.weight), -1).astype(np.int64)).sum(1)
    bias = np.abs(node.bias.astype(np.int64))
    return max(int(f) * x.magnitude + int(b) for f, b in zip(fan_in, bias, strict=True))


def readout_interval(net: IntegerNetwork) -> Interval:
    """The interval of the readout's sum over all steps."""
    logits = net.readout.interval
    return logits * Interval(net.steps, net.steps)


def _with_padding(x: Interval, window: Window) -> Interval:
    return x.hull(Interval(0, 0)) if any(window.padding) else x

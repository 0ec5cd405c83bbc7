"""What the fields of an integer node may hold, whoever wrote them: right types, and sizes that memory and time allow for.

This comes before all other rules, for those compute with the fields.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from snn2hw.ir.integer import IntAdd, IntConv2d, IntInput, IntMatMul, IntMaxPool2d, IntNeuron, IntNode, IntSumPool2d

MAX_ELEMENTS = 1 << 26  # of a node's value, of one sample
MAX_EXTENT = 1 << 20  # of a kernel, stride, padding or dilation
MAX_TAPS = 1 << 12  # of a window that does not see the whole image: each is a node of the ONNX graph
MAX_INSTRUCTIONS = 1 << 10  # of a program
MAX_SHIFT = 31  # of a branch of an addition: values between layers are int32


def broken_fields(node: IntNode) -> Iterator[tuple[str, str]]:
    """(what is broken, what it is) of every field that cannot be."""
    if not all(isinstance(name, str) for name in (node.name, node.source, *node.inputs)):
        yield "names are text", f"{node.name!r}, {node.inputs!r}"
    if not _whole(node.shape, 1, MAX_ELEMENTS) or math.prod(node.shape) > MAX_ELEMENTS:
        yield f"a shape is of whole numbers from 1, {MAX_ELEMENTS} elements at most", repr(node.shape)[:200]
    if not _whole((node.interval.lo, node.interval.hi), -(1 << 62), 1 << 62):
        yield "an interval has two whole numbers of 62 bits", repr(node.interval)[:200]
    if not -1100 < node.format.frac < 1100:
        yield "a binary point lies where a float can say what it means", str(node.format)[:200]
    yield from _own(node)


def _own(node: Any) -> Iterator[tuple[str, str]]:
    """Of each kind of node."""
    if isinstance(node, IntInput):
        number = isinstance(node.unit, float) and math.isfinite(node.unit) and node.unit > 0
        if not number or not isinstance(node.static, bool) or not isinstance(node.counts, bool):
            yield "an input has a unit above 0 and two flags", f"{node.unit!r}, {node.static!r}, {node.counts!r}"
    if isinstance(node, IntConv2d | IntSumPool2d | IntMaxPool2d):
        yield from _window(node)
    if isinstance(node, IntConv2d) and not _whole((node.groups,), 1, MAX_ELEMENTS):
        yield "groups are a whole number from 1", repr(node.groups)[:200]
    if isinstance(node, IntAdd) and not (_whole(node.shifts, -MAX_SHIFT, MAX_SHIFT) and len(node.shifts) == 2):
        yield f"the branches of an addition shift by {MAX_SHIFT} bits at most", repr(node.shifts)[:200]
    if isinstance(node, IntMatMul) and not (_whole((node.heads, *node.size), 1, MAX_ELEMENTS) and len(node.size) == 2):
        yield "heads and size of a product are whole numbers from 1", f"{node.heads!r}, {node.size!r}"[:200]
    if isinstance(node, IntNeuron) and len(node.program.instructions) > MAX_INSTRUCTIONS:
        yield f"a program has {MAX_INSTRUCTIONS} instructions at most", str(len(node.program.instructions))


def _window(node: Any) -> Iterator[tuple[str, str]]:
    window = node.window
    pairs = {
        "kernel": (window.kernel, 1),
        "stride": (window.stride, 1),
        "padding": (window.padding, 0),
        "dilation": (window.dilation, 1),
    }
    for name, (pair, least) in pairs.items():
        if not _whole(pair, least, MAX_EXTENT) or len(pair) != 2:
            yield f"the {name} of a window is two whole numbers from {least} to {MAX_EXTENT}", repr(pair)[:200]
            return
    whole_image = isinstance(node, IntSumPool2d) and tuple(node.shape[1:]) == (1, 1)
    if math.prod(window.kernel) > MAX_TAPS and not whole_image:
        yield f"a window has {MAX_TAPS} places at most", f"{window.kernel[0]}x{window.kernel[1]}"


def _whole(values: Any, least: int, most: int) -> bool:
    return isinstance(values, tuple) and all(type(v) is int and least <= v <= most for v in values)

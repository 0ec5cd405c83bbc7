"""Sizes that memory and time allow for, whoever wrote a network; asked before anything computes with its fields."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from snn2hw.ir.shapes import Window

INT32_MAX = (1 << 31) - 1  # of every value between layers
MAX_ELEMENTS = 1 << 26  # of a node's value, of one sample
MAX_EXTENT = 1 << 20  # of a kernel, stride, padding or dilation
MAX_TAPS = 1 << 12  # of a window that does not see the whole image: each is a node of the ONNX graph
MAX_INSTRUCTIONS = 1 << 10  # of a program
MAX_SHIFT = 31  # of a branch of an addition: values between layers are int32


def broken_window(window: Window, *, whole_image: bool = False) -> Iterator[tuple[str, str]]:
    """What is wrong with a window; one that sees the whole image may have any number of places."""
    pairs = {
        "kernel": (window.kernel, 1),
        "stride": (window.stride, 1),
        "padding": (window.padding, 0),
        "dilation": (window.dilation, 1),
    }
    for name, (pair, least) in pairs.items():
        if not whole(pair, least, MAX_EXTENT) or len(pair) != 2:
            yield f"the {name} of a window is two whole numbers from {least} to {MAX_EXTENT}", repr(pair)[:200]
            return
    if math.prod(window.kernel) > MAX_TAPS and not whole_image:
        yield f"a window has {MAX_TAPS} places at most", f"{window.kernel[0]}x{window.kernel[1]}"


def whole(values: Any, least: int, most: int) -> bool:
    """Whether these are a tuple of whole numbers within these bounds.

    Args:
        values: anything, also what is no tuple. least, most: the bounds, both allowed.
    """
    return isinstance(values, tuple) and all(type(v) is int and least <= v <= most for v in values)

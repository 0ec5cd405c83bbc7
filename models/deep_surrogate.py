"""The surrogate gradient of the deep models' neurons, of which every layer has its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from snn2hw import nn
from snn2hw.arguments import one_of

LEARNED, FIXED = WIDTHS = ("learned", "fixed")


def surrogates(widths: str, steps: int, where: str) -> Callable[[], nn.Surrogate]:
    """What makes the surrogate of a layer: a rectangle of width 1, which for each step is learned from there, or stays.

    Args:
        widths: "learned" or "fixed". steps: T, to which learned widths bind the weights. where: the model, for messages.
    """
    if one_of("surrogate_widths", widths, WIDTHS, where) == FIXED:
        return nn.Rectangle
    return partial(nn.Rectangle, learnable=True, steps=steps)

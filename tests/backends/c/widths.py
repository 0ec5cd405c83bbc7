"""Networks whose binary spikes meet rows of weights of many widths, which the C folder adds as words."""

from __future__ import annotations

from functools import cache

import numpy as np

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.shapes import Window
from snn2hw.trace import Ints
from tests.backends.c.test_words import SIZE, spikes_at_every_density
from tests.hand_networks import add, back, circulate, compiled, conv, counts, flatten, lif, linear, network, normal, readout

DENSITIES = (1.0, 0.0, 0.5, 0.1)  # of a sample's active inputs


@cache
def every_width(bits: int) -> IntegerNetwork:
    """Events 4x5x5 through rows of 2, 8, 12 and 16 words: convolutions, one in groups, linear layers, one of them in a loop.

    Between them are layers that add no words: a depthwise one, one that reads signed spikes, and the readout's.
    """
    window = Window((3, 3), padding=(1, 1))
    drafts = network(
        3,
        counts(4, SIZE, SIZE),
        conv("conv64", "input", normal(1, 64, 4, 3, 3, scale=0.3), window=window),
        lif("n1", "conv64"),
        conv("depthwise", "n1", normal(2, 64, 1, 3, 3), window=window, groups=64),
        lif("n2", "depthwise"),
        conv("groups32", "n2", normal(3, 64, 32, 3, 3, scale=0.2), normal(4, 64), window, groups=2),
        lif("n3", "groups32"),
        conv("conv8", "n3", normal(5, 8, 64, 1, 1, scale=0.3)),
        circulate("signed", "conv8", amplitudes=(1.0,)),
        conv("conv16", "signed", normal(6, 16, 8, 3, 3, scale=0.3), window=window),
        lif("n4", "conv16"),
        flatten("flat", "n4"),
        linear("linear48", "flat", normal(7, 48, 16 * SIZE**2, scale=0.2) - 0.04),
        back("back", "n5", 48),
        linear("loop48", "back", normal(8, 48, 48, scale=0.3) - 0.06),
        add("sum", "linear48", "loop48"),
        lif("n5", "sum"),
        linear("head", "n5", normal(9, 10, 48) - 0.2),
        readout("head"),
    )
    return compiled(drafts, spikes_at_every_density().astype(np.float64), weight_bits=bits).network


def random_width(seed: int) -> tuple[IntegerNetwork, Ints]:
    """Events -> convolution, LIF, convolution in groups, LIF, linear, LIF, linear, of widths and windows that differ."""
    rng = np.random.default_rng(seed)
    steps, size, bits = int(rng.integers(1, 4)), int(rng.integers(5, 8)), int(rng.choice([2, 4, 8]))
    groups, inputs = int(rng.choice([1, 2])), int(rng.integers(4, 40))
    first, second, width = (int(rng.choice([8, 16, 32])) * int(rng.integers(1, 6)) for _ in range(3))
    made = [
        conv("conv1", "input", normal(seed, first, inputs, 3, 3, scale=0.2), window=_window(rng, 3)),
        lif("n1", "conv1"),
        conv("conv2", "n1", normal(seed + 1, second, first // groups, 2, 2, scale=0.2), window=_window(rng, 2), groups=groups),
        lif("n2", "conv2"),
        flatten("flat", "n2"),
    ]
    before = network(steps, counts(inputs, size, size), *made)
    drafts = network(
        steps,
        counts(inputs, size, size),
        *made,
        linear("linear", "flat", normal(seed + 2, width, before.nodes[-1].shape[0], scale=0.2)),
        lif("n3", "linear"),
        linear("head", "n3", normal(seed + 3, 5, width)),
        readout("head"),
    )
    active = rng.random((steps, len(DENSITIES), inputs, size, size)) < np.reshape(DENSITIES, (1, -1, 1, 1, 1))
    payloads: Ints = active.astype(np.int64)
    return compiled(drafts, payloads.astype(np.float64), weight_bits=bits).network, payloads


def _window(rng: np.random.Generator, kernel: int) -> Window:
    stride, padding = int(rng.integers(1, 3)), int(rng.integers(0, 2))
    return Window((kernel, kernel), (stride, stride), (padding, padding))

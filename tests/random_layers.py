"""Random stages of a network from the layers that join, gate, shift and enlarge values: drawn like those of `random_networks`."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn2hw.ir.shapes import Window
from snn2hw.layers import Add, BatchNorm, Concat, Flatten, Linear, Multiply, Offset, Places, Spread2d, Upsample2d
from snn2hw.layers.add import MINUS

Growing = Any  # of random_networks, which imports this


def layered_stages(rng: np.random.Generator, g: Growing) -> None:
    """One or two stages of [C, H, W], then the flattening."""
    stages = [_upsampled, _transposed, _concatenated, _difference, _gated, _offset, _normed, _signal]
    for _ in range(int(rng.integers(1, 3))):
        stages[rng.integers(len(stages))](rng, g)
        if max(g.shape[1:]) > 12:
            break
    g.add(Flatten, "flatten")


def _fired(rng: np.random.Generator, g: Growing, stride: int = 1) -> str:
    """What a neuron fires behind a convolution, of a few channels."""
    g.conv("conv", Window((3, 3), (stride, stride), (1, 1)), int(rng.integers(1, 5)))
    return str(g.neuron("neuron"))


def _pair(rng: np.random.Generator, g: Growing, *, fires: bool) -> list[str]:
    """Two values of one shape, made of the same input."""
    start, out, made = g.last, int(rng.integers(1, 5)), []
    for name in ("left", "right"):
        made.append(g.conv(name, Window((3, 3), padding=(1, 1)), out, inputs=[start]))
        if fires:
            made[-1] = g.neuron(f"{name}_neuron", [made[-1]])
    return made


def _upsampled(rng: np.random.Generator, g: Growing) -> None:
    """Before a neuron, or behind one."""
    factor = [(2, 2), (1, 2), (3, 1)][rng.integers(3)]
    if rng.random() < 0.5:
        g.conv("conv", Window((3, 3), (2, 2), (1, 1)), int(rng.integers(1, 5)))
        g.add(Upsample2d, "up", factor=factor)
        g.neuron("neuron")
    else:
        _fired(rng, g, stride=2)
        g.add(Upsample2d, "up", factor=factor)
        _fired(rng, g)


def _transposed(rng: np.random.Generator, g: Growing) -> None:
    _fired(rng, g, stride=2)
    factor = [(2, 2), (1, 2), (3, 2)][rng.integers(3)]
    tail = (int(rng.integers(0, factor[0])), int(rng.integers(0, factor[1])))
    g.add(Spread2d, "spread", factor=factor, tail=tail)
    padding = (2, 2) if min(g.shape[1:]) < 3 else [(2, 2), (1, 1), (0, 1)][rng.integers(3)]
    g.conv("deconv", Window((3, 3), padding=padding), int(rng.integers(1, 4)))
    g.neuron("neuron")


def _concatenated(rng: np.random.Generator, g: Growing) -> None:
    a, b = _pair(rng, g, fires=rng.random() < 0.6)
    parts = [[a, b], [b, a, a]][rng.integers(2)]
    g.add(Concat, "cat", parts)
    if rng.random() < 0.5:
        g.neuron("neuron")
    else:
        _fired(rng, g)


def _difference(rng: np.random.Generator, g: Growing) -> None:
    g.add(Add, "minus", _pair(rng, g, fires=rng.random() < 0.5), signs=MINUS)
    g.neuron("neuron")


def _gated(rng: np.random.Generator, g: Growing) -> None:
    """a * b, or (1 - a) * b."""
    a, b = _pair(rng, g, fires=True)
    if rng.random() < 0.5:
        a = g.add(Offset, "not", [a], offset=np.ones(g.shapes[a][0]), sign=-1)
    g.add(Multiply, "gate", [a, b])
    if rng.random() < 0.5:
        _fired(rng, g)


def _offset(rng: np.random.Generator, g: Growing) -> None:
    """Behind a sum, or behind spikes; one constant for each channel or for each place."""
    if rng.random() < 0.5:
        g.conv("conv", Window((3, 3), padding=(1, 1)), int(rng.integers(1, 5)))
    else:
        _fired(rng, g)
    size = g.shape if rng.random() < 0.5 else g.shape[:1]
    g.add(Offset, "offset", offset=rng.normal(0.0, 0.5, size), sign=int(rng.choice([1, 1, -1])))
    g.neuron("neuron")


def _normed(rng: np.random.Generator, g: Growing) -> None:
    """A BatchNorm before a convolution, padded or not, or before two."""
    spikes = _fired(rng, g)
    channels = g.shape[0]
    normed = g.add(BatchNorm, "norm", scale=rng.uniform(0.5, 1.5, channels), shift=rng.normal(0.0, 0.4, channels))
    padding = [(0, 0), (1, 1), (2, 1)][rng.integers(3)]
    if padding == (0, 0) and min(g.shape[1:]) < 3:
        padding = (1, 1)
    out = int(rng.integers(1, 4))
    made = g.conv("conv", Window((3, 3), padding=padding), out, inputs=[normed])
    if rng.random() < 0.4:
        other = g.conv("other", Window((3, 3), padding=padding), out, inputs=[normed if rng.random() < 0.5 else spikes])
        g.add(Add, "add", [made, other])
    g.neuron("neuron")


def _signal(rng: np.random.Generator, g: Growing) -> None:
    """An image as a signal, and a convolution along it."""
    _, h, w = g.shape
    g.add(Places, "signal", size=(1, h * w))
    kernel = min(3, h * w)
    g.conv("conv1d", Window((1, kernel), (1, int(rng.integers(1, 3))), (0, int(rng.integers(0, 2)))), int(rng.integers(1, 4)))
    g.neuron("neuron")


def dense_norm(rng: np.random.Generator, g: Growing) -> None:
    """A BatchNorm before a Linear."""
    features = g.shape[0]
    g.add(BatchNorm, "norm", scale=rng.uniform(0.5, 1.5, features), shift=rng.normal(0.0, 0.3, features))
    g.synapse(Linear, "linear", (int(rng.integers(2, 7)), features))
    g.neuron("neuron")

"""A few networks written by hand for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import (
    Circulate,
    Input,
    Network,
    Neuron,
    Node,
    Readout,
    Single,
)
from snn2hw.ir.shapes import Window
from snn2hw.layers import Add, AvgPool2d, Conv2d, Flatten, Linear
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import load_target

Array = npt.NDArray[Any]


def network(steps: int, *drafts: Node) -> Network:
    """The nodes with the shapes that their equations give."""
    nodes: dict[str, Node] = {}
    for draft in drafts:
        nodes[draft.name] = replace(draft, shape=draft.output_shape([nodes[i].shape for i in draft.inputs]))
    return Network(steps, tuple(nodes.values()))


def image(*shape: int) -> Input:
    return Input("input", (), shape, lo=0.0, hi=1.0, static=True, counts=False)


def counts(*shape: int) -> Input:
    return Input("input", (), shape, lo=0.0, hi=3.0, static=False, counts=True)


def conv(name: str, entering: str, weight: Array) -> Conv2d:
    window = Window((3, 3), padding=(1, 1))
    return Conv2d(name, (entering,), (), weight=weight, bias=np.zeros(len(weight)), window=window, groups=1)


def linear(name: str, entering: str, weight: Any) -> Linear:
    w = np.asarray(weight, np.float64)
    return Linear(name, (entering,), (), weight=w, bias=np.zeros(len(w)))


def neuron(name: str, entering: str, firing: Single | Circulate, coefficients: Any, reset: str = "subtract") -> Neuron:
    return Neuron(
        name, (entering,), (), kind="LNM", coefficients=np.asarray(coefficients, np.float64), gain=1.0, order="poly_then_input",
        state_range=(-4.0, 4.0), firing=firing, reset=reset, reset_value=0.0, strict=False,
    )  # fmt: skip


def integrate(name: str, entering: str) -> Neuron:
    return neuron(name, entering, Single(1.0), [[0.0, 1.0]])


def circulate(name: str, entering: str, coefficients: Any = ((0.0, 0.5),), amplitudes: tuple[float, ...] = (1.0, 1.0)) -> Neuron:
    return neuron(name, entering, Circulate((1.0,) * len(amplitudes), amplitudes, signed=True), coefficients)


def readout(entering: str) -> Readout:
    return Readout("readout", (entering,), ())


def every_kind() -> tuple[Network, Array]:
    """Four neuron layers with a residual join, 3 steps, and images [5, 1, 6, 6]."""
    rng = np.random.default_rng(0)
    net = network(
        3,
        image(1, 6, 6),
        conv("conv1", "input", rng.normal(0.2, 1, (3, 1, 3, 3))),
        neuron("lnm", "conv1", Single(1.0), [[0.05, 0.6, -0.1, 0.02]]),
        conv("conv2", "lnm", rng.normal(0.1, 0.4, (3, 3, 3, 3))),
        circulate("cf", "conv2", amplitudes=(1.0, 0.5)),
        Add("join", ("cf", "lnm"), ()),
        neuron("fire", "join", Single(1.0), [[0.0, 1.0]], reset="value"),
        AvgPool2d("pool", ("fire",), (), window=Window((2, 2), (2, 2))),
        Flatten("flat", ("pool",), ()),
        linear("fc", "flat", rng.normal(0.1, 0.5, (8, 27))),
        neuron("lif", "fc", Single(1.0), [[0.0, 0.5]]),
        linear("head", "lif", rng.normal(0, 1, (4, 8))),
        readout("head"),
    )
    return net, rng.random((5, 1, 6, 6))


def compiled(net: Network, sample: Array) -> IntegerNetwork:
    return run_pipeline(Compilation(net, load_target("generic"), Options(), sample)).network

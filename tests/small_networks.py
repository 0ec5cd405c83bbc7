"""Small float networks that need no torch, for tests that want one and do not care which."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snn2hw.ir.network import (
    Circulate,
    Input,
    Network,
    Neuron,
    Readout,
    Single,
)
from snn2hw.ir.shapes import Window
from snn2hw.layers import AvgPool2d, Conv2d, Flatten, Linear


def neuron(name: str, entering: str, shape: tuple[int, ...], firing: Single | Circulate, coefficients: list[float]) -> Neuron:
    """A neuron layer with the defaults of snn2hw.nn."""
    return Neuron(
        name,
        (entering,),
        shape,
        kind="CirculateFiring" if isinstance(firing, Circulate) else "LNM",
        coefficients=np.array([coefficients]),
        gain=1.0,
        order="poly_then_input",
        state_range=(-4.0, 4.0),
        firing=firing,
        reset="subtract",
        reset_value=0.0,
        strict=False,
        source=name,
    )


def two_layer_network(seed: int = 0, steps: int = 3) -> tuple[Network, npt.NDArray[np.float64]]:
    """(network, images [12, 1, 6, 6] in [0, 1]): conv, LNM, pool, linear, circulate firing, linear."""
    rng = np.random.default_rng(seed)
    window = Window((3, 3), padding=(1, 1))
    nodes = (
        Input("input", (), (1, 6, 6), lo=0.0, hi=1.0, static=True, counts=False),
        Conv2d(
            "conv",
            ("input",),
            (4, 6, 6),
            weight=rng.normal(0, 0.6, (4, 1, 3, 3)),
            bias=rng.normal(0, 0.2, 4),
            window=window,
            groups=1,
        ),
        neuron("lnm", "conv", (4, 6, 6), Single(1.0), [0.05, 0.6, -0.04, 0.015]),
        AvgPool2d("pool", ("lnm",), (4, 3, 3), window=Window((2, 2), (2, 2))),
        Flatten("flat", ("pool",), (36,)),
        Linear("hidden", ("flat",), (12,), weight=rng.normal(0, 0.5, (12, 36)), bias=np.zeros(12)),
        neuron("cf", "hidden", (12,), Circulate((1.0,) * 3, (1.0,) * 3, signed=True), [0.0, 0.5]),
        Linear("out", ("cf",), (5,), weight=rng.normal(0, 0.5, (5, 12)), bias=np.zeros(5)),
        Readout("readout", ("out",), (5,)),
    )
    return Network(steps, nodes), rng.random((12, 1, 6, 6))

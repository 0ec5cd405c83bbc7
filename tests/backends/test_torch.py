"""The torch executor keeps every partial sum exact, not the last one only."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.backends.torch.executor import FLOAT32_EXACT, TorchExecutor
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNode, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntFlatten, IntLinear
from snn2hw.num import Format, Interval
from snn2hw.store import make_artefact

pytestmark = pytest.mark.torch
HELD = Interval(0, 255)


def network(bias: int, features: int, convolution: bool) -> tuple[IntegerNetwork, IntConv2d | IntLinear]:
    """Images of 8 bits -> one sum with weights of 126 and 127 and a bias -> readout."""
    fmt, shape = Format(32, 0, True), (features, 1, 1) if convolution else (features,)
    weight = 127 - np.arange(features).reshape(1, features) % 2
    source = IntInput("x", (), shape, Format(8, 0, False), HELD, unit=1.0, static=True, counts=False)
    common = {"name": "sum", "inputs": ("x",), "format": fmt, "interval": HELD, "bias": np.array([bias], np.int32)}
    made: IntConv2d | IntLinear
    nodes: list[IntNode]
    if convolution:
        kernel = weight.astype(np.int8).reshape(1, features, 1, 1)
        made = IntConv2d(**common, shape=(1, 1, 1), weight=kernel, window=Window((1, 1)), groups=1)
        made = IntConv2d(**{**vars(made), "interval": made.interval_from([source])})
        nodes = [source, made, IntFlatten("flat", ("sum",), (1,), fmt, made.interval)]
    else:
        made = IntLinear(**common, shape=(1,), weight=weight.astype(np.int8))
        made = IntLinear(**{**vars(made), "interval": made.interval_from([source])})
        nodes = [source, made]
    last = nodes[-1]
    return IntegerNetwork(1, "generic", (*nodes, IntReadout("out", (last.name,), (1,), fmt, made.interval))), made


@pytest.mark.parametrize("convolution", [False, True], ids=["Linear", "Conv2d"])
def test_a_bias_does_not_hide_how_far_a_sum_goes(convolution: bool) -> None:
    """A large negative bias leaves a sum below 2**24, behind products beyond it, where float32 has no odd integers."""
    features = 800
    net, made = network(-127 * 255 * features // 2, features, convolution)
    assert made.interval.magnitude < FLOAT32_EXACT < made.largest_partial_sum(HELD) // 2
    payloads = np.random.default_rng(0).integers(200, 256, (1, 16, *net.input.shape))
    artefact: Artefact = make_artefact(net)
    wanted = interpret(net, payloads).readout
    assert (np.abs(wanted - made.bias) > FLOAT32_EXACT).any()
    assert (wanted % 2 == 1).any()
    assert (TorchExecutor("cpu").run(artefact, payloads).readout == wanted).all()

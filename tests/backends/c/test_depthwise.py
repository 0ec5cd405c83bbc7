"""Depthwise convolutions are summed channel by channel: weights as they are, no channel multiplied in vain, the same integers."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.c.to_c import to_c
from snn2hw.backends.fast.executor import THREADS_VARIABLE, Fast
from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.shapes import Window
from snn2hw.store import make_artefact
from snn2hw.verification.stimuli import corner_payloads
from tests.hand_networks import compiled, conv, counts, flatten, image, lif, linear, network, readout
from tests.native.compiling import needs_compiler

KERNELS = {
    "as it is": Window((3, 3), padding=(1, 1)),
    "stride": Window((3, 2), stride=(2, 1), padding=(0, 1)),
    "dilation": Window((2, 3), dilation=(2, 3), padding=(2, 3)),
    "one place": Window((1, 1)),
}


def made(channels: int, window: Window, steps: int = 4, lo: float = 0.0, still: bool = False) -> IntegerNetwork:
    """Spikes or an image into a depthwise layer, its neurons, and a linear layer."""
    rng, size = np.random.default_rng(channels), (7, 6)
    source = image(channels, *size) if still else counts(channels, *size, lo=lo, hi=3.0)
    layer = conv("dw", "input", rng.normal(0, 0.6, (channels, 1, *window.kernel)), rng.normal(0, 0.2, channels), window, channels)
    h, w = layer.output_shape([(channels, *size)])[1:]
    net = network(
        steps, source, layer, lif("n", "dw"), flatten("flat", "n"),
        linear("fc", "flat", rng.normal(0, 0.2, (3, channels * h * w))), readout("fc"),
    )  # fmt: skip
    return compiled(net).network


def test_weights_are_those_of_the_layer_and_nothing_is_laid_out() -> None:
    source = to_c(made(70, KERNELS["as it is"]), still=False)
    assert "depthwise_2(" in source.text  # numbered as the neuron that takes its sums
    assert "dense_2(" not in source.text
    assert source.arrays["weight_2"].shape == (3, 3, 70)
    assert source.arrays["bias_2"].shape == (70,)


PLAIN = KERNELS["as it is"]
CASES = [
    *(made(17, window) for window in KERNELS.values()),
    *(made(channels, PLAIN) for channels in (2, 64, 130)),  # a part of a block, one block, two and a rest
    made(70, PLAIN, steps=1),
    made(70, PLAIN, steps=9, lo=-3.0),
    made(70, KERNELS["stride"], still=True),
]


@needs_compiler
@pytest.mark.parametrize("net", CASES, ids=lambda net: f"{net.input.shape[0]}-T{net.steps}-{net.nodes[1].window}")
def test_every_integer_is_that_of_the_reference(net: IntegerNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    artefact, payloads = make_artefact(net), corner_payloads(net)
    expected = interpret(net, payloads).held()
    for threads in ("1", "2"):
        monkeypatch.setenv(THREADS_VARIABLE, threads)
        for percent in (0, 101):  # densely, and by events
            got = Fast(percent).run(artefact, payloads).held()
            assert all(np.array_equal(got[k], expected[k]) for k in expected)

"""Weights behind binary spikes: each comes back from its word, no sum leaves its 16 bits, and folders give the reference."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.c.words import HALF, LISTED, Words, words
from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.native.replay import replay
from snn2hw.num import Interval
from snn2hw.trace import Ints
from tests.backends.c.folders import texts, written
from tests.backends.c.test_packing import narrowed
from tests.hand_networks import compiled, conv, counts, flatten, lif, linear, network, normal, readout
from tests.native.compiling import needs_compiler

SIZE = 5


@cache
def behind_spikes() -> IntegerNetwork:
    """Events 4x5x5 -> convolution, LIF, convolution in two groups, LIF, linear, LIF, linear; all but the last sum words."""
    window = Window((3, 3), padding=(1, 1))
    drafts = network(
        3,
        counts(4, SIZE, SIZE),
        conv("conv1", "input", normal(1, 16, 4, 3, 3, scale=0.3), window=window),
        lif("n1", "conv1"),
        conv("conv2", "n1", normal(2, 32, 8, 3, 3, scale=0.2), normal(3, 32), window, groups=2),
        lif("n2", "conv2"),
        flatten("flat", "n2"),
        linear("fc", "flat", normal(4, 16, 32 * SIZE**2, scale=0.1)),
        lif("n3", "fc"),
        linear("head", "n3", normal(5, 3, 16)),
        readout("head"),
    )
    return compiled(drafts, spikes_at_every_density().astype(np.float64)).network


def spikes_at_every_density() -> Ints:
    """[steps][samples][4][5][5]: all inputs active, none, a half and a tenth of them."""
    random = np.random.default_rng(0).random((3, 4, 4, SIZE, SIZE))
    made: Ints = (random < np.array([1.0, 0.0, 0.5, 0.1]).reshape(1, 4, 1, 1, 1)).astype(np.int64)
    return made


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_every_weight_comes_back(bits: int) -> None:
    half = 1 << (bits - 1)
    rows = np.random.default_rng(bits).integers(-half, half, (5, 64)).astype(np.int8)
    laid = Words(bits, 64, LISTED)
    found = laid.packed(rows)
    assert (found.dtype, found.shape) == (np.uint32, (5, laid.columns))
    fields = [[int(row[o * bits // 32]) >> o * bits % 32 & (1 << bits) - 1 for o in range(64)] for row in found]
    assert (np.array(fields) - half).tolist() == rows.tolist()


def test_the_sums_of_a_whole_list_fit_their_half_of_a_word() -> None:
    assert ((1 << 8) - 1) * LISTED < 1 << HALF


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_words_are_for_binary_inputs_enough_of_them_and_whole_blocks_of_outputs(bits: int) -> None:
    net = narrowed(behind_spikes(), bits)
    named = {n.name: n for n in net.nodes}
    synapses = [n for n in net.nodes if isinstance(n, IntConv2d | IntLinear)]
    found = {n.name: words(n, named[n.inputs[0]]) for n in synapses}
    assert found == {
        "conv1": Words(bits, 16, 36), "conv2": Words(bits, 16, 64), "fc": Words(bits, 16, 64), "head": None,
    }  # fmt: skip
    linear_layer = named["fc"]
    assert isinstance(linear_layer, IntLinear)
    source = named[linear_layer.inputs[0]]
    for interval in (Interval(0, 2), Interval(-1, 1)):
        assert words(linear_layer, replace(source, interval=interval)) is None
    odd = replace(linear_layer, weight=linear_layer.weight[:15], bias=linear_layer.bias[:15])
    assert words(odd, source) is None
    for inputs, there in ((32, True), (31, False)):
        assert (words(replace(linear_layer, weight=linear_layer.weight[:, :inputs]), source) is not None) is there


@needs_compiler
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_a_folder_that_sums_words_gives_the_reference(tmp_path: Path, bits: int, streaming: bool) -> None:
    net, given = narrowed(behind_spikes(), bits), spikes_at_every_density()
    fired = interpret(net, given, traces=True).spikes["n2"].reshape(3, 4, -1).sum(axis=2)
    assert fired.max() > 2 * LISTED  # so that lists are added while a sum goes on
    files = texts(net, given, streaming=streaming)
    assert [f"static void rows_{k}(" in files["snn.c"] for k in range(len(net.nodes))].count(True) == 3
    done = replay(written(tmp_path / "c", files))
    assert done.equal, done.report

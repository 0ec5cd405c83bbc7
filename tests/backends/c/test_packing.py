"""Weights of few bits: each comes back from its bytes, and a folder with them gives the reference's readouts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.c.packing import add_row, field_bits, packed
from snn2hw.backends.c.portable import weight_arrays
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.layers import IntLinear
from snn2hw.native.replay import replay
from snn2hw.trace import Ints
from tests.backends.c.folders import random_network, texts, written
from tests.native.compiling import needs_compiler


@pytest.mark.parametrize(
    ("least", "most", "bits"),
    [(0, 0, 2), (-2, 1, 2), (-1, 1, 2), (-3, 1, 4), (-2, 2, 4), (-8, 7, 4), (-9, 7, 8), (-8, 8, 8), (-128, 127, 8)],
)
def test_the_narrowest_field_that_holds_every_weight(least: int, most: int, bits: int) -> None:
    assert field_bits(np.array([[0, least], [most, 0]], np.int8)) == bits


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("outputs", range(1, 10))
def test_every_weight_comes_back(bits: int, outputs: int) -> None:
    half = 1 << (bits - 1)
    rows = np.random.default_rng(outputs).integers(-half, half, (5, outputs)).astype(np.int8)
    bytes_ = packed(rows, bits)
    assert (bytes_.dtype, bytes_.shape) == (np.uint8, (5, -(-outputs * bits // 8)))
    fields = [int(row[o * bits // 8]) >> o * bits % 8 & (1 << bits) - 1 for row in bytes_ for o in range(outputs)]
    assert [f - half for f in fields] == rows.ravel().tolist()


def test_the_c_names_every_output_once() -> None:
    code = add_row("row[c]", 7, 2, "")
    assert re.findall(r"sum\[([^]]*)\]", code) == ["4 * o", "4 * o + 1", "4 * o + 2", "4 * o + 3", "4", "5", "6"]
    assert add_row("row[c]", 7, 8, "  ") == "  for (int o = 0; o < 7; ++o) sum[o] += v * row[c][o];"


def narrowed(net: IntegerNetwork, bits: int) -> IntegerNetwork:
    """The network with every weight cut down to so many bits, the ends of their range among them."""
    half = 1 << (bits - 1)

    def cut(weight: np.ndarray) -> np.ndarray:
        made = np.clip(weight, -half, half - 1)
        made.flat[0], made.flat[-1] = -half, half - 1
        return made

    return replace(net, nodes=tuple(replace(n, weight=cut(n.weight)) if hasattr(n, "weight") else n for n in net.nodes))


def network() -> tuple[IntegerNetwork, Ints]:
    """The first random network with a convolution and an odd number of classes."""
    for seed in range(100):
        found = random_network(seed)
        if found and found[0].readout.shape[0] % 2 and any(type(n).__name__ == "IntConv2d" for n in found[0].nodes):
            return found
    raise AssertionError("no such network among the first 100")


@needs_compiler
@pytest.mark.parametrize("bits", [2, 4])
def test_a_folder_of_few_bits_is_equal_and_small(tmp_path: Path, bits: int) -> None:
    net, payloads = network()
    small = narrowed(net, bits)
    done = replay(written(tmp_path / "c", texts(small, payloads)))
    assert done.equal, done.report
    before, after = weight_arrays(narrowed(net, 8)), weight_arrays(small)
    for k, node in enumerate(net.nodes):
        if isinstance(node, IntLinear):
            assert before[f"weight_{k}"] == node.weight.size
            assert after[f"weight_{k}"] == node.weight.shape[1] * -(-len(node.weight) * bits // 8)

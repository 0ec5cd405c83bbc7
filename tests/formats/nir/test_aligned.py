"""A readout whose classes have scales of their own is brought to one: NIR files carry it, and others see the real weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("nir", reason="writing .nir files needs the nir extra")
import nir

from snn2hw.errors import UnsupportedError
from snn2hw.formats.nir.aligned import alignment
from snn2hw.formats.nir.write import to_nir
from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import SPIKES, Op
from snn2hw.layers import Add
from snn2hw.layers.add import MINUS
from snn2hw.num import Format, Interval
from tests import hand_networks as by_hand
from tests.nir_exports import difference
from tests.refused import refused

HEAD = np.array([[0.9, -0.4, 0.3], [0.011, 0.02, -0.013]])


def network() -> IntegerNetwork:
    first = np.array([[0.5, 0.25], [0.75, -0.5], [0.25, 1.0]])
    net = by_hand.network(
        3, by_hand.image(2), by_hand.linear("fc", "input", first), by_hand.lif("n", "fc"),
        by_hand.linear("head", "n", HEAD), by_hand.readout("head"),
    )  # fmt: skip
    return by_hand.compiled(net, scales="channel").network


def test_it_comes_back_and_others_see_the_real_weights(tmp_path: Path) -> None:
    net = network()
    aligned = [n for n in net.neurons if alignment(n) is not None]
    assert [n.name for n in aligned] == ["head.aligned"]
    assert len(set(alignment(aligned[0]).tolist())) == 2  # type: ignore[union-attr]
    assert difference(net, tmp_path / "x.nir", None) == ""
    (tmp_path / "y.nir").write_bytes(to_nir(net).data)
    graph = nir.read(tmp_path / "y.nir")
    assert "head_aligned" not in graph.nodes
    assert np.allclose(graph.nodes["head"].weight, HEAD, rtol=0.02)


def test_a_square_is_no_alignment() -> None:
    b = ProgramBuilder("Square")
    x = b.emit(Op.INPUT, "x", (), (-3, 3), 0)
    b.emit(Op.OUTPUT, SPIKES, (b.emit(Op.MUL, "square", (x, x)),), (SPIKES,))
    layer = IntNeuron("n", ("x",), (2,), Format(8, 0, True), Interval(0, 9), program=b.program())
    assert alignment(layer) is None


def test_a_difference_is_refused() -> None:
    net = by_hand.network(
        2, by_hand.image(2), by_hand.linear("a", "input", np.eye(2)), by_hand.linear("b", "input", np.ones((2, 2))),
        Add("minus", ("a", "b"), (), MINUS, source="minus (-)"), by_hand.lif("n", "minus"),
        by_hand.linear("head", "n", np.eye(2)), by_hand.readout("head"),
    )  # fmt: skip
    with refused(
        UnsupportedError,
        """
        NIR joins edges by adding them, and has no difference
          where:    minus (-)
          got:      x - y
          expected: x + y, or weights of the other sign
          do:       export to C, or use model.onnx
        """,
    ):
        to_nir(by_hand.compiled(net).network)


def test_what_else_has_no_state_is_no_alignment() -> None:
    assert all(alignment(n) is None for n in network().neurons if n.name == "n")
    assert isinstance(network().neurons[0], IntNeuron)

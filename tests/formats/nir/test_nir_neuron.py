"""Neurons that NIR has no like of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.errors import UnsupportedError
from snn2hw.formats.nir.write import to_nir
from snn2hw.formats.nir.write_neuron import tangent
from snn2hw.ir.network import Circulate
from tests import hand_networks as by_hand
from tests.refused import refused

pytest.importorskip("nir")


def test_thresholds_that_depend_on_the_step() -> None:
    firing = Circulate((1.0,), (1.0,), False, (1.0, 1.0, 0.5))
    with refused(
        UnsupportedError,
        """
        no neuron of NIR has a threshold that changes over the steps
          where:    n (LNM)
          got:      thresholds for 3 steps in program 'LNM'
          expected: one threshold for all steps
          do:       export to C, use model.onnx, or train without threshold_by_step
        """,
    ):
        to_nir(by_hand.compiled(by_hand.one_neuron(by_hand.neuron("n", "fc", firing=firing))).network)
    same = replace(firing, by_step=(1.0, 1.0))
    assert to_nir(by_hand.compiled(by_hand.one_neuron(by_hand.neuron("n", "fc", firing=same))).network).data


def restful(rests: tuple[float, float, float], strength: float) -> by_hand.Neuron:
    """P(u) = u - strength * (u - a)(u - b)(u - c): it rests at each of the three, and stays at the outer two."""
    p = np.polynomial.Polynomial([0.0, 1.0]) - strength * np.polynomial.Polynomial.fromroots(rests)
    return by_hand.neuron("n", "fc", coefficients=(tuple(p.coef),))


@pytest.mark.parametrize("rests", [(0.25, 1.0, 2.5), (-2.5, -1.0, -0.25), (-2.0, 0.5, 1.25), (-0.5, 1.0, 2.0)])
def test_of_several_points_at_which_a_neuron_rests_the_one_nearest_to_0(rests: tuple[float, float, float]) -> None:
    """Every state starts at 0. Slope and place of the tangent by hand: P'(a) = 1 - strength * (a - b)(a - c)."""
    strength = 0.2
    net = by_hand.compiled(by_hand.one_neuron(restful(rests, strength))).network
    (node,) = net.neurons
    found = tangent(node, next(n for n in net.nodes if n.name == "fc"))
    near, far = sorted((rests[0], rests[2]), key=abs)
    slope = 1 - strength * (near - rests[1]) * (near - far)
    assert found.decay == pytest.approx([slope], abs=1e-6)
    assert found.offset == pytest.approx([near - slope * near], abs=1e-6)
    assert found.lost == "P(u) is its tangent at rest"

"""Neurons that NIR has no like of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snn2hw.errors import UnsupportedError
from snn2hw.export.to_nir import to_nir
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

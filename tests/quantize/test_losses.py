"""What the integers of a prepared model change of an amplitude is said when it is compiled, and kept in the manifest."""

from __future__ import annotations

import warnings

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.passes.findings import LossWarning
from snn2hw.quantize import Prepared, prepare
from snn2hw.quantize.neuron import QuantisedNeuron

pytestmark = pytest.mark.torch

LOST = """\
negative spikes send nothing: their amplitude becomes 0
  where:    1 (CirculateFiring)
  got:      amplitudes 0.03, 0.03, 0.03, 0.03 of negative spikes
  cause:    one unit of an 8-bit spike value that holds the positive ones, too, is 0.0625
  do:       use negative_amplitude=0 if that is meant, else """
MOVED = """\
rounding moves the amplitude of negative spikes by more than 25%
  where:    1 (CirculateFiring)
  got:      amplitudes 0.04, 0.04, 0.04, 0.04 of negative spikes become 0.0625, 0.0625, 0.0625, 0.0625
  cause:    one unit of an 8-bit spike value that holds the positive ones, too, is 0.0625
  do:       keep it if the prepared model is accurate enough: it was trained with the rounded one; else use fewer levels, \
whose unit is finer"""


def prepared(amplitude: float, *, learned: bool) -> Prepared:
    """Four levels of 1, of which 8 bits leave 1/16 for a unit."""
    torch.manual_seed(0)
    neuron = nn.CirculateFiring(4, negative_amplitude=0.5 if learned else amplitude, learn_negative_amplitude=learned)
    model = prepare(nn.Sequential(nn.Linear(6, 8), neuron, nn.Linear(8, 3)), torch.rand(16, 6), steps=2)
    if learned:
        (layer,) = (m for m in model.layers.values() if isinstance(m, QuantisedNeuron))
        assert layer.neuron.negative is not None
        layer.neuron.negative.data.fill_(amplitude)
    return model


def said(model: Prepared) -> list[str]:
    """The warnings of `compile`, which the manifest holds, too."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        artefact = snn2hw.compile(model)
    assert all(w.category is LossWarning and w.filename == __file__ for w in told)
    texts = [str(w.message) for w in told]
    assert [text.split("\n")[0] for text in texts] == [w["what"] for w in artefact.manifest["warnings"]]
    return texts


def test_a_learned_amplitude_that_becomes_0_is_named() -> None:
    """Below 1/32, half a unit; 0 itself, or beyond it, is 0 in floats, too."""
    lost = f"{LOST}fewer levels, whose unit is finer, or train on from a larger one"
    assert said(prepared(0.03, learned=True)) == [lost]
    assert said(prepared(0.0, learned=True)) == said(prepared(-0.5, learned=True)) == []


def test_a_learned_amplitude_that_rounding_moves_is_named() -> None:
    assert said(prepared(0.04, learned=True)) == [MOVED]
    assert said(prepared(0.06, learned=True)) == said(prepared(0.5, learned=True)) == said(prepared(1.7, learned=True)) == []


def test_one_that_is_given_is_named_too() -> None:
    given = f"{LOST}a larger one, or learn it (learn_negative_amplitude=True)"
    with pytest.warns(LossWarning) as caught:  # before a training that would not change it
        model = prepared(0.03, learned=False)
    assert [str(w.message) for w in caught] == [given]
    assert said(model) == [given]
    assert said(prepared(0.5, learned=False)) == said(prepared(1.0, learned=False)) == []


def test_weights_that_become_0_are_named_before_the_training() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.LIF(), nn.Linear(8, 3))
    with torch.no_grad():
        model[0].weight[3] *= 1e-4
        model[0].bias[3] = 1.0
        model[0].weight[5] *= 50
    with pytest.warns(LossWarning) as caught:
        prepare(model, torch.rand(16, 6), steps=2, options=snn2hw.Options(scales="layer"))
    assert any("the weights of whole channels to 0" in str(w.message) and "channel" in str(w.message) for w in caught)

"""Which clamps hold a membrane back, and which end of a range is only one that the integers miss by one unit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from snn2hw.verification.clamps import Clamps
from tests.hand_networks import artefact_of, counts, integrate, linear, network, readout


@pytest.mark.parametrize(("top", "beyond"), [(4.0, [False, False, True]), (3.0, [False, True, True])])
def test_the_end_of_a_range_that_a_width_misses_by_one_unit_holds_nothing_back(top: float, beyond: list[bool]) -> None:
    """4.0 is 32768 in s16.13; 3.0 is within the width: the integers have that end, and one unit above is clipped."""
    fire = integrate("n", "fc", state_range=(-4.0, top))
    net = network(2, counts(1, hi=8), linear("fc", "input", np.eye(1)), fire, linear("head", "n", np.eye(1)), readout("head"))
    (node,) = artefact_of(net, np.ones((2, 1, 1))).network.neurons
    program = node.program
    (state,) = program.states.values()
    end = int(top * 2**state.format.frac)
    sums = np.full((3, 1), int(top * 2**program.input.format.frac), np.int64)
    at = np.array([-1, 0, 1]) if top == 4.0 else np.array([0, 1, 2])
    assert end * 2.0**-state.format.frac == top
    held = Clamps(program).act(sums, {state.name: at[:, None]})
    assert held[:, 0].tolist() == beyond


@pytest.mark.torch
@pytest.mark.parametrize(("bias", "state_range", "what"), [(1.5, 4.0, []), (6.0, 2.0, ["this layer saturates"])])
def test_an_adaptation_that_forgets_at_once_does_not_saturate(bias: float, state_range: float, what: list[str]) -> None:
    """With a decay of 0 it is 1.0 after each spike, the end of its range; a membrane above its own range is held back."""
    torch = pytest.importorskip("torch")
    import snn2hw
    from snn2hw import nn

    torch.manual_seed(0)
    neuron = nn.ALIF(0.5, adaptation_decay=0.0, state_range=(-state_range, state_range))
    model: Any = nn.Sequential(nn.Linear(16, 12), neuron, nn.Linear(12, 3)).eval()
    with torch.no_grad():
        model[0].weight.mul_(4)
        model[0].bias.fill_(bias)
    x = np.random.default_rng(0).random((6, 8, 16)) < 0.4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        artefact = snn2hw.compile(model, x, layout="TN")
    assert [str(w.message).split(":")[0] for w in caught] == what
    assert snn2hw.simulate(artefact, x).spikes["1"].mean() > 0.4

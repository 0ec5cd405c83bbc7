"""Constants of lowered programs: the nearest integers, within the range of the state that takes them."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.reference import step
from snn2hw.ir.network import Current
from snn2hw.ir.program import declared_interval, values_of
from tests.hand_networks import lif
from tests.passes.test_lower import lowered


@pytest.mark.parametrize("target", ["generic", "toward_zero", "half_up"])
@pytest.mark.parametrize(("reset_value", "bound"), [(4.0, "hi"), (3.99999, "hi"), (-4.0, "lo"), (1.0, "")])
def test_a_neuron_is_reset_to_the_nearest_state_there_is(target: str, reset_value: float, bound: str) -> None:
    """4.0 is one unit above the last of 16 bits."""
    program = lowered(lif("n", "fc", reset="value", reset_value=reset_value), target).program
    state = declared_interval(program.states["u"])
    wanted = getattr(state, bound) if bound else round(reset_value * 2 ** program.states["u"].format.frac)
    fires = np.full((1, 2), declared_interval(program.input).hi)
    spikes, after = step(program, fires, {"u": np.full((1, 2), state.hi)})
    assert spikes.tolist() == [[1, 1]]
    assert after["u"].tolist() == [[wanted, wanted]]


@pytest.mark.parametrize("seed", range(4))
def test_a_decay_of_a_current_is_held_to_half_a_unit(seed: int) -> None:
    decays = np.random.default_rng(seed).uniform(0.05, 0.999, 2)
    program = lowered(lif("n", "fc", current=Current(decays, (-4.0, 4.0)))).program
    held = program.by_name["i_decay"]
    errors = np.array(values_of(held)) - decays * 2.0**held.format.frac
    assert held.format.frac >= 8
    assert np.abs(errors).max() <= 0.5

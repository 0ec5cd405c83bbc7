"""The real map of a program is the float neuron that it was lowered from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.dynamics.maps import REAL, maps_of
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.network import Neuron
from snn2hw.ir.program import Op
from snn2hw.ir.real import neuron_step
from tests.random_networks import RECURRENT, compiled, random_case

SEEDS = [*range(5), *range(RECURRENT, RECURRENT + 2)]


def test_every_operation_has_a_real_meaning() -> None:
    assert set(REAL) == set(Op)


def test_real_steps_of_random_neurons() -> None:
    """Away from thresholds, which the integers hold to half a unit."""
    compared = fired = 0
    for seed in SEEDS:
        try:
            done = compiled(random_case(seed))
        except (WidthError, UnsupportedError):
            continue
        floats = {n.name: n for n in done.real.neurons if isinstance(n, Neuron) and n.current is None}
        for node in done.network.neurons:
            if node.name not in floats or node.program.kind == "Align":
                continue
            for channel in {0, node.program.channels - 1}:
                m = maps_of(node, channel)
                if len(m.states) != 1 or (node.program.roles and node.program.roles.firing and node.program.roles.firing.counter):
                    continue
                (state,) = m.states
                u = np.linspace(*m.range(state), 301) * m.unit(state)
                spikes, after = m.reals({state: u})
                real = _one_channel(floats[node.name], channel)
                wanted_spikes, wanted = neuron_step(real, u.reshape(1, 1, -1), np.zeros((1, 1, len(u))))
                same = np.sign(spikes) == np.sign(wanted_spikes.ravel())
                near = np.abs(after[state] - wanted.ravel()) <= 4 * m.unit(state)
                assert np.mean(same & near) > 0.97, (seed, node.name, channel)
                assert (near | ~same).all(), (seed, node.name, channel)
                compared, fired = compared + same.sum(), fired + np.count_nonzero(spikes)
    assert compared > 1000
    assert fired > 50


def _one_channel(node: Neuron, channel: int) -> Neuron:
    rows: Any = node.coefficients[channel : channel + 1] if len(node.coefficients) > 1 else node.coefficients
    return replace(node, coefficients=rows)


@pytest.mark.torch
def test_a_users_neuron_is_its_equation() -> None:
    torch = pytest.importorskip("torch")
    import snn2hw
    from snn2hw import nn

    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(6, 4), nn.ALIF(), nn.Linear(4, 2))
    artefact = snn2hw.compile(model, (torch.rand(5, 9, 6) < 0.5).float())
    (node,) = (n for n in artefact.network.neurons if n.equation is not None)
    m = maps_of(node, 0)
    assert len(m.states) == 2
    rng = np.random.default_rng(0)
    raw = {s: rng.integers(*m.range(s), 200) for s in m.states}
    _, integers = m.integers(raw)
    _, reals = m.reals({s: v * m.unit(s) for s, v in raw.items()})
    for s in m.states:
        off = np.abs(integers[s] * m.unit(s) - reals[s]) / m.unit(s)
        assert np.median(off) < 2, s

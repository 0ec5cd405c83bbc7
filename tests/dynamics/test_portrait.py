"""A phase portrait shows where the maps lead, from a grid over both states."""

from __future__ import annotations

import numpy as np

from snn2hw.dynamics.maps import Maps, maps_of
from snn2hw.dynamics.portrait import GRID, LONGEST, STARTS, portrait, shortened
from snn2hw.ir.network import Current
from tests.hand_networks import artefact_of, counts, lif, linear, network, readout

RANGE = (-2.0, 2.0)


def maps(**fields: object) -> Maps:
    """h = 0.5 u + i, i' = 0.75 i without input, threshold 1."""
    fires = lif("n", "fc", state_range=RANGE, **fields)
    net = network(2, counts(1), linear("fc", "input", [[1.0]]), fires, linear("out", "n", [[1.0], [-1.0]]), readout("out"))
    return maps_of(artefact_of(net, np.ones((2, 3, 1))).network.neurons[0], 0)


def test_arrows_end_where_a_step_does() -> None:
    m = maps(current=Current(np.array([0.75]), RANGE))
    found = portrait(m)
    assert found is not None
    u, i = (found.states.index(next(s for s in found.states if (s == m.program.roles.state) == of_u)) for of_u in (True, False))  # type: ignore[union-attr]
    assert len(found.start) == GRID**2
    np.testing.assert_allclose([min(found.start[:, u]), max(found.start[:, u])], RANGE, atol=1e-3)
    before, current = found.start[:, u], 0.75 * found.start[:, i]
    h = np.clip(0.5 * before + current, *found.ranges[u])
    np.testing.assert_allclose(found.real[:, i], current, atol=1e-9)
    np.testing.assert_allclose(found.real[:, u], h - (h >= 1), atol=1e-9)
    near = np.abs(h - 1) > 1e-3
    np.testing.assert_array_equal(found.fires[near], (h >= 1)[near])
    np.testing.assert_allclose(found.integers[near], found.real[near], atol=1e-3)
    cell = (RANGE[1] - RANGE[0]) / (GRID - 1)
    step, whole = shortened(found, found.real), found.real - found.start
    assert np.abs(step).max() <= cell * (1 + 1e-3)
    np.testing.assert_allclose(step[:, 0] * whole[:, 1], step[:, 1] * whole[:, 0], atol=1e-9)  # the same direction


def test_paths_are_steps_of_the_integers_until_a_place_comes_again() -> None:
    m = maps(current=Current(np.array([0.75]), RANGE))
    found = portrait(m)
    assert found is not None
    assert len(found.paths) == STARTS**2
    units = np.array([m.unit(s) for s in m.states])
    for path in found.paths:
        raw = np.rint(path / units).astype(np.int64)
        after = m.integers({s: raw[:-1, k] for k, s in enumerate(m.states)})[1]
        np.testing.assert_array_equal(np.stack([after[s] for s in m.states], 1), raw[1:])
        places = list(map(tuple, raw.tolist()))
        assert len(set(places[:-1])) == len(places) - 1
        assert len(places) == LONGEST + 1 or places[-1] in places[:-1]


def test_a_neuron_with_one_state_has_none() -> None:
    assert portrait(maps()) is None

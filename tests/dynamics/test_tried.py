"""Which states of a layer are tried: all, or starts, which is said; and which channels are looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.dynamics.attractors import MOST_STARTS, _starts, enumerable, of_integers
from snn2hw.dynamics.audit import _digest, audit
from tests.dynamics.known import Known
from tests.dynamics.layers import one, torch_layer
from tests.hand_networks import compiled, counts, linear, network, neuron, readout


def test_a_neuron_that_keeps_its_state_is_looked_at_in_no_time() -> None:
    """u' = u stays everywhere: 40,960 fixed points, each of the real map, too; nothing is made by rounding."""
    layer = one([0.0, 1.0])
    (c,) = layer.channels
    (lo, hi), threshold = (-(1 << 15), 1 << 15), 1 << 13  # 16 bits of -4 to 4, and 1.0
    assert c.all_states == c.tried == hi - lo
    assert c.integer_ends == threshold - lo
    assert (len(c.integers), c.enumerated, c.more_fixed_points) == (64, True, True)
    assert (c.made_by_rounding, c.farthest) == (0, 0.0)
    assert layer.findings == ()


def test_pairs_of_states_are_all_tried_or_it_is_said() -> None:
    """ALIF of 8 bits: 32,768 pairs, of which 99 cycles; of 16 bits starts are, and a sentence says of how many pairs."""
    layer = torch_layer(lambda nn: nn.ALIF(), state_bits=8)
    (c,) = layer.channels
    assert (c.enumerated, c.tried, c.all_states) == (True, 1 << 15, 1 << 15)
    assert c.integer_ends > 64 == len(c.integers)
    assert not any("looked for from" in f for f in layer.findings)
    sampled = torch_layer(lambda nn: nn.ALIF())
    (c,) = sampled.channels
    assert (c.enumerated, c.all_states) == (False, 1 << 31)
    assert (
        f"cycles of the integers were looked for from {c.tried:,} of 2,147,483,648 states (channel 0): those in which none of "
        "these ends are not known"
    ) in sampled.findings


def test_of_a_layer_so_many_states_are_tried_then_starts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.dynamics.audit.MOST_STATES", 600_000)
    fires = neuron("n", "fc", "LNM", ((0.0, 0.5), (0.0, 0.6), (0.0, 0.7)))
    net = network(2, counts(3), linear("fc", "input", np.eye(3)), fires, linear("h", "n", np.eye(2, 3)), readout("h"))
    layer = audit(compiled(net, np.ones((2, 1, 3)), state_bits=18).network)["n"]
    assert [c.enumerated for c in layer.channels] == [True, True, False]
    assert [c.tried for c in layer.channels[:2]] == [1 << 18, 1 << 18]
    assert any("looked for from" in f and "of 262,144 states (channel 2)" in f for f in layer.findings)


def test_so_few_states_are_all_tried_whatever_others_took(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than starts would be, which could be all of them."""
    monkeypatch.setattr("snn2hw.dynamics.audit.MOST_STATES", 0)
    layer = one([0.0, 0.5], state_bits=8)
    assert [(c.enumerated, c.tried) for c in layer.channels] == [(True, 256)]
    assert not any("looked for from" in f for f in layer.findings)
    three: Any = Known(dict.fromkeys("uvw", (0, 40)), lambda *s: tuple(0.5 * v for v in s))
    assert enumerable(three, 0)
    found = of_integers(three, every=True)
    assert (found.tried, found.basin.sum()) == (41**3, pytest.approx(1))
    assert not enumerable(Known(dict.fromkeys("uvw", (0, 47))), 1 << 26)  # type: ignore[arg-type]


def test_channels_that_differ_off_the_diagonal_are_told_apart() -> None:
    """a v + b w and b v + a w are the same where v = w."""
    ranges = {"v": (-512, 511), "w": (-512, 511)}
    one_way: Any = Known(ranges, lambda v, w: (0.5 * v + 0.25 * w, 0.5 * w))
    other: Any = Known(ranges, lambda v, w: (0.25 * v + 0.5 * w, 0.5 * w))
    assert _digest(one_way) != _digest(other)
    assert _digest(one_way) == _digest(one_way)


@pytest.mark.parametrize(("states", "most"), [(3, 18**3), (4, 18**4), (5, 10**5), (7, 5**7), (17, 1)])
def test_of_many_states_there_are_no_more_starts_than_of_four(states: int, most: int) -> None:
    known: Any = Known({f"s{k}": (-512, 511) for k in range(states)}, lambda *s: tuple(0.5 * v for v in s))
    assert most / 3 < len(_starts(known)["s0"]) <= most <= MOST_STARTS
    assert _digest(known) == _digest(known)


def test_channels_with_seven_states_are_told_apart() -> None:
    ranges = dict.fromkeys("abcdefg", (-512, 511))
    one_way: Any = Known(ranges, lambda *s: (*s[:5], 0.5 * s[5] + 0.25 * s[6], s[6]))
    other: Any = Known(ranges, lambda *s: (*s[:5], 0.25 * s[5] + 0.5 * s[6], s[6]))
    assert _digest(one_way) != _digest(other)

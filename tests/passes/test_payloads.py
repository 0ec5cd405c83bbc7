from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from snn2hw.errors import WidthError
from snn2hw.ir.network import Circulate
from snn2hw.num import Interval
from snn2hw.passes.to_integers import spike_value_format
from tests.hand_networks import circulate, neuron
from tests.refused import refused


@pytest.mark.parametrize(
    ("amplitudes", "signed", "interval", "frac"),
    [
        ((1.0,), False, Interval(0, 1), 0),
        ((1.0,), True, Interval(-1, 1), 0),
        ((1.0, 1.0, 1.0), True, Interval(-3, 3), 0),
        ((1.0, 0.5, 0.25), False, Interval(0, 7), 2),
        ((1.5,), True, Interval(-3, 3), 1),
        ((0.0078125,), False, Interval(0, 1), 7),
        ((4.0, 8.0), False, Interval(0, 12), 0),
        ((0.3,), False, Interval(0, 77), 8),  # 0.3 * 2**8 = 76.8; 9 bits would reach 154
        ((0.001,), False, Interval(0, 66), 16),  # 65.5
        ((0.9925,), True, Interval(-127, 127), 7),  # the last integer of 8 bits is used
        ((0.7, 0.29), False, Interval(0, 127), 7),  # 90 + 37
        ((0.9965,), False, Interval(0, 64), 6),  # 7 bits would reach 128
        ((0.7, 0.7), True, Interval(-90, 90), 6),  # 7 bits would reach 179
        ((100.5,), False, Interval(0, 101), 0),
        ((-1.0, -1.0), False, Interval(-2, 0), 0),
        ((-1.0, -1.0), True, Interval(-2, 2), 0),
        ((1.0, -1.0), False, Interval(-1, 1), 0),
        ((2.0, -0.5, 0.25), False, Interval(-2, 9), 2),
        ((2.0, -0.5, 0.25), True, Interval(-11, 11), 2),
        ((1.0, 0.0), False, Interval(0, 1), 0),
    ],
)
def test_formats_of_amplitudes(amplitudes: Sequence[float], signed: bool, interval: Interval, frac: int) -> None:
    assert spike_value_format(circulate("cf", "input", amplitudes, signed)) == (interval, frac)


@pytest.mark.parametrize("seed", range(5))
def test_amplitudes_are_held_to_half_a_unit_of_eight_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    amplitudes = tuple(float(v) for v in rng.uniform(0.05, 2.0, int(rng.integers(1, 5))))
    interval, frac = spike_value_format(circulate("cf", "input", amplitudes, False))
    assert 0 < interval.hi < 128 + len(amplitudes)
    assert abs(interval.hi * 2.0**-frac - sum(amplitudes)) <= len(amplitudes) * 2.0 ** -(frac + 1)


@pytest.mark.parametrize(("amplitudes", "least"), [((100.0, 0.1), "0.5"), ((30.0, -0.1), "0.125")])
def test_an_amplitude_that_would_vanish_is_refused(amplitudes: tuple[float, ...], least: str) -> None:
    with refused(
        WidthError,
        f"""
        an amplitude vanishes beside the others in an 8-bit spike value
          where:    cf (CirculateFiring)
          got:      amplitudes {amplitudes}
          expected: none below {least}
          do:       use amplitudes of similar size
        """,
    ):
        spike_value_format(circulate("cf", "input", amplitudes, False))


@pytest.mark.parametrize("learned", [False, True])
def test_only_an_amplitude_of_negative_spikes_may_vanish(learned: bool) -> None:
    node = circulate("cf", "input", (100.0, 1.0), True)
    firing = Circulate((1.0, 1.0), (100.0, 1.0), True, negative=0.001, finest=learned)
    interval, frac = spike_value_format(replace(node, firing=firing))
    assert (interval, frac) == (Interval(-101 if learned else 0, 101), 0), "one that is learned may become any"
    with refused(
        WidthError,
        """
        an amplitude vanishes beside the others in an 8-bit spike value
          where:    cf (CirculateFiring)
          got:      amplitudes (100.0, 0.1)
          expected: none below 0.5
          do:       use amplitudes of similar size
        """,
    ):
        spike_value_format(replace(node, firing=replace(firing, amplitudes=(100.0, 0.1))))


def test_a_single_spike_is_a_bit() -> None:
    assert spike_value_format(neuron("n", "input")) == (Interval(0, 1), 0)

"""What is handed down by several layers together, and a class of the readout whose weights all became 0."""

from __future__ import annotations

import numpy as np
import pytest

import snn2hw
from snn2hw.diagnosis import result
from snn2hw.ir.network import Circulate, Network, Neuron, Potential, Single
from snn2hw.layers import Add
from tests.hand_networks import artefact_of, counts, image, lif, linear, network, readout

SENDS = Circulate((0.4,), (0.3,), False)  # 0.3, of which 8 bits hold 77/256, 0.30078


def test_a_difference_that_only_two_layers_make_together() -> None:
    """0.6 of n and m is 0.60156 in integers, and with one of the two of them 0.60078: k fires from 0.6012 on.

    Its second neuron has 0.6010 + n - m: it fires where n alone is an integer, and so differs only then.
    """
    first = (
        linear("fc", "input", [[1.0]]),
        lif("n", "fc", firing=SENDS),
        linear("fd", "input", [[1.0]]),
        lif("m", "fd", firing=SENDS),
    )
    joined = linear("of_n", "n", [[1.0], [1.0]], [0.0, 0.6010]), linear("of_m", "m", [[1.0], [-1.0]])
    last = Add("sum", ("of_n", "of_m"), (), source="sum"), lif("k", "sum", firing=Single(0.6012))
    net = network(1, counts(1), *first, *joined, *last, linear("out", "k", np.eye(2)), readout("out"))
    x = np.ones((1, 3, 1))
    x[:, 0] = 0.0
    found = snn2hw.diagnose(artefact_of(net, x), x, net, layout="TN", executor="reference")
    assert (found.cause, found.layer, found.sample, found.step, found.index) == (result.AMPLITUDE, "k", 1, 0, (0,))
    assert (found.got, found.expected) == (1.0, 0.0)
    assert [(e.switch, e.alone, e.back, e.here) for e in found.evidence] == [
        ("all as integers up to what m sends", 1.0, None, True),
        ("what n sends as integers", -1.0, None, False),
        ("what m sends as integers", 0.0, None, False),
    ]
    assert "given all as integers up to what m sends, it fires here what the integers fire" in str(found)


def with_input_beside() -> Network:
    """x + 0.3 of x = 0.503, 129/256 in 8 bits: 0.8030; with one of the two rounded 0.8039 or 0.8038, with both 0.8047."""
    first = (
        linear("fp", "input", [[1.0]]),
        lif("p", "fp", firing=Single(0.45)),
        linear("fc", "p", [[1.0]]),
        lif("n", "fc", firing=SENDS),
    )
    joined = linear("of_x", "input", [[1.0]]), linear("of_n", "n", [[1.0]])
    last = Add("sum", ("of_x", "of_n"), (), source="sum"), lif("k", "sum", firing=Single(0.8042))
    nodes = image(1, hi=255 / 256), *first, *joined, *last
    return network(1, *nodes, linear("out", "k", [[1.0], [-1.0]]), readout("out"))


def test_a_difference_that_samples_and_layers_make_together() -> None:
    net, x = with_input_beside(), np.array([[0.1], [0.503]])
    found = snn2hw.diagnose(artefact_of(net, x), x, net, executor="reference")
    assert (found.cause, found.layer, found.sample, found.step, found.index) == (result.AMPLITUDE, "k", 1, 0, (0,))
    assert [(e.switch, e.alone, e.here) for e in found.evidence] == [
        ("all as integers up to what n sends", 1.0, True),
        ("the samples as 8 bits hold them", 0.0, False),
        ("what p sends as integers", 0.0, False),
        ("what n sends as integers", 0.0, False),
        ("all as integers up to what p sends", 0.0, False),
    ]


def membrane(entering: str) -> Neuron:
    """Gives its state, 0.3 a step behind a 1, in 1/256 of so wide a range: 77/256."""
    return lif("q", entering, 0.3, firing=Potential(), reset="none", state_range=(-128.0, 128.0))


def behind_a_membrane(threshold: float, *, beside: bool) -> Network:
    """k, which keeps nothing, fires from the threshold on; where `beside`, of what n sends at every step, too."""
    first = [linear("fc", "input", [[1.0]]), membrane("fc"), linear("of_q", "q", [[1.0]])]
    if beside:
        n = linear("fn", "input", [[1.0]], [1.0]), lif("n", "fn", firing=SENDS), linear("of_n", "n", [[1.0]])
        first = [*n, *first, Add("sum", ("of_n", "of_q"), (), source="sum")]
    k = lif("k", first[-1].name, 0.0, firing=Single(threshold))
    return network(2, counts(1), *first, k, linear("out", "k", [[1.0], [-1.0]]), readout("out"))


@pytest.mark.parametrize(
    ("beside", "threshold", "switch"),
    [(False, 0.3004, "what q sends as integers"), (True, 0.6012, "all as integers up to what q sends")],
)
def test_a_membrane_that_is_handed_down_is_rounding_of_its_state(beside: bool, threshold: float, switch: str) -> None:
    """Also where amplitudes of another layer are needed besides: the last layer that is needed names the cause."""
    net, x = behind_a_membrane(threshold, beside=beside), np.zeros((2, 2, 1))
    x[0, 1] = 1.0
    found = snn2hw.diagnose(artefact_of(net, x), x, net, layout="TN", executor="reference")
    assert (found.cause, found.layer, found.sample, found.step, found.index) == (result.STATE, "k", 1, 1, (0,))
    assert (found.got, found.expected, found.evidence[0].switch) == (1.0, 0.0, switch)


def test_a_class_whose_weights_all_became_0() -> None:
    """In 3 bits 1.0 and -0.95 are 3 and -3 thirds and 0.04 is none: 0.05 against 0.08 of a step is 0 against 0."""
    fc, out = linear("fc", "input", np.eye(2)), linear("out", "n", [[1.0, -0.95], [0.04, 0.04]])
    net = network(2, counts(2), fc, lif("n", "fc"), out, readout("out"))
    x = np.ones((2, 3, 2))
    x[:, 0] = 0.0
    found = snn2hw.diagnose(artefact_of(net, x, weight_bits=3, scales="layer"), x, net, layout="TN", executor="reference")
    assert (found.values, found.cause, found.layer, found.sample, found.index) == (0, result.DEAD, "readout", 1, (1,))
    assert (found.got, found.expected) == (0.0, pytest.approx(0.16))
    assert found.remedy == result.REMEDIES[result.DEAD]

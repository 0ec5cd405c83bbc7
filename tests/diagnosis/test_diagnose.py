"""What was planted is named: the class of the cause, the layer, the first value, and what is no difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.reference import interpret
from snn2hw.diagnosis import result
from snn2hw.errors import UsageError
from snn2hw.ir.encode import encode
from snn2hw.ir.network import Circulate, Network, Single
from snn2hw.trace import Trace
from tests.diagnosis.planted import CAUSES, STEPS, Planted, planted
from tests.hand_networks import artefact_of, counts, image, lif, linear, network, readout
from tests.refused import refused

NETWORKS = 10
RIGHT = 0.9  # of the networks of every class


def named(made: Planted) -> snn2hw.Diagnosis:
    return snn2hw.diagnose(made.artefact, made.x, made.model, trace=made.trace, layout="TN", executor="reference")


@pytest.mark.parametrize("cause", [result.WEIGHTS, result.TIE, result.SHIFT])
def test_a_planted_cause_is_named(cause: str) -> None:
    found = named(planted(cause, 0))
    assert found.cause == cause
    assert found.remedy
    assert cause in str(found)


@pytest.mark.slow
@pytest.mark.parametrize("cause", CAUSES)
def test_planted_causes_are_named(cause: str) -> None:
    said = Counter(named(planted(cause, seed)).cause for seed in range(NETWORKS))
    print(f"{cause}: {said[cause]} of {NETWORKS}", {k: n for k, n in said.items() if k != cause})
    assert said[cause] >= RIGHT * NETWORKS


def one(weight: float, bias: float = 0.0) -> Network:
    fc = linear("fc", "input", [[weight]], [bias])
    return network(STEPS, counts(1), fc, lif("n", "fc"), linear("out", "n", [[1.0], [-1.0]]), readout("out"))


def test_the_first_value_is_the_first_in_sample_step_and_layer() -> None:
    """0.5 h + 0.55: float fires at h >= 1, at the fifth 1 in a row, 1.066; with 3 bits a weight of 0.5, never."""
    real = one(0.55)
    x = np.zeros((STEPS, 3, 1))
    x[:, 2] = 1.0
    found = snn2hw.diagnose(artefact_of(one(0.5), x), x, real, layout="TN", executor="reference")
    fires = [h for h in _states(0.55) if h >= 1]
    assert fires
    assert (found.layer, found.sample, found.step, found.index) == ("n", 2, [h >= 1 for h in _states(0.55)].index(True), (0,))
    assert (found.got, found.expected, found.cause) == (0.0, 1.0, result.WEIGHTS)
    assert found.margin == pytest.approx(fires[0] - 1)


def test_the_first_value_is_the_same_in_batches_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    made = planted(result.SHIFT, 1)
    whole = named(made)
    for size in (1, 5):
        monkeypatch.setattr("snn2hw.diagnosis.diagnose.batch_size", lambda net, size=size: size)
        assert named(made) == whole
    assert whole.sample > 0 or whole.begun > 1
    real, x = one(0.55), np.zeros((STEPS, 3, 1))
    x[:, 2] = 1.0
    monkeypatch.setattr("snn2hw.evaluation.batch_size", lambda net: 2)
    assert snn2hw.diagnose(artefact_of(one(0.5), x), x, real, layout="TN", executor="reference").sample == 2


def _states(weight: float) -> list[float]:
    h, found = 0.0, []
    for _ in range(STEPS):
        h = 0.5 * h + weight
        found.append(h)
        h -= 1.0 if h >= 1 else 0.0
    return found


def test_nothing_is_named_where_nothing_differs() -> None:
    real, x = one(0.5, 0.25), np.ones((STEPS, 2, 1))
    found = snn2hw.diagnose(artefact_of(real, x), x, real, layout="TN", executor="reference")
    assert (found.cause, found.values, found.remedy) == ("", 0, "")
    assert str(found) == "float and integers agree in every spike and prediction of 2 samples"


def test_a_spike_that_hardware_did_not_fire_is_unexplained() -> None:
    """No switch makes it, so that no quantiser is blamed, and rounding does not explain it."""
    real, x = one(0.5, 0.75), np.ones((STEPS, 4, 1))
    artefact = artefact_of(real, x)
    ran = interpret(artefact.network, encode(artefact.network, x))
    assert ran.spikes["n"][2, 3, 0] == 1
    ran.spikes["n"][2, 3, 0] = 0
    found = snn2hw.diagnose(artefact, x, real, trace=ran, layout="TN")
    assert (found.sample, found.step, found.unexplained, found.explained) == (3, 2, 1, False)
    assert found.cause == result.UNKNOWN


def test_samples_that_8_bits_round_are_the_cause() -> None:
    """0.5011 is 128.28 of 256, which 8 bits hold as 128, a half: below the threshold that 0.5011 meets."""
    fires = lif("n", "fc", firing=Single(0.501))
    given = image(1, hi=255 / 256)
    real = network(1, given, linear("fc", "input", [[1.0]]), fires, linear("out", "n", [[1.0], [-1.0]]), readout("out"))
    x = np.array([[0.1], [0.5011]])
    found = snn2hw.diagnose(artefact_of(real, x), x, real, executor="reference")
    assert (found.cause, found.layer, found.sample, found.step) == (result.INPUT, "n", 1, 0)
    assert (found.got, found.expected) == (0.0, 1.0)
    x[1] = 0.503  # 128.77: 129
    assert snn2hw.diagnose(artefact_of(real, x), x, real, executor="reference").cause == ""


def test_amplitudes_that_integers_do_not_hold_are_the_cause_of_what_they_fire() -> None:
    """Whole numbers enter, so that no input is rounded: 0.3 held as 77 of 256 meets the threshold behind it."""
    first = lif("n", "fc", firing=Circulate((1.0,), (0.3,), False))
    second = lif("m", "mid", firing=Single(0.3004))
    layers = linear("fc", "input", [[1.0]]), first, linear("mid", "n", [[1.0]]), second
    real = network(2, counts(1), *layers, linear("out", "m", [[1.0], [-1.0]]), readout("out"))
    x = np.ones((2, 3, 1))
    x[:, 0] = 0.0
    found = snn2hw.diagnose(artefact_of(real, x), x, real, layout="TN", executor="reference")
    assert (found.cause, found.layer, found.sample, found.step, found.index) == (result.AMPLITUDE, "m", 1, 0, (0,))
    assert (found.got, found.expected) == (1.0, 0.0)
    assert found.evidence[0].switch == "what n sends as integers"
    assert found.remedy == result.REMEDIES[result.AMPLITUDE]
    assert "given what n sends as integers, it fires here what the integers fire" in str(found)


def test_weights_of_the_readout_alone_change_a_prediction() -> None:
    """Both neurons fire, in float and in integers; 1.0 and 1.04 are the same in 3 bits, so that the first class is ahead."""
    fc, out = linear("fc", "input", [[1.0, 0.0], [0.0, 1.0]]), linear("out", "n", [[1.0, 0.0], [0.0, 1.04]])
    real = network(2, counts(2), fc, lif("n", "fc"), out, readout("out"))
    x = np.ones((2, 3, 2))
    x[:, 0, 1] = 0.0
    found = snn2hw.diagnose(artefact_of(real, x, weight_bits=3, scales="layer"), x, real, layout="TN", executor="reference")
    assert (found.values, found.cause, found.layer, found.sample, found.step, found.index) == (
        0, result.WEIGHTS, "readout", 1, -1, (0,),
    )  # fmt: skip
    assert found.got != 0
    assert found.expected == pytest.approx(2.0)
    assert found.evidence[0].switch == "the weights of readout as integers"
    assert found.evidence[0].here
    assert "given the weights of readout as integers, it predicts what the integers predict" in str(found)


def short(ran: Trace) -> Iterator[tuple[Trace, str]]:
    yield ran.part(0, 1), "the trace does not fit the samples\n  where:    trace\n  got:      1 samples\n  expected: 2 samples"
    without = Trace(ran.readout, ran.spikes, {})
    yield without, "the trace lacks what a layer did\n  where:    trace\n  got:      nothing of n.u"


def test_a_trace_that_is_not_of_the_samples_is_refused() -> None:
    real, x = one(0.5), np.ones((STEPS, 2, 1))
    artefact = artefact_of(real, x)
    ran = interpret(artefact.network, encode(artefact.network, x))
    for trace, says in short(ran):
        with pytest.raises(UsageError) as caught:
            snn2hw.diagnose(artefact, x, real, trace=trace, layout="TN")
        assert str(caught.value).startswith(says)


def test_another_model_is_refused() -> None:
    real, x = one(0.5), np.ones((STEPS, 2, 1))
    other = network(STEPS, counts(1), linear("fc", "input", [[1.0]]), lif("m", "fc"), linear("o", "m", [[1.0]]), readout("o"))
    with refused(
        UsageError,
        """
        this is not the model that the network was compiled from
          where:    model
          got:      readout [1], not [2]; neuron layer n missing, not [1]
          expected: the input, the steps, the neuron layers and the readout of the compiled network
          do:       give the model that was compiled, or leave it out: the integers are then measured alone
        """,
    ):
        snn2hw.diagnose(artefact_of(real, x), x, other, layout="TN")


def test_a_report_says_it_as_a_document() -> None:
    found = named(planted(result.WEIGHTS, 0))
    said = found.to_document()
    assert said["cause"] == result.WEIGHTS
    assert said["explained"] is True
    assert said["remedy"] == result.REMEDIES[result.WEIGHTS]
    assert said["evidence"][0]["switch"] == found.evidence[0].switch

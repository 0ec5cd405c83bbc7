"""The measurement of float against integer, compared with a loop over single samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.errors import UsageError
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network, Neuron
from snn2hw.ir.real import run_real
from snn2hw.verification import accuracy
from snn2hw.verification.accuracy import Measurement, measure
from tests.random_networks import compiled, random_case
from tests.refused import refused
from tests.verification.hand_networks import Array, circulate, counts, every_kind, integrate, linear, network, readout
from tests.verification.hand_networks import compiled as compiled_by_hand


def naive(real: Network, net: IntegerNetwork, samples: Array, labels: list[int]) -> Measurement:
    """Sample by sample, neuron by neuron."""
    right_float = right_integer = alike = 0
    wrong = {n.name: 0 for n in real.neurons}
    fired, fired_integer, everything = dict(wrong), dict(wrong), dict(wrong)
    for i, label in enumerate(labels):
        one = samples[i : i + 1] if real.input.static else samples[:, i : i + 1]
        payloads_float: dict[str, list[Array]] = {}

        def note(node: object, inputs: object, value: Array, seen: dict[str, list[Array]] = payloads_float) -> None:
            if isinstance(node, Neuron):
                seen.setdefault(node.name, []).append(value)

        by_float = int(np.argmax(run_real(real, one, note)[0]))
        trace = interpret(net, encode(net, one))
        by_integer = int(np.argmax(trace.readout[0]))
        right_float += by_float == label
        right_integer += by_integer == label
        alike += by_float == by_integer
        for node in (n for n in net.neurons if n.name in wrong):  # the readout's alignment stands for no neuron
            unit = 2.0**-node.format.frac
            pairs = zip(np.stack(payloads_float[node.name]).ravel(), trace.spikes[node.name].ravel(), strict=True)
            for f, k in pairs:
                wrong[node.name] += f != k * unit
                fired[node.name] += f != 0
                fired_integer[node.name] += k != 0
                everything[node.name] += 1
    n = len(labels)
    layers = {
        k: accuracy.LayerMeasurement(wrong[k] / total, fired[k] / total, fired_integer[k] / total)
        for k, total in everything.items()
    }
    return Measurement(n, right_float / n, right_integer / n, alike / n, layers)


@pytest.mark.parametrize("batch", [1, 2, 64])
@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "BATCH", batch)
    case = random_case(seed)
    net = compiled(case).network
    n = case.sample.shape[0 if case.network.input.static else 1]
    labels = list(range(n))
    assert measure(case.network, net, case.sample, labels) == naive(case.network, net, case.sample, labels)


def test_a_mismatch_is_seen() -> None:
    real, sample = every_kind()
    net = compiled_by_hand(real, sample)
    images = np.random.default_rng(3).random((20, 1, 6, 6))
    labels = np.random.default_rng(4).integers(0, 4, 20)
    m = measure(real, net, images, labels)
    assert m == naive(real, net, images, labels.tolist())
    assert m.samples == 20
    assert list(m.layers) == ["lnm", "cf", "fire", "lif"]
    assert any(layer.mismatch > 0 for layer in m.layers.values())
    assert all(0 < layer.float_rate < 1 and 0 < layer.integer_rate < 1 for layer in m.layers.values())


def test_where_nothing_is_rounded_both_are_the_same() -> None:
    layers = (
        linear("fc", "input", [[1.0, -0.5], [0.25, 0.75]]),
        integrate("if", "fc"),
        linear("head", "if", np.eye(2)),
        readout("head"),
    )
    real = network(4, counts(2), *layers)
    x = np.random.default_rng(0).integers(0, 4, (4, 9, 2)).astype(np.float64)
    m = measure(real, compiled_by_hand(real, x), x, np.zeros(9, int))
    assert m.agreement == 1.0
    assert m.float_accuracy == m.integer_accuracy
    assert m.layers["if"].mismatch == 0
    assert m.layers["if"].float_rate == m.layers["if"].integer_rate > 0


def test_graded_payloads_are_compared_as_real_values() -> None:
    layers = linear("fc", "input", [[1.0, -0.5], [0.5, 0.75]]), circulate("cf", "fc", amplitudes=(1.0, 0.5)), readout("cf")
    real = network(3, counts(2), *layers)
    x = np.random.default_rng(0).integers(0, 4, (3, 9, 2)).astype(np.float64)
    net = compiled_by_hand(real, x)
    assert net.neurons[0].format.frac == 1
    m = measure(real, net, x, np.zeros(9, int))
    assert m.layers["cf"].mismatch == 0
    assert m.layers["cf"].integer_rate > 0


def test_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "BATCH", 4)
    real, sample = every_kind()
    seen: list[tuple[str, int, int]] = []
    measure(real, compiled_by_hand(real, sample), sample, np.zeros(5, int), progress=lambda *call: seen.append(call))
    assert seen == [("float and integer model", 4, 5), ("float and integer model", 5, 5)]


def test_several_outputs_have_no_accuracy_in_common() -> None:
    real, sample = every_kind()
    net = compiled_by_hand(real, sample)
    classes = net.readout.shape[0]

    def with_outputs(*outputs: tuple[str, int]) -> IntegerNetwork:
        return replace(net, nodes=(*net.nodes[:-1], replace(net.readout, outputs=outputs)))

    assert measure(real, with_outputs(("kind", classes)), sample, np.zeros(5, int)).samples == 5
    with refused(
        UsageError,
        f"""
        a network with several outputs has no accuracy over all of them
          got:      kind (1 values), place ({classes - 1} values)
          expected: one output
          do:       run the network, and compare each output of `artefact.outputs(trace.readout)` with labels of its own
        """,
    ):
        measure(real, with_outputs(("kind", 1), ("place", classes - 1)), sample, np.zeros(5, int))

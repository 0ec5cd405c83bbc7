"""States of the float model stand beside those of the integers, after the same steps, with what they are apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.ir.network import Current, Network
from snn2hw.reporting.membranes import MEMBRANES
from snn2hw.reporting.membranes import _shown as shown_of
from tests.hand_networks import artefact_of, counts, lif, linear, network, readout
from tests.reporting.pages import data_of

STEPS, NEURONS = 12, 16
WEIGHTS = np.random.default_rng(0).normal(0.2, 0.5, (NEURONS, 5))
EXECUTORS = ("reference", "onnx-reference")


def made(**fields: Any) -> tuple[Artefact, Network, np.ndarray]:
    """A layer whose weights are rounded to 4 bits."""
    fires = lif("n", "fc", 0.8, state_range=(-4.0, 4.0), **fields)
    net = network(STEPS, counts(5), linear("fc", "input", WEIGHTS), fires, linear("o", "n", np.eye(NEURONS)[:2]), readout("o"))
    x = (np.random.default_rng(1).random((STEPS, 4, 5)) < 0.4).astype(np.float64)
    return artefact_of(net, x, weight_bits=4), net, x


def shown(artefact: Artefact, x: Any, model: Any, folder: Path) -> list[dict[str, Any]]:
    """The membranes of layer n, of every sample."""
    path = snn2hw.report(artefact, x, None, model, folder / "r.html", layout="TN", shown=range(4), executors=EXECUTORS)
    return [a["layers"]["n"]["membranes"] for a in data_of(path)["activity"]]


def by_hand(x: np.ndarray, decay: float | None = None) -> dict[str, np.ndarray]:
    """[T, neurons] of one sample: h = 0.8 u + i, threshold 1, soft reset; where there is a decay, i' = decay i + W x."""
    u, i, found = np.zeros(NEURONS), np.zeros(NEURONS), []
    for entering in x @ WEIGHTS.T:
        i = entering if decay is None else decay * i + entering
        h = np.clip(0.8 * u + i, -4, 4)
        u = h - (h >= 1)
        found.append((u, i))
    return {"u": np.array([u for u, _ in found]), "i": np.array([i for _, i in found])}


@pytest.mark.parametrize("decay", [None, 0.6])
def test_states_of_the_float_model_are_its_equation_after_the_same_steps(decay: float | None, tmp_path: Path) -> None:
    current = None if decay is None else Current(np.array([decay]), (-8.0, 8.0))
    artefact, net, x = made(current=current)
    program = artefact.network.neurons[0].program
    assert program.roles is not None
    names = {s: "u" if s == program.roles.state else "i" for s in program.states}
    assert len(names) == (1 if decay is None else 2)
    trace = interpret(artefact.network, encode(artefact.network, x))
    for sample, found in enumerate(shown(artefact, x, net, tmp_path)):
        real = by_hand(x[:, sample], decay)
        assert len(found["neurons"]) == MEMBRANES
        for m in found["neurons"]:
            assert m["states"].keys() == m["float"].keys() == m["off"].keys() == names.keys()
        for name, which in names.items():
            unit = 2.0 ** -program.states[name].format.frac
            off = trace.states[f"n.{name}"][:, sample] - real[which] / unit
            for m in found["neurons"]:
                assert m["float"][name] == pytest.approx(real[which][:, m["neuron"]].tolist(), abs=1e-7)
                assert m["off"][name] == pytest.approx(off[:, m["neuron"]].tolist(), rel=1e-4, abs=1e-3)
            apart = found["apart"][name]
            assert apart["mean"] == pytest.approx(np.abs(off).mean(), rel=1e-4)
            assert apart["most"] == pytest.approx(np.abs(off).max(), rel=1e-4)
            assert abs(off[apart["step"], apart["neuron"]]) == pytest.approx(apart["most"], rel=1e-4)
            assert apart["most"] > 1


def test_the_neuron_that_is_farthest_off_is_shown_with_those_that_fire_most(tmp_path: Path) -> None:
    artefact, net, x = made()
    trace = interpret(artefact.network, encode(artefact.network, x))
    others = 0
    for sample, found in enumerate(shown(artefact, x, net, tmp_path)):
        busy = np.argsort(-np.count_nonzero(trace.spikes["n"][:, sample], axis=0), kind="stable").tolist()
        farthest = found["apart"]["u"]["neuron"]
        numbers = [m["neuron"] for m in found["neurons"]]
        assert farthest in numbers
        assert numbers[: MEMBRANES - 1] == busy[: MEMBRANES - 1]
        others += numbers != busy[:MEMBRANES]
    assert others > 0


def test_the_neuron_whose_worst_state_is_farthest_off_is_the_one_that_is_shown() -> None:
    """A neuron that is off in all of its states, though in none as far, is not the farthest."""
    fired = np.zeros((3, 6), np.int64)
    fired[:, :MEMBRANES] = 1
    off = {"u": np.zeros((3, 6)), "i": np.zeros((3, 6))}
    off["u"][1, 5], off["u"][2, 4], off["i"][0, 4] = -9.0, 2.0, 2.0
    assert shown_of(fired, off) == [0, 1, 2, 5]
    assert shown_of(fired, {"i": off["u"], "u": off["i"]}) == [0, 1, 2, 5]


def test_integers_alone_stand_alone(tmp_path: Path) -> None:
    artefact, _, x = made()
    for found in shown(artefact, x, None, tmp_path):
        assert found["apart"] == {}
        for m in found["neurons"]:
            assert (m["float"], m["off"], m["differs"]) == ({}, {}, [])
            assert len(m["states"]["u"]) == STEPS


@pytest.mark.torch
def test_states_of_a_users_neuron_and_a_long_run_are_cut_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ALIF keeps its voltage and what its threshold adapts by; of more steps than are shown the first are."""
    torch = pytest.importorskip("torch")
    from snn2hw import nn

    monkeypatch.setattr("snn2hw.reporting.membranes.MOST_STEPS", 5)
    monkeypatch.setattr("snn2hw.reporting.activity.MOST_STEPS", 5)
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(6, 5), nn.ALIF(), nn.Linear(5, 3)).eval()
    x = (np.random.default_rng(0).random((9, 4, 6)) < 0.6).astype(np.float32)
    artefact = snn2hw.compile(model, x, layout="TN")
    path = snn2hw.report(artefact, x, None, model, tmp_path / "r.html", layout="TN", shown=[2], executors=EXECUTORS)
    (found,) = (a["layers"]["1"]["membranes"] for a in data_of(path)["activity"])
    v, a, kept = np.zeros(5), np.zeros(5), {"v": list[Any](), "a": list[Any]()}
    weight, bias = (p.detach().numpy().astype(np.float64) for p in model[0].parameters())
    for entering in x[:5, 2]:
        h, theta = 0.9 * v + weight @ entering + bias, 1 + a
        s = h >= theta
        v, a = np.where(s, h - theta, h), 0.95 * a + 0.05 * s
        kept["v"].append(v)
        kept["a"].append(a)
    assert set(kept) == set(found["apart"])
    for m in found["neurons"]:
        for name, values in kept.items():
            meant = [float(v[m["neuron"]]) for v in values]
            assert m["float"][name] == pytest.approx(meant, abs=1e-5), name
            assert m["states"][name] == pytest.approx(meant, abs=0.2), name

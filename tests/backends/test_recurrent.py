"""Recurrent edges in every executor, in C, in the certificate; and mistakes in them, which must be found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, HoldsAll
from snn2hw.backends.c.plan import loops
from snn2hw.backends.reference import interpret
from snn2hw.certificate.certify import certify
from snn2hw.checker.check import check_claims
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Network, Node
from snn2hw.ir.real import run_real
from snn2hw.native.replay import replay
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from snn2hw.verification.verdict import compare_executors
from tests.backends.c.folders import texts, written
from tests.hand_networks import (
    add,
    artefact_of,
    back,
    circulate,
    counts,
    events,
    integrate,
    lif,
    linear,
    network,
    normal,
    readout,
    recurrent,
)
from tests.native.compiling import needs_compiler


def two_loops() -> Network:
    """Loops that overlap, one over both layers; an edge that is read in two places; signed payloads; one without a synapse."""
    return network(
        6,
        counts(2),
        linear("a", "input", normal(1, 3, 2)),
        back("far", "cf", 3),
        linear("again", "far", normal(2, 3, 3, scale=0.4)),
        add("a_sum", "a", "again"),
        lif("n", "a_sum", 0.7),
        linear("b", "n", normal(3, 3, 3)),
        back("near", "cf", 3),
        add("b_sum", "b", "near"),
        circulate("cf", "b_sum"),
        add("join", "cf", "far"),
        linear("head", "join", normal(4, 2, 3)),
        readout("head"),
    )


def forward() -> Network:
    """An edge that closes no cycle, from a neuron without a synapse before it."""
    return network(
        5,
        counts(3),
        back("b", "n", 3),
        linear("w", "b", normal(1, 3, 3)),
        lif("m", "w"),
        integrate("n", "input"),
        add("j", "m", "n"),
        linear("h", "j", normal(2, 2, 3)),
        readout("h"),
    )


def crossed() -> Network:
    """A cycle over two edges and no synapse: each leads to the other's neuron."""
    return network(
        6,
        counts(3),
        linear("a", "input", normal(1, 3, 3)),
        back("from_m", "m", 3),
        back("from_n", "n", 3),
        add("n_sum", "a", "from_m"),
        lif("n", "n_sum"),
        add("m_sum", "a", "from_n"),
        lif("m", "m_sum"),
        linear("h", "m", normal(2, 2, 3)),
        readout("h"),
    )


NETWORKS = {
    "one": recurrent,
    "without a synapse": lambda: recurrent(()),
    "two": two_loops,
    "forward": forward,
    "crossed": crossed,
}


def given(name: str) -> tuple[Artefact, Ints]:
    net = NETWORKS[name]()
    artefact = artefact_of(net)
    return artefact, encode(artefact.network, events(net, 5, seed=1))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_executor_agrees(name: str) -> None:
    artefact, payloads = given(name)
    ready = [
        n for n, e in EXECUTORS.items() if not e.unavailable() and (n != "fast" or name == "two")
    ]  # which compiles for seconds
    verdict = compare_executors(artefact, payloads, ready)
    assert verdict.equal, verdict.differences
    assert from_onnx(artefact.model).feedbacks
    trace = interpret(artefact.network, payloads)
    assert all(s.any() for s in trace.spikes.values())


def test_the_law_is_one_step_late_and_starts_at_nothing() -> None:
    artefact, payloads = given("one")
    net = artefact.network
    fired = interpret(net, payloads).spikes["n"]
    weights: dict[str, Any] = {n.name: n for n in net.nodes}
    before = np.concatenate([np.zeros_like(fired[:1]), fired[:-1]])
    sums = (payloads @ weights["ff"].weight.T.astype(int) + weights["ff"].bias) * 2 ** weights["sum"].shifts[0]
    sums += (before @ weights["rec"].weight.T.astype(int) + weights["rec"].bias) * 2 ** weights["sum"].shifts[1]
    from snn2hw.backends.reference import initial_states, step

    states = initial_states(weights["n"], payloads.shape[1])
    for t, x in enumerate(sums):
        payload, states = step(weights["n"].program, x, states)
        assert (payload == fired[t]).all()


def test_the_float_meaning_is_followed() -> None:
    net = recurrent()
    artefact, x = artefact_of(net, state_bits=24), events(net, 20, seed=2)
    seen: list[Any] = []

    def keep(node: Node, _: Sequence[Any], value: Any) -> None:
        if node.name == "n":
            seen.append(value)

    run_real(net, x, keep)
    integer = interpret(artefact.network, encode(artefact.network, x)).spikes["n"]
    assert (np.stack(seen) != integer).mean() < 0.02
    assert integer.any()


def test_loops_are_what_lies_between_an_edge_and_its_neuron() -> None:
    assert loops(given("one")[0].network) == [["back", "rec", "sum", "n"]]
    assert loops(given("two")[0].network) == [["far", "again", "a_sum", "n", "b", "near", "b_sum", "cf"]]


@needs_compiler
def test_the_c_folder(tmp_path: Any) -> None:
    artefact, payloads = given("two")
    done = replay(written(tmp_path / "c", texts(artefact.network, payloads)))
    assert done.equal, done.report


# mistakes


class Foreign(HoldsAll):
    """The reference on another network."""

    name, description = "foreign", "another network"

    def __init__(self, net: IntegerNetwork) -> None:
        self.net = net

    def unavailable(self) -> str:
        return ""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Any:
        return interpret(self.net, payloads, traces)


def test_an_edge_of_another_neuron_is_found_and_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    artefact, payloads = given("two")
    other = tuple(replace(n, inputs=("n",), interval=n.interval) if n.name == "far" else n for n in artefact.network.nodes)
    monkeypatch.setitem(EXECUTORS, "foreign", Foreign(replace(artefact.network, nodes=other)))
    (found,) = compare_executors(artefact, payloads, ["foreign"]).differences
    assert found.step > 0  # at the first step both edges carry nothing
    assert found.signal in ("n", "n.u")
    assert "the synapse is suspected" in found.cause


def test_an_edge_that_carries_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    artefact, payloads = given("one")
    cut: Any = [replace(n, weight=0 * n.weight) if n.name == "rec" else n for n in artefact.network.nodes]  # type: ignore[call-arg, attr-defined]
    monkeypatch.setitem(EXECUTORS, "foreign", Foreign(replace(artefact.network, nodes=tuple(cut))))
    (found,) = compare_executors(artefact, payloads, ["foreign"]).differences
    assert found.step > 0
    assert "the synapse is suspected" in found.cause


@pytest.mark.parametrize("name", ["one", "two"])
def test_the_certificate_is_derived_again(name: str) -> None:
    artefact, _ = given(name)
    claimed = json.loads(json.dumps(certify(artefact.network, artefact.model)))
    assert check_claims(artefact.model, claimed).failures == []
    for edge in claimed["feedbacks"]:
        lo, hi = claimed["feedbacks"][edge]["interval"]
        assert claimed["feedbacks"][edge]["next"] == [lo, hi]
        for key, value in (("interval", [lo, hi - 1]), ("initial", 1), ("next", [lo, hi + 1])):
            forged = json.loads(json.dumps(claimed))
            forged["feedbacks"][edge][key] = value
            found = [f.claim for f in check_claims(artefact.model, forged).failures]
            assert f"feedbacks.{edge}.{key}" in found


def test_a_certificate_without_its_edges_cannot_be_derived() -> None:
    artefact, _ = given("one")
    claimed = json.loads(json.dumps(certify(artefact.network, artefact.model)))
    del claimed["feedbacks"]
    assert next(f.claim for f in check_claims(artefact.model, claimed).failures) == "the claims cannot be derived"


def test_a_network_without_edges_claims_none() -> None:
    net = network(2, counts(2), linear("a", "input", np.eye(2)), lif("n", "a"), readout("n"))
    artefact = make_artefact(artefact_of(net).network)
    assert "feedbacks" not in certify(artefact.network, artefact.model)
    assert b"feedback" not in artefact.model

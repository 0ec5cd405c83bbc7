"""A fault in any module of the library is found, by the integers that come out of a small network that has the module."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from snn2hw.backends.reference import interpret
from snn2hw.backends.rtl import simulation, text
from snn2hw.backends.rtl.build import build
from snn2hw.backends.rtl.parts import Folding, Parts
from snn2hw.backends.rtl.simulation import Simulator, Stress, simulator
from snn2hw.backends.rtl.text import LIBRARY, template
from snn2hw.errors import Snn2hwError
from snn2hw.ir.integer import IntegerNetwork
from tests.backends.rtl.faults import FAULTS, NETWORKS, WITHIN
from tests.backends.rtl.running import TOOLS, differing, spread
from tests.tools import needs

QUICK = ("no empty step at first", "spikes of the last step come back", "a logit is not added up")
STRESS = Stress(30, 30, 7)  # so that layers wait for each other


@cache
def network_of(name: str) -> tuple[IntegerNetwork, Any]:
    net = NETWORKS[name]()
    return net, spread(net, 6, 1)


def built(name: str) -> Simulator:
    return simulator(build(network_of(name)[0], Folding(lanes=2)))


def wrong(name: str) -> str:
    """What tells that a simulation is wrong, empty where nothing does."""
    net, payloads = network_of(name)
    sim = built(name)
    try:
        run = sim.run(payloads, stress=STRESS)
    except Snn2hwError as error:
        return str(error) if type(error) is Snn2hwError else ""  # one of another kind was not compiled
    found = differing(net, sim, run, interpret(net, payloads))
    return f"{found}" if found else ""


def planted(monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str) -> None:
    right = template(f"{file}.sv")
    assert right.count(old) == 1, f"{file}.sv has no such text any more: {old}"
    faulty = right.replace(old, new)
    for module in (simulation, text):
        monkeypatch.setattr(module, "template", lambda wanted: faulty if wanted == f"{file}.sv" else template(wanted))


@pytest.mark.parametrize("fault", [f if f in QUICK else pytest.param(f, marks=pytest.mark.slow) for f in FAULTS])
def test_a_fault_in_a_module(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(*TOOLS)
    file, old, new, name = FAULTS[fault]
    planted(monkeypatch, file, old, new)
    assert wrong(name)


def test_a_sum_that_leaves_its_interval_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it does, whatever comes of it."""
    needs(*TOOLS)
    planted(monkeypatch, "snn_banks", ": old + product", ": old - product")
    assert wrong("recurrent").startswith("a value left the interval that is proved for it\n  where:    n\n  got:      ")


@pytest.mark.slow
def test_a_product_of_a_value_with_itself_stands_still_without_its_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    needs(*TOOLS)
    monkeypatch.setattr(Parts, "holds_up", lambda *_: False)
    assert "nothing more came out of it" in wrong("attending")


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_without_a_fault_nothing_is_wrong(name: str) -> None:
    needs(*TOOLS)
    assert not wrong(name)


def test_every_module_has_a_fault_and_stands_in_the_network_that_shows_it() -> None:
    assert {file for file, *_ in FAULTS.values()} == {*LIBRARY, "neuron_layer", "top"}
    for file, _, _, name in FAULTS.values():
        design = build(network_of(name)[0], Folding(lanes=2))
        there = {m.kind for m in design.modules} | WITHIN
        forks = any(sum(p.stream.name == w.stream.name for m in design.modules for p in m.reads) > 1
                    for m in design.modules for w in m.writes)  # fmt: skip
        assert file in there | ({"snn_fork"} if forks else set())

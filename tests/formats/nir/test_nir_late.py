"""Recurrent edges in NIR files that are written: read as they are meant, or said not to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import snn2hw
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.presets import PRESETS
from snn2hw.formats.nir.write import to_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Feedback, Network, Node
from snn2hw.ir.text import to_text
from tests import hand_networks as by_hand
from tests.backends.test_recurrent import two_loops
from tests.nir_exports import difference, export, visible_spikes

pytest.importorskip("nir", reason="writing .nir files needs the nir extra")

SOFT = Convention(dt=1e-4, reset="subtract", threshold="inclusive")
WIDE = (-64.0, 64.0)  # of states that reach no clamp, which NIR's neurons have not


def lowered(net: Network, **options: object) -> IntegerNetwork:
    return by_hand.compiled(net, **options).network  # type: ignore[arg-type]


@pytest.mark.parametrize("convention", [SOFT, replace(PRESETS["norse"], reset="subtract", threshold="inclusive")])
def test_a_recurrent_edge_is_one_in_nir_too(tmp_path: Path, convention: Convention) -> None:
    net = by_hand.network(
        12,
        by_hand.counts(4),
        by_hand.linear("a", "input", by_hand.normal(1, 5, 4)),
        by_hand.back("back", "lif", 5),
        by_hand.linear("again", "back", by_hand.normal(2, 5, 5)),
        by_hand.add("join", "a", "again"),
        by_hand.lif("lif", "join", 0.75, state_range=WIDE),
        by_hand.readout("lif"),
    )
    x = by_hand.events(net)
    exact = lowered(net, sample=x, state_bits=24)
    spikes, trace = visible_spikes(exact, tmp_path / "x.nir", x, convention)
    assert trace.spikes["lif"].sum() > 50
    assert (spikes["lif"] == trace.spikes["lif"]).all()
    assert to_text(snn2hw.read_network(tmp_path / "x.nir"))[0] == to_text(exact)[0]


@dataclass(frozen=True)
class Loops:
    """Events -> Linear a -> n -> Linear b -> m -> Linear h, with recurrent edges `late` and joins on the way; `delays` in NIR."""

    late: tuple[Feedback, ...]
    before_n: tuple[Node, ...] = ()
    before_m: tuple[Node, ...] = ()
    before_h: tuple[Node, ...] = ()
    delays: tuple[str, ...] = ()

    def network(self) -> Network:
        last = {k: v[-1].name if v else old for k, v, old in (("n", self.before_n, "a"), ("m", self.before_m, "b"))}
        return by_hand.network(
            12,
            by_hand.counts(3),
            *self.late,
            by_hand.linear("a", "input", by_hand.normal(1, 3, 3) + 0.5),
            *self.before_n,
            by_hand.lif("n", last["n"], 0.75, state_range=WIDE),
            by_hand.linear("b", "n", by_hand.normal(2, 3, 3) + 0.5),
            *self.before_m,
            by_hand.lif("m", last["m"], 0.5, state_range=WIDE),
            *self.before_h,
            by_hand.linear("h", self.before_h[-1].name if self.before_h else "m", by_hand.normal(3, 2, 3)),
            by_hand.readout("h"),
        )


OF_N, OF_M = by_hand.back("late_n", "n", 3), by_hand.back("late_m", "m", 3)
LOOPS = {
    "closes no cycle": Loops((OF_N,), before_m=(by_hand.add("j", "b", "late_n"),), delays=("n_late",)),
    "beside the neuron itself": Loops((OF_M,), before_h=(by_hand.add("j", "m", "late_m"),), delays=("m_late",)),
    "on its cycle": Loops((OF_M,), (by_hand.linear("r", "late_m", by_hand.normal(4, 3, 3)), by_hand.add("j", "a", "r"))),
    "also read outside its cycle": Loops(
        (OF_M,), (by_hand.add("j", "a", "late_m"),), before_h=(by_hand.add("k", "m", "late_m"),), delays=("m_late",)
    ),
    "two at once": Loops((OF_M, OF_N), (by_hand.add("i", "late_m", "late_n"), by_hand.add("j", "a", "i"))),
    "both ways": Loops((OF_M, OF_N), (by_hand.add("j", "a", "late_m"),), (by_hand.add("k", "b", "late_n"),), delays=("n_late",)),
}


@pytest.mark.parametrize("convention", [SOFT, replace(PRESETS["norse"], reset="subtract", threshold="inclusive")])
@pytest.mark.parametrize("name", LOOPS)
def test_recurrent_edges_are_read_late_wherever_they_lead(tmp_path: Path, name: str, convention: Convention) -> None:
    net = LOOPS[name].network()
    x = by_hand.events(net, 12)
    exact = lowered(net, sample=x, state_bits=24)
    made = to_nir(exact, convention)
    assert made.approximations == {}
    spikes, trace = visible_spikes(exact, tmp_path / "x.nir", x, convention)
    for layer in "nm":
        assert trace.spikes[layer].sum() > 50
        assert (spikes[layer] == trace.spikes[layer]).all(), layer
    graph = export(exact, tmp_path / "x.nir", convention)
    assert [k for k, v in graph.nodes.items() if type(v).__name__ == "Delay"] == [*LOOPS[name].delays]
    assert difference(exact, tmp_path / "x.nir", convention) == ""


def nearer() -> Network:
    """Of the two neurons on a cycle the one nearer to the input is late: m reads n late, and n reads m of the same step."""
    return by_hand.network(
        12,
        by_hand.counts(3),
        by_hand.linear("a", "input", by_hand.normal(1, 3, 3)),
        by_hand.back("x", "n", 3),
        by_hand.linear("b", "x", by_hand.normal(2, 3, 3)),
        by_hand.lif("m", "b", state_range=WIDE),
        by_hand.add("j", "a", "m"),
        by_hand.lif("n", "j", state_range=WIDE),
        by_hand.readout("n"),
    )


def test_a_recurrent_edge_that_readers_take_elsewhere_is_said(tmp_path: Path) -> None:
    net = lowered(nearer(), state_bits=24)
    assert to_nir(net).approximations == {
        "m": "'n' is read as if it were to read it a step late",
        "n": "'b' is meant to read it a step late",
    }
    graph = export(net, tmp_path / "x.nir")
    assert "Delay" not in {type(n).__name__ for n in graph.nodes.values()}
    assert difference(net, tmp_path / "x.nir") == ""


def test_a_recurrent_edge_under_a_convention_without(tmp_path: Path) -> None:
    net = lowered(by_hand.recurrent())
    assert to_nir(net).approximations == {}
    lost = "its recurrent edge has no meaning there: its importer runs every layer over all steps at once"
    assert to_nir(net, "sinabs").approximations == {"n": lost}


def test_a_neuron_and_its_own_edge_enter_one_node(tmp_path: Path) -> None:
    net = lowered(two_loops())
    export(net, tmp_path / "x.nir")
    assert difference(net, tmp_path / "x.nir") == ""

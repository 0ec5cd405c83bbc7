"""Units of current do not matter: weights times s and resistances through s are the same network, and give the same integers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snn2hw
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.read import from_nir
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.text import to_text
from tests.nir_files import affine, cuba_lif, integrator, lif, write

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")

PLAIN = Convention(dt=1e-4)  # reads r
N, STEPS = 4, 10
X = np.random.default_rng(5).integers(0, 2, (STEPS, 2, 3))
TOPOLOGIES = ("chain", "two synapses", "recurrent", "read twice", "edge without a synapse", "delay")


@dataclass(frozen=True)
class Case:
    """A network, and the units of the currents of its two layers of neurons."""

    topology: str
    kinds: tuple[str, str]
    by_channel: bool
    reset: tuple[str, str]
    seed: int


def network(case: Case, units: tuple[float, float]) -> Any:
    """Its NIRGraph with weights times the unit of the layer behind them, and resistances (of a CubaLIF w_in) through it."""
    rng = np.random.default_rng(case.seed)
    a, b = units

    def synapse(outputs: int, inputs: int, unit: float) -> Any:
        return affine(rng.normal(0.4, 1, (outputs, inputs)) * unit, rng.normal(0, 0.2, outputs) * unit)

    def neurons(kind: str, n: int, unit: float) -> Any:
        draw = rng.uniform(1, 3, n if case.by_channel else 1)
        theta = rng.uniform(0.8, 1.2, n if case.by_channel else 1)
        if kind == "CubaLIF":
            return cuba_lif(n, tau_mem=4e-4, tau_syn=2e-4, r=2.0, w_in=2 * draw / unit, v_threshold=theta)
        return lif(n, tau=4e-4, r=3 * draw / unit, v_threshold=theta) if kind == "LIF" else integrator(n, r=draw / unit)

    first, second = case.kinds
    nodes = {"input": nir.Input(np.array([3])), "0": synapse(N, 3, a), "1": neurons(first, N, a), "2": synapse(2, N, b)}
    nodes |= {"3": neurons(second, 2, b), "output": nir.Output(np.array([2]))}
    edges = [("input", "0"), ("0", "1"), ("1", "2"), ("2", "3"), ("3", "output")]
    if case.topology == "two synapses":
        nodes["also"] = synapse(2, 3, b)
        edges += [("input", "also"), ("also", "3")]
    elif case.topology == "recurrent":
        nodes["back"] = synapse(N, N, a)
        edges += [("1", "back"), ("back", "1")]
    elif case.topology == "delay":
        nodes |= {"also": synapse(2, 3, b), "late": nir.Delay(np.full(2, 2e-4))}
        edges += [("input", "also"), ("also", "late"), ("late", "3")]
    elif case.topology == "read twice":
        nodes |= {"other": neurons(first, N, a), "also": synapse(2, N, b)}
        edges += [("0", "other"), ("other", "also"), ("also", "3")]
    elif case.topology == "edge without a synapse":
        nodes |= {"direct": nir.Threshold(np.full(2, 0.5)), "first": synapse(2, 3, 1.0), "unit": nir.Scale(np.full(2, b))}
        edges += [("input", "first"), ("first", "direct"), ("direct", "unit"), ("unit", "also"), ("also", "3")]
        nodes["also"] = nir.Linear(np.eye(2))
    return nir.NIRGraph(nodes, edges, type_check=False)


def integers(path: Path, case: Case, units: tuple[float, float]) -> IntegerNetwork:
    reset, when = case.reset
    net = from_nir(write(path, network(case, units)), sample=X, convention=PLAIN, reset=reset, when=when, late_synapses=True)
    return snn2hw.compile(net, X, target="loihi2").network


def same(a: IntegerNetwork, b: IntegerNetwork) -> bool:
    """Every integer of every weight, bias and program."""
    (text, arrays), (other, others) = to_text(a), to_text(b)
    return text == other and all(np.array_equal(v, others[k]) for k, v in arrays.items())


def check(path: Path, case: Case, exponents: tuple[int, int], factors: tuple[float, float]) -> None:
    """Powers of two: every integer. Others: float32 rounds the weights of the file anew, by half of 2**-24, so that what is
    computed from them may differ in its last digits; and whatever an integer is made of by rounding, by one."""
    one = integers(path, case, (1.0, 1.0))
    assert same(one, integers(path, case, (2.0 ** exponents[0], 2.0 ** exponents[1]))), (case, exponents)
    other = integers(path, case, factors)
    assert [(n.name, type(n), n.shape) for n in one.nodes] == [(n.name, type(n), n.shape) for n in other.nodes], (case, factors)
    assert [n.format.frac for n in one.nodes] == [n.format.frac for n in other.nodes], (case, factors)
    for node, again in zip(one.nodes, other.nodes, strict=True):
        for field in ("weight", "bias"):
            if hasattr(node, field):
                mine, theirs = (np.asarray(vars(n)[field], np.int64) for n in (node, again))
                assert np.abs(mine - theirs).max() <= max(1, np.abs(mine).max() * 2.0**-22), (case, factors, node.name)


cases = st.builds(
    Case,
    st.sampled_from(TOPOLOGIES),
    st.tuples(st.sampled_from(("LIF", "IF", "CubaLIF")), st.sampled_from(("LIF", "CubaLIF"))),
    st.booleans(),
    st.sampled_from((("value", "now"), ("subtract", "now"), ("subtract", "next"))),
    st.integers(0, 2**16),
)
powers = st.tuples(st.integers(-40, 20), st.integers(-40, 20))
numbers = st.tuples(st.sampled_from((1e-9, 1e-6, 3e-4, 7.0, 1e5)), st.sampled_from((1e-12, 1e-9, 0.3, 1e3)))


@settings(max_examples=6)
@given(case=cases, exponents=powers, factors=numbers)
def test_units_change_no_integer(tmp_path_factory: pytest.TempPathFactory, case: Case, exponents: Any, factors: Any) -> None:
    check(tmp_path_factory.mktemp("units") / "x.nir", case, exponents, factors)


@pytest.mark.slow
@settings(max_examples=300)
@given(case=cases, exponents=powers, factors=numbers)
def test_units_change_no_integer_of_many(
    tmp_path_factory: pytest.TempPathFactory, case: Case, exponents: Any, factors: Any
) -> None:
    check(tmp_path_factory.mktemp("units") / "x.nir", case, exponents, factors)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_si_units_on_every_way_into_a_neuron(tmp_path: Path, topology: str) -> None:
    """Weights in nanoampere, resistances in gigaohm: every spike of the integers."""
    case = Case(topology, ("LIF", "LIF"), topology == "read twice", ("value", "now"), 3)
    fired = []
    for units in ((1.0, 1.0), (1e-9, 1e-9)):
        net = from_nir(write(tmp_path / "x.nir", network(case, units)), sample=X, convention=PLAIN, late_synapses=True)
        fired.append(snn2hw.simulate(snn2hw.compile(net, X, target="loihi2"), X).spikes)
    assert all(0.02 < s.mean() < 0.98 for s in fired[0].values() if s.max() <= 1)  # what waits is no spike
    assert all((s == fired[1][name]).all() for name, s in fired[0].items())

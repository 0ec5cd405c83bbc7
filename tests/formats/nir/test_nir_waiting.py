"""Delays, neurons with a current and neurons that do not fire, written to NIR: read back as they are, and visible to others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ValueRangeError
from snn2hw.formats.nir.convention import Convention, Cuba
from snn2hw.formats.nir.read import from_nir
from snn2hw.formats.nir.write import PLAIN, to_nir
from snn2hw.formats.nir.write_delay import delays
from snn2hw.ir.delay import delay_program
from snn2hw.ir.loihi import loihi_lif
from snn2hw.num import Interval
from tests.nir_exports import difference
from tests.nir_files import STATED, affine, cuba_lif, graph, lif, looped, run_layers, write
from tests.refused import refused

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")

MILLISECOND = Convention(dt=1e-3)
X = np.random.default_rng(0).integers(0, 2, (12, 3, 3))
WEIGHT = np.random.default_rng(1).normal(0.4, 1, (4, 3))
READS_CURRENTS = [
    *(PLAIN, MILLISECOND, Convention(dt=1e-3, method="exponential"), Convention(dt=1.0, cuba=Cuba("unit"))),
    *(Convention(dt=1.0, method="exponential", cuba=Cuba("decayed")), STATED["norse"], STATED["snntorch"]),
]


def each(n: int, value: float) -> Any:
    return np.full(n, value)


def li(n: int, leak: float = 0.0) -> Any:
    return nir.LI(each(n, 4e-3), each(n, 1.0), each(n, leak))


def cuba_li(n: int, leak: float = 0.0) -> Any:
    return nir.CubaLI(
        tau_syn=each(n, 2e-3), tau_mem=each(n, 4e-3), r=each(n, 1.0), v_leak=each(n, leak), w_in=each(n, 1.5)
    )  # fmt: skip


def after_spikes(*nodes: Any) -> Any:
    """Neurons, a synapse, and the nodes behind it."""
    return graph(affine(WEIGHT), lif(4), affine(WEIGHT.T), *nodes, shape=[3], out=[3])


CASES = {
    "a delay of spikes": (lambda: graph(affine(WEIGHT), lif(4), nir.Delay(np.array([1, 0, 2, 3]) * 1e-3), affine(WEIGHT.T),
                                        lif(3), shape=[3], out=[3]), {"2": "Delay", "4": "LIF"}),
    "a delay of the input": (lambda: graph(nir.Delay(each(3, 2e-3)), affine(WEIGHT), lif(4), shape=[3], out=[4]), {"0": "Delay"}),
    "a delay of sums": (lambda: graph(affine(WEIGHT), nir.Delay(each(4, 2e-3)), lif(4, v_leak=0.3), shape=[3], out=[4]),
                        {"1": "Delay"}),
    "LI": (lambda: after_spikes(li(3, 0.2)), {"3": "LI"}),
    "LI at once": (lambda: graph(affine(WEIGHT), li(4), shape=[3], out=[4]), {"1": "LI"}),
    "I": (lambda: after_spikes(nir.I(each(3, 2.0))), {"3": "I"}),
    "CubaLI": (lambda: after_spikes(cuba_li(3, 0.1)), {"3": "CubaLI"}),
    "CubaLIF": (lambda: graph(affine(WEIGHT), cuba_lif(4, r=3.0, v_leak=0.1, v_reset=-0.2), shape=[3], out=[4]),
                {"1": "CubaLIF"}),
    "CubaLIF in a loop": (lambda: looped(cuba_lif(4, r=3.0, v_threshold=0.4), WEIGHT, WEIGHT @ WEIGHT.T / 3), {"1": "CubaLIF"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_written_and_read_back(tmp_path: Path, name: str) -> None:
    """Exactly by us; by others under the plain convention, with the spikes and the readout of the integers."""
    made, kinds = CASES[name]
    net = from_nir(write(tmp_path / "x.nir", made()), sample=X, convention=MILLISECOND)
    exact = snn2hw.compile(net, X)
    assert difference(exact.network, tmp_path / "y.nir") == ""
    file = to_nir(exact.network)
    assert file.approximations == {}
    (tmp_path / "y.nir").write_bytes(file.data)
    found = {n: type(node).__name__ for n, node in nir.read(tmp_path / "y.nir").nodes.items()}
    assert kinds.items() <= found.items()
    visible = from_nir(tmp_path / "y.nir", sample=X, convention=PLAIN)
    spikes, membranes = run_layers(visible, X)
    trace = snn2hw.simulate(exact, X)
    assert set(spikes) <= set(trace.spikes)
    for layer, fired in spikes.items():
        if any(n.name == layer and type(n.firing).__name__ == "Potential" for n in visible.neurons):
            real = trace.states[f"{layer}.u"] * 2.0 ** -exact.network.nodes[-2].format.frac
            assert np.abs(membranes[layer]).max() > 0.1
            assert np.abs(membranes[layer] - real).max() < 1e-2
        else:
            assert fired.any()
            assert (fired == trace.spikes[layer]).all()


@pytest.mark.parametrize("convention", READS_CURRENTS, ids=lambda c: f"{c.name}-{c.method}-{c.cuba.input}")
def test_a_current_by_every_convention_that_knows_one(tmp_path: Path, convention: Convention) -> None:
    net = from_nir(write(tmp_path / "x.nir", graph(affine(WEIGHT), cuba_lif(4, r=3.0), shape=[3], out=[4])), sample=X,
                   convention=MILLISECOND)  # fmt: skip
    exact = snn2hw.compile(net, X)
    file = to_nir(exact.network, convention)
    assert file.approximations == {}
    (tmp_path / "y.nir").write_bytes(file.data)
    spikes, _ = run_layers(from_nir(tmp_path / "y.nir", sample=X, convention=convention), X)
    wanted = snn2hw.simulate(exact, X).spikes["1"]
    assert wanted.sum() > 10
    assert (spikes["1"] == wanted).all()


def test_what_an_importer_does_not_know_is_said(tmp_path: Path) -> None:
    def lost(made: Any, convention: str) -> Any:
        net = from_nir(write(tmp_path / "x.nir", made), sample=X, convention=MILLISECOND)
        return dict(to_nir(snn2hw.compile(net, X).network, convention).approximations)

    current = graph(affine(WEIGHT), cuba_lif(4), shape=[3], out=[4])
    assert lost(current, "lava") == {"1": "its synaptic current is left out"}
    known = "its importer does not know this node"
    assert lost(after_spikes(li(3)), "norse") == {"3": f"the importer takes no LI: {known}"}
    assert lost(after_spikes(cuba_li(3)), "snntorch") == {
        "3": f"the importer takes no LI: {known}; its synaptic current is left out"
    }
    assert lost(CASES["a delay of spikes"][0](), "spikingjelly") == {"2": known}


def test_which_programs_are_delays() -> None:
    assert delays(delay_program([3], Interval(0, 1))) == (3,)
    assert delays(delay_program([2, 0, 62, 2], Interval(-5, 9))) == (2, 0, 62, 2)
    assert delays(loihi_lif(0, 128, 100)) is None
    assert delays(loihi_lif(0, 128, 100, membrane=True)) is None


@pytest.mark.parametrize(("delays", "got"), [([0, 63], "63"), ([-1, 2], "-1")])
def test_a_delay_out_of_range(delays: list[int], got: str) -> None:
    text = f"a delay is out of range\n  where:    delay\n  got:      {got}\n  expected: 0 to 62\n"
    with refused(ValueRangeError, text + "  do:       use delays from 0 to 62 steps"):
        delay_program(delays, Interval(0, 1))

"""Recurrent edges of NIR files: which edge is a step late, and that every executor takes it so."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ShapeError
from snn2hw.formats.nir.file import read_nir
from snn2hw.formats.nir.read import from_nir
from snn2hw.ir.network import Feedback
from tests.formats.nir.test_nir_neurons import agree
from tests.frameworks import framework
from tests.nir_files import STATED, affine, cuba_lif, graph, integrator, lif, looped, run_layers, write
from tests.refused import refused

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
STEPS, N = 25, 4
X = np.random.default_rng(7).integers(0, 2, (STEPS, 3, 3))
WEIGHT, BACK = np.random.default_rng(8).normal(0.6, 1, (N, 3)), np.random.default_rng(9).normal(0, 1.5, (N, N))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.nir"


def test_a_loop_against_a_plain_one(file: Path) -> None:
    net = from_nir(write(file, looped(lif(N), WEIGHT, BACK)), sample=X, convention="norse")
    spikes, _ = run_layers(net, X)
    v, z = np.zeros((3, N)), np.zeros((3, N))
    for t in range(STEPS):
        v = v + 0.5 * (X[t] @ WEIGHT.T + z @ BACK.T - v)
        z = (v > 1).astype(float)
        v = v * (1 - z)
        assert (spikes["1"][t] == z).all()
    assert spikes["1"].sum() > 10
    without, _ = run_layers(from_nir(write(file, looped(lif(N), WEIGHT, 0 * BACK)), sample=X, convention="norse"), X)
    assert (without["1"] != spikes["1"]).any()
    agree(net, X)


@pytest.mark.parametrize("seed", range(2))
def test_loops_of_currents_agree_everywhere(file: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    node = cuba_lif(N, r=3.0, v_threshold=rng.uniform(0.3, 0.8, N), tau_syn=rng.uniform(2e-3, 5e-3, N))
    made = agree(from_nir(write(file, looped(node, WEIGHT, rng.normal(size=(N, N)))), sample=X, convention=STATED["norse"]), X)
    assert [n.name for n in made.network.feedbacks] == ["1.back"]


def chained(edges: list[tuple[str, str]]) -> Any:
    """Two layers a -> n -> b -> m, a synapse r, and further edges."""
    nodes = {"input": nir.Input(np.array([3])), "a": affine(np.eye(3)), "n": lif(3), "b": affine(np.eye(3)), "m": lif(3)}
    nodes |= {"r": affine(np.eye(3)), "output": nir.Output(np.array([3]))}
    through = [("input", "a"), ("a", "n"), ("n", "b"), ("b", "m"), ("m", "output")]
    return nir.NIRGraph(nodes, [*through, *edges], type_check=False)


@pytest.mark.parametrize(
    ("edges", "late"),
    [
        ([("m", "r"), ("r", "n")], {"m.back": "r"}),  # over both layers: the farther neuron's spikes are the late ones
        ([("n", "r"), ("r", "n")], {"n.back": "r"}),
        ([("m", "r"), ("r", "m"), ("n", "n")], {"m.back": "r", "n.back": "n"}),
        ([("m", "r"), ("r", "n"), ("m", "m")], {"m.back": "m, r"}),
        ([("m", "r"), ("r", "n"), ("n", "a")], {"m.back": "r", "n.back": "a"}),
    ],
)
def test_the_edge_that_leads_back_is_late(file: Path, edges: list[tuple[str, str]], late: dict[str, str]) -> None:
    nodes = read_nir(write(file, chained(edges)))
    found = {n.name: ", ".join(sorted(m.name for m in nodes if n.name in m.sources)) for n in nodes if n.kind == "Feedback"}
    assert found == late
    net = from_nir(file, sample=X * 3, convention="norse")
    assert {n.name: n.inputs[0] for n in net.nodes if isinstance(n, Feedback)} == {name: name[0] for name in late}
    agree(net, X * 3)


def test_a_nested_graph_may_hold_the_loop(file: Path) -> None:
    inner = looped(lif(N), None, BACK)
    outer = nir.NIRGraph(
        {"input": nir.Input(np.array([3])), "w": affine(WEIGHT), "cell": inner, "output": nir.Output(np.array([N]))},
        [("input", "w"), ("w", "cell"), ("cell", "output")],
        type_check=False,
    )
    nested, _ = run_layers(from_nir(write(file, outer), sample=X, convention="norse"), X)
    flat, _ = run_layers(from_nir(write(file, looped(lif(N), WEIGHT, BACK)), sample=X, convention="norse"), X)
    assert (nested["cell.1"] == flat["1"]).all()


def test_rockpools_recurrent_neuron_is_a_nested_graph(file: Path) -> None:
    node = cuba_lif(N, v_threshold=0.5)
    nodes = {"input": nir.Input(np.array([N])), "n": node, "r": affine(BACK / 4), "output": nir.Output(np.array([N]))}
    cell = nir.NIRGraph(nodes, [("input", "n"), ("n", "r"), ("r", "n"), ("n", "output")], type_check=False)
    net = from_nir(write(file, graph(affine(WEIGHT), cell, shape=[3], out=[N])), sample=X, convention=STATED["rockpool"])
    assert [n.name for n in net.nodes if isinstance(n, Feedback)] == ["1.n.back"]


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(3))
def test_a_recurrent_synapse_with_a_bias_as_norse_computes_it(file: Path, seed: int) -> None:
    """Norse does not evaluate what leads back in the first step, its bias either."""
    torch, norse = framework("torch"), framework("norse.torch")
    rng = np.random.default_rng(seed)
    if seed == 0:
        made, x = looped(integrator(1, v_threshold=2.5), np.ones((1, 1)), np.zeros((1, 1))), np.zeros((8, 1, 1), np.int64)
        made.nodes["2"] = affine([[0.0]], [1.0])
    else:
        neuron = integrator(N, v_threshold=rng.uniform(0.5, 1.5, N)) if seed == 1 else cuba_lif(N, r=3.0, v_threshold=0.3)
        made, x = looped(neuron, WEIGHT), rng.integers(0, 2, (100, 3, 3))
        made.nodes["2"] = affine(BACK, rng.normal(size=N))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, state, theirs = norse.from_nir(nir.read(write(file, made))), None, []
        with torch.no_grad():
            for now in torch.tensor(x, dtype=torch.float32):
                _, state = model(now, state)
                theirs.append(state.cache["1"].numpy())
    net = from_nir(file, sample=x, convention=STATED["norse"])
    spikes, _ = run_layers(net, x)
    assert np.sum(theirs) > 1
    assert (spikes["1"] == np.stack(theirs)).all()
    at_once, _ = run_layers(from_nir(file, sample=x, convention=STATED["norse"], late_synapses=False), x)
    assert (at_once["1"] != spikes["1"]).any()
    compiled = agree(net, x)
    if seed == 0:
        assert spikes["1"].ravel().tolist() == [0, 0, 0, 1, 0, 0, 1, 0]
        assert snn2hw.simulate(compiled, x).spikes["1"].ravel().tolist() == [0, 0, 0, 1, 0, 0, 1, 0]


def test_thresholds_of_their_own_on_an_edge_without_a_synapse(file: Path) -> None:
    """What reaches such a neuron without weights is given some, which change nothing but the unit."""
    theta = np.array([0.5, 0.6, 0.7, 0.8])
    nodes = {"input": nir.Input(np.array([3])), "a": affine(WEIGHT), "n": lif(N, v_threshold=theta)}
    nodes["output"] = nir.Output(np.array([N]))
    edges = [("input", "a"), ("a", "n"), ("n", "n"), ("n", "output")]
    net = from_nir(write(file, nir.NIRGraph(nodes, edges, type_check=False)), sample=X, convention="norse")
    spikes, _ = run_layers(net, X)
    v, z = np.zeros((3, N)), np.zeros((3, N))
    for t in range(STEPS):
        v = v + 0.5 * (X[t] @ WEIGHT.T + z - v)
        z = (v > theta).astype(float)
        v = v * (1 - z)
        assert (spikes["n"][t] == z).all()
    assert spikes["n"].sum() > 10
    agree(net, X)


def test_a_neuron_that_states_another_shape(file: Path) -> None:
    made = looped(lif(1), WEIGHT, BACK[:, :1])
    made.nodes["output"] = nir.Output(np.array([N]))
    with refused(
        ShapeError,
        f"""
        a neuron with a recurrent edge does not state its own shape
          where:    {file}: 1 (LIF, recurrent edge)
          got:      [1]
          expected: [4]
          do:       write its parameters with one value for each neuron
        """,
    ):
        from_nir(write(file, made), sample=X, convention="norse")

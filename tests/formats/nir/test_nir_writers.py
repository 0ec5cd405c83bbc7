"""What is read under a preset equals what the writer's own package computes from the same file: every spike, every membrane."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.formats.nir.read import from_nir
from snn2hw.formats.nir.write import to_nir
from snn2hw.user_models import find_model
from tests import hand_networks as by_hand
from tests import nir_writers
from tests.nir_files import STATED, affine, cuba_lif, graph, integrator, lif, looped, run_layers, write
from tests.shared_data import shared_data

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
pytest.importorskip("torch")

pytestmark = [pytest.mark.slow, pytest.mark.torch]

PACKAGES = ("sinabs==3.1.3", "norse==1.1.0", "snntorch==1.0.0", "nirtorch==2.6", "pbr==7.0.3", "matplotlib", "rockpool==3.1.0")


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A throw-away folder with the writers' packages, beside the torch, numpy and nir of this environment."""
    folder = tmp_path_factory.mktemp("writers")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *PACKAGES]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.skip(f"the writers' packages cannot be installed here: {ran.stderr.strip().splitlines()[-1]}")
    return folder


def written(name: str, folder: Path) -> Path:
    """A file of the shared data, or one that is made here: three inputs, four neurons with parameters of their own."""
    if name.endswith(".nir"):
        return shared_data(name)
    if name.startswith("exported-"):
        polynomial = by_hand.neuron("1", "0", coefficients=((0.1, 0.6, -0.1),))
        net = by_hand.network(9, by_hand.counts(3), by_hand.linear("0", "input", by_hand.normal(1, 4, 3)), polynomial,
                              by_hand.readout("1"))  # fmt: skip
        (folder / "x.nir").write_bytes(to_nir(by_hand.compiled(net).network, name.removeprefix("exported-")).data)
        return folder / "x.nir"
    rng = np.random.default_rng(0)
    weight, bias, theta = rng.normal(0.3, 0.5, (4, 3)), rng.normal(0, 0.1, 4), rng.uniform(0.5, 1.5, 4)
    tau = rng.uniform(2, 6, 4)
    neurons = {
        "sinabs-lif": lambda: lif(4, tau=tau, v_threshold=theta),
        "sinabs-li": lambda: nir.LI(tau, np.ones(4), np.zeros(4)),
        "norse-lif": lambda: lif(4, tau=tau * 1e-3, v_threshold=theta / 4),
        "norse-if": lambda: integrator(4, v_threshold=theta),
        "norse-cuba": lambda: cuba_lif(
            4, tau_mem=tau * 1e-3, tau_syn=tau[::-1] * 1e-3, r=theta + 1, w_in=2 * theta, v_threshold=theta / 2
        ),
        "snntorch-cuba": lambda: cuba_lif(4, tau_mem=8e-4, tau_syn=4e-4, r=8, w_in=2.0, v_threshold=1.5),
        "rockpool-cuba": lambda: cuba_lif(4, tau_mem=8e-3, tau_syn=4e-3, r=7, v_threshold=4.0),
    }
    neuron, back = neurons[name.removesuffix("-loop")](), rng.normal(0, 0.4, (4, 4))
    if not name.endswith("-loop"):
        return write(folder / "x.nir", graph(affine(weight, bias), neuron, shape=[3], out=[4]))
    if name.startswith("rockpool"):
        return write(folder / "x.nir", graph(affine(weight, bias), looped_alone(neuron, back / 4), shape=[3], out=[4]))
    made = looped(neuron, weight, back)
    made.nodes["0"] = affine(weight, bias)
    return write(folder / "x.nir", made)


def looped_alone(neuron: Any, back: Any) -> Any:
    """The nested graph of four nodes that Rockpool's importer knows."""
    nodes = {"input": nir.Input(np.array([4])), "1": neuron, "2": nir.Linear(back), "output": nir.Output(np.array([4]))}
    return nir.NIRGraph(nodes, [("input", "1"), ("1", "2"), ("2", "1"), ("1", "output")], type_check=False)


def node_of(graph: Any, path: str) -> Any:
    """A node of a nested graph by its path."""
    for name in path.split("."):
        graph = graph.nodes[name]
    return graph


def run_writer(side: Path, folder: Path, path: Path, x: Any, writer: str, *more: str) -> None:
    """out.npz of `nir_writers.py` in the folder."""
    np.save(folder / "x.npy", x)
    command = [sys.executable, nir_writers.__file__, writer, str(path), str(folder / "x.npy"), str(folder / "out.npz"), *more]
    environment = {**os.environ, "PYTHONPATH": str(side), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("writer", "name", "shape", "density", "dt"),
    [
        ("sinabs", "cnn_sinabs.nir", (10, 4, 2, 34, 34), 0.03, None),
        ("sinabs", "cnn_sinabs.nir", (30, 2, 2, 34, 34), 0.015, None),
        ("sinabs", "sinabs-lif", (200, 4, 3), 0.5, None),
        ("norse", "norse-lif", (200, 4, 3), 0.5, None),
        ("norse", "norse-if", (200, 4, 3), 0.5, None),
        ("norse", "lif_norse.nir", (400, 8, 1), 0.15, None),  # dt = 1e-3: every event fires at once
        ("norse", "lif_norse.nir", (400, 8, 1), 0.15, 1e-4),
        ("snntorch", "lif_norse.nir", (400, 8, 1), 0.15, None),
        ("sinabs", "exported-sinabs", (200, 4, 3), 0.5, None),
        ("norse", "exported-norse", (200, 4, 3), 0.5, None),
        ("snntorch", "exported-snntorch", (200, 4, 3), 0.5, None),
        ("norse", "norse-cuba", (200, 4, 3), 0.5, None),
        ("snntorch", "snntorch-cuba", (200, 4, 3), 0.5, None),
        ("rockpool", "rockpool-cuba", (200, 4, 3), 0.5, None),
        ("norse", "norse-lif-loop", (200, 4, 3), 0.5, None),
        ("norse", "norse-if-loop", (200, 4, 3), 0.5, None),
        ("norse", "norse-cuba-loop", (200, 4, 3), 0.5, None),
        ("rockpool", "rockpool-cuba-loop", (200, 4, 3), 0.5, None),
        ("sinabs", "sinabs-li", (200, 4, 3), 0.5, None),
    ],
)
def test_the_writers_own_forward(
    side: Path, tmp_path: Path, writer: str, name: str, shape: tuple[int, ...], density: float, dt: float | None
) -> None:
    path = written(name, tmp_path)
    x = (np.random.default_rng(0).random(shape) < density).astype(np.int64)
    run_writer(side, tmp_path, path, x, writer, *([] if dt is None else [str(dt)]))
    network = from_nir(path, sample=x, convention=STATED[writer], dt=dt)
    spikes, membranes = run_layers(network, x)
    worst = {}
    with np.load(tmp_path / "out.npz") as theirs:
        assert {f"spikes/{n}" for n in spikes} | {f"v/{n}" for n in spikes} == set(theirs.files)
        for layer in spikes:
            assert spikes[layer].sum() > 0
            if name != "sinabs-li":  # whose payload is v
                assert (spikes[layer] == theirs[f"spikes/{layer}"]).all(), f"{writer}, layer {layer}: spikes differ"
            divided = any(n.name == f"{layer}.scale" for n in network.nodes)
            unit = getattr(node_of(nir.read(path), layer), "v_threshold", 1.0) if divided else 1.0
            largest = max(1.0, float(np.abs(theirs[f"v/{layer}"]).max()))  # float32 adds up; an IF may run off below
            worst[layer] = float(np.abs(membranes[layer] * unit - theirs[f"v/{layer}"]).max()) / largest
    print(f"{writer}: {sum(int(s.sum()) for s in spikes.values())} spikes, worst difference of v {worst}")
    assert max(worst.values()) < (1e-5 if writer == "sinabs" else 1e-6), worst


def test_a_file_that_rockpool_itself_wrote(side: Path, tmp_path: Path) -> None:
    """Its shapes hold axes of samples and steps, for which the package nir refuses it; every spike of its own forward."""
    x = (np.random.default_rng(0).random((200, 4, 20)) < 0.25).astype(np.int64)
    run_writer(side, tmp_path, tmp_path / "x.nir", x, "rockpool_written")
    with pytest.raises(ValueError, match="type mismatch"):
        nir.read(tmp_path / "x.nir")
    spikes, _ = run_layers(from_nir(tmp_path / "x.nir", sample=x, convention="rockpool", cuba_r="decayed"), x)
    with np.load(tmp_path / "out.npz") as theirs:
        for layer in ("1_LIFTorch", "3_LIFTorch"):
            assert spikes[layer].sum() > 100
            assert (spikes[layer] == theirs[f"spikes/{layer}"]).all()
        print(f"rockpool: {sum(int(s.sum()) for s in spikes.values())} spikes")


@pytest.mark.parametrize(
    ("name", "right"), [("digits_lnm", {"norse": 355, "snntorch": 355}), ("digits_cf", {"norse": 285, "snntorch": 279})]
)
def test_the_digits_in_other_frameworks(side: Path, tmp_path: Path, name: str, right: dict[str, int]) -> None:
    """What Norse and snnTorch make of our files: of 360 test digits the exact networks know 357."""
    found = find_model(name)
    assert found.source is not None
    net = snn2hw.compile(found.module, found.sample, found.steps).network
    x, labels = (np.asarray(v) for v in found.source.test_data())
    for writer, expected in right.items():
        (tmp_path / "x.nir").write_bytes(to_nir(net, writer).data)
        run_writer(side, tmp_path, tmp_path / "x.nir", np.stack([x] * net.steps), f"{writer}_readout")
        with np.load(tmp_path / "out.npz") as theirs:
            known = int((theirs["readout"].argmax(1) == labels).sum())
        print(f"{name} in {writer}: {known} of {len(labels)}")
        assert known == expected

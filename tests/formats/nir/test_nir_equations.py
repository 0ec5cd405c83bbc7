"""Neurons that users write as NIR files: exact in the metadata, a LIF for everybody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from tests.random_equations import make_neuron, neuron_source

nir = pytest.importorskip("nir")
pytestmark = pytest.mark.torch

LIBRARY: dict[str, Callable[[], torch.nn.Module]] = {
    "Leaky": lambda: nn.Leaky(0.875),
    "ALIF": nn.ALIF,
    "CubaLIF": nn.CubaLIF,
    "Izhikevich": nn.Izhikevich,
    "RefractoryLIF": nn.RefractoryLIF,
    "ResonateAndFire": nn.ResonateAndFire,
    **{f"drawn {seed}": lambda seed=seed: make_neuron(neuron_source(seed), 4) for seed in (0, 4, 8)},  # type: ignore[misc]
}
MOVES = ("ALIF", "drawn 8")


def exported(name: str, path: Path) -> tuple[snn2hw.Artefact, dict[str, str]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4), LIBRARY[name](), nn.Linear(4, 3)).eval()
    artefact = snn2hw.compile(model, torch.rand(5, 6), steps=4)
    return artefact, dict(snn2hw.export_nir(artefact, path).approximations)


@pytest.mark.parametrize("name", LIBRARY)
def test_the_exact_network_comes_back(name: str, tmp_path: Path) -> None:
    artefact, lost = exported(name, tmp_path / "x.nir")
    again, x = snn2hw.read_network(tmp_path / "x.nir"), np.random.default_rng(0).random((7, 6))
    expected, got = (interpret(net, encode(net, x)) for net in (artefact.network, again))
    assert got.arrays().keys() == expected.arrays().keys()
    assert all(np.array_equal(v, got.arrays()[k]) for k, v in expected.arrays().items())
    assert lost["1"].startswith("the program is its secants from the initial state")
    assert ("the threshold is that of the first step" in lost["1"]) == (name in MOVES)


def test_what_others_see_of_a_leaky_neuron(tmp_path: Path) -> None:
    exported("Leaky", tmp_path / "x.nir")
    (node,) = [n for n in nir.read(tmp_path / "x.nir").nodes.values() if isinstance(n, nir.LIF | nir.CubaLIF)]
    assert np.unique(node.v_threshold).tolist() == pytest.approx([1.0], abs=2**-10)

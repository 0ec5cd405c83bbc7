"""Reports that several tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.ir.network import Network
from tests.small_networks import two_layer_network

LABELS = np.arange(12) % 5


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Artefact, Network, Any, Path]:
    network, images = two_layer_network()
    folder = tmp_path_factory.mktemp("report")
    artefact = snn2hw.compile(network, images, steps=3, out=folder / "net")
    path = snn2hw.report(artefact, images, LABELS, network, folder / "r.html", executors=("reference", "onnx-reference"))
    return artefact, network, images, path


@pytest.fixture(scope="package")
def two_states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Neurons with two states, one of them with a width of its surrogate gradient for each step."""
    torch = pytest.importorskip("torch")
    from snn2hw import nn

    torch.manual_seed(0)
    first = nn.CubaLIF(0.75, 0.5, surrogate=nn.Rectangle(0.5, learnable=True, steps=3))
    model = torch.nn.Sequential(nn.Linear(6, 5), first, nn.Linear(5, 4), nn.ALIF(), nn.Linear(4, 3)).eval()
    x = np.random.default_rng(0).random((8, 6)).astype(np.float32)
    folder = tmp_path_factory.mktemp("two")
    artefact = snn2hw.compile(model, x, steps=3, out=folder / "net")
    return snn2hw.report(artefact, x, np.arange(8) % 3, model, folder / "r.html", executors=("reference", "onnx-reference"))

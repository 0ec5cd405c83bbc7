"""What is read under a preset equals what the writer's own package computes from the same file: every spike, every membrane."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snn2hw.frontends.from_nir import from_nir
from tests import nir_writers
from tests.nir_files import run_layers
from tests.shared_data import shared_data

pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
pytest.importorskip("torch")

pytestmark = [pytest.mark.slow, pytest.mark.torch]

PACKAGES = ("sinabs==3.1.3", "norse==1.1.0", "snntorch==1.0.0", "nirtorch==2.6", "pbr==7.0.3", "matplotlib")


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A throw-away folder with the writers' packages, beside the torch, numpy and nir of this environment."""
    folder = tmp_path_factory.mktemp("writers")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *PACKAGES]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.skip(f"the writers' packages cannot be installed here: {ran.stderr.strip().splitlines()[-1]}")
    return folder


@pytest.mark.parametrize(
    ("writer", "name", "shape", "density", "dt"),
    [
        ("sinabs", "cnn_sinabs.nir", (10, 4, 2, 34, 34), 0.03, None),
        ("sinabs", "cnn_sinabs.nir", (30, 2, 2, 34, 34), 0.015, None),
        ("norse", "lif_norse.nir", (400, 8, 1), 0.15, None),  # dt = 1e-3: every event fires at once
        ("norse", "lif_norse.nir", (400, 8, 1), 0.15, 1e-4),
        ("snntorch", "lif_norse.nir", (400, 8, 1), 0.15, None),
    ],
)
def test_the_writers_own_forward(
    side: Path, tmp_path: Path, writer: str, name: str, shape: tuple[int, ...], density: float, dt: float | None
) -> None:
    path = shared_data(name)
    x = (np.random.default_rng(0).random(shape) < density).astype(np.int64)
    np.save(tmp_path / "x.npy", x)
    command = [sys.executable, nir_writers.__file__, writer, str(path), str(tmp_path / "x.npy"), str(tmp_path / "out.npz")]
    command += [] if dt is None else [str(dt)]
    environment = {**os.environ, "PYTHONPATH": str(side)}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    spikes, membranes = run_layers(from_nir(path, sample=x, convention=writer, dt=dt), x)
    worst = {}
    with np.load(tmp_path / "out.npz") as theirs:
        assert {f"spikes/{n}" for n in spikes} | {f"v/{n}" for n in spikes} == set(theirs.files)
        for layer in spikes:
            assert spikes[layer].sum() > 0
            assert (spikes[layer] == theirs[f"spikes/{layer}"]).all(), f"{writer}, layer {layer}: spikes differ"
            worst[layer] = float(np.abs(membranes[layer] - theirs[f"v/{layer}"]).max())
    print(f"{writer}: {sum(int(s.sum()) for s in spikes.values())} spikes, worst difference of v {worst}")
    assert max(worst.values()) < (1e-5 if writer == "sinabs" else 1e-6), worst

"""The benchmark of a training step: its steps train, its bars are read from the rounds. Nothing is timed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clean_environment import ROOT

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="training needs the torch extra"),
]


def test_every_way_trains_the_network() -> None:
    import torch

    from bench.training import NETWORKS, OURS, training_step
    from snn2hw import nn

    for build, _ in NETWORKS.values():
        model = build(OURS["LNM degree 3"])
        assert sum(p.numel() for p in model.parameters()) > 10_000
    build, shape = NETWORKS["digits, 96 x 1 x 8 x 8"]
    for neuron in OURS.values():
        made: list[torch.nn.Module] = []

        def kept(neuron: Callable[[], torch.nn.Module] = neuron, made: list[torch.nn.Module] = made) -> torch.nn.Module:
            made.append(neuron())
            return made[-1]

        step = training_step(build, kept, (4, *shape[1:]), "cpu")
        before = [p.detach().clone() for m in made for p in m.parameters()]
        step()
        after = [p for m in made for p in m.parameters()]
        assert len(made) == 3
        assert all(p.grad is not None for p in after)
        fires = all(isinstance(m, nn.Neuron) for m in made)  # of the others some are silent on four samples, and have no slope
        assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True)) or not fires


def test_a_bar_is_met_or_missed_by_the_median_of_the_rounds() -> None:
    from bench.training import Bar, lines

    seconds = {"LIF": [1.0, 2.0, 1.0], "slow": [1.2, 2.4, 9.0]}
    said = list(lines("a network", seconds, (Bar("slow", "LIF", 1.2), Bar("slow", "LIF", 1.1), Bar("absent", "LIF", 1.0))))
    assert "1200" not in said[1]
    assert said[2].split() == ["slow", "2400.0", "(1200.0", "to", "9000.0)", "1.20", "(1.20", "to", "9.00)"]
    assert said[3:] == ["  slow / LIF: 1.20, target 1.2: met", "  slow / LIF: 1.20, target 1.1: MISSED"]


def test_packages_that_cannot_be_installed_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench import training

    monkeypatch.setattr(training, "PACKAGES", ("--no-index", "no-such-package-anywhere"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # as where none of them is installed
    for name in ("snntorch", "spikingjelly.activation_based", "norse.torch"):
        monkeypatch.setitem(sys.modules, name, None)
    assert training.others(str(tmp_path)) == {}
    assert capsys.readouterr().out.startswith("not compared: the packages cannot be installed here: ERROR:")


@pytest.mark.slow
def test_beside_the_other_packages() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "bench.training", "--quick", "--snntorch"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if "not compared" in ran.stdout:
        pytest.skip(next(line for line in ran.stdout.splitlines() if "not compared" in line))
    assert ran.returncode in (0, 1), ran.stderr  # times are the machine's; that they are all there is ours
    for name in (
        "LNM degree 3 / LIF",
        "LIF / snnTorch Leaky",
        "LIF / SpikingJelly LIFNode",
        "LIF / Norse LIF",
        "LIF, Atan / Norse LIFBoxCell",
    ):
        assert f"  {name}: " in ran.stdout

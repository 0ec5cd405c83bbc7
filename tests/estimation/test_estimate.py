"""`snn2hw.estimate`: one target, all of them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.errors import ArtefactError, ShapeError, TargetError
from snn2hw.estimation.estimate import estimate, estimates
from snn2hw.store import make_artefact
from snn2hw.target import target_names, targets_folder
from tests.refused import refused
from tests.small_networks import two_layer_network

CHEAP = ("loihi1", "loihi2", "xylo-audio-2", "ecp5-85k", "cmos-45nm")  # no program is compiled for these


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    network, images = two_layer_network()
    return snn2hw.compile(network, images, steps=3, out=tmp_path_factory.mktemp("e") / "x")


def test_counts_are_of_the_samples_that_are_given_and_of_the_vectors_else(artefact: Artefact) -> None:
    _, images = two_layer_network()
    told: list[tuple[str, int, int]] = []
    found = estimate(artefact, "loihi1", images, executor="reference", progress=lambda *a: told.append(a))
    assert (found.samples, found.steps, found.on) == (len(images), 3, "the samples that were given")
    assert told[-1] == ("reference", len(images), len(images))
    silent = estimate(artefact, "loihi1", np.zeros_like(images), executor="reference")
    assert silent.layers["conv"].operations == 0
    assert found.layers["conv"].operations > 0
    assert estimate(artefact, "loihi1").on.startswith("the conformance vectors of the model")
    assert estimate(artefact, samples=images).target == "generic"  # that it was compiled for


@pytest.mark.parametrize("name", CHEAP)
def test_every_number_is_there_or_named(artefact: Artefact, name: str) -> None:
    found = estimate(artefact, name)
    left = " ".join(found.not_public)
    assert (found.energy_joules is None) == ("no energy of an operation" in left or "only a power" in left)
    assert (found.latency_seconds is None) == ("latency: " in left)
    for q in (found.energy_joules, found.latency_seconds):
        assert q is None or (0 < q.low < q.value < q.high and q.source and q.confidence in "FPK")
    assert set(found.layers) == {"conv", "lnm", "hidden", "cf", "out"}
    assert found.layers["conv"].macs == 4 * (4 * 4 + 4 * 4 * 6 + 16 * 9)  # corners, edges, inside, of four kernels
    for layer in found.layers.values():
        assert sum(layer.by_step) == pytest.approx(layer.operations if layer.macs else layer.spikes)
    energies = [layer.energy for layer in found.layers.values() if layer.energy is not None]
    if found.energy_parts:
        assert found.energy_joules is not None
        assert sum(e.value for e in energies) == pytest.approx(found.energy_joules.value)


def test_a_chip_that_runs_in_real_time(artefact: Artefact) -> None:
    found = estimate(artefact, "xylo-audio-2", step_seconds=0.01)
    assert found.latency_seconds is not None
    assert found.latency_seconds.value == pytest.approx(0.03)
    assert found.energy_joules is not None
    assert found.energy_joules.value == pytest.approx(291e-6 * 0.03)


def test_pre_silicon_numbers_are_called_relative(artefact: Artefact) -> None:
    assert "before it was made" in estimate(artefact, "loihi1").relative_only
    assert estimate(artefact, "truenorth").relative_only == ""


@pytest.mark.slow
def test_all_targets(artefact: Artefact) -> None:
    assert list(estimates(artefact)) == target_names()


def test_a_board_that_is_too_small_says_what_is_short(artefact: Artefact, tmp_path: Path) -> None:
    text = (targets_folder() / "ice40-up5k.toml").read_text(encoding="utf-8")
    assert "value = 5280" in text
    small = tmp_path / "small.toml"
    small.write_text(text.replace("value = 5280", "value = 100"), encoding="utf-8")
    found = estimate(artefact, str(small))
    assert found.fits is False
    assert any(
        r.startswith("one lane everywhere takes more than there is: luts: about ") and r.endswith(" of 80") for r in found.reasons
    )


def test_samples_that_do_not_fit(artefact: Artefact) -> None:
    with pytest.raises(ShapeError, match="the samples have another shape than the network's input"):
        estimate(artefact, "loihi1", np.zeros((4, 1, 5, 5)))


def test_an_artefact_in_memory_has_no_vectors(artefact: Artefact) -> None:
    with refused(
        ArtefactError,
        """
        this artefact has no vectors
          got:      it was only made in memory
          do:       compile with out=, or give samples
        """,
    ):
        estimate(make_artefact(artefact.network), "loihi1")


def test_an_unknown_target(artefact: Artefact) -> None:
    with pytest.raises(TargetError, match="unknown target"):
        estimate(artefact, "loihi3")


def test_a_time_that_is_none(artefact: Artefact) -> None:
    for wrong in (0.0, -1.0, float("nan"), True):
        with pytest.raises(snn2hw.Snn2hwError, match="a step lasts no such time"):
            estimate(artefact, "loihi1", step_seconds=wrong)

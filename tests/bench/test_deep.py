"""The command that measures the compilation of deep models."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from bench import deep

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("model", "size"), [("lnm_vgg_dvs", "16"), ("cf_resnet19", "4")])
def test_it_says_time_and_memory(model: str, size: str) -> None:
    said: list[str] = []
    deep.main([model, "--samples", "2", "--width", "0.03", "--size", size], said.append)
    assert said[0].endswith(" G MACs for a sample and step")
    assert said[1].startswith(f"{model}, random weights, 2 samples, firing rates 0.")
    assert [line.strip() for line in said[2:-2]] == ["fold", "capacity", "calibrate", "quantise", "lower", "narrow", "legalise"]
    assert "s of CPU" in said[-2]
    assert said[-1].startswith("memory at its peak: ")


@pytest.mark.parametrize(("model", "size"), [("lnm_vgg_dvs", "16"), ("cf_resnet19", "4")])
def test_it_says_how_many_integers_were_compared(model: str, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of as many samples as there are."""
    said: list[str] = []
    monkeypatch.setattr(deep, "BACK_ENDS", ("torch", "onnxruntime"))  # without a compilation of C
    deep.main([model, "--samples", "2", "--width", "0.03", "--size", size, "--verify", "5"], said.append)
    compared = [line for line in said if "compared" in line]
    assert [line.split(": ")[0] for line in compared] == ["torch", "onnxruntime"]
    assert all(line.endswith(" integers of 2 samples compared, 0 differ") for line in compared)
    assert int(compared[0].split()[1].replace(",", "")) > 1000

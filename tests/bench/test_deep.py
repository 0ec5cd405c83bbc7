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
    assert said[0].startswith(f"{model}, random weights, 2 samples, firing rates 0.")
    assert [line.strip() for line in said[1:-2]] == ["fold", "capacity", "calibrate", "quantise", "lower", "narrow", "legalise"]
    assert "s of CPU" in said[-2]
    assert said[-1].startswith("memory at its peak: ")

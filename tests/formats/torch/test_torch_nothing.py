"""What changes nothing in evaluation is read as nothing: dropout of every kind, and a size that is rounded up to itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn as torch_nn
from torch.nn import functional

import snn2hw
from snn2hw import nn
from snn2hw.errors import UnsupportedError

pytestmark = pytest.mark.torch


def simulated(model: torch_nn.Module, x: torch.Tensor) -> list[Any]:
    trace = snn2hw.simulate(snn2hw.compile(model.eval(), x, steps=3), x)
    return [trace.readout.tolist(), *(s.tolist() for s in trace.spikes.values())]


def layers(*between: torch_nn.Module, pool: torch_nn.Module | None = None, size: int = 4) -> torch_nn.Module:
    torch.manual_seed(0)
    own = [nn.Conv2d(1, 4, 3, padding=1), nn.LIF(), *between, nn.AvgPool2d(2) if pool is None else pool, nn.Flatten()]
    return torch_nn.Sequential(*own, nn.Linear(4 * size, 3))


DROPOUTS = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]


@pytest.mark.parametrize("kind", DROPOUTS)
def test_every_kind_of_dropout_is_left_out(kind: str) -> None:
    x = torch.rand(5, 1, 4, 4)
    assert simulated(layers(getattr(torch_nn, kind)(0.5)), x) == simulated(layers(), x)


class Dropping(torch_nn.Module):
    """Drops values by the function of this name; `training` is handed on where it is given."""

    def __init__(self, name: str, always: bool = False) -> None:
        super().__init__()
        self.body, self.name, self.always = layers(), name, always

    def forward(self, x: Any) -> Any:
        for n, layer in enumerate(self.body):
            x = layer(x)
            if n == 1:
                drop = getattr(functional, self.name)
                x = drop(x, 0.5) if self.always else drop(x, 0.5, training=self.training)
        return x


@pytest.mark.parametrize("name", ["dropout", "dropout2d", "alpha_dropout"])
def test_every_function_that_drops_is_left_out(name: str) -> None:
    x = torch.rand(5, 1, 4, 4)
    assert simulated(Dropping(name), x) == simulated(layers(), x)


def test_a_function_that_drops_in_evaluation_is_refused() -> None:
    with pytest.raises(UnsupportedError) as caught:
        snn2hw.compile(Dropping("dropout", always=True).eval(), torch.rand(5, 1, 4, 4), steps=3)
    assert "it drops values in evaluation, too: pass training=self.training" in str(caught.value)


@pytest.mark.parametrize("pool", [nn.AvgPool2d, nn.MaxPool2d])
def test_a_size_that_is_rounded_up_to_itself_changes_nothing(pool: Any) -> None:
    x = torch.rand(5, 1, 4, 4)
    assert simulated(layers(pool=pool(2, ceil_mode=True)), x) == simulated(layers(pool=pool(2)), x)


@pytest.mark.parametrize("pool", [nn.AvgPool2d, nn.MaxPool2d])
def test_windows_over_the_edge_are_refused(pool: Any) -> None:
    with pytest.raises(UnsupportedError, match="ceil_mode=True"):
        snn2hw.compile(layers(pool=pool(3, ceil_mode=True)).eval(), torch.rand(5, 1, 4, 4), steps=3)


def test_torch_agrees_about_when_rounding_up_changes_nothing() -> None:
    from snn2hw.formats.torch.layers import _ceil_adds
    from snn2hw.ir.shapes import Window

    rng = np.random.default_rng(0)
    for _ in range(200):
        n, k, s, d = (int(rng.integers(lo, hi)) for lo, hi in ((5, 12), (1, 4), (1, 4), (1, 3)))
        p = int(rng.integers(0, k // 2 + 1))
        if n + 2 * p < d * (k - 1) + 1:
            continue
        sizes = [torch_nn.MaxPool2d(k, s, p, d, ceil_mode=c)(torch.zeros(1, 1, n, n)).shape[-1] for c in (False, True)]
        assert sizes[0] == sizes[1] or _ceil_adds((1, n, n), Window((k, k), (s, s), (p, p), (d, d))), (n, k, s, p, d)

"""Attention from torch: what is traced is what the model computes, in whatever axes it is written."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn, trace_model  # noqa: E402
from snn2hw.ir.network import MatMul  # noqa: E402
from snn2hw.ir.real import run_real  # noqa: E402
from tests.attention_models import MODELS, SIZE, randomised  # noqa: E402
from tests.frontends.torch_models import STEPS  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("which", MODELS)
def test_the_network_computes_what_the_model_computes(which: str) -> None:
    model = randomised(MODELS[which](), seed=1)
    x = np.random.default_rng(2).random((5, 2, SIZE, SIZE))
    net = trace_model(model, x, STEPS)
    seen: dict[str, float] = {}
    got = run_real(net, x, lambda n, i, v: seen.update({n.name: seen.get(n.name, 0.0) + float((v != 0).mean())}))
    with torch.no_grad():
        out = model(nn.repeat(torch.as_tensor(x), STEPS))
    expected = (out * STEPS if out.ndim == 2 else out.sum(0)).numpy()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    assert np.abs(expected).max() > 0.01
    assert all(seen[n.name] > 0 for n in net.neurons), "a silent layer proves nothing"
    assert sum(isinstance(n, MatMul) for n in net.nodes) == 2

"""How to add a neuron with two states, as CONTRIBUTING says it: one class in a module of one's own, no row anywhere."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.ir.integer import IntNode
from tests.house.instructions import package, touched

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
EXECUTORS = ("reference", "fast", "onnxruntime", "onnx-reference", "torch")


@pytest.fixture
def neuron(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    files = package("a neuron", tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, files[0].stem, raising=False)
    print(f"files to touch for a neuron: {len(files)} of one's own, 0 of snn2hw: {[f.name for f in files]}")
    assert tuple(f.name for f in files) == touched("a neuron").files
    assert touched("a neuron").rows == ()
    return importlib.import_module(files[0].stem).Tiring


def test_it_trains_compiles_and_is_equal_everywhere(neuron: Any, tmp_path: Path) -> None:
    from snn2hw import nn

    before = dict(IntNode.kinds)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), neuron(), nn.Linear(5, 3))
    x = (torch.rand(12, 16, 6) < 0.5).float()
    model(x).sum().backward()
    assert (model[0].weight.grad != 0).any()
    made = snn2hw.compile(model.eval(), x, out=tmp_path / "net", options=snn2hw.Options(state_bits=8))
    (layer,) = made.network.neurons
    assert (layer.program.kind, list(layer.program.states)) == ("Tiring", ["v", "tired"])
    trace = snn2hw.simulate(made, x)
    assert 0 < trace.spikes["1"].mean() < 1
    assert len(np.unique(trace.states["1.tired"])) > 2
    verdict = snn2hw.verify(made, x, executors=EXECUTORS)
    assert (verdict.different, verdict.not_run) == (dict.fromkeys(EXECUTORS[1:], 0), {})
    checked = snn2hw.check(tmp_path / "net")
    assert (checked.failures, checked.claims > 0) == ([], True)
    assert snn2hw.load(tmp_path / "net").model == made.model

    prepared = snn2hw.quantize.prepare(model, x, options=snn2hw.Options(state_bits=8))
    prepared(x).sum().backward()
    again = snn2hw.compile(prepared, x)
    forward, compiled = prepared.trace(x), snn2hw.simulate(again, x)
    for name, values in {**forward.spikes, **forward.states}.items():
        assert np.array_equal(values, {**compiled.spikes, **compiled.states}[name])
    assert np.array_equal(forward.readout, compiled.readout)
    assert IntNode.kinds == before

"""How to add a layer, as CONTRIBUTING says it: one module of one's own, with its rows; nothing of snn2hw is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import snn2hw
from snn2hw.errors import ArtefactError
from tests.clean_environment import ROOT
from tests.house.instructions import package, touched

pytest.importorskip("torch")
pytestmark = pytest.mark.torch
LAYER = "2 (EverySecond)"


def test_it_is_read_trained_certified_and_equal_everywhere(tmp_path: Path) -> None:
    files = package("a layer", tmp_path / "site")
    rows = touched("a layer").rows
    print(f"files to touch for a layer: {len(files)} of its own package, with {len(rows)} rows, 0 of snn2hw")
    assert tuple(f.name for f in files) == touched("a layer").files
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.house.with_layer", str(tmp_path / "net")]  # what it registers goes with it
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["rows"] == {
        "formats.torch.layers": ["EverySecond"],
        "formats.onnx.write_layers": ["IntSecond"],
        "formats.nir.write_layers": [],
        "backends.c.layer_code": ["IntSecond"],
        "backends.torch.executor": ["IntSecond"],
        "quantize.values": ["IntSecond"],
        "kinds": ["IntSecond"],
    }
    assert sum(map(len, found["rows"].values())) - 1 == len(rows)
    assert 0 < found["spikes"] < 1
    assert found["different"] == dict.fromkeys(("fast", "onnxruntime", "onnx-reference", "torch"), 0)
    assert (found["not run"], found["failures"]) == ({}, [])
    assert found["claims"] > 0
    assert (found["loaded"], found["trained"], found["learns"]) == (True, True, True)

    holding = {name for name, lacks in found["lacks"].items() if not lacks}
    assert holding == {"reference", "fast", "onnxruntime", "onnx-reference", "torch", "c"}
    assert found["lacks"]["nir"][0] == f"{LAYER}: NIR has no node for this layer: Second (export to C, or use model.onnx)"
    assert found["lacks"]["lava"][0].startswith(f"{LAYER}: an operation that has no Lava process: Second")
    other = f"{LAYER}: this back end has no such layer: Second"
    assert [lack.startswith(other) for lack in found["without torch"]] == [True, False]  # both layers, each by its name
    assert [lacks[0].startswith(other) for lacks in found["without C"]] == [True, True]
    assert found["run without C"].startswith("UnsupportedError: the network does not fit the back end 'fast'")
    assert found["without ONNX"].startswith(
        f"UnsupportedError: no ONNX operators are known for this layer, and model.onnx is what every back end reads\n"
        f"  where:    {LAYER}\n  got:      IntSecond\n  expected: IntConv2d, "
    )
    assert found["without ONNX"].endswith("do:       enter a row in snn2hw.formats.onnx.write_layers.LAYERS")
    assert found["without training"].startswith(
        f"UnsupportedError: training on integers does not know this layer\n  where:    {LAYER}\n  got:      Second\n"
    )
    assert found["without training"].endswith(
        "do:       train the float model and compile it, or enter a row in snn2hw.quantize.values.LAYERS"
    )
    assert found["without a reader"].startswith("UnsupportedError: ")
    assert "\n  where:    2" in found["without a reader"]

    assert found["as stranger"] == {"torch": 0}  # the package is found by the name of the layer
    with pytest.raises(ArtefactError, match="unknown node 'IntSecond'"):
        snn2hw.load(tmp_path / "net")

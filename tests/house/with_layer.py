"""In a process of its own: the layer of CONTRIBUTING, added and used, and what is said where one of its rows is missing.

python -m tests.house.with_layer FOLDER      writes the compiled model there; prints what it found, as JSON
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import snn2hw
from snn2hw import nn
from snn2hw.backends import backends
from snn2hw.errors import Snn2hwError
from snn2hw.ir.integer import IntNode
from snn2hw.quantize import prepare

TABLES = {
    name: importlib.import_module(f"snn2hw.{name}").LAYERS
    for name in (
        "formats.torch.layers", "formats.onnx.write_layers", "formats.nir.write_layers", "backends.c.layer_code",
        "backends.torch.executor", "quantize.values",
    )
}  # fmt: skip
EXECUTORS = ("reference", "fast", "onnxruntime", "onnx-reference", "torch")


def said(use: Callable[[], object]) -> str:
    try:
        use()
    except Snn2hwError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def without(name: str, use: Callable[[], Any]) -> Any:
    """What it gives while one table has no row for the layer."""
    (kind,) = [k for k in TABLES[name] if k.__module__ == "snn2hw_second"]
    row = TABLES[name].pop(kind)
    try:
        return use()
    finally:
        TABLES[name][kind] = row


def as_stranger(use: Callable[[], Any]) -> Any:
    """What it gives where nobody has imported the package yet: its class is not known, nor has any table a row for it."""
    for name, rows in TABLES.items():
        for kind in [k for k in rows if k.__module__ == "snn2hw_second"]:
            del TABLES[name][kind]
    del IntNode.kinds["IntSecond"], sys.modules["snn2hw_second"]
    return use()


def lacks(network: Any) -> dict[str, list[str]]:
    return {name: [str(lack) for lack in b.supports(network)] for name, b in backends().items()}


def main(out: Path) -> dict[str, Any]:
    before = {name: set(rows) for name, rows in TABLES.items()} | {"kinds": set(IntNode.kinds.values())}
    toy = importlib.import_module("snn2hw_second")
    after = {name: set(rows) for name, rows in TABLES.items()} | {"kinds": set(IntNode.kinds.values())}
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 3, 2), nn.LIF(0.5, threshold=0.3), toy.EverySecond(), nn.Conv2d(2, 3, 2), toy.EverySecond()
    model = nn.Sequential(*layers, nn.LIF(0.5, threshold=0.1), nn.Flatten(), nn.Linear(2 * 2 * 2, 3)).eval()
    x = (torch.rand(3, 6, 1, 4, 4) < 0.5).float()
    made = snn2hw.compile(model, x, out=out)
    verdict = snn2hw.verify(made, x, executors=EXECUTORS)
    prepared = prepare(model, x)
    prepared(x).sum().backward()
    readouts = [t.readout.tolist() for t in (prepared.trace(x), snn2hw.simulate(snn2hw.compile(prepared, x), x))]
    checked = snn2hw.check(out)
    held = lacks(made.network)
    c = "backends.c.layer_code"
    return {
        "rows": {name: [k.__name__ for k in after[name] - before[name]] for name in after},
        "spikes": snn2hw.simulate(made, x).spikes["5"].mean(),
        "different": verdict.different,
        "not run": verdict.not_run,
        "failures": checked.failures,
        "claims": checked.claims,
        "loaded": snn2hw.load(out).network.nodes[3].__class__ is toy.IntSecond,
        "trained": readouts[0] == readouts[1],
        "learns": bool((prepared.layers["0"].weight.grad != 0).any()),
        "lacks": held,
        "without torch": without("backends.torch.executor", lambda: lacks(made.network)["torch"]),
        "without C": without(c, lambda: [lacks(made.network)[name] for name in ("fast", "c")]),
        "run without C": without(c, lambda: said(lambda: snn2hw.simulate(made, x, "fast"))),
        "without ONNX": without("formats.onnx.write_layers", lambda: said(lambda: snn2hw.compile(model, x))),
        "without training": without("quantize.values", lambda: said(lambda: prepare(model, x))),
        "without a reader": without("formats.torch.layers", lambda: said(lambda: snn2hw.compile(model, x))),
        "as stranger": as_stranger(lambda: snn2hw.verify(snn2hw.load(out), x, executors=("reference", "torch")).different),
    }


if __name__ == "__main__":
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    print(json.dumps(main(Path(sys.argv[1]))))

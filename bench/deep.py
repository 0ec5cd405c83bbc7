"""Size of a deep model, time and memory of compiling it, and whether back ends agree on its integers, with random weights.

python -m bench.deep lnm_resnet18 [--samples N] [--width W] [--size S] [--out F] [--verify N]
"""

from __future__ import annotations

import argparse
import inspect
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import torch

import snn2hw
from bench.learned import give_learned_polynomials
from snn2hw import nn
from snn2hw.formats.sample import input_node
from snn2hw.formats.torch.read import from_torch
from snn2hw.nn import blocks
from snn2hw.passes.calibrate import products
from snn2hw.user_models import load_source, models_folder

BACK_ENDS = ("fast", "torch", "onnxruntime")
COUNTS = 0.3  # events in a cell of a random recording, in the mean


def main(arguments: list[str], say: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--size", type=int)
    parser.add_argument("--out", type=Path, help="where the artefact stays; without it nothing does")
    parser.add_argument("--verify", type=int, default=0, help="compare `BACK_ENDS` with the reference on so many samples")
    parser.add_argument("--report", type=Path, help="also write a report with the float model to this file, every sample shown")
    options = parser.parse_args(arguments)
    torch.manual_seed(0)
    source: Any = load_source(models_folder() / options.model / "model.py")
    shape = {k: p.default for k, p in inspect.signature(source.build).parameters.items()} | {"width": options.width}
    shape["size"] = options.size or shape["size"]
    model = source.build(**shape)
    x, steps = samples(source, options.samples, shape["channels"], shape["size"])
    give_learned_polynomials(model)
    rates = blocks.settle(model, x if steps is None else nn.repeat(x, steps)).values()
    real = from_torch(model, *input_node(x, steps, None))
    parameters = sum(p.numel() for p in model.parameters())
    say(f"{parameters:,} parameters, {products(real) / 1e9:.2f} G MACs for a sample and step")
    say(f"{options.model}, random weights, {options.samples} samples, firing rates {min(rates):.3f} to {max(rates):.3f}")
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        begun, used = perf_counter(), process_time()
        out = options.out or Path(folder) / "net"
        artefact = snn2hw.compile(model, x, steps, out=out, progress=lambda step: say(f"  {step.name}"))
        wall, cpu = perf_counter() - begun, process_time() - used
        size = sum(p.stat().st_size for p in out.iterdir()) / 1e6
        if options.verify:
            _verify(artefact, x, min(options.verify, options.samples), say)
        if options.report is not None:
            _report(artefact, model, x, options.report, say)
    say(f"compiled, certified and written: {wall:.1f} s, {cpu:.1f} s of CPU, {size:.0f} MB on disk")
    say(f"memory at its peak: {peak():.2f} GB ({before:.2f} GB before)")


def _verify(artefact: Any, x: torch.Tensor, count: int, say: Callable[[str], None]) -> None:
    axis, layout = (0, None) if artefact.network.input.static else (1, "TN")
    verdict = snn2hw.verify(artefact, x.narrow(axis, 0, count), BACK_ENDS, layout=layout)
    for name, compared in verdict.compared.items():
        say(f"{name}: {compared:,} integers of {count} samples compared, {verdict.different[name]:,} differ")


def _report(artefact: Any, model: Any, x: Any, path: Path, say: Callable[[str], None]) -> None:
    begun, used = perf_counter(), process_time()
    count = x.shape[0 if artefact.network.input.static else 1]
    layout = None if artefact.network.input.static else "TN"
    given: dict[str, Any] = {"shown": range(count), "executors": ("reference", "fast"), "layout": layout, "force": True}
    snn2hw.report(artefact, x, [0] * count, model, path, **given)
    wall, cpu = perf_counter() - begun, process_time() - used
    say(f"report: {wall:.1f} s, {cpu:.1f} s of CPU, {path.stat().st_size / 1e6:.2f} MB")


def samples(source: Any, count: int, channels: int, size: int) -> tuple[torch.Tensor, int | None]:
    """Random images [N, ...] with T, or random event counts [T, N, ...]."""
    if getattr(source, "TEMPORAL", False):
        return torch.poisson(torch.full((source.STEPS, count, channels, size, size), COUNTS)), None
    return torch.rand(count, channels, size, size), source.STEPS


def peak() -> float:
    """Of this process, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main(sys.argv[1:])

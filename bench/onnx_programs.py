"""What ONNX Runtime gains by simplified programs: nodes of the functions that a step calls, and the time of a whole run.

Each network is written twice, once calling its programs as they were lowered and once as `compile` writes it. Both files hold
the same integers; they run in turns, on one thread, and the ratio is the median of the rounds. Networks are the digits models,
or compiled folders and `.net` files of lava-dl that are named.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import onnx
import onnxruntime

import snn2hw
from snn2hw.cli import console
from snn2hw.formats.netx.read import from_netx
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.onnx_terms import DOMAIN, payload_dtype
from snn2hw.user_models import find_model

STEPS = 17  # of a .net file, which states none: PilotNet's recording


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=["digits_lnm", "digits_cf"], help="models, folders or .net files")
    parser.add_argument("--rounds", type=int, default=15, help="rounds after one warm-up (default 15)")
    parser.add_argument("--samples", type=int, default=8, help="samples of a run (default 8)")
    args = parser.parse_args()
    console.table(
        "ONNX Runtime, programs as they were lowered and simplified",
        ["network", "nodes lowered", "nodes simplified", "lowered, ms", "simplified, ms", "times faster"],
        [[name, *_row(_network(name), args.rounds, args.samples)] for name in args.networks],
        (1, 2, 3, 4, 5),
    )


def _network(name: str) -> IntegerNetwork:
    if name.endswith(".net"):
        return from_netx(Path(name), STEPS)
    if Path(name).is_dir() and (Path(name) / "model.onnx").exists():
        return snn2hw.load(name).network
    found = find_model(name)
    assert found.sample is not None
    return snn2hw.compile(found.module, found.sample, found.steps).network


def _row(net: IntegerNetwork, rounds: int, samples: int) -> list[str]:
    files = [to_onnx(net, lambda program: program)[0], to_onnx(net)[0]]
    x = np.random.default_rng(0).integers(
        net.input.interval.lo, net.input.interval.hi + 1, (net.steps, samples, *net.input.shape)
    )
    runs = [_opened(data, x.astype(payload_dtype(net.input.format))) for data in files]
    np.testing.assert_array_equal(runs[0](), runs[1]())
    seconds: list[list[float]] = [[], []]
    for k in range(rounds):
        for which in (k % 2, 1 - k % 2):
            begun = perf_counter()
            runs[which]()
            seconds[which].append(perf_counter() - begun)
    ratio = median(a / b for a, b in zip(*seconds, strict=True))
    return [*map(str, map(_nodes, files)), *(f"{1000 * median(of):.2f}" for of in seconds), f"{ratio:.2f}"]


def _nodes(data: bytes) -> int:
    """Of all functions that are called."""
    return sum(len(f.node) for f in onnx.load_model_from_string(data).functions if f.domain.startswith(f"{DOMAIN}."))


def _opened(data: bytes, x: Any) -> Callable[[], Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})[0]


if __name__ == "__main__":
    main()

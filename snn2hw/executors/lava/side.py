"""Runs in the side environment: `python -m snn2hw.executors.lava.side FOLDER`; files in, files out.

In:  model.onnx, payloads.npz (payloads [T, N, ...]).  Out: trace.npz and report.json, or error.json.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

import numpy as np

from snn2hw.errors import Snn2hwError
from snn2hw.frontends.from_onnx import from_onnx
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.program import SPIKES
from snn2hw.trace import Ints, Trace, read_npz, write_npz

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have Linux kill this process when its parent ends, however it ends; Lava's processes would wait for ever."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(folder: Path) -> None:
    """Map the network, run it, write what came out."""
    begun = perf_counter()
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    from snn2hw.executors.lava.mapping import map_network

    net = from_onnx((folder / "model.onnx").read_bytes())
    payloads = read_npz(folder / "payloads.npz")["payloads"]
    mapped = map_network(net, payloads, folder / "record")
    ready = perf_counter()
    mapped.sink.run(condition=RunSteps(num_steps=1), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    started = perf_counter()
    mapped.sink.run(condition=RunSteps(num_steps=mapped.steps - 1), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    ended = perf_counter()
    logits = np.asarray(mapped.sink.data.get(), np.int64)
    mapped.sink.stop()
    steps, samples = payloads.shape[:2]
    trace = _trace(net, np.moveaxis(logits, -1, 0), folder / "record", mapped.delays, steps, samples)
    write_npz(folder / "trace.npz", trace.arrays())
    report = {
        "processes": mapped.processes,
        "steps": mapped.steps,
        "seconds_import_and_map": ready - begun,
        "seconds_start": started - ready,
        "seconds_run": ended - started,
    }
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def _trace(net: IntegerNetwork, logits: Ints, record: Path, delays: Mapping[str, int], steps: int, samples: int) -> Trace:
    """Undo the pipeline's delays: step t of sample n was seen by a layer behind d synapses at n*T + t + d."""

    def unstreamed(rows: Ints, name: str) -> Ints:
        part = rows[delays[name] : delays[name] + samples * steps]
        by_step: Ints = part.reshape(samples, steps, *part.shape[1:]).swapaxes(0, 1)
        return by_step

    spikes, states = {}, {}
    for number, node in enumerate(net.neurons):
        for signal_name in (SPIKES, *node.program.states):
            rows = np.fromfile(record / str(number) / f"{signal_name}.int64", np.int64).reshape(-1, *node.shape)
            if signal_name == SPIKES:
                spikes[node.name] = unstreamed(rows, node.name)
            else:
                states[f"{node.name}.{signal_name}"] = unstreamed(rows, node.name)
    return Trace(unstreamed(logits, net.readout.name).sum(0), spikes, states)


def main() -> int:
    """Exit code 0, or 2 with error.json for what the user can mend."""
    die_with_parent()
    os.register_at_fork(after_in_child=die_with_parent)
    folder = Path(sys.argv[1])
    try:
        run(folder)
    except Snn2hwError as error:
        parts = {"what": error.what, "where": error.where, "got": error.got, "expected": error.expected, "do": error.do}
        (folder / "error.json").write_text(json.dumps({"type": type(error).__name__, **parts}), encoding="utf-8")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

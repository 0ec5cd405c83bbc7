"""Runs in the side environment: `python -m snn2hw.backends.lava.side FOLDER SAMPLES_PER_RUN`; files in, files out.

In:  model.onnx, payloads.npz (payloads [T, N, ...]).  Out: trace.npz and report.json, or error.json.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter, time
from typing import Any

import numpy as np

from snn2hw.errors import Snn2hwError
from snn2hw.files.write import write_npz
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.program import SPIKES
from snn2hw.trace import Ints, Trace, read_npz

SECONDS = ("seconds_map", "seconds_start", "seconds_run", "seconds_stop")  # in this order


def end_together(folder: Path) -> None:
    """Have an exception in one of Lava's processes end all of them, this one too; Lava would wait for the others for ever."""
    from lava.magma.runtime.message_infrastructure.multiprocessing import SystemProcess

    def run_or_end(process: Any) -> None:
        try:
            multiprocessing.Process.run(process)
        except Exception as error:
            if isinstance(error, Snn2hwError):
                report(folder, error)
            traceback.print_exc()
            sys.stderr.flush()
            os.killpg(0, signal.SIGKILL)  # of the session that run.tools made for it
            raise

    SystemProcess.run = run_or_end


def report(folder: Path, error: Snn2hwError) -> None:
    """Write what the user can fix to error.json."""
    parts = {"what": error.what, "where": error.where, "got": error.got, "expected": error.expected, "do": error.do}
    (folder / "error.json").write_text(json.dumps({"type": type(error).__name__, **parts}), encoding="utf-8")


def run(folder: Path, samples_per_run: int) -> None:
    """Map the network, run it, write what came out; for every `samples_per_run` samples anew, or for all at once."""
    import lava.magma.core.run_configs  # noqa: F401  (so that importing is measured apart from mapping)

    from snn2hw.backends.lava import mapping, model  # noqa: F401

    imported_at = time()
    end_together(folder)
    net = from_onnx((folder / "model.onnx").read_bytes())
    payloads = read_npz(folder / "payloads.npz")["payloads"]
    total = payloads.shape[1]
    parts, sums = [], dict.fromkeys(("runs", "processes", "steps"), 0) | dict.fromkeys(SECONDS, 0.0)
    for start in range(0, total, samples_per_run or total):
        batch = payloads[:, start : start + (samples_per_run or total)]
        part, numbers = _run(net, batch, folder / "record" / str(start))
        parts.append(part)
        sums = {k: sums[k] + numbers[k] for k in sums}
    sums["processes"] = numbers["processes"]  # those of one run
    write_npz(folder / "trace.npz", Trace.concatenate(parts).arrays())
    (folder / "report.json").write_text(json.dumps({**sums, "imported_at": imported_at}), encoding="utf-8")


def _run(net: IntegerNetwork, payloads: Ints, record: Path) -> tuple[Trace, dict[str, float]]:
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg

    from snn2hw.backends.lava.mapping import map_network

    ticks = [perf_counter()]

    def tick() -> None:
        ticks.append(perf_counter())

    mapped = map_network(net, payloads, record)
    tick()
    # The first step apart from the others: it waits for every process to start.
    for count in (1, mapped.steps - 1):
        if count:
            mapped.sink.run(condition=RunSteps(num_steps=count), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
        tick()
    logits = np.asarray(mapped.sink.data.get(), np.int64)
    mapped.sink.stop()
    tick()
    steps, samples = payloads.shape[:2]
    trace = _trace(net, np.moveaxis(logits, -1, 0), record, mapped.delays, steps, samples)
    counted = {"runs": 1, "processes": mapped.processes, "steps": mapped.steps}
    return trace, {**counted, **dict(zip(SECONDS, np.diff(ticks).tolist(), strict=True))}


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
    stepped = unstreamed(logits, net.readout.name)
    return Trace(stepped.sum(0) if net.readout.kind == "sum" else stepped[-1], spikes, states)


def main() -> int:
    """Exit code 0, or 2 with error.json for what the user can fix."""
    folder = Path(sys.argv[1])
    try:
        run(folder, int(sys.argv[2]))
    except Snn2hwError as error:
        report(folder, error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

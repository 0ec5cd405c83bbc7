"""Resident memory of a process that streams samples: `python -m bench.memory MODEL.onnx SAMPLES` prints it as JSON.

A process of its own, without PyTorch, as a user's would be: it reads an artefact's model and simulates an iterator of batches.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.fast.executor import THREADS_VARIABLE
from snn2hw.formats.onnx.read import from_onnx

STATUS = Path("/proc/self/status")
BATCH, POINTS = 64, 10
WARM = 0.2  # of the samples: what libraries and allocators take once, they have taken by then


@dataclass(frozen=True)
class Memory:
    """What a process held.

    Args:
        samples, megabytes: samples done and resident memory then, POINTS times. peak: the most there ever was.
    """

    samples: list[int]
    megabytes: list[float]
    peak: float
    seconds: float

    @property
    def growth(self) -> float:
        """Percent by which the last point is above the first after `WARM`."""
        first = next(m for s, m in zip(self.samples, self.megabytes, strict=True) if s >= WARM * self.samples[-1])
        return 100 * (self.megabytes[-1] / first - 1)


def memory(artefact: Artefact, samples: int) -> Memory | None:
    """Of a process that streams so many images, with as many threads as there are cores; None where Linux does not tell."""
    if not STATUS.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.onnx"
        model.write_bytes(artefact.model)
        # What is imported here must be importable there.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        environment.pop(THREADS_VARIABLE, None)
        command = [sys.executable, "-m", "bench.memory", str(model), str(samples)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return Memory(**json.loads(done.stdout))


def streamed(artefact: Artefact, samples: int) -> Memory:
    """In this process."""
    shape, rng = artefact.network.input.shape, np.random.default_rng(0)
    marks = [samples * (n + 1) // POINTS for n in range(POINTS)]
    done: list[int] = []
    held: list[float] = []

    def batches() -> Iterator[Any]:
        given = 0
        while given < samples:
            many = min(BATCH, samples - given)
            yield rng.random((many, *shape), np.float32)
            given += many
            while len(done) < POINTS and given >= marks[len(done)]:
                done.append(given)
                held.append(_status("VmRSS"))

    begun = perf_counter()
    trace = snn2hw.simulate(artefact, batches(), executor="fast", traces=False)
    assert len(trace.readout) == samples
    return Memory(done, held, _status("VmHWM"), perf_counter() - begun)


def _status(name: str) -> float:
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def main() -> None:
    model = Path(sys.argv[1]).read_bytes()
    print(json.dumps(vars(streamed(Artefact(from_onnx(model), model, b"", {}), int(sys.argv[2])))))


if __name__ == "__main__":
    main()

"""What integers cost a network that was trained in snnTorch, SpikingJelly or Norse: `python -m bench.frameworks`.

Each is trained by a loop as its framework's tutorials write it, on real data: Fashion-MNIST, N-MNIST, spoken digits, in
../shared/data/real or --data; then converted, quantised, trained on integers, and verified. One core, one seed: minutes each.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import snn2hw
from bench.framework_models import Task, fashion, nmnist, spoken
from snn2hw import train
from snn2hw.conversion.convert import Converted
from snn2hw.quantize import prepare

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "real"
EXECUTORS = ("reference", "fast", "onnxruntime", "onnx-reference", "torch")
VERIFIED = 32  # samples, on all executors
CALIBRATED = 256
TASKS: Mapping[str, Callable[[Path], Task]] = {"snntorch": fashion, "spikingjelly": nmnist, "norse": spoken}


@dataclass(frozen=True)
class Measured:
    """One network.

    Args:
        name: network and data. test: number of samples. framework, converted, ptq, qat: accuracy of each; qat is None where
            nothing trains such layers on integers. equal, spikes: of the conversion's comparison. outputs: how many outputs
            of all test samples differ between the framework and the converted model. compared, differing: integers.
        minutes: of the framework's training, of conversion and compilation, of the training on integers.
    """

    name: str
    test: int
    framework: float
    converted: float
    ptq: float
    qat: float | None
    equal: int
    spikes: int
    outputs: int
    compared: int
    differing: int
    minutes: tuple[float, float, float]


def measure(task: Task) -> Measured:
    """Train, convert, compile, train on integers, verify."""
    times = [time.perf_counter()]
    task.train()
    times.append(time.perf_counter())
    converted = snn2hw.convert(task.model, task.given(task.test[0][:CALIBRATED]), steps=task.told)
    print(converted.conversion, flush=True)
    theirs, ours = _outputs(task, converted)
    calibration = _sample(task, task.training[0][:CALIBRATED])
    ptq = snn2hw.compile(converted, calibration, task.steps)
    times.append(time.perf_counter())
    finished, qat = ptq, None
    if task.recipe is not None:
        learning = prepare(converted, calibration, steps=task.steps)
        train.fit(learning, task.training, steps=task.steps, recipe=task.recipe)
        finished = snn2hw.compile(learning, calibration)
        qat = _accuracy(finished, task)
    times.append(time.perf_counter())
    verdict = snn2hw.verify(finished, _sample(task, task.test[0][:VERIFIED]), executors=EXECUTORS)
    comparison = converted.conversion.comparison
    labels = task.test[1]
    first, second, third = ((b - a) / 60 for a, b in pairwise(times))
    return Measured(
        task.name, len(labels), _share(theirs, labels), _share(ours, labels), _accuracy(ptq, task), qat, comparison.equal,
        comparison.total, int((theirs != ours).sum()), sum(verdict.compared.values()), sum(verdict.different.values()),
        (first, second, third),
    )  # fmt: skip


@torch.no_grad()
def _outputs(task: Task, converted: Converted) -> tuple[Tensor, Tensor]:
    """[N, classes] of all test samples, of the framework's model and of the converted one."""
    task.model.eval()
    converted.eval()
    theirs, ours = [], []
    for batch in torch.split(task.test[0], 100):
        theirs.append(task.logits(batch))
        x = batch.unsqueeze(0).expand(task.steps, *batch.shape) if task.steps else batch.transpose(0, 1)
        out = converted(x)
        ours.append(out.sum(0) if out.ndim > 2 else out)
    return torch.cat(theirs), torch.cat(ours)


def _share(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(1) == labels).double().mean())


def _sample(task: Task, x: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """As snn2hw takes it: [N, ...] of static samples, else [T, N, ...]."""
    return np.asarray((x if task.steps else x.transpose(0, 1)).contiguous().numpy())


def _accuracy(artefact: snn2hw.Artefact, task: Task) -> float:
    found = snn2hw.evaluate(artefact, _sample(task, task.test[0]), task.test[1].numpy()).accuracy
    assert found is not None
    return found


def table(rows: list[Measured]) -> list[str]:
    """The table of docs/how-to/frameworks.md."""
    lines = [
        "| network | test | framework | converted | PTQ | QAT | spikes equal | integers compared | differing | minutes |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        qat = "" if r.qat is None else f"{100 * r.qat:.2f} %"
        spent = " + ".join(f"{m:.1f}" for m in r.minutes)
        lines.append(
            f"| {r.name} | {r.test:,} | {100 * r.framework:.2f} % | {100 * r.converted:.2f} % | {100 * r.ptq:.2f} % | {qat}"
            f" | {r.equal:,} of {r.spikes:,} | {r.compared:,} | {r.differing} | {spent} |"
        )
    return lines


def main(arguments: list[str]) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=tuple(TASKS))
    parser.add_argument("--data", type=Path, default=DATA, help="folder with fashion_mnist.npz, nmnist_small.npz, fsdd.npz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = []
    for name, make in TASKS.items():
        if given.only in (None, name):
            torch.manual_seed(given.seed)
            rows.append(measure(make(given.data)))
            print("\n".join(table(rows[-1:])), flush=True)
    print("\n".join(table(rows)))
    if given.json:
        given.json.write_text(json.dumps([asdict(r) for r in rows], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

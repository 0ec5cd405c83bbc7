"""`snn_step`, one step a call, beside `snn_run`, a sample a call: small networks that come with snn2hw, each in both forms."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

import snn2hw
from snn2hw.api import stimulus
from snn2hw.artefact import Artefact
from snn2hw.backends.c.folder import c_folder, entering
from snn2hw.backends.c.memory import memory, of_a_step
from snn2hw.backends.reference import interpret
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.estimation.emulated import Machine, compiled
from snn2hw.estimation.microcontroller import OPTIMISED, SOURCES, Measured, measured
from snn2hw.files.record import sha256
from snn2hw.simplification import simplified_network
from snn2hw.trace import Ints
from snn2hw.user_models import find_model

NETWORKS = ("digits_lnm", "digits_cf", "mnist_lif", "nmnist_cnn")
SAMPLES = 4
KEPT = "-Wl,-u,snn_start"  # in the program whose entry is `snn_step`, for its flash


@dataclass(frozen=True)
class Stepwise:
    """One network on one CPU.

    Args:
        steps: T. still: whether the image is the same at every step. run: `snn_run`, of whole samples.
        step: instructions of `snn_step`, the mean. start: of `snn_start`. ram, flash: bytes of a program that calls these two.
    """

    network: str
    steps: int
    still: bool
    run: Measured
    step: float
    start: int
    ram: int
    flash: int


def stepwise(name: str, cpu: str) -> Stepwise:
    """One of `NETWORKS`, both ways on the same samples.

    Raises:
        ExecutorUnavailableError: no compiler, one that fails, or a readout that is not that of the reference.
    """
    found = find_model(name)
    sample = found.sample
    assert sample is not None
    artefact = snn2hw.compile(found.module, sample, found.steps)
    few: npt.NDArray[np.generic] = sample[:SAMPLES] if found.steps is not None else sample[:, :SAMPLES]
    return both(name, artefact, stimulus(artefact, few), cpu)


def both(name: str, artefact: Artefact, payloads: Ints, cpu: str) -> Stepwise:
    """A compiled model both ways on payloads [T, N, ...]."""
    net = artefact.network
    expected = interpret(net, payloads, traces=False).readout
    files = c_folder(net, sha256(artefact.model), payloads, expected, 1, streaming=True)
    sources = {name: files[name] for name in SOURCES}
    start, step = (
        Machine(compiled("the C of this network", cpu, entry, sources, [OPTIMISED, *further, "snn.c"]))
        for entry, further in (("snn_start", ()), ("snn_step", (KEPT,)))
    )
    laid = memory(of_a_step(simplified_network(net)), streaming=True)
    fresh = start.room(laid.size)
    starting = start.run(fresh)
    begun = start.read(fresh, laid.size)
    source, classes = laid.values[net.input.name], prod(net.readout.shape)
    size = prod(net.input.shape)
    rows = entering(net.steps, payloads).reshape(-1, net.steps, size).astype(np.dtype(source.type.removesuffix("_t")))
    given, left, worked_in = step.room(rows[0, 0].nbytes), step.room(4 * classes), step.room(laid.size)
    counted = []
    for n, (sample, readout) in enumerate(zip(rows, expected, strict=True)):
        step.write(worked_in, begun)
        total = np.zeros(classes, np.int64)
        for row in sample:
            step.write(given, row.tobytes())
            counted.append(step.run(given, left, worked_in))
            logits = np.frombuffer(step.read(left, 4 * classes), np.int32)
            total = total + logits if net.readout.kind == "sum" else logits.astype(np.int64)
        if (total != readout).any():
            raise ExecutorUnavailableError(
                "the steps of the emulated program give another readout than the reference",
                where=f"{name} on {cpu}, sample {n}", got=str(total.tolist())[:200], expected=str(readout.tolist())[:200],
                do="report it, with the versions of ziglang and unicorn",
            )  # fmt: skip
    ram = laid.size + rows[0, 0].nbytes + 4 * classes + max(step.stack, start.stack)
    whole = measured(artefact, cpu, payloads)
    return Stepwise(name, net.steps, net.input.static, whole, float(np.mean(counted)), starting, ram, step.flash)

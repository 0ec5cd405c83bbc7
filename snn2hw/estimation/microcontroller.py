"""A network on a microcontroller: its C compiled for the CPU, and run instruction by instruction in an emulator.

Flash is what the program takes with its weights; RAM is what `snn_run` is given, and the stack as deep as it went. The
emulator counts instructions and no cycles: how many cycles an instruction takes is a span of the target. What comes out
is compared with the reference, so that nothing is counted of a program that computes something else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.c.folder import c_folder, entering
from snn2hw.backends.c.memory import memory
from snn2hw.backends.c.writer import CWriter
from snn2hw.backends.reference import interpret
from snn2hw.backends.running import insist
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.estimation.emulated import Machine, compiled
from snn2hw.files.record import sha256
from snn2hw.simplification import simplified_network
from snn2hw.trace import Ints

SOURCES = ("snn.c", "snn.h", "weights.h")
OPTIMISED = "-O2"


@dataclass(frozen=True)
class Measured:
    """A network on a CPU.

    Args:
        flash, ram, stack: bytes; the stack is in `ram`. instructions: of a sample, the mean; least, most: of all that ran.
        samples: how many ran, each of which gave the readout of the reference.
    """

    flash: int
    ram: int
    stack: int
    instructions: float
    least: int
    most: int
    samples: int


def measured(artefact: Artefact, cpu: str, payloads: Ints) -> Measured:
    """Compile the network for a CPU, and run samples on it.

    Args:
        artefact: the compiled model. cpu: as the compiler names it, such as cortex_m4. payloads: [T, N, ...].

    Raises:
        MissingExtraError, ExecutorUnavailableError: no emulator, or no compiler, or one that fails.
        UnsupportedError, WidthError: the C folder cannot hold the network.
    """
    net = artefact.network
    insist(CWriter(), net)
    expected = interpret(net, payloads, traces=False).readout
    files = c_folder(net, sha256(artefact.model), payloads, expected, 1)
    program = compiled("the C of this network", cpu, "snn_run", {name: files[name] for name in SOURCES}, [OPTIMISED, "snn.c"])
    laid = memory(simplified_network(net))
    source, classes = laid.values[net.input.name], prod(net.readout.shape)
    rows = entering(source.steps, payloads).astype(np.dtype(source.type.removesuffix("_t")))
    machine = Machine(program)
    given, read, worked_in = machine.room(rows[0].nbytes), machine.room(4 * classes), machine.room(laid.size)
    counted = []
    for row, readout in zip(rows, expected, strict=True):
        machine.write(given, row.tobytes())
        counted.append(machine.run(given, read, worked_in))
        got = list(struct.unpack(f"<{classes}i", machine.read(read, 4 * classes)))
        if got != readout.tolist():
            raise ExecutorUnavailableError(
                "the emulated program gives another readout than the reference",
                where=f"{cpu}, sample {len(counted) - 1}", got=str(got)[:200], expected=str(readout.tolist())[:200],
                do="report it, with the versions of ziglang and unicorn",
            )  # fmt: skip
    ram = laid.size + rows[0].nbytes + 4 * classes + machine.stack
    return Measured(
        machine.flash, ram, machine.stack, float(np.mean(counted)), min(counted), max(counted), len(counted)
    )  # fmt: skip

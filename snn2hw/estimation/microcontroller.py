"""A network on a microcontroller: its C compiled for the CPU, and run instruction by instruction in an emulator.

Flash is what the program takes with its weights; RAM is what `snn_run` is given, and the stack as deep as it went. The
emulator counts instructions and no cycles: how many cycles an instruction takes is a span of the target. What comes out
is compared with the reference, so that nothing is counted of a program that computes something else.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.artefact import Artefact
from snn2hw.backends.c.folder import c_folder, entering
from snn2hw.backends.c.memory import memory
from snn2hw.backends.c.writer import CWriter
from snn2hw.backends.reference import interpret
from snn2hw.backends.running import insist
from snn2hw.errors import ExecutorUnavailableError, MissingExtraError
from snn2hw.files.record import sha256
from snn2hw.run.tools import Tool, Wheel, run
from snn2hw.simplification import simplified_network
from snn2hw.trace import Ints

COMPILER = Tool("compiler for Arm", (), "SNN2HW_ARM_CC", "install ziglang", Wheel("ziglang", arguments=("cc",)))
FLAGS = (
    "-target", "thumb-freestanding-eabi", "-std=c99", "-O2", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
    "-Wl,--gc-sections,-e,snn_run", "-I.", "snn.c", "-o", "snn.elf",
)  # fmt: skip
# The folder asks for these two functions of C's library, which a program without an operating system has from the compiler.
STRING = "#include <stddef.h>\nvoid *memcpy(void *, const void *, size_t);\nvoid *memset(void *, int, size_t);\n"
SOURCES = ("snn.c", "snn.h", "weights.h")
SECONDS = 300
LOADED, PAGE = 1, 0x1000  # a segment of an ELF file that is loaded; what the emulator maps at least
BASE, ROOM = 0x6000_0000, 0x1000_0000  # of the memory for input, readout, states and stack
STILL = 500_000_000  # instructions of a sample after which a run is given up
WIDE = (0b11101, 0b11110, 0b11111)  # the top five bits of an instruction of 32 bits


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


def unavailable() -> str:
    """Why nothing can be measured here, with the remedy; empty where it can."""
    if problem := COMPILER.unavailable():
        return problem
    if find_spec("unicorn") is None:
        return "no package 'unicorn'; pip install 'snn2hw[mcu]'"
    return ""


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
    program = _compiled({name: files[name] for name in SOURCES}, cpu)
    laid = memory(simplified_network(net))
    source = laid.values[net.input.name]
    rows = entering(source.steps, payloads).astype(np.dtype(source.type.removesuffix("_t")))
    machine = _Machine(program, laid.size, rows[0].nbytes, prod(net.readout.shape))
    counted = []
    for row, readout in zip(rows, expected, strict=True):
        counted.append(machine.run(row.tobytes()))
        if machine.readout() != readout.tolist():
            raise ExecutorUnavailableError(
                "the emulated program gives another readout than the reference",
                where=f"{cpu}, sample {len(counted) - 1}", got=str(machine.readout())[:200], expected=str(readout.tolist())[:200],
                do="report it, with the versions of ziglang and unicorn",
            )  # fmt: skip
    ram = laid.size + rows[0].nbytes + 4 * prod(net.readout.shape) + machine.stack
    return Measured(
        machine.flash, ram, machine.stack, float(np.mean(counted)), min(counted), max(counted), len(counted)
    )  # fmt: skip


def _compiled(files: Mapping[str, str], cpu: str) -> bytes:
    """The program as an ELF file, whose entry is `snn_run`."""
    command = COMPILER.command()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, text in {**files, "string.h": STRING}.items():
            (folder / name).write_text(text, encoding="utf-8")
        done = run([*command, f"-mcpu={cpu}", *FLAGS], SECONDS, folder=folder)
        if done.problem:
            raise ExecutorUnavailableError(
                "the compiler for Arm failed on the C of this network",
                where=" ".join(command), got=done.problem[:400], expected="a program", do=COMPILER.remedies,
            )  # fmt: skip
        return (folder / "snn.elf").read_bytes()


class _Machine:
    """A CPU without anything beside it: a program, and memory for what its one function is given."""

    def __init__(self, program: bytes, memory_bytes: int, input_bytes: int, classes: int) -> None:
        try:
            unicorn: Any = import_module("unicorn")
        except ImportError as error:
            raise MissingExtraError("unicorn", "mcu", "counting the instructions of a microcontroller") from error
        self.arm: Any = unicorn.arm_const
        self.cpu: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.entry, segments = _segments(program)
        self.flash = sum(len(data) for data in segments.values())
        for start in {page for at, data in segments.items() for page in range(at // PAGE, (at + len(data)) // PAGE + 1)}:
            self.cpu.mem_map(start * PAGE, PAGE)
        for at, data in segments.items():
            self.cpu.mem_write(at, data)
        self.cpu.mem_map(BASE, ROOM)
        self.given, self.read = BASE, BASE + _whole(input_bytes)
        self.memory, self.classes = self.read + _whole(4 * classes), classes
        self.top = BASE + ROOM - PAGE
        self.stop, self.stack, self.count, self._known = self.top, 0, 0, dict[tuple[int, int], int]()
        self.cpu.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def run(self, sample: bytes) -> int:
        """Instructions of a sample."""
        self.count = 0
        registers = (self.arm.UC_ARM_REG_R0, self.arm.UC_ARM_REG_R1, self.arm.UC_ARM_REG_R2, self.arm.UC_ARM_REG_SP)
        self.cpu.mem_write(self.given, sample)
        for register, value in zip(registers, (self.given, self.read, self.memory, self.top), strict=True):
            self.cpu.reg_write(register, value)
        self.cpu.reg_write(self.arm.UC_ARM_REG_LR, self.stop | 1)
        self.cpu.emu_start(self.entry | 1, self.stop, count=STILL)
        return self.count

    def readout(self) -> list[int]:
        """What the last run read out."""
        return list(struct.unpack(f"<{self.classes}i", self.cpu.mem_read(self.read, 4 * self.classes)))

    def _block(self, cpu: Any, at: int, size: int, _: object) -> None:
        """Count the instructions of a block that begins to run; they are of 16 or of 32 bits."""
        if (at, size) not in self._known:
            halves = struct.unpack(f"<{size // 2}H", cpu.mem_read(at, size))
            place = number = 0
            while place < len(halves):
                place += 2 if halves[place] >> 11 in WIDE else 1
                number += 1
            self._known[at, size] = number
        self.count += self._known[at, size]
        self.stack = max(self.stack, self.top - cpu.reg_read(self.arm.UC_ARM_REG_SP))


def _whole(size: int) -> int:
    """Rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def _segments(program: bytes) -> tuple[int, Mapping[int, bytes]]:
    """(entry, address -> what is loaded there) of an ELF file of 32 bits."""
    entry, headers = struct.unpack_from("<II", program, 24)
    size, number = struct.unpack_from("<HH", program, 42)
    found = {}
    for n in range(number):
        kind, offset, at, _, kept, _, _, _ = struct.unpack_from("<8I", program, headers + n * size)
        if kind == LOADED and kept:
            found[at] = program[offset : offset + kept]
    return entry & ~1, found

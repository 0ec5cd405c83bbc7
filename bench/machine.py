"""The machine in words, and whether it was idle."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from bench.ceilings import PATHS, instructions
from snn2hw.backends.fast.crossover import crossings
from snn2hw.native.compiler import FLAGS, FLAGS_VARIABLE, compiler

UNKNOWN = "unknown"
WIDER, NONE_WIDER = "wider products that it does not use", "none"
LOAD = "load average before the run"
# What Linux calls them, what we do, and the number in PATHS of the path that uses them.
PRODUCTS = (
    ("amx_int8", "AMX (tdpbusd)", 5),
    ("avx512_vnni", "AVX-512 + VNNI (512 bits)", 4),
    ("avx_vnni", "AVX-VNNI (256 bits)", 2),
)
BUSY = 0.5  # others take so much of a core that figures are no longer this machine's


def busy(words: dict[str, str]) -> bool:
    """Whether others were at work when the run began."""
    load = words.get(LOAD, UNKNOWN)
    return load != UNKNOWN and float(load) > BUSY


def machine() -> dict[str, str]:
    """What a reader must know to compare with another."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else UNKNOWN
    command = compiler()
    assert command is not None, "fast needs a C compiler"
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    flags = " ".join((*FLAGS, *os.environ.get(FLAGS_VARIABLE, "").split()))
    packages = [f"{p} {importlib.metadata.version(p)}" for p in ("numpy", "torch", "onnxruntime")]
    used = instructions()
    return {
        "processor": processor(),
        "cores": f"{cores}, of which one is used where nothing else is said",
        LOAD: load,
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "path of the generated C": used,
        WIDER: ", ".join(_wider(used)) or NONE_WIDER,
        "events below": f"{max(crossings().base, 0):.0f} % activity (64 channels behind 64, 3 x 3), as `fast` measured",
        "compiler": f"{version[0] if version else command[0]}; {flags}",
        "software": ", ".join([f"Python {platform.python_version()}", *packages]),
    }


def _wider(used: str) -> list[str]:
    """Products of int8 that this processor has and that are wider than those that the generated C uses."""
    flags = _known().get("flags", "").split()
    return [name for flag, name, path in PRODUCTS if flag in flags and path > PATHS.index(used)]


def _known() -> dict[str, str]:
    """What Linux says of the last processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}


def processor() -> str:
    """The name that its maker gave it, and the numbers by which one of the same name is told from another."""
    known = _known()
    name = known.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{k} {known[k]}" for k in ("cpu family", "model") if k in known]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GB"
    except (ValueError, OSError):
        return UNKNOWN

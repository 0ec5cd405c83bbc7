"""What there is on this machine that snn2hw can use: packages, tools, back ends, the cache; and how to get what is missing."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from snn2hw.backends import Executor, backends
from snn2hw.backends.rtl.place import NEXTPNR
from snn2hw.backends.rtl.simulation import COMPILER as CXX
from snn2hw.backends.rtl.simulation import VERILATOR
from snn2hw.backends.rtl.yosys import YOSYS
from snn2hw.backends.running import why_not
from snn2hw.cache import CACHE_VARIABLE, cache_folder
from snn2hw.estimation.emulated import COMPILER as ARM
from snn2hw.native.compiler import COMPILER as CC
from snn2hw.run.tools import Tool
from snn2hw.version import __version__

TOOLS: tuple[tuple[Tool, str], ...] = (
    (CC, "the executor fast, kernels for training, the C folder's test"),
    (CXX, "the executor rtl"),
    (VERILATOR, "the executor rtl"),
    (YOSYS, "export --to rtl --synthesise"),
    (NEXTPNR["ecp5"], "the clock in export --to rtl --synthesise"),
    (ARM, "estimates of microcontrollers"),
)
OTHERS = ("dev",)  # extras that are for developers of snn2hw
_REQUIRED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?[^;]*?(?:;.*extra == ['\"]([\w-]+)['\"])?$")


@dataclass(frozen=True)
class Part:
    """One thing that can be there.

    Args:
        kind: package, tool, back end. name: of it. there: its version, or where it is; "" where it is missing.
        used: what needs it. remedy: how to get it.
    """

    kind: str
    name: str
    there: str
    used: str
    remedy: str


def facts() -> dict[str, Any]:
    """The machine itself."""
    folder = cache_folder()
    nearest = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    return {
        "snn2hw": __version__, "python": platform.python_version(), "executable": sys.executable, "machine": platform.platform(),
        "processors": os.cpu_count(), "instruction sets": instruction_sets(), "cache": str(folder),
        "cache writable": os.access(nearest, os.W_OK), "cache bytes": _bytes(folder),
        "variables": {k: v for k, v in sorted(os.environ.items()) if k.startswith("SNN2HW_")}, "cache variable": CACHE_VARIABLE,
    }  # fmt: skip


def _bytes(folder: Path) -> int:
    """Of all files in a folder; what another process takes away meanwhile counts nothing."""
    total = 0
    for inside, _, names in os.walk(folder):  # says nothing of a folder that goes away
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(inside) / name).stat().st_size
    return total


def instruction_sets() -> list[str]:
    """Those that the generated C can use, as the system names them; none where it does not say."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            flags = next((line.split(":", 1)[1].split() for line in file if line.startswith(("flags", "Features"))), [])
    except OSError:
        return []
    used = ("avx2", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "amx_int8", "asimd", "asimddp")
    return [name for name in used if name in flags]


def parts() -> Iterator[Part]:
    """Every package of an extra, every tool, every back end."""
    yield from packages()
    for tool, used in TOOLS:
        yield Part("tool", tool.what, _where(tool), used, tool.remedies)
    for name, backend in backends().items():
        reason = why_not(backend) if isinstance(backend, Executor) else ""
        yield Part("back end", name, "" if reason else "works", backend.description, reason)


def packages() -> Iterator[Part]:
    """Packages that the installed snn2hw asks for; the smallest of the extras that bring one is the remedy."""
    lines = [found for line in metadata.requires("snn2hw") or () if (found := _REQUIRED.match(line.strip())) is not None]
    sizes = Counter(found[2] for found in lines)
    extras: dict[str, set[str]] = {}
    for found in lines:
        if found[1] != "snn2hw" and found[2] not in OTHERS:
            extras.setdefault(found[1], set()).add(found[2] or "core")
    for name, unordered in extras.items():
        named = sorted(unordered, key=lambda extra: (sizes[extra], extra))
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            version = ""
        used = "core" if "core" in named else f"extra {', '.join(named)}"
        extra = named[0]
        yield Part("package", name, version, used, "" if used == "core" else f"pip install 'snn2hw[{extra}]'")


def _where(tool: Tool) -> str:
    """The command that a tool would be called by; of a library its package; "" where there is none."""
    found = tool.find()
    if found is None:
        return ""
    return f"package {tool.wheel.package}" if tool.wheel is not None and "-c" in found else " ".join(found)

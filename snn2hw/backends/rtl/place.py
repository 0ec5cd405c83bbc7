"""nextpnr: a netlist placed and routed on a chip, and the clock that it reaches there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn2hw.run.tools import Tool, Wheel, run
from snn2hw.target import Fpga

SECONDS = 3600.0


def _nextpnr(family: str, name: str) -> Tool:
    package = "yowasp_" + name.replace("-", "_")
    code = f"import sys, {package} as p; sys.exit(p.run_{name.replace('-', '_')}(sys.argv[1:]))"
    return Tool(name, (name,), f"SNN2HW_NEXTPNR_{family.upper()}", f"install {name}", Wheel(package, code=code))


NEXTPNR: Mapping[str, Tool] = {
    "ecp5": _nextpnr("ecp5", "nextpnr-ecp5"),
    "ice40": _nextpnr("ice40", "nextpnr-ice40"),
    "gowin": _nextpnr("gowin", "nextpnr-himbaechel-gowin"),
}

# What is said of the chip. A name of a device becomes an option of nextpnr, so only those that it has are taken.
DEVICES = {
    "ecp5": tuple(f"{kind}{size}k" for kind in ("", "um-", "um5g-") for size in (12, 25, 45, 85) if not (kind and size == 12)),
    "ice40": ("lp384", "lp1k", "lp4k", "lp8k", "hx1k", "hx4k", "hx8k", "up3k", "up5k", "u1k", "u2k", "u4k"),
}


def _chip(fpga: Fpga, folder: Path) -> list[str]:
    """Options that name the chip and let the three pins of the shell lie anywhere, where it can choose."""
    package = ["--package", fpga.package] if fpga.package else []
    if fpga.family == "ecp5":
        return [f"--{fpga.device}", *package, *(["--speed", fpga.speed] if fpga.speed else []), "--lpf-allow-unconstrained"]
    if fpga.family == "ice40":
        return [f"--{fpga.device}", *package, "--pcf-allow-unconstrained"]
    pins = [f'IO_LOC "{port}" {pin};\n' for port, pin in zip(("clk", "serial_in", "serial_out"), fpga.pins, strict=False)]
    (folder / "pins.cst").write_text("".join(pins), encoding="utf-8")
    return ["--device", fpga.device, *(["--vopt", f"family={fpga.die}"] if fpga.die else []), "--vopt", "cst=pins.cst"]


@dataclass(frozen=True)
class Placed:
    """What nextpnr says.

    Args:
        megahertz: the highest clock. path: the cells at both ends of the path that decides it. used: sites that are taken,
            and how many there are, by kind.
    """

    megahertz: float
    path: tuple[str, str]
    used: Mapping[str, tuple[int, int]]


def placed(netlist: Path, fpga: Fpga, megahertz: float, seed: int = 1, seconds: float = SECONDS) -> Placed | str:
    """Place and route; a text says why there is no result.

    Args:
        netlist: of yosys, whose folder is worked in. fpga: the chip. megahertz: the target of the clock.
        seed: of the placement. seconds: after which it is stopped.
    """
    tool = NEXTPNR.get(fpga.family)
    if tool is None:
        return f"there is no open place and route for the family '{fpga.family}' here"
    if fpga.family in DEVICES and fpga.device not in DEVICES[fpga.family]:
        return f"{tool.what} has no device '{fpga.device}': {', '.join(DEVICES[fpga.family])}"
    if problem := tool.unavailable():
        return problem
    report, log = netlist.parent / "report.json", netlist.parent / "nextpnr.log"
    command = [
        *tool.command(), "--json", netlist.name, *_chip(fpga, netlist.parent), "--freq", f"{megahertz:g}", "--timing-allow-fail",
        "--seed", str(seed), "--report", report.name,
    ]  # fmt: skip
    ran = run(command, seconds, folder=netlist.parent, log=log)
    if ran.code != 0 or not report.is_file():
        errors = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if "ERROR" in line]
        return f"{tool.what} failed: {(ran.stopped or ' '.join(errors[:2]) or ran.problem or 'it wrote no report')[:500]}"
    return _read(json.loads(report.read_text(encoding="utf-8")))


def _read(report: Mapping[str, Any]) -> Placed | str:
    clocks = {name: float(clock["achieved"]) for name, clock in report["fmax"].items()}
    if not clocks:
        return "nextpnr found no path between two registers"
    slowest = min(clocks, key=lambda name: clocks[name])
    within = (p for p in report["critical_paths"] if p["from"] == p["to"] == f"posedge {slowest}" and p["path"])
    path: list[Any] = next((p["path"] for p in within), [])
    ends: Callable[[Any], str] = lambda hop: re.sub(r"_(TRELLIS_FF|SB_DFF|DFF|SB_LUT4|LUT4)\w*$", "", str(hop["cell"]))  # noqa: E731
    used = {name: (int(u["used"]), int(u["available"])) for name, u in report["utilization"].items() if u["used"]}
    return Placed(clocks[slowest], (ends(path[0]["from"]), ends(path[-1]["to"])) if path else ("", ""), used)

"""yosys: a design as the netlist of a family of FPGAs, its layers kept apart, and what each of them takes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.families import FAMILIES, Resources
from snn2hw.backends.rtl.simulation import memories, sources
from snn2hw.backends.rtl.text import SHELL, TOP, shell
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.run.tools import Tool, Wheel, run

# The package is a library, and an error in it ends the whole process: it runs in a child of its own.
_LIBRARY = """
import sys
from pyosys import libyosys
if sys.argv[1] == "--version":
    print(libyosys.yosys_maybe_version())
else:
    libyosys.Design().run_pass("script " + sys.argv[2])
"""
YOSYS = Tool("yosys", ("yosys",), "SNN2HW_YOSYS", "install yosys 0.40 or later", Wheel("pyosys", code=_LIBRARY))
SECONDS = 1800.0
NETLIST = "netlist.json"
_CALLED = "network"  # the instance of the design in the shell
_OURS = re.compile(r"^(Warning: .*|[\w.-]+\.sv:\d+.*[Ww]arning: .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Netlist:
    """What yosys made of a design.

    Args:
        file: as nextpnr reads it. layers: what the modules of each layer take, '' for what only joins them.
        unknown: cells that nobody counted, and how many. warnings: of yosys about our files.
    """

    file: Path
    layers: Mapping[str, Resources]
    unknown: Mapping[str, int]
    warnings: Sequence[str]


def written(design: Design, folder: Path) -> None:
    """All that yosys reads, in a folder."""
    for name, text in {**sources(design), f"{SHELL}.sv": shell(design), **memories(design)}.items():
        (folder / name).write_text(text, encoding="utf-8")


def script(design: Design, family: str, device: str) -> str:
    """The commands of yosys.

    Args:
        design: whose modules stay apart. family, device: of the FPGA.
    """
    kinds = sorted({m.kind for m in design.modules} | ({"snn_fork"} if "snn_fork " in sources(design)[f"{TOP}.sv"] else set()))
    made = FAMILIES[family]
    lines = [
        f"read_verilog -sv {' '.join([*sources(design), f'{SHELL}.sv'])}",
        f"hierarchy -check -top {SHELL}",
        f"setattr -mod -set keep_hierarchy 1 {TOP}",
        *(f"setattr -mod -set keep_hierarchy 1 *{kind}" for kind in kinds),
        *made.before,
        made.command(SHELL, device),
        *made.after,
        f"write_json {NETLIST}",
    ]
    return "\n".join(lines) + "\n"


def netlist(design: Design, family: str, device: str, folder: Path, seconds: float = SECONDS) -> Netlist:
    """Synthesise a design.

    Args:
        design: of a network. family, device: of the FPGA. folder: an empty one, in which yosys works.
        seconds: after which it is stopped.

    Raises:
        ExecutorUnavailableError: no yosys, one that fails, or one that is not done in time.
    """
    command = YOSYS.command()
    written(design, folder)
    (folder / "synth.ys").write_text(script(design, family, device), encoding="utf-8")
    log = folder / "yosys.log"
    ran = run([*command, "-s", "synth.ys"], seconds, folder=folder, log=log)
    said = log.read_text(encoding="utf-8", errors="replace")
    if ran.code != 0:
        errors = [line for line in said.splitlines() if "ERROR" in line]
        raise ExecutorUnavailableError(
            "yosys failed", where=command[0], got=(ran.stopped or "\n".join(errors[:3]) or ran.problem)[:1500], do=YOSYS.remedies
        )
    warnings = [w for w in dict.fromkeys(_OURS.findall(said)) if not w.endswith("The network is combinational.")]
    return Netlist(folder / NETLIST, *_counted(folder / NETLIST, design, family), warnings)


def _counted(file: Path, design: Design, family: str) -> tuple[dict[str, Resources], dict[str, int]]:
    """(what each layer takes, cells that nobody counted)."""
    modules = json.loads(file.read_text(encoding="utf-8"))["modules"]
    cells = _Cells(modules)
    nodes = {m.name: m.node for m in design.modules}
    layers: dict[str, Resources] = {m.node: Resources() for m in design.modules}
    unknown: Counter[str] = Counter()
    top = modules[SHELL]["cells"][_CALLED]["type"]
    for name, cell in modules[top]["cells"].items():
        node = nodes.get(name, "")
        for kind, count in cells.of(cell["type"]).items():
            takes = FAMILIES[family].takes(kind)
            if takes is None:
                unknown[kind] += count
            else:
                layers[node] = layers.get(node, Resources()) + takes.times(count)
    return layers, dict(unknown)


class _Cells:
    """How often each cell of the chip is in a module and in those inside of it."""

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self.modules, self.known = modules, dict[str, Counter[str]]()

    def of(self, kind: str) -> Counter[str]:
        module = self.modules.get(kind)
        if module is None or {"blackbox", "whitebox"} & set(module["attributes"]):
            return Counter([kind])
        if kind not in self.known:
            found: Counter[str] = Counter()
            for cell in module["cells"].values():
                found += self.of(cell["type"])
            self.known[kind] = found
        return self.known[kind]

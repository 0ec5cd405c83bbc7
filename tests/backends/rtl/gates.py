"""What yosys makes of a design: simulated by what drives the design itself, or proved equal to it."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path

from snn2hw.backends.rtl.datapath import Datapath, lane_text
from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.simulation import (
    _TRANSLATE,
    VERILATOR,
    Simulator,
    _call,
    _compiled,
    _runtime,
    environment,
    memories,
    sources,
)
from snn2hw.backends.rtl.text import TOP, template
from snn2hw.backends.rtl.yosys import YOSYS
from snn2hw.run.tools import run

SECONDS = 300

# Cells that yosys has a model of: not the blocks of memory, nor the multiplier of ECP5, which are made of tables here.
SYNTHESIS = {
    "ecp5": f"synth_ecp5 -top {TOP} -nodsp -nobram",
    "xilinx": f"synth_xilinx -family xc7 -flatten -nobram -top {TOP}",
}


def models(family: str) -> Path:
    """The folder with the models of a family's cells, which the package of yosys brings along."""
    found = importlib.util.find_spec("pyosys")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "share" / family


def yosys(folder: Path, *commands: str) -> str:
    """What yosys says to these commands, in a folder; empty where it did all of them."""
    (folder / "run.ys").write_text("\n".join(commands) + "\n", encoding="utf-8")
    ran = run([*YOSYS.command(), "-s", "run.ys"], SECONDS, folder=folder, log=folder / "log")
    return "" if ran.code == 0 else (folder / "log").read_text(encoding="utf-8")[-2000:]


def netlist_simulator(design: Design, family: str, folder: Path) -> Simulator:
    """A design as cells of a family of FPGAs. It records nothing but readouts and cycles.

    Args:
        design: of a network. family: of `SYNTHESIS`. folder: an empty one.
    """
    for name, text in {**sources(design), **memories(design)}.items():
        (folder / name).write_text(text, encoding="utf-8")
    files = " ".join(sources(design))
    said = yosys(
        folder, f"read_verilog -sv {files}", f"hierarchy -check -top {TOP}", SYNTHESIS[family], "write_verilog -noattr netlist.v"
    )
    assert not said, said
    variables, made, cells = environment(), folder / "cpp", models(family)
    made.mkdir()
    texts = [str(folder / "netlist.v"), str(cells / "cells_sim.v")]
    quietly = ["-Wno-lint", "-Wno-fatal", "--no-timing"]  # what the models say of delays
    command = [*VERILATOR.command(), *_TRANSLATE, *quietly, "-Mdir", str(made), f"-I{cells}", *texts]
    _call("Verilator", command, variables, VERILATOR)
    (made / "harness.cpp").write_text(template("harness.cpp").replace("@SIGNED@", "int32_t"), encoding="utf-8")
    root = Path(variables["VERILATOR_ROOT"]) / "include"
    parts = [*sorted(p.name for p in made.glob("Vsnn*.cpp")), "harness.cpp"]
    output = folder / "netlist.so"
    _compiled(made / "all.cpp", parts, output, [f"-I{made}", str(_runtime(root)), "-shared", "-lpthread"], root)
    return Simulator(design, ctypes.CDLL(str(output)).snn2hw_simulate)


# --- lanes ---------------------------------------------------------------------------------------------------------------

_LANES = """
module {name} (
    input logic clk, input logic enable, input logic first, input logic [{lanes}*{sum}-1:0] sums,
    input logic [{lanes}*{state}-1:0] states, input logic [{lanes}*{constant}-1:0] constants,
    output logic [{lanes}*{out}-1:0] spikes, output logic [{lanes}*{state}-1:0] next_states
);
{body}
endmodule
"""


def lanes_module(path: Datapath, name: str, lanes: int, body: str = "") -> str:
    """A module of some lanes of a datapath, as it stands in the module of a layer; or with another body."""
    sizes = {
        "sum": path.bits[path.program.input.name], "state": max(1, path.state_bits), "constant": max(1, path.constant_bits),
        "out": path.spike.bits[0],
    }  # fmt: skip
    if not body:
        known = zip(("IN", "STATE", "CONSTANT", "OUT"), sizes.values(), strict=True)
        body = "\n".join(f"  localparam int {key} = {value};" for key, value in known)
        body += f"\n  for (genvar lane = 0; lane < {lanes}; lane++) begin : g_lane\n" + "\n".join(lane_text(path)) + "\n  end"
    return _LANES.format(name=name, lanes=lanes, body=body, **sizes)


def single_lanes(path: Datapath, name: str, one: str, lanes: int) -> str:
    """The same module, made of one module of a single lane for each; `one` is its name."""
    wide = {
        "sums": path.bits[path.program.input.name], "states": max(1, path.state_bits), "constants": max(1, path.constant_bits),
        "spikes": path.spike.bits[0], "next_states": max(1, path.state_bits),
    }  # fmt: skip
    body = []
    for n in range(lanes):
        ports = ", ".join(f".{wire}({wire}[{n * bits}+:{bits}])" for wire, bits in wide.items())
        body.append(f"  {one} lane_{n} (.clk(clk), .enable(enable), .first(first), {ports});")
    return lanes_module(path, name, lanes, "\n".join(body))


def proof(cycles: int, gold: str, gate: str) -> list[str]:
    """Commands that prove two modules equal for all inputs and states, by induction over the cycles.

    What is the same cell with the same inputs on both sides is one before the prover begins.

    Args:
        cycles: of the pipeline, after which what its registers held at first is gone. gold, gate: the two modules.
    """
    return [
        f"miter -equiv -flatten -make_assert {gold} {gate} both", "hierarchy -top both", "opt -full",
        f"sat -verify -prove-asserts -tempinduct -seq {cycles} -set-def-inputs -set in_enable 1 -timeout 100 both",
    ]  # fmt: skip

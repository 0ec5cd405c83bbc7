"""Datapaths of neurons side by side in one simulation: any states, sums and constants go in, a step later what they make."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from snn2hw.backends.rtl.datapath import Datapath, lane_text
from snn2hw.backends.rtl.simulation import _TRANSLATE, VERILATOR, _call, _compiled, _runtime, environment
from snn2hw.ir.program import SPIKES
from snn2hw.trace import Ints

DRIVER = """
#include "Vsnn.h"
#include "verilated.h"
extern "C" void snn2hw_lanes(int64_t cycles, int64_t rows, const int64_t *given, int64_t wide, int64_t *taken, int64_t out) {
  VerilatedContext context;
  Vsnn top{&context, "snn"};
  for (int64_t t = 0; t < cycles; ++t) {
    const int64_t *row = given + (t < rows ? t : rows - 1) * wide;
    for (int64_t n = 0; n < wide; ++n) top.given[n] = row[n];
    top.clk = 0;
    top.eval();
    top.clk = 1;
    top.eval();
    for (int64_t n = 0; n < out; ++n) taken[t * out + n] = top.taken[n];
  }
  top.final();
}
"""

MODULE = """
module lane_{n} (input logic clk, input logic first, input logic [{sum}-1:0] sums, input logic [{state}-1:0] states,
                 input logic [{constant}-1:0] constants, output logic [{out}-1:0] spikes, output logic [{state}-1:0] next_states);
  localparam int IN = {sum};
  localparam int STATE = {state};
  localparam int CONSTANT = {constant};
  localparam int OUT = {out};
  logic enable;
  assign enable = 1'b1;
  for (genvar lane = 0; lane < 1; lane++) begin : g_lane
{text}
  end
endmodule
"""


class Lanes:
    """One lane of each datapath. A row that enters has, of each, `first`, the sum, its states and its constants, in this order;
    one that leaves its spikes and its next states.

    Args:
        paths: the datapaths. folder: to build in.
    """

    def __init__(self, paths: Sequence[Datapath], folder: Path) -> None:
        self.paths = paths
        given = taken = 0
        modules, body = [], []
        for n, path in enumerate(paths):
            source = path.program.input.name
            bits = path.bits[source]
            wires = {"first": 1, "sums": bits, "states": max(1, path.state_bits), "constants": max(1, path.constant_bits)}
            leaving = {"spikes": path.spike.bits[0], "next_states": max(1, path.state_bits)}
            sizes = {"sum": bits, "state": wires["states"], "constant": wires["constants"], "out": leaving["spikes"]}
            modules.append(MODULE.format(n=n, **sizes, text="\n".join(lane_text(path))))
            body += [f"  logic [{b - 1}:0] {wire}_{n};" for wire, b in (wires | leaving).items()]
            places = [("first", 0, 1), ("sums", 0, bits)]
            places += [("states", f.low, f.bits) for f in path.states] + [("constants", f.low, f.bits) for f in path.constants]
            for wire, low, width in places:
                body.append(f"  assign {wire}_{n}[{low}+:{width}] = given[{given}][{width - 1}:0];")
                given += 1
            signed = [("spikes", 0, sizes["out"], path.spike.lo < 0)]
            signed += [("next_states", f.low, f.bits, path.operands[f.name].interval.lo < 0) for f in path.states]
            for wire, low, width, minus in signed:
                kind = "$signed" if minus else "$unsigned"
                body.append(f"  assign taken[{taken}] = 64'({kind}({wire}_{n}[{low}+:{width}]));")
                taken += 1
            ports = ", ".join([".clk(clk)", *(f".{wire}({wire}_{n})" for wire in wires | leaving)])
            body.append(f"  lane_{n} i_{n} ({ports});")
        self.given, self.taken = given, taken
        ports = f"input logic clk, input logic [63:0] given[0:{given - 1}], output logic [63:0] taken[0:{taken - 1}]"
        text = "".join(modules) + f"module snn ({ports});\n" + "\n".join(body) + "\nendmodule\n"
        self._entry = _built(folder, text)

    def run(self, rows: Ints) -> Ints:
        """What leaves, row by row.

        Args:
            rows: [vectors, given].
        """
        rows = np.ascontiguousarray(rows, np.int64)
        late = max(p.cut.latency for p in self.paths) - 1
        taken = np.zeros((len(rows) + late, self.taken), np.int64)
        assert rows.shape[1] == self.given
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (rows, taken)]
        sizes = [ctypes.c_int64(n) for n in (len(taken), len(rows), self.given, self.taken)]
        self._entry(sizes[0], sizes[1], pointers[0], sizes[2], pointers[1], sizes[3])
        columns, at = [], 0
        for path in self.paths:
            many, start = 1 + len(path.states), path.cut.latency - 1
            columns.append(taken[start : start + len(rows), at : at + many])
            at += many
        return np.concatenate(columns, axis=1)


def entering(path: Datapath, x: Ints, states: Mapping[str, Ints], constants: Mapping[str, Ints], first: Ints) -> Ints:
    """Rows [vectors, ...] of one datapath."""
    columns = [first, x, *(states[f.name] for f in path.states), *(constants[f.name] for f in path.constants)]
    return np.stack(np.broadcast_arrays(*columns), axis=1).astype(np.int64)


def leaving(path: Datapath, values: Mapping[str, Ints]) -> Ints:
    """Rows [vectors, ...] that should leave: what the reference makes of every instruction."""
    outputs = [path.program.outputs[to].name for to in (SPIKES, *(f.name for f in path.states))]
    return np.stack(np.broadcast_arrays(*(values[name] for name in outputs)), axis=1)


def _built(folder: Path, text: str) -> ctypes._CFuncPtr:  # type: ignore[name-defined]
    """Compiled by what compiles the simulation of a network."""
    variables = environment()
    (folder / "snn.sv").write_text(text, encoding="utf-8")
    command = [*VERILATOR.command(), *_TRANSLATE, "-Mdir", str(folder), str(folder / "snn.sv")]
    _call("Verilator", command, variables, VERILATOR)
    (folder / "driver.cpp").write_text(DRIVER, encoding="utf-8")
    root = Path(variables["VERILATOR_ROOT"]) / "include"
    parts = [*sorted(p.name for p in folder.glob("Vsnn*.cpp")), "driver.cpp"]
    output = folder / "lanes.so"
    _compiled(folder / "all.cpp", parts, output, [f"-I{folder}", str(_runtime(root)), "-shared", "-lpthread"], root)
    return ctypes.CDLL(str(output)).snn2hw_lanes

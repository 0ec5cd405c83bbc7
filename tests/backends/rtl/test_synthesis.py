"""What a design takes of an FPGA: yosys on a tiny network, and everything of the report that needs no tool."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.backends import Exported
from snn2hw.backends.rtl.build import build
from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.estimate import of_module, resources
from snn2hw.backends.rtl.families import FAMILIES, Resources
from snn2hw.backends.rtl.place import NEXTPNR, Placed, placed
from snn2hw.backends.rtl.synthesis import BETWEEN, Synthesis, board, synthesise
from snn2hw.backends.rtl.yosys import NETLIST, YOSYS, netlist, script
from snn2hw.cli.export import _say
from snn2hw.errors import ExecutorUnavailableError, TargetError
from snn2hw.ir.network import Input, Network, Readout, Single
from snn2hw.layers import Linear
from snn2hw.target import Fpga, load_target
from tests.native.test_compiler import command
from tests.refused import refused
from tests.small_networks import neuron
from tests.tools import needs


@pytest.fixture(scope="module")
def design() -> Design:
    """Two inputs, three LIF neurons, two classes."""
    nodes = (
        Input("input", (), (2,), lo=0.0, hi=1.0, static=True, counts=False),
        Linear("fc", ("input",), (3,), weight=np.array([[0.5, 0.25], [1.0, -0.5], [0.125, 0.75]]), bias=np.zeros(3)),
        neuron("lif", "fc", (3,), Single(1.0), [0.0, 0.5]),
        Linear("out", ("lif",), (2,), weight=np.array([[0.5, 0.25, -1.0], [1.0, -0.5, 0.5]]), bias=np.zeros(2)),
        Readout("readout", ("out",), (2,)),
    )
    return build(snn2hw.compile(Network(2, nodes), np.linspace(0, 1, 8).reshape(4, 2)).network)


@pytest.fixture(scope="module")
def report(design: Design) -> Synthesis:
    needs(YOSYS)
    return synthesise(design, "ecp5-25k", place=False, cycles=(50.0, 40.0))


def test_every_layer_is_in_the_report_and_the_whole_is_their_sum(report: Synthesis) -> None:
    assert list(report.layers) == ["input", "fc", "lif", "out", "readout", BETWEEN]
    for key in ("luts", "ffs", "brams", "dsps", "lutrams", "carries"):
        assert getattr(report.whole, key) == sum(getattr(r, key) for r in report.layers.values())
    assert all(r.luts > 0 and r.ffs > 0 for r in report.layers.values())
    lif = report.layers["lif"]
    assert lif.lutrams >= 6  # the states
    assert (lif.brams, lif.dsps) == (0, 0)  # three states, and a leak of one half: no block and no multiplier is asked for
    assert 0 < report.whole.luts < 2_000
    assert (report.short, report.fits) == ((), True)


def test_yosys_reads_the_design_without_a_warning(report: Synthesis) -> None:
    assert (report.warnings, report.unknown) == ((), {})


def test_the_report_as_json_and_as_a_table(
    design: Design, report: Synthesis, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    made = json.loads(json.dumps(report.as_json()))
    assert made["layers"]["lif"]["ffs"] == report.layers["lif"].ffs
    assert made["whole"]["luts"] == report.whole.luts
    assert (made["board"], made["fits"], made["fmax"], made["latency_us"]) == ("ecp5-25k", True, None, None)
    assert made["units"] == {"luts": "LUT4", "ffs": "flip-flops", "brams": "EBR of 18 kbit", "dsps": "MULT18X18D"}
    _say(Exported(Path("here"), report=report.report()))
    shown = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines() if line.startswith("|")]
    names = ["layer", "LUT4", "LUT4 expected", "LUT4 as memory", "flip-flops", "flip-flops expected"]
    assert rows[0] == [*names, "EBR of 18 kbit", "EBR expected", "MULT18X18D", "MULT18X18D expected"]
    whole = report.whole
    expected = resources(design)
    pairs = (whole.luts, expected.luts, whole.lutrams, whole.ffs, expected.ffs, whole.brams, expected.brams, whole.dsps)
    assert ["all", *(f"{n:,}" for n in (*pairs, expected.dsps))] in rows
    assert ["ecp5-25k", "24,288", "", "", "24,288", "", "56", "", "28", ""] in rows
    assert made["expected"]["lif"]["luts"] == sum(of_module(m, design).luts for m in design.modules if m.node == "lif")
    assert "clock: not known; place and route was not asked for" in shown
    assert f"yosys {report.tools['yosys']}" in shown


def placed_report(fmax: float) -> Synthesis:
    layers = {"a": Resources(luts=10, ffs=5), "b": Resources(luts=30, brams=3, dsps=1)}
    has = Resources(luts=35, ffs=5, brams=2, dsps=1)
    return Synthesis(
        "mine", "a board", "ecp5", layers, layers, has, (), 100.0, fmax=fmax, path=("x", "y"),
        cycles=2_000.0, interval=1_600.0, tools={"yosys": "1"}
    )  # fmt: skip


def test_latency_and_throughput_are_those_of_the_clock_that_is_reached() -> None:
    made = placed_report(80.0)
    assert (made.latency, made.throughput) == (25.0, 50_000.0)
    assert made.lines() == [
        "fits mine",
        "clock: 80.0 MHz after place and route; the target of 100 MHz is missed",
        "its slowest path: x -> y",
        "a sample: 2,000 cycles alone, 25.0 us; one every 1,600 cycles, 50,000 a second",
        "each layer is optimised by itself, and the whole is their sum; yosys 1",
        "expected: before any tool has run, in look-up tables of four inputs; --budget, --board and --rate go by it",
    ]
    assert "the target of 100 MHz is reached" in placed_report(100.0).lines()[1]


def small_board(tmp_path: Path, luts: int, family: str = "ecp5") -> str:
    path = tmp_path / "mine.toml"
    text = (Path(__file__).parents[3] / "targets" / "ecp5-85k.toml").read_text(encoding="utf-8")
    text = text.replace("value = 83640", f"value = {luts}").replace(
        'family = { value = "ecp5"', f'family = {{ value = "{family}"'
    )
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_is_short_and_by_how_much(
    design: Design, report: Synthesis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The netlist itself is the one that was made above."""
    monkeypatch.setattr("snn2hw.backends.rtl.synthesis.netlist", lambda *_: Kept(report))
    told: list[tuple[str, int, int]] = []
    path = small_board(tmp_path, 100)
    made = synthesise(design, path, progress=lambda *step: told.append(step))
    assert told == [(f"yosys for {made.board}", 2, 4)]
    luts, ffs = report.whole.luts, report.whole.ffs
    assert made.short == (
        f"LUT4: {luts:,} of 100, {luts - 100:,} too many", f"flip-flops: {ffs:,} of 100, {ffs - 100:,} too many"
    )  # fmt: skip
    assert not made.fits
    assert made.lines()[0] == f"does not fit: {made.short[0]}"
    assert made.unplaced == "a design that does not fit is not placed"


class Kept:
    def __init__(self, report: Synthesis) -> None:
        self.layers, self.unknown, self.warnings, self.file = report.layers, report.unknown, report.warnings, Path("none")


@pytest.mark.parametrize("name", ["generic", "loihi2"])
def test_a_target_that_is_no_fpga(name: str) -> None:
    boards = "artix7-35t, ecp5-25k, ecp5-85k, gowin-9k, ice40-up5k"
    text = (
        f"this target is no FPGA that can be synthesised for\n  got:      '{name}'\n  expected: {boards}\n"
        "  do:       name one of these, or the path of a TOML file of your own with a section [fpga]"
    )
    with refused(TargetError, text):
        board(name)


def test_a_family_that_nobody_knows(tmp_path: Path) -> None:
    path = small_board(tmp_path, 100, "versal")
    text = (
        f"nothing is known of this family\n  got:      'versal' of '{path}'\n  expected: ecp5, ice40, xilinx, gowin\n"
        "  do:       name one of these, or the path of a TOML file of your own with a section [fpga]"
    )
    with refused(TargetError, text):
        board(path)


@pytest.mark.parametrize(
    ("says", "got"), [("echo 'x.sv:3: ERROR: no such thing'; exit 1", "x.sv:3: ERROR: no such thing"), ("exit 3", "exit code 3")]
)
def test_a_yosys_that_fails(design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, got: str) -> None:
    broken = command(tmp_path / "yosys", says)
    monkeypatch.setenv("SNN2HW_YOSYS", str(broken))
    (tmp_path / "work").mkdir()
    text = f"yosys failed\n  where:    {broken}\n  got:      {got}\n  do:       {YOSYS.remedies}"
    with refused(ExecutorUnavailableError, text):
        netlist(design, "ecp5", "25k", tmp_path / "work")


def test_a_yosys_that_does_not_end(design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = command(tmp_path / "yosys", "sleep 60")
    monkeypatch.setenv("SNN2HW_YOSYS", str(slow))
    (tmp_path / "work").mkdir()
    text = f"yosys failed\n  where:    {slow}\n  got:      it was not done after 0.3 seconds\n  do:       {YOSYS.remedies}"
    with refused(ExecutorUnavailableError, text):
        netlist(design, "ecp5", "25k", tmp_path / "work", 0.3)


@pytest.mark.parametrize(("family", "device", "line"), [
    ("ecp5", "85k", "synth_ecp5 -top snn_shell"), ("ice40", "up5k", "synth_ice40 -device u -dsp -top snn_shell"),
    ("xilinx", "xc7a35t", "synth_xilinx -family xc7 -flatten -top snn_shell"),
    ("gowin", "GW2AR-LV18QN88C8/I7", "synth_gowin -family gw2a -noiopads -top snn_shell"),
])  # fmt: skip
def test_the_commands_of_a_family(design: Design, family: str, device: str, line: str) -> None:
    lines = script(design, family, device).splitlines()
    assert line in lines
    assert ("scratchpad -set abc9.verify false" in lines) == (family == "ice40")
    assert "setattr -mod -set keep_hierarchy 1 *snn_scatter" in lines
    assert lines[-1] == f"write_json {NETLIST}"


def test_what_a_cell_takes() -> None:
    takes = FAMILIES["xilinx"].takes
    assert takes("LUT6") == Resources(luts=1)
    assert takes("RAM32M") == Resources(luts=4, lutrams=4)
    assert takes("RAMB36E1") == Resources(brams=2)
    assert takes("FDRE") == takes("FDCE_1") == Resources(ffs=1)
    assert takes("LUT6X") is None
    assert FAMILIES["gowin"].takes("MULT18X18") == Resources(dsps=2)
    assert FAMILIES["ecp5"].takes("TRELLIS_DPR16X4") == Resources(luts=6, lutrams=6)
    assert FAMILIES["ice40"].takes("SB_DFFESR") == Resources(ffs=1)


REPORT = {
    "fmax": {"clk": {"achieved": 91.5, "constraint": 100}},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [{"from": {"cell": "pin"}, "to": {"cell": "q"}}]},
        {
            "from": "posedge clk",
            "to": "posedge clk",
            "path": [
                {"from": {"cell": "network.a.v0_TRELLIS_FF_Q_5"}, "to": {"cell": "m"}},
                {"from": {"cell": "m"}, "to": {"cell": "b"}},
            ],
        },
    ],
    "utilization": {"TRELLIS_FF": {"used": 7, "available": 24288}, "DCUA": {"used": 0, "available": 1}},
}


def nextpnr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str) -> Path:
    """A netlist, and a nextpnr that does as it is told."""
    made = command(tmp_path / "nextpnr-ecp5", says)
    monkeypatch.setenv("SNN2HW_NEXTPNR_ECP5", str(made))
    (tmp_path / NETLIST).write_text("{}", encoding="utf-8")
    return tmp_path / NETLIST


CHIP = load_target("ecp5-25k").fpga or Fpga("", "", 0, 0, 0, 0)


def test_what_nextpnr_is_told_and_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = nextpnr(tmp_path, monkeypatch, f"echo \"$@\" > told; echo '{json.dumps(REPORT)}' > report.json")
    assert placed(file, CHIP, 120.0, seed=3) == Placed(91.5, ("network.a.v0", "b"), {"TRELLIS_FF": (7, 24288)})
    assert (tmp_path / "told").read_text() == (
        "--json netlist.json --25k --package CABGA381 --speed 6 --lpf-allow-unconstrained "
        "--freq 120 --timing-allow-fail --seed 3 --report report.json\n"
    )


@pytest.mark.parametrize(("says", "expected"), [
    ("echo 'ERROR: no place for it'; exit 1", "nextpnr-ecp5 failed: ERROR: no place for it"),
    ("exit 0", "nextpnr-ecp5 failed: it wrote no report"),
    ("sleep 60", "nextpnr-ecp5 failed: it was not done after 0.3 seconds"),
    ("echo '{\"fmax\": {}, \"critical_paths\": [], \"utilization\": {}}' > report.json",
     "nextpnr found no path between two registers"),
])  # fmt: skip
def test_a_nextpnr_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, expected: str) -> None:
    assert placed(nextpnr(tmp_path, monkeypatch, says), CHIP, 100.0, seconds=0.3 if "sleep" in says else 20.0) == expected


def test_what_cannot_be_placed(tmp_path: Path) -> None:
    family = Fpga("xilinx", "xc7a35t", 1, 1, 1, 1)
    assert placed(tmp_path / NETLIST, family, 100.0) == "there is no open place and route for the family 'xilinx' here"
    device = Fpga("ecp5", "write", 1, 1, 1, 1)
    assert str(placed(tmp_path / NETLIST, device, 100.0)).startswith("nextpnr-ecp5 has no device 'write': 12k, 25k, ")
    assert set(NEXTPNR) < set(FAMILIES)

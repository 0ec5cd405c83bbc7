"""How to add a format, as CONTRIBUTING says it: its very lines, as a package of somebody else; nothing of snn2hw is touched."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import FileFormatError, UsageError
from snn2hw.formats import network_files
from snn2hw.ir.network import Network
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli
from tests.house.instructions import block, package, touched
from tests.packages import installed
from tests.refused import refused

ROWS = "1 -0.5 0.25\n0.5 0.5 -1\n"
X = np.random.default_rng(0).random((8, 3))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the package is installed."""
    files = package("a format", tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "snn2hw_rows", raising=False)
    print(f"files to touch for a format: {len(files)} of its own package, 0 of snn2hw: {[f.name for f in files]}")
    assert tuple(f.name for f in files) == touched("a format").files
    return tmp_path / "site"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.rows"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_it_is_read_by_its_ending(site: Path, file: Path) -> None:
    net = snn2hw.read_network(file, 3)
    assert isinstance(net, Network)
    assert net.steps == 3
    made = snn2hw.compile(net, X)
    assert snn2hw.verify(made, X, executors=("reference", "onnx-reference")).different == {"onnx-reference": 0}
    assert (snn2hw.simulate(made, X).readout != 0).any()


def test_the_command_line_reads_it(site: Path, file: Path, tmp_path: Path, capsys: Capture) -> None:
    np.save(tmp_path / "x.npy", X)
    shown = run_cli(capsys, "inspect", file)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("network real steps=4\n")
    before = run_cli(capsys, "compile", file, "--sample", tmp_path / "x.npy", "--stop-after", "calibrate")
    assert (before.code, before.err) == (0, "")
    made = run_cli(capsys, "compile", file, "--sample", tmp_path / "x.npy", "--steps", 3, "--out", tmp_path / "net")
    assert (made.code, made.err) == (0, "")
    assert snn2hw.load(tmp_path / "net").network.steps == 3
    refusal(
        run_cli(capsys, "compile", file, "--stop-after", "calibrate"),
        f"a network needs samples to calibrate on\n  where:    {file}\n  got:      none\n  do:       give --sample FILE.npy",
    )
    refusal(
        run_cli(capsys, "compile", file, "--out", tmp_path / "other"),
        "a model needs samples to calibrate on\n  got:      none\n  expected: real samples\n  do:       give sample=x",
    )
    refusal(
        run_cli(capsys, "inspect", file, "--json"),
        "options that mean nothing to a .rows file\n  got:      --json\n  expected: none of these\n"
        "  do:       leave them out, or compile it first: its nodes are not integers yet",
    )


def test_what_it_refuses_says_place_and_remedy(site: Path, file: Path, tmp_path: Path, capsys: Capture) -> None:
    file.write_text("1 2\n3\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"this file holds no rows of weights\n  where:    .*x\.rows"):
        snn2hw.read_network(file)
    assert run_cli(capsys, "compile", file, "--sample", tmp_path / "x.npy").code == 2
    with pytest.raises(FileFormatError, match="No such file"):
        snn2hw.read_network(tmp_path / "none.rows")


def test_an_ending_that_nobody_reads_names_all_that_are(site: Path, tmp_path: Path) -> None:
    text = (
        "this is no network file\n  got:      x.toys\n  expected: *.net or *.nir or *.rows\n"
        "  do:       give a file with one of these endings, or compile the torch model itself: snn2hw compile MODULE:FACTORY"
    )
    with refused(UsageError, text):
        snn2hw.read_network("x.toys")


def test_two_formats_of_one_ending(site: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path / "b", "snn2hw-b", {"snn2hw_b.py": "read = 1"}, {"rows": "snn2hw_b:read"}, group="snn2hw.formats")
    monkeypatch.syspath_prepend(tmp_path / "b")
    text = (
        "two formats have one ending\n  got:      '*.rows' of {}\n"
        "  expected: an ending for each\n  do:       rename one of them, or uninstall its package"
    )
    with refused(UsageError, text.format("the package snn2hw-b 1.0 and of the package snn2hw-rows 1.0")):
        snn2hw.read_network(file)
    monkeypatch.setitem(network_files.READERS, ".rows", lambda path, steps: None)
    owners = "snn2hw itself and of the package snn2hw-b 1.0 and of the package snn2hw-rows 1.0"
    with refused(UsageError, text.format(owners)):
        snn2hw.read_network(file)


def test_a_package_that_cannot_be_imported(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "raise ValueError('one\\n  two')"
    installed(tmp_path / "c", "snn2hw-c", {"snn2hw_c.py": source}, {"rows": "snn2hw_c:read"}, group="snn2hw.formats")
    monkeypatch.syspath_prepend(tmp_path / "c")
    with refused(
        UsageError,
        "the package snn2hw-c 1.0, which reads *.rows files, cannot be imported\n  where:    snn2hw_c:read\n"
        "  got:      ValueError: one two\n  do:       update the package, or uninstall it",
    ):
        snn2hw.read_network(file)


def test_a_program_enters_one_for_as_long_as_it_runs(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, object] = {}
    exec(compile(block("a format", "python"), "snn2hw_rows.py", "exec"), names)
    monkeypatch.setitem(network_files.READERS, ".rows", names["read"])  # type: ignore[arg-type]
    assert snn2hw.read_network(file).steps == 4

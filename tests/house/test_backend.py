"""How to add a back end, as CONTRIBUTING says it: its very lines, as a package of somebody else; nothing of snn2hw is touched."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import backends
from snn2hw.errors import UnsupportedError, UsageError
from snn2hw.ir.network import Network
from tests.clean_environment import ROOT
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import conv, counts, events, flatten, lif, linear, network, neuron, normal, readout
from tests.packages import installed
from tests.refused import refused


def instructions() -> tuple[str, dict[str, str]]:
    """(the module, its entry points), as CONTRIBUTING prints them."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text[text.index("**a back end.**") : text.index("**a pass.**")]
    (module,) = re.findall(r"```python\n(.*?)```", section, re.S)
    (project,) = re.findall(r"```toml\n(.*?)```", section, re.S)
    header, *entries = project.strip().splitlines()
    assert header == '[project.entry-points."snn2hw.backends"]'
    return module, dict(re.fullmatch(r'(\w+) = "(.+)"', entry).groups() for entry in entries)  # type: ignore[union-attr, misc]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the package is installed; our own files are the same before and after."""
    module, entries = instructions()
    files = installed(tmp_path / "site", "snn2hw-toy", {"snn2hw_toy.py": module}, entries)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "snn2hw_toy", raising=False)
    written = [f for f in files if f.name != "METADATA"]
    print(f"files to touch for a back end: {len(written)} of its own package, 0 of snn2hw: {[f.name for f in written]}")
    assert sorted(f.name for f in written) == ["entry_points.txt", "snn2hw_toy.py"]  # the latter is pyproject.toml's
    assert not any(f.is_relative_to(ROOT / "snn2hw") for f in files)
    return tmp_path / "site"


def plain() -> Network:
    layers = linear("fc", "input", normal(0, 4, 3)), lif("n", "fc"), linear("head", "n", normal(1, 2, 4))
    return network(2, counts(3, hi=1), *layers, readout("head"))


@pytest.fixture
def artefact(tmp_path: Path) -> Artefact:
    return snn2hw.compile(plain(), events(plain()), out=tmp_path / "net")


def test_it_is_found_by_verify_simulate_and_export(package: Path, artefact: Artefact, tmp_path: Path) -> None:
    x = events(plain(), 6)
    assert snn2hw.verify(artefact, x, executors=("reference", "toy")).different == {"toy": 0}
    assert snn2hw.verify(artefact, executors=("reference", "toy", "onnx-reference")).equal
    assert (snn2hw.simulate(artefact, x, "toy").readout == snn2hw.simulate(artefact, x).readout).all()
    made = snn2hw.export(artefact, "toy", title="mine")
    assert made.path == tmp_path / "net" / "toy.txt"
    assert made.path.read_text().splitlines()[0] == "mine"
    assert snn2hw.load(tmp_path / "net").model == artefact.model  # what it wrote beside it harms nothing
    with refused(
        UsageError,
        """
        the back end 'toy' has no such option
          got:      vectors
          expected: title
          do:       leave out what it does not have
        """,
    ):
        snn2hw.export(artefact, "toy", vectors=3)


def test_it_is_found_by_the_command_line(
    package: Path, artefact: Artefact, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    net = tmp_path / "net"
    facts = {f["name"]: f for f in json.loads(run_cli(capsys, "backends", "--json").out)}
    assert (facts["toy"]["runs"], facts["toy"]["writes"], facts["toy"]["available"]) == (True, True, True)
    assert "linear layers and neurons, on a toy" in run_cli(capsys, "backends").out
    verified = json.loads(run_cli(capsys, "verify", net, "--executors", "reference,toy", "--json").out)
    assert verified["different"] == {"toy": 0, "vectors.npz": 0}
    assert "toy" in json.loads(run_cli(capsys, "verify", net, "--json").out)["compared"]  # nobody has to name it
    ran = run_cli(capsys, "simulate", net, "--executor", "toy")
    assert (ran.code, ran.err) == (0, "")
    assert "toy: " in ran.out
    ran = run_cli(capsys, "export", net, "--to", "toy", "--out", tmp_path / "x.txt", "--option", "title=5")
    assert (ran.code, ran.err, ran.out) == (0, "", f"written: {tmp_path / 'x.txt'}\n")
    assert (tmp_path / "x.txt").read_text().splitlines()[0] == "5"
    refusal(
        run_cli(capsys, "export", net, "--to", "toy", "--vectors", 3, "--replay", "--force"),
        "options that mean nothing to --to toy\n  got:      --vectors, --force, --replay\n  expected: those of toy\n"
        "  do:       leave them out",
    )
    refusal(
        run_cli(capsys, "export", net, "--to", "fpga"),
        "there is no such export\n  got:      'fpga'\n  expected: rtl, c, nir, toy\n  do:       name one of these",
    )
    refusal(
        run_cli(capsys, "export", net, "--to", "toy", "--option", "title"),
        "an option of a back end cannot be read\n  got:      --option title\n  expected: --option NAME=VALUE\n"
        "  do:       name the option, such as --option clock=100",
    )


def test_what_it_cannot_hold_is_said_at_once_and_nothing_runs(package: Path, capsys: Capture, tmp_path: Path) -> None:
    layers = (
        conv("c1", "input", normal(0, 2, 1, 3, 3)),
        lif("a", "c1"),
        conv("c2", "a", normal(1, 2, 2, 3, 3)),
        neuron("b", "c2"),
    )
    rest = (flatten("flat", "b"), linear("head", "flat", normal(2, 2, 2 * 2 * 2)), readout("head"))
    net = network(2, counts(1, 6, 6, hi=1), *layers, *rest)
    made = snn2hw.compile(net, events(net), out=tmp_path / "deep")
    do = "use linear layers, or the executor reference"
    line = "{} (Conv2d): this back end has no such layer: Conv2d (" + do + ")"
    both = f"{line.format('c1')}\n            {line.format('c2')}"
    text = (
        f"the network does not fit the back end 'toy'\n  got:      {both}\n"
        "  do:       change these layers, or choose another back end (`snn2hw backends` lists them)"
    )
    x = events(net)
    for use in (
        lambda: snn2hw.simulate(made, x, "toy"),
        lambda: snn2hw.verify(made, x, executors=("reference", "toy")),
        lambda: snn2hw.export(made, "toy"),
    ):
        with refused(UnsupportedError, text):
            use()
    verdict = snn2hw.verify(made, x, executors=("onnx-reference", "toy"))
    assert verdict.equal
    assert verdict.not_run == {"toy": f"{line.format('c1')}; {line.format('c2')}"}
    ran = run_cli(capsys, "verify", tmp_path / "deep")
    assert ran.code == 0  # nobody asked for it
    assert f"not run toy: {line.format('c1')}" in ran.out
    assert run_cli(capsys, "verify", tmp_path / "deep", "--executors", "reference,toy").code == 3


def test_a_program_finds_it_as_soon_as_it_is_on_the_path(package: Path) -> None:
    command = [sys.executable, "-c", "import snn2hw.backends as b; print(*b.backends())"]
    path = {"PYTHONPATH": f"{package}:{ROOT}", "PATH": ""}
    ran = subprocess.run(command, env=path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == list(backends())
    assert ran.stdout.split()[-1] == "toy"

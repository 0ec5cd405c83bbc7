"""Every verb with names that look like markup, emoji, escape sequences and lines of their own: they are shown, not obeyed."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.cli import certificate_table, console, verdict_table
from snn2hw.errors import UsageError
from snn2hw.ir.network import Network
from snn2hw.shown import plain
from snn2hw.target import targets_folder
from snn2hw.trace import read_npz
from snn2hw.verification.verdict import Verdict
from tests.cli.running import Capture, Ran, altered, run, script
from tests.hand_networks import counts, lif, linear, network, readout

NAMES = (
    "[/x][red][link=a]b[/] :smile:",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x9b2J",
    "a\nerror: b\r\u2028c",
    "\u202eabc z\u200bw $x^2$ %s {0}",
)
OBEYED = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]")


def named(name: str) -> Network:
    """T = 2; its neuron layer and its synapse are called so."""
    weight = np.random.default_rng(0).normal(0, 0.6, (3, 4))
    net = network(2, counts(4, hi=3), linear("fc", "input", weight), lif("fire", "fc"), readout("fire"))
    called = {"fc": f"fc {name}", "fire": f"fire {name}"}
    again: list[Any] = [
        replace(n, name=called.get(n.name, n.name), inputs=tuple(called.get(i, i) for i in n.inputs), source=f"{n.name} {name}")
        for n in net.nodes
    ]
    return Network(net.steps, tuple(again))


def looked_at(ran: Ran, *codes: int) -> str:
    """What was printed, which obeys nothing and has no traceback."""
    text = ran.out + ran.err
    assert OBEYED.search(text) is None, repr(text)
    assert "MarkupError" not in text
    assert "something went wrong inside" not in text, text
    assert "Traceback" not in text
    assert ran.code in codes, text
    return text


@pytest.fixture(scope="module", params=NAMES, ids=ascii)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled network in a folder, both of that name (which lies in name.txt)."""
    path: Path = tmp_path_factory.mktemp("names") / request.param.replace("/", "") / "net"
    sample = np.random.default_rng(1).integers(0, 4, (2, 5, 4))
    snn2hw.compile(named(request.param), sample, out=path)
    np.save(path.parent / "x.npy", sample)
    (path.parent / "name.txt").write_bytes(request.param.encode())
    return path


def name_in(folder: Path) -> str:
    return (folder.parent / "name.txt").read_bytes().decode()


def test_every_verb_shows_a_name(folder: Path, capsys: Capture) -> None:
    name, x = name_in(folder), folder.parent / "x.npy"
    shown = {verb: looked_at(run(capsys, *arguments), *codes) for verb, arguments, codes in [
        ("inspect", ("inspect", folder), (0,)),
        ("inspect a layer", ("inspect", folder, "--layer", f"fire {name}"), (0,)),
        ("inspect why", ("inspect", folder, "--why"), (0,)),
        ("json", ("inspect", folder, "--json"), (0,)),
        ("simulate", ("simulate", folder, "--input", x, "--out", folder.parent / "trace.npz"), (0,)),
        ("verify", ("verify", folder, "--executors", "reference,onnx-reference"), (0,)),
        ("check", ("check", folder), (0, 1)),
        ("diff", ("diff", folder, folder.parent / "trace.npz"), (0,)),
        ("c", ("export", folder, "--to", "c", "--out", folder.parent / "c"), (0,)),
    ]}  # fmt: skip
    other = altered(folder.parent / "trace.npz", lambda a: a.update({f"spikes/fire {name}": a[f"spikes/fire {name}"] ^ 1}))
    shown["difference"] = looked_at(run(capsys, "diff", folder, other), 1)
    for verb, text in shown.items():
        without = re.sub(r"[|\s]+", "", text)
        if verb not in ("inspect why", "json", "simulate", "verify", "c", "check", "diff"):
            assert re.sub(r"\s", "", plain(name)) in without, (verb, text)


def test_every_verb_refuses_a_name(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        for arguments in (
            (name,), ("compile", name), ("compile", f"{name}:{name}"), ("compile", f"{name}.nir"), ("compile", f"{name}.net"),
            ("compile", "x", "--target", name), ("compile", "x", f"--{name}"), ("compile", "x", "--steps", name),
            ("inspect", name), ("simulate", name), ("simulate", name, "--executor", name), ("verify", name), ("check", name),
            ("diff", name, name), ("export", name, "--to", name), ("targets", name), ("demo", "--target", name),
            ("demo", name), ("inspect", name, name),
        ):  # fmt: skip
            looked_at(run(capsys, *arguments), 2, 3)


def test_names_of_a_target(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "[b]\x1b[1m.toml"
    text = (targets_folder() / "generic.toml").read_text(encoding="utf-8")
    path.write_text(re.sub(r'(?m)^(source|says) = ".*"', r'\1 = "[/x] [red] \\u001b[31m"', text), encoding="utf-8")
    assert "[/x] [red]" in looked_at(run(capsys, "targets", path), 0)


def test_what_a_factory_says(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("hostile.py").write_text("def build():\n    raise ValueError('[/x]\\x1b[31m\\n  do: this')\n")
    text = looked_at(run(capsys, "compile", "hostile:build"), 2)
    assert r"ValueError: [/x]\x1b[31m\n  do: this" in text
    sys.modules.pop("hostile", None)


@pytest.mark.parametrize("name", NAMES)
def test_what_compile_and_verify_say_of_it(capsys: Capture, name: str) -> None:
    parts = ("what", "where", "got", "cause", "remedy")
    certificate_table.print_warnings([{part: f"{part} {name}" for part in parts}])
    verdict_table.print_verdict(Verdict([], {name: name, "b": name}, {name: 3}, {name: 0.0}, 1, 1, {name: 0}, {name: name}), name)
    console.print_error(UsageError(name, where=name, got=name, expected=name, do=name))
    seen = capsys.readouterr()
    text = looked_at(Ran(0, seen.out, seen.err), 0)
    assert [f"{part} {plain(name)}" for part in parts if f"{part} {plain(name)}" not in text] == []
    assert len([line for line in text.splitlines() if line.startswith("error:")]) == 1
    assert text.count("not run") == 3  # a row and a reason of b, a reason of the one that stopped
    assert "stopped" in text


@pytest.mark.parametrize("folder", [NAMES[1], *(pytest.param(n, marks=pytest.mark.slow) for n in NAMES if n != NAMES[1])],
                         ids=ascii, indirect=True)  # fmt: skip
def test_the_bytes_of_the_real_command(folder: Path) -> None:
    ran = script("inspect", folder, cwd=folder.parent.parent)
    looked_at(Ran(ran.returncode, ran.stdout, ran.stderr), 0)


def test_a_progress_bar_shows_a_name(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    name = "[/x]\x07\u202e"
    with console.progress(name) as tell:
        tell(name, 1, 2)
    seen = capsys.readouterr().err
    assert "[/x]\\x07\\u202e: [/x]\\x07\\u202e" in seen
    assert "\x07" not in seen


def test_the_next_command_can_be_copied(folder: Path, capsys: Capture) -> None:
    said = console.command("snn2hw", "verify", folder)
    assert shlex.split(said) == ["snn2hw", "verify", str(folder)]


def test_titles_of_pictures_are_no_mathematics(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from snn2hw.plot import write_plots

    net = named(r"$\frac{$ a_b [/x]")
    sample = np.random.default_rng(1).integers(0, 4, (2, 5, 4))
    artefact = snn2hw.compile(net, sample)
    for path in write_plots(net, artefact, sample[:, :1], sample[:, :1], tmp_path):
        assert path.stat().st_size > 1000


def test_a_trace_keeps_its_names(folder: Path) -> None:
    name = name_in(folder)
    assert f"spikes/fire {name}" in read_npz(folder / "vectors.npz")

"""Options that mean nothing to what they are given with are refused before anything is done, not ignored."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.target import target_names
from tests.cli.running import Capture, Compile, listing, refusal
from tests.cli.running import run as run_cli

LEAVE = "leave them out: "
CASES = [
    (("--dt", "nan"), "a torch model", "--dt", "they are for .nir files"),
    (("--convention", "nonsense"), "a torch model", "--convention", "they are for .nir files"),
    (("--convention", "norse", "--dt", "1e-3"), "a torch model", "--convention, --dt", "they are for .nir files"),
    (("--stop-after", "fold", "--out", "net"), "--stop-after", "--out", "the network is printed, nothing is written"),
]


@pytest.mark.torch
@pytest.mark.parametrize(("more", "kind", "got", "do"), CASES)
def test_of_compile(compiling: Compile, work: Path, more: tuple[str, ...], kind: str, got: str, do: str) -> None:
    before = listing(work)
    text = f"options that mean nothing to {kind}\n  got:      {got}\n  expected: none of these\n  do:       {LEAVE}{do}"
    refusal(compiling("build", *more), text)
    assert listing(work) == before


def test_weights_of_a_network_file(capsys: Capture, tmp_path: Path) -> None:
    refusal(
        run_cli(capsys, "compile", tmp_path / "a.net", "--weights", "w.safetensors"),
        "options that mean nothing to a network file\n  got:      --weights\n  expected: none of these\n"
        "  do:       leave them out: the file holds its weights",
    )


def test_of_inspect(capsys: Capture, build: Path) -> None:
    refusal(
        run_cli(capsys, "inspect", build / "net", "--json", "--layer", "cf"),
        "options that mean nothing to --json\n  got:      --layer\n  expected: none of these\n"
        "  do:       leave them out: it prints the whole network",
    )


def test_a_target_that_is_none_is_said_before_the_demo_trains(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr("snn2hw.cli.demo.run_demo", lambda *given, **more: begun.append(given) or 0)
    ran = run_cli(capsys, "demo", "--target", "foo", "--out", tmp_path / "demo")
    refusal(
        ran,
        "unknown target\n  got:      'foo'\n"
        f"  expected: {', '.join(target_names())}\n"
        "  do:       name one of these, or the path of a TOML file of your own (see `snn2hw targets`)",
    )
    assert begun == []
    assert run_cli(capsys, "demo", "--target", "loihi1", "--out", tmp_path / "demo").code == 0
    assert [target for _, _, target in begun] == ["loihi1"]


@pytest.mark.torch
def test_a_target_that_is_none_is_said_before_a_model_is_made(compiling: Compile, work: Path) -> None:
    ran = compiling("fails", "--target", "foo")  # its factory raises
    assert ran.code == 2
    assert ran.err.startswith("error: unknown target\n  got:      'foo'\n")


@pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason="the extra 'netx' is not installed")
@pytest.mark.parametrize(
    ("more", "text"),
    [
        (
            ("--stop-after", "fold"),
            "this file holds integers already, which no pass changes\n  where:    {path}\n  got:      --stop-after fold\n"
            "  expected: a compilation to the end\n  do:       leave it out; `snn2hw inspect` prints the network",
        ),
        (
            ("--target", "generic"),
            "the integers of this network are for another target\n  where:    {path}\n  got:      generic\n  expected: loihi2\n"
            "  do:       leave the target out; only models with real parameters are lowered to one",
        ),
    ],
)
def test_of_a_file_that_holds_integers(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], text: str
) -> None:
    from tests.netx_files import dense, events_input, write_net

    path = write_net(tmp_path / "a.net", [events_input((4,)), dense(np.full((3, 4), 2), vThMant=10)])
    monkeypatch.chdir(tmp_path)
    before = listing(tmp_path)
    refusal(run_cli(capsys, "compile", path, "--steps", "6", *more), text.format(path=path))
    assert listing(tmp_path) == before


@pytest.mark.torch
def test_forgetting_the_steps_says_how_the_sample_was_read(compiling: Compile, work: Path) -> None:
    refusal(
        compiling("build", steps=None),
        "the sample has too few axes, or is empty\n  where:    sample\n  got:      [9, 6]\n"
        "  expected: [N, ...] with steps, [T, N, ...] without\n"
        "  do:       give steps=T (--steps T) where it is [N, ...], static samples to be shown T times",
    )
    np.save("x.npy", np.full((5, 2, 3, 2), 0.5))
    ran = compiling("build", steps=None)
    assert ran.code == 2
    assert "the sample [5, 2, 3, 2] was read as [T, N, ...]: 5 steps of 2 samples [3, 2]" in ran.err
    assert "give steps=T (--steps T) where it is [N, ...]" in ran.err

"""`snn2hw export --to nir`, and what the other commands make of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

import snn2hw
from tests import hand_networks as by_hand
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli

pytest.importorskip("nir", reason="writing .nir files needs the nir extra")


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiled folder `net`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    made = by_hand.one_neuron(by_hand.neuron("n", "fc"))
    snn2hw.compile(made, by_hand.sample_of(made), out="net")
    return Path("net")


def test_there_and_back(capsys: Capture, net: Path) -> None:
    ran = run_cli(capsys, "export", net, "--to", "nir", "--out", "made/net.nir")
    assert (ran.code, ran.err) == (0, "")
    assert "| n     | P(u) is its tangent at rest |" in ran.out
    assert ran.out.splitlines()[-1] == "written: made/net.nir    next: snn2hw compile made/net.nir"
    shown = run_cli(capsys, "inspect", "made/net.nir")
    assert shown.code == 0
    assert "program LNM" in shown.out
    assert shown.out.splitlines()[1].startswith("made/net.nir: target generic, T = ")
    assert run_cli(capsys, "inspect", "made/net.nir", "--layer", "n", "--why").code == 0
    ran = run_cli(capsys, "compile", "made/net.nir", "--out", "again")
    assert (ran.code, ran.err) == (0, "")
    assert Path("again/model.onnx").read_bytes() == (net / "model.onnx").read_bytes()
    assert run_cli(capsys, "verify", "again", "--executors", "reference,onnx-reference").code == 0


def test_the_convention_is_taken(capsys: Capture, net: Path) -> None:
    assert run_cli(capsys, "export", net, "--to", "nir", "--convention", "norse", "--dt", "0.002").code == 0
    import nir

    made = nir.read(net / "model.nir").nodes["n"]
    assert made.r.tolist() == [1, 1]
    assert (made.tau > 0.002).all()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("--to", "nir", "--vectors", "3", "--replay"), "options that mean nothing to --to nir\n  got:      --vectors, --replay\n"
         "  expected: those of nir\n  do:       leave them out"),
        (("--to", "c", "--dt", "1"), "options that mean nothing to --to c\n  got:      --dt\n  expected: those of c\n"
         "  do:       leave them out"),
        (("--to", "nir", "--out", "net.onnx"), "this is no name for a NIR file\n  got:      net.onnx\n  expected: *.nir\n"
         "  do:       name it so, such as net.nir"),
        (("--to", "nir", "--out", "net/manifest.json/x.nir"), "the file cannot be written\n  where:    net/manifest.json/x.nir\n"
         "  got:      Not a directory\n  do:       choose a folder you can write to"),
        (("--to", "nir", "--convention", "brian"), "a NIR file does not say how its neurons are stepped\n  got:      'brian'\n"
         "  expected: norse, sinabs, snntorch, lava, rockpool, spikingjelly, or a Convention\n"
         "  do:       give the writer's: convention='norse' (--convention norse), or state your own, dt first (--dt 1e-4)"),
    ],
)  # fmt: skip
def test_refused(capsys: Capture, net: Path, given: tuple[str, ...], text: str) -> None:
    refusal(run_cli(capsys, "export", net, *given), text)
    assert not list(Path().rglob("*.nir"))


def test_a_changed_file(capsys: Capture, net: Path) -> None:
    import h5py

    assert run_cli(capsys, "export", net, "--to", "nir", "--out", "x.nir").code == 0
    with h5py.File("x.nir", "r+") as file:
        file["node/nodes/n/v_threshold"][...] = 2
    for command in (("inspect", "x.nir"), ("compile", "x.nir", "--out", "again")):
        ran = run_cli(capsys, *command)
        assert ran.code == 2
        assert ran.err.startswith("error: this file was changed after snn2hw wrote it")
    assert not Path("again").exists()

"""NIR files on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.passes.pipeline import PIPELINE
from tests.cli.running import Capture
from tests.cli.running import run as run_cli
from tests.nir_cases import chain, linear
from tests.nir_files import affine, integrator, lif, looped, write

pytest.importorskip("nir", reason="reading .nir files needs the nir extra")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with x.nir and x.npy."""
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", np.random.default_rng(0).integers(0, 2, (8, 4, 3)))
    return write(Path("x.nir"), chain(affine(np.eye(3) * 2), lif(3), linear(), integrator(3)))


def test_compile_and_verify(capsys: Capture, here: Path) -> None:
    ran = run_cli(capsys, "compile", here, "--sample", "x.npy", "--convention", "norse", "--target", "loihi2", "--out", "net")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[: len(PIPELINE)] == [f"{p.name:>10}  {p.says}" for p in PIPELINE]
    assert "net: target loihi2, T = 8, convention norse, dt 0.001, file x.nir" in ran.out
    assert snn2hw.load("net").manifest["origin"] == {"convention": "norse", "dt": 0.001, "file": "x.nir"}
    assert "convention norse, dt 0.001, file x.nir" in run_cli(capsys, "inspect", "net").out
    assert ran.out.splitlines()[-1] == "written: net    next: snn2hw verify net"
    assert run_cli(capsys, "verify", "net", "--executors", "reference,onnx-reference").code == 0
    x = np.load("x.npy")
    network = snn2hw.read_network(here, sample=x, convention="norse")
    assert snn2hw.compile(network, x, target="loihi2").model == Path("net/model.onnx").read_bytes()


def test_the_step_and_the_widths_are_taken(capsys: Capture, here: Path) -> None:
    given = ("compile", here, "--sample", "x.npy", "--convention", "norse", "--dt", "0.0005", "--state-bits", 12)
    assert run_cli(capsys, *given, "--out", "net").code == 0
    assert snn2hw.load("net").manifest["options"]["state_bits"] == 12
    x, options = np.load("x.npy"), snn2hw.Options(state_bits=12)
    network = snn2hw.read_network(here, sample=x, convention="norse", dt=5e-4)
    assert snn2hw.compile(network, x, options=options).model == Path("net/model.onnx").read_bytes()
    shown = run_cli(capsys, *given, "--stop-after", "calibrate")
    assert shown.code == 0
    assert shown.out.startswith("network real steps=8")


def test_inspect_shows_the_nodes_of_the_file(capsys: Capture, here: Path) -> None:
    ran = run_cli(capsys, "inspect", here)
    assert (ran.code, ran.err) == (0, "")
    for expected in (
        "x.nir: as it is, before a convention",
        "| 1      | LIF    | 0     | tau [0.002, 0.002, 0.002];",
        "shape [3]",
    ):
        assert expected in ran.out
    assert (
        ran.out.splitlines()[-1] == "next: snn2hw compile x.nir --sample x.npy --convention norse|sinabs|snntorch|lava|rockpool"
    )


def test_inspect_shows_a_recurrent_edge_as_one(capsys: Capture, here: Path) -> None:
    write(here, looped(lif(3)))
    ran = run_cli(capsys, "inspect", here)
    (edge,) = [line for line in ran.out.splitlines() if line.startswith("| 1.back")]
    assert [cell.strip() for cell in edge.strip("|").split("|")] == ["1.back", "Feedback", "1", "one step late"]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("compile", "x.nir", "--sample", "x.npy"), "a NIR file does not say how its neurons are stepped"),
        (("compile", "x.nir", "--convention", "norse"), "a NIR file needs samples, which say how far its states reach"),
        (
            ("compile", "x.nir", "--sample", "x.npy", "--convention", "rockpool"),
            "a LIF has no meaning in the convention 'rockpool'",
        ),
        (("compile", "none.nir", "--sample", "x.npy", "--convention", "norse"), "there is no such file"),
        (("inspect", "none.nir"), "there is no such file"),
        (("inspect", "broken.nir"), "this is not an HDF5 file, or it is damaged"),
        (("compile", "x.net", "--convention", "norse"), "--convention and --dt are for .nir files"),
    ],
)
def test_bad_input_is_an_error_and_no_traceback(capsys: Capture, here: Path, given: tuple[str, ...], text: str) -> None:
    Path("broken.nir").write_bytes(b"broken")
    ran = run_cli(capsys, *given)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {text}\n")
    assert not Path("build").exists()


def test_endings_in_capitals_and_of_the_container(capsys: Capture, here: Path) -> None:
    loud = here.rename("x.NIR")
    assert run_cli(capsys, "inspect", loud).code == 0
    assert run_cli(capsys, "compile", loud, "--sample", "x.npy", "--convention", "norse", "--out", "net").code == 0
    named = loud.rename("x.h5")
    for given in (("inspect", named), ("compile", named, "--sample", "x.npy", "--convention", "norse")):
        ran = run_cli(capsys, *given)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == (
            "error: the ending of this file does not say which network format it is in\n  where:    x.h5\n"
            "  got:      *.h5 with node, version\n  expected: *.net, *.nir\n"
            "  do:       give it the ending .nir, as its group 'node' is that of a NIR network\n"
        )
    assert run_cli(capsys, "inspect", "none.h5").err.startswith("error: there is no such file\n")

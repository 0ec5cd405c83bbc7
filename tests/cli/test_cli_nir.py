"""NIR files on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.formats.nir.presets import stateable
from snn2hw.passes.pipeline import PIPELINE
from tests.cli.running import Capture
from tests.cli.running import run as run_cli
from tests.netx_files import conv, dense, write_net
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
        ran.out.splitlines()[-1]
        == "next: snn2hw compile x.nir --sample x.npy --convention norse|sinabs|snntorch|lava|rockpool|spikingjelly"
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
        (("compile", "x.net", "--convention", "norse"), "only .nir files have neurons of a convention"),
    ],
)
def test_bad_input_is_an_error_and_no_traceback(capsys: Capture, here: Path, given: tuple[str, ...], text: str) -> None:
    Path("broken.nir").write_bytes(b"broken")
    ran = run_cli(capsys, *given)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {text}\n")
    assert not Path("build").exists()


def test_a_convention_is_stated_field_by_field(capsys: Capture, here: Path) -> None:
    given = ("compile", here, "--sample", "x.npy", "--convention", "snntorch", "--out", "net")
    write(here, chain(affine(np.eye(3) * 2), lif(3), linear(), lif(3)))
    ran = run_cli(capsys, *given)
    assert ran.code == 0
    assert ran.err.startswith("warning: a file of snnTorch does not say how its neurons are reset\n  where:    x.nir: 1, 3\n")
    ran = run_cli(capsys, *given, "--reset", "subtract", "--when", "next", "--threshold", "inclusive", "--dt", "0.0005")
    assert (ran.code, ran.err) == (0, "")
    assert "convention snntorch, dt 0.0005, reset subtract, when next, threshold inclusive, file x.nir" in ran.out
    x, stated = np.load("x.npy"), {"reset": "subtract", "when": "next", "threshold": "inclusive"}
    network = snn2hw.read_network(here, sample=x, convention="snntorch", dt=5e-4, **stated)
    assert snn2hw.compile(network, x).model == Path("net/model.onnx").read_bytes()
    assert run_cli(capsys, "verify", "net", "--executors", "reference,onnx-reference").code == 0


def test_every_field_has_an_option_of_its_name(capsys: Capture, here: Path) -> None:
    more = [
        *("--dt", "0.0005", "--method", "exponential", "--reset", "subtract", "--when", "now", "--threshold", "inclusive"),
        *("--start", "v_leak", "--levels", "3", "--if-floor", "--lif-input", "unit", "--if-input", "ode", "--late-synapses"),
        *("--cuba-input", "decayed", "--cuba-r", "read"),
    ]
    assert {o.removeprefix("--").replace("-", "_") for o in more if o.startswith("--")} == set(stateable())
    ran = run_cli(capsys, "compile", here, "--sample", "x.npy", *more, "--out", "net")
    assert (ran.code, ran.err) == (0, "")
    assert snn2hw.load("net").manifest["origin"] == {
        "convention": "Convention", "dt": 0.0005, "method": "exponential", "lif_input": "unit", "if_input": "ode",
        "reset": "subtract", "threshold": "inclusive", "start": "v_leak", "levels": "3", "if_floor": "True",
        "late_synapses": "True", "cuba_input": "decayed", "file": "x.nir",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("--levels", "many"), "--levels is no number of spikes\n  got:      'many'\n  expected: 1 to 16, or any\n"),
        (("--reset", "half"), "unknown reset\n  where:    norse\n  got:      'half'\n"),
        (("--levels", "3"), "several spikes in a step need reset='subtract'\n  where:    norse\n"),
    ],
)
def test_fields_that_are_none(capsys: Capture, here: Path, more: tuple[str, ...], text: str) -> None:
    ran = run_cli(capsys, "compile", here, "--sample", "x.npy", "--convention", "norse", *more)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {text}")


def test_steps_for_a_file_that_does_not_say_them(capsys: Capture, here: Path) -> None:
    write_net(Path("x.net"), [dense(np.ones((2, 3)) * 40)], steps=None)
    ran = run_cli(capsys, "inspect", "x.net")
    assert ran.code == 2
    assert ran.err.endswith("  do:       give steps (--steps)\n")
    ran = run_cli(capsys, "inspect", "x.net", "--steps", 9)
    assert (ran.code, ran.err) == (0, "")
    assert "target loihi2, T = 9" in ran.out
    ran = run_cli(capsys, "inspect", here, "--steps", 9)
    assert ran.err.startswith("error: options that mean nothing to a .nir file\n  got:      --steps\n")
    run_cli(capsys, "compile", "x.net", "--steps", 9, "--out", "net")
    ran = run_cli(capsys, "inspect", "net", "--steps", 9)
    assert ran.err.startswith("error: options that mean nothing to a compiled model\n  got:      --steps\n")


def test_a_convolution_first_takes_the_shape_of_the_sample(capsys: Capture, here: Path) -> None:
    write_net(Path("x.net"), [conv(np.ones((2, 1, 2, 2)) * 30, (2, 2, 2))])
    np.save("images.npy", np.random.default_rng(0).integers(0, 2, (6, 2, 1, 3, 3)))
    assert run_cli(capsys, "compile", "x.net", "--out", "net").err.startswith(
        "error: the file does not say how large its input is"
    )
    assert run_cli(capsys, "compile", "x.net", "--sample", "images.npy", "--out", "net").code == 0
    assert snn2hw.load("net").network.nodes[0].shape == (1, 3, 3)


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

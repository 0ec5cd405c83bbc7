"""How to add a chip, as CONTRIBUTING says it: a TOML file of one's own, by its path; nothing of snn2hw is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import Snn2hwWarning, UnsupportedError
from snn2hw.ir.network import Network
from snn2hw.layers import IntSynapse
from snn2hw.target import load_target
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli
from tests.hand_networks import counts, events, lif, linear, network, neuron, normal, readout
from tests.house.instructions import block, touched


@pytest.fixture
def chip(tmp_path: Path) -> str:
    path = tmp_path / "toychip.toml"
    path.write_text(block("a chip", "toml"), encoding="utf-8")
    print(f"files to touch for a chip: 1 of one's own, 0 of snn2hw: {[path.name]}")
    assert touched("a chip").files == (path.name,)
    return str(path)


def plain(hidden: int) -> Network:
    layers = linear("fc", "input", normal(0, hidden, 3)), lif("n", "fc"), linear("head", "n", normal(1, 2, hidden))
    return network(2, counts(3, hi=1), *layers, readout("head"))


def test_a_network_is_compiled_for_it_and_keeps_to_it(chip: str, tmp_path: Path) -> None:
    net = plain(16)
    made = snn2hw.compile(net, events(net), target=chip, out=tmp_path / "net", options=snn2hw.Options(state_bits=12))
    assert made.network.target == "toychip"
    (n,) = made.network.neurons
    limits = load_target(chip).lowering
    assert all(i.format.width <= limits.accumulator_bits for i in n.program.instructions)
    assert all(i.format.width <= limits.state_bits for i in n.program.states.values())
    weights = [layer.weight for layer in made.network.nodes if isinstance(layer, IntSynapse)]
    assert len(weights) == 2
    assert all(np.abs(w.astype(int)).max() < 2 ** (limits.weight_bits - 1) for w in weights)
    assert snn2hw.verify(made, events(net), executors=("reference", "onnx-reference")).different == {"onnx-reference": 0}
    assert not snn2hw.check(tmp_path / "net").failures
    assert snn2hw.load(tmp_path / "net").network.target == "toychip"


def test_what_it_cannot_do_is_said_before_anything_is_computed(chip: str) -> None:
    layers = linear("fc", "input", normal(0, 4, 3)), neuron("n", "fc", reset="value"), linear("head", "n", normal(1, 2, 4))
    net = network(2, counts(3, hi=1), *layers, readout("head"))
    with pytest.raises(UnsupportedError, match="toychip") as caught:
        snn2hw.compile(net, events(net), target=chip)
    assert "reset" in str(caught.value)
    assert "n (LNM)" in str(caught.value)
    large = plain(17)
    with pytest.warns(Snn2hwWarning, match=r"cause: +toychip.toml states 16 neurons a chip \(neurons \* cores_per_chip\)"):
        snn2hw.compile(large, events(large), target=chip, options=snn2hw.Options(state_bits=12))


def test_its_schemes_are_explained_with_its_file(chip: str, tmp_path: Path, capsys: Capture) -> None:
    file = Path(chip)
    file.write_text(file.read_text().replace("state_multiply = { value = false", "state_multiply = { value = true"))
    layers = linear("fc", "input", normal(0, 4, 3)), neuron("n", "fc"), linear("head", "n", normal(1, 2, 4))
    net = network(2, counts(3, hi=1), *layers, readout("head"))
    out = tmp_path / "net"
    snn2hw.compile(net, events(net), target=chip, out=out, options=snn2hw.Options(state_bits=12))
    ran = run_cli(capsys, "inspect", out, "--why", "--target", chip)
    assert (ran.code, ran.err) == (0, "")
    assert "taken" in ran.out
    refusal(
        run_cli(capsys, "inspect", out, "--why", "--target", "generic"),
        "the network was compiled for another target\n  got:      generic\n  expected: toychip\n"
        "  do:       name that one, or the TOML file of it",
    )
    refusal(
        run_cli(capsys, "inspect", out, "--target", chip),
        "options that mean nothing to a network without --why\n  got:      --target\n  expected: none of these\n"
        "  do:       leave it out",
    )
    assert run_cli(capsys, "inspect", out, "--why").err.startswith("error: unknown target\n  got:      'toychip'\n")


def test_the_command_line_prints_it(chip: str, capsys: Capture) -> None:
    ran = run_cli(capsys, "targets", chip)
    assert (ran.code, ran.err) == (0, "")
    assert "toychip: Two cores, states of 12 bits" in ran.out
    assert "our notes, page 3" in ran.out

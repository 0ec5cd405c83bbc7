"""`snn2hw estimate` on the command line, and what `inspect` says of products."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from snn2hw.cli.estimate_table import said_of
from snn2hw.estimation.break_even import BreakEven
from snn2hw.target import targets_folder
from tests.cli.running import Capture, refusal, run


def test_one_target(build: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    ran = run(capsys, "estimate", str(build / "net"), "--target", "loihi1")
    assert ran.code == 0
    for said in (
        "on loihi1: Intel Loihi", "counted on", "the conformance vectors of the model", "energy of a sample", "(relative only:",
        "SynapticOperations.Effective_ACs", "MembraneUpdates", "break-even, 45 nm table", "latency: no cycle of it is public",
        "energy: confidence P", "source: Davies 2018, table 2: 23.6",
    ):  # fmt: skip
        assert said in " ".join(ran.out.split()), said


SHARE = "where a step uses fewer than 17.6 % of its connections"
NEVER = "never: its neurons alone take more"


@pytest.mark.parametrize(
    ("with_memory", "arithmetic", "says"),
    [
        (0.176, 1.505, f"{SHARE} (always, if memory cost nothing)"),
        (-0.1, 0.176, f"{NEVER} ({SHARE}, if memory cost nothing)"),
        (-0.1, 0.0, f"{NEVER} ({NEVER}, if memory cost nothing)"),
        (1.0, 1.001, "where a step uses fewer than 100.0 % of its connections (always, if memory cost nothing)"),
    ],
)
def test_where_the_break_even_lies(with_memory: float, arithmetic: float, says: str) -> None:
    graded, binary = (said_of(BreakEven(4, 0.317, part, arithmetic, with_memory, 533e-9, 351e-9)) for part in (0.19, 0.0))
    assert graded[1] == binary[1] == f"this one takes less energy {says}"
    here, costs = "here a step uses 31.7 % of its connections", "533 nJ in 4 steps; the other takes 351 nJ"
    assert graded[2] == f"{here} (19 % of these by graded values, which are multiplied): {costs}"
    assert binary[2] == f"{here}: {costs}"


def test_without_a_price_there_is_no_column_of_energies(build: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    priced, free = (run(capsys, "estimate", str(build / "net"), "--target", chip).out for chip in ("loihi1", "generic"))
    for text, columns in ((priced, 9), (free, 8)):
        (heads,) = (line for line in text.splitlines() if line.startswith("| layer"))
        assert heads.count("|") == columns + 1


def test_a_network_on_several_chips(build: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    small, stated = build / "small.toml", '{{ value = {}, confidence = "K", source = "page 1" }}'
    cores = f"[cores]\ncores_per_chip = {stated.format(1)}\nneurons = {stated.format(100)}\n"
    small.write_text((targets_folder() / "generic.toml").read_text(encoding="utf-8") + cores, encoding="utf-8")
    command = ("estimate", str(build / "net"), "--target", str(small))
    said = json.loads(run(capsys, *command, "--json").out)
    assert said["cores"] == said["chips"] > 1
    assert f" {said['cores']} on {said['chips']} chips " in run(capsys, *command).out


def test_as_json(build: Path, capsys: Capture) -> None:
    ran = run(capsys, "estimate", str(build / "net"), "-t", "loihi1", "--json")
    assert ran.code == 0
    said = json.loads(ran.out)
    assert said["target"] == "loihi1"
    assert said["energy_joules"]["low"] < said["energy_joules"]["value"] < said["energy_joules"]["high"]
    assert said["latency_seconds"] is None
    assert set(said["operations"]["SynapticOperations"]) == {"Effective_MACs", "Effective_ACs", "Dense"}
    assert "mapping" not in said
    assert {"Conv2d", "Linear", "LIF"} <= {layer["kind"] for layer in said["layers"].values()}


def test_samples_and_the_time_of_a_step(build: Path, capsys: Capture) -> None:
    given = ("-i", str(build / "x.npy"), "--step-time", "10ms", "--json")
    ran = run(capsys, "estimate", str(build / "net"), "-t", "xylo-audio-2", *given)
    assert ran.code == 0
    said = json.loads(ran.out)
    assert (said["samples"], said["on"]) == (6, "the samples that were given")
    assert said["latency_seconds"]["value"] == pytest.approx(0.01 * said["steps"])


@pytest.mark.parametrize("given", ["10", "ms", "-1ms", "0s", "nan s", "1e9s", "10 min"])
def test_a_time_that_is_none(build: Path, capsys: Capture, given: str) -> None:
    ran = run(capsys, "estimate", str(build / "net"), "-t", "loihi1", "--step-time", given)
    refusal(
        ran,
        f"a step lasts no such time\n  where:    --step-time\n  got:      '{given}'\n"
        "  expected: a number above 0 and s, ms, us or ns\n  do:       state it so: 10ms",
    )


def test_the_mapping_is_written_and_named(build: Path, capsys: Capture) -> None:
    out = build / "mapping.json"
    ran = run(capsys, "estimate", str(build / "net"), "-t", "loihi1", "--mapping", str(out), "--json")
    assert json.loads(ran.out)["cores"] == len(json.loads(out.read_text())["cores"])
    assert json.loads(out.read_text())["network"] == "net"
    again = run(capsys, "estimate", str(build / "net"), "-t", "loihi1", "--mapping", str(build / "again.json"))
    assert f"written: {build / 'again.json'}" in again.out
    assert json.loads((build / "again.json").read_text()) == json.loads(out.read_text())


def test_the_mapping_is_drawn(build: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    ran = run(capsys, "estimate", str(build / "net"), "-t", "loihi1", "--picture", str(build / "cores.png"))
    assert f"written: {build / 'cores.png'}" in ran.out
    assert (build / "cores.png").read_bytes().startswith(b"\x89PNG")


def test_a_target_without_cores_has_no_mapping(build: Path, capsys: Capture) -> None:
    out = build / "mapping.json"
    refusal(
        run(capsys, "estimate", str(build / "net"), "-t", "generic", "--mapping", str(out)),
        f"there is no mapping to write\n  where:    {out}\n  got:      generic: it has no cores\n"
        "  expected: a target with cores, and room on it for every layer\n"
        "  do:       leave --mapping and --picture out, or name another target",
    )
    assert not out.exists()
    ran = run(capsys, "estimate", str(build / "net"), "-t", "all", "--mapping", str(out))
    assert ran.code == 2
    assert "name one target" in ran.err


@pytest.mark.slow
def test_all_targets(build: Path, capsys: Capture) -> None:
    ran = run(capsys, "estimate", str(build / "net"), "--target", "all")
    assert ran.code == 0
    for name in ("akida-1000", "cortex-m4", "ecp5-85k", "loihi2", "truenorth", "computer"):
        assert name in ran.out
    assert len(json.loads(run(capsys, "estimate", str(build / "net"), "--target", "all", "--json").out)) > 15


def test_inspect_says_how_many_products_a_step_has(build: Path, capsys: Capture) -> None:
    ran = run(capsys, "inspect", str(build / "net"))
    assert ran.code == 0
    assert "MACs" in ran.out
    assert " weights, " in ran.out

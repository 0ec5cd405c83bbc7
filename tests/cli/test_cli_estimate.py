"""`snn2hw estimate` on the command line, and what `inspect` says of products."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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

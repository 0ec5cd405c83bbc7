from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import snn2hw
from snn2hw.passes.polynomials.search import Candidate
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli
from tests.stored import contents, edit_model
from tests.test_store_tampering import initializers


def edit_certificate(folder: Path, layer: str, claim: str, value: Any) -> None:
    path = folder / "certificate.json"
    certificate = json.loads(path.read_text())
    (found,) = [n for n in certificate["layers"] if n["layer"] == layer]
    found["values"][claim] = value
    path.write_text(json.dumps(certificate))


def rows(out: str) -> list[list[str]]:
    return [line.replace("|", " ").split() for line in out.splitlines()]


def lower_threshold(model: Any) -> None:
    from onnx import numpy_helper

    tensor = initializers(model)["lnm.threshold"]
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) - 1, tensor.name))


def test_check_of_what_was_compiled(capsys: Capture, build: Path) -> None:
    before = contents(build)
    ran = run_cli(capsys, "check", build / "net")
    assert (ran.code, ran.err) == (0, "")
    assert "verified bounds, for every state and every input" in ran.out
    claims = snn2hw.check(build / "net").claims
    assert ran.out.splitlines()[-1] == f"every claim holds: {claims:,} claims derived again from model.onnx"
    certificate = json.loads((build / "net" / "certificate.json").read_text())
    names = [row[0] for row in rows(ran.out) if row]
    for layer in certificate["layers"]:
        assert layer["layer"] in names
        for name, clamp in layer["clamps"].items():
            line = f"layer {layer['layer']} saturates: {name} would reach [{clamp['before'][0]}, {clamp['before'][1]}]"
            assert (line in " ".join(ran.out.split())) == clamp["acts"]
    assert contents(build) == before


def test_check_names_the_claim_that_fails(capsys: Capture, build: Path) -> None:
    edit_certificate(build / "net", "lnm", "h", [-5, 5, "interval"])
    ran = run_cli(capsys, "check", build / "net")
    assert (ran.code, ran.err) == (1, "")
    shown = " ".join(ran.out.split())
    assert "false layers.lnm.values.h: claimed [-5, 5, 'interval'], true is [-32768, 32767, 'interval']" in shown
    assert "1 claims do not hold: " in shown


def test_check_names_the_part_of_the_model_that_was_changed(capsys: Capture, build: Path) -> None:
    edit_model(build / "net" / "model.onnx", lower_threshold)
    ran = run_cli(capsys, "check", build / "net")
    assert (ran.code, ran.err) == (1, "")
    shown = " ".join(ran.out.split())
    for claim in ("model.sha256", "model.parts.initializer lnm.threshold", "layers.lnm.firing.0.thresholds"):
        assert f"false {claim}: claimed " in shown


def test_check_of_a_model_that_is_damaged(capsys: Capture, build: Path) -> None:
    path = build / "net" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    ran = run_cli(capsys, "check", build / "net")
    assert (ran.code, ran.err) == (1, "")
    assert "false the claims cannot be derived: claimed a certified model, true is " in ran.out
    assert "Traceback" not in ran.out


def test_check_shows_the_first_failures_and_counts_the_rest(capsys: Capture, build: Path) -> None:
    path = build / "net" / "certificate.json"
    certificate = json.loads(path.read_text())
    for layer in certificate["layers"]:
        layer["values"] = {name: [0, 0, "guessed"] for name in layer["values"]}
    path.write_text(json.dumps(certificate))
    ran = run_cli(capsys, "check", build / "net")
    failures = snn2hw.check(build / "net").failures
    shown = " ".join(ran.out.split())
    assert ran.code == 1
    assert shown.count("false layers.") == 20
    assert f"... and {len(failures) - 20} more" in shown
    assert f"{len(failures)} claims do not hold: " in shown


@pytest.mark.parametrize("name", ["certificate.json", "model.onnx"])
def test_check_without_one_of_the_files(capsys: Capture, build: Path, name: str) -> None:
    (build / "net" / name).unlink()
    refusal(
        run_cli(capsys, "check", build / "net"),
        f"there is no {name} to check\n  where:    {build / 'net' / name}\n  got:      No such file or directory\n"
        "  expected: a folder that `snn2hw compile` wrote\n  do:       compile the trained model, or check the path",
    )


def test_check_as_json(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "check", build / "net", "--json")
    checked = snn2hw.check(build / "net")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == {"holds": True, "claims": checked.claims, "failures": []}
    edit_certificate(build / "net", "lnm", "h", [-5, 5, "interval"])
    ran = run_cli(capsys, "check", build / "net", "--json")
    assert (ran.code, ran.err) == (1, "")
    assert json.loads(ran.out) == {
        "holds": False,
        "claims": checked.claims,
        "failures": [
            {
                "claim": "layers.lnm.values.h",
                "claimed": [-5, 5, "interval"],
                "true": [-32768, 32767, "interval"],
                "where": "",
            }
        ],
    }


# inspect --why


def table(out: str) -> list[list[str]]:
    """The rows of a table; what is broken over several lines is put together."""
    found: list[list[str]] = []
    for line in out.splitlines():
        cells = [c.strip() for c in line.split("|")[1:-1]]
        if cells and not any(cells[2:]):
            found[-1] = [f"{a} {b}".strip() for a, b in zip(found[-1], cells, strict=True)]
        elif cells:
            found.append(cells)
    return found


def weighed(folder: Path, layer: str) -> list[Candidate]:
    from snn2hw.api import explain

    return explain(snn2hw.load(folder), layer)


def test_inspect_why_shows_what_was_weighed(capsys: Capture, build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    ran = run_cli(capsys, "inspect", build / "net", "--layer", "lnm", "--why")
    assert (ran.code, ran.err) == (0, "")
    assert "layer lnm: ways to evaluate P(u)" in ran.out
    found = weighed(build / "net", "lnm")
    assert [row[0] for row in table(ran.out)[1:]].count("taken") == 1
    assert table(ran.out)[1:] == [
        ["taken" if c.taken else "", c.says, f"{c.worst.error:.3f}", *map(str, (c.worst.state, c.multiplications)),
         *map(str, (c.instructions, c.widest))]
        for c in found
    ]  # fmt: skip


def test_inspect_why_shows_every_layer_with_a_polynomial(capsys: Capture, build: Path) -> None:
    ran = run_cli(capsys, "inspect", build / "net", "--why")
    assert ran.code == 0
    titles = [line.strip() for line in ran.out.splitlines() if "ways to evaluate" in line]
    assert titles == [f"layer {name}: ways to evaluate P(u)" for name in ("lnm", "cf", "lif")]


def test_inspect_why_of_a_layer_without_a_polynomial(capsys: Capture, build: Path) -> None:
    refusal(
        run_cli(capsys, "inspect", build / "net", "--layer", "fire", "--why"),
        "there was nothing to choose for this layer\n  where:    fire (IF)\n"
        "  got:      P(u) = u, or a program that was integers from the start\n"
        "  expected: a layer with a learned polynomial\n  do:       name another layer",
    )


def test_inspect_why_of_no_layer(capsys: Capture, build: Path) -> None:
    refusal(
        run_cli(capsys, "inspect", build / "net", "--layer", "nothing", "--why"),
        "no neuron layer of this name\n  got:      'nothing'\n  expected: lnm, cf, fire, lif\n  do:       name one of these",
    )


def test_explain_of_no_layer(build: Path) -> None:
    from snn2hw.errors import UsageError
    from tests.refused import refused

    with refused(
        UsageError,
        "no neuron layer of this name\n  got:      'nothing'\n  expected: lnm, cf, fire, lif\n  do:       name one of these",
    ):
        weighed(build / "net", "nothing")

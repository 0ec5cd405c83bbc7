"""The study's figures from results made by hand, and the whole of it as a smoke test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the study trains torch models")

from bench.study import figures, page, run
from bench.study.nets import PLANS, VARIANTS, Case, build


def result(task: str, variant: str, seed: int, accuracy: float, lost: float = 0.0) -> figures.Result:
    layers = ["2", "6"]
    integers = {f"{how} {bits}": accuracy - lost for how in ("PTQ", "QAT") for bits in (8, 4)}
    counts = {f"{what} {bits}": n for bits in (8, 4) for what, n in (("compared", 10), ("differing", 0))}
    widths = [1.0] * PLANS[task].steps if VARIANTS[variant].learned else 1.0
    return {
        "commit": "abc", "task": task, "variant": variant, "seed": seed, "float": accuracy, **integers, **counts, "seconds": 1.0,
        "parameters": 100, "neuron parameters": 2, "rates": dict.fromkeys(layers, 0.25),
        "polynomials": {n: [[0.0, 0.5, 0.1, 0.0]] for n in layers}, "widths": dict.fromkeys(layers, widths),
    }  # fmt: skip


def made(better: float) -> list[figures.Result]:
    """Three seeds; PLIF is better than LIF by `better` at every seed, everything else is as LIF."""
    accuracy = {0: 0.90, 1: 0.94, 2: 0.92}
    return [
        result(t, v, s, a + (better if v == "PLIF" else 0.0), 0.003) for t in PLANS for v in VARIANTS for s, a in accuracy.items()
    ]


def test_means_and_differences_are_of_the_same_seeds() -> None:
    results = made(0.01)
    assert figures.mean([0.9, 0.94, 0.92]).text() == "92.00 ± 2.00"
    difference = figures.against_base(results, "digits", "PLIF", "float")
    assert difference.mean == pytest.approx(0.01)
    assert difference.deviation == pytest.approx(0)
    assert figures.is_claimed(difference)
    assert not figures.is_claimed(figures.against_base(results, "digits", "LNM-3", "float"))
    assert figures.lost(results, "digits", 8, "PTQ").mean == pytest.approx(0.003)
    results[0]["PTQ 8"] -= 0.03  # of LIF, seed 0: the mean of three falls by 0.01
    most, where = figures.worst(results, "digits", 8, "PTQ")
    assert (most, where) == (pytest.approx(0.013), "LIF")


def test_what_is_claimed_needs_two_standard_errors() -> None:
    assert not figures.is_claimed(figures.mean([0.01]))
    assert figures.is_claimed(figures.mean([0.01, 0.012, 0.011]))
    assert not figures.is_claimed(figures.mean([0.01, -0.012, 0.011]))


def test_the_page_says_what_is_met_and_claims_what_is_certain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page.write(made(0.01), tmp_path, smoke=False).read_text(encoding="utf-8")
    assert "| digits | 8 bits | PTQ | 0.30 ± 0.00 | 0.30 (" in text
    assert "| 0.5 | met by every neuron |" in text
    assert "| 0.2 | **not met** |" in text
    assert "| PLIF | LIF | **+1.00 ± 0.00** |" in text
    assert "| LNM-3, balance | LNM-3 | +0.00 ± 0.00 |" in text
    assert "**0 of 2,700 integers differ**" in text
    assert "A smoke test" not in text
    assert {p.name for p in (tmp_path / "study").iterdir()} == {"polynomials.svg", "widths.svg"}
    assert all("<svg" in p.read_text(encoding="utf-8") for p in (tmp_path / "study").iterdir())
    assert "; commit abc. The tasks" in text
    monkeypatch.setattr(page, "draw", lambda results, folder: sorted(p.name for p in folder.iterdir()))  # as they stand
    several = [{**run, "commit": "def" if run["variant"].startswith("LNM") else "abc"} for run in made(0.01)]
    told = page.write(several, tmp_path, smoke=False).read_text(encoding="utf-8")
    assert "; on commit abc: *LIF*, *PLIF*, *CF-1*" in told
    assert "; on commit def: *LNM-1*, *LNM-2*" in told
    assert "A smoke test" in page.write(made(0.0), tmp_path, smoke=True).read_text(encoding="utf-8")


def test_all_neurons_start_from_the_same_weights() -> None:
    for task in PLANS:
        states = [build(Case(task, v, 3)).state_dict() for v in VARIANTS]
        shared = [k for k in states[0] if all(k in s for s in states)]
        assert any(k.endswith("weight") for k in shared)
        for k in shared:
            if k.endswith(("weight", "bias")):
                assert all((s[k] == states[0][k]).all() for s in states)


@pytest.mark.slow
def test_a_quick_study_goes_on_where_it_was(tmp_path: Path) -> None:
    arguments = ["--quick", "--kept", str(tmp_path / "kept"), "--out", str(tmp_path / "docs")]
    assert run.main(arguments) == 0
    kept = sorted((tmp_path / "kept").glob("*/*.json"))
    assert len(kept) == len(PLANS) * len(VARIANTS)
    first = kept[0].read_text(encoding="utf-8")
    assert json.loads(first)["differing 8"] == 0
    kept[0].unlink()
    assert run.main(arguments) == 0
    again = json.loads(kept[0].read_text(encoding="utf-8"))
    assert {k: v for k, v in again.items() if "seconds" not in k} == {
        k: v for k, v in json.loads(first).items() if "seconds" not in k
    }

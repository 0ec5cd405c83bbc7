"""The study's figures from results made by hand, and the whole of it as a smoke test."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the study trains torch models")

import torch

from bench.commit import ROOT
from bench.machine import processor
from bench.study import figures, one, page, processors, run
from bench.study.nets import PLANS, VARIANTS, Case, build
from bench.study.sets import _last_runs, _shuffled, parts
from snn2hw import train
from snn2hw.errors import DataError
from snn2hw.formats.sample import input_node

COST = {"additions": 1000.4, "products": 20.0, "updates": 300.0, "instructions": 4000.0, "least": 1e-9, "most": 7e-9}
FIRST = tuple(PLANS)[:2]  # the tasks of the digits, whose data come with scikit-learn


def result(task: str, variant: str, seed: int, accuracy: float, lost: float = 0.0) -> figures.Result:
    layers = ["2", "6"]
    integers = {f"{how} {bits}": accuracy - lost for how in ("PTQ", "QAT") for bits in (8, 4)}
    counts = {f"{what} {bits}": n for bits in (8, 4) for what, n in (("compared", 10), ("differing", 0))}
    widths = [1.0] * PLANS[task].steps if VARIANTS[variant].learned else 1.0
    return {
        "commit": "abc", "task": task, "variant": variant, "seed": seed, "float": accuracy, **integers, **counts, "seconds": 1.0,
        "parameters": 100, "neuron parameters": 2, "rates": dict.fromkeys(layers, 0.25), "at a bound": dict.fromkeys(layers, 0.5),
        "polynomials": {n: [[0.0, 0.5, 0.1, 0.0]] for n in layers}, "widths": dict.fromkeys(layers, widths), "negative": {},
        "samples": {"train": 90, "validation": 10, "test": 50},
    }  # fmt: skip


def made(better: float) -> list[figures.Result]:
    """Three seeds of the digits tasks; PLIF is better than LIF by about `better` at every seed, everything else is as LIF."""
    accuracy = {0: 0.90, 1: 0.94, 2: 0.92}
    return [
        result(t, v, s, a + (better * (1 + s / 100) if v == "PLIF" else 0.0), 0.003)
        for t in FIRST
        for v in PLANS[t].variants
        for s, a in accuracy.items()
    ]


def test_means_and_differences_are_of_the_same_seeds() -> None:
    results = made(0.01)
    assert figures.mean([0.9, 0.94, 0.92]).text() == "92.00 ± 2.00"
    assert figures.mean([0.9, 0.94, 0.92]).sure() == "92.00 ± 1.15"
    assert figures.mean([0.9]).sure("+") == "+90.00"
    assert figures.mean([-1e-9]).sure() == "0.00"
    difference = figures.against_base(results, "digits-sequential", "PLIF", "float", "LIF")
    assert difference.mean == pytest.approx(0.0101)
    assert difference.deviation == pytest.approx(0.0001)
    assert figures.is_claimed(difference)
    assert not figures.is_claimed(figures.against_base(results, "digits-sequential", "LNM-3", "float", "LIF"))
    assert figures.lost(results, "digits-sequential", 8, "PTQ").mean == pytest.approx(0.003)
    results[0]["PTQ 8"] -= 0.03  # of LIF, seed 0: the mean of three falls by 0.01
    most, where = figures.worst(results, "digits-sequential", 8, "PTQ")
    assert (most, where) == (pytest.approx(0.013), "LIF")
    some = [r for r in results if r["variant"] != "LIF" or r["seed"] == 1]
    alone = figures.paired(some, "digits-sequential", "PLIF", "float", "LIF")
    assert alone is not None
    assert (alone.n, alone.mean) == (1, pytest.approx(0.0101))
    assert figures.paired([r for r in some if r["variant"] != "LIF"], "digits-sequential", "PLIF", "float", "LIF") is None


def test_the_error_of_a_difference_is_also_that_of_the_test_samples() -> None:
    """Two seeds that gain the same 2 of 50 samples: nothing between seeds, and 0.0280 of samples."""
    base, better = np.zeros(50, bool), np.zeros(50, bool)
    better[:2] = True
    runs = [result("fsdd", v, s, float(right.mean())) | {"right": np.packbits(right).tobytes().hex(), "processor": "mine"}
            for v, right in (("LIF", base), ("PLIF", better)) for s in (0, 1)]  # fmt: skip
    found = figures.paired(runs, "fsdd", "PLIF", "float", "LIF")
    assert found is not None
    assert (found.mean, found.deviation) == (pytest.approx(0.04), 0.0)
    assert found.error == found.sampled == pytest.approx(0.2 * (0.96**0.5) * (50 / 49) ** 0.5 / 50**0.5, rel=1e-6)
    assert not figures.is_claimed(found)
    assert found.freedom == pytest.approx(49), "that of the samples alone, where seeds agree"
    mixed = replace(found, deviation=found.sampled * 2**0.5)
    assert mixed.freedom == pytest.approx(4 / (1 / 1 + 1 / 49)), "both errors are equal"
    assert figures.mean([0.01, 0.02, 0.04]).freedom == 2
    runs[0]["processor"] = "another"
    alone = figures.paired(runs, "fsdd", "PLIF", "float", "LIF")
    assert alone is not None
    assert alone.n == 2, "seeds are paired on whatever processor they were trained"


def test_of_two_processors_that_counts_which_has_most_of_a_task() -> None:
    there = [result("fsdd", "LIF", s, a) | {"processor": "mine"} for s, a in enumerate((0.90, 0.92, 0.94))]
    there += [result("fsdd", "PLIF", s, a) | {"processor": "another"} for s, a in enumerate((0.80, 0.84))]
    there += [result("fsdd", "LIF", s, a) | {"processor": "another"} for s, a in enumerate((0.91, 0.91))]
    counted, again = processors.split(there)  # "another" has four of the task, "mine" three
    assert [(r["variant"], r["seed"], r["processor"]) for r in counted] == [
        ("LIF", 0, "another"), ("LIF", 1, "another"), ("LIF", 2, "mine"), ("PLIF", 0, "another"), ("PLIF", 1, "another"),
    ]  # fmt: skip
    assert again == there[:2]
    (found,) = processors.changes(counted, again)
    assert (found.task, found.change.n) == ("fsdd", 2)
    assert found.change.mean == pytest.approx(0.0)
    assert found.change.deviation == pytest.approx(0.02 / 2**0.5)
    assert found.seeds == pytest.approx(2**0.5 * np.std([0.91, 0.91, 0.94], ddof=1)), "of LIF alone, which was done again"
    assert processors.split(counted) == (counted, [])
    even = [there[0], result("fsdd", "LIF", 0, 0.91) | {"processor": "another"}]
    assert processors.split(even) == ([even[1]], [even[0]]), "of as many, the last one"


def test_the_page_says_what_another_processor_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda results, folder: [])
    there = [result("fsdd", "LIF", s, a) | {"processor": "mine"} for s, a in enumerate((0.90, 0.92, 0.94, 0.92))]
    there += [result("fsdd", "PLIF", 0, 0.90) | {"processor": "another"}]
    told = " ".join(page.write(there, tmp_path, smoke=False).read_text(encoding="utf-8").split())
    assert "'CF-4, rectangle'. Trained on mine: 4, another: 1." in told
    assert "another processor" not in told.lower()
    there += [result("fsdd", "LIF", s, a) | {"processor": "another"} for s, a in enumerate((0.91, 0.94))]
    told = " ".join(page.write(there, tmp_path, smoke=False).read_text(encoding="utf-8").split())
    assert "## On another processor 2 of the trainings were done on two kinds of processor." in told
    assert "| fsdd (2) | +1.50 ± 0.50 | 0.71 | 2.31 |" in told
    assert "\n5 trainings," in (tmp_path / "study.md").read_text(encoding="utf-8")


def test_what_is_claimed_needs_two_standard_errors() -> None:
    assert not figures.is_claimed(figures.mean([0.01]))
    assert figures.is_claimed(figures.mean([0.01, 0.012, 0.011]))
    assert not figures.is_claimed(figures.mean([0.01, -0.012, 0.011]))


def test_of_many_differences_fewer_are_claimed() -> None:
    """Chances by Student's t; of three the second is compared with 0.05 / 2, of four the first with 0.05 / 4."""
    sure, likely, none = figures.mean([0.010, 0.011, 0.012]), figures.mean([0.01, 0.014, 0.016]), figures.mean([0.01, -0.01, 0.0])
    assert [round(d.chance, 4) for d in (sure, likely, none)] == [0.0027, 0.0171, 1.0]
    assert figures.claimed([none, likely, sure]) == [False, True, True]
    assert figures.claimed([likely, none, none, none]) == [False, False, False, False]
    assert figures.claimed([likely]) == [True]
    alone = figures.mean([0.01])  # of one seed: there is nothing to test, so that it is none of those to correct for
    assert figures.claimed([likely, alone, alone, alone]) == [True, False, False, False]
    assert figures.claimed([]) == []


@pytest.mark.parametrize("equal", [[0.02, 0.02], [0.96 - 0.94, 0.92 - 0.90], [0.96 - 0.94, 0.92 - 0.90, 0.02]])
def test_seeds_that_agree_to_the_last_sample_prove_nothing(equal: list[float]) -> None:
    """Their standard error is 0, or what rounding leaves of it."""
    difference = figures.mean(equal)
    assert difference.chance == 1.0
    assert figures.claimed([difference]) == [False]


def test_a_variant_stands_against_what_it_changes() -> None:
    assert VARIANTS["CF-4, negative 0"].base == VARIANTS["CF-4 unsigned"].base == "CF-4"
    assert VARIANTS["LNM-3, bounded"].base == VARIANTS["CirculateLNM-3"].base == "LNM-3"
    assert VARIANTS["CirculateLNM-3 unsigned"].base == "CirculateLNM-3"
    assert VARIANTS["CF-4, learned negative"].base == "CF-4, negative 0.5"  # where it begins
    assert VARIANTS["CF-4, learned negative, full rate"].base == "CF-4, negative 0.5, full rate"
    assert VARIANTS["LNM-3"].base == VARIANTS["CF-3"].base == VARIANTS["ALIF"].base == "LIF"
    assert all(v.base in VARIANTS for v in VARIANTS.values())
    assert all(set(plan.variants) <= set(VARIANTS) and plan.variants[0] == "LIF" for plan in PLANS.values())


def test_polynomials_are_those_that_the_variant_learned(tmp_path: Path) -> None:
    """A Transformer's q is a LIF in every variant."""
    results = [result("fsdd", "LNM-3", s, 0.9) for s in range(3)]
    for r in results:
        r["polynomials"]["q"] = [[0.0, 0.5]]
    assert list(figures.polynomials(results[0])) == ["2", "6"]
    told = " ".join(page.write(results, tmp_path, smoke=False).read_text(encoding="utf-8").split())
    assert "mean of the seeds: layer 2 0.40; layer 6 0.40." in told
    drawn = (tmp_path / "study" / "polynomials.svg").read_text(encoding="utf-8")
    assert "fsdd, layer 6" in drawn
    assert "fsdd, layer q" not in drawn


def test_amplitudes_and_thresholds_that_were_learned_are_drawn(tmp_path: Path) -> None:
    results = [result("fsdd", "CF-4, learned negative", s, 0.9) for s in range(3)]
    for r in results:
        r["negative"] = {"2": 0.25 + r["seed"] / 10}
    told = page.write(results, tmp_path, smoke=False).read_text(encoding="utf-8")
    assert "![Amplitudes of negative spikes and thresholds](study/numbers.svg)" in told
    drawn = (tmp_path / "study" / "numbers.svg").read_text(encoding="utf-8")
    assert all(said in drawn for said in ("fsdd, layer 2", "where it started", "learned, one point per seed", "threshold"))


def test_what_is_claimed_against_lif_is_filled(tmp_path: Path) -> None:
    """One point of PLIF is claimed on each of the two tasks; all other differences are 0."""
    told = page.write(made(0.01), tmp_path, smoke=False).read_text(encoding="utf-8")
    assert told.index("### Against LIF") < told.index("(study/differences.svg)") < told.index("### One thing changed")
    drawn = (tmp_path / "study" / "differences.svg").read_text(encoding="utf-8")
    assert all(f">{said}<" in drawn for said in (*FIRST, "PLIF", "LNM-3, balance", "points against LIF"))
    points = [line for line in drawn.splitlines() if "<use" in line and "fill: #1f77b4" in line]
    assert len(points) == len(FIRST)


def test_the_page_says_what_is_met_and_claims_what_is_certain(tmp_path: Path) -> None:
    text = page.write(made(0.01), tmp_path, smoke=False).read_text(encoding="utf-8")
    assert "| digits-sequential (3) | 8 bits | PTQ | 0.30 ± 0.00 | 0.30 (" in text
    assert "| PTQ, 8 bits | 0.30 | at most 0.3 | met |" in text
    assert "| QAT, 8 bits | 0.30 | at most 0.2 | **not met** |" in text
    assert "| QAT, 4 bits | 0.30 |  |  |" in text
    assert "| PLIF | LIF | **+1.01 ± 0.01 (3)** |" in text
    assert "| LNM-3, balance | LIF | +0.00 ± 0.00 (3) |" in text
    assert "| LNM-3, balance | LNM-3 | +0.00 ± 0.00 (3) |" in text
    changed = sum(VARIANTS[v].base != "LIF" for t in FIRST for v in PLANS[t].variants)
    every = sum(len(PLANS[t].variants) - 1 for t in FIRST) + changed
    told, planned = " ".join(text.split()), len(PLANS["digits-sequential"].variants)
    claims = "* PLIF against LIF: " + ", ".join(f"+1.01 ± 0.01 on {task} (3)" for task in FIRST)
    assert f"Of {every} differences {every} have an error, and {len(FIRST)} of them are claimed: {claims} With all" in told
    assert f"**0 of {len(made(0.01)) * 20:,} integers differ**" in told
    assert f"{2 * planned} of {5 * planned} trainings of the plan were not run" in told
    assert "A smoke test" not in text
    assert {p.name for p in (tmp_path / "study").iterdir()} == {"differences.svg", "polynomials.svg", "widths.svg"}
    assert all("<svg" in p.read_text(encoding="utf-8") for p in (tmp_path / "study").iterdir())
    assert "; torch: not recorded; on commit abc; processor: not recorded. All neurons" in told
    assert (
        "* **digits-sequential**: architecture: not recorded; 90 / 10 / 50 samples (training / held back / test); most epochs: "
        f"not recorded; test samples looked at: not recorded. {2 * planned} of {5 * planned} trainings of the plan were not run."
    ) in told
    for task in set(PLANS) - set(FIRST):
        assert f"* **{task}**: none of the {len(PLANS[task].variants) * PLANS[task].seeds} trainings of the plan was run." in told


def test_the_differences_of_both_tables_are_corrected_for_together(tmp_path: Path) -> None:
    """A chance of 0.0171 is below 0.05 alone in its table, and above 0.05 / 3 with the two of the other table."""
    text = _three("CF-4", "CF-4 unsigned", tmp_path)
    assert "Of 3 differences 3 have an error, and 0 of them are claimed." in text
    assert "| CF-4 unsigned | CF-4 | +1.33 ± 0.18 (3) |" in text


def test_what_the_study_was_begun_for_does_not_pay_for_what_was_added(tmp_path: Path) -> None:
    """The same chance, 0.0171, is below 0.05 / 2, as LNM-3 against LIF is of the other family."""
    text = _three("LNM-3", "LNM-3, balance", tmp_path)
    assert "Of 3 differences 3 have an error, and 1 of them are claimed:" in text
    assert "| LNM-3, balance | LNM-3 | **+1.33 ± 0.18 (3)** |" in text
    assert "With all differences of a task in one family, 0 of the 1 would be claimed." in text


def _three(first: str, second: str, folder: Path) -> str:
    """The page of three seeds of LIF, of what is as good in the mean, and of what is a little better in all seeds than that."""
    start, more = (0.91, 0.89, 0.90), (0.01, 0.014, 0.016)
    results = [result("fsdd", "LIF", s, 0.9) for s in range(3)]
    results += [result("fsdd", first, s, a) for s, a in enumerate(start)]
    results += [result("fsdd", second, s, a + d) for s, (a, d) in enumerate(zip(start, more, strict=True))]
    return page.write(results, folder, smoke=False).read_text(encoding="utf-8")


def test_the_page_says_what_the_results_say_and_not_what_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda results, folder: [])
    results = [result("fsdd", "CF-4, learned negative", s, 0.9) for s in range(3)]
    for r, version in zip(results, ("1.0", "2.0", "1.0"), strict=True):
        r |= {
            "torch": version,
            "processor": "mine",
            "architecture": "5-N-3, T = 2",
            "epochs": {"floats": 7, "8 bits": 1, "4 bits": 2},
        }
        r |= {"target": "mychip", "looked at": {"rates": 50, "integers": 3}, "cost 8": COST | {"least": 1e-9 * (1 + r["seed"])}}
        r["negative"] = {"2": 0.25 + r["seed"] / 10}
    told = " ".join(page.write(results, tmp_path, smoke=False).read_text(encoding="utf-8").split())
    planned = 5 * len(PLANS["fsdd"].variants)
    assert "; torch: 1.0 or 2.0; on commit abc; processor: mine." in told
    assert (
        "architecture: 5-N-3, T = 2; 90 / 10 / 50 samples (training / held back / test); most epochs: 7 (floats), 1 (8 bits), "
        f"2 (4 bits); test samples looked at: 50 (rates), 3 (integers). {planned - 3} of {planned} trainings of the plan were "
        "not run, none of 'LIF', 'PLIF',"
    ) in told
    assert "Target: mychip; states of 16 bits" in told
    assert "| CF-4, learned negative (3) | 1,000 | 20 | 300 | 4,000 | 2 to 7 nJ |" in told
    assert "of 'CF-4, learned negative' at the end, one value for each seed: layer 2 0.25, 0.35, 0.45." in told
    del results[0]["torch"], results[1]["commit"]
    told = " ".join(page.write(results, tmp_path, smoke=False).read_text(encoding="utf-8").split())
    assert "; torch: 2.0 or 1.0, not recorded for 1 of 3; on commit abc, not recorded for 1 of 3; processor: mine." in told


def test_the_page_in_the_documentation_is_that_of_the_results_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda results, folder: [page.DIFFERENCES, "polynomials.svg", "numbers.svg", "widths.svg"])
    docs = ROOT / "docs" / "explanation"
    found = run._found(tmp_path, docs / "study" / "results", 1.0)
    assert found
    assert {r["task"] for r in found} == {file.stem for file in (docs / "study" / "results").iterdir()}
    (tmp_path / "study.md").write_bytes((docs / "study.md").read_bytes())
    assert page.write(found, tmp_path, smoke=False).read_bytes() == (docs / "study.md").read_bytes()


def test_a_page_is_of_all_that_is_kept_whatever_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page, "draw", lambda results, folder: [])
    kept, out = tmp_path / "kept", tmp_path / "docs"
    arguments = ["--kept", str(kept), "--out", str(out), "--page"]
    assert run.main(arguments) == 2
    assert capsys.readouterr().err == (
        f"the study has no results to write of\n  where:    {out / 'study.md'}\n  got:      no training that is kept\n"
        "  expected: one or more\n  do:       train some: python -m bench.study.run, without --page\n"
    )
    assert not out.exists()
    (kept / "old").mkdir(parents=True)
    for n, made_of in enumerate((("digits-sequential", "LIF", 7), ("fsdd", "CF-4", 0), ("digits-sequential", "gone", 0))):
        found = result(*made_of[:2], made_of[2], 0.9) if made_of[1] in VARIANTS else result("digits-sequential", "LIF", 0, 0.9)
        found |= {"variant": made_of[1], "share": 1.0}
        (kept / "old" / f"{n}.json").write_text(json.dumps(found), encoding="utf-8")
    (kept / "old" / "quick.json").write_text(json.dumps(result("nmnist", "LIF", 0, 0.9) | {"share": 0.1}), encoding="utf-8")
    assert run.main([*arguments, "--tasks", "nmnist", "--variants", "PLIF", "--seeds", "1"]) == 0
    text = (out / "study.md").read_text(encoding="utf-8")
    assert "\n2 trainings," in text
    assert [p.name for p in sorted((out / "study" / "results").iterdir())] == ["digits-sequential.jsonl", "fsdd.jsonl"]
    for file in (kept / "old").iterdir():
        file.unlink()
    assert run.main(arguments) == 0  # of what is beside the page
    assert (out / "study.md").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("left", [(), (page.BEGIN,), (page.END,), (page.END, page.BEGIN), (page.BEGIN, page.END, page.END)])
def test_a_page_without_both_marks_stays_as_it_is(left: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "study.md"
    file.write_text("\n".join(["# Mine", *left, "An end."]), encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(DataError, match="does not say where the results of the study belong") as caught:
        page.write(made(0.0)[:1], tmp_path, smoke=False)
    assert caught.value.where == str(file)
    assert [p.name for p in tmp_path.iterdir()] == ["study.md"]
    assert file.read_bytes() == before


def test_recorded_data_that_are_not_here_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_SHARED_DATA", str(tmp_path))
    for name in ("fashion", "fashion-patches", "nmnist", "fsdd", "watch"):
        with pytest.raises(DataError, match="the recorded data are not here"):
            parts(name)


def test_what_stands_around_the_marks_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda results, folder: [])
    written = page.write(made(0.0)[:1], tmp_path, smoke=True)
    assert written.read_text(encoding="utf-8").startswith(page.HEAD)
    assert "A smoke test" in written.read_text(encoding="utf-8")
    text = written.read_text(encoding="utf-8")
    written.write_text(text.replace(page.HEAD, "# Mine\n\nAn introduction.") + "\n## Before\n\nAn end.\n", encoding="utf-8")
    page.write(made(0.0)[:1], tmp_path, smoke=False)
    again = written.read_text(encoding="utf-8")
    assert again.startswith("# Mine\n\nAn introduction.\n\n" + page.BEGIN)
    assert again.endswith(page.END + "\n\n## Before\n\nAn end.\n")
    assert "A smoke test" not in again


def test_what_is_held_back_is_a_tenth_of_each_class_and_in_no_other_part() -> None:
    data = parts("digits-sequential")
    train, held = data["train"], data["validation"]
    assert len(train) + len(held) == 1437
    assert len(data["test"]) == 360
    for label in range(10):
        share = int((held.labels == label).sum()) / int((train.labels == label).sum() + (held.labels == label).sum())
        assert share == pytest.approx(0.1, abs=0.01)
    assert all(p.samples.shape[1:] == (8, 8) for p in data.values())


def test_of_every_label_the_last_run_is_held_back() -> None:
    labels = torch.tensor([2, 2, 0, 0, 1, 2, 2, 2, 0, 1, 1])
    assert _last_runs(labels).tolist() == [False] * 5 + [True] * 6


def test_the_first_samples_are_of_every_class() -> None:
    """Integers are calibrated and compared on them; the files of the digits, and of others, have one class after the other."""
    pixels, labels = torch.arange(1000.0)[:, None], torch.arange(1000) // 100
    first = _shuffled(pixels, labels)
    assert set(first.labels[:100].tolist()) == set(range(10))
    assert (first.labels == first.samples[:, 0].long() // 100).all()
    assert (first.samples == _shuffled(pixels, labels).samples).all(), "drawn, and the same every time"


def test_what_was_right_is_kept_for_every_test_sample() -> None:
    plan, data = PLANS["digits-sequential"], parts("digits-sequential")["test"]
    model = build(Case("digits-sequential", "LIF", 0))
    right = one._right_in_floats(model, plan, data)
    assert len(right) == len(data)
    assert right.mean() == train.evaluate(model, (data.samples, data.labels))


@pytest.mark.parametrize("task", FIRST)
def test_samples_are_in_the_range_that_is_declared(task: str) -> None:
    plan = PLANS[task]
    given = one._given(plan, parts(task)["train"].samples[:256])
    node, steps = input_node(given.numpy(), plan.steps if plan.static else None, plan.input_range)
    assert steps == plan.steps
    assert node.lo <= given.min() <= given.max() <= node.hi


def test_all_neurons_start_from_the_same_weights() -> None:
    for task, plan in PLANS.items():
        states = [build(Case(task, v, 3)).state_dict() for v in plan.variants]
        shared = [k for k in states[0] if all(k in s for s in states)]
        assert any(k.endswith("weight") for k in shared)
        for k in shared:
            if k.endswith(("weight", "bias")):
                assert all((s[k] == states[0][k]).all() for s in states)


@pytest.mark.slow
def test_a_quick_study_goes_on_where_it_was(tmp_path: Path) -> None:
    arguments = ["--quick", "--tasks", "digits-sequential", "--kept", str(tmp_path / "kept"), "--out", str(tmp_path / "docs")]
    assert run.main(arguments) == 0
    kept = sorted((tmp_path / "kept").glob("*/*.json"))
    assert len(kept) == len(PLANS["digits-sequential"].variants)
    first = kept[0].read_text(encoding="utf-8")
    assert json.loads(first)["differing 8"] == 0
    assert json.loads(first)["processor"] == processor()
    kept[0].unlink()
    assert run.main([*arguments, "--page"]) == 0  # of what is there
    assert run.main(arguments) == 0
    again = json.loads(kept[0].read_text(encoding="utf-8"))
    assert {k: v for k, v in again.items() if "seconds" not in k} == {
        k: v for k, v in json.loads(first).items() if "seconds" not in k
    }

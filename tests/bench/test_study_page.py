"""What the study writes, of results made by hand and of those beside the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the study trains torch models")

from bench.commit import ROOT
from bench.study import figures, page, run
from bench.study.nets import PLANS, VARIANTS, Case
from snn2hw.errors import DataError
from tests.bench.study_results import COST, FIRST, made, result


def test_the_page_says_what_another_processor_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda results, folder: [])
    there = [result("fsdd", "LIF", s, a) | {"processor": "mine"} for s, a in enumerate((0.90, 0.92, 0.94, 0.92))]
    there += [result("fsdd", "PLIF", 0, 0.90) | {"processor": "another"}]
    told = " ".join(page.write(there, tmp_path, smoke=False).read_text(encoding="utf-8").split())
    assert ". Trained on mine: 4, another: 1." in told
    assert "another processor" not in told.lower()
    there += [result("fsdd", "LIF", s, a) | {"processor": "another"} for s, a in enumerate((0.91, 0.94))]
    told = " ".join(page.write(there, tmp_path, smoke=False).read_text(encoding="utf-8").split())
    assert "## On another processor 2 of the trainings were done on two kinds of processor." in told
    assert "| fsdd (2) | +1.50 ± 0.50 | 0.71 | 2.31 |" in told
    assert "\n5 trainings," in (tmp_path / "study.md").read_text(encoding="utf-8")


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


def test_no_line_ends_between_a_number_and_its_error() -> None:
    for before in range(80, 100):
        filled = page._filled("x" * before + " -16.60 ± 2.01 and more")
        assert "-16.60 ± 2.01" in filled
        assert max(map(len, filled.splitlines())) <= 100


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


def test_what_is_missing_is_what_no_commit_and_no_processor_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw", lambda results, folder: [])
    asked: list[tuple[str, str, int]] = []

    def no_training(files: dict[Case, Path], made_on: str, workers: int) -> dict[Case, BaseException]:
        asked.extend((case.task, case.variant, case.seed) for case in files)
        return {}

    monkeypatch.setattr(run, "_run", no_training)
    kept, out = tmp_path / "kept", tmp_path / "docs"
    beside = out / "study" / "results"
    beside.mkdir(parents=True)
    elsewhere = result("watch", "LIF", 1, 0.9) | {"share": 1.0, "processor": "another"}
    (beside / "watch.jsonl").write_text(json.dumps(elsewhere) + "\n", encoding="utf-8")
    (kept / "old").mkdir(parents=True)
    (kept / "old" / "0.json").write_text(json.dumps(result("watch", "PLIF", 0, 0.9) | {"share": 1.0}), encoding="utf-8")
    of_watch = ["--kept", str(kept), "--out", str(out), "--tasks", "watch", "--variants", "LIF", "PLIF", "--seeds", "2"]
    assert run.main([*of_watch, "--missing"]) == 0
    assert asked == [("watch", "LIF", 0), ("watch", "PLIF", 1)]
    asked.clear()
    assert run.main(of_watch) == 0
    assert asked == [("watch", "LIF", 0), ("watch", "PLIF", 0), ("watch", "LIF", 1), ("watch", "PLIF", 1)]


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

"""make study: trains every case, keeps what was found, and writes study.md. A run that was stopped goes on where it was.

The page is of all that was ever kept, whatever was chosen to be trained. Its results are put beside it, in study/results: one
file for each task, one line for each training and kind of processor that it was done on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.commit import ROOT, commit
from bench.study import nets, one, page, sets
from bench.study.nets import PLANS, VARIANTS, Case
from bench.study.processors import place
from snn2hw.errors import Snn2hwError
from snn2hw.files.write import write_file


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Train every kind of neuron on every task and write study.md of all that is kept."
    )
    parser.add_argument("--seeds", type=int, help="of every case (default: those of its task, 3 or 5)")
    parser.add_argument("--tasks", nargs="+", choices=list(PLANS), default=list(PLANS), help="train these alone")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), help="train these neurons alone")
    parser.add_argument(
        "--missing",
        action="store_true",
        help="train what has no result yet, of any commit or processor, kept or beside study.md: to finish a plan elsewhere",
    )
    parser.add_argument("--quick", action="store_true", help="a smoke test: one seed, a tenth of the epochs")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes, one thread each (default: all cores)"
    )
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "study", help="where single results are kept")
    parser.add_argument(
        "--page",
        action="store_true",
        help="train nothing; as ever, write what all results say: those kept, and those beside study.md",
    )
    parser.add_argument(
        "--out", type=Path, help="where study.md and its plots go (docs/explanation; with --quick build/study/quick)"
    )
    options = parser.parse_args(arguments)
    share = 0.1 if options.quick else 1.0
    out = options.out or (options.kept / "quick" if options.quick else ROOT / "docs" / "explanation")
    chosen = [
        Case(t, v, s, share)
        for t in options.tasks
        for v in PLANS[t].variants
        if v in options.variants
        for s in range(1 if options.quick else options.seeds or PLANS[t].seeds)
    ]
    cases = sorted(chosen, key=lambda case: case.seed)  # the first seed of all, then the second: a run may be cut short anywhere
    beside = out / "study" / "results"
    if options.missing:
        known = {place(r) for r in _found(options.kept, beside, share)}
        cases = [case for case in cases if (case.task, case.variant, case.seed) not in known]
    if not options.page:
        made_on = commit()
        files = {case: options.kept / f"{_key()}_{made_on}" / _name(case) for case in cases}
        failed = _run(files, made_on, options.workers)
        for case, error in failed.items():
            print(f"{case}: {error}", file=sys.stderr)
        if failed:
            print(f"{len(failed)} of {len(cases)} trainings failed; the others are kept, no page is written", file=sys.stderr)
            return 1
    try:
        results = _found(options.kept, beside, share)
        print(f"wrote {page.write(results, out, options.quick)}")
    except Snn2hwError as error:
        print(error, file=sys.stderr)
        return 2
    beside.mkdir(parents=True, exist_ok=True)
    for task in dict.fromkeys(r["task"] for r in results):
        lines = [json.dumps(result) + "\n" for result in results if result["task"] == task]
        write_file(beside / f"{task}.jsonl", "".join(lines).encode(), force=True)
    return int(any(r[f"differing {bits}"] for r in results for bits in nets.BITS))


def _found(kept: Path, beside: Path, share: float) -> list[dict[str, Any]]:
    """Every result of this share of the epochs, in the order of the plans: of a case and a processor the newest that is kept, of
    any commit, else the one beside the page."""
    known = [line for file in beside.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    made = sorted(kept.glob("*/*.json"), key=lambda file: file.stat().st_mtime)
    results = [json.loads(text) for text in (*known, *(file.read_text(encoding="utf-8") for file in made))]
    found = {(*place(r), r.get("processor")): r for r in results if r["share"] == share}
    planned = {(t, v): n for n, (t, v) in enumerate((t, v) for t, plan in PLANS.items() for v in plan.variants)}
    ours = [r for r in found.values() if (r["task"], r["variant"]) in planned]
    return sorted(ours, key=lambda r: (planned[r["task"], r["variant"]], r["seed"]))


def _key() -> str:
    """Of what is compared and how; with the commit, of all that decides a result but for the processor, whose
    rounding can lead a training elsewhere: what was kept for another is none of this."""
    return hashlib.sha256(b"".join(Path(m.__file__ or "").read_bytes() for m in (nets, one, sets))).hexdigest()[:12]


def _name(case: Case) -> str:
    return f"{case.task}_{case.variant.replace(', ', '_').replace(' ', '_')}_{case.seed}_{case.share:g}.json"


def _run(files: Mapping[Case, Path], made_on: str, workers: int) -> dict[Case, BaseException]:
    """Every case that has no file yet, each in a process that writes its own; returns what went wrong."""
    missing = [case for case in files if not files[case].is_file()]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    failed: dict[Case, BaseException] = {}
    spawn = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads can hang
    with Progress(*columns, console=Console(stderr=True)) as bar, ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        shown = bar.add_task("study", total=len(files), completed=len(files) - len(missing))
        futures = {pool.submit(one.keep, case, files[case], made_on): case for case in missing}
        for future in as_completed(futures):
            case = futures[future]
            if error := future.exception():
                failed[case] = error
            bar.update(shown, advance=1, description=f"{case.task} {case.variant} seed {case.seed}")
    return failed


if __name__ == "__main__":
    sys.exit(main())

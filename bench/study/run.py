"""make study: trains every case, keeps what was found, and writes docs/study.md. A run that was stopped goes on where it was."""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.study import nets, one, page
from bench.study.nets import PLANS, VARIANTS, Case

ROOT = Path(__file__).parents[2]
SEEDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train every kind of neuron on every digits task and write docs/study.md.")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"of every case (default {SEEDS})")
    parser.add_argument("--quick", action="store_true", help="a smoke test: one seed, a tenth of the epochs; no page to keep")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes, one thread each (default: all cores)"
    )
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "study", help="where single results are kept")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where study.md and its plots go (default docs)")
    options = parser.parse_args(arguments)
    seeds, share = (1, 0.1) if options.quick else (options.seeds, 1.0)
    cases = [Case(t, v, s, share) for s, t, v in itertools.product(range(seeds), PLANS, VARIANTS)]
    kept = options.kept / _key()
    results = list(_results(cases, kept, options.workers))
    print(f"wrote {page.write(results, options.out, options.quick)}")
    return int(any(r[f"differing {bits}"] for r in results for bits in nets.AGAIN))


def _key() -> str:
    """Of what is compared and how: what was kept for another study is none of this one. Results name the commit they are from."""
    return hashlib.sha256(b"".join(Path(m.__file__ or "").read_bytes() for m in (nets, one))).hexdigest()[:12]


def _commit() -> str:
    """Of this checkout, '+' where it is changed; '' where git does not know."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _results(cases: Sequence[Case], kept: Path, workers: int) -> Iterator[dict[str, Any]]:
    kept.mkdir(parents=True, exist_ok=True)
    files = {case: kept / f"{case.task}_{case.variant.replace(' ', '_')}_{case.seed}_{case.share:g}.json" for case in cases}
    missing = [case for case in cases if not files[case].is_file()]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    commit = _commit()
    spawn = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads can hang
    with Progress(*columns, console=Console(stderr=True)) as bar, ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        shown = bar.add_task("study", total=len(cases), completed=len(cases) - len(missing))
        futures = {pool.submit(one.run, case): case for case in missing}
        for future in as_completed(futures):
            case, aside = futures[future], files[futures[future]].with_suffix(".part")
            aside.write_text(json.dumps({**future.result(), "commit": commit}, indent=1), encoding="utf-8")
            aside.replace(files[case])
            bar.update(shown, advance=1, description=f"{case.task} {case.variant} seed {case.seed}")
    for case in cases:
        yield json.loads(files[case].read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())

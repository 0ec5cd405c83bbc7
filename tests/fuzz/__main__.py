"""`python -m tests.fuzz`: runs cases, prints a table and, of each fault, a line to paste."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.fuzz.harness import RIGHT, Case, Reader, Verdict, run, run_case
from tests.fuzz.readers import READERS, reader

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SEEDS = Path(__file__).parent / "seeds.toml"
TURN = 200  # cases of a reader before the next one has its turn, in a long run


def all_kept() -> dict[str, list[int]]:
    """Numbers of cases that once found a fault, by reader."""
    return tomllib.loads(SEEDS.read_text(encoding="utf-8"))


def batches(names: Sequence[str], given: argparse.Namespace) -> Iterator[tuple[Reader, list[int]]]:
    """What is run: kept seeds and so many cases of each reader; with minutes, turns of all of them until they are over."""
    if not given.minutes:
        for name in names:
            cases = given.cases if given.cases is not None else reader(name).quick
            yield reader(name), [*all_kept().get(name, []), *range(given.seed, given.seed + cases)]
        return
    until = time.monotonic() + 60 * given.minutes
    for turn in count():
        for name in names:
            if time.monotonic() > until:
                return
            yield reader(name), list(range(given.seed + turn * TURN, given.seed + (turn + 1) * TURN))


def table(tallies: dict[str, Counter[Verdict]], slowest: dict[str, float]) -> Table:
    """Verdicts by reader."""
    made = Table(title="damaged inputs by reader")
    made.add_column("reader")
    for heading in ["cases", *(v.value for v in Verdict), "slowest"]:
        made.add_column(heading, justify="right")
    for name, tally in tallies.items():
        made.add_row(name, str(tally.total()), *(str(tally[v]) for v in Verdict), f"{slowest[name]:.1f} s")
    return made


def replayed(given: argparse.Namespace) -> int:
    """One case in this process, with its traceback; its input stays in a folder that is named."""
    base = Path(tempfile.mkdtemp(prefix="snn2hw-fuzz-"))
    (base / "good").mkdir()
    (base / "case").mkdir()
    chosen = reader(given.readers)
    prepared = chosen.prepare(base / "good")
    os.chdir(base / "case")
    case = run_case(chosen, given.case, prepared, base / "case", show=True)
    print(f"{case.reader} {case.number}: {case.verdict.value}\n  {case.says}\n  {case.detail}\n  input: {base / 'case' / 'in'}")
    return int(case.verdict not in RIGHT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where a case has a wrong verdict."""
    parse = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parse.add_argument("--readers", default=",".join(READERS), help="names with commas between them")
    parse.add_argument("--cases", type=int, help="of each reader; default: a few, as in `make test`")
    parse.add_argument("--minutes", type=float, default=0, help="go on that long, readers in turn")
    parse.add_argument("--seed", type=int, default=0, help="number of the first case")
    parse.add_argument("--case", type=int, help="run this one case again, here, and show its traceback")
    given = parse.parse_args(arguments)
    if given.case is not None:
        return replayed(given)
    names = given.readers.split(",")
    tallies, slowest, faults = {n: Counter[Verdict]() for n in names}, dict.fromkeys(names, 0.0), list[Case]()
    console = Console(width=max(Console().width, 150))
    for chosen, numbers in batches(names, given):
        for case in run(chosen, numbers):
            tallies[case.reader][case.verdict] += 1
            slowest[case.reader] = max(slowest[case.reader], case.seconds)
            if case.verdict not in RIGHT:
                faults.append(case)
                print(f"{case.verdict.value}: {case.says}\n  {case.detail}\n  {case.replay}", flush=True)
    console.print(table(tallies, slowest))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())

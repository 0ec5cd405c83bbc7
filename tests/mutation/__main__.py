"""`python -m tests.mutation`: puts small faults in, one at a time, and prints those that no test notices."""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.mutation import covered
from tests.mutation.children import NOTHING_RUN, ROOT, Job, Ran, copied, prepare, run_all
from tests.mutation.listed import diff, equivalents, outline, planted
from tests.mutation.operators import Fault, faults

BASELINE = 1800.0  # seconds that tests without a fault may take
LEAST, TIMES = 10.0, 5.0  # a fault has so many seconds, and so many times what its tests take without it
KINDS = ("made", "killed", "timed out", "survived", "not covered", "equivalent")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("package", nargs="*", help="folders or files of snn2hw/; none: what has changed since --since")
    parser.add_argument("--since", metavar="COMMIT", help="only lines changed since then (default without a package: HEAD~1)")
    parser.add_argument("--sample", type=int, metavar="N", help="so many faults, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", nargs="*", help="in place of the tests that mirror the package")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    parser.add_argument("--planted", action="store_true", help="the faults of planted.toml, in place of generated ones")
    return parser.parse_args(given)


def files_of(packages: Sequence[str], since: dict[str, set[int]] | None) -> list[str]:
    """Files to put faults into, relative to the checkout."""
    found = [f for p in packages for f in ([ROOT / p] if p.endswith(".py") else sorted((ROOT / p).rglob("*.py")))]
    if missing := [p for p in packages if not (ROOT / p).exists()]:
        raise SystemExit(f"no such package: {', '.join(missing)}; expected folders or files such as snn2hw/num")
    names = [str(f.relative_to(ROOT)) for f in found] if packages else sorted(since or ())
    return [n for n in dict.fromkeys(names) if n.startswith("snn2hw/") and (ROOT / n).is_file()]


def changed_since(commit: str) -> dict[str, set[int]]:
    """File -> lines that are new in it since a commit."""
    command = ["git", "diff", "--unified=0", "--no-color", "--no-ext-diff", commit, "--", "snn2hw/*.py"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"git knows no commit {commit!r}: {ran.stderr.strip()}")
    lines: dict[str, set[int]] = {}
    for line in ran.stdout.splitlines():
        if line.startswith("+++ b/"):
            now = lines.setdefault(line.removeprefix("+++ b/"), set())
        elif hunk := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            now |= set(range(first, first + count))
    return lines


def mirror(file: str) -> list[str]:
    """The tests that stand where a file stands."""
    top, *rest = Path(file).relative_to("snn2hw").parts
    if rest:
        deeper = ROOT.joinpath("tests", top, *rest[:-1])
        return [str((deeper if any(deeper.glob("test_*.py")) else ROOT / "tests" / top).relative_to(ROOT))]
    stem = top.removesuffix(".py")
    folder = ROOT / "tests" / stem.partition("_")[0]
    found = sorted((ROOT / "tests").glob(f"test_{stem}*.py")) + ([folder] if folder.is_dir() else [])
    return [str(p.relative_to(ROOT)) for p in found] or ["tests"]


def chosen(names: Sequence[str], since: dict[str, set[int]] | None, sample: int | None, seed: int) -> list[Fault]:
    """The faults to put in, in order."""
    found = [fault for name in names for fault in faults(name, (ROOT / name).read_text(encoding="utf-8"))]
    if since is not None:
        found = [f for f in found if f.line in since.get(f.file, ())]
    if sample is not None and sample < len(found):
        kept = set(random.Random(seed).sample(range(len(found)), sample))
        found = [f for n, f in enumerate(found) if n in kept]
    return found


def main(given: argparse.Namespace, console: Console) -> int:
    """Everything; 0 where no fault survives that is not listed as equivalent."""
    commit = given.since or (None if given.package or given.planted else "HEAD~1")
    since = None if commit is None else changed_since(commit)
    prepare()
    with tempfile.TemporaryDirectory(prefix="snn2hw-mutants-") as folder:
        copy = copied(Path(folder))
        if given.planted:
            return _planted(copy, given, console)
        names = files_of(given.package, since)
        found = chosen(names, since, given.sample, given.seed)
        if not found:
            console.print("nothing to put a fault into")
            return 0
        scope = given.tests or sorted({t for f in found for t in mirror(f.file)})
        return _generated(copy, found, scope, given.workers, console)


def _generated(copy: Path, found: list[Fault], scope: list[str], workers: int, console: Console) -> int:
    begun = time.monotonic()
    console.print(f"{len(found)} faults; the tests of {', '.join(scope)} without one, under coverage ...")
    if (known := _covered(copy, scope, console)) is None:
        return 2
    sources = {f.file: (copy / f.file).read_text(encoding="utf-8") for f in found}
    listed = {(e.file, e.function, tuple(e.fault)) for e in equivalents()}
    told = [f for f in found if outline(f, sources[f.file]) not in listed]
    tests = {f: known.of(f.file, *f.lines) for f in told}
    jobs = [Job(f, tests[f], LEAST + TIMES * known.lasts(tests[f]), f.file, f.applied(sources[f.file])) for f in told if tests[f]]
    ended: dict[Fault, str] = {f: "not covered" for f in told if not tests[f]} | dict.fromkeys(
        set(found) - set(told), "equivalent"
    )
    try:
        for n, ran in enumerate(run_all(jobs, copy, workers), 1):
            survived = ran.passed or ran.status == NOTHING_RUN
            ended[ran.job.key] = "survived" if survived else "timed out" if ran.status < 0 else "killed"
            if n % 50 == 0:
                said = Counter(ended.values())["survived"]
                console.print(f"{n} of {len(jobs)} faults, {said} survive, {time.monotonic() - begun:.0f} s")
    except KeyboardInterrupt:
        console.print("stopped; what was found so far:")
        found = [f for f in found if f in ended]
    left = [f for f in found if ended[f] in ("survived", "not covered")]
    for fault in left:
        _print(ended[fault], fault, sources[fault.file], console)
    console.print(_table(found, ended))
    console.print(f"{time.monotonic() - begun:.0f} s")
    return int(bool(left))


def _covered(copy: Path, scope: list[str], console: Console) -> covered.Covered | None:
    (ran,) = run_all([Job("coverage", scope, BASELINE, inside=covered.record)], copy, 1)
    if not (copy / covered.RECORD).exists():
        console.print(ran.said, markup=False)
        return None
    known, failed = covered.read(copy)
    for test in failed:
        console.print(f"left out, for it fails or is skipped without a fault: {test}", markup=False)
    console.print(f"{len(known.tests)} tests in {ran.seconds:.0f} s")
    return known


def _print(what: str, fault: Fault, source: str, console: Console) -> None:
    console.print(f"\n{what}: {fault.file}:{fault.line}  {fault.function}  ({fault.operator})", markup=False, style="bold")
    for line in diff(source, fault.applied(source)):
        console.print(line, markup=False, highlight=False, style="red" if line[0] == "-" else "green", soft_wrap=True)


def _table(found: list[Fault], ended: dict[Fault, str]) -> Table:
    table = Table("file", *KINDS)
    for file in sorted({f.file for f in found}):
        table.add_row(file, *_counts([f for f in found if f.file == file], ended))
    table.add_section()
    table.add_row("all", *_counts(found, ended))
    return table


def _counts(found: list[Fault], ended: dict[Fault, str]) -> list[str]:
    counts = Counter(ended[f] for f in found)
    return [str(len(found)), *(str(counts[kind]) for kind in KINDS[1:])]


def _planted(copy: Path, given: argparse.Namespace, console: Console) -> int:
    rows = [p for p in planted() if not given.package or any(p.file.startswith(name) for name in given.package)]
    tests = {p.name: given.tests or [p.tests] for p in rows}
    whole = [Job(None, t, BASELINE) for t in sorted({tuple(t) for t in tests.values()})]
    without = {tuple(ran.job.tests): ran for ran in run_all(whole, copy, given.workers)}
    for ran in without.values():
        if not ran.passed:
            console.print(f"these tests fail without a fault: {' '.join(ran.job.tests)}\n{ran.said}", markup=False)
            return 2
    jobs = []
    for p in rows:
        limit = LEAST + TIMES * without[tuple(tests[p.name])].seconds
        text = p.applied((copy / p.file).read_text(encoding="utf-8"))
        jobs.append(Job(p, tests[p.name], limit, p.file, text))
    ended: dict[str, Ran] = {ran.job.key.name: ran for ran in run_all(jobs, copy, given.workers)}
    table = Table("planted fault", "file", "found by")
    for p in rows:
        ran = ended[p.name]
        named = re.search(r"^(?:FAILED|ERROR) (\S+)", ran.said, re.MULTILINE)
        table.add_row(p.name, p.file, "NOTHING" if ran.passed else named[1] if named else f"status {ran.status}")
    console.print(table)
    found = sum(not ran.passed for ran in ended.values())
    console.print(f"{found} of {len(rows)} planted faults are found")
    return int(found < len(rows))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was found so far is printed
    try:
        sys.exit(main(arguments(), Console(width=None if sys.stdout.isatty() else 160)))
    except KeyboardInterrupt:
        sys.exit("stopped before the first fault was put in")

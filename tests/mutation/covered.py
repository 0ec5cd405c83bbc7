"""Which tests run which lines: one run under coverage, a context for each test and for each fixture that several share."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

IMPORT = ""  # the context of lines that run when a module is imported
RECORD = ".covered.json"


@dataclass(frozen=True)
class Covered:
    """The map.

    Args:
        lines: file -> line -> contexts. tests: id -> contexts that are its own. seconds: id -> how long it takes.
    """

    lines: dict[str, dict[int, list[str]]]
    tests: dict[str, list[str]]
    seconds: dict[str, float]

    def lasts(self, tests: list[str]) -> float:
        """Seconds of these tests together."""
        return sum(self.seconds.get(t, 0.0) for t in tests)

    def of(self, file: str, first: int, last: int) -> list[str]:
        """Tests that run a statement, quickest first, and behind them the others of their files.

        Those may use what the first of them left in a cache. Of what runs at import: every test that runs anything of the file.
        """
        lines = self.lines.get(file, {})
        contexts = {c for n in range(first, last + 1) for c in lines.get(n, [])}
        if IMPORT in contexts or not contexts:
            touching = {c for found in lines.values() for c in found}
            contexts = touching if IMPORT in contexts else set()
        chosen = [t for t, own in self.tests.items() if contexts.intersection(own)]
        files = {t.partition("::")[0] for t in chosen}
        others = [t for t in self.tests if t.partition("::")[0] in files and t not in set(chosen)]
        return [t for group in (chosen, others) for t in sorted(group, key=lambda t: (self.seconds.get(t, 0.0), t))]


class _Contexts:
    """A plugin of pytest that tells coverage which test runs."""

    def __init__(self, coverage: Any) -> None:
        self.coverage, self.now = coverage, IMPORT
        self.tests: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        shared = [d for name in item._fixtureinfo.name2fixturedefs.values() for d in name[-1:] if d.scope != "function"]  # type: ignore[attr-defined]
        self.tests[item.nodeid] = [item.nodeid, *(_fixture(d) for d in shared)]
        before, self.now = self.now, item.nodeid
        self.coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.now = before
            self.coverage.switch_context(before)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            return (yield)
        self.coverage.switch_context(_fixture(fixturedef))
        try:
            return (yield)
        finally:
            self.coverage.switch_context(self.now)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed or report.skipped:
            self.failed.append(report.nodeid)


def _fixture(fixturedef: Any) -> str:
    return f"fixture {fixturedef.baseid}::{fixturedef.argname}"


def record(arguments: list[str]) -> int:
    """In a child: run the tests, and leave the map in the working directory. Tests that fail or are skipped are not in it."""
    from coverage import Coverage

    coverage = Coverage(data_file=None, source=["snn2hw"], config_file=False, messages=False)
    coverage.set_option("run:core", "ctrace")
    plugin = _Contexts(coverage)
    coverage.start()
    try:
        status = pytest.main([a for a in arguments if a != "-x"], plugins=[plugin])
    finally:
        coverage.stop()
    data, root = coverage.get_data(), Path.cwd()
    lines = {str(Path(f).relative_to(root)): data.contexts_by_lineno(f) for f in data.measured_files()}
    tests = {t: own for t, own in plugin.tests.items() if t not in plugin.failed}
    record = {"lines": lines, "tests": tests, "seconds": plugin.seconds, "failed": sorted(set(plugin.failed))}
    Path(RECORD).write_text(json.dumps(record), encoding="utf-8")
    return int(status)


def read(folder: Path) -> tuple[Covered, list[str]]:
    """The map, and the tests that failed or were skipped."""
    found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    lines = {file: {int(n): contexts for n, contexts in by_line.items()} for file, by_line in found["lines"].items()}
    return Covered(lines, found["tests"], found["seconds"]), found["failed"]

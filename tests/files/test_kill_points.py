"""kill -9, a full disk and faults at calls to the file system: old or new is there afterwards, and the next run sweeps."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.files.kill_points import FAILURES, run

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and shutil.which("cc")), reason="the calls are counted by a preloaded C library on Linux"
)
A_FEW = (
    "compile over an artefact",
    "compile beside own files",
    "export c over an export, without exchange",
    "simulate over a trace",
)


def assert_nothing_is_lost(names: tuple[str, ...], points: int | None, how: str, least: int) -> None:
    found = run(names, points, how)
    print(f"{how}: {sum(f['points'] for f in found.values())} points, {len(found)} cases")
    assert {n: f["losses"] + f["leftovers"] + f["raw"] for n, f in found.items()} == {n: [] for n in found}
    assert sum(f["points"] for f in found.values()) >= least


def test_killed_at_twelve_points() -> None:
    assert_nothing_is_lost(A_FEW, 3, "kill", 12)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("how", FAILURES)
def test_at_every_call_of_every_verb(how: str) -> None:
    pytest.importorskip("torch")
    assert_nothing_is_lost((), None, how, 300)

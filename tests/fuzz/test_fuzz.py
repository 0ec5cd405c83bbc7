"""A few damaged inputs for every reader, with all that once found a fault: no raw exception, crash, hang, or wrong content."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.clean_environment import ROOT
from tests.fuzz import __main__ as command
from tests.fuzz import harness
from tests.fuzz.harness import Attempt, Reader, Verdict, never
from tests.fuzz.readers import READERS, reader

CORE = ["npy", "npz", "toml", "artefact"]  # what needs no optional package


def fuzzed(names: list[str]) -> None:
    line = [sys.executable, "-m", "tests.fuzz", "--readers", ",".join(names)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readers_of_the_core() -> None:
    fuzzed(CORE)


@pytest.mark.torch
def test_all_other_readers() -> None:
    fuzzed([name for name in READERS if name not in CORE])


def test_kept_seeds_are_of_readers_that_there_are() -> None:
    assert set(command.all_kept()) <= set(READERS)


def test_a_case_is_the_same_whenever_it_is_made(tmp_path: object) -> None:
    from pathlib import Path
    from random import Random

    base = Path(str(tmp_path))
    chosen = reader("npy")
    good = chosen.prepare(base)
    made = []
    for name in ("a", "b"):
        (base / name).mkdir()
        says = chosen.damage(Random("npy/7"), base / name, good).says
        made.append((says, (base / name / "x.npy").read_bytes()))
    assert made[0] == made[1]


def exactly(does: str) -> Reader:
    """A reader that does one wrong thing."""

    def read(folder: object, good: object) -> object:
        import os
        import time
        from pathlib import Path

        if does == "raw":
            raise KeyError("x")
        if does == "hang":
            time.sleep(60)
        if does == "crash":
            os._exit(3)
        if does == "memory":
            return len(bytearray(4 << 30))
        if does == "outside":
            (Path(str(folder)).parent / "stray").write_text("x")
        return does

    allowed = never if does == "damage" else lambda got: True
    return Reader(does, lambda folder: None, lambda rng, folder, good: Attempt("nothing", allowed), read)


@pytest.mark.parametrize(
    ("does", "verdict"),
    [
        ("raw", Verdict.RAW), ("hang", Verdict.HANG), ("crash", Verdict.CRASH), ("memory", Verdict.MEMORY),
        ("outside", Verdict.OUTSIDE), ("damage", Verdict.DAMAGE), ("right", Verdict.EQUAL),
    ],
)  # fmt: skip
def test_every_fault_is_seen_and_the_next_case_is_run(does: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SECONDS", 0.5)
    monkeypatch.setattr(harness, "SLACK", 0.5)
    cases = list(harness.run(exactly(does), [3, 4]))
    assert [(c.number, c.verdict) for c in cases] == [(3, verdict), (4, verdict)]
    assert cases[0].replay == f".venv/bin/python -m tests.fuzz --readers {does} --case 3"

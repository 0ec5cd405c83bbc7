"""What study.md says above its tables: every difference that it names stands in one of them."""

from __future__ import annotations

import re

import pytest

from bench.commit import ROOT

pytest.importorskip("torch", reason="the study trains torch models")

from bench.study.page import BEGIN

SAID = re.compile(r"([+-]?)(\d+\.\d) ± (\d+\.\d)(?!\d)")
MEASURED = re.compile(r"([+-]?)(\d+\.\d\d) ± (\d+\.\d\d)")
ROUNDED = 0.0500001  # of one decimal, from two


def unknown(prose: str, tables: str) -> list[str]:
    """What the prose says and no table has, to one decimal. A number without a sign is of either."""
    known = [(sign, float(value), float(error)) for sign, value, error in MEASURED.findall(tables)]
    return [
        f"{sign}{value} ± {error}"
        for sign, value, error in SAID.findall(prose)
        if not any(sign in ("", s) and abs(float(value) - v) < ROUNDED and abs(float(error) - e) < ROUNDED for s, v, e in known)
    ]


def test_every_difference_in_the_prose_stands_in_a_table() -> None:
    prose, _, tables = (ROOT / "docs" / "explanation" / "study.md").read_text(encoding="utf-8").partition(BEGIN)
    assert len(SAID.findall(prose)) > 20
    assert unknown(" ".join(prose.split()), tables) == []


def test_a_difference_that_no_table_has_is_found() -> None:
    tables = "| PLIF | **-4.72 ± 1.86** (5) | +0.25 ± 0.60 (5) |"
    assert unknown("4.7 ± 1.9 and -4.7 ± 1.9, +0.2 ± 0.6 and +0.3 ± 0.6", tables) == []
    assert unknown("+4.7 ± 1.9, 4.8 ± 1.9, 4.7 ± 1.8", tables) == ["+4.7 ± 1.9", "4.8 ± 1.9", "4.7 ± 1.8"]

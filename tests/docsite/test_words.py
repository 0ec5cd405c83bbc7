"""Pages, help texts and messages use the field's words, in lines of 100 columns that are read without effort."""

from __future__ import annotations

import re
import subprocess
from statistics import median

import pytest

from docsite import readability, words
from tests.clean_environment import ROOT

HARDEST, MIDDLE = 13.0, 11.0
OPEN = ("CHANGELOG.md",)  # names what was called otherwise once


def test_no_word_that_readers_do_not_know() -> None:
    told = words.pages() | words.messages()
    assert len(told) > 400
    assert [line for where, text in told.items() if where not in OPEN for line in words.found(text, where)] == []


def test_our_words_are_explained_where_a_page_uses_them_first() -> None:
    assert [line for where, text in words.pages().items() if where not in OPEN for line in words.unexplained(text, where)] == []


@pytest.mark.parametrize(
    ("text", "many"),
    [
        ("a payload of 3", 1),
        ("`payload` of 3", 0),
        ("the Law decides", 1),
        ("in its own room", 1),
        ("a mended part", 1),
        ("a bar chart", 0),
    ],
)
def test_a_word_is_found(text: str, many: int) -> None:
    assert len(list(words.found(words.prose(text), "page"))) == many


def test_first_use() -> None:
    assert len(list(words.unexplained("an artefact here", "page"))) == 1
    assert list(words.unexplained("a compiled model (artefact) here", "page")) == []


def test_lines_of_pages_are_100_columns() -> None:
    """But for tables, code, and what cannot be broken."""
    long = []
    for path in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "models").rglob("*.md")]:
        text = re.sub(r"^( *)```.*?^\1```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
        text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
        long += [
            f"{path.relative_to(ROOT)}: {line}"
            for line in text.split("\n")
            if len(line) > 100 and not re.match(r"\s*\||    |#|!\[", line) and " " in line.strip()
        ]
    assert long == []


def test_pages_are_readable() -> None:
    grades = readability.grades(words.pages())
    assert len(grades) > 50
    assert {page: round(g, 1) for page, g in grades.items() if g > HARDEST} == {}
    assert median(grades.values()) <= MIDDLE


def test_the_grade_that_is_stated() -> None:
    """Pages change from day to day: within half a school year."""
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())
    limits = f"A test allows {MIDDLE:g} for the median, and {HARDEST:g} for one page."
    stated = re.search(rf"{re.escape(limits)} The median is (\d+\.\d) now\.", text)
    assert stated is not None
    assert median(readability.grades(words.pages()).values()) == pytest.approx(float(stated[1]), abs=0.5)


def test_the_grade_of_a_commit() -> None:
    """Of its files, not of those of today."""
    if not (ROOT / ".git").exists():
        pytest.skip("a copy without its history")
    pages = readability.pages_of("HEAD")
    assert pages.keys() >= {"docs/tutorials/first.md", "README.md", "CONTRIBUTING.md"}
    assert "```" not in pages["README.md"]
    committed = subprocess.run(["git", "show", "HEAD:README.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert pages["README.md"] == words.prose(committed)


def test_grades_rise_with_long_words_and_long_sentences() -> None:
    easy = "The cat sat on the mat. It was a warm day. " * 8
    hard = (
        "Quantisation necessarily introduces deterministic approximation of multiplicative coefficients, which accumulates. " * 8
    )
    assert (readability.grade(easy) or 0) < 2
    assert (readability.grade(hard) or 0) > 15
    assert readability.grade("Too short.") is None
    assert [readability.syllables(w) for w in ("take", "table", "counted", "trained", "changes", "a")] == [1, 2, 2, 1, 2, 1]


def test_pages_show_no_folder_of_whoever_wrote_them() -> None:
    """What `--update` wrote of the machine that it ran on: `...` stands for it."""
    found = []
    for path in [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "models").rglob("*.md")]:
        found += [
            f"{path.relative_to(ROOT)}: {m}"
            for m in re.findall(r"(?<![\w.])/(?:tmp|home|root|work)/\S*", path.read_text("utf-8"))
        ]
    assert found == []

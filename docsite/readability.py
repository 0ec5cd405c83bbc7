"""How hard the prose of each page is to read: the grade of Flesch and Kincaid, which counts words and syllables.

python -m docsite.readability             of the pages as they are
python -m docsite.readability 6ffb0e3     of those of a commit

A grade is a number of school years: 8 is read easily, 11 is a newspaper, above 14 is a law. Code, tables, headings and names
in code are left out; an item of a list is a sentence of its own, and so is what stands before a colon at the end of a line.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from statistics import median

from docsite.api import ROOT
from docsite.project import FILES
from docsite.words import pages, prose

LEAST = 60  # words; of a page with fewer nothing is said
SYLLABLE = re.compile(r"[aeiouy]+")
SILENT = re.compile(r"(?:[^laeiouy]es|ed|[^laeiouy]e)$")  # as in `makes`, `trained`, `take`; not as in `table`
VOICED = re.compile(r"(?:[td]ed|[cgsxz]es|ches|shes)$")  # as in `counted`, `changes`


def syllables(word: str) -> int:
    """How many are spoken, as nearly as the letters say."""
    word = re.sub(r"[^a-z]", "", word.lower())
    count = len(SYLLABLE.findall(word))
    if SILENT.search(word) and not VOICED.search(word):
        count -= 1
    return max(1, count)


def sentences(text: str) -> list[list[str]]:
    """The words of every sentence of a page whose code is out already."""
    text = re.sub(r"^ {4}.*$", "", text, flags=re.M)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    paragraphs: list[str] = [""]
    for line in text.split("\n"):
        if not line.strip() or re.match(r"\s*(?:#|\||!!!|\[\w)", line):
            paragraphs.append("")
        elif item := re.match(r"\s*(?:[*+-]|\d+\.)\s+(.*)", line):
            paragraphs.append(item[1])
        else:
            paragraphs[-1] += " " + line.strip()
    found = []
    for paragraph in paragraphs:
        for sentence in re.split(r"(?<=[.!?])[)\"*]*\s+(?=[\"(*]*[A-Z0-9])|:$", paragraph.strip()):
            words = re.findall(r"[A-Za-z][A-Za-z'-]*", sentence)
            if len(words) > 1:
                found.append(words)
    return found


def grade(text: str) -> float | None:
    """Of a page without its code; None where it has too few words to tell."""
    each = sentences(text)
    words = [word for sentence in each for word in sentence]
    if len(words) < LEAST:
        return None
    return 0.39 * len(words) / len(each) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def grades(texts: Mapping[str, str]) -> dict[str, float]:
    """By page, the hardest first. The changelog is a list of names, and is left out."""
    told = {page: grade(text) for page, text in texts.items() if page != "CHANGELOG.md"}
    return {page: g for page, g in sorted(told.items(), key=lambda item: -(item[1] or 0.0)) if g is not None}


def pages_of(commit: str) -> dict[str, str]:
    """As `pages`, of a commit of this repository."""
    names = _git("ls-tree", "-r", "--name-only", commit).splitlines()
    read = [n for n in names if n.endswith(".md") and (n.startswith(("docs/", "models/")) or n in ("README.md", *FILES))]
    return {name: prose(_git("show", f"{commit}:{name}")) for name in read}


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main(arguments: list[str]) -> None:
    """Print them, and their median."""
    found = grades(pages_of(arguments[0]) if arguments else pages())
    for page, value in found.items():
        print(f"{value:5.1f}  {page}")
    print(f"{median(found.values()):5.1f}  median of {len(found)} pages")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Words that readers do not know, and what to write instead: looked for in pages, help texts and messages.

The field's own words are used in everything that a user reads. Names of the interface stay as they are, so that code in a
text is not looked into.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from docsite.api import ROOT
from docsite.project import FILES

INSTEAD = {
    r"the law\b": "the reference",
    r"payloads?\b": "spike value, graded spike",
    r"(?:number of|several|its|their|as|of|per|\d|K) rounds?\b": "spikes per step",
    r"rounds? that fires?\b": "spikes per step",
    r"held to\b": "saturates",
    r"relies on its clamp\b": "saturates",
    r"the real (?:stage|network)\b": "the float network",
    r"products of weights\b": "MACs, synaptic operations",
    r"event by event\b": "event-driven",
    r"(?:was|is) wanted\b": "target",
    r"wished\b": "target",
    r"the bar\b(?! chart)": "target",
    r"is certain\b": "verified bound",
    r"(?:of the|in the|our) house\b": "architecture",
    r"(?:one|its|own|every) room\b": "package",
    r"mend(?:ed|s|ing)?\b": "fix",
}
PATTERN = {re.compile(rf"(?<![\w-]){words}", re.I): instead for words, instead in INSTEAD.items()}
ANY = re.compile("|".join(p.pattern for p in PATTERN), re.I)
QUOTED = re.compile(rf"['\"].*?(?:{ANY.pattern})", re.I)
NO_MESSAGE = re.compile(r'^ *"""(?s:.*?)"""$|#.*$', re.M)  # docstrings, comments
CODE = re.compile(r"^( *)```.*?^\1```$|`(?:[^`\n]|\n(?!\n))+`|<!--.*?-->", re.M | re.S)


def prose(text: str) -> str:
    """A page without its code; lines keep their numbers."""
    return CODE.sub(lambda m: "\n" * m[0].count("\n"), text)


def found(text: str, where: str) -> Iterator[str]:
    """Every word of the list, with its place and what to write."""
    for number, line in enumerate(text.split("\n") if ANY.search(text) else [], 1):
        for pattern, instead in PATTERN.items():
            for match in pattern.finditer(line):
                yield f"{where}:{number}: '{match[0]}': write {instead}"


FIRST_USE = {"artefact": "compiled model", "executor": "back end"}  # of a page: our word, and the one that it is explained by


def unexplained(text: str, where: str) -> Iterator[str]:
    """Words of ours that a page uses before it says what they mean."""
    for word, meaning in FIRST_USE.items():
        used, said = (re.search(rf"\b{w}s?\b", " ".join(text.split()), re.I) for w in (word, meaning))
        if used and (said is None or said.start() > used.start() + 40):
            yield f"{where}: the first '{word}' is not explained: write '{meaning} ({word})'"


def pages() -> dict[str, str]:
    """Prose by path, of all that people read: pages, README, the files at the root, model cards."""
    paths = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "models").rglob("*.md"), ROOT / "README.md", *(ROOT / n for n in FILES)]
    return {p.relative_to(ROOT).as_posix(): prose(p.read_text(encoding="utf-8")) for p in sorted(paths)}


def messages() -> dict[str, str]:
    """What snn2hw prints, by file: every text of its code that has a blank in it, and the docstrings of `cli`.

    A file in whose source no word of the list stands is not parsed: its text is "".
    """
    told: dict[str, str] = {}
    for path in sorted((ROOT / "snn2hw").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        command = path.is_relative_to(ROOT / "snn2hw" / "cli")
        if not command and not QUOTED.search(NO_MESSAGE.sub("", source)):
            told[path.relative_to(ROOT).as_posix()] = ""
            continue
        tree = ast.parse(source)
        c = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) and _is_c(n) for part in n.values}
        docs = {id(n.body[0].value) for n in ast.walk(tree) if _documented(n)}  # type: ignore[attr-defined]
        lines = [""] * (source.count("\n") + 1)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and _is_told(node.value)
                and id(node) not in c
                and (command or id(node) not in docs)
            ):
                lines[node.lineno - 1] += " " + str(node.value).replace("\n", " ")
        told[path.relative_to(ROOT).as_posix()] = prose("\n".join(lines))
    return told


def _is_told(text: object) -> bool:
    """Whether it may be a text for people: no key, and no C."""
    return isinstance(text, str) and " " in text and not text.rstrip().endswith(";")


def _is_c(text: ast.JoinedStr) -> bool:
    return isinstance(text.values[-1], ast.Constant) and str(text.values[-1].value).rstrip().endswith(";")


def _documented(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


def main() -> int:
    """Print all of them; exit code 1 where there are any."""
    every = [line for texts in (pages(), messages()) for where, text in texts.items() for line in found(text, where)]
    every += [line for where, text in pages().items() if where != "CHANGELOG.md" for line in unexplained(text, where)]
    print("\n".join(every) or "none")
    return 1 if every else 0


if __name__ == "__main__":
    raise SystemExit(main())

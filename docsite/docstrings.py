"""Docstrings of this project in the form that mkdocstrings reads.

Ours name several arguments in a line (`lo, hi: of the range. steps: T.`), as they belong together for
a reader; the parser wants each name on a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import griffe

SECTIONS = ("Args", "Raises", "Warns")
NAME = r"[A-Za-z_]\w*"


def split_sections(text: str, names: Collection[str]) -> str:
    """The docstring with an entry of its own for every argument and every error.

    Args:
        text: the docstring, without its indent. names: the arguments that there are.
    """
    out: list[str] = []
    lines = text.split("\n")
    n = 0
    while n < len(lines):
        out.append(lines[n])
        section = lines[n].strip().removesuffix(":")
        n += 1
        if lines[n - 1].strip().endswith(":") and section in SECTIONS:
            body: list[str] = []
            while n < len(lines) and (not lines[n].strip() or lines[n].startswith("    ")):
                body.append(lines[n])
                n += 1
            out += _entries(body, names if section == "Args" else None)
            if n < len(lines):
                out.append("")
    return "\n".join(out).replace("][", "]\\[")  # an index of an index is no link


def _entries(body: list[str], names: Collection[str] | None) -> list[str]:
    """Lines of a section, an entry for each name; `names` None: whatever is called like an exception."""
    words = r"\w*(?:Error|Warning|Exit|Interrupt)" if names is None else "|".join(sorted(map(re.escape, names), key=len))
    head = rf"(?:\*{{0,2}}(?:{words}))(?:, \*{{0,2}}(?:{words}))*: "
    text = " ".join(" ".join(line.split()) for line in body).strip()
    if not words:
        return body
    starts = [m.start(1) for m in re.finditer(rf"(?:^|[.;)] )({head})", text)]
    if not starts or starts[0] != 0:
        return body
    found = []
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        several, said = text[begin:end].strip().split(": ", 1)
        first, *more = several.split(", ")
        found.append(f"    {first}: {said}")
        found += [f"    {name}: With `{first}`." for name in more]
    return found


class OneEach(griffe.Extension):
    """Rewrites every docstring as it is read."""

    def on_function(self, *, func: griffe.Function, **_: object) -> None:
        """Of functions: names are those of the signature."""
        if func.docstring:
            func.docstring.value = split_sections(func.docstring.value, [p.name for p in func.parameters])

    def on_attribute(self, *, attr: griffe.Attribute, **_: object) -> None:
        """Of attributes and properties, which have no arguments."""
        if attr.docstring:
            attr.docstring.value = split_sections(attr.docstring.value, ())

    def on_class(self, *, cls: griffe.Class, **_: object) -> None:
        """Of classes: names are attributes and the arguments of `__init__`."""
        if cls.docstring:
            made = cls.members.get("__init__")
            given = [p.name for p in made.parameters] if isinstance(made, griffe.Function) else []
            cls.docstring.value = split_sections(cls.docstring.value, [*given, *cls.members])

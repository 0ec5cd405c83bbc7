"""A page for every class of errors: what it means, how it comes about and goes away, and all its messages, from the source.

The messages are read from the code that raises them, so that no page can know others.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from docsite.error_cases import CASES
from docsite.source_texts import PART, calls, text, texts

FOLDER, INDEX = "how-to/errors", "reference/errors.md"
OTHER = "; or: "  # between remedies of one message
SAME_AS = {"UndecodableError": "DataError", "LossWarning": "Snn2hwWarning"}  # shown on the page of their base


class Message(NamedTuple):
    """One message of the source."""

    error: str
    what: str
    do: str


@cache
def messages() -> tuple[Message, ...]:
    """Every message that a class of errors is raised with, in the order of the alphabet, each once."""
    known = set(classes())
    found = set()
    for name in (*known, *SAME_AS):
        for call, module, inside in calls().get(name, ()):
            what = text(call.args[0]) if call.args else ""
            if len(what.replace(PART, "").split()) > 1:
                given = next((k.value for k in call.keywords if k.arg == "do"), None)
                does = [] if given is None else texts(given, module, inside)
                found.add(Message(SAME_AS.get(name, name), what, OTHER.join(does)))
    return tuple(sorted(found))


def classes() -> dict[str, str]:
    """Every class that has a page, with its docstring."""
    from snn2hw import errors

    kinds = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    return {name: inspect.cleandoc(kind.__doc__ or "") for name, kind in kinds.items() if name not in ("Snn2hwError", *SAME_AS)}


def _exit_code(name: str) -> int:
    from snn2hw import errors
    from snn2hw.cli.end import exit_code

    return exit_code(getattr(errors, name))


def pages() -> dict[str, str]:
    """Text by path below docs/."""
    return {INDEX: index(), **{path: page(name) for path, name in paths().items() if name}}


def paths() -> dict[str, str]:
    """The class that each page is of; "" of the index."""
    return {INDEX: "", **{f"{FOLDER}/{name.lower()}.md": name for name in classes()}}


def index() -> str:
    """The table of all classes."""
    many, tried = len(messages()), len({c.error for c in CASES})
    lines = [
        "# Errors and warnings", "",
        "Every error that snn2hw raises derives from `snn2hw.errors.Snn2hwError`, and has the same parts: what is wrong, "
        "`where`, what was `got`, what was `expected`, and what to `do`. They are attributes of the error, too. A warning "
        "(`Snn2hwWarning`) has a `cause` besides. The command line prints the same text, and ends with an exit code. "
        f"There are {many} messages; each page lists those of its class as they stand in the source. Of each class a test "
        f"raises one and does what its remedy says: {tried} in all.", "",
        "| class | means | exit code |", "|---|---|---|",
    ]  # fmt: skip
    for name, says in classes().items():
        code = "" if name.endswith("Warning") else str(_exit_code(name))
        lines.append(f"| [{name}](../{FOLDER}/{name.lower()}.md) | {_first(says)} | {code} |")
    lines += ["", "`error: something went wrong inside snn2hw; this is a bug` is a fault of snn2hw. Run again with "
              "`SNN2HW_TRACEBACK=1`, and report what it prints.", ""]  # fmt: skip
    return "\n".join(lines)


def page(name: str) -> str:
    """One class."""
    says = classes()[name]
    code = "" if name.endswith("Warning") else f" The command line ends with exit code {_exit_code(name)}."
    lines = [f"# What does {name} mean?", "", f"{_first(says)}{code}", ""]
    for case in (c for c in CASES if c.error == name):
        verb = "warns" if name.endswith("Warning") else "stops"
        lines += [f"This {verb} with it:", "", "```python", case.cause.rstrip(), "```", "", "This does not:", "",
                  "```python", case.remedy.rstrip(), "```", ""]  # fmt: skip
    own = [m for m in messages() if m.error == name]
    if own:
        lines += [
            "## All messages",
            "",
            f"`{PART}` stands for names and numbers of your case. Remedies with `{OTHER.strip()}` between them are of "
            "different cases. Where no remedy stands, what the error has as `got` and `expected` says it.",
            "",
            "| message | what to do |",
            "|---|---|",
        ]
        lines += [f"| {_cell(m.what)} | {_cell(m.do)} |" for m in own]
        lines.append("")
    return "\n".join(lines)


def _first(says: str) -> str:
    return " ".join(says.split("\n\n", maxsplit=1)[0].split())


def _cell(text: str) -> str:
    text = " ".join(text.split())
    return re.sub(r"([|*_<>\[\]])", r"\\\1", text) if text != PART else ""


def unmatched() -> Iterator[str]:
    """Classes without a case."""
    yield from (name for name in classes() if not any(c.error == name for c in CASES))

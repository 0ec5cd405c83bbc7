"""The page of the command line, from what `--help` is made of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command


def page() -> str:
    """Markdown: every verb with its usage, its arguments, its options and its examples."""
    from snn2hw.cli.app import app

    group: Any = get_command(app)
    lines = ["# Command line", "", _dedented(group.help), ""]
    lines += ["| command | what it does |", "|---|---|"]
    context = typer.Context(group, info_name="snn2hw")
    verbs = {name: group.get_command(context, name).whole for name in group.list_commands(context)}
    lines += [f"| [`{name}`](#snn2hw-{name}) | {_first(verb.help)} |" for name, verb in verbs.items()]
    lines += ["", "`snn2hw VERB --help` prints the same as this page. `python -m snn2hw` is the same command.", ""]
    for name, verb in verbs.items():
        lines += [f"## snn2hw {name}", "", *_verb(name, verb)]
    return "\n".join(lines).rstrip() + "\n"


def _verb(name: str, verb: Any) -> Iterator[str]:
    context = typer.Context(verb, info_name=f"snn2hw {name}")
    words = " ".join(verb.collect_usage_pieces(context))
    yield from ("```text", f"snn2hw {name} {words}", "```", "", _dedented(verb.help), "")
    for param in verb.params:
        if getattr(param, "hidden", False):
            continue
        record = param.get_help_record(context)
        if record is None:
            record = (param.make_metavar(context), getattr(param, "help", "") or "")
        shown, said = (re.sub(r"\s+", " ", part).strip() for part in record)
        yield f"`{shown}`\n:   {_escaped(said) or 'Show this help.'}\n"


def _dedented(text: str | None) -> str:
    return inspect.cleandoc(text or "").replace("\f", "")


def _first(text: str | None) -> str:
    return " ".join(_dedented(text).split("\n\n")[0].split()).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Brackets of help texts are no links, stars no emphasis."""
    return re.sub(r"(?<!`)([*<>_])(?!`)", r"\\\1", text)

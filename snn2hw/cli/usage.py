"""What is wrong with a command line itself becomes an error like any other: typer would print the user's words as they are."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import typer

from snn2hw.errors import UsageError

ELSEWHERE = {  # what people look for here
    "train": "train in Python with snn2hw.train.fit, a model of models/ with its train.py; ",
    "convert": "convert in Python with snn2hw.convert; compile does it by itself; ",
    "quantize": "compile quantises; ",
    "quantise": "compile quantises; ",
}
LISTED = "`snn2hw --help` lists all verbs, `snn2hw VERB --help` the options of one"
ALIKE = 0.8  # as --verison and --version
# Typer has click's classes under names of its own, which change from version to version.
WRONG: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def usage_error(error: Any, words: Sequence[str]) -> UsageError:
    """What is wrong with the words of a command line, as typer found it."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "snn2hw"
    # An option that nobody has names others; one that lacks its value names none.
    option = error.option_name if hasattr(error, "possibilities") else None
    if option and command == "snn2hw":  # else --version for --json
        error.possibilities = get_close_matches(option, error.possibilities or [], cutoff=ALIKE)
    return UsageError(
        str(error.format_message()).rstrip("."),
        where=command,
        got=shlex.join(["snn2hw", *words]),
        expected=_expected(context, option),
        do=next((ELSEWHERE[w] for w in words[:1] if w in ELSEWHERE), "") + LISTED
        if command == "snn2hw"
        else f"`{command} --help` lists all of it",
    )


def _expected(context: Any, option: str | None) -> str:
    """What the command takes; `option` is one that it does not have."""
    if context is None:
        return ""
    words: Mapping[str, Any] = getattr(context.command, "commands", {})
    if words:
        return f"options of a verb behind the verb: snn2hw VERB {option}" if option else "one of " + ", ".join(words)
    return " ".join([context.command_path, *context.command.collect_usage_pieces(context)])


def refuse_options(given: Mapping[str, object], kind: str, do: str) -> None:
    """Options that mean nothing to a kind of model are refused, not ignored.

    Args:
        given: option -> its value; None where it was not given.
        kind: what they mean nothing to. do: what can be done.
    """
    if foreign := [name for name, value in given.items() if value is not None]:
        raise UsageError(f"options that mean nothing to {kind}", got=", ".join(foreign), expected="none of these", do=do)

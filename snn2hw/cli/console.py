"""What people see: tables, progress, errors. Rich in a terminal, plain text elsewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from snn2hw.cli.loudness import loudness
from snn2hw.cli.tables import LEAST, fitted
from snn2hw.errors import Snn2hwError, Snn2hwWarning
from snn2hw.shown import plain, plain_lines

PLAIN_WIDTH = 140  # of pipes, which have no width of their own; COLUMNS states another


def _console(stderr: bool = False) -> Console:
    """Nothing that is printed is interpreted: a name may look like markup, an emoji or an escape sequence."""
    plainly: dict[str, Any] = {"stderr": stderr, "highlight": False, "markup": False, "emoji": False}
    console = Console(**plainly)
    return console if console.is_terminal else Console(**plainly, width=_plain_width(), soft_wrap=False)


def _plain_width() -> int:
    stated = os.environ.get("COLUMNS", "")
    return int(stated) if stated.isascii() and stated.isdigit() and int(stated) else PLAIN_WIDTH


def styled(text: object, style: str) -> Text:
    """Data in a style."""
    return Text(plain(str(text)), style)


def _shown(part: object) -> Text:
    return part if isinstance(part, Text) else Text(plain(str(part)))


def say(*parts: object) -> None:
    """One line for people: data, and `styled` text."""
    if loudness.quiet:
        return
    console = _console()
    console.print(Text.assemble(*map(_shown, parts)), soft_wrap=not console.is_terminal)


def command(*words: object) -> str:
    """A command line that can be copied to a shell."""
    return shlex.join(map(str, words))


def rule(title: str) -> None:
    """A line across, with a title."""
    if not loudness.quiet:
        _console().rule(styled(title, "bold"), align="left")


def print_text(text: str) -> None:
    """Lines as they are: no wrapping."""
    if not loudness.quiet:
        _console().out(plain_lines(text), highlight=False)


def print_json(document: object) -> None:
    """What --json prints, quiet or not: one JSON value, names in it as they are."""
    _console().out(json.dumps(document, indent=2), highlight=False)


def print_aside(text: str) -> None:
    """What --verbose says, on stderr."""
    _console(stderr=True).print(Text(plain(text), "dim"), soft_wrap=True)


def print_warning(warning: Snn2hwWarning) -> None:
    """A warning on stderr, its parts on lines of their own."""
    _print_parts(str(warning), styled("warning:", "bold yellow"))


def print_error(error: Snn2hwError) -> None:
    """An error on stderr, its parts on lines of their own."""
    _print_parts(str(error), styled("error:", "bold red"))


def _print_parts(text: str, head: Text) -> None:
    """The lines of a message on stderr, each part in a line of its own, which a terminal folds under its text."""
    console = _console(stderr=True)
    first, *more = text.split("\n")
    parts = [(Text.assemble(head, " "), first)]
    for line in more:
        said = re.sub(r"^(  \w+: +| +)", "", line)
        parts.append((Text(line.removesuffix(said)), said))
    for name, said in parts:
        before = name
        for part in _folded(said, console.width - name.cell_len, console):
            console.print(Text.assemble(before, part), soft_wrap=True)
            before = Text(" " * name.cell_len)


def _folded(said: str, room: int, console: Console) -> list[str]:
    """At words, where a terminal has room for some; in a pipe it stays a line, for programs."""
    if not console.is_terminal or room < LEAST:
        return [said]
    lines = [""]
    for word in re.findall(r"\s*\S+", said):
        if lines[-1] and cell_len(lines[-1] + word) > room:
            lines.append(word.lstrip())
        else:
            lines[-1] += word
    return lines


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] = ()) -> None:
    """A table; `numbers` are the columns aligned to the right.

    Args:
        title: above it, '' for none. rows: a cell for each of `columns`, shown by str.
    """
    if loudness.quiet:
        return
    console = _console()
    if title:
        console.print()
        console.print(styled(title, "bold"), soft_wrap=True)
    cells = [[_shown(cell) for cell in row] for row in rows]
    for part in fitted([plain(c) for c in columns], cells, numbers, console.width, framed=not console.is_terminal):
        console.print(part)


class _Speed(ProgressColumn):
    """How many a second, of the last of them."""

    def render(self, task: Task) -> Text:
        """Empty until it is known."""
        return Text("" if not task.speed else f"{task.speed:,.0f}/s" if task.speed >= 10 else f"{task.speed:.1f}/s")


class _Done(MofNCompleteColumn):
    """How many of how many."""

    def render(self, task: Task) -> Text:
        """Empty while nobody knows how many there are."""
        return super().render(task) if task.total else Text("")


@contextmanager
def progress(label: str) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr while the block runs; silent where stderr is no terminal. Of a total of 0 none is shown."""
    console = _console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Done(),
        _Speed(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    hidden = loudness.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar, loudness.at(label):
        task = bar.add_task(plain(label), total=None)

        def tell(what: str, done: int, total: int) -> None:
            loudness.reached(what, done, total)
            bar.update(task, description=plain(f"{label}: {what}"), completed=done, total=total or None)

        yield tell


def good(text: str, well: bool) -> Text:
    """Green or red."""
    return styled(text, "green" if well else "bold red")

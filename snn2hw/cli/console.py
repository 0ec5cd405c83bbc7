"""What people see: tables, progress, errors. Rich in a terminal, plain text elsewhere."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
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

from snn2hw.artefact import Artefact
from snn2hw.cli.loudness import loudness
from snn2hw.cli.tables import fitted
from snn2hw.errors import Snn2hwError, Snn2hwWarning
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import Program
from snn2hw.ir.program_text import program_with_comments
from snn2hw.layers import IntSynapse
from snn2hw.shown import plain, plain_lines
from snn2hw.simplification import simplified
from snn2hw.trace import Ints
from snn2hw.verification.batches import Progress as ProgressCallback
from snn2hw.verification.differential import Difference
from snn2hw.verification.verdict import Verdict

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
    console = _console(stderr=True)
    first, *more = str(warning).split("\n")
    console.print(Text.assemble(styled("warning:", "bold yellow"), f" {first}"), soft_wrap=True)
    for line in more:
        console.print(Text(line), soft_wrap=True)


def print_error(error: Snn2hwError) -> None:
    """An error on stderr, its parts on lines of their own."""
    console = _console(stderr=True)
    first, *more = str(error).split("\n")
    console.print(Text.assemble(("error:", "bold red"), " ", first), soft_wrap=True)
    for line in more:
        console.print(Text(line), soft_wrap=True)


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
def progress(label: str) -> Iterator[ProgressCallback]:
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


def print_verdict(verdict: Verdict, title: str) -> None:
    """One row per executor, then every first difference with its cause, then what was not run."""
    rows: list[list[object]] = [["reference", "decides", "", "", f"{verdict.seconds.get('reference', 0):.2f}"]]
    for name, compared in verdict.compared.items():
        different = verdict.different[name]
        equal = good("equal", True) if name not in verdict.not_run else styled("stopped", "yellow")
        mark = equal if not different else good("DIFFERENT", False)
        seconds = f"{verdict.seconds[name]:.2f}" if name in verdict.seconds else "stored"
        rows.append([name, mark, f"{compared:,}", f"{different:,}", seconds])
    rows += [[name, styled("not run", "yellow"), "", "", ""] for name in verdict.not_run if name not in verdict.compared]
    table(title, ["executor", "verdict", "integers compared", "differing", "seconds"], rows, numbers=(2, 3, 4))
    for name, note in verdict.notes.items():
        say(f"{name}: {note}")
    for d in verdict.differences:
        print_difference(d)
    for name, reason in verdict.not_run.items():
        say(styled("not run", "yellow"), f" {name}: {reason}")


def print_difference(d: Difference) -> None:
    """Where it is, and what it can come from."""
    say(styled("first difference", "bold red"), f" {d}")
    print_text(f"  cause: {d.cause}")


def print_program(layer: str, program: Program) -> None:
    """A neuron program in text form."""
    say()
    say(styled(layer, "bold"))
    print_text(program_with_comments(program))


def print_readout(outputs: Mapping[str, Ints], executor: str, seconds: float, most: int = 10) -> None:
    """Prediction and integers of the first samples, output by output, and how fast it went.

    Args:
        executor: its name. seconds: that the run took, for the samples per second.
        outputs: [N, classes] by name, as `Artefact.outputs` gives them. most: how many samples are shown.
    """
    samples = len(next(iter(outputs.values())))
    columns = ["sample"]
    rows: list[list[object]] = [[n] for n in range(min(samples, most))]
    for name, values in outputs.items():
        columns += ["prediction", name] if len(outputs) == 1 else [f"{name}: prediction", f"{name}: readout"]
        for row, integers in zip(rows, values.tolist(), strict=False):
            row.extend([int(np.argmax(integers)), " ".join(map(str, integers))])
    numbers = (0, *range(1, len(columns), 2))
    title = f"{executor}: {samples} samples" + (f", the first {most}" if samples > most else "")
    table(title, columns, rows, numbers)
    say(f"{seconds:.2f} s, {samples / max(seconds, 1e-9):,.0f} samples a second, compiling and reading included")


def print_network(net: IntegerNetwork, title: str) -> None:
    """One row per node, and what they sum up to."""
    rows, known = [], {n.name: n for n in net.nodes}
    weights = {n.name: n.weight.size for n in net.nodes if isinstance(n, IntSynapse)}
    macs = {n.name: n.macs(known[n.inputs[0]].shape) for n in net.nodes if isinstance(n, IntSynapse)}
    for n in net.nodes:
        what = n.program.kind if isinstance(n, IntNeuron) else type(n).__name__.removeprefix("Int")
        state = ", ".join(f"{k} {s.format}" for k, s in n.program.states.items()) if isinstance(n, IntNeuron) else ""
        sizes = [len(p.instructions) for p in (n.program, simplified(n.program))] if isinstance(n, IntNeuron) else ["", ""]
        row = [n.name, what, ", ".join(n.inputs), str(list(n.shape)), str(n.format), str(n.interval), state, *sizes]
        rows.append([*row, *(f"{of[n.name]:,}" if n.name in of else "" for of in (weights, macs))])
    columns = [
        "node", "kind", "inputs", "shape", "format", "interval", "states", "instructions", "simplified", "weights", "MACs a step",
    ]  # fmt: skip
    table(title, columns, rows, (7, 8, 9, 10))
    total = f"{sum(weights.values()):,} weights, {sum(macs.values()):,} MACs at a step where no value and no weight is 0"
    say(f"{total}; `snn2hw estimate` counts those that are used")


def artefact_title(artefact: Artefact) -> str:
    """Folder, target and steps of an artefact on one line, and how it was read where that is known."""
    origin = "".join(f", {name} {value}" for name, value in artefact.manifest.get("origin", {}).items())
    return f"{artefact.folder or 'in memory'}: target {artefact.network.target}, T = {artefact.network.steps}{origin}"

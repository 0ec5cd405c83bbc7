"""`snn2hw export`: the network in a form of its own for a target, or for other frameworks."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from snn2hw import api
from snn2hw.backends import Exported, Writer, writer
from snn2hw.backends.base import Replaying
from snn2hw.cli import console
from snn2hw.cli.completion import among, boards, exports
from snn2hw.cli.options import AsJson
from snn2hw.errors import UsageError
from snn2hw.exports import options_of
from snn2hw.formats.nir.write import CONVENTIONS


def export(
    artefact: Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")],
    to: Annotated[
        str,
        typer.Option(help="What to write: c, nir, rtl, or another of `snn2hw backends`.", autocompletion=exports),
    ] = "c",
    out: Annotated[
        Path | None,
        typer.Option(help="The folder to write, of nir the file. Default: c, rtl or model.nir in ARTEFACT."),
    ] = None,
    vectors: Annotated[
        int | None, typer.Option(help="c, rtl: how many samples of vectors.npz its test replays.", show_default="4")
    ] = None,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="c: functions that take one step a call, for input that arrives step by step.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="c: compile and run the test here, with the C compiler found.")
    ] = False,
    convention: Annotated[
        str | None,
        typer.Option(
            help=f"nir: whose importer to write for: {', '.join(CONVENTIONS)}.",
            show_default="NIR's equation under Euler",
            autocompletion=among(CONVENTIONS),
        ),
    ] = None,
    dt: Annotated[float | None, typer.Option("--dt", help="nir: seconds of a step. Default: the convention's.")] = None,
    parallel: Annotated[
        int | None,
        typer.Option(help="rtl: how many neurons and sums of a layer are computed at once, at most.", show_default="1"),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(metavar="luts=N,brams=N,dsps=N", help="rtl: in place of --parallel the fastest that is expected to fit."),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(help="rtl: the same, for a board that `snn2hw targets` lists, such as ecp5-85k.", autocompletion=boards),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="rtl: the smallest design that is expected to take this many samples a second.")
    ] = None,
    megahertz: Annotated[
        float | None, typer.Option(help="rtl: the clock that the registers of the neurons are placed for.", show_default="100")
    ] = None,
    synthesise: Annotated[
        bool, typer.Option("--synthesise", help="rtl: what each layer takes of the board, by yosys, and its clock, by nextpnr.")
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="An option of another back end; may be given several times."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an earlier export although it was edited.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the network as a folder of plain C99 for a microcontroller (c), as SystemVerilog for an FPGA (rtl), as a NIR file
    for other frameworks (nir), or in the form of a back end that another package brings.

    **c**: no allocation, no dependency, memory stated. The folder has its own test, `make test`: it replays samples of
    vectors.npz and compares every readout.

    **nir**: `snn2hw compile` and `inspect` read the exact integers back from it. Others read float weights and linear neurons, an
    approximation; what it leaves out of each layer is printed.

    **rtl**: plain SystemVerilog-2017 with AXI4-Stream in and out, its memories, a test bench, a Makefile (`lint`, `sim`, `synth`,
    `place`) and a README with the network's block diagram. `snn2hw verify ARTEFACT --executors reference,rtl` simulates it.

    **Examples**

    `snn2hw export build/lnm --to c`

    `snn2hw export build/lnm --to c --out firmware/snn --vectors 8 --replay`

    `snn2hw export build/lnm --to c --streaming`

    `snn2hw export build/lnm --to rtl --parallel 8`

    `snn2hw export build/lnm --to rtl --board ecp5-85k`

    `snn2hw export build/lnm --to rtl --parallel 8 --synthesise --board ecp5-25k`

    `snn2hw export build/lnm --to nir --out lnm.nir`

    `snn2hw export build/lnm --to nir --convention norse`
    """
    chosen = writer(to)
    stated = {
        "vectors": vectors, "streaming": streaming or None,
        "convention": convention, "dt": dt, "parallel": parallel, "budget": budget, "board": board,
        "rate": rate, "synthesise": synthesise or None, "megahertz": megahertz, "force": force or None,
    }  # fmt: skip
    given = {name: value for name, value in stated.items() if value is not None}
    _refuse_foreign(chosen, [*given, *(["replay"] if replay else [])])
    options = {**given, **_read(chosen, option or [])}
    with console.progress(f"writing {chosen.name}") as tell:
        told = {"progress": tell} if "progress" in inspect.signature(chosen.emit).parameters else {}
        made = api.export(api.load(artefact), chosen, out, **options, **told)
    _say(made)
    done = chosen.replay(made.path) if replay and isinstance(chosen, Replaying) else None
    if as_json:
        console.print_json(_document(made, chosen.name, done))
    if done is not None:
        console.print_text(done.report)
        if not done.equal:
            raise typer.Exit(1)


def _document(made: Exported, name: str, replayed: Any) -> dict[str, Any]:
    report = None if made.report is None else {
        "title": made.report.title, "columns": list(made.report.columns),
        "rows": [[str(cell) for cell in row] for row in made.report.rows], "lines": list(made.report.lines),
    }  # fmt: skip
    again = None if replayed is None else {"equal": replayed.equal, "report": replayed.report}
    return {"path": str(made.path), "back_end": name, "approximations": dict(made.approximations), "notes": list(made.notes),
            "next": [str(word) for word in made.next], "report": report, "replay": again}  # fmt: skip


def _refuse_foreign(chosen: Writer, given: Sequence[str]) -> None:
    """Options of the command line that this back end does not have."""
    known = options_of(chosen)
    own = given if known is None else [*known, *(["replay"] if isinstance(chosen, Replaying) else [])]
    if foreign := [f"--{name}" for name in given if name not in own]:
        raise UsageError(
            f"options that mean nothing to --to {chosen.name}",
            got=", ".join(foreign),
            expected=f"those of {chosen.name}",
            do="leave them out",
        )


def _read(chosen: Writer, options: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE as arguments: text where the option is one, else a number, true, false or null as JSON has them, or text."""
    known = inspect.signature(chosen.emit).parameters
    found: dict[str, Any] = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(
                "an option of a back end cannot be read",
                got=f"--option {text}",
                expected="--option NAME=VALUE",
                do="name the option, such as --option clock=100",
            )
        found[name] = value
        if not (name in known and isinstance(known[name].default, str)):
            with suppress(ValueError):
                found[name] = json.loads(value)
    return found


def _say(made: Exported) -> None:
    """Where it was written, what is approximate in it, and what to call next."""
    rows = [[layer, lost] for layer, lost in made.approximations.items()]
    if rows:
        console.table("what others read only in part; snn2hw reads all of it", ["layer", "its visible node"], rows)
    for note in made.notes:
        console.say(note)
    if made.report is not None:
        numbers = tuple(range(1, len(made.report.columns)))
        console.table(made.report.title, made.report.columns, made.report.rows, numbers)
        for line in made.report.lines:
            console.say(line)
    console.say(f"written: {made.path}", *(["    next: ", console.command(*made.next)] if made.next else []))

"""`snn2hw export`: the network in a form of its own for a target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snn2hw import api, console
from snn2hw.errors import UsageError

EXPORTS = ("c",)


def export(
    artefact: Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")],
    to: Annotated[str, typer.Option(help=f"What to write: {', '.join(EXPORTS)}.")] = "c",
    out: Annotated[Path | None, typer.Option(help="The folder to write. Default: ARTEFACT/c.")] = None,
    vectors: Annotated[int, typer.Option(help="How many samples of vectors.npz its test replays.")] = 4,
    replay: Annotated[bool, typer.Option("--replay", help="Compile and run the test here, with the C compiler found.")] = False,
) -> None:
    """Write the network as a folder of plain C99 for a microcontroller: no allocation, no dependency, memory stated.

    The folder has its own test, `make test`: it replays samples of vectors.npz and compares every readout.

    **Examples**

    `snn2hw export build/lnm --to c`

    `snn2hw export build/lnm --to c --out firmware/snn --vectors 8 --replay`
    """
    if to not in EXPORTS:
        raise UsageError("there is no such export", got=repr(to), expected=", ".join(EXPORTS), do="name one of these")
    folder = api.export_c(api.load(artefact), out, vectors)
    console.say(f"written: {folder}    next: make -C {folder} test")
    if replay:
        done = api.replay_c(folder)
        console.print_text(done.report)
        if not done.equal:
            raise typer.Exit(1)

"""`snn2hw export`: the network in a form of its own for a target, or for other frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snn2hw import api
from snn2hw.artefact import Artefact
from snn2hw.cli import console
from snn2hw.errors import UsageError
from snn2hw.formats.nir.write import CONVENTIONS

EXPORTS = ("c", "nir")


def export(
    artefact: Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")],
    to: Annotated[str, typer.Option(help=f"What to write: {', '.join(EXPORTS)}.")] = "c",
    out: Annotated[
        Path | None, typer.Option(help="The folder to write, of nir the file. Default: ARTEFACT/c, ARTEFACT/model.nir.")
    ] = None,
    vectors: Annotated[
        int | None, typer.Option(help="c: how many samples of vectors.npz its test replays.", show_default="4")
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="c: compile and run the test here, with the C compiler found.")
    ] = False,
    convention: Annotated[
        str | None,
        typer.Option(
            help=f"nir: whose importer to write for: {', '.join(CONVENTIONS)}.", show_default="NIR's equation under Euler"
        ),
    ] = None,
    dt: Annotated[float | None, typer.Option("--dt", help="nir: seconds of a step. Default: the convention's.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an earlier export although it was edited.")] = False,
) -> None:
    """Write the network as a folder of plain C99 for a microcontroller (c), or as a NIR file for other frameworks (nir).

    **c**: no allocation, no dependency, memory stated. The folder has its own test, `make test`: it replays samples of
    vectors.npz and compares every readout.

    **nir**: `snn2hw compile` and `inspect` read the exact integers back from it. Others read float weights and linear neurons, an
    approximation; what it leaves out of each layer is printed.

    **Examples**

    `snn2hw export build/lnm --to c`

    `snn2hw export build/lnm --to c --out firmware/snn --vectors 8 --replay`

    `snn2hw export build/lnm --to nir --out lnm.nir`

    `snn2hw export build/lnm --to nir --convention norse`
    """
    if to not in EXPORTS:
        raise UsageError("there is no such export", got=repr(to), expected=", ".join(EXPORTS), do="name one of these")
    of_c, of_nir = {"--vectors": vectors, "--replay": replay or None}, {"--convention": convention, "--dt": dt}
    if foreign := [name for name, value in (of_c if to == "nir" else of_nir).items() if value is not None]:
        raise UsageError(
            f"options that mean nothing to --to {to}",
            got=", ".join(foreign),
            expected=f"those of {to}",
            do="leave them out",
        )
    loaded = api.load(artefact)
    if to == "nir":
        _nir(loaded, out, convention, dt, force)
        return
    folder = api.export_c(loaded, out, 4 if vectors is None else vectors, force=force)
    console.say(f"written: {folder}    next: ", console.command("make", "-C", folder, "test"))
    if replay:
        done = api.replay_c(folder)
        console.print_text(done.report)
        if not done.equal:
            raise typer.Exit(1)


def _nir(artefact: Artefact, out: Path | None, convention: str | None, dt: float | None, force: bool) -> None:
    made = api.export_nir(artefact, out, convention=convention, dt=dt, force=force)
    rows = [[layer, lost] for layer, lost in made.approximations.items()]
    if rows:
        console.table("what others read only in part; snn2hw reads all of it", ["layer", "its visible node"], rows)
    console.say(f"written: {made.path}    next: ", console.command("snn2hw", "compile", made.path))

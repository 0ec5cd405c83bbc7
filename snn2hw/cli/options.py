"""Arguments that several verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="ARTEFACT", help="A folder that `snn2hw compile` wrote.")]
Samples = Annotated[
    Path | None,
    typer.Option(
        "--input", "-i", help="Samples as .npy: [N, ...] for static input, [T, N, ...] for events. Default: vectors.npz."
    ),
]
Layout = Annotated[
    str | None,
    typer.Option(help="Which axis of temporal samples is time: TN for [T, N, ...], NT for [N, T, ...].", show_default="TN"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]

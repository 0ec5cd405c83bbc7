"""`snn2hw verify`: samples through every back end, each value compared with the reference."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from snn2hw import api
from snn2hw.backends import EXECUTORS
from snn2hw.cli import console
from snn2hw.cli.end import DIFFERENT, EQUAL, UNAVAILABLE
from snn2hw.cli.options import AsJson, Folder, Samples
from snn2hw.user_models import read_samples
from snn2hw.verification.verdict import why_not


def verify(
    artefact: Folder,
    samples: Samples = None,
    executors: Annotated[
        str | None,
        typer.Option(help="Names with commas between them; lava only runs when named.", show_default="all that are installed"),
    ] = None,
    first: Annotated[bool, typer.Option("--first", help="Stop behind the batch with the first difference.")] = False,
    as_json: AsJson = False,
) -> None:
    """The same stimulus through every executor: every spike, state and readout is compared with the reference.

    **Examples**

    `snn2hw verify build/lnm`

    `snn2hw verify build/lnm --input images.npy --executors reference,onnxruntime --json`
    """
    loaded = api.load(artefact)
    names = list(EXECUTORS) if executors is None else [n.strip() for n in executors.split(",") if n.strip()]
    with console.progress("verify") as progress:
        given = None if samples is None else read_samples(samples)
        verdict = api.verify(loaded, given, names, progress=progress, first=first)
    if as_json:
        console.print_text(json.dumps({"equal": verdict.equal, **asdict(verdict)}, indent=2))
    else:
        console.print_verdict(verdict, f"{artefact}: {verdict.samples} samples, {verdict.steps} steps")
    # What was not named is run where it is installed: then only what failed counts, not what is not here.
    missing = [name for name in verdict.not_run if executors is not None or not why_not(EXECUTORS[name])]
    raise typer.Exit(DIFFERENT if verdict.differences else UNAVAILABLE if missing else EQUAL)

"""`snn2hw check`: every claim of the certificate, derived again."""

from __future__ import annotations

from dataclasses import asdict

import typer

from snn2hw import api
from snn2hw.cli import certificate_table, console
from snn2hw.cli.end import DIFFERENT, EQUAL
from snn2hw.cli.options import AsJson, Folder


def check(artefact: Folder, as_json: AsJson = False) -> None:
    """Derive every claim of certificate.json again from model.onnx alone, by code that shares nothing with the compiler.

    **Example**

    `snn2hw check build/lnm`
    """
    with console.progress("check: deriving every claim"):
        checked = api.check(artefact)
    if as_json:
        failures = [asdict(f) for f in checked.failures]
        console.print_json({"holds": not failures, "claims": checked.claims, "failures": failures})
    else:
        certificate_table.print_checked(checked, f"{artefact}: verified bounds, for every state and every input")
    raise typer.Exit(DIFFERENT if checked.failures else EQUAL)

"""The command line as a whole. Each verb's file reads its arguments, calls the public functions, and shows the result."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from snn2hw.cli import console
from snn2hw.cli.backends import backends_
from snn2hw.cli.check import check
from snn2hw.cli.compile import compile_
from snn2hw.cli.demo import demo
from snn2hw.cli.diff import diff
from snn2hw.cli.doctor import doctor
from snn2hw.cli.end import Commands, guarded
from snn2hw.cli.estimate import estimate_
from snn2hw.cli.evaluate import evaluate_
from snn2hw.cli.explore import explore_
from snn2hw.cli.export import export
from snn2hw.cli.inspect import inspect
from snn2hw.cli.report import report_
from snn2hw.cli.simulate import simulate
from snn2hw.cli.targets import targets
from snn2hw.cli.verify import verify
from snn2hw.version import __version__

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Takes trained spiking networks to integers for chips, FPGAs and microcontrollers. All integer back ends agree bit for "
    "bit; the distance to your float model is measured and shown.\n\n"
    "Start with `snn2hw demo`. Exit codes: 0 equal or done, 1 a difference was found, 2 bad input, 3 a tool or a back "
    "end that was asked for is not available.",
)

app.command("compile")(compile_)
app.command("evaluate")(evaluate_)
app.command("estimate")(estimate_)
app.command("explore")(explore_)
app.command("report")(report_)
for verb in (inspect, simulate, verify, check, export, diff, targets, doctor, demo):
    app.command()(verb)
app.command("backends")(backends_)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        console.print_text(__version__)
        raise typer.Exit


def main() -> None:
    """The console script: user errors become a message and an exit code, never a traceback."""
    sys.exit(guarded(lambda: app(standalone_mode=True)))

"""The command line as a whole. Each verb's file reads its arguments, calls the public functions, and shows the result."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from snn2hw.cli import console
from snn2hw.cli.end import BAD_INPUT, Commands, guarded
from snn2hw.cli.switches import Quiet, Verbose
from snn2hw.cli.verbs import VERBS, Verb
from snn2hw.version import __version__


class _All(Commands):
    """With every verb; a verb's file is read when it is called for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": {name: Verb(name) for name in VERBS}})


app = typer.Typer(
    cls=_All,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Takes trained spiking networks to integers for chips, FPGAs and microcontrollers. All integer back ends agree bit for "
    "bit; the distance to your float model is measured and shown.\n\n"
    "Start with `snn2hw demo`; `snn2hw VERB --help` shows examples. Exit codes: 0 equal or done, 1 a difference was found, "
    "2 bad input, 3 a tool or a back end that was asked for is not available.",
)


@app.callback(invoke_without_command=True)
def _before_the_verb(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    if version:
        console.print_text(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:  # typer would do so with another exit code in each of its versions
        console.print_text(context.get_help())
        raise typer.Exit(BAD_INPUT)


def main() -> None:
    """The console script: user errors become a message and an exit code, never a traceback."""
    sys.exit(guarded(lambda: app(standalone_mode=True)))

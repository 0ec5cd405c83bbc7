"""The switches that every command takes, before the verb or behind it."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import typer
from typer.main import get_command

from snn2hw.cli.loudness import loudness


def _quieter(given: bool) -> None:
    loudness.quiet = loudness.quiet or given


def _louder(given: bool) -> None:
    loudness.verbose = loudness.verbose or given


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print errors and warnings only.", callback=_quieter, expose_value=False)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Say how long it took, and with what.", callback=_louder, expose_value=False)
]


class PlainHelp:
    """What a command or a group inherits from first, so that its help reads alike in every version of typer."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Every option and argument, --help, too; a switch is shown without a type, as it takes no value."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in found:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return found

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """ARGUMENT where it must be given, [ARGUMENT] where it may be."""
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        optional = {p.metavar for p in self.get_params(ctx) if p.param_type_name == "argument" and not p.required}
        return [f"[{piece}]" if piece in optional else piece.strip("{}") for piece in pieces]


@cache
def switches() -> list[Any]:
    """--quiet and --verbose, as typer makes them of a function's arguments."""
    made = typer.Typer(add_completion=False)
    made.command()(_both)
    return [p for p in get_command(made).params if {"--quiet", "--verbose"} & set(p.opts)]


def _both(quiet: Quiet = False, verbose: Verbose = False) -> None: ...

"""The verbs of the command line, each with one line for the list of all; a verb's own file is read when it is called for.

So `snn2hw --help` and a shell that completes a word don't wait for everything that some verb needs.
"""

from __future__ import annotations

from functools import cached_property
from pkgutil import resolve_name
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from snn2hw.cli.switches import PlainHelp, switches

VERBS = {  # verb -> the function of its file, and what the list of all says of it
    "compile": ("compile_", "Take a trained model to integers: a folder, the compiled model."),
    "evaluate": ("evaluate_", "Measure what integers cost: accuracy, and layer by layer."),
    "estimate": ("estimate_", "Say whether a compiled model fits a chip, and what it costs."),
    "explore": ("explore_", "Compile with many widths; show accuracy beside cost."),
    "report": ("report_", "Write one HTML file that shows all about a compiled model."),
    "inspect": ("inspect", "Print layers, formats and neuron programs; write constants."),
    "simulate": ("simulate", "Run samples through one back end; keep spikes and states."),
    "verify": ("verify", "Compare every integer of all back ends with the reference."),
    "check": ("check", "Derive every claim of the certificate again."),
    "export": ("export", "Write C, SystemVerilog, NIR, or the format of another package."),
    "diff": ("diff", "Show the first difference between traces, and its cause."),
    "targets": ("targets", "List the chips, or every number of one with its source."),
    "doctor": ("doctor", "Show what is installed, what is missing, what brings it."),
    "demo": ("demo", "Train two networks, compile them, run them everywhere."),
    "backends": ("backends_", "List the back ends: ours, and those of other packages."),
}


class _Whole(PlainHelp, TyperCommand):
    """A verb with its arguments."""


class Verb(TyperCommand):
    """A line in the list of all verbs; `whole` is the command itself, which is made when it is first asked for."""

    def __init__(self, name: str) -> None:
        function, summary = VERBS[name]
        self.place = f"snn2hw.cli.{name}:{function}"
        super().__init__(name, short_help=summary, help=summary)

    @cached_property
    def whole(self) -> Any:
        """The command, as typer makes it of a function's arguments; every one takes --quiet and --verbose."""
        made = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        made.command(self.name, cls=_Whole)(resolve_name(self.place))
        command = get_command(made)
        command.params += switches()
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the words behind the verb; the context's command is the whole one.

        Args:
            info_name: what the verb is called. args: the words behind it. parent: the context of `snn2hw` itself.
        """
        return self.whole.make_context(info_name, args, parent=parent, **extra)

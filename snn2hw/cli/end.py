"""How a command ends: its exit code, whatever happens, and never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import typer
from typer.core import TyperGroup

from snn2hw.cli import console
from snn2hw.cli.loudness import loudness
from snn2hw.cli.switches import PlainHelp
from snn2hw.cli.usage import WRONG, usage_error
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError, UsageError

EQUAL, DIFFERENT, BAD_INPUT, UNAVAILABLE = 0, 1, 2, 3
INTERRUPTED, NOT_READ = 130, 141  # as a shell states that SIGINT or SIGPIPE ended a program


class Commands(PlainHelp, TyperGroup):
    """All commands. What typer would print of a wrong command line is an error like any other, and so is code of the user that
    ends the program: nothing was done then."""

    def main(
        self, args: Sequence[str] | None = None, prog_name: str | None = None, complete_var: str | None = None,
        standalone_mode: bool = True, windows_expand_args: bool = True, **extra: Any,
    ) -> Any:  # fmt: skip
        """Run a command line.

        Arguments as `click.Command.main`.

        Raises:
            UsageError: an unknown command or option, or a value that is none. SystemExit: at the end, where standalone.
        """
        loudness.fresh()
        given = {"standalone_mode": False, "windows_expand_args": windows_expand_args, **extra}
        try:
            code = super().main(args, prog_name or "snn2hw", complete_var, **given)
        except WRONG as error:
            raise usage_error(error, sys.argv[1:] if args is None else list(args)) from error
        except typer.Abort:
            raise KeyboardInterrupt from None
        if code == INTERRUPTED:  # as newer versions of typer end where Ctrl-C was pressed
            raise KeyboardInterrupt
        if loudness.verbose:
            console.print_aside(loudness.spent())
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else EQUAL)
        return code

    def list_commands(self, ctx: Any) -> list[str]:
        """All verbs, in the order in which they are used."""
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except SystemExit as ended:
            if _is_broken_pipe(ended):
                raise
            raise UsageError(
                "code of the model ended the program",
                got=f"SystemExit: {ended}",
                expected="code that returns",
                do="call it in Python, find what calls sys.exit, and take it out",
            ) from ended


def guarded(command: Callable[[], Any]) -> int:
    """Run a command; the exit code of whatever happens."""
    try:
        code = _told(command)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as ended:  # rich and click make an exit of a broken pipe
        if not isinstance(ended, BrokenPipeError) and not _is_broken_pipe(ended):
            raise
        # Nobody reads any more, as in `snn2hw verify ... | head -1`. What is left to be flushed goes nowhere.
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return NOT_READ
    return code


def exit_code(kind: type[Snn2hwError]) -> int:
    """With which a command ends that an error of this class ended."""
    return UNAVAILABLE if issubclass(kind, ExecutorUnavailableError) else BAD_INPUT


def interrupted() -> UsageError:
    """What was under way, and how to go on."""
    again = loudness.again or "run the same command again; what is written is written at the end, as a whole"
    return UsageError("interrupted", got="; ".join(loudness.doing) or "nothing was under way yet", do=again)


def _is_broken_pipe(ended: SystemExit) -> bool:
    return isinstance(ended.__context__, BrokenPipeError)


def _told(command: Callable[[], Any]) -> int:
    """The exit code of a command; its error is printed."""
    try:
        command()
    except SystemExit as ended:
        if _is_broken_pipe(ended):
            raise
        return ended.code if isinstance(ended.code, int) else EQUAL
    except BrokenPipeError:
        raise
    except Snn2hwError as error:
        console.print_error(error)
        return exit_code(type(error))
    except KeyboardInterrupt:
        console.print_error(interrupted())
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("SNN2HW_TRACEBACK"):
            raise
        console.print_error(
            Snn2hwError(
                "something went wrong inside snn2hw; this is a bug",
                got=f"{type(error).__name__}: {error}",
                do="run again with SNN2HW_TRACEBACK=1 and report what it prints",
            )
        )
        return BAD_INPUT
    return EQUAL

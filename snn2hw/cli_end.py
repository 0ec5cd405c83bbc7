"""How a command ends: its exit code, whatever happens, and never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from typer.core import TyperGroup

from snn2hw import console
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError, UsageError

EQUAL, DIFFERENT, BAD_INPUT, UNAVAILABLE = 0, 1, 2, 3
INTERRUPTED, NOT_READ = 130, 141  # as a shell states that SIGINT or SIGPIPE ended a program


class Commands(TyperGroup):
    """Commands in which code of the user runs: where that ends the program, nothing was done, and that is an error."""

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
        return UNAVAILABLE if isinstance(error, ExecutorUnavailableError) else BAD_INPUT
    except KeyboardInterrupt:
        console.print_error(UsageError("interrupted"))
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

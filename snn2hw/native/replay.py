"""A C folder compiled here and run: whether it gives what its vectors say."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from snn2hw.errors import ArtefactError, ExecutorUnavailableError, UsageError
from snn2hw.files.record import finish, standing
from snn2hw.native.compiler import COMPILER, FLAGS_VARIABLE, INSTALL, SECONDS
from snn2hw.run.tools import run

FLAGS = "-std=c99 -O2 -Wall -Wextra -Werror -pedantic"  # also those of the folder's Makefile
SOURCES = ("snn.c", "main.c")
RUN_SECONDS = 300  # its vectors take a fraction of one; a program that hangs ends here


@dataclass(frozen=True)
class Replay:
    """What the program of a C folder said.

    Args:
        equal: whether every readout is the expected one. report: a line for each that is not, and how many were compared.
    """

    equal: bool
    report: str


def replay(folder: Path) -> Replay:
    """Compile the folder aside with the compiler of this machine, and run it; the folder stays as it is.

    Raises:
        UsageError: no C folder. ExecutorUnavailableError: no compiler, or one that fails.
        ArtefactError: the program did not come to an end.
    """
    if missing := [name for name in SOURCES if not standing(folder, name).is_file()]:
        raise UsageError(
            "this is no C folder",
            where=str(folder),
            got=f"no {', '.join(missing)}",
            do="write it with `snn2hw export ARTEFACT --to c`",
        )
    command = COMPILER.command()
    with tempfile.TemporaryDirectory() as made:
        inside = shutil.copytree(folder, Path(made) / "c")
        finish(inside)  # of an export that was killed
        flags = [*FLAGS.split(), *os.environ.get(FLAGS_VARIABLE, "").split()]  # the last of two that contradict counts
        problem = run([*command, *flags, *SOURCES, "-o", "replay"], SECONDS, folder=inside).problem
        if problem:
            raise ExecutorUnavailableError(
                "the C compiler failed on the C folder",
                where=f"{folder}: {' '.join(command)}",
                got=next((line for line in problem.splitlines() if "error" in line), problem.splitlines()[0])[:200],
                expected="a program, without warnings",
                do=f"run `make` in the folder to see all it says; {INSTALL}",
            )
        done = run([str(inside / "replay")], RUN_SECONDS, folder=inside)
    if done.code not in (0, 1):
        raise ArtefactError(
            "the program of the C folder did not come to an end",
            where=str(folder),
            got=done.stopped or f"exit code {done.code}",
            expected="exit code 0 or 1",
            do="write the folder again; report it if it ends like that again",
        )
    return Replay(done.code == 0, (done.output + done.errors).strip())

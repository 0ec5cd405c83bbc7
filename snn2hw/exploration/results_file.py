"""The results file: a line of JSON for each part that is done, on the disk before the next one counts.

The first line says what the results are of. A run that was killed leaves whole lines and at most one broken at the end,
which is cut off; all that stands before is taken over by the next run.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import Snn2hwWarning, UsageError
from snn2hw.exploration.digest import Counted, digest
from snn2hw.exploration.trial import Ran
from snn2hw.files.held import free, hold, holder
from snn2hw.files.kinds import check_name
from snn2hw.files.places import check_rights
from snn2hw.version import __version__

KIND = "snn2hw exploration"
ENDING = ".jsonl"
FORMAT = 3  # of the file: the next number where its lines change, or what its hashes are made of
LONGEST = 1 << 16  # bytes of a first line
WHOLE = 1 << 28  # bytes of samples up to which all of them are hashed; of more 4096 spread over them, and the first 256
SPREAD, FIRST = 4096, 256
WORDS = {"network": "the network", "sample": "the calibration samples", "samples": "the samples", "labels": "the labels",
         "snn2hw": "the version of snn2hw", "plan": "the plan of samples",
         "training": "the samples of the training", "trained": "the model that is trained",
         "recipe": "the recipe of the training", "torch": "the version of torch"}  # fmt: skip


def head_of(network: Any, sample: npt.NDArray[Any], samples: npt.NDArray[Any], labels: Any, axis: int) -> dict[str, Any]:
    """The first line: what results are of.

    Args:
        network: in floats. sample, samples, labels: arrays. axis: along which samples are counted.
    """
    return {
        "kind": KIND,
        "format": FORMAT,
        "snn2hw": __version__,
        "network": digest(network),
        "sample": digest(_told(sample, axis)),
        "samples": digest(_told(samples, axis)),
        "labels": digest(labels),
    }


def _told(x: npt.NDArray[Any], axis: int) -> Any:
    """What is hashed of samples."""
    if x.nbytes <= WHOLE:
        return Counted(x, axis)
    count = x.shape[axis]
    spread = np.linspace(0, count - 1, min(SPREAD, count)).astype(np.int64)
    first = np.arange(min(FIRST, count))  # some without a gap: an exchange of neighbours is seen there
    return x.shape, [Counted(np.take(x, at, axis), axis) for at in (spread, first)]


def check_results(path: Path) -> None:
    """What is in the way of a results file, before anything that the results are of is read.

    Raises:
        UsageError: the name does not end in .jsonl, or something else than results of an exploration is there.
    """
    check_name(path, "results", ENDING)
    try:
        if not path.exists():
            return check_rights(path.parent)
        if not path.is_file():
            raise OSError("it is no file")
        with open(path, "r+b") as file:
            line = file.readline(LONGEST)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    if line:
        _read_head(path, line)


class ResultsFile:
    """Results of earlier runs, and a place for those to come.

    Args:
        path: of the file; None: nothing is kept. head: of `head_of`.

    Raises:
        UsageError: what is there is of something else, or damaged, or cannot be written.
    """

    def __init__(self, path: Path | None, head: dict[str, Any]) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self.known: list[Ran] = []
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            self._file = open(path, "r+b", opener=lambda name, _: os.open(name, flags, 0o666))  # noqa: SIM115  (`close` ends it)
            self._hold(path)
            lines = self._read(path, head)
        except OSError as error:
            raise _unwritable(path, error.strerror or str(error)) from error
        except UsageError:
            self.close()
            raise
        if not lines:
            self._write(head)

    def _hold(self, path: Path) -> None:
        """Nobody else may write between two lines."""
        assert self._file is not None
        ours = hold(self._file.fileno())
        if ours is None:
            warnings.warn(
                Snn2hwWarning(
                    "two runs on this results file would not notice each other",
                    where=str(path),
                    cause="its file system has no locks",
                    do="run one at a time on it, or keep it on a disk of this machine",
                ),
                stacklevel=5,
            )
        if ours is False:
            number = holder(self._file.fileno())
            raise UsageError(
                "another run is writing this results file",
                where=str(path),
                got=f"it is held by {'another process' if number is None else f'process {number}'}",
                expected="a file that one run writes at a time",
                do="wait for that run, or end it: the next one goes on from what it has; or choose another name",
            )

    def _read(self, path: Path, head: dict[str, Any]) -> list[bytes]:
        """What is there, and go on behind it."""
        assert self._file is not None
        there = self._file.read()
        lines, whole = _lines(there)
        if lines:
            _check_head(path, lines[0], head)
            self.known = [_ran(path, n, line) for n, line in enumerate(lines[1:], 2)]
        elif there:
            raise _foreign(path, there[:40])
        self._file.truncate(whole)
        self._file.seek(whole)
        return lines

    def add(self, ran: Ran) -> None:
        """Keep a result; it is on the disk when this returns."""
        if self._file is not None:
            self._write(ran.to_document())

    def _write(self, said: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(said, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, which others may write then."""
        if self._file is not None and not self._file.closed:
            free(self._file.fileno())
            self._file.close()


def _lines(content: bytes) -> tuple[list[bytes], int]:
    """The whole lines, and where they end; the rest is what a killed run did not finish."""
    end = content.rfind(b"\n") + 1
    return content[:end].splitlines(), end


def _unwritable(path: Path, why: str) -> UsageError:
    return UsageError(
        "the results file cannot be written",
        where=str(path),
        got=why,
        expected="a new file, or one of an earlier run",
        do="choose another name",
    )


def _foreign(path: Path, got: bytes) -> UsageError:
    return UsageError(
        "this is no results file of snn2hw explore",
        where=str(path),
        got=repr(got.decode("utf-8", "replace")),
        expected="a new file, or one of an earlier run",
        do="choose another name",
    )


def _read_head(path: Path, line: bytes) -> dict[str, Any]:
    """The first line, where it is one of ours."""
    try:
        there = json.loads(line)
    except (ValueError, RecursionError):
        there = None
    if not isinstance(there, dict) or there.get("kind") != KIND:
        raise _foreign(path, line[:40])
    return there


def _check_head(path: Path, line: bytes, head: dict[str, Any]) -> None:
    there = _read_head(path, line)
    if there.get("format") != head.get("format"):
        raise UsageError(
            "the results file has another format",
            where=str(path),
            got=f"format {there.get('format')}, written by snn2hw {there.get('snn2hw')}",
            expected=f"format {FORMAT}, which this snn2hw writes",
            do="choose another name, and run it again: nothing of the old file can be taken over",
        )
    if other := [WORDS.get(name, name) for name in head if there.get(name) != head[name]]:
        raise UsageError(
            "the results file is of something else",
            where=str(path),
            got=f"other: {', '.join(other)}",
            expected="results of this network on these samples",
            do="choose another name for these results, or give what the file was begun with",
        )


def _ran(path: Path, number: int, line: bytes) -> Ran:
    try:
        return Ran.from_document(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(
            "a line of the results file is damaged",
            where=f"{path}, line {number}",
            got=f"{type(error).__name__}: {error}",
            expected="a result as snn2hw wrote it",
            do="remove this line and those behind it, or choose another name",
        ) from error


def by_part(known: Iterable[Ran]) -> dict[Any, Ran]:
    """Results by what they are of; of two the first."""
    found: dict[Any, Ran] = {}
    for ran in known:
        found.setdefault((ran.setting, ran.some), ran)
    return found

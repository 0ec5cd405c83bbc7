"""Asking an executor and running it: whatever goes wrong inside of one becomes an error, or a reason, that names it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snn2hw.artefact import Artefact
from snn2hw.backends.base import Backend, Executor, Exported, Writer
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack, refusal
from snn2hw.trace import Ints, Trace

ANOTHER = "choose another back end (`snn2hw backends` lists them)"


def cannot_hold(e: Backend, net: IntegerNetwork) -> Sequence[Lack]:
    """What of a network a back end cannot hold. One that cannot even say so is no reason to run none."""
    try:
        return list(e.supports(net))
    except Snn2hwError as error:
        return [Lack.of(error)]
    except Exception as error:
        return [Lack("", "it cannot say what it can hold", f"{type(error).__name__}: {error}")]


def cannot_hold_error(name: str, lacks: Sequence[Lack]) -> Snn2hwError:
    """The error of an executor that is asked to run what it cannot hold: all of it, by the names of the layers."""
    return refusal(lacks, f"the network does not fit the back end '{name}'", f"change these layers, or {ANOTHER}")


def insist(e: Backend, net: IntegerNetwork) -> None:
    """Refuse a network that the back end cannot hold, before it begins.

    Raises:
        UnsupportedError, WidthError: it cannot, with every layer that is in the way.
    """
    if lacks := cannot_hold(e, net):
        raise cannot_hold_error(e.name, lacks)


def why_not(e: Executor) -> str:
    """Why an executor cannot run here; empty where it can. One that cannot even say so is no reason to run none."""
    try:
        return e.unavailable()
    except Snn2hwError as error:
        return in_one_line(error)
    except Exception as error:
        return f"it cannot say whether it can run: {type(error).__name__}: {error}"


def in_one_line(error: Snn2hwError) -> str:
    """What is wrong, what was got, and in brackets what to do."""
    got = f": {error.got}" if error.got else ""
    return f"{error.what}{got}" + f" ({error.do})" * bool(error.do)


def run_executor(e: Executor, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
    """Run one executor; whatever goes wrong inside it becomes an error that names it.

    Args:
        e: the executor. The others as `Executor.run` has them: artefact, payloads [T, N, ...], traces.

    Raises:
        ExecutorUnavailableError: it cannot run here. Snn2hwError: it failed.
    """
    if reason := why_not(e):
        raise ExecutorUnavailableError(
            f"the executor '{e.name}' is not available", got=reason, do="install it, or choose another executor"
        )
    try:
        return e.run(artefact, payloads, traces)
    except Snn2hwError:
        raise
    except (Exception, SystemExit) as error:
        raise Snn2hwError(
            f"the executor '{e.name}' failed",
            got=f"{type(error).__name__}: {error}",
            expected="a trace",
            do="check the version of the package behind it; `snn2hw verify --executors reference,...` runs the others",
        ) from error


def run_writer(w: Writer, artefact: Artefact, out: Path, options: Mapping[str, Any]) -> Exported:
    """Have one writer write; whatever goes wrong inside it becomes an error that names it.

    Args:
        w: the back end. artefact: with the integer network. out: file or folder to write. options: of this back end,
            by name.

    Raises:
        UnsupportedError: it cannot hold the network. Snn2hwError: it failed.
    """
    insist(w, artefact.network)
    try:
        return w.emit(artefact, out, **options)
    except Snn2hwError:
        raise
    except (Exception, SystemExit) as error:
        raise Snn2hwError(
            f"the back end '{w.name}' failed",
            where=str(out),
            got=f"{type(error).__name__}: {error}",
            expected="a file or folder",
            do="check the version of the package behind it",
        ) from error

"""The back ends that there are: our own, those of installed packages (entry points), those that a program registers.

    [project.entry-points."snn2hw.backends"]      in another package's pyproject.toml
    fpga = "snn2hw_fpga:backend"                  the back end's name; an object, or a class that is called without arguments

Names are read without importing anything. A package is imported when its back end is asked for, or when all are listed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from snn2hw.artefact import Artefact
from snn2hw.backends.base import Backend, Executor, Exported, HoldsAll, Writer
from snn2hw.backends.own import EXECUTORS, SIDE_EXECUTORS, WRITERS
from snn2hw.errors import ExecutorUnavailableError, Snn2hwWarning, UsageError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.plugins import Entry, entries, forget, package
from snn2hw.shown import one_of
from snn2hw.trace import Ints, Trace

GROUP = "snn2hw.backends"
AUTO = "auto"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_registered: dict[str, Backend] = {}


class Broken(HoldsAll):
    """Stands for the back end of a package that cannot be imported: others work, and this one says why it does not."""

    writes = ""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.description, self.reason = name, "cannot be loaded", reason

    def unavailable(self) -> str:
        """Why it cannot be loaded."""
        return self.reason

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """Raise ExecutorUnavailableError. Arguments as `Executor.run`."""
        raise self._error()

    def emit(self, artefact: Artefact, out: Path) -> Exported:
        """Raise ExecutorUnavailableError."""
        raise self._error()

    def _error(self) -> ExecutorUnavailableError:
        return ExecutorUnavailableError(f"the back end '{self.name}' is not available", got=self.reason)


def register(backend: Any, *, replace: bool = False) -> None:
    """Enter a back end for as long as this process runs, for tests and notebooks; a package has an entry point instead.

    Args:
        backend: an object as `Executor`, `Writer`, or both, says.
        replace: whether one that was registered under this name before goes, as when a notebook's cell is run again.

    Raises:
        UsageError: what is no back end, or has the name of another one.
    """
    checked(backend)
    name, before = backend.name, _registered.get(backend.name)
    owners = [owner for owner, _ in _owners(name) if not (before is not None and owner == _REGISTERED)]
    if before is not None and before is not backend and not replace:
        owners.append(_REGISTERED)
    if owners:
        raise _two(name, [*owners, _of_object(backend)])
    _registered[name] = backend


def unregister(name: str) -> None:
    """Take out what `register` entered; a name that is not there is left alone."""
    _registered.pop(name, None)


def backends() -> dict[str, Backend]:
    """Every back end by its name: our own, then those of packages, which are imported, then the registered ones.

    Raises:
        UsageError: two of them have one name.

    Warns:
        Snn2hwWarning: a package whose back end cannot be imported; it is among them, and says so itself.
    """
    return {name: _known(name) for name in _names()}


def backend(given: str | Backend) -> Backend:
    """The back end of this name; an object is one already.

    Raises:
        UsageError: there is none, two have the name, or the object is no back end.
    """
    if not isinstance(given, str):
        found: Backend = checked(given)
        return found
    if not _there(given):
        raise _unknown("there is no such back end", given, _names())
    return _known(given)


def executor(given: str | Executor) -> Executor:
    """The executor of this name; an object is one already.

    Raises:
        UsageError: there is none, or it runs nothing. As `backend`.
    """
    if isinstance(given, str) and not _there(given):
        raise _unknown("unknown executor", given, executors_of(backends()))
    found = backend(given)
    if not isinstance(found, Executor):
        raise UsageError(
            f"the back end '{found.name}' writes files, and runs nothing",
            got=repr(found.name),
            expected=", ".join(executors_of(backends())),
            do="name one of these, or export to it",
        )
    return found


def writer(given: str | Writer) -> Writer:
    """The writer of this name; an object is one already.

    Raises:
        UsageError: there is none, or it writes nothing. As `backend`.
    """
    if isinstance(given, str) and not _there(given):
        raise _unknown("there is no such export", given, writers_of(backends()))
    found = backend(given)
    if not isinstance(found, Writer):
        raise UsageError(
            f"the back end '{found.name}' runs networks, and writes nothing",
            got=repr(found.name),
            expected=", ".join(writers_of(backends())),
            do="name one of these, or run the network on it",
        )
    return found


def executors(given: Iterable[str | Executor]) -> list[Executor]:
    """Several executors by name or as objects, each once, in the order given.

    Raises:
        UsageError: two different ones of one name. As `executor`.
    """
    found: dict[str, Executor] = {}
    for one in map(executor, given):
        if found.setdefault(one.name, one) is not one:
            raise _two(one.name, [_of_object(found[one.name]), _of_object(one)])
    return list(found.values())


def chosen_executor(given: str | Executor, network: IntegerNetwork | None = None) -> tuple[Executor, str]:
    """The executor asked for and ""; for "auto" the fastest that can run here, and why there is no faster one.

    Args:
        given: a name, an executor, or "auto".
        network: what it is to run, where that is known: "auto" passes over what cannot hold it.
    """
    if given != AUTO:
        return executor(given), ""
    fast, other = EXECUTORS["fast"], EXECUTORS["onnxruntime"]
    reason = fast.unavailable() or "; ".join(map(str, fast.supports(network) if network is not None else ()))
    return (other, f"auto: onnxruntime runs, not fast: {reason}") if reason else (fast, "")


def executors_of(all_of_them: Mapping[str, Backend]) -> dict[str, Executor]:
    """Those that run networks."""
    return {name: b for name, b in all_of_them.items() if isinstance(b, Executor)}


def writers_of(all_of_them: Mapping[str, Backend]) -> dict[str, Writer]:
    """Those that write networks."""
    return {name: b for name, b in all_of_them.items() if isinstance(b, Writer) and not isinstance(b, Broken)}


def export_names() -> list[str]:
    """What every back end that writes calls its export in an artefact's own folder; two of one name have it both."""
    known = [own for name in _names() for _, own in _owners(name)]
    loaded = [_loaded(b) if isinstance(b, Entry) else b for b in known]
    return list(dict.fromkeys(b.writes for b in loaded if isinstance(b, Writer) and not isinstance(b, Broken)))


def on_request(found: Backend) -> bool:
    """Whether an executor runs only where it is named."""
    return bool(getattr(found, "on_request", False))


def checked(given: Any) -> Any:
    """The object, which has what a back end has.

    Raises:
        UsageError: it lacks something, which is named.
    """
    missing = [f"'{name}', a text" for name in ("name", "description") if not isinstance(getattr(given, name, None), str)]
    missing += ["'supports(network)'"] * (not callable(getattr(given, "supports", None)))
    runs, writes = callable(getattr(given, "run", None)), callable(getattr(given, "emit", None))
    if not (runs or writes):
        missing.append("`run(artefact, payloads, traces)` or `emit(artefact, out, **options)`")
    missing += ["'unavailable()'"] * (runs and not callable(getattr(given, "unavailable", None)))
    missing += ["'writes', a text"] * (writes and not isinstance(getattr(given, "writes", None), str))
    if missing:
        raise UsageError(
            "this object is no back end",
            got=f"a {type(given).__name__} without {', '.join(missing)}",
            expected="what snn2hw.backends.base.Executor or Writer says",
            do="give the object what is missing, or name a back end (`snn2hw backends` lists them)",
        )
    if not NAME.fullmatch(given.name) or given.name == AUTO:
        raise UsageError(
            "a back end cannot have this name",
            got=repr(given.name),
            expected=f"letters, digits and _ . -, and not '{AUTO}'",
            do="give it another name",
        )
    return given


_REGISTERED, _OWN = "what was registered before", "snn2hw itself"


def _names() -> list[str]:
    return list(dict.fromkeys([*EXECUTORS, *SIDE_EXECUTORS, *WRITERS, *entries(GROUP), *_registered]))


def _owners(name: str) -> Iterator[tuple[str, Backend | Entry]]:
    """Everything that has this name, and whose it is."""
    for table in (EXECUTORS, SIDE_EXECUTORS, WRITERS):
        if name in table:
            yield _OWN, table[name]
    for entry in entries(GROUP).get(name, ()):
        yield f"the package {package(entry)} ({entry.value})", entry
    if name in _registered:
        yield _REGISTERED, _registered[name]


def _known(name: str) -> Backend:
    owners = list(_owners(name))
    if len(owners) > 1:
        raise _two(name, [owner for owner, _ in owners])
    ((_, found),) = owners
    return _loaded(found) if isinstance(found, Entry) else found


@lru_cache(maxsize=64)
def _loaded(entry: Entry) -> Backend:
    """The back end of another package, imported once."""
    try:
        made = entry.load()
        found: Backend = checked(made() if isinstance(made, type) else made)
    except (Exception, SystemExit) as error:
        return _broken(entry, " ".join(f"{type(error).__name__}: {error}".split()))
    if found.name != entry.name:
        return _broken(entry, f"its entry point is called '{entry.name}', and the back end itself '{found.name}'")
    return found


def _broken(entry: Entry, reason: str) -> Broken:
    owner = package(entry)
    warnings.warn(
        Snn2hwWarning(
            f"the back end '{entry.name}' of the package {owner} cannot be loaded",
            where=entry.value,
            got=reason,
            cause="the package is damaged, or made for another version of snn2hw",
            do="update or uninstall the package; all other back ends work",
        ),
        stacklevel=4,
    )
    return Broken(entry.name, f"the package {owner} cannot be loaded: {reason}: update it, or uninstall it")


def _of_object(given: object) -> str:
    return f"an object of {type(given).__module__}.{type(given).__qualname__}"


def _two(name: str, owners: list[str]) -> UsageError:
    return UsageError(
        "two back ends have one name",
        got=f"'{name}' of {' and of '.join(owners)}",
        expected="a name for each",
        do="rename one of them, or uninstall its package",
    )


def _there(name: str) -> bool:
    if name not in _names():
        forget()  # it may have been installed since
    return name in _names()


def _unknown(what: str, name: str, known: Iterable[str]) -> UsageError:
    return UsageError(what, got=repr(name), expected=", ".join(known), do=one_of(name, known))

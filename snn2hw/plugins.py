"""What installed packages add to snn2hw: entry points, by group. Their names are read without importing anything.

[project.entry-points."snn2hw.backends"]      in another package's pyproject.toml: back ends by their names,
fpga = "snn2hw_fpga:backend"                  `snn2hw.formats`: readers by the ending of a file,
                                              `snn2hw.layers`: integer layers by the name of their class
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any


@dataclass(frozen=True)
class Entry:
    """What a package enters under a name.

    A class of our own: once some package has imported `importlib_metadata`, as Dask does, Python itself finds entry points
    of that package's class, which are no `importlib.metadata.EntryPoint`.

    Args:
        name, value: as the package states them. package: its name and version. load: imports what is meant.
    """

    name: str
    value: str
    package: str
    load: Callable[[], Any]


def entries(group: str) -> Mapping[str, Sequence[Entry]]:
    """What the packages on the path enter in a group, by name; more than one of a name where packages do not agree."""
    return _on_path(group, tuple(sys.path))


def forget() -> None:
    """Look at the packages again; one may have been installed since."""
    _on_path.cache_clear()


def package(entry: Entry) -> str:
    """Name and version of the package that an entry point is from."""
    return entry.package


def _package(found: Any) -> str:
    made_of = getattr(found, "dist", None)
    return "of an unknown name" if made_of is None else f"{made_of.metadata['Name']} {made_of.version}"


@lru_cache(maxsize=12)
def _on_path(group: str, path: tuple[str, ...]) -> dict[str, list[Entry]]:
    """As `entries`; the path is only what the cache is asked by."""
    found: dict[str, list[Entry]] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, []).append(Entry(entry.name, entry.value, _package(entry), entry.load))
    return found

"""What installed packages add to snn2hw: entry points, by group. Their names are read without importing anything.

[project.entry-points."snn2hw.backends"]      in another package's pyproject.toml: back ends by their names,
fpga = "snn2hw_fpga:backend"                  `snn2hw.formats`: readers by the ending of a file,
                                              `snn2hw.layers`: integer layers by the name of their class
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points


def entries(group: str) -> Mapping[str, Sequence[EntryPoint]]:
    """What the packages on the path enter in a group, by name; more than one of a name where packages do not agree."""
    return _on_path(group, tuple(sys.path))


def forget() -> None:
    """Look at the packages again; one may have been installed since."""
    _on_path.cache_clear()


def package(entry: EntryPoint) -> str:
    """Name and version of the package that an entry point is from."""
    made_of = getattr(entry, "dist", None)
    return "of an unknown name" if made_of is None else f"{made_of.metadata['Name']} {made_of.version}"


@lru_cache(maxsize=12)
def _on_path(group: str, path: tuple[str, ...]) -> dict[str, list[EntryPoint]]:
    """As `entries`; the path is only what the cache is asked by."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, []).append(entry)
    return found

"""What is written down beside the tool: faults that change nothing, and faults that were once put in by hand."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from tests.mutation.operators import Fault

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent


def diff(old: str, new: str) -> list[str]:
    """The lines that a fault takes away (-) and puts there (+)."""
    lines = list(unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0))
    return [line for line in lines[2:] if not line.startswith("@@")]


@dataclass(frozen=True)
class Equivalent:
    """A fault that no test can tell, with the reason. `fault` is its diff, without the indentation."""

    file: str
    function: str
    fault: list[str]
    because: str


def equivalents() -> list[Equivalent]:
    """Those of equivalent.toml."""
    return [Equivalent(**row) for row in _rows("equivalent.toml")]


def outline(fault: Fault, source: str) -> tuple[str, str, tuple[str, ...]]:
    """What a fault is known by in equivalent.toml: lines may move, their text may not."""
    lines = diff(source, fault.applied(source))
    return fault.file, fault.function, tuple(line[0] + line[1:].strip() for line in lines)


@dataclass(frozen=True)
class Planted:
    """A fault that was once not noticed. `tests`: the file whose tests notice it now."""

    name: str
    file: str
    old: str
    new: str
    tests: str

    def applied(self, source: str) -> str:
        """The file with the fault.

        Raises:
            LookupError: the line has moved on, and the entry must.
        """
        if source.count(self.old) != 1:
            raise LookupError(f"'{self.name}': {self.file} holds {source.count(self.old)} times what the fault replaces")
        return source.replace(self.old, self.new)


def planted() -> list[Planted]:
    """Those of planted.toml."""
    return [Planted(**row) for row in _rows("planted.toml")]


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads((FOLDER / name).read_text(encoding="utf-8")).get("fault", [])
    return rows

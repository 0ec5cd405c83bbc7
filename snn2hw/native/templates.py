"""C out of template files, which are C with @NAME@ where something differs from case to case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_MARK = re.compile(r"^ *@([A-Z_]+)@\n|@([A-Z_]+)@", re.MULTILINE)


def filled(text: str, values: Mapping[str, object]) -> str:
    """Every @NAME@ replaced, in one pass: what is filled in is not looked at again.

    A line that is a mark alone vanishes where there is nothing to fill in.

    Args:
        text: of the template. values: by the name of the mark.
    """

    def put(found: re.Match[str]) -> str:
        value = str(values[found[1] or found[2]])
        return found[0].replace(f"@{found[1] or found[2]}@", value) if value or found[2] else ""

    return _MARK.sub(put, text)


@lru_cache(maxsize=64)
def template(path: Path) -> str:
    """The text of a template file."""
    return path.read_text(encoding="utf-8")


def fragment(path: Path, **values: object) -> str:
    """A template file with its values, without the end of its last line: it goes into other C.

    Args:
        path: of the template. values: of every @NAME@ in it, by the name in lower case.
    """
    return filled(template(path), {key.upper(): value for key, value in values.items()}).removesuffix("\n")

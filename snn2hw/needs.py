"""Which packages a model of models/ needs, found without running it: all that are missing are named at once."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from snn2hw.errors import MissingExtraError

LOADING = {"torch": "torch", "safetensors": "safetensors"}  # what is imported -> the package that brings it
SCANS = {"sklearn": "scikit-learn"}
OF_SCANS = ("snn2hw.data.digits", "snn2hw.data.tasks")  # modules whose data come with a package


def check_needs(source: Path | None, *, data: bool) -> None:
    """Refuse a model for which packages are missing.

    Args:
        source: its model.py; None where a factory makes it. data: whether the data that model.py states are read.

    Raises:
        MissingExtraError: every package that is missing, and the one extra that brings all of them.
    """
    scans = data and source is not None and any(name in OF_SCANS for name in _imported(source))
    wanted = LOADING | (SCANS if scans else {})
    missing = [package for module, package in wanted.items() if importlib.util.find_spec(module) is None]
    if missing:
        extra = "demo" if set(missing) & set(SCANS.values()) else "torch"
        raise MissingExtraError(missing[0], extra, "loading a model" + (" with its data" if scans else ""), *missing[1:])


def _imported(source: Path) -> Iterator[str]:
    """The modules that a file imports, and what it takes out of them, by their full names."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):  # who runs the file says what is wrong with it
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}{dot}{name}" for alias in node.names for dot, name in (("", ""), (".", alias.name)))

"""Network files of other frameworks, by their ending."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snn2hw.errors import UsageError
from snn2hw.frontends.from_netx import from_netx
from snn2hw.ir.integer import IntegerNetwork

READERS = {".net": from_netx}


def is_network_file(name: str | Path) -> bool:
    """Whether this is a network file of another framework rather than a model or an artefact."""
    return Path(name).suffix in READERS and not Path(name).is_dir()


def read_network(path: str | Path, steps: int | None = None, **options: Any) -> IntegerNetwork:
    """A network file of another framework, by its ending: '.net' of lava-dl (`snn2hw.frontends.from_netx`).

    Args:
        steps: T of a sample, where the file does not say or something else is wanted.
        options: of the reader.

    Raises:
        UsageError: another ending. Snn2hwError: a file that cannot be read, or asks for what is not supported.
    """
    if not is_network_file(path):
        raise UsageError("this is no network file", got=str(path), expected=" or ".join(f"*{suffix}" for suffix in READERS))
    return READERS[Path(path).suffix](path, steps, **options)

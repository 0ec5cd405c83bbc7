"""Cases of NIR files that are refused: what is written, and the error in its parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import Snn2hwError
from snn2hw.formats.nir.read import from_nir
from tests.nir_files import graph, write
from tests.refused import refused

X = np.ones((4, 1, 3), int)
KINDS = (
    "Input, Output, Affine, Linear, Scale, Conv1d, Conv2d, SumPool2d, AvgPool2d, Flatten, I, IF, LI, LIF, CubaLI, CubaLIF, "
    "Threshold, Delay, NIRGraph"
)


def case(
    name: str,
    made: Callable[[], Any],
    kind: type[Snn2hwError],
    what: str,
    where: str,
    got: str,
    expected: str,
    do: str,
    options: dict[str, Any] | None = None,
    edit: Callable[[Any], None] | None = None,
) -> Any:
    """A row: the graph, what is done to the file it was written to, how it is read, and what that raises."""
    path = "" if not where else where if where.startswith("x.nir") else f"x.nir: {where}"
    return pytest.param(made, kind(what, where=path, got=got, expected=expected, do=do), options or {}, edit, id=name)


def check_case(made: Callable[[], Any], error: Snn2hwError, options: dict[str, Any], edit: Callable[[Any], None] | None) -> None:
    """Write x.nir here, read it, and compare the whole text."""
    import h5py

    here = write(Path("x.nir"), made())
    if edit is not None:
        with h5py.File(here, "r+") as file:
            edit(file)
    with refused(type(error), str(error)):
        read(here, **options)


def read(path: Path, x: Any = X, convention: Any = "norse", **more: Any) -> Any:
    """The file under Norse's convention, for three inputs, unless something else is said."""
    return from_nir(path, sample=x, convention=convention, **more)


def chain(*nodes: Any, out: int = 3, shape: Any = (3,)) -> Any:
    """A chain from three inputs to three outputs, unless something else is said."""
    return graph(*nodes, shape=shape, out=[out])


def linear() -> Any:
    """A Linear that changes nothing."""
    import nir

    return nir.Linear(np.eye(3))

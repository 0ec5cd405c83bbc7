"""Every public function of a compiled model says so of anything else."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import UsageError
from tests.hand_networks import every_kind
from tests.refused import refused

X = np.zeros((2, 3))
GIVEN: dict[str, Any] = {"samples": X, "to": "c", "model": every_kind()}  # of the parameters that have no default


def verbs() -> list[str]:
    """The public functions whose first parameter is a compiled model."""
    functions = {name: getattr(snn2hw, name) for name in snn2hw.__all__ if inspect.isfunction(getattr(snn2hw, name))}
    return [name for name, f in functions.items() if next(iter(inspect.signature(f).parameters), "") == "artefact"]


def call(name: str, given: object, out: Path) -> None:
    verb = getattr(snn2hw, name)
    parameters = list(inspect.signature(verb).parameters.values())[1:]
    more = {p.name: GIVEN[p.name] for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD}
    verb(given, **more, **({"out": out / "made.html"} if name in ("report", "export_nir") else {}))


def test_the_functions_are_found() -> None:
    assert {"simulate", "evaluate", "verify", "export", "estimate"} < set(verbs())


@pytest.mark.parametrize("name", verbs())
def test_what_is_no_compiled_model(name: str, tmp_path: Path) -> None:
    text = """
        this is no compiled model
          where:    artefact
          got:      {}
          expected: what `snn2hw.compile` or `snn2hw.load` gives
          do:       {}
        """
    for given in (every_kind(), None):
        with refused(UsageError, text.format(type(given).__name__, "compile the model first: snn2hw.compile(model, samples)")):
            call(name, given, tmp_path)
    for folder in ("build/net", Path("build/net")):
        with refused(UsageError, text.format("'build/net'", "load it first: snn2hw.load('build/net')")):
            call(name, folder, tmp_path)
    assert not list(tmp_path.iterdir())

"""Every public name says what it takes, and which errors it raises."""

from __future__ import annotations

import inspect

import numpy as np
import numpy.typing as npt
import pytest

from docsite import documented, words
from snn2hw.errors import UsageError


@pytest.mark.slow
@pytest.mark.torch
def test_every_public_name_is_documented() -> None:
    pytest.importorskip("torch")
    found = documented.public()
    assert len(found) > 180
    assert [line for name, value in found.items() for line in documented.missing(name, value)] == []


@pytest.mark.slow
@pytest.mark.torch
def test_docstrings_use_the_words_of_the_pages() -> None:
    pytest.importorskip("torch")
    hits = []
    for name, value in documented.public().items():
        members = [m for k, m in vars(value).items() if not k.startswith("_")] if inspect.isclass(value) else []
        for told in (value, *members):
            hits += list(words.found(words.prose(inspect.getdoc(told) or ""), name))
    assert hits == []


class Silent:
    def __init__(self, size: int) -> None:
        self.size = size

    def grow(self) -> int:
        return self.size + 1


class Loud(Silent):
    """A thing of a size."""

    def grow(self) -> int:
        """One more."""
        return self.size + 1


def undone(first: int, second: int) -> None:
    """Takes first."""
    raise UsageError("nothing can be done")


def halved(array: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Half of it."""
    return array / 2


def test_what_is_missing_is_found() -> None:
    assert list(documented.missing("a", halved)) == ["a: takes or gives arrays, and does not say in which shape"]
    assert list(documented.missing("a", Silent)) == ["a: no docstring", "a: 'size' is not named", "a.grow: no docstring"]
    assert list(documented.missing("a", Loud)) == []
    assert list(documented.missing("a", undone)) == ["a: 'second' is not named", "a: raises an error, and does not say which"]

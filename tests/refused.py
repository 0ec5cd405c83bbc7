"""Errors and warnings are tested with their whole text: what, where, got, expected, do."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import dedent
from typing import Any

import pytest

from snn2hw.errors import RuleError, Snn2hwError, Snn2hwWarning

USER_LINE = re.compile(r"\w+\.py:\d+ \([^)]*\)")


@contextmanager
def refused(kind: type[Snn2hwError], text: str) -> Iterator[None]:
    """The block raises exactly this kind of error with exactly this text, in which LINE is a line of a user's file."""
    with pytest.raises(Snn2hwError) as caught:
        yield
    assert type(caught.value) is kind
    assert USER_LINE.sub("LINE", str(caught.value)) == dedent(text).strip("\n")


@contextmanager
def warned(*texts: str) -> Iterator[None]:
    """The block gives exactly these warnings, word for word, each at a line of the test itself; none without texts."""
    test = inspect.stack()[2].filename  # whose `with` entered this, through contextlib
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert [str(w.message) for w in caught] == [dedent(text).strip("\n") for text in texts]
    assert all(issubclass(w.category, Snn2hwWarning) and w.filename == test for w in caught)


def message(check: Callable[[Any], object], given: Any, kind: type[Snn2hwError] = RuleError) -> str:
    """The text of the error, of exactly this kind, that the check raises."""
    with pytest.raises(kind) as caught:
        check(given)
    assert type(caught.value) is kind
    return str(caught.value)

"""Errors are tested with their whole text: what, where, got, expected, do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent

import pytest

from snn2hw.errors import Snn2hwError


@contextmanager
def refused(kind: type[Snn2hwError], text: str) -> Iterator[None]:
    """The block raises exactly this kind of error with exactly this text."""
    with pytest.raises(Snn2hwError) as caught:
        yield
    assert type(caught.value) is kind
    assert str(caught.value) == dedent(text).strip("\n")

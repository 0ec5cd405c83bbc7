"""What is shown of a name: every character of it, none of which is obeyed."""

from __future__ import annotations

import io
import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import given

from snn2hw.errors import Snn2hwError, Snn2hwWarning
from snn2hw.shown import Lines, plain, plain_lines


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("conv1", "conv1"), ("fc[/x]", "fc[/x]"), ("[red]", "[red]"), (":smile:", ":smile:"), ("a b", "a b"), ("", ""),
        ("Größe é 名", "Größe é 名"), ("C:\\new", "C:\\new"), ("a\nb", r"a\nb"), ("a\r\tb", r"a\r\tb"), ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m", r"\x9b31m"), ("\x07", r"\x07"), ("\x7f", r"\x7f"), ("a\u200bb", r"a\u200bb"), ("\u202eabc", r"\u202eabc"),
        ("\u2066", r"\u2066"), ("\ufeff", r"\ufeff"), ("\u2028", r"\u2028"), ("\xa0", r"\xa0"), ("\ud800", r"\ud800"),
        ("\u3164", r"\u3164"), ("a\ufe0f", r"a\ufe0f"), ("\U000e0041", r"\U000e0041"),
    ],
)  # fmt: skip
def test_names(name: str, shown: str) -> None:
    assert plain(name) == shown


@given(st.text(st.characters(codec=None), max_size=20))
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in shown)
    assert plain(shown) == shown
    if text.isascii() and text.isprintable():
        assert shown == text
    io.TextIOWrapper(io.BytesIO(), "utf-8").write(shown)  # lone surrogates cannot be written


def test_a_name_cannot_imitate_a_part_of_a_message() -> None:
    """A line break in a name would begin a line that looks like the message's own."""
    name = "fc\n  do:       run rm"
    for made in (Snn2hwError, Snn2hwWarning):
        text = str(made(f"a layer {name}", where=name, got=name, expected=name, do=name))
        assert len(text.splitlines()) == 5
        assert text.splitlines()[1] == r"  where:    fc\n  do:       run rm"


def test_the_lines_of_a_log_go_on_below_each_other() -> None:
    text = str(Snn2hwError("it failed", got=Lines("one\ntwo\x1b[2J\n  do: three"), do="look"))
    assert text == "it failed\n  got:      one\n            two\\x1b[2J\n              do: three\n  do:       look"
    assert plain_lines("a\r\nb\x0bc\u2028d") == "a\nb\nc\nd"


def test_the_parts_of_an_error_stay_as_they_are() -> None:
    error = Snn2hwError("a\nb", where="c\nd")
    assert (error.what, error.where) == ("a\nb", "c\nd")

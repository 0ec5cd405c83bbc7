"""The part of a page that the bench of the audit writes: a block that is only shown, with its language."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the bench trains a torch module")

from bench.audit import PAGE, shown
from bench.inserted import inserted
from docsite import runner


def test_what_is_written_is_a_block_that_no_reader_is_told_to_run() -> None:
    (block,) = runner.blocks("\n".join(shown(["first", "  second"])) + "\n")
    assert (block.kind, block.body) == ("text", "first\n  second\n")
    assert block.why


def test_the_page_has_what_is_written() -> None:
    text = PAGE.read_text(encoding="utf-8")
    begin, end = (text.index(f"<!-- {side} audit -->") for side in ("begin", "end"))
    (block,) = runner.blocks(text[begin:end])
    assert inserted(text, "audit", shown(block.body.splitlines())) == text

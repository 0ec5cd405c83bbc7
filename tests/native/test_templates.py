"""C out of template files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import snn2hw
from snn2hw.native.templates import filled

PACKAGE = Path(snn2hw.__file__).parent


def test_marks_are_filled_in_once() -> None:
    assert filled("int @NAME@[@SIZE@]; /* @NAME@ */\n", {"NAME": "@SIZE@", "SIZE": 3}) == "int @SIZE@[3]; /* @SIZE@ */\n"


def test_a_line_that_is_a_mark_alone_vanishes_where_there_is_nothing_to_fill_in() -> None:
    text = "{\n    @FIRST@\n@SECOND@\n    x@SECOND@;\n}\n"
    assert filled(text, {"FIRST": "", "SECOND": ""}) == "{\n    x;\n}\n"
    assert filled(text, {"FIRST": "a();\n    b();", "SECOND": "  c();"}) == "{\n    a();\n    b();\n  c();\n    x  c();;\n}\n"


def test_a_mark_without_a_value_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        filled("@NOWHERE@", {})


FRAME = re.compile(r'^ *(return )?f?"*(static )?void \w+[({]', re.MULTILINE)


def test_no_python_file_holds_a_function_in_c() -> None:
    """Its frame lies in a template, which can be read with an editor that knows C."""
    assert [p for p in PACKAGE.rglob("*.py") if FRAME.search(p.read_text(encoding="utf-8"))] == []
    assert len(list(PACKAGE.rglob("templates/**/*.c"))) > 20

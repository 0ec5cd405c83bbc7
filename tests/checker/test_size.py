"""The checker stays short enough to be read in one sitting."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

import snn2hw.checker

# Who does not trust the compiler has to trust the checker instead, and can only do so after having read it. It is seven programs,
# each read by itself: whether a file has the one form that is spoken of; what goes between neurons; what operators give for every
# integer; what a neuron computes. Two more are of neurons that users write: how far a neuron can be from its
# equation; what the equation is, and what is said of that. The last is of the simplified programs that back ends run.
LINES = 300
FOLDER = Path(snn2hw.checker.__path__[0])
PROGRAMS = {
    "form": {"form.py", "types.py"},
    "network": {"__init__.py", "check.py", "derive.py", "layers.py"},
    "tried": {"tried.py"},
    "neuron": {"firing.py", "neuron.py", "neuron_layer.py", "reals.py"},
    "distance": {"distance.py", "forms.py"},
    "equation": {"equation.py", "joint.py", "stated.py"},
    "shorter": {"shorter.py"},
}
NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING),
    tokenize.ENDMARKER,
}


def lines_of_code(text: str) -> int:
    """Lines that are neither blank nor comments nor docstrings."""
    code, docs = set[int](), set[int]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            docs.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code - docs)


def test_lines_are_counted_without_blanks_comments_and_docstrings() -> None:
    text = '"""Says\n\nwhat."""\n\n# why\nx = (1,  # one\n     2)\n\n\ndef f():\n    """Says."""\n    return """\n    a"""\n'
    assert lines_of_code(text) == 2 + 1 + 2


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_of_the_checker_is_short(program: str) -> None:
    sizes = {name: lines_of_code((FOLDER / name).read_text(encoding="utf-8")) for name in PROGRAMS[program]}
    assert sum(sizes.values()) < LINES, sizes


def test_every_file_of_the_checker_belongs_to_one_program() -> None:
    files = sorted(p.name for p in FOLDER.rglob("*.py"))
    assert files == sorted(name for names in PROGRAMS.values() for name in names)

"""C text: template files, arrays with readable rows, and comments that no name of a layer can end.

The C that is the same for every network, or nearly, lies in `templates/`: `folder/` are the files of the C folder, `fast/` is
what the executor compiles, `layers/` what both have of pools, joins and neurons. What differs from network to network stands
in it as @NAME@; only the straight-line statements of a neuron's program are written by Python alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snn2hw.native import templates

WIDTH = 120  # columns of a line of numbers
TEMPLATES = Path(__file__).parent / "templates"


def template(name: str) -> str:
    """The text of a template file, such as "fast/dense.h"."""
    return templates.template(TEMPLATES / name)


def fragment(name: str, **values: object) -> str:
    """A template file with its values, without the end of its last line. Arguments as `native.templates.fragment`."""
    return templates.fragment(TEMPLATES / name, **values)


def table(head: str, words: Sequence[str]) -> str:
    """`head`[n] = {words}; the head is a type and a name."""
    return f"{head}[{len(words)}] = {{\n{_lines(words, max(map(len, words)), '    ')}\n}};\n"


def rows(head: str, values: npt.NDArray[np.integer]) -> str:
    """`head`[rows][columns] of a matrix, a brace for each row."""
    words = [[str(v) for v in row] for row in values.tolist()]
    width = max(len(word) for row in words for word in row)
    lines = [f"    {{{_lines(row, width, '     ')[5:]}}},\n" for row in words]
    return f"{head}[{values.shape[0]}][{values.shape[1]}] = {{\n{''.join(lines)}}};\n"


def _lines(words: Sequence[str], width: int, indent: str) -> str:
    """Numbers below each other, as many in a line as there is room for."""
    each = max((WIDTH - len(indent)) // (width + 2), 1)
    padded = [word.rjust(width) for word in words]
    return ",\n".join(indent + ", ".join(padded[n : n + each]) for n in range(0, len(padded), each))


def comment(text: str) -> str:
    """A comment. What could end it or is not plain text is replaced: names of layers are the user's own."""
    plain = re.sub(r"[^ -~\n]|[?\\]", "_", text).replace("*/", "* /").replace("/*", "/ *")
    return f"/* {plain} */\n"

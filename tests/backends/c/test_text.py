from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.c.text import WIDTH, comment, rows, table


def test_rows_of_a_matrix() -> None:
    assert rows("int8_t w", np.array([[1, -20], [300, 4]])) == "int8_t w[2][2] = {\n    {  1, -20},\n    {300,   4},\n};\n"


def test_long_rows_are_broken_below_each_other() -> None:
    lines = rows("int8_t w", np.arange(-60, 60).reshape(2, 60)).splitlines()
    assert lines[0] == "int8_t w[2][60] = {"
    assert lines[1].startswith("    {-60, -59,")
    assert lines[2].startswith("     -37, -36,")
    assert max(map(len, lines)) <= WIDTH
    numbers = "".join(lines[1:-1]).replace("{", "").replace("}", "").split(",")
    assert [int(n) for n in numbers if n.strip()] == list(range(-60, 60))


def test_a_table() -> None:
    assert table("int a", ["1", "22"]) == "int a[2] = {\n     1, 22\n};\n"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("block.0", "block.0"),
        ("a */ int main", "a * / int main"),
        ("a /* b", "a / * b"),
        ("??/\nx\\", "__/\nx_"),
        ("größe\t", "gr__e_"),
    ],
)
def test_no_name_ends_a_comment(name: str, shown: str) -> None:
    assert comment(name) == f"/* {shown} */\n"

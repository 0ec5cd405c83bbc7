"""The table of CONTRIBUTING is what its own lines touch; each of the other tests of this room shows that these are enough."""

from __future__ import annotations

import re

from tests.house.instructions import WHAT, section, table, text, touched


def test_the_table_counts_what_the_lines_touch() -> None:
    part = text().split("## How to add ...")[1].split("\n\n")[1]
    said = [
        (what, int(files), int(rows))
        for what, files, rows in re.findall(r"^\| (an? [\w ]+) \| (\d+)[^|]*\| (\d+)[^|]*\|$", part, re.M)
    ]
    print("to add | files | rows elsewhere")
    for row in table():
        print(*row, sep=" | ")
    assert said == table()


def test_each_is_one_room_and_a_row_for_each_back_end_or_format() -> None:
    assert all(len({f.rpartition("/")[0] for f in touched(what).files}) == 1 for what in WHAT)
    rooms = [row.rpartition("/")[0] for what in WHAT for row in touched(what).rows if "/" in row]
    assert len(rooms) == len(set(rooms))
    assert all(section(what).strip() for what in WHAT)

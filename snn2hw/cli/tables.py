"""Tables that fit: no word of a cell is broken; columns that do not fit beside the others follow below, with the first again."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

PROSE = 24  # characters; a longer cell of several words goes on in a second line where it must
FRAME = 3  # characters beside each column
LEAST = 20  # a terminal narrower than this is written over its edge


def fitted(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], numbers: Collection[int], width: int, framed: bool
) -> Iterator[Table]:
    """The columns in one table, or where they are too wide for that in several, one below the other.

    Args:
        columns: headings. rows: of each a cell for every column. numbers: the columns aligned to the right.
        width: of the terminal. framed: whether lines are drawn around cells.
    """
    cells = [[row[n] for row in rows] for n in range(len(columns))]
    if rows and sum(_whole(*each) + FRAME for each in zip(columns, cells, strict=True)) + 1 > width:
        kept = [n for n, column in enumerate(cells) if any(cell.plain.strip() for cell in column)]  # an empty one says nothing
        columns, numbers = [columns[n] for n in kept], [m for m, n in enumerate(kept) if n in numbers]
        cells, rows = [cells[n] for n in kept], [[row[n] for n in kept] for row in rows]
    whole = [_whole(head, column) for head, column in zip(columns, cells, strict=True)]
    least = [_least(head, column, n in numbers) for n, (head, column) in enumerate(zip(columns, cells, strict=True))]
    for group in _groups(whole, least, max(width, LEAST)):
        narrow = sum(max(least[n], len(columns[n])) + FRAME for n in group) + 1 > width
        shown = Table(box=box.ASCII2 if framed else box.SIMPLE_HEAD, show_header=any(columns[n] for n in group))
        for n in group:
            head = "\n".join(textwrap.wrap(columns[n], least[n], break_long_words=False)) if narrow else columns[n]
            prose = _is_prose(cells[n]) and n not in numbers
            shown.add_column(
                Text(head),
                justify="right" if n in numbers else "left",
                no_wrap=not prose,
                overflow="fold",
                min_width=None if prose else least[n],
            )
        for row in rows:
            shown.add_row(*(row[n] for n in group))
        yield shown


def _groups(whole: Sequence[int], least: Sequence[int], width: int) -> list[list[int]]:
    """Which columns stand side by side: all, if they can; the first stands in front of every group."""
    if sum(whole) + FRAME * len(whole) + 1 <= width:
        return [list(range(len(whole)))]
    key = least[0] + FRAME + 1
    groups, taken = [[0]], key
    for n in range(1, len(whole)):
        if taken + least[n] + FRAME > width and len(groups[-1]) > 1:
            groups.append([0])
            taken = key
        groups[-1].append(n)
        taken += least[n] + FRAME
    return groups


def _whole(head: str, column: Sequence[Text]) -> int:
    """The width of a column that is not folded."""
    return max([len(head), *(cell.cell_len for cell in column)])


def _is_prose(cells: Sequence[Text]) -> bool:
    return any(cell.cell_len > PROSE and " " in cell.plain for cell in cells)


def _least(head: str, cells: Sequence[Text], number: bool) -> int:
    """The width below which a word would be broken."""
    words = [len(word) for word in head.split()]
    if _is_prose(cells) and not number:
        return max([PROSE, *words, *(len(word) for cell in cells for word in cell.plain.split())])
    return max([0, *words, *(cell.cell_len for cell in cells)])

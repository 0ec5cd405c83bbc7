"""Parts of a documentation page that a command writes: what stands between two comments is replaced, the rest is left alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from snn2hw.files.write import write_file


def inserted(text: str, name: str, lines: Iterable[str]) -> str:
    """The text of a page with other lines between `<!-- begin NAME -->` and `<!-- end NAME -->`.

    Raises:
        ValueError: the page has no such part, or several.
    """
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"the page must have one part between {begin.strip()} and {end.strip()}")
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    return f"{before}{begin}\n" + "".join(f"{line}\n" for line in lines) + f"\n{end}{after}"


def insert(page: Path, name: str, lines: Iterable[str]) -> None:
    """`inserted`, in a file."""
    write_file(page, inserted(page.read_text(encoding="utf-8"), name, lines).encode(), force=True)

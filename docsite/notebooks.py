"""The tutorials as Jupyter notebooks, made from their pages: python -m docsite.notebooks [FOLDER]

Text stays text; Python is a cell; commands are a cell of `%%bash`; a file that the reader is told to write is a cell of
`%%writefile`. What was printed is left out: the reader runs the cells. So are blocks that install, as a notebook runs in an
environment already.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docsite.api import ROOT
from docsite.runner import KEPT, SHOWN, Block, blocks

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


def cells(text: str) -> Iterator[tuple[str, str]]:
    """(kind, source) of every cell: "markdown" or "code"."""
    end = 0
    for block in (b for b in blocks(text) if not b.hidden):
        begin = text.rindex("```", 0, block.span[0])
        yield from _prose(text[end:begin])
        end = text.index("```", block.span[1]) + 3
        if block.kind not in SHOWN:
            yield _cell(block)
    yield from _prose(text[end:])


def _prose(text: str) -> Iterator[tuple[str, str]]:
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S).strip()
    if text:
        yield "markdown", text


def _cell(block: Block) -> tuple[str, str]:
    body = block.body.rstrip("\n")
    if block.installs:
        return "markdown", f"(In a terminal, before this notebook is started:)\n\n```bash\n{body}\n```"
    if block.title:
        return "code", f"%%writefile {block.title}\n{body}"
    if block.kind in KEPT:
        return "markdown", f"```{block.kind}\n{body}\n```"
    return "code", body if block.kind == "python" else f"%%bash\n{body}"


def notebook(page: Path) -> dict[str, Any]:
    """A page as a notebook of nbformat 4."""
    made = []
    for number, (kind, source) in enumerate(cells(page.read_text(encoding="utf-8"))):
        cell: dict[str, Any] = {"id": f"cell-{number}", "cell_type": kind, "metadata": {}, "source": source}
        made.append({**cell, "execution_count": None, "outputs": []} if kind == "code" else cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}


def pages() -> dict[str, str]:
    """Text of every notebook, by its path below docs/."""
    return {f"tutorials/{p.stem}.ipynb": json.dumps(notebook(p), indent=1) + "\n" for p in TUTORIALS if p.stem != "index"}


def main(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in pages().items():
        (folder / Path(path).name).write_text(text, encoding="utf-8")
        print(folder / Path(path).name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "notebooks")

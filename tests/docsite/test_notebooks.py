"""Tutorials as notebooks: they have every cell of their page, and run from the first to the last."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from docsite import notebooks, runner
from tests.clean_environment import ROOT
from tests.docsite.test_followed import NEEDS, RECORDED
from tests.shared_data import shared_data

PAGES = [p for p in notebooks.TUTORIALS if p.stem != "index"]


def test_every_block_of_a_page_is_in_its_notebook() -> None:
    assert len(PAGES) == 8
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        whole = "\n".join(cell["source"] for cell in notebooks.notebook(page)["cells"])
        for block in runner.blocks(text):
            assert block.kind == "text" or block.hidden or block.body.strip() in whole, page
        assert "<!--" not in whole
        assert text.split("\n")[0] in whole


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_notebook_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip(NEEDS.get(f"tutorials/{page.name}", "torch"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    for part in ("docs", "models"):
        (tmp_path / part).symlink_to(ROOT / part)
    if (recorded := RECORDED.get(f"tutorials/{page.name}")) is not None:  # in place of the cell that fetches it
        shutil.copy(shared_data(recorded), tmp_path)
    made = nbformat.reads(json.dumps(notebooks.notebook(page)), as_version=4)
    nbformat.validate(made)
    made.cells = [cell for cell in made.cells if not cell.source.startswith("%%bash\ncurl ")]
    client.NotebookClient(made, timeout=900, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert all(cell.get("execution_count") for cell in made.cells if cell.cell_type == "code")

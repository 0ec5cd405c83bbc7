"""`make docs`: the site builds without a warning, asks no server for anything, and has every page in its search."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docsite import audit, runner
from tests.clean_environment import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return out


def test_no_page_loads_anything_from_a_server(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    loads = re.compile(r"<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=[\"']?(https?:)?//")
    assert [p.name for p in pages if loads.search(p.read_text(encoding="utf-8"))] == []


def test_the_search_knows_every_page(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].split("#")[0] for entry in index["docs"]}
    pages = {p.relative_to(site).as_posix() for p in site.rglob("*.html")} - {"404.html"}
    assert pages - found == set()
    assert (site / "search" / "search_index.js").is_file()  # for pages that are opened as files


KINDS = ("index.html", "tutorials/first.html", "how-to/errors/usageerror.html", "reference/cli.html", "reference/api/train.html")


@pytest.mark.skipif(not audit.browser(), reason="Chromium is not on the PATH")
def test_pages_can_be_heard_and_fit_a_phone(site: Path) -> None:
    """A page of each kind; `python -m docsite.audit SITE` looks at all."""
    assert list(audit.faults(site, KINDS)) == []


@pytest.mark.skipif(not audit.browser(), reason="Chromium is not on the PATH")
def test_tables_that_commands_print_are_seen_whole(site: Path) -> None:
    page = site / "tutorials" / "fits.html"
    assert audit.unscrolled(page, int(runner.COLUMNS))
    assert not audit.unscrolled(page, 2 * int(runner.COLUMNS))


@pytest.mark.skipif(not audit.browser(), reason="Chromium is not on the PATH")
def test_the_search_finds_pages_that_are_opened_as_files(site: Path) -> None:
    assert audit.hits(site, "microcontroller") >= 5
    assert audit.hits(site, "qqqqzzzz") == 0


@pytest.mark.skipif(not audit.browser(), reason="Chromium is not on the PATH")
def test_faults_are_found(tmp_path: Path) -> None:
    wide = '<div style="width:900px">wide</div>'
    (tmp_path / "page.html").write_text(
        f'<html lang="en"><title>a</title><body><main><img src="a.png">{wide}</main></body></html>'
    )
    found = list(audit.faults(tmp_path, ["page.html"]))
    assert any("image-alt" in line for line in found)
    assert any("pixels wide" in line for line in found)

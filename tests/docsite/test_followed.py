"""Every page is followed to its end: commands and Python are run, what they print is what the page shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docsite import runner
from tests.clean_environment import ROOT
from tests.shared_data import VARIABLE, shared_data

DOCS = sorted(
    p for p in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"] if list(runner.blocks(p.read_text(encoding="utf-8")))
)
QUICK = ("tutorials/chip.md",)
RECORDED = {"tutorials/chip.md": "lif_lava_loihi_fixed.csv"}  # pages whose reader fetches a recording
NEEDS = {  # pages whose packages may not be there
    "tutorials/snntorch.md": "snntorch",
    "tutorials/fpga.md": "pyosys",
    "how-to/frameworks.md": "spikingjelly",
    "how-to/rtl.md": "pyosys",
    "how-to/estimate.md": "neurobench",
}


def name(page: Path) -> str:
    return page.relative_to(ROOT / "docs" if page.is_relative_to(ROOT / "docs") else ROOT).as_posix()


def followed(page: Path, folder: Path) -> None:
    for part in ("docs", "models", "examples", "constraints.txt"):
        (folder / part).symlink_to(ROOT / part)
    recorded = {VARIABLE: str(shared_data(RECORDED[name(page)]).parent)} if name(page) in RECORDED else {}
    command = [sys.executable, str(ROOT / "docsite" / "runner.py"), str(page), str(folder), "--installed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **recorded})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", [p for p in DOCS if name(p) in QUICK], ids=name)
def test_a_page_that_takes_a_moment(page: Path, tmp_path: Path) -> None:
    followed(page, tmp_path)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("page", [p for p in DOCS if name(p) not in QUICK], ids=name)
def test_a_page(page: Path, tmp_path: Path) -> None:
    if name(page) in NEEDS:
        pytest.importorskip(NEEDS[name(page)])
    followed(page, tmp_path)


def test_no_block_is_left_out() -> None:
    """Fences as they stand in the pages, counted by another eye than the runner's; and commands have a fence."""
    told = {p: runner.count([p]) for p in DOCS}
    for page, numbers in told.items():
        text = re.sub(r"<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.S)
        fences = re.findall(r"^ *```.*$", text, re.M)
        assert [sum(n) for n in numbers.values()] == [len(fences) / 2], page
        assert [b.line for b in runner.blocks(text) if not b.kind] == [], f"{page}: blocks without a language"
        bare = re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.M | re.S)
        assert re.findall(r"^ {4,}(?:snn2hw|python3?|pip|make|cd) .*", bare, re.M) == [], page


def test_tutorials_leave_out_only_what_needs_the_network() -> None:
    """As docs/tutorials/index.md says."""
    left = [b.body for p in DOCS for b in runner.blocks(p.read_text(encoding="utf-8")) if "tutorials/" in name(p) and b.why]
    assert [re.findall(r"curl -LO|pip install", body) for body in left] == [["curl -LO"], ["pip install"]]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a 0.12 s\n", "a 7.5 s\n", True),
        ("a 12 s\n", "a 13 s\n", False),
        ("| a |  b |\n+---+\n", "| a | b |\n+-----+\n", True),
        ("first\n...\nlast\n", "first\nmany\nlines\nlast\n", True),
        ("first\n...\nlast\n", "first\nmany\n", False),
        ("a 1,234.5 b\n", "a 99.25 b\n", True),
        ("accuracy 96.11%\n", "accuracy 96.67%\n", True),
        ("accuracy 96.11%\n", "accuracy 12.00%\n", False),
        ("...\n| integers | 99.17 % | 0.5 s |\n...\n", "a 3.00 %\n| integers | 97.50 % | 7.5 s |\nb 4.00 %\n", True),
        ("...\n| integers | 99.17 % | 0.5 s |\n...\n", "a 99.17 %\n| integers | 95.00 % | 0.5 s |\n", False),
        ("19 % of these\n", "20 % of these\n", False),
        ("equal True\n", "equal False\n", False),
        ("<a thing at 0x7f96f02cf8d0>\n", "<a thing at 0x7f11817db8f0>\n", True),
        ("<a thing at 0x7f96f02cf8d0>\n", "<another thing at 0x7f96f02cf8d0>\n", False),
    ],
)
def test_what_counts_as_the_same(shown: str, printed: str, same: bool) -> None:
    assert runner.alike(shown, printed) == same


PAGE = """
<!-- before bash
echo there > file
-->

```bash
cat file
```

```text
%s
```
"""


def test_a_page_that_shows_something_else_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE % "there", encoding="utf-8")
    assert runner.follow(page, tmp_path) == []
    page.write_text(PAGE % "elsewhere", encoding="utf-8")
    assert runner.follow(page, tmp_path) == ["page.md:10: the page shows\nelsewhere\nprinted was\nthere\n"]
    page.write_text("```bash\nfalse\n```\n", encoding="utf-8")
    assert "this stops with an error" in runner.follow(page, tmp_path)[0]
    page.write_text("```\nfalse\n```\n\n```toml\na = 1\n```\n", encoding="utf-8")
    assert len(runner.follow(page, tmp_path)) == 2


def test_numbers_of_a_training_differ() -> None:
    (block,) = runner.blocks("<!-- trained -->\n\n```text\nweights 12\n```\n")
    assert runner.alike(block.body, "weights 14\n", block.trained)
    assert not runner.alike(block.body, "weight 14\n", block.trained)
    assert runner.alike("13 weights, 83.33% right\n", "14 weights, 81.11% right\n", trained=True)
    assert not runner.alike("13 weights, 83.33% right\n", "13 weights, 50.00% right\n", trained=True)

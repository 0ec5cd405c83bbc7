"""`snn2hw demo`ends well with the weights that come with snn2hw."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Capture
from tests.cli.running import run as run_cli


@pytest.mark.slow
@pytest.mark.torch
def test_the_demo_ends_well(capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    ran = run_cli(capsys, "demo", "--pretrained", "--out", tmp_path / "demo")
    assert ran.code == 0, ran.err
    assert ran.out.count("0 differing integers") == 2
    assert {p.name for p in (tmp_path / "demo").iterdir()} == {"digits_lnm", "digits_cf"}

"""`snn2hw demo`: refused before it begins where it cannot end, and ends well with the weights that come with snn2hw."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Capture
from tests.cli.running import run as run_cli


@pytest.mark.torch
def test_an_unknown_target_is_refused_before_anything_is_trained(capsys: Capture, tmp_path: Path) -> None:
    ran = run_cli(capsys, "demo", "--target", "foo", "--out", tmp_path / "demo")
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith("error: unknown target\n  got:      'foo'\n")
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
@pytest.mark.torch
def test_the_demo_ends_well(capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    ran = run_cli(capsys, "demo", "--pretrained", "--out", tmp_path / "demo")
    assert ran.code == 0, ran.err
    assert ran.out.count("0 differing integers") == 2
    assert {p.name for p in (tmp_path / "demo").iterdir()} == {"digits_lnm", "digits_cf"}

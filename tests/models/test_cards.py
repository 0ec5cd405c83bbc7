"""Cards and the page of models say which models are compared on every back end: those that the test of it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snn2hw.user_models import models_folder
from tests.models.test_every_back_end import CALIBRATED, OTHERS

pytestmark = pytest.mark.torch

SAID = "`tests/models/test_every_back_end.py` (`-m slow`) compares all back ends, SystemVerilog in Verilator and Lava among them."


def words(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8").split())


@pytest.mark.parametrize("name", [*CALIBRATED, *OTHERS])
def test_a_card_says_that_all_back_ends_are_compared(name: str) -> None:
    assert SAID in words(models_folder() / name / "card.md")


def test_no_other_card_says_so() -> None:
    said = {path.parent.name for path in models_folder().glob("*/card.md") if SAID in words(path)}
    assert said == {*CALIBRATED, *OTHERS}


def test_the_page_of_models_lists_them() -> None:
    page = words(Path(__file__).parents[2] / "docs" / "how-to" / "models.md")
    listed = re.search(r"`tests/models/test_every_back_end\.py` \(`-m slow`\) runs (.*?) on every back end,", page)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[1])) == {*CALIBRATED, *OTHERS}
    assert "`tests/models/test_cifar_small.py` (`-m slow`) does the same with `cifar_small`." in page

"""The page of data sets says of each class where its set is published."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import snn2hw.data
from snn2hw.data import Samples

pytestmark = pytest.mark.torch

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "data.md"
CALLED = {"ImageFolder": "ImageNet", "UEA": "UEAarchive"}  # what is published has another name than the class


def test_every_set_has_a_place_where_it_is_published() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## Where the sets are published")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"^\|.*\|$", section, re.M)[2:]]
    names = {name.strip().replace("-", "").replace(" ", "") for row in rows for name in re.sub(r" \(.*\)", "", row[0]).split(",")}
    classes = [c for c in vars(snn2hw.data).values() if inspect.isclass(c) and issubclass(c, Samples)]
    sets = {c.__name__ for c in classes if "root" in inspect.signature(c).parameters}
    assert len(sets) >= 14
    assert {CALLED.get(name, name) for name in sets} - names == set()
    assert all(len(row) == 3 and all(row) for row in rows)

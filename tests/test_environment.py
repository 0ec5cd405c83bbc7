"""`snn2hw doctor`: what is here is named, what is missing comes with its remedy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from snn2hw import environment
from snn2hw.backends import backends
from tests.cli.running import Capture, run

REQUIRES = [
    "numpy>=1.24", "nothing-of-this-name>=3", "torch>=2.4; extra == 'torch'", "nothing-else[x]>=1 ; extra == 'run'",
    "nothing-else>=1; extra == 'demo'", "snn2hw[torch]; extra == 'demo'", "pytest>=8; extra == 'dev'",
    "tomli>=2.0; python_version < '3.11'",
]  # fmt: skip


def test_packages_of_every_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRES)
    found = {p.name: p for p in environment.packages()}
    assert set(found) == {"numpy", "nothing-of-this-name", "torch", "nothing-else"}  # tomli is for other Pythons, pytest for us
    assert found["numpy"].there == metadata.version("numpy")
    assert (found["nothing-of-this-name"].there, found["nothing-of-this-name"].used) == ("", "core")
    assert (found["nothing-else"].used, found["nothing-else"].remedy) == ("extra run, demo", "pip install 'snn2hw[run]'")


def test_every_back_end_and_tool_is_there() -> None:
    found = list(environment.parts())
    assert {p.name for p in found if p.kind == "back end"} == set(backends())
    tools = [p for p in found if p.kind == "tool"]
    assert [p.name for p in tools] == [tool.what for tool, _ in environment.TOOLS]
    assert all("install " in p.remedy and ", or set SNN2HW_" in p.remedy for p in tools)


def test_the_table_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: REQUIRES)
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    ran = run(capsys, "doctor")
    assert ran.code == 0
    text = " ".join(ran.out.split())
    assert "missing" in text
    assert "pip install 'snn2hw[run]'" in text
    assert "what is missing is needed only for what its row says" in text
    assert f"SNN2HW_CACHE={tmp_path}" in "".join(ran.out.split()).replace("|", "")
    said = json.loads(run(capsys, "doctor", "--json").out)
    assert said["machine"]["cache bytes"] == 0
    assert said["machine"]["cache writable"] is True
    assert {p["kind"] for p in said["parts"]} == {"package", "tool", "back end"}


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path) -> None:
    monkeypatch.setattr(environment.os, "access", lambda path, mode: False)
    assert "the cache cannot be written: set SNN2HW_CACHE to another folder" in run(capsys, "doctor").out


def test_a_file_that_goes_away_while_the_cache_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(bytes(7))
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path))
    there = environment.os.walk

    def and_one_more(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
        for inside, folders, names in there(folder):
            yield inside, folders, [*names, "gone"]

    monkeypatch.setattr(environment.os, "walk", and_one_more)
    assert environment.facts()["cache bytes"] == 7

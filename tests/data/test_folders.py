"""The folder that a user gives, and the bar of a first scan: on a terminal alone, and it changes nothing of what is scanned."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import snn2hw.data
from snn2hw.data import Samples
from snn2hw.data.folders import given_folder, scanned
from snn2hw.errors import DataError, UsageError
from tests.refused import refused

pytestmark = pytest.mark.torch

CLASSES = [c for c in vars(snn2hw.data).values() if inspect.isclass(c) and issubclass(c, Samples)]
READERS = [f for name, f in vars(snn2hw.data).items() if name.startswith("read_")]
SETS = {c.__name__: c for c in CLASSES if "root" in inspect.signature(c).parameters}


def opened(name: str, root: Any) -> None:
    (partial(SETS[name], name="Made") if name == "UEA" else SETS[name])(root)


@pytest.mark.parametrize("root", [None, 3, b"data"])
@pytest.mark.parametrize("name", SETS)
def test_what_is_no_path_of_a_folder_is_refused(name: str, root: Any) -> None:
    with refused(
        UsageError,
        f"""
        the folder of a data set is no path
          where:    root
          got:      {root!r}
          expected: a str or a pathlib.Path
          do:       pass the folder that holds the set; an environment variable that is not set gives None
        """,
    ):
        opened(name, root)


@pytest.mark.parametrize("path", [None, 3, b"data"])
@pytest.mark.parametrize("read", READERS)
def test_what_is_no_path_of_a_file_is_refused(read: Callable[[Any], Any], path: Any) -> None:
    with refused(
        UsageError,
        f"""
        the file to read is no path
          where:    path
          got:      {path!r}
          expected: a str or a pathlib.Path
          do:       pass the path of the file; an environment variable that is not set gives None
        """,
    ):
        read(path)


@pytest.mark.parametrize("root", ["a\0b", "loop"])
@pytest.mark.parametrize("name", SETS)
def test_a_path_that_leads_nowhere_is_no_folder_of_the_set(
    name: str, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    with pytest.raises(DataError, match=r"is not in this folder\n(.|\n)*  got:      no such folder"):
        opened(name, root)


def test_a_folder_stays_the_same_wherever_one_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = given_folder("set")
    monkeypatch.chdir("/")
    assert found == tmp_path.resolve() / "set"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("terminal", "drawn"), [(True, True), (False, False)])
def test_a_first_scan_is_seen_on_a_terminal(terminal: bool, drawn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    assert list(scanned(range(40), "listing the images")) == list(range(40))
    assert ("listing the images" in stream.getvalue()) is drawn
    assert ("100%" in stream.getvalue()) is drawn

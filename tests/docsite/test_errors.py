"""Every class of errors has a page with all its messages, a way into it and a way out, and both are tried."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from docsite import error_pages
from docsite.error_cases import CASES, Case
from snn2hw import errors, store
from tests.clean_environment import ROOT

TRY = """
import sys
from docsite.error_cases import CASES
from snn2hw import errors
case, names = CASES[int(sys.argv[1])], {"__name__": "case"}
try:
    exec(case.cause, names)
except getattr(errors, case.error) as error:
    print(error)
else:
    sys.exit("nothing was raised")
exec(case.remedy, names)
"""


def tried(case: Case, folder: Path) -> None:
    command = [sys.executable, "-c", TRY, str(CASES.index(case))]
    paths = {"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent), "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 20


@pytest.mark.parametrize("case", [c for c in CASES if c.quick], ids=lambda c: c.error)
def test_an_error_is_raised_and_its_remedy_works(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "case"}
    with pytest.raises(getattr(errors, case.error)):
        exec(case.cause, names)
    exec(case.remedy, names)


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("case", [c for c in CASES if not c.quick], ids=lambda c: c.error)
def test_one_that_takes_longer(case: Case, tmp_path: Path) -> None:
    tried(case, tmp_path)


def test_every_class_has_a_page_and_a_case() -> None:
    assert list(error_pages.unmatched()) == []
    assert len(error_pages.paths()) > 14


# What says itself what to do: `got` is the reason, with its remedy, or the parts are those of another error.
OWN = {
    "a trace holds integers only: ...",
    "the back end '...' is not available",
    "the executor 'lava' is not available",
}
BY_HAND = ("RuleError", "TextError")  # of networks and programs that somebody writes as text or builds: `expected` says it


def test_every_message_says_what_to_do() -> None:
    """Also where the text is made elsewhere: by a constant, a caller, a function."""
    told = error_pages.messages()
    assert {m.what for m in told if not m.do and m.error not in BY_HAND} == OWN
    does = {m.what: m.do for m in told}
    assert does["the manifest cannot be read"] == store.DAMAGED
    assert does["the checkpoint is not as it was written"].startswith("restore the file from where it came, or pass")
    assert does["an idx file cannot be read"] == "download the file again"
    unread = {m.do for m in told if m.what == "the samples cannot be read"}
    assert "check the path; or: np.savez(file, samples=x); or: np.save(file, x)" in unread
    assert does["a target file lacks '...'"] == "copy ... from ....toml (`snn2hw targets` says in which folder it is)"
    assert "; or: unpack DvsGesture.tar.gz of https://" in does["a recording of ... is gone"]


@pytest.mark.slow
def test_messages_are_those_of_the_source() -> None:
    told = error_pages.messages()
    assert len(told) > 500
    assert error_pages.Message("UsageError", "... is out of range", "choose a width in this range") in told
    with pytest.raises(errors.TargetError) as raised:
        exec("from snn2hw.target import load_target; load_target('foo')")
    assert any(m.what == raised.value.what for m in told if m.error == "TargetError")
    assert "unknown target" in error_pages.page("TargetError")
    assert f"does what its remedy says: {len(CASES)} in all" in error_pages.index()
    assert error_pages.pages().keys() == error_pages.paths().keys()

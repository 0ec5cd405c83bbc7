"""The core suite, from the wheel's dependencies only, on every Python from 3.10 to 3.13 that this machine has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clean_environment import ROOT, build_wheel, make_environment, run

MINORS = (10, 11, 12, 13)


def interpreters() -> dict[int, str]:
    """Minor version -> a working interpreter, from the PATH or among pyenv's versions."""
    found: dict[int, str] = {}
    for minor in MINORS:
        candidates = [shutil.which(f"python3.{minor}"), *map(str, sorted(_pyenv_versions().glob(f"3.{minor}.*/bin/python")))]
        for candidate in candidates:
            if candidate and _is(candidate, minor):
                found[minor] = candidate
                break
    return found


def _pyenv_versions() -> Path:
    pyenv = shutil.which("pyenv")
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip() if pyenv else ""
    return Path(root or Path.home() / ".pyenv") / "versions"


def _is(python: str, minor: int) -> bool:
    # A pyenv shim on the PATH exists for every version and works for the active ones only.
    shown = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=False)
    return shown.stdout.strip() == f"(3, {minor})"


def test_this_machine_has_an_interpreter_to_test_on() -> None:
    assert interpreters()


@pytest.mark.slow
@pytest.mark.parametrize("minor", MINORS)
def test_core_suite(minor: int, tmp_path: Path) -> None:
    python = interpreters().get(minor)
    if python is None:
        pytest.skip(f"no Python 3.{minor} on this machine")
    wheel = build_wheel(tmp_path)
    packages = [f"{wheel}[run]", "pip", "pytest", "hypothesis", "hatchling", "build"]
    inside = make_environment(tmp_path / "env", python, packages)
    command = [
        str(inside),
        "-m",
        "pytest",
        "-q",
        "-m",
        "not slow and not torch",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(ROOT),
    ]
    run([*command, str(ROOT / "tests")], cwd=ROOT)


@pytest.mark.slow
@pytest.mark.parametrize("minor", MINORS)
def test_everything_that_the_constraints_pin_is_there_for_every_python(minor: int, tmp_path: Path) -> None:
    """Only asked for, not installed: PyTorch alone takes gigabytes on some."""
    python = interpreters().get(minor)
    if python is None:
        pytest.skip(f"no Python 3.{minor} on this machine")
    inside = make_environment(tmp_path / "env", python, ["pip"])
    asked = ["-m", "pip", "install", "--dry-run", "-c", str(ROOT / "constraints.txt"), f"{ROOT}[all,dev]"]
    done = subprocess.run([str(inside), *asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

"""The side environment: a Python 3.10 found on this machine, with Lava in it, made on first use and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from snn2hw.errors import ExecutorUnavailableError

LAVA = "lava-nc==0.10.0"  # archived upstream: the last release, and it imports on Python 3.10 only
PACKAGES = (LAVA, "onnx>=1.17", "tomli>=2.0")  # and what reading an artefact needs
PYTHON_VARIABLE = "SNN2HW_LAVA_PYTHON"
CACHE_VARIABLE = "SNN2HW_CACHE"
PROBE_SECONDS, INSTALL_SECONDS = 20, 900

Say = Callable[[str], None]


def cache_folder() -> Path:
    """Where side environments are kept: $SNN2HW_CACHE, else the user's cache folder."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "snn2hw"


def find_python310() -> str | None:
    """A working Python 3.10: $SNN2HW_LAVA_PYTHON, this one, the PATH, pyenv's versions, conda's environments, uv's own."""
    return next((str(p) for p in _candidates() if _is_310(str(p))), None)


def _candidates() -> Iterator[str | Path]:
    if given := os.environ.get(PYTHON_VARIABLE):
        yield given
        return
    if sys.version_info[:2] == (3, 10):
        yield sys.executable
    if found := shutil.which("python3.10"):
        yield found
    pyenv = shutil.which("pyenv")
    root = _output([pyenv, "root"]) if pyenv else os.environ.get("PYENV_ROOT", "")
    # `pyenv which` and uv see active versions only, so the folder itself is read.
    yield from sorted((Path(root or Path.home() / ".pyenv") / "versions").glob("3.10*/bin/python"), reverse=True)
    if conda := os.environ.get("CONDA_PREFIX"):
        yield from (Path(conda) / "bin" / "python", *Path(conda).glob("envs/*/bin/python"))
    if uv := shutil.which("uv"):
        yield _output([uv, "python", "find", "--no-project", "3.10"])


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _is_310(python: str) -> bool:
    # A pyenv shim called python3.10 exists even where no 3.10 is active, so it is asked.
    return bool(python) and _output([python, "-c", "import sys; print(sys.version_info[:2])"]) == "(3, 10)"


def why_unavailable() -> str:
    """Why no side environment can be had here; empty where one can."""
    if find_python310() is not None:
        return ""
    where = (
        f"${PYTHON_VARIABLE} is {os.environ[PYTHON_VARIABLE]!r}, which is no Python 3.10" if PYTHON_VARIABLE in os.environ else ""
    )
    searched = "no Python 3.10 on the PATH, in pyenv, in conda or known to uv"
    return (
        f"{where or searched}: Lava 0.10.0 imports on no other; install one (`uv python install 3.10`) or set {PYTHON_VARIABLE}"
    )


def side_python(say: Say) -> Path:
    """The interpreter of the side environment, made if it is not there; a broken or older one is made anew.

    Raises:
        ExecutorUnavailableError: no Python 3.10, or the packages cannot be installed.
    """
    base = find_python310()
    if base is None:
        raise ExecutorUnavailableError("the executor 'lava' is not available", got=why_unavailable())
    key = hashlib.sha256("\n".join([base, *PACKAGES]).encode()).hexdigest()[:12]
    folder = cache_folder() / f"lava-{key}"
    python = folder / "bin" / "python"
    if _works(python):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    say(f"making the side environment for Lava with {base} (once, about a minute) in {folder}")
    aside = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        _make(base, aside)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    if not _works(python):
        raise ExecutorUnavailableError(
            "the side environment for Lava does not work",
            where=str(folder),
            got="`import lava` fails in it",
            do=f"remove the folder and try again, or name another Python 3.10 in {PYTHON_VARIABLE}",
        )
    return python


def _works(python: Path) -> bool:
    return python.exists() and _output([str(python), "-c", "import lava.proc.lif, onnx; print('works')"]) == "works"


def _make(base: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    for command in ([base, "-m", "venv", str(folder)], pip):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
            problem = "" if done.returncode == 0 else (done.stderr or done.stdout).strip()[-600:]
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
        if problem:
            raise ExecutorUnavailableError(
                "the side environment for Lava cannot be made",
                where=" ".join(command[:4]),
                got=problem,
                do="check the connection to your package index, or install lava-nc==0.10.0 into a Python 3.10 yourself",
            )


def package_copy() -> Path:
    """A copy of this package in a folder of its own: on the side's path, and nothing else of this environment is."""
    source = Path(__file__).parent.parent.parent
    files = sorted(p for p in source.rglob("*.py"))
    digest = hashlib.sha256(b"\0".join(p.read_bytes() for p in files)).hexdigest()[:12]
    folder = cache_folder() / f"package-{digest}"
    if not folder.is_dir():
        aside = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.copytree(source, aside / "snn2hw", ignore=shutil.ignore_patterns("__pycache__"))
        try:
            aside.rename(folder)
        except OSError:  # another process was faster; its copy is the same
            shutil.rmtree(aside, ignore_errors=True)
    return folder

"""The side environment: a Python 3.10 found on this machine, with Lava in it, made on first use and kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from snn2hw.cache import cache_folder
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.target import targets_folder

LAVA_VERSION = "0.10.0"
LAVA = f"lava-nc=={LAVA_VERSION}"  # archived upstream: the last release, and it imports on Python 3.10 only
PACKAGES = (LAVA, "onnx>=1.17", "tomli>=2.0")  # and what reading an artefact needs
PYTHON_VARIABLE = "SNN2HW_LAVA_PYTHON"
PROBE_SECONDS, START_SECONDS, DOWNLOAD_SECONDS, INSTALL_SECONDS = 20, 120, 600, 900

LAST_LINES = 12  # of a command that failed, shown to the user

# What is installed is asked first: another version may import as well.
PROBE = """
import importlib.metadata, sys
found = [d.version for d in importlib.metadata.distributions() if d.metadata["Name"] == "lava-nc"]
if found != sys.argv[1:]:
    sys.exit("lava-nc " + (" and ".join(found) or "is not") + " installed, " + sys.argv[1] + " is wanted")
import lava.proc.lif, onnx
"""

Say = Callable[[str], None]


def find_python310() -> str | None:
    """A Python 3.10: $SNN2HW_LAVA_PYTHON, this one, the PATH, pyenv's versions, conda's environments, uv's, our download."""
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
    yield from sorted(_downloads().glob("cpython-3.10*/bin/python3.10"), reverse=True)


def _downloads() -> Path:
    return cache_folder() / "python"


def _output(command: list[str]) -> str:
    done = _run(command, PROBE_SECONDS)
    return "" if done.problem else done.output


@dataclass(frozen=True)
class _Done:
    """What a command printed; the end of what it said where it failed, else an empty problem."""

    output: str
    problem: str


def _run(command: list[str], limit: float, **variables: str) -> _Done:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=limit, env={**outside_variables(), **variables}
        )
    except subprocess.TimeoutExpired:
        return _Done("", f"it took longer than {limit:g} s")
    except OSError as error:
        return _Done("", str(error))
    said = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-LAST_LINES:])
    return _Done(done.stdout.strip(), "" if done.returncode == 0 else said or f"exit code {done.returncode}")


def _is_310(python: str) -> bool:
    # A pyenv shim called python3.10 exists even where no 3.10 is active, so it is asked.
    return bool(python) and _output([python, "-c", "import sys; print(sys.version_info[:2])"]) == "(3, 10)"


def why_unavailable() -> str:
    """Why no side environment can be had here; empty where one can, or where uv could download a Python 3.10 for it."""
    if find_python310() is not None or _downloader() is not None:
        return ""
    if given := os.environ.get(PYTHON_VARIABLE):
        return f"{PYTHON_VARIABLE} is {given!r}, which is no Python 3.10: name one, or unset it to have one looked for"
    return (
        f"no Python 3.10 on the PATH, in pyenv, in conda or known to uv, and Lava {LAVA_VERSION} imports on no other: "
        f"install one, or uv, which downloads one, or name one in {PYTHON_VARIABLE}"
    )


def _downloader() -> str | None:
    """uv, unless the user names an interpreter: then no other is wanted."""
    return None if os.environ.get(PYTHON_VARIABLE) else shutil.which("uv")


def _download(say: Say) -> str:
    """A Python 3.10 that uv puts into our cache, and nowhere else.

    Raises:
        ExecutorUnavailableError: no uv, or its download failed; with its last words.
    """
    uv = _downloader()
    if uv is None:
        raise ExecutorUnavailableError("the executor 'lava' is not available", got=why_unavailable())
    command = [uv, "python", "install", "3.10"]
    say(f"no Python 3.10 found; downloading one with {uv} into {_downloads()}")
    into = {"UV_PYTHON_INSTALL_DIR": str(_downloads()), "UV_PYTHON_INSTALL_BIN": "0"}
    problem = _run(command, DOWNLOAD_SECONDS, **into).problem
    python = find_python310()
    if problem or python is None:
        raise ExecutorUnavailableError(
            "the Python 3.10 that Lava needs cannot be downloaded",
            where=" ".join(command),
            got=problem or f"no Python 3.10 in {_downloads()} afterwards",
            do=f"check the connection, or install a Python 3.10 yourself and name it in {PYTHON_VARIABLE}",
        )
    return python


def side_python(say: Say) -> Path:
    """The interpreter of the side environment, made if it is not there; one that does not work is made anew.

    Raises:
        ExecutorUnavailableError: no Python 3.10, or the packages cannot be installed.
    """
    base = find_python310() or _download(say)
    key = hashlib.sha256("\n".join([base, *PACKAGES]).encode()).hexdigest()[:12]
    folder = cache_folder() / f"lava-{key}"
    python = folder / "bin" / "python"
    if folder.exists():
        problem = what_is_wrong(python)
        if not problem:
            return python
        say(f"the side environment for Lava does not work and is made anew: {problem}")
        shutil.rmtree(folder, ignore_errors=True)
    say(f"making the side environment for Lava with {base} (once, about a minute) in {folder}")
    aside = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        _make(base, aside)
        with contextlib.suppress(OSError):  # another process was faster; its environment is asked like ours
            aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    if problem := what_is_wrong(python):
        raise ExecutorUnavailableError(
            "the side environment for Lava does not work",
            where=str(folder),
            got=problem,
            do=f"remove the folder and try again, or name another Python 3.10 in {PYTHON_VARIABLE}",
        )
    return python


def what_is_wrong(python: Path) -> str:
    """Why Lava cannot be run with this interpreter, in one line; empty where it can."""
    problem = _run([str(python), "-c", PROBE, LAVA_VERSION], START_SECONDS).problem
    return problem.splitlines()[-1] if problem else ""


def _make(base: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    for command in ([base, "-m", "venv", str(folder)], pip):
        if problem := _run(command, INSTALL_SECONDS).problem:
            raise ExecutorUnavailableError(
                "the side environment for Lava cannot be made",
                where=" ".join(command[:4]),
                got=problem,
                do=f"check the connection to your package index, or name another Python 3.10 in {PYTHON_VARIABLE}",
            )


def outside_variables() -> dict[str, str]:
    """This process's variables without those that would put its own packages on another Python's path."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}


def package_copy() -> Path:
    """A copy of this package in a folder of its own: on the side's path, and nothing else of this environment is."""
    source = Path(__file__).parent.parent.parent
    copied = [*sorted(source.rglob("*.py")), *sorted(targets_folder().glob("*.toml"))]
    digest = hashlib.sha256(b"\0".join(p.read_bytes() for p in copied)).hexdigest()[:12]
    folder = cache_folder() / f"package-{digest}"
    if not folder.is_dir():
        aside = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.copytree(source, aside / "snn2hw", ignore=shutil.ignore_patterns("__pycache__"))
        # As in a wheel; in a checkout they lie beside the package.
        shutil.copytree(targets_folder(), aside / "snn2hw" / "targets", dirs_exist_ok=True)
        try:
            aside.rename(folder)
        except OSError:  # another process was faster; its copy is the same
            shutil.rmtree(aside, ignore_errors=True)
    return folder

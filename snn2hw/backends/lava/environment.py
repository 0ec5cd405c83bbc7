"""The side environment: a Python 3.10 found on this machine, with Lava in it, made on first use and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from snn2hw.cache import CACHE_VARIABLE, cache_folder, making, private, put
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.run.tools import run
from snn2hw.shown import Lines
from snn2hw.target import targets_folder

LAVA_VERSION = "0.10.0"
LAVA = f"lava-nc=={LAVA_VERSION}"  # archived upstream: the last release, and it imports on Python 3.10 only
PACKAGES = (LAVA, "onnx>=1.17", "tomli>=2.0")  # and what reading an artefact needs
PYTHON_VARIABLE = "SNN2HW_LAVA_PYTHON"
PROBE_SECONDS, START_SECONDS, DOWNLOAD_SECONDS, INSTALL_SECONDS = 20, 120, 600, 900
MAKE_SECONDS, COPY_SECONDS = 2 * INSTALL_SECONDS, 60  # to wait for another process that makes the same
PACKAGE = Path(__file__).parent.parent.parent

LAST_LINES = 12  # of a command that failed, shown to the user

# What is installed is asked first: another version may import as well.
PROBE = """
import importlib.metadata, sys
found = [d.version for d in importlib.metadata.distributions() if d.metadata["Name"] == "lava-nc"]
if found != sys.argv[1:]:
    sys.exit("lava-nc " + (" and ".join(found) or "is not") + " installed, " + sys.argv[1] + " is needed")
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
    return private("python", make=False)


def _output(command: list[str]) -> str:
    return _said(command, PROBE_SECONDS)[0]


def _said(command: list[str], limit: float, **variables: str) -> tuple[str, str]:
    """(what a command printed, ""), or ("", the end of what it said of its failure)."""
    ran = run(command, limit, variables={**outside_variables(), **variables})
    if ran.code == 0:
        return ran.output.strip(), ""
    said = ran.stopped or ran.errors.strip() or ran.output.strip() or ran.problem
    return "", "\n".join(said.splitlines()[-LAST_LINES:])


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
    problem = _said(command, DOWNLOAD_SECONDS, **into)[1]
    python = find_python310()
    if problem or python is None:
        raise ExecutorUnavailableError(
            "the Python 3.10 that Lava needs cannot be downloaded",
            where=" ".join(command),
            got=Lines(problem) or f"no Python 3.10 in {_downloads()} afterwards",
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
    try:
        folder = private() / f"lava-{key}"
        if not _works(folder, say):
            with making(folder, MAKE_SECONDS) as work:
                if not _works(folder):  # another process may have been faster
                    say(f"making the side environment for Lava with {base} (once, about a minute) in {folder}")
                    _make(base, work / folder.name)
                    put(work / folder.name, folder)
    except OSError as error:
        raise _not_kept(error) from error
    if problem := what_is_wrong(_python(folder)):
        raise ExecutorUnavailableError(
            "the side environment for Lava does not work",
            where=str(folder),
            got=Lines(problem),
            do=f"remove the folder and try again, or name another Python 3.10 in {PYTHON_VARIABLE}",
        )
    return _python(folder)


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _works(folder: Path, say: Say | None = None) -> bool:
    problem = what_is_wrong(_python(folder)) if folder.exists() else ""
    if problem and say is not None:
        say(f"the side environment for Lava does not work and is made anew: {problem}")
    return folder.exists() and not problem


def _not_kept(error: OSError) -> ExecutorUnavailableError:
    return ExecutorUnavailableError(
        "what Lava needs cannot be kept",
        where=str(cache_folder()),
        got=str(error),
        expected="a folder that can be written",
        do=f"set {CACHE_VARIABLE} to another folder",
    )


def what_is_wrong(python: Path) -> str:
    """Why Lava cannot be run with this interpreter, in one line; empty where it can."""
    problem = _said([str(python), "-c", PROBE, LAVA_VERSION], START_SECONDS)[1]
    return problem.splitlines()[-1] if problem else ""


def _make(base: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    for command in ([base, "-m", "venv", str(folder)], pip):
        if problem := _said(command, INSTALL_SECONDS)[1]:
            raise ExecutorUnavailableError(
                "the side environment for Lava cannot be made",
                where=" ".join(command[:4]),
                got=Lines(problem),
                do=f"check the connection to your package index, or name another Python 3.10 in {PYTHON_VARIABLE}",
            )


def outside_variables() -> dict[str, str]:
    """This process's variables without those that would put its own packages on another Python's path."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}


def package_copy() -> Path:
    """A copy of this package in a folder of its own: on the side's path, and nothing else of this environment is.

    It has a name after what is in it, and is made anew where it is not that.

    Raises:
        ExecutorUnavailableError: it cannot be written.
    """
    targets = targets_folder()
    files = {f"snn2hw/{name}": data for name, data in _files(PACKAGE).items() if not name.startswith("targets/")}
    # As in a wheel; in a checkout they lie beside the package.
    files |= {f"snn2hw/targets/{name}": data for name, data in _files(targets).items()}
    try:
        folder = private() / f"package-{_digest(files)[:12]}"
        if not _is_copy(folder, files):
            with making(folder, COPY_SECONDS) as work:
                if not _is_copy(folder, files):  # another process may have been faster
                    for name, data in files.items():
                        path = work / folder.name / name
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(data)
                    put(work / folder.name, folder)
    except OSError as error:
        raise _not_kept(error) from error
    return folder


def _is_copy(folder: Path, files: Mapping[str, bytes]) -> bool:
    return folder.is_dir() and _digest(_files(folder)) == _digest(files)


def _files(folder: Path) -> dict[str, bytes]:
    """By their path in the folder, in order; without what Python compiles."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.parent.name != "__pycache__")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}


def _digest(files: Mapping[str, bytes]) -> str:
    each = (f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in sorted(files.items()))
    return hashlib.sha256("\n".join(each).encode()).hexdigest()

"""Fresh virtual environments with the wheel of this checkout in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built from a copy so that nothing is written into the tree."""
    source = folder / "source"
    wanted = ("snn2hw", "targets", "models", "pyproject.toml", "README.md", "LICENSE")
    source.mkdir()
    for name in wanted:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_environment(folder: Path, python: str, packages: list[str]) -> Path:
    """The interpreter of a new environment with these packages, pinned as in constraints.txt."""
    run([python, "-m", "venv", "--without-pip", str(folder)])
    inside = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(inside), "--disable-pip-version-check"]  # ours: a second takes seconds
    run([*pip, "install", "--quiet", "--no-compile", "-c", str(ROOT / "constraints.txt"), *packages])
    return inside


def linked_environment(folder: Path, wheel: Path, extra: str = "") -> Path:
    """The interpreter of a new environment with the wheel and, out of this one, what the wheel says that it needs; no more.

    With an extra of the wheel that is what the extra needs, too.

    No index is asked and nothing is unpacked: the slow core suite does both.
    """
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    inside = folder / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", str(inside), "install", "--quiet", "--no-index", "--no-deps", str(wheel)])
    (site,) = folder.glob("lib/python3*/site-packages")
    (own,) = site.glob("snn2hw-*.dist-info")
    waiting, linked = [(need, extra) for need in Distribution.at(own).requires or ()], set[str]()
    while waiting:
        need, asked = waiting.pop()
        needed = Requirement(need)
        if needed.name in linked or (needed.marker and not needed.marker.evaluate({"extra": asked})):
            continue
        found = distribution(needed.name)
        assert needed.specifier.contains(found.version, prereleases=True), f"{needed}: {found.version}"
        linked.add(needed.name)
        waiting += [(below, "") for below in found.requires or ()]
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))))
    return inside


def run(command: list[str], cwd: Path | None = None, expect: int = 0) -> str:
    """Run a command outside this checkout's environment; its output, or an assertion with it."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == expect, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout

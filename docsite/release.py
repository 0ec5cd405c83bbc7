"""`make release`: build wheel and source archive twice, check them, install them where nothing is, and follow tutorial 1 there.

python -m docsite.release [--torch 3.11,3.12]

The archives are left in dist/. On every Python from 3.10 to 3.13 that is found here an environment of its own gets the wheel:
with the extra `demo` on those that --torch names (all by default; PyTorch is large), where tutorial 1 is followed from its
first command to its last, and else with the core alone, which loads, verifies and checks what the tutorial compiled.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from docsite.api import ROOT

MINORS = (10, 11, 12, 13)
PAGE = ROOT / "docs" / "tutorials" / "first.md"


def call(command: Sequence[str | Path], folder: Path = ROOT) -> str:
    """What a command prints; it is shown, and its failure ends the release."""
    words = [str(word) for word in command]
    print("$", *words, flush=True)
    done = subprocess.run(words, cwd=folder, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(f"the release stops here: exit code {done.returncode}")
    return done.stdout


def built(out: Path) -> dict[str, str]:
    """Wheel and source archive, with their sha256."""
    call([sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT])
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.iterdir()) if p.suffix in (".whl", ".gz")}


def interpreters() -> dict[str, str]:
    """Every Python that a release is for and that is here: version -> program."""
    found = {}
    for version in (f"3.{minor}" for minor in MINORS):
        known = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
        for program in (shutil.which(f"python{version}"), *map(str, known)):
            told = program and subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if told and told.startswith(f"Python {version}."):
                found[version] = str(program)
                break
    return found


def installed(program: str, wheel: Path, extra: str, folder: Path) -> Path:
    """The Python of a new environment with the wheel in it."""
    call([program, "-m", "venv", folder])
    python = folder / "bin" / "python"
    call(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-c",
            ROOT / "constraints.txt",
            f"{wheel}{extra}",
        ]
    )
    return python


def main(arguments: Sequence[str]) -> None:
    """All of it; the first failure ends it."""
    parser = argparse.ArgumentParser(description="Build, check and try a release.")
    parser.add_argument("--torch", default=",".join(f"3.{minor}" for minor in MINORS), help="Pythons that get PyTorch")
    with_torch = parser.parse_args(arguments).torch.split(",")
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    with tempfile.TemporaryDirectory() as made:
        first, again = built(dist), built(Path(made) / "again")
        if first != again:
            sys.exit(f"two builds differ: {first} and {again}")
        call([sys.executable, "-m", "twine", "check", "--strict", *(dist / name for name in first)])
        (wheel,) = dist.glob("*.whl")
        call([sys.executable, "-m", "check_wheel_contents", wheel])
        there = interpreters()
        order = sorted(there, key=lambda version: version not in with_torch)  # what the tutorial compiles is read by the others
        compiled: Path | None = None
        for version in order:
            folder = Path(made) / version
            if version in with_torch:
                python = installed(there[version], wheel, "[demo]", folder / "env")
                call([python, ROOT / "docsite" / "runner.py", PAGE, folder / "page", "--installed"])
                compiled = folder / "page" / "build" / "lnm"
            else:
                python = installed(there[version], wheel, "[run]", folder / "env")
                call([python.parent / "snn2hw", "doctor"], Path(made))
                for verb in ("verify", "check") if compiled else ():
                    call([python.parent / "snn2hw", verb, compiled or ""], Path(made))
    print("released into dist/:", *(f"\n  {digest}  {name}" for name, digest in first.items()))
    print("tried on", ", ".join(f"{v} ({'tutorial 1' if v in with_torch else 'core'})" for v in order))


if __name__ == "__main__":
    main(sys.argv[1:])

"""The command line in an installation of the core alone: numpy, onnx, rich, typer and what these need, nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.clean_environment import ROOT

MAIN = """
import sys
sys.path = [p for p in sys.path if "site-packages" not in p] + sys.argv[1:3]
sys.argv = ["snn2hw", *sys.argv[3:]]
from snn2hw.cli.app import main
main()
"""


def needed(name: str, found: set[str]) -> set[str]:
    """The distributions that one needs without an extra, itself included."""
    if name in found:
        return found
    try:
        requires = distribution(name).requires or []
    except PackageNotFoundError:  # a marker of another system or Python
        return found
    found.add(name)
    for text in requires:
        if "extra ==" not in text:
            needed(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0], found)
    return found


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what these distributions brought, by links."""
    folder = tmp_path_factory.mktemp("core")
    for name in needed("snn2hw", set()) - {"snn2hw"}:
        brought = distribution(name)
        tops = {Path(str(file)).parts[0] for file in brought.files or ()} - {"..", "__pycache__"}
        for top in tops:
            if (folder / top).exists():
                continue  # two spellings of one distribution
            (folder / top).symlink_to(Path(str(brought.locate_file(top))).absolute())
    return folder


def snn2hw_of(core: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-c", MAIN, str(core), str(ROOT), *map(str, arguments)]
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, text=True, cwd=core, env=clean, check=False, timeout=120)


def test_verify_compares_what_is_there(core: Path, build: Path) -> None:
    ran = snn2hw_of(core, "verify", build / "net", "--json")
    shown = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert shown["equal"]
    assert shown["compared"]["onnx-reference"] > 0
    assert shown["not_run"]["onnxruntime"] == "the package 'onnxruntime' is not installed: pip install 'snn2hw[run]'"
    assert shown["not_run"]["torch"] == "the package 'torch' is not installed: pip install 'snn2hw[torch]'"


def test_what_is_named_and_missing_is_exit_3(core: Path, build: Path) -> None:
    ran = snn2hw_of(core, "verify", build / "net", "--executors", "reference,onnx-reference,onnxruntime")
    assert (ran.returncode, ran.stderr) == (3, "")
    assert "not run" in ran.stdout


def test_verify_of_python_compares_what_is_there(core: Path, build: Path) -> None:
    code = (
        f"import sys; sys.path = [p for p in sys.path if 'site-packages' not in p] + [{str(core)!r}, {str(ROOT)!r}]\n"
        f"import snn2hw; print(snn2hw.verify(snn2hw.load({str(build / 'net')!r})))"
    )
    ran = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Verdict(equal=True, differences=[], different={'onnx-reference': 0, ")


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("compile", "digits_lnm"), "demo"),
        *(
            pytest.param(words, extra, marks=pytest.mark.slow)
            for words, extra in ((("compile", "a.nir"), "nir"), (("inspect", "a.net"), "netx"), (("demo",), "demo"))
        ),
    ],
)
def test_what_needs_an_extra_names_it(core: Path, arguments: tuple[str, ...], extra: str) -> None:
    for name in ("a.nir", "a.net"):
        (core / name).write_bytes(b"")
    ran = snn2hw_of(core, *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[-1] == f"  do:       pip install 'snn2hw[{extra}]'"


def test_all_that_a_model_needs_is_named_at_once(core: Path) -> None:
    """Not torch first, and after its installation what brings the data."""
    refused = """\
error: loading a model with its data needs the packages 'torch', 'safetensors' and 'scikit-learn', which are not installed
  got:      no module named 'torch', 'safetensors', 'scikit-learn'
  expected: snn2hw installed with its 'demo' extra
  do:       pip install 'snn2hw[demo]'
"""
    assert snn2hw_of(core, "compile", "digits_lnm").stderr == refused


def test_what_is_no_model_is_said_before_what_it_would_need(core: Path) -> None:
    first, *_ = snn2hw_of(core, "compile", "digits_lmn").stderr.splitlines()
    assert first == "error: there is no such model"

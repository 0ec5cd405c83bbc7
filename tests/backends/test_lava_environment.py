"""The side environment: found, downloaded, made, made anew; every way in which it cannot be had says why."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.lava import environment
from snn2hw.backends.lava.environment import find_python310, side_python, what_is_wrong, why_unavailable
from snn2hw.errors import ExecutorUnavailableError
from tests.backends.lava_pythons import says_310, script
from tests.cli.running import Capture, refusal
from tests.cli.running import run as run_cli
from tests.refused import refused
from tests.small_networks import two_layer_network

NOWHERE = (
    "no Python 3.10 on the PATH, in pyenv, in conda or known to uv, and Lava 0.10.0 imports on no other: "
    "install one, or uv, which downloads one, or name one in SNN2HW_LAVA_PYTHON"
)

without_310 = pytest.mark.skipif(sys.version_info[:2] == (3, 10), reason="this Python is a 3.10, which is found")
with_310 = pytest.mark.skipif("find_python310() is None", reason="needs a Python 3.10")  # asked where the test runs


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Python 3.10: the only folder on the PATH is this one."""
    (tmp_path / "tools").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "tools"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PYENV_ROOT", "CONDA_PREFIX", "SNN2HW_LAVA_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "tools"


@pytest.fixture
def artefact() -> Artefact:
    network, images = two_layer_network()
    return snn2hw.compile(network, images, target="loihi2")


def folder_for(cache: Path, python: Path | str) -> Path:
    key = hashlib.sha256("\n".join([str(python), *environment.PACKAGES]).encode()).hexdigest()[:12]
    return cache / f"lava-{key}"


def test_a_python_that_is_no_310_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, artefact: Artefact) -> None:
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", str(tmp_path / "python"))
    assert find_python310() is None
    reason = (
        f"SNN2HW_LAVA_PYTHON is '{tmp_path / 'python'}', which is no Python 3.10: name one, or unset it to have one looked for"
    )
    assert why_unavailable() == reason
    _, images = two_layer_network()
    with pytest.raises(ExecutorUnavailableError, match="no executor that was asked for can run here"):
        snn2hw.verify(artefact, images, executors=("lava",))
    verdict = snn2hw.verify(artefact, images, executors=("onnx-reference", "lava"))
    assert verdict.equal
    assert verdict.not_run == {"lava": reason}


@without_310
def test_no_python_310_anywhere(tools: Path, cache: Path) -> None:
    assert find_python310() is None
    assert why_unavailable() == NOWHERE
    with refused(ExecutorUnavailableError, f"the executor 'lava' is not available\n  got:      {NOWHERE}"):
        side_python(print)
    assert not cache.exists()


@without_310
def test_no_python_310_anywhere_exits_3(tools: Path, cache: Path, tmp_path: Path, capsys: Capture) -> None:
    network, images = two_layer_network()
    snn2hw.compile(network, images, target="loihi2", out=tmp_path / "net")
    refusal(
        run_cli(capsys, "verify", tmp_path / "net", "--executors", "reference,lava"),
        f"no executor that was asked for can run here\n  got:      lava: {NOWHERE}\n"
        "  expected: at least one executor to compare with the reference\n  do:       install what is missing",
        3,
    )
    ran = run_cli(capsys, "verify", tmp_path / "net", "--executors", "onnx-reference,lava")
    assert (ran.code, ran.err) == (3, "")
    assert f"not run lava: {NOWHERE}" in ran.out


def test_an_environment_that_cannot_be_made_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path) -> None:
    fake = says_310(tmp_path / "python3.10")
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", str(fake))
    said: list[str] = []
    aside = cache / f".{folder_for(cache, fake).name}.work" / folder_for(cache, fake).name
    with refused(
        ExecutorUnavailableError,
        f"""
        the side environment for Lava cannot be made
          where:    {fake} -m venv {aside}
          got:      no venv here
          do:       check the connection to your package index, or name another Python 3.10 in SNN2HW_LAVA_PYTHON
        """,
    ):
        side_python(said.append)
    assert said == [f"making the side environment for Lava with {fake} (once, about a minute) in {folder_for(cache, fake)}"]
    assert os.listdir(cache) == []


def test_an_environment_that_cannot_be_made_exits_3(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path, capsys: Capture
) -> None:
    """It was to be had until it was tried; the executors that ran are reported all the same."""
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", str(says_310(tmp_path / "python3.10")))
    network, images = two_layer_network()
    snn2hw.compile(network, images, target="loihi2", out=tmp_path / "net")
    alone = run_cli(capsys, "verify", tmp_path / "net", "--executors", "reference")
    assert alone.code == 0  # the stored trace is compared
    ran = run_cli(capsys, "verify", tmp_path / "net", "--executors", "onnx-reference,lava")
    assert ran.code == 3
    assert "not run lava: the side environment for Lava cannot be made: no venv here" in ran.out
    assert ["onnx-reference", "equal"] in [line.replace("|", " ").split()[:2] for line in ran.out.splitlines()]
    simulated = run_cli(capsys, "simulate", tmp_path / "net", "--executor", "lava")
    assert simulated.code == 3
    assert "error: the side environment for Lava cannot be made\n" in simulated.err


def broken(folder: Path, version: str = "") -> None:
    """An environment of this Python without Lava, or with the record of another version of it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    if version:
        (packages,) = folder.glob("lib/python3*/site-packages")
        record = packages / f"lava_nc-{version}.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: lava-nc\nVersion: {version}\n")


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("", "lava-nc is not installed, 0.10.0 is needed"),
        ("0.9.0", "lava-nc 0.9.0 installed, 0.10.0 is needed"),
        ("0.10.0", "ModuleNotFoundError: No module named 'lava'"),
    ],
)
def test_an_environment_that_does_not_work_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path, version: str, problem: str
) -> None:
    fake = says_310(tmp_path / "python3.10")
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", str(fake))
    folder = folder_for(cache, fake)
    broken(folder, version)
    assert what_is_wrong(folder / "bin" / "python") == problem
    said: list[str] = []
    with pytest.raises(ExecutorUnavailableError, match="the side environment for Lava cannot be made"):
        side_python(said.append)
    assert said == [
        f"the side environment for Lava does not work and is made anew: {problem}",
        f"making the side environment for Lava with {fake} (once, about a minute) in {folder}",
    ]
    assert os.listdir(cache) == [folder.name]  # it stays until there is a better one


@pytest.mark.slow  # pip itself, in an environment of its own; above the same is told of a Python that makes none
@with_310
def test_an_environment_without_an_index_to_install_from_says_so(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    python = find_python310()
    assert python is not None
    folder = folder_for(cache, python)
    broken(folder)
    said: list[str] = []
    with pytest.raises(ExecutorUnavailableError) as caught:
        side_python(said.append)
    assert caught.value.what == "the side environment for Lava cannot be made"
    assert "No matching distribution found for lava-nc==0.10.0" in caught.value.got
    assert said[0].endswith("is made anew: lava-nc is not installed, 0.10.0 is needed")
    assert os.listdir(cache) == [folder.name]  # it stays until there is a better one


UV = """echo "$@ into $UV_PYTHON_INSTALL_DIR, bin $UV_PYTHON_INSTALL_BIN" >> {log}
case "$1 $2" in "python install") {install};; *) exit 2;; esac"""


@without_310
def test_uv_is_asked_for_a_python_310(tools: Path, cache: Path) -> None:
    log = tools / "log.txt"
    uv = script(tools / "uv", UV.format(log=log, install="echo 'error: no route to the mirror' >&2; exit 1"))
    assert find_python310() is None
    assert why_unavailable() == ""
    assert "python install" not in log.read_text()  # asking whether it could does not download
    said: list[str] = []
    with refused(
        ExecutorUnavailableError,
        f"""
        the Python 3.10 that Lava needs cannot be downloaded
          where:    {uv} python install 3.10
          got:      error: no route to the mirror
          do:       check the connection, or install a Python 3.10 yourself and name it in SNN2HW_LAVA_PYTHON
        """,
    ):
        side_python(said.append)
    assert said == [f"no Python 3.10 found; downloading one with {uv} into {cache / 'python'}"]
    assert f"python install 3.10 into {cache / 'python'}, bin 0" in log.read_text().splitlines()


@without_310
def test_a_download_that_brings_nothing_is_an_error(tools: Path, cache: Path) -> None:
    script(tools / "uv", UV.format(log=tools / "log.txt", install="exit 0"))
    with pytest.raises(ExecutorUnavailableError, match=r"got: {6}no Python 3\.10 in .*python afterwards"):
        side_python(lambda text: None)


@without_310
def test_a_download_that_takes_too_long_is_an_error(tools: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = shutil.which("sleep", path=os.defpath)
    script(tools / "uv", UV.format(log=tools / "log.txt", install=f"exec {sleep} 60"))
    monkeypatch.setattr(environment, "DOWNLOAD_SECONDS", 0.5)
    with pytest.raises(ExecutorUnavailableError, match=r"got: {6}it was not done after 0\.5 seconds"):
        side_python(lambda text: None)


@without_310
def test_what_uv_downloaded_before_is_found(tools: Path, cache: Path) -> None:
    """uv is not asked again, nor needed."""
    folder = cache / "python" / "cpython-3.10.18-linux-x86_64-gnu" / "bin"
    folder.mkdir(parents=True)
    assert find_python310() is None
    python = says_310(folder / "python3.10")
    assert find_python310() == str(python)


@without_310
def test_uv_is_not_asked_where_the_user_names_a_python(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tools / "uv", UV.format(log=tools / "log.txt", install="exit 0"))
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", "python3.9")
    assert why_unavailable().startswith("SNN2HW_LAVA_PYTHON is 'python3.9'")
    assert not (tools / "log.txt").exists()

"""Back ends of installed packages: found by their entry points, imported when asked for, and harmless where they are broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import (
    backends,
    executor,
    register,
)
from snn2hw.errors import ExecutorUnavailableError, Snn2hwWarning, UsageError
from tests.backends.toys import OWN, Toy
from tests.packages import installed
from tests.refused import refused
from tests.small_networks import two_layer_network


@pytest.fixture
def artefact() -> Artefact:
    network, images = two_layer_network()
    return snn2hw.compile(network, images)


MODULE = """
from snn2hw.backends import HoldsAll
from snn2hw.backends.reference import interpret

class Toy(HoldsAll):
    name, description = {name!r}, "of a package"
    def unavailable(self):
        return ""
    def run(self, artefact, payloads, traces=True):
        return interpret(artefact.network, payloads, traces)

backend = Toy()
"""


def test_a_package_names_an_object_or_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"snn2hw_two.py": MODULE.format(name="obj"), "snn2hw_three.py": MODULE.format(name="cls")}
    installed(tmp_path, "snn2hw-two", modules, {"obj": "snn2hw_two:backend", "cls": "snn2hw_three:Toy"})
    monkeypatch.syspath_prepend(tmp_path)
    assert list(backends()) == [*OWN, "obj", "cls"]
    assert executor("obj") is executor("obj")
    assert executor("cls") is executor("cls")
    with refused(
        UsageError,
        "two back ends have one name\n  got:      'obj' of the package snn2hw-two 1.0 (snn2hw_two:backend) and of an object of "
        "tests.backends.toys.Toy\n  expected: a name for each\n  do:       rename one of them, or uninstall its package",
    ):
        register(Toy("obj"))


def test_a_package_that_is_installed_while_we_run_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="unknown executor"):
        executor("later")
    installed(tmp_path, "snn2hw-later", {"snn2hw_later.py": MODULE.format(name="later")}, {"later": "snn2hw_later:backend"})
    assert executor("later").description == "of a package"


BROKEN = {
    "import": ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
    "exit": ("raise SystemExit('no licence')", "SystemExit: no licence"),
    "object": ("thing = 1", "AttributeError: module 'snn2hw_broken_object' has no attribute 'backend'"),
    "name": (MODULE.format(name="other"), "its entry point is called 'broken', and the back end itself 'other'"),
    "lines": ("raise ValueError('one\\n  two')", "ValueError: one two"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_package_that_cannot_be_imported_breaks_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artefact: Artefact, kind: str
) -> None:
    source, why = BROKEN[kind]
    module = f"snn2hw_broken_{kind}"
    installed(tmp_path, "snn2hw-broken", {f"{module}.py": source}, {"broken": f"{module}:backend"}, version=f"2.{len(kind)}")
    monkeypatch.syspath_prepend(tmp_path)
    images = two_layer_network()[1]
    assert snn2hw.verify(artefact, images, executors=("reference", "onnx-reference")).equal  # it is not even imported
    package = f"snn2hw-broken 2.{len(kind)}"
    with pytest.warns(Snn2hwWarning) as warned:
        found = backends()
    assert [str(w.message) for w in warned] == [
        f"the back end 'broken' of the package {package} cannot be loaded\n  where:    {module}:backend\n"
        f"  got:      {why}\n  cause:    the package is damaged, or made for another version of snn2hw\n"
        "  do:       update or uninstall the package; all other back ends work"
    ]
    assert list(found) == [*OWN, "broken"]
    reason = f"the package {package} cannot be loaded: {why}: update it, or uninstall it"
    verdict = snn2hw.verify(artefact, images, executors=("broken", "onnx-reference"))  # and is not warned of again
    assert (verdict.equal, verdict.not_run) == (True, {"broken": reason})
    with refused(
        ExecutorUnavailableError,
        f"the executor 'broken' is not available\n  got:      {reason}\n  do:       install it, or choose another executor",
    ):
        snn2hw.simulate(artefact, images, "broken")
    with refused(ExecutorUnavailableError, f"the back end 'broken' is not available\n  got:      {reason}"):
        snn2hw.export(artefact, "broken", tmp_path / "out")
    with refused(ExecutorUnavailableError, f"the back end 'broken' is not available\n  got:      {reason}"):
        executor("broken").run(artefact, np.zeros(0, np.int64))


def test_two_packages_of_one_name_are_named_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, artefact: Artefact
) -> None:
    for n in "ab":
        installed(tmp_path / n, f"snn2hw-{n}", {f"snn2hw_{n}.py": MODULE.format(name="same")}, {"same": f"snn2hw_{n}:backend"})
        monkeypatch.syspath_prepend(tmp_path / n)
    text = (
        "two back ends have one name\n  got:      'same' of the package snn2hw-b 1.0 (snn2hw_b:backend) and of the package "
        "snn2hw-a 1.0 (snn2hw_a:backend)\n  expected: a name for each\n  do:       rename one of them, or uninstall its package"
    )
    for use in (lambda: executor("same"), backends):
        with refused(UsageError, text):
            use()
    assert snn2hw.verify(artefact, two_layer_network()[1], executors=("reference", "onnx-reference")).equal


def test_a_package_cannot_take_a_name_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "snn2hw-fast", {"snn2hw_fast.py": MODULE.format(name="fast")}, {"fast": "snn2hw_fast:backend"})
    monkeypatch.syspath_prepend(tmp_path)
    with refused(
        UsageError,
        "two back ends have one name\n  got:      'fast' of snn2hw itself and of the package snn2hw-fast 1.0 "
        "(snn2hw_fast:backend)\n  expected: a name for each\n  do:       rename one of them, or uninstall its package",
    ):
        executor("fast")

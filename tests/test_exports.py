"""`snn2hw.export`: one function for every back end that writes; its options are those of the back end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import (
    Exported,
)
from snn2hw.errors import UsageError
from tests.backends.toys import ToyWriter
from tests.refused import refused
from tests.small_networks import two_layer_network


@pytest.fixture
def artefact() -> Artefact:
    network, images = two_layer_network()
    return snn2hw.compile(network, images)


class AnyOptions(ToyWriter):
    name = "any"

    def emit(self, artefact: Artefact, out: Path, **options: Any) -> Exported:
        out.write_text(str(sorted(options)))
        return Exported(out)


class Failing(ToyWriter):
    def emit(self, artefact: Artefact, out: Path, *, lines: int = 1) -> Exported:
        return Exported(out / str(1 // 0))


def test_a_writer_is_called_with_its_options_only(artefact: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = snn2hw.export(artefact, ToyWriter(), tmp_path / "x.txt", lines=2)
    assert (made.path.read_text(), made.approximations, made.next) == ("line\nline\n", {}, ())
    with refused(
        UsageError,
        """
        the back end 'toy-text' has no such option
          got:      columns, vectors
          expected: lines
          do:       leave out what it does not have
        """,
    ):
        snn2hw.export(artefact, ToyWriter(), tmp_path / "y.txt", columns=2, lines=1, vectors=4)
    assert not (tmp_path / "y.txt").exists()
    with refused(
        UsageError,
        "the back end 'c' has no such option\n  got:      convention\n  expected: vectors, streaming, force\n"
        "  do:       leave out what it does not have",
    ):
        snn2hw.export(artefact, "c", tmp_path / "c", convention="norse")
    assert snn2hw.export(artefact, AnyOptions(), tmp_path / "any", a=1).path.read_text() == "['a']"
    monkeypatch.chdir(tmp_path)
    assert snn2hw.export(artefact, ToyWriter()).path == Path("model.txt")  # in memory: it has no folder of its own
    network, images = two_layer_network()
    stored = snn2hw.compile(network, images, out=tmp_path / "net")
    assert snn2hw.export(stored, ToyWriter()).path == tmp_path / "net" / "model.txt"
    with refused(
        snn2hw.Snn2hwError,
        f"""
        the back end 'toy-text' failed
          where:    {tmp_path / "z"}
          got:      ZeroDivisionError: integer division or modulo by zero
          expected: a file or folder
          do:       check the version of the package behind it
        """,
    ):
        snn2hw.export(artefact, Failing(), tmp_path / "z")


def test_export_c_and_export_nir_are_export(tmp_path: Path) -> None:
    network, images = two_layer_network()
    stored = snn2hw.compile(network, images, out=tmp_path / "net")
    made = snn2hw.export(stored, "c")
    assert made.path == snn2hw.export_c(stored) == tmp_path / "net" / "c"
    assert made.next == ("make", "-C", str(made.path), "test")
    pytest.importorskip("nir")
    one, two = snn2hw.export(stored, "nir", convention="norse"), snn2hw.export_nir(stored, convention="norse")
    assert one == two
    assert one.path == tmp_path / "net" / "model.nir"
    assert snn2hw.export_nir(stored.network, tmp_path / "x.nir").approximations == two.approximations

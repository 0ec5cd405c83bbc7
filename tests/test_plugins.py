"""What installed packages add, whichever package's class Python finds their entry points of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from snn2hw import plugins
from snn2hw.backends import registry
from tests.backends.toys import Toy


@dataclass(frozen=True)
class Backported:
    """An entry point as the package `importlib_metadata` has it: no `importlib.metadata.EntryPoint`."""

    name: str
    value: str
    dist: object

    def load(self) -> Toy:
        return Toy(self.name)


@pytest.fixture
def backported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    owner = SimpleNamespace(metadata={"Name": "snn2hw-fpga"}, version="1.5")
    found = [Backported("foreign", "snn2hw_fpga:backend", owner), Backported("nameless", "somewhere:backend", None)]
    monkeypatch.setattr(plugins, "entry_points", lambda group: found if group == registry.GROUP else [])
    plugins.forget()
    yield
    plugins.forget()


@pytest.mark.usefixtures("backported")
def test_entry_points_of_another_class_are_found_and_loaded() -> None:
    made = registry.backends()
    assert isinstance(made["foreign"], Toy)
    ((first,), (second,)) = plugins.entries(registry.GROUP).values()
    assert (plugins.package(first), first.value) == ("snn2hw-fpga 1.5", "snn2hw_fpga:backend")
    assert plugins.package(second) == "of an unknown name"

"""Generated C lies in files that a C programmer can open; what differs from network to network stands in them as @NAME@."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snn2hw.backends.c import dense, events, folder, text
from snn2hw.backends.c.text import TEMPLATES, filled, template
from snn2hw.backends.c.to_c import to_c
from snn2hw.ir.encode import encode
from tests.backends.c.folders import texts
from tests.hand_networks import compiled, every_kind, every_kind_sample

NAME = re.compile("@([A-Z_]+)@")
FILES = sorted(p.relative_to(TEMPLATES).as_posix() for p in TEMPLATES.rglob("*") if p.is_file())


def test_every_template_is_used_and_every_name_in_it_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    used = set[str]()

    def noted(name: str) -> str:
        used.add(name)
        return template(name)

    for module in (dense, events, folder):
        monkeypatch.setattr(module, "template", noted)
    monkeypatch.setattr("snn2hw.backends.c.runtime.template", noted)
    net = compiled(every_kind(), every_kind_sample()).network
    made = [to_c(net, False).text, *texts(net, encode(net, every_kind_sample())).values()]
    assert sorted(used) == FILES
    assert [NAME.findall(t) for t in made] == [[]] * len(made)


def test_every_value_that_is_given_stands_in_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    unused = set[str]()

    def checked(given: str, values: dict[str, object]) -> str:
        unused.update(set(values) - set(NAME.findall(given)))
        return filled(given, values)

    for module in (dense, events):
        monkeypatch.setattr(module, "filled", checked)
    to_c(compiled(every_kind(), every_kind_sample()).network, False)
    assert unused == set()


@pytest.mark.parametrize("name", [f for f in FILES if Path(f).suffix in (".c", ".h")])
def test_a_template_is_c_and_no_python(name: str) -> None:
    source = template(name)
    for opening, closing in ("{}", "()", "[]"):
        assert source.count(opening) == source.count(closing)
    assert not re.search(r"\{\{|\}\}|\\n\"\"\"", source)
    assert source.endswith("\n")


def test_what_is_filled_in_is_not_looked_at_again() -> None:
    assert filled("@ONE@ @TWO_B@ a@b", {"ONE": "@TWO_B@", "TWO_B": 2}) == "@TWO_B@ 2 a@b"
    with pytest.raises(KeyError):
        filled("@NONE@", {})
    assert text.TEMPLATES.is_dir()

"""Generated C lies in files that a C programmer can open; what differs from network to network stands in them as @NAME@."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.c import dense, depthwise, events, tiles, to_c
from snn2hw.backends.c.text import TEMPLATES, template
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.native import templates
from snn2hw.native.templates import filled
from tests import random_networks
from tests.backends.c.folders import texts
from tests.backends.c.test_depthwise import KERNELS
from tests.backends.c.test_depthwise import made as depthwise_network
from tests.backends.c.test_words import behind_spikes
from tests.hand_networks import compiled, every_kind, every_kind_sample

NAME = re.compile("@([A-Z_]+)@")
FILES = sorted(p.relative_to(TEMPLATES).as_posix() for p in TEMPLATES.rglob("*") if p.is_file())


def networks() -> Iterator[IntegerNetwork]:
    """Together they have every kind of layer, and of sums."""
    yield (net := compiled(every_kind(), every_kind_sample()).network)
    yield replace(net, nodes=(*net.nodes[:-1], replace(net.readout, kind="last")))
    yield behind_spikes()
    yield depthwise_network(17, KERNELS["stride"])
    for seed in (random_networks.RECURRENT, random_networks.ATTENTION, random_networks.LAYERED + 5):
        yield random_networks.compiled(random_networks.random_case(seed)).network


def test_every_template_is_used_and_every_name_is_filled_in_with_a_value_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    used, unused, made = set[str](), set[str](), list[str]()

    def noted(path: Path) -> str:
        used.add(path.relative_to(TEMPLATES).as_posix())
        return path.read_text(encoding="utf-8")

    def checked(given: str, values: Mapping[str, object]) -> str:
        if NAME.search(given):
            unused.update(set(values) - set(NAME.findall(given)))
        return filled(given, values)

    monkeypatch.setattr(templates, "template", noted)
    for module in (dense, depthwise, events, tiles, templates, to_c):
        monkeypatch.setattr(module, "filled", checked)
    for net in networks():
        sample = np.zeros((net.steps, 1, *net.input.shape), np.int64)
        made += [to_c.to_c(net, False).text, *texts(net, sample).values(), *texts(net, sample, streaming=True).values()]
    assert sorted(used) == FILES
    assert unused == set()
    assert [NAME.findall(t) for t in made] == [[]] * len(made)


@pytest.mark.parametrize("name", [f for f in FILES if Path(f).suffix in (".c", ".h")])
def test_a_template_is_c_and_no_python(name: str) -> None:
    source = template(name)
    for opening, closing in ("{}", "()", "[]"):
        assert source.count(opening) == source.count(closing)
    assert not re.search(r"\{\{|\}\}|\\n\"\"\"", source)
    assert source.endswith("\n")

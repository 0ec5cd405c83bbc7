"""Values of a neuron function that are tried: all of them, and none a second time for a channel whose function is the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper

from snn2hw.checker import tried as module
from snn2hw.checker.neuron import Neuron, Seen
from snn2hw.checker.tried import CHUNK, OPERATORS, Tried

NODES = [
    helper.make_node("Cast", ["in"], ["x"]),
    helper.make_node("Add", ["x", "bias"], ["h"]),
    helper.make_node("Mul", ["h", "factor"], ["wide"]),
    helper.make_node("Mod", ["wide", "modulus"], ["rest"]),
    helper.make_node("Sub", ["rest", "h"], ["out"]),
]
FUNCTION = helper.make_function("snn2hw.n", "n", ["in", "bias", "factor", "modulus"], ["out"], NODES, [])
HELD = (-CHUNK - 1000, CHUNK + 3000)  # parts that are whole, and ends of others
BASE = {"bias": 3, "factor": 7, "modulus": 1000}


def ranges(constants: dict[str, int], held: tuple[int, int], tried: Tried) -> dict[str, Seen]:
    return Neuron(FUNCTION, constants, tried=tried).ranges({"x": held}, {})


def wanted(constants: dict[str, int], held: tuple[int, int]) -> dict[str, Seen]:
    """By the equations, every value at once."""
    x = np.arange(held[0], held[1] + 1)
    h = x + constants["bias"]
    wide = h * constants["factor"]
    rest = wide % constants["modulus"]
    found = {"h": h, "wide": wide, "rest": rest, "out": rest - h}
    return {
        n: Seen(int(v.min()), int(v.max()), True, ({"x": int(x[v.argmin()])}, {"x": int(x[v.argmax()])}))
        for n, v in found.items()
    }


@pytest.mark.parametrize("name", ["bias", "factor", "modulus"])
@pytest.mark.parametrize("held", [HELD, (0, 0), (CHUNK - 1, CHUNK), (-3 * CHUNK, 3 * CHUNK - 1)])
def test_what_another_channel_left_is_used_where_it_is_the_same_alone(name: str, held: tuple[int, int]) -> None:
    """The channels differ in one constant each, in their ranges, or in nothing."""
    tried: Tried = {}
    for constants in (BASE, {**BASE, name: 11}, BASE):
        for at in (held, (held[0] - 5, held[1] + 5), held):
            got = ranges(constants, at, tried)
            assert {n: got[n] for n in ("h", "wide", "rest", "out")} == wanted(constants, at)


def test_channels_that_differ_in_what_is_added_first_are_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: Tried = {}
    counted = list[int]()

    def counting(a: Any, b: Any) -> Any:
        counted.append(np.size(a))
        return a * b

    monkeypatch.setattr(module, "OPERATORS", {**OPERATORS, "Mul": counting})
    ranges(BASE, HELD, tried)
    assert sum(counted) == HELD[1] - HELD[0] + 1
    counted.clear()
    for bias in range(4, 54):
        ranges({**BASE, "bias": bias}, HELD, tried)
    assert max(counted) < CHUNK  # the parts at the ends


def test_who_watches_is_shown_every_value_of_every_channel() -> None:
    tried: Tried = {}
    shown = list[int]()
    for bias in (3, 3, 4):
        found = Neuron(FUNCTION, {**BASE, "bias": bias}, tried=tried)
        found.ranges({"x": HELD}, {"x": lambda raw, values: shown.extend((values["h"] - raw).tolist())})
        assert shown == [bias] * (HELD[1] - HELD[0] + 1)
        shown.clear()

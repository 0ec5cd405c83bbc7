"""Trees of claims: every leaf in which two differ, by its path."""

from __future__ import annotations

from typing import Any

import pytest

from snn2hw.claims import Failure, count, differences

TREE = {
    "a": 1,
    "b": {"c": [1, 2], "d": "x"},
    "layers": [{"layer": "n", "e": True}, {"layer": "m", "e": False}],
    "f": [{"g": 1.5}],
}


def test_a_tree_does_not_differ_from_itself() -> None:
    assert list(differences(TREE, TREE, {})) == []
    assert count(TREE) == 8


@pytest.mark.parametrize(
    ("claimed", "failure"),
    [
        ({**TREE, "a": 2}, Failure("a", 2, 1, "u = 3")),
        ({**TREE, "a": True}, Failure("a", True, 1, "u = 3")),
        ({**TREE, "a": 1.0}, Failure("a", 1.0, 1, "u = 3")),
        ({**TREE, "b": {"c": [1, 3], "d": "x"}}, Failure("b.c", [1, 3], [1, 2])),
        ({**TREE, "b": {"c": [1], "d": "x"}}, Failure("b.c", [1], [1, 2])),
        ({**TREE, "b": {"c": [1, 2]}}, Failure("b.d", "nothing", "x")),
        ({**TREE, "more": 1}, Failure("more", 1, "nothing")),
        ({**TREE, "layers": [TREE["layers"][0], {"layer": "m", "e": True}]}, Failure("layers.m.e", True, False)),
        ({**TREE, "layers": TREE["layers"][:1]}, Failure("layers", TREE["layers"][:1], TREE["layers"])),
        ({**TREE, "f": [{"g": 1.25}]}, Failure("f.0.g", 1.25, 1.5)),
        ({**TREE, "f": 7}, Failure("f", 7, [{"g": 1.5}])),
    ],
)
def test_what_differs_is_named(claimed: Any, failure: Failure) -> None:
    assert list(differences(claimed, TREE, {"a": "u = 3"})) == [failure]

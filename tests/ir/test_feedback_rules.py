"""What is legal for a recurrent edge, in both stages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Potential
from snn2hw.ir.rules import check_integer, check_network
from snn2hw.num import Format, Interval
from tests.hand_networks import compiled, recurrent
from tests.refused import message


def real(**fields: Any) -> Any:
    net = recurrent()
    return replace(net, nodes=tuple(replace(n, **fields) if n.name == "back" else n for n in net.nodes))


def integers(name: str = "back", **fields: Any) -> IntegerNetwork:
    net = compiled(recurrent()).network
    return replace(net, nodes=tuple(replace(n, **fields) if n.name == name else n for n in net.nodes))


def test_a_feedback_is_legal() -> None:
    check_network(real())
    check_integer(integers())
    (edge,) = integers().feedbacks
    assert (edge.interval, edge.format) == (Interval(0, 1), Format(1, 0, False))


AT, SAME = "\n  where:    Feedback back (recurrent edge)\n  got:      ", "a feedback carries what a neuron fires; "


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"inputs": ("ff",)}, f"a feedback reads a neuron that stands behind it{AT}ff"),
        ({"inputs": ("nobody",)}, f"a feedback reads a neuron that stands behind it{AT}nobody"),
        ({"inputs": ("head",)}, f"{SAME}the interval of anything else would not be bounded{AT}'head', Linear"),
        ({"inputs": ("sum",)}, f"{SAME}the interval of anything else would not be bounded{AT}'sum', Add"),
    ],
)
def test_real_edges_that_are_none(fields: dict[str, Any], expected: str) -> None:
    assert message(check_network, real(**fields)) == expected


def test_a_membrane_is_not_fed_back() -> None:
    net = recurrent()
    nodes = tuple(replace(n, firing=Potential()) if n.name == "n" else n for n in net.nodes)
    assert message(check_network, replace(net, nodes=nodes)).startswith("a feedback carries what a neuron fires")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"interval": Interval(1, 1)}, "the value can leave its declared interval{}[0, 1] in [1, 1]"),
        ({"format": Format(2, 1, False)}, "the binary point must be that of the input{}u2.1 after u1.0"),
        ({"inputs": ("ff",)}, "a feedback reads a neuron that stands behind it{}ff"),
        ({"inputs": ("head",)}, SAME + "the interval of anything else would not be bounded{}'head', IntLinear"),
    ],
)  # fmt: skip
def test_integer_edges_that_are_none(fields: dict[str, Any], expected: str) -> None:
    assert message(check_integer, integers(**fields)) == expected.format(
        "\n  where:    IntFeedback back (recurrent edge)\n  got:      "
    )


def test_an_edge_has_the_shape_of_its_neuron() -> None:
    net = recurrent(())
    nodes = tuple(replace(n, shape=(3,)) if n.name == "back" else n for n in net.nodes)
    with pytest.raises(Exception, match="the branches of an addition differ in shape"):
        check_network(replace(net, nodes=nodes))
    net = recurrent()
    wide = tuple(
        replace(n, shape=(3,)) if n.name == "back" else replace(n, weight=n.weight[:, [0, 1, 1]]) if n.name == "rec" else n  # type: ignore[attr-defined]
        for n in net.nodes
    )
    assert message(check_network, replace(net, nodes=wide)) == (
        "the shape is not that of the neuron\n  where:    Feedback back (recurrent edge)\n  got:      (3,), expected (2,)"
    )

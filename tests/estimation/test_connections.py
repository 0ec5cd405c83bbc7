"""Populations and connections against what is seen when one value after the other is changed."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

from snn2hw.errors import UnsupportedError
from snn2hw.estimation.connections import Connection, graph
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.layers import IntConcat, IntFlatten, IntMatMul, IntMultiply, IntOffset, IntPlaces, IntResize2d
from tests.estimation.connectivity import connectivity, populations_of
from tests.estimation.hand_integers import Made
from tests.random_networks import ATTENTION, LATE, LAYERED, RECURRENT, compiled, random_case

MOST = 700  # values of a network: trying takes their square


def table(c: Connection) -> np.ndarray:
    """[target values, source values] of one connection, written out."""
    return reduce(np.kron, [a.as_table().astype(np.uint8) for a in c.axes]).astype(bool)


def compare(net: IntegerNetwork) -> int:
    found = graph(net)
    seen = connectivity(net, populations_of(net))
    assert list(found.populations) == populations_of(net)
    assert {(c.target, c.source) for c in found.connections} == set(seen)
    inexact = 0
    for (target, source), reads in seen.items():
        between = [c for c in found.connections if (c.target, c.source) == (target, source)]
        union = np.logical_or.reduce([table(c) for c in between])
        if all(c.exact for c in between):
            assert (union == reads).all(), (target, source)
        else:
            assert (union >= reads).all(), (target, source)
            inexact += 1
        if len(between) == 1 and between[0].exact:
            assert between[0].pairs == reads.sum()
            assert (between[0].fan_in().ravel() == reads.sum(1)).all()
            assert (between[0].fan_out().ravel() == reads.sum(0)).all()
    return inexact


FIRST = [2, RECURRENT + 3]


@pytest.mark.parametrize("seed", FIRST)
def test_connections_are_what_a_changed_value_changes(seed: int) -> None:
    assert compare(compiled(random_case(seed)).network) == 0


def test_neurons_behind_a_flattened_image_are_seen_as_the_image() -> None:
    """A layer of neurons on a vector, one that reads it, and a recurrent edge; none of them needs all of another."""
    made = Made(1, 4, 3)
    made.conv("conv", 2, 3)
    made.neuron("n")
    made.add(IntFlatten, "flat", ("n",))
    made.neuron("m")
    made.neuron("k")
    net = made.readout()
    assert compare(net) == 0
    found = graph(net)
    assert [p.view for p in found.populations.values()] == [(1, 4, 3)] + [(2, 4, 3)] * 4
    assert [c.pairs for c in found.connections[1:]] == [24, 24, 24]


def start(*shape: int) -> Made:
    made = Made(*shape)
    made.neuron("n", made.conv("conv", 4, 1))
    return made


def test_groups_and_images_that_grow() -> None:
    made = start(2, 4, 3)
    made.conv("pairs", 4, 3, groups=2)
    made.neuron("g")
    made.conv("single", 4, 2, padding=0, groups=4)
    made.neuron("d")
    made.add(IntResize2d, "twice", ("d",), factor=(2, 3), zeros=False, tail=(0, 0))
    made.neuron("u", made.conv("after", 2, 3))
    made.add(IntResize2d, "spread", ("d",), factor=(2, 1), zeros=True, tail=(1, 2))
    made.neuron("z", made.conv("behind", 3, 2, padding=0))
    made.add(IntResize2d, "tail", ("d",), factor=(1, 1), zeros=True, tail=(0, 1))
    made.neuron("t")
    both = made.add(IntConcat, "both", (made.linear("a", 2, "z"), made.linear("b", 3, "u")), shifts=(0, 0))
    made.neuron("c", both)
    assert compare(made.readout(made.join("all", "c", made.linear("late", 5, "t")))) == 0


def test_places_in_another_arrangement() -> None:
    made = start(1, 2, 6)
    made.add(IntPlaces, "line", ("n",), size=(1, 12))
    made.neuron("m", made.conv("token", 3, 1))
    made.add(IntPlaces, "image", ("m",), size=(2, 6))
    made.neuron("k", made.conv("over", 2, 3))
    made.add(IntPlaces, "tall", ("k",), size=(12, 1))
    made.neuron("t")
    made.linear("head", 2)
    net = made.readout()
    assert compare(net) == 0
    assert graph(net).populations["t"].view == (2, 2, 6)
    made = start(1, 2, 6)
    made.neuron("k", made.conv("over", 2, 3, source=made.add(IntPlaces, "three", ("n",), size=(3, 4))))
    made.linear("head", 2)
    assert compare(made.readout()) == 1  # rows of 6 are seen as rows of 4: all places are taken to be read


@pytest.mark.parametrize(("transposed", "a", "b", "size", "inexact"), [
    ("none", 4, 12, (2, 3), 0), ("none", 4, 12, (1, 6), 1), ("first", 4, 4, (2, 3), 1), ("second", 4, 6, (3, 1), 1),
])  # fmt: skip
def test_products_of_what_neurons_fire(transposed: str, a: int, b: int, size: tuple[int, int], inexact: int) -> None:
    made = Made(2, 2, 3)
    first, second = (made.neuron(name, made.conv(f"to{name}", n, 1, source="input")) for name, n in (("a", a), ("b", b)))
    made.add(IntMatMul, "product", (first, second), heads=2, transposed=transposed, size=size)
    made.neuron("m")
    made.add(IntMultiply, "gate", ("m", "m"))
    made.add(IntOffset, "turned", ("gate",), offset=np.ones(made.shape("gate")[0], np.int32), sign=-1, shift=0)
    made.linear("head", 2)
    assert compare(made.readout()) == inexact


@pytest.mark.slow
def test_connections_of_many_networks() -> None:
    inexact = compared = 0
    for start in (0, RECURRENT, ATTENTION, LATE, LAYERED):
        for seed in range(start, start + 40):
            try:
                net = compiled(random_case(seed)).network
            except UnsupportedError:  # some of the layered ones read sums that no target carries
                continue
            if sum(np.prod(n.shape) for n in net.nodes) <= MOST * 4:
                inexact += compare(net)
                compared += 1
    print(f"{compared} networks, {inexact} connections are larger than what is there")
    assert compared > 100
    assert inexact < compared

"""Populations and connections against what is seen when one value after the other is changed."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

from snn2hw.errors import UnsupportedError
from snn2hw.estimation.connections import Connection, graph
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.layers import IntFlatten
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
    net = compiled(random_case(seed)).network
    compare(net)


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

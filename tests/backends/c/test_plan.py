"""Which values of the C change over the steps, that what joins them is right, and that no value lies where another is needed."""

from __future__ import annotations

from itertools import combinations
from math import prod

import numpy as np
import pytest

from snn2hw.backends.c.plan import plan, type_bytes
from snn2hw.backends.c.team import MOST_PARTS, PART, parts
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.ir.encode import encode
from snn2hw.store import make_artefact
from tests.backends.c.folders import random_network
from tests.backends.c.needed import calls_that_need
from tests.hand_networks import (
    Network,
    add,
    compiled,
    every_kind,
    every_kind_sample,
    image,
    lif,
    linear,
    network,
    normal,
    readout,
    samples,
)
from tests.random_networks import RECURRENT

STEPS = 4


def joined(first: str, second: str) -> Network:
    """One image, a branch that is the same at every step (`still`), one behind spikes (`moving`), and their join."""
    return network(
        STEPS,
        image(5),
        linear("still", "input", normal(0, 3, 5)),
        linear("in", "input", normal(1, 4, 5)),
        lif("n", "in", 0.75),
        linear("moving", "n", normal(2, 3, 4)),
        add("join", first, second),
        lif("out", "join", 0.75),
        linear("head", "out", normal(3, 2, 3)),
        readout("head"),
    )


ORDERS = [("still", "moving"), ("moving", "still"), ("still", "still"), ("moving", "moving")]


@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_a_join_changes_where_either_branch_does(first: str, second: str) -> None:
    net = compiled(joined(first, second)).network
    values = plan(net, 0, still=True).values
    steps = {name: values[name].steps for name in ("still", "moving", "join", "out", "head")}
    changes = STEPS if "moving" in (first, second) else 1
    assert steps == {"still": 1, "moving": STEPS, "join": changes, "out": STEPS, "head": STEPS}
    assert {v.steps for v in plan(net, 0, still=False).values.values()} == {STEPS}


@pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}")
@pytest.mark.parametrize(("first", "second"), ORDERS[:2])
def test_a_still_and_a_moving_branch_are_joined_step_by_step(first: str, second: str) -> None:
    net = compiled(joined(first, second)).network
    payloads = encode(net, samples(0, 6, 5))
    wanted, got = interpret(net, payloads).arrays(), Fast().run(make_artefact(net), payloads).arrays()
    assert len(np.unique(wanted["spikes/n"].sum(1), axis=0)) > 1  # the moving branch does move
    assert {name: int((value != got[name]).sum()) for name, value in wanted.items()} == dict.fromkeys(wanted, 0)


@pytest.mark.parametrize("still", [True, False])
def test_what_is_needed_at_the_same_time_lies_apart(still: bool) -> None:
    seeds = [*range(2_100, 2_120), *range(RECURRENT, RECURRENT + 3)]
    nets = [found[0] for seed in seeds if (found := random_network(seed))]
    assert sum(bool(plan(net, 0, still).loops) for net in nets) >= 2
    saved = 0
    for net in [compiled(every_kind(), every_kind_sample()).network, *nets]:
        laid = plan(net, 64, still)
        needed = calls_that_need(net, laid.fused, laid.loops)
        stored = {name: v for name, v in laid.values.items() if v.offset >= 0}
        places = {
            name: range(v.offset, v.offset + v.steps * prod(v.node.shape) * type_bytes(v.type)) for name, v in stored.items()
        }
        for a, b in combinations(stored, 2):
            if places[a].start < places[b].stop and places[b].start < places[a].stop:
                assert not needed[a] & needed[b], (a, b)
        end = max(place.stop for place in places.values())
        assert all(end <= offset < laid.padded for offsets in laid.states.values() for offset in offsets)
        assert end <= laid.padded == laid.arena - 64
        saved += sum(map(len, places.values())) - end
    assert saved > 0


@pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}")
def test_what_an_earlier_sample_left_in_memory_changes_nothing() -> None:
    seeds = [*range(2_100, 2_104), *range(RECURRENT, RECURRENT + 2)]
    for net, payloads in [found for seed in seeds if (found := random_network(seed))]:
        fast, artefact = Fast(), make_artefact(net)
        wanted = interpret(net, payloads, traces=False).readout
        for _ in range(2):  # the second time upon what the first left
            assert (fast.run(artefact, payloads[:, ::-1], traces=False).readout == wanted[::-1]).all()


@pytest.mark.parametrize(
    ("units", "products", "expected"), [(9, 0, 1), (9, PART, 1), (9, 3 * PART, 3), (2, 99 * PART, 2), (99, 99 * PART, MOST_PARTS)]
)
def test_work_goes_into_parts_that_are_worth_a_thread(units: int, products: int, expected: int) -> None:
    assert parts(units, products) == expected

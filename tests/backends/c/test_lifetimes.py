"""How long values are needed, and that places are used again only when they are not."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from snn2hw.backends.c.lifetimes import Life, first_fit, lives, positions
from snn2hw.ir.integer import IntegerNetwork
from tests.hand_networks import compiled, image, lif, linear, network, normal, readout, samples


def chain() -> IntegerNetwork:
    made = network(
        2,
        image(5),
        linear("in", "input", normal(0, 4, 5)),
        lif("n", "in", 0.75),
        linear("head", "n", normal(1, 2, 4)),
        readout("head"),
    )
    return compiled(made, samples(0, 2, 5)).network


def test_a_value_lives_from_its_call_to_its_last_reader() -> None:
    net = chain()
    assert [n.name for n in net.nodes] == ["input", "in", "n", "head", "readout"]
    assert lives(net, {}, []) == {"input": (0, 1), "in": (1, 2), "n": (2, 3), "head": (3, 4), "readout": (4, 4)}
    assert positions(net, {"n": "in"})["in"] == 2
    assert lives(net, {"n": "in"}, [])["input"] == (0, 2), "the synapse is summed where its neuron is"


def test_a_loop_is_one_call() -> None:
    found = lives(chain(), {}, [["in", "n", "head"]])
    assert found == {"input": (0, 3), "in": (1, 3), "n": (1, 3), "head": (1, 4), "readout": (4, 4)}


def test_a_value_with_two_readers_lives_until_the_later() -> None:
    net = chain()
    nodes = tuple(replace(n, inputs=("input",)) if n.name == "head" else n for n in net.nodes)
    assert lives(replace(net, nodes=nodes), {}, [])["input"] == (0, 3)


def test_the_lowest_place_that_is_free() -> None:
    assert first_fit([((0, 1), 8), ((1, 2), 8), ((2, 3), 8)]) == [0, 8, 0]
    assert first_fit([((0, 9), 4), ((1, 2), 8), ((3, 4), 6), ((4, 5), 3)]) == [0, 4, 4, 10]
    assert first_fit([((3, 4), 8), ((0, 1), 8)]) == [0, 0], "in whatever order"
    assert first_fit([]) == []


LIVES: st.SearchStrategy[Life] = st.tuples(st.integers(0, 9), st.integers(0, 5)).map(lambda life: (life[0], sum(life)))


@given(st.lists(st.tuples(LIVES, st.integers(1, 20)), max_size=12))
def test_what_lives_at_the_same_time_lies_apart(wanted: list[tuple[Life, int]]) -> None:
    begins = first_fit(wanted)
    placed = [(life, range(at, at + size)) for (life, size), at in zip(wanted, begins, strict=True)]
    for (life, here), (other, there) in combinations(placed, 2):
        together = life[0] <= other[1] and other[0] <= life[1]
        assert not (together and here.start < there.stop and there.start < here.stop)
    assert all(at + size <= sum(s for _, s in wanted) for (_, size), at in zip(wanted, begins, strict=True))

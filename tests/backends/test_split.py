"""Networks that end in linear layers, in two: every integer is the reference's, whatever lies in the front and in the tail."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from snn2hw.backends.fast import side_by_side as sides
from snn2hw.backends.fast import split as splits
from snn2hw.backends.fast.crossover import NEVER
from snn2hw.backends.fast.executor import THREADS_VARIABLE, Fast, Part
from snn2hw.backends.fast.split import split
from snn2hw.backends.reference import interpret
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.integer import IntegerNetwork, IntReadout
from snn2hw.ir.network import Input, Node, Readout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from tests.backends.test_side_by_side import drawn, equal_for_all_sizes
from tests.hand_networks import (
    add,
    average,
    back,
    circulate,
    compiled,
    conv,
    counts,
    flatten,
    image,
    lif,
    linear,
    network,
    normal,
)
from tests.native.compiling import needs_compiler
from tests.random_networks import RECURRENT, random_case
from tests.random_networks import compiled as compiled_case

CONV = (conv("conv", "input", normal(1, 4, 2, 3, 3, scale=0.4), window=Window((3, 3), padding=(1, 1))), circulate("n", "conv"))
FLAT = (average("pool", "n"), flatten("line", "pool"))  # 16 values
HIDDEN = (linear("fc", "line", normal(2, 11, 16, scale=0.5), normal(3, 11)), lif("m", "fc"))
SKIP = (
    linear("left", "line", normal(4, 16, 16, scale=0.3)), lif("l", "left"), add("both", "l", "line"),
    linear("fc", "both", normal(5, 11, 16, scale=0.5)), lif("m", "fc"),
)  # fmt: skip
TAIL_LOOP = (
    linear("fc", "line", normal(6, 11, 16, scale=0.4)), back("back", "m", 11),
    linear("rec", "back", normal(7, 11, 11, scale=0.3)), add("sums", "fc", "rec"), lif("m", "sums", 0.75),
)  # fmt: skip
FRONT_LOOP = (
    conv("first", "input", normal(1, 4, 2, 3, 3, scale=0.4), window=Window((3, 3), padding=(1, 1))), back("back", "n", 4, 4, 4),
    conv("again", "back", normal(8, 4, 4, 1, 1, scale=0.3)), add("conv", "first", "again"), lif("n", "conv"),
)  # fmt: skip


def ending(source: Input, steps: int, *between: Node, **ends: object) -> IntegerNetwork:
    """What is between, from the input to a layer `m` of 11 neurons, and a readout of 7 values."""
    head = linear("head", "m", normal(9, 7, 11, scale=0.4), normal(10, 7))
    last = Readout("readout", ("head",), (), source="readout", **ends)  # type: ignore[arg-type]
    return compiled(network(steps, source, *between, head, last)).network


STILL = (
    average("pool", "input"), flatten("line", "pool"), linear("fc", "line", normal(2, 11, 8, scale=0.5), normal(3, 11)),
    lif("m", "fc"),
)  # fmt: skip
NETWORKS = {
    "spikes": lambda: ending(counts(2, 4, 4), 4, *CONV, *FLAT, *HIDDEN),
    "one step, signed": lambda: ending(counts(2, 4, 4, lo=-2.0, hi=2.0), 1, *CONV, *FLAT, *HIDDEN),
    "last of five steps": lambda: ending(counts(2, 4, 4, hi=3.0), 5, *CONV, *FLAT, *HIDDEN, kind="last"),
    "still image": lambda: ending(image(2, 4, 4, lo=-1.0), 4, *CONV, *FLAT, *HIDDEN),
    "the signal read twice": lambda: ending(counts(2, 4, 4), 4, *CONV, *FLAT, *SKIP),
    "a loop in the tail": lambda: ending(counts(2, 4, 4), 4, *CONV, *FLAT, *TAIL_LOOP),
    "a loop in the front": lambda: ending(counts(2, 4, 4), 4, *FRONT_LOOP, *FLAT, *HIDDEN),
    "nothing that fires in the front": lambda: ending(image(2, 4, 4), 4, *STILL),
}


@lru_cache(maxsize=32)
def made(name: str) -> IntegerNetwork:
    return NETWORKS[name]()


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few weights are worth it, too."""
    monkeypatch.setattr(sides, "LEAST", 1)
    monkeypatch.setattr(splits, "LEAST", 1)


def random_nets() -> list[IntegerNetwork]:
    """Of `tests.random_networks`, those that can be split."""
    nets = list[IntegerNetwork]()
    for first in (0, RECURRENT):
        found = 0
        for seed in range(first, first + 200):
            try:
                net = compiled_case(random_case(seed)).network
            except (WidthError, UnsupportedError):
                continue
            if sides.at_once(net) == 1 and split(net) is not None:
                nets.append(net)
                found += 1
            if found == 4:
                break
    return nets


def handed_on(front: IntegerNetwork, payloads: Ints) -> Ints:
    """The last value of the front at every step: each is what the shorter run ends with."""
    cut = front.nodes[-1]
    ended = replace(front, nodes=(*front.nodes, IntReadout("out", (cut.name,), cut.shape, cut.format, cut.interval, kind="last")))
    return np.stack([interpret(ended, payloads[: t + 1]).readout for t in range(len(payloads))])


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_tail_makes_the_readout_of_what_the_front_hands_on(name: str) -> None:
    """By the reference alone, without any C."""
    net = made(name)
    parts = split(net)
    assert parts is not None
    front, tail = parts
    cut = front.nodes[-1]
    assert not any(isinstance(n, IntLinear) for n in front.nodes)
    assert not any(isinstance(n, IntConv2d) for n in tail.nodes)
    assert (tail.input.name, tail.input.interval) == (cut.name, cut.interval)
    payloads = drawn(net, 12)
    signal = handed_on(front, payloads)
    wanted = interpret(net, payloads).readout
    assert len(np.unique(wanted, axis=0)) > 2, "samples that cannot be told apart would prove nothing"
    assert (interpret(tail, signal).readout == wanted).all()


@needs_compiler
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_integer_is_that_of_the_reference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_two_for_all_sizes(made(name), (1, 3, 8, 9, 21), monkeypatch)


@needs_compiler
@pytest.mark.usefixtures("_small")
def test_random_networks_with_linear_layers_at_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = random_nets()
    assert len(nets) == 8
    for net in nets:
        in_two_for_all_sizes(net, (17,), monkeypatch)


def in_two_for_all_sizes(net: IntegerNetwork, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for fast in equal_for_all_sizes(net, sizes, monkeypatch):
        assert {key[3] for key in fast._built} >= {Part.FRONT, Part.TAIL}, "the network was in two"


@needs_compiler
@pytest.mark.usefixtures("_small")
def test_threads_on_every_sample_together_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.backends.fast.sharing.WORTH", 0.0)
    monkeypatch.setattr("snn2hw.backends.fast.sharing.GAIN", 9.0)
    monkeypatch.setenv(THREADS_VARIABLE, "2")
    net, fast = made("the signal read twice"), Fast(NEVER)
    artefact, payloads = make_artefact(net), drawn(net, 9)
    for _ in range(3):  # together from the second run on, when it is known how long one takes
        assert (fast.run(artefact, payloads, traces=False).readout == interpret(net, payloads).readout).all()


@needs_compiler
@pytest.mark.usefixtures("_small")
def test_with_traces_or_few_samples_a_network_stays_whole() -> None:
    net, fast = made("spikes"), Fast(NEVER)
    fast.run(make_artefact(net), drawn(net, 8))
    fast.run(make_artefact(net), drawn(net, 3), traces=False)
    assert {key[3] for key in fast._built} == {Part.WHOLE}


def test_few_weights_are_not_worth_two_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sides, "LEAST", 1)
    net = made("the signal read twice")
    weights = sum(n.weight.size for n in net.nodes if isinstance(n, IntLinear))
    monkeypatch.setattr(splits, "LEAST", weights)
    assert split(net) is not None
    monkeypatch.setattr(splits, "LEAST", weights + 1)
    assert split(net) is None


@pytest.mark.usefixtures("_small")
def test_a_tail_that_reads_two_values_begins_behind_both(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (
        linear("left", "line", normal(4, 6, 16, scale=0.3)), lif("l", "left"),
        conv("other", "n", normal(8, 6, 4, 4, 4, scale=0.2)), flatten("right", "other"), lif("r", "right"),
        add("sum", "l", "r"), linear("fc", "sum", normal(5, 11, 6, scale=0.5)), lif("m", "fc"),
    )  # fmt: skip
    net = ending(counts(2, 4, 4), 4, *CONV, *FLAT, *both)
    parts = split(net)
    assert parts is not None
    front, tail = parts
    assert [n.source for n in tail.nodes if isinstance(n, IntLinear)] == ["fc (Linear)", "head (Linear)"]
    assert front.nodes[-1].source == "sum (+)"
    monkeypatch.setattr(splits, "LEAST", sum(n.weight.size for n in tail.nodes if isinstance(n, IntLinear)) + 1)
    assert split(net) is None, "only weights of the tail count"


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize(("steps", "parts"), [(16, True), (17, False)])
def test_so_many_steps_that_a_tile_is_full_leave_nothing_to_gain(steps: int, parts: bool) -> None:
    assert (split(ending(counts(2, 4, 4), steps, *CONV, *FLAT, *HIDDEN)) is not None) == parts


@pytest.mark.usefixtures("_small")
def test_a_loop_is_in_one_part() -> None:
    """Where its edge begins before the convolution, that is in it, too."""
    edge = (back("back", "m", 11), linear("rec", "back", normal(6, 16, 11, scale=0.3)))
    joined = (add("sums", "line", "rec"), linear("fc", "sums", normal(7, 11, 16, scale=0.4)), lif("m", "fc"))
    late, early = (
        ending(counts(2, 4, 4), 4, *nodes) for nodes in ((*CONV, *FLAT, *edge, *joined), (*edge, *CONV, *FLAT, *joined))
    )
    for net, linears in ((late, 3), (early, 1)):
        parts = split(net)
        assert parts is not None
        assert sum(isinstance(n, IntLinear) for n in parts[1].nodes) == linears

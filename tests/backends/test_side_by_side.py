"""Samples of networks of linear layers, several at once as the places of an image: every integer is the reference's."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from snn2hw.backends.fast import executor as executors
from snn2hw.backends.fast import side_by_side as sides
from snn2hw.backends.fast.crossover import ALWAYS, NEVER
from snn2hw.backends.fast.executor import THREADS_VARIABLE, Fast
from snn2hw.backends.fast.side_by_side import at_once, groups_of, side_by_side
from snn2hw.backends.reference import interpret
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Input, Node, Readout
from snn2hw.layers import Concat, IntConv2d, IntLinear, Multiply, Offset
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from tests.hand_networks import (
    add,
    back,
    circulate,
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    image,
    lif,
    linear,
    network,
    normal,
)  # fmt: skip
from tests.native.compiling import needs_compiler
from tests.random_networks import RECURRENT, random_case
from tests.random_networks import compiled as compiled_case

SMALL = 3  # samples of a group where a test says so


def perceptron(source: Input, steps: int, *between: Node, last: str = "n", size: int = 20, **ends: object) -> IntegerNetwork:
    """Input -> (Flatten) -> Linear -> circulate firing with signed spikes -> what is between -> Linear -> readout."""
    entering = int(np.prod(source.shape))
    line = [flatten("line", "input")] if len(source.shape) > 1 else []
    return compiled(
        network(
            steps, source, *line,
            linear("fc", line[-1].name if line else "input", normal(1, 20, entering, scale=1.5 / entering**0.5), normal(2, 20)),
            circulate("n", "fc"), *between,
            linear("head", last, normal(3, 7, size, scale=0.4), normal(4, 7)),
            Readout("readout", ("head",), (), source="readout", **ends),
        )
    ).network  # fmt: skip


JOINED = (
    linear("left", "n", normal(5, 12, 20, scale=0.4)), lif("l", "left"),
    linear("right", "n", normal(6, 12, 20, scale=0.4)), lif("r", "right"),
    Multiply("both", ("l", "r"), (), source="both"), add("sum", "l", "r"),
    Offset("moved", ("sum",), (), offset=np.arange(12.0), sign=-1, source="moved"),
    Concat("joined", ("both", "moved", "r"), (), source="joined"),
)  # fmt: skip
LOOP = (
    linear("ff", "n", normal(7, 5, 20, scale=0.4)), back("back", "again", 5), linear("rec", "back", normal(8, 5, 5)),
    add("sums", "ff", "rec"), lif("again", "sums", 0.75),
)  # fmt: skip
OUTPUTS = (("first", 3), ("second", 4))
NETWORKS = {
    "spikes": lambda: perceptron(counts(70), 4),
    "signed counts, one step": lambda: perceptron(counts(9, lo=-3.0, hi=3.0), 1),
    "nine steps, last": lambda: perceptron(counts(9), 9, kind="last"),
    "still image": lambda: perceptron(image(2, 3, 4), 4, outputs=OUTPUTS),
    "still vector, one step": lambda: perceptron(image(130, lo=-1.0), 1),
    "joined": lambda: perceptron(counts(9, hi=3.0), 4, *JOINED, last="joined", size=36),
    "recurrent": lambda: perceptron(counts(9, hi=3.0), 6, *LOOP, last="again", size=5),
}


@lru_cache(maxsize=32)
def made(name: str) -> IntegerNetwork:
    return NETWORKS[name]()


def drawn(net: IntegerNetwork, samples: int, seed: int = 0) -> Ints:
    """Payloads [T, N, ...] within the declared range, a sample like no other; the same at all steps where the input is static."""
    held, rng = net.input.interval, np.random.default_rng(seed)
    steps = 1 if net.input.static else net.steps
    return np.resize(
        rng.integers(held.lo, held.hi, (steps, samples, *net.input.shape), endpoint=True),
        (net.steps, samples, *net.input.shape),
    )  # fmt: skip


def random_nets() -> list[tuple[int, IntegerNetwork]]:
    """Of `tests.random_networks`, those whose values are vectors."""

    def found(first: int, count: int) -> list[tuple[int, IntegerNetwork]]:
        nets = list[tuple[int, IntegerNetwork]]()
        for seed in (s for s in range(first, first + 200) if len(random_case(s).network.input.shape) == 1):
            try:
                nets.append((seed, compiled_case(random_case(seed)).network))
            except (WidthError, UnsupportedError):
                continue
            if len(nets) == count:
                break
        return nets

    return [*found(0, 4), *found(RECURRENT, 3)]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_of_several_samples_gives_the_integers_of_each(name: str) -> None:
    """By the reference alone, without any C."""
    net = made(name)
    wide = side_by_side(net, SMALL)
    assert wide is not None
    assert not any(isinstance(node, IntLinear) for node in wide.nodes)
    payloads = drawn(net, 2 * SMALL)
    lines = payloads.reshape(net.steps, 2, 1, SMALL, -1).transpose(0, 1, 4, 2, 3)
    got = interpret(wide, lines).readout
    assert got.shape == (2, 7, 1, SMALL)
    wanted = interpret(net, payloads).readout
    assert len(np.unique(wanted, axis=0)) > SMALL, "samples that cannot be told apart would prove nothing"
    assert (got.transpose(0, 2, 3, 1).reshape(wanted.shape) == wanted).all()


@needs_compiler
@pytest.mark.parametrize("name", NETWORKS)
def test_every_integer_is_that_of_the_reference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "at_once", lambda net: SMALL)
    net = made(name)
    side_by_side_for_all_sizes(net, (1, 2, 3, 4, 11), monkeypatch)


@needs_compiler
def test_random_networks_whose_values_are_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "at_once", lambda net: 5)
    nets = random_nets()
    assert len(nets) == 7
    assert sum(bool(net.feedbacks) for _, net in nets) >= 2
    for _, net in nets:
        side_by_side_for_all_sizes(net, (17,), monkeypatch)


def equal_for_all_sizes(net: IntegerNetwork, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> list[Fast]:
    """Densely, by events, and as it is measured; with one thread and with two, in the first run and in the next. Returns the
    executors, which have what they built."""
    used = list[Fast]()
    artefact = make_artefact(net)
    for percent in (NEVER, ALWAYS, None):
        fast = Fast(percent)
        for count in sizes:
            payloads = drawn(net, count, count)
            wanted = interpret(net, payloads).readout
            for threads in ("1", "2"):
                monkeypatch.setenv(THREADS_VARIABLE, threads)
                got = fast.run(artefact, payloads, traces=False).readout
                assert (got == wanted).all(), (percent, count, threads)
        used.append(fast)
    return used


def side_by_side_for_all_sizes(net: IntegerNetwork, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for fast in equal_for_all_sizes(net, sizes, monkeypatch):
        assert {key[2] for key in fast._built} >= {executors.at_once(net)}, "the samples were side by side"


@needs_compiler
def test_threads_on_one_group_together_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "at_once", lambda net: SMALL)
    monkeypatch.setattr("snn2hw.backends.fast.sharing.WORTH", 0.0)
    monkeypatch.setenv(THREADS_VARIABLE, "2")
    net, fast = made("joined"), Fast(NEVER)
    artefact, payloads = make_artefact(net), drawn(net, SMALL)
    for _ in range(3):  # together from the second run on, when it is known how long one takes
        assert (fast.run(artefact, payloads, traces=False).readout == interpret(net, payloads).readout).all()


@needs_compiler
def test_with_traces_every_sample_is_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "at_once", lambda net: SMALL)
    net, fast = made("spikes"), Fast(NEVER)
    payloads = drawn(net, 7)
    wanted, got = interpret(net, payloads).arrays(), fast.run(make_artefact(net), payloads).arrays()
    assert all(np.array_equal(wanted[k], got[k]) for k in wanted)
    assert {key[2] for key in fast._built} == {1}


@pytest.mark.parametrize(("steps", "loop", "samples"), [(1, False, 16), (2, False, 16), (4, False, 8), (9, False, 3),
                                                        (33, False, 1), (40, True, 16)])  # fmt: skip
def test_so_many_samples_as_fill_a_tile(steps: int, loop: bool, samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a loop, which goes step by step, all samples of one step."""
    monkeypatch.setattr(sides, "LEAST", 1)
    ends = {"last": "again", "size": 5} if loop else {}
    assert at_once(perceptron(counts(4), steps, *(LOOP if loop else ()), **ends)) == samples  # type: ignore[arg-type]


def test_few_weights_are_not_worth_another_library(monkeypatch: pytest.MonkeyPatch) -> None:
    net = made("spikes")
    weights = sum(node.weight.size for node in net.nodes if isinstance(node, IntLinear))
    monkeypatch.setattr(sides, "LEAST", weights)
    assert at_once(net) == 8
    monkeypatch.setattr(sides, "LEAST", weights + 1)
    assert at_once(net) == 1


def test_networks_of_images_stay_as_they_are() -> None:
    assert side_by_side(compiled(every_kind(), every_kind_sample()).network, SMALL) is None
    alone = network(
        2, counts(2, 3, 3), conv("conv", "input", normal(0, 2, 2, 3, 3)), flatten("line", "conv"),
        linear("fc", "line", np.eye(2)), Readout("readout", ("fc",), (), source="readout"),
    )  # fmt: skip
    assert side_by_side(compiled(alone).network, SMALL) is None


def test_layers_keep_their_weights_and_their_places_in_messages() -> None:
    net = made("spikes")
    wide = side_by_side(net, SMALL)
    assert wide is not None
    kept = [(n.source, n.weight.tolist()) for n in net.nodes if isinstance(n, IntLinear)]
    assert [(n.source, n.weight[:, :, 0, 0].tolist()) for n in wide.nodes if isinstance(n, IntConv2d)] == kept
    assert [n.name for n in wide.nodes] == [n.name for n in net.nodes]


@pytest.mark.parametrize(("count", "groups"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (11, 4)])
def test_groups_of_samples(count: int, groups: int) -> None:
    """Two of three left over are a group, too, the last one twice; one is none."""
    payloads = np.arange(2 * count * 4).reshape(2, count, 2, 2)
    got = groups_of(payloads, 3, "int16")
    assert (got.shape, got.dtype) == ((groups, 2, 1, 3, 4), np.int16)
    for n in range(3 * groups):
        for step in range(2):
            assert (got[n // 3, step, 0, n % 3] == payloads[step, min(n, count - 1)].ravel()).all()

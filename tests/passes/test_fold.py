from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.errors import UnsupportedError
from snn2hw.ir.network import Network, Neuron, Node, Reals
from snn2hw.ir.real import run_real
from snn2hw.ir.shapes import Window
from snn2hw.layers import AvgPool2d, BatchNorm, Concat, MaxPool2d
from snn2hw.passes.base import Compilation
from snn2hw.passes.pipeline import run_pipeline
from tests.hand_networks import (
    add,
    average,
    compiled,
    conv,
    flatten,
    image,
    integrate,
    lif,
    linear,
    network,
    neuron,
    normal,
    readout,
    samples,
)
from tests.random_networks import LAYERED, RECURRENT, random_case, target_of
from tests.refused import refused


def norm(name: str, entering: str, channels: int, seed: int = 5) -> BatchNorm:
    rng = np.random.default_rng(seed)
    scale, shift = rng.uniform(0.5, 2.0, channels), rng.normal(0, 0.3, channels)
    return BatchNorm(name, (entering,), (), scale=scale, shift=shift, source=f"{name} (BatchNorm2d)")


def pool(kind: type, name: str, entering: str, size: int, padding: int = 0) -> Node:
    window = Window((size, size), (size - padding * 2,) * 2, (padding, padding))
    made: Node = kind(name, (entering,), (), window=window, source=name)
    return made


def turned(node: BatchNorm) -> BatchNorm:
    """One channel of negative scale."""
    return replace(node, scale=node.scale * [1.0, -1.0, 1.0])


def folded(net: Network, n: int = 6) -> tuple[Network, Network]:
    x = samples(3, n, *net.input.shape)
    after = compiled(net, x, stop_after="fold").real
    np.testing.assert_allclose(run_real(after, x), run_real(net, x), rtol=0, atol=1e-12)
    assert np.abs(run_real(net, x)).max() > 0.01
    return net, after


def fired(net: Network, x: Reals) -> list[Reals]:
    """What every neuron gives at every step, and the readout."""
    given: list[Reals] = []
    logits = run_real(net, x, lambda node, _, value: given.append(value) if isinstance(node, Neuron) else None)
    return [*given, logits]


def kinds(net: Network) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(type(n).__name__, n.name, n.inputs) for n in net.nodes]


def by_name(net: Network, name: str) -> Node:
    return next(n for n in net.nodes if n.name == name)


def convolutional(*between: Node, last: str) -> Network:
    first = conv("conv", "input", normal(1, 3, 2, 3, 3), [0.1, 0.2, -0.3], Window((3, 3), padding=(1, 1)))
    return network(
        3, image(2, 4, 4), first, *between, lif("fire", last), average("pool", "fire"), flatten("flat", "pool"),
        linear("head", "flat", normal(2, 2, 12)), readout("head"),
    )  # fmt: skip


def test_a_batch_norm_after_a_convolution_is_in_its_weights() -> None:
    before, after = folded(convolutional(norm("norm", "conv", 3), last="norm"))
    assert kinds(after)[:3] == [("Input", "input", ()), ("Conv2d", "conv", ("input",)), ("Neuron", "fire", ("conv",))]
    old, new, bn = by_name(before, "conv"), by_name(after, "conv"), by_name(before, "norm")
    assert isinstance(bn, BatchNorm)
    np.testing.assert_array_equal(vars(new)["weight"], vars(old)["weight"] * bn.scale[:, None, None, None])
    np.testing.assert_array_equal(vars(new)["bias"], vars(old)["bias"] * bn.scale + bn.shift)
    assert vars(new)["window"] == Window((3, 3), padding=(1, 1))


def test_a_batch_norm_after_a_linear_layer_is_in_its_weights() -> None:
    _, after = folded(
        network(
            2,
            image(5),
            linear("fc", "input", normal(1, 4, 5), [1, -1, 0, 0.5]),
            norm("norm", "fc", 4),
            neuron("fire", "norm"),
            linear("head", "fire", normal(2, 2, 4)),
            readout("head"),
        )
    )
    assert [k for k, _, _ in kinds(after)] == ["Input", "Linear", "Neuron", "Linear", "Readout"]


def test_two_batch_norms_in_a_row_are_both_folded() -> None:
    _, after = folded(convolutional(norm("a", "conv", 3), norm("b", "a", 3, seed=6), last="b"))
    assert [n.name for n in after.nodes[:3]] == ["input", "conv", "fire"]


def test_a_batch_norm_read_by_two_layers_is_folded_once() -> None:
    net = network(
        2, image(5), linear("fc", "input", normal(1, 4, 5)), norm("norm", "fc", 4), lif("a", "norm"), neuron("b", "norm"),
        add("join", "a", "b"), linear("head", "join", normal(2, 2, 4)), readout("head"),
    )  # fmt: skip
    _, after = folded(net)
    assert by_name(after, "a").inputs == by_name(after, "b").inputs == ("fc",)


def test_a_gain_is_folded_into_weights_that_nothing_else_reads() -> None:
    net = network(
        2, image(5), linear("fc", "input", normal(1, 4, 5), [1, 2, 3, 4]), lif("fire", "fc", gain=1.7),
        linear("head", "fire", normal(2, 2, 4)), readout("head"),
    )  # fmt: skip
    before, after = folded(net)
    np.testing.assert_array_equal(vars(by_name(after, "fc"))["weight"], vars(by_name(before, "fc"))["weight"] * 1.7)
    np.testing.assert_array_equal(vars(by_name(after, "fc"))["bias"], np.array([1, 2, 3, 4]) * 1.7)
    assert [n.gain for n in after.neurons] == [1.0]


def test_a_gain_stays_where_others_read_the_weights_too() -> None:
    net = network(
        2, image(5), linear("fc", "input", normal(1, 4, 5)), lif("a", "fc", gain=1.7), lif("b", "fc"), add("join", "a", "b"),
        linear("head", "join", normal(2, 2, 4)), readout("head"),
    )  # fmt: skip
    _, after = folded(net)
    assert [n.gain for n in after.neurons] == [1.7, 1.0]


def test_a_gain_stays_where_no_weights_are_before_it() -> None:
    net = network(2, image(5), lif("encode", "input", gain=3.0), linear("head", "encode", normal(2, 2, 5)), readout("head"))
    _, after = folded(net)
    assert [n.gain for n in after.neurons] == [3.0]


def test_nothing_to_fold_changes_nothing() -> None:
    net = convolutional(last="conv")
    _, after = folded(net)
    assert kinds(after) == kinds(net)


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        (
            (lif("spikes", "conv"), norm("norm", "spikes", 3), lif("more", "norm")),
            "before it: its input is Neuron 'spikes'; behind it: Neuron 'more' reads it",
        ),
        (
            (pool(MaxPool2d, "early", "conv", 3, 1), turned(norm("norm", "early", 3)), pool(MaxPool2d, "late", "norm", 3, 1)),
            "before it: its input is MaxPool2d 'early'; behind it: MaxPool2d 'late' reads it",
        ),
        (
            (norm("norm", "conv", 3), add("twice", "norm", "conv")),
            "before it: 'conv' is read 2 times; behind it: Add 'twice' reads it",
        ),
    ],
)
def test_a_batch_norm_that_cannot_be_folded_is_refused(between: tuple[Node, ...], reason: str) -> None:
    with refused(
        UnsupportedError,
        f"""
        this BatchNorm, or gain or threshold per channel, cannot be folded into weights
          where:    norm (BatchNorm2d)
          got:      {reason}
          expected: a Conv2d or Linear before it that nothing else reads, on every edge that enters it; or only such behind it
          do:       put it directly behind, or before, a Conv2d or Linear, or give the layer one gain and one threshold
        """,
    ):
        head = [average("pool", between[-1].name), flatten("flat", "pool")]
        compiled(
            network(
                2, image(2, 4, 4), conv("conv", "input", normal(1, 3, 2, 1, 1)), *between, *head,
                linear("head", "flat", normal(2, 2, 12)), readout("head"),
            ),
            stop_after="fold",
        )  # fmt: skip


def test_what_is_concatenated_twice_is_not_scaled_twice() -> None:
    """Each of its copies would ask another scale of the same weights."""
    twice = Concat("twice", ("conv", "conv"), (), source="twice (cat)")
    net = network(
        2, image(2, 4, 4), conv("conv", "input", normal(1, 3, 2, 1, 1)), twice, norm("norm", "twice", 6), lif("fire", "norm"),
        average("pool", "fire"), flatten("flat", "pool"), linear("head", "flat", normal(2, 2, 24)), readout("head"),
    )  # fmt: skip
    with pytest.raises(UnsupportedError, match="got:      before it: 'conv' is read 2 times; behind it: Neuron 'fire' reads it"):
        compiled(net, stop_after="fold")


def test_a_batch_norm_at_the_input_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="got:      before it: its input is Input 'input'; behind it: Readout"):
        compiled(network(1, image(3), norm("norm", "input", 3), readout("norm")), stop_after="fold")


def test_a_second_batch_norm_on_a_branch_of_its_own_is_refused() -> None:
    net = network(
        2, image(5), linear("fc", "input", normal(1, 4, 5)), norm("a", "fc", 4), norm("b", "a", 4, seed=6), add("join", "a", "b"),
        neuron("fire", "join"), linear("head", "fire", normal(2, 2, 4)), readout("head"),
    )  # fmt: skip
    with refused(
        UnsupportedError,
        """
        this BatchNorm, or gain or threshold per channel, cannot be folded into weights
          where:    b (BatchNorm2d)
          got:      before it: 'fc' is read 2 times; behind it: Add 'join' reads it
          expected: a Conv2d or Linear before it that nothing else reads, on every edge that enters it; or only such behind it
          do:       put it directly behind, or before, a Conv2d or Linear, or give the layer one gain and one threshold
        """,
    ):
        folded(net)


@pytest.mark.parametrize("between", ["", "pool", "flat", "sum"])
def test_a_gain_stays_behind_a_neuron(between: str) -> None:
    """The weights are those of the neuron before it: what it takes itself is spikes."""
    nodes: dict[str, list[Node]] = {
        "": [],
        "pool": [average("pool", "a")],
        "flat": [flatten("flat", "a")],
        "sum": [add("sum", "a", "a")],
    }
    entering = nodes[between][-1].name if between else "a"
    behind = [integrate("b", entering, gain=0.4)]
    net = network(
        3, image(1, 4, 4), conv("conv", "input", normal(1, 2, 1, 3, 3), [0.3, 0.1]), lif("a", "conv", gain=1.5), *nodes[between],
        *behind, flatten("end", "b") if between != "flat" else linear("end", "b", np.eye(8)),
        linear("head", "end", normal(2, 2, 2 if between == "pool" else 8)), readout("head"),
    )  # fmt: skip
    _, after = folded(net)
    assert [n.gain for n in after.neurons] == [1.0, 0.4]


@pytest.mark.parametrize("seed", [*range(30), *range(RECURRENT, RECURRENT + 10), *range(LAYERED, LAYERED + 30)])
def test_random_networks_compute_the_same_without_their_norms_and_gains(seed: int) -> None:
    case, rng = random_case(seed), np.random.default_rng(seed)
    gains = [float(rng.choice([1.0, 0.7, 2.0, 0.3, -1.0])) for _ in case.network.nodes]
    nodes = [replace(n, gain=g) if isinstance(n, Neuron) else n for n, g in zip(case.network.nodes, gains, strict=True)]
    net = replace(case.network, nodes=tuple(nodes))
    after = run_pipeline(Compilation(net, target_of(case.target), case.options, case.sample), "fold").real
    for kept, was in zip(fired(after, case.sample), fired(net, case.sample), strict=True):
        np.testing.assert_allclose(kept, was, rtol=1e-9, atol=1e-9)


def test_a_gain_stays_behind_a_batch_norm_that_others_read() -> None:
    _, after = folded(
        network(
            2, image(5), linear("fc", "input", normal(1, 4, 5)), norm("norm", "fc", 4), lif("a", "norm", gain=1.7),
            lif("b", "norm"), add("join", "a", "b"), linear("head", "join", normal(2, 2, 4)), readout("head"),
        )
    )  # fmt: skip
    assert [n.gain for n in after.neurons] == [1.7, 1.0]
    assert by_name(after, "a").inputs == by_name(after, "b").inputs == ("fc",)


@pytest.mark.parametrize("kind", [AvgPool2d, MaxPool2d])
def test_a_norm_behind_a_pool_is_in_the_weights_before_it(kind: type) -> None:
    _, after = folded(convolutional(pool(kind, "early", "conv", 1), norm("norm", "early", 3), last="norm"))
    assert [k for k, _, _ in kinds(after)][:4] == ["Input", "Conv2d", kind.__name__, "Neuron"]
    _, after = folded(
        network(
            2, image(2, 4, 4), conv("conv", "input", normal(1, 3, 2, 1, 1), [0.1, 0.2, -0.3]), pool(kind, "early", "conv", 2),
            norm("norm", "early", 3), lif("fire", "norm"), flatten("flat", "fire"), linear("head", "flat", normal(2, 2, 12)),
            readout("head"),
        )
    )  # fmt: skip
    assert by_name(after, "fire").inputs == ("early",)


def test_a_mean_does_not_mind_negative_scales() -> None:
    net = network(
        2, image(2, 4, 4), conv("conv", "input", normal(1, 3, 2, 1, 1)), pool(AvgPool2d, "early", "conv", 2),
        turned(norm("norm", "early", 3)), lif("fire", "norm"), flatten("flat", "fire"), linear("head", "flat", normal(2, 2, 12)),
        readout("head"),
    )  # fmt: skip
    folded(net)


def test_a_norm_behind_a_join_scales_every_branch() -> None:
    """What a recurrent layer with thresholds of its own needs; the shift is added once."""
    _, after = folded(
        network(
            3,
            image(2),
            linear("a", "input", normal(1, 2, 2), [0.1, 0.2]),
            linear("b", "input", normal(2, 2, 2), [-0.3, 0.4]),
            add("join", "a", "b"),
            norm("norm", "join", 2),
            lif("lif", "norm"),
            linear("head", "lif", np.eye(2)),
            readout("head"),
        )
    )
    assert next(n for n in after.nodes if n.name == "lif").inputs == ("join",)

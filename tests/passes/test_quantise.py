from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout, UnloweredNeuron
from snn2hw.ir.network import Network, Node
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntAdd, IntConv2d, IntFlatten, IntLinear, IntSumPool2d, MaxPool2d
from snn2hw.num import Format, Interval
from tests.hand_networks import (
    add,
    average,
    circulate,
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    image,
    integrate,
    lif,
    linear,
    network,
    normal,
    readout,
)
from tests.refused import refused


def quantised(net: Network, **options: Any) -> IntegerNetwork:
    return compiled(net, stop_after="quantise", **options).network


def node(net: IntegerNetwork, name: str) -> Any:
    return next(n for n in net.nodes if n.name == name)


def chain(source: Node, *between: Node, classes: int = 2) -> Network:
    """source -> between -> Linear -> readout; the head reads the last of `between`."""
    draft = network(2, source, *between)
    last = draft.nodes[-1]
    return network(2, source, *between, linear("head", last.name, np.eye(classes, int(np.prod(last.shape)))), readout("head"))


def test_every_real_node_becomes_its_integer_node() -> None:
    net = compiled(every_kind(), every_kind_sample(), stop_after="quantise").network
    assert [(type(n), n.name, n.inputs, n.shape) for n in net.nodes] == [
        (kind, n.name, n.inputs, n.shape)
        for kind, n in zip(
            [
                IntInput,
                IntConv2d,
                UnloweredNeuron,
                IntConv2d,
                UnloweredNeuron,
                IntAdd,
                UnloweredNeuron,
                IntSumPool2d,
                IntFlatten,
                IntLinear,
                UnloweredNeuron,
                IntLinear,
                IntReadout,
            ],
            every_kind().nodes,
            strict=True,
        )
    ]
    assert (net.steps, net.target) == (3, "generic")
    assert [n.source for n in net.nodes] == [n.source for n in every_kind().nodes]


# the input


@pytest.mark.parametrize(
    ("source", "interval", "unit", "flags"),
    [
        (image(3), Interval(0, 255), 1 / 255, (True, False)),
        (image(3, hi=2.5), Interval(0, 255), 2.5 / 255, (True, False)),
        (image(3, lo=0.5, hi=1.0), Interval(0, 255), 1 / 255, (True, False)),
        (image(3, lo=-1.0), Interval(-127, 127), 1 / 127, (True, False)),
        (image(3, lo=-0.6, hi=0.2), Interval(-127, 127), 0.6 / 127, (True, False)),
        (image(3, static=False), Interval(0, 255), 1 / 255, (False, False)),
        (counts(3), Interval(0, 1), 1.0, (False, True)),
        (counts(3, hi=15.0), Interval(0, 15), 1.0, (False, True)),
        (counts(3, lo=-7.0, hi=7.0), Interval(-7, 7), 1.0, (False, True)),
    ],
)
def test_the_input(source: Any, interval: Interval, unit: float, flags: tuple[bool, bool]) -> None:
    made = quantised(chain(source)).input
    assert (made.interval, made.unit, (made.static, made.counts)) == (interval, pytest.approx(unit, rel=1e-15), flags)
    assert made.format.frac == 0


def test_the_unit_of_an_image_goes_into_the_weights() -> None:
    net = quantised(chain(image(2), linear("fc", "input", [[1.0, -0.5]]), lif("fire", "fc"), classes=1))
    fc, fire = node(net, "fc"), node(net, "fire")
    exponent = fc.format.frac
    np.testing.assert_allclose(fc.weight / 2.0**exponent, np.array([[1.0, -0.5]]) / 255, rtol=0.01)
    assert fire.input_scale.tolist() == [2.0**-exponent]


# synapses


def test_weights_are_int8_and_biases_int32_at_the_scale_of_the_sum() -> None:
    net = quantised(chain(counts(2, hi=3), linear("fc", "input", [[0.5, -0.25]], [0.3]), lif("fire", "fc"), classes=1))
    fc = node(net, "fc")
    assert (fc.weight.dtype, fc.bias.dtype) == (np.int8, np.int32)
    assert (fc.weight.tolist(), fc.bias.tolist(), fc.format) == ([[64, -32]], [38], Format(32, 7))
    assert fc.interval == Interval(-96 + 38, 192 + 38)


def test_scales_per_channel_only_where_neurons_read_them() -> None:
    weight = normal(0, 6, 5) * 10.0 ** -np.arange(6)[:, None]
    net = network(
        2,
        counts(5, hi=3),
        linear("fc", "input", weight),
        lif("fire", "fc"),
        linear("logits", "fire", weight.T[:5, :6]),
        readout("logits"),
    )
    done = quantised(net, scales="channel")
    fire = node(done, "fire")
    assert len(fire.input_scale) == 6
    assert node(done, "fc").format.frac == 0
    wrong = np.abs(node(done, "fc").weight * fire.input_scale[:, None] - weight).max(1)
    # To two percent of the channel, or so that five weights times 3 are off by less than an eighth of a unit of the state.
    assert (wrong <= np.maximum(0.02 * np.abs(weight).max(1), 2.0**-16 / 15)).all()
    logits, aligned = node(done, "logits"), node(done, "logits.aligned")
    assert logits.format.frac == 0  # every class has its own, until all are brought to the finest
    assert done.readout.inputs == ("logits.aligned",)
    (lift,) = aligned.program.params.values()
    real = logits.weight * np.array(lift)[:, None] * 2.0**-done.readout.format.frac
    np.testing.assert_allclose(real, weight.T[:5, :6], rtol=0.01, atol=0.02 * np.abs(weight.T).max(1).min())


@pytest.mark.parametrize("between", ["average", "maximum", "addition", "flatten"])
def test_scales_per_channel_pass_through_pools_only(between: str) -> None:
    weight = normal(0, 3, 1, 1, 1) * np.array([1.0, 0.01, 0.0001])[:, None, None, None]
    steps: dict[str, list[Node]] = {
        "average": [average("mid", "conv")],
        "maximum": [MaxPool2d("mid", ("conv",), (), window=Window((2, 2), (2, 2)))],
        "addition": [add("mid", "conv", "conv")],
        "flatten": [flatten("mid", "conv")],
    }
    source = counts(1, 4, 4, hi=3)
    net = quantised(
        chain(
            source,
            conv("conv", "input", weight),
            *steps[between],
            lif("fire", "mid"),
            *([flatten("flat", "fire")] if between != "flatten" else []),
        ),
        scales="channel",
    )
    assert len(node(net, "fire").input_scale) == (3 if between in ("average", "maximum") else 1)


def test_the_binary_point_of_a_payload_is_taken_up_by_the_next_sum() -> None:
    net = quantised(
        chain(counts(2, hi=3), circulate("cf", "input", amplitudes=(1.0, 0.5)), linear("fc", "cf", [[0.5, 0.25]]), classes=1)
    )
    assert node(net, "cf").format.frac == 1
    assert node(net, "cf").interval == Interval(-3, 3)
    assert node(net, "fc").weight.tolist() == [[64, 32]]
    assert node(net, "fc").format.frac == 8


def test_a_bias_beyond_int32_is_never_reached_since_scales_give_way() -> None:
    net = quantised(chain(counts(2, hi=3), linear("fc", "input", [[1e-6, 1e-6]], [1e6]), lif("fire", "fc"), classes=1))
    fc = node(net, "fc")
    assert abs(int(fc.bias[0])) <= 2**24
    assert fc.bias[0] * 2.0**-fc.format.frac == pytest.approx(1e6, rel=1e-6)


# averages


def averaged(size: int, *after: Node, classes: int = 2) -> Network:
    pixels = 2 * size
    return chain(counts(1, pixels, pixels), average("pool", "input", size), *after, classes=classes)


def test_an_average_over_a_power_of_two_is_a_sum_and_a_binary_point() -> None:
    pool = node(quantised(averaged(2, flatten("flat", "pool"))), "pool")
    assert isinstance(pool, IntSumPool2d)
    assert (pool.format.frac, pool.interval) == (2, Interval(0, 4))


def test_an_average_over_nine_is_divided_in_the_next_weights() -> None:
    net = quantised(
        averaged(3, flatten("flat", "pool"), linear("fc", "flat", [[0.9, 0.45, -0.9, 0.0]]), lif("fire", "fc"), classes=1)
    )
    assert (node(net, "pool").format.frac, node(net, "pool").interval) == (0, Interval(0, 9))
    fc = node(net, "fc")
    np.testing.assert_allclose(fc.weight * 2.0**-fc.format.frac, [[0.1, 0.05, -0.1, 0.0]], atol=2.0**-10)


def test_an_average_over_six_keeps_the_two_and_passes_on_the_three() -> None:
    net = quantised(chain(counts(1, 6, 6, hi=1.0), _average23("pool"), lif("fire", "pool"), flatten("flat", "fire")))
    pool, fire = node(net, "pool"), node(net, "fire")
    assert pool.format.frac == 1
    np.testing.assert_allclose(fire.input_scale, [1 / 6], rtol=1e-15)


def _average23(name: str) -> Node:
    pool = average(name, "input")
    return type(pool)(pool.name, pool.inputs, (), window=Window((2, 3), (2, 3)), source=pool.source)


def test_an_average_over_nine_is_divided_at_the_head_of_the_neuron() -> None:
    done = compiled(averaged(3, lif("fire", "pool"), flatten("flat", "fire")), stop_after="lower").network
    fire = node(done, "fire")
    (scale,) = fire.program.params["x_scale"]
    frac = fire.program.by_name["x_scale"].format.frac
    assert abs(scale * 2.0**-frac - 1 / 9) <= 2.0 ** -(frac + 1)
    assert frac >= 15


def test_a_maximum_changes_nothing_but_the_shape() -> None:
    pool = MaxPool2d("pool", ("input",), (), window=Window((2, 2), (2, 2)))
    made = node(quantised(chain(image(1, 4, 4), pool, flatten("flat", "pool"))), "pool")
    assert (made.format.frac, made.interval) == (0, Interval(0, 255))


# additions


def branches(a: Sequence[float], b: Sequence[float], source: Node | None = None) -> Network:
    return chain(
        source or counts(2, hi=3),
        circulate("a", "input", a, False),
        circulate("b", "input", b, False),
        add("join", "a", "b"),
        lif("fire", "join"),
    )


def test_branches_are_shifted_to_the_finer_binary_point() -> None:
    join = node(quantised(branches((1.0, 1.0), (0.25,))), "join")
    assert isinstance(join, IntAdd)
    assert (join.shifts, join.format.frac, join.interval) == ((2, 0), 2, Interval(0, 9))


def test_equal_binary_points_need_no_shift() -> None:
    join = node(quantised(branches((1.0,), (1.0,))), "join")
    assert (join.shifts, join.format.frac, join.interval) == ((0, 0), 0, Interval(0, 2))


def test_branches_of_one_image_join() -> None:
    join = node(
        quantised(
            chain(image(1, 4, 4), average("a", "input"), average("b", "input"), add("join", "a", "b"), flatten("flat", "join"))
        ),
        "join",
    )
    assert (join.shifts, join.interval) == ((0, 0), Interval(0, 2040))


def test_branches_whose_scales_differ_by_no_power_of_two_are_refused() -> None:
    net = chain(
        counts(1, 6, 6, hi=1),
        average("nine", "input", 3),
        conv("conv", "input", normal(0, 1, 1, 3, 3), window=Window((3, 3), (3, 3))),
        add("join", "nine", "conv"),
        flatten("flat", "join"),
    )
    with refused(
        UnsupportedError,
        """
        this addition joins branches whose scales differ by a factor that is no power of two
          where:    join (+)
          got:      'nine' in units of 1/9, 'conv' in units of 1
          expected: equal units, up to a power of two
          do:       put a Conv2d or Linear on the branch with the image or the average, or average over 2x2 or 4x4
        """,
    ):
        quantised(net)


def test_an_image_joined_with_spikes_is_refused() -> None:
    with pytest.raises(UnsupportedError) as caught:
        quantised(chain(image(2), lif("fire", "input"), add("join", "input", "fire")))
    assert caught.value.got == "'input' in units of 1/255, 'fire' in units of 1"


def test_a_branch_for_which_a_sum_has_no_room_is_named() -> None:
    """Branches of very different sizes join at one binary point; what is lost of the smaller one is said."""
    net = chain(
        counts(1, hi=255),
        linear("large", "input", [[2.0**22]]),
        linear("small", "input", [[2.0**-8]]),
        add("join", "large", "small"),
        lif("fire", "join"),
        classes=1,
    )
    done = compiled(net, stop_after="quantise")
    assert node(done.network, "join").format.width <= 32
    (found,) = done.findings
    assert found.where == "small (Linear)"
    assert found.got == "1 of 1 channels (0); 1 of 1 weights became 0"


def test_the_integer_network_means_what_the_real_one_means() -> None:
    """With an IF that never loses anything and weights that are exact, the readouts are equal."""
    weight = np.array([[0.5, 0.25], [1.0, -0.5]])
    net = network(
        3,
        counts(2, hi=3),
        linear("fc", "input", weight),
        integrate("fire", "fc"),
        linear("head", "fire", weight),
        readout("head"),
    )
    done = quantised(net)
    for name in ("fc", "head"):
        made: Any = node(done, name)
        np.testing.assert_array_equal(made.weight * 2.0**-made.format.frac, weight)


def test_a_channel_of_small_weights_is_not_lost_beside_a_large_one() -> None:
    weight = np.stack([np.full(20, 1e4), np.full(20, 0.0502)])
    net = network(
        2, counts(20), linear("fc", "input", weight), integrate("fire", "fc"), linear("head", "fire", np.eye(2)), readout("head")
    )
    assert node(quantised(net), "fc").weight[1].any()

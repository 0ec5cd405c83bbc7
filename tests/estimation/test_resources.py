"""What layers need, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from snn2hw.estimation.axes import Axes, Axis, Shape3, same
from snn2hw.estimation.connections import LAYERS
from snn2hw.estimation.resources import Layer, Resources, program_length, resources
from snn2hw.ir.integer import IntegerNetwork, IntNode, Ints
from snn2hw.ir.shapes import Shape, Window
from snn2hw.layers import IntMaxPool2d, IntOperator
from snn2hw.num import Format
from tests.estimation.hand_integers import Made, lif, resnet18
from tests.hand_networks import compiled, every_kind


@pytest.fixture(scope="module")
def image() -> Resources:
    """2 x 5 x 5 -> convolution of 3 channels with padding -> sums over 2 x 2 -> Linear -> readout of 4."""
    made = Made(2, 5, 5, steps=4)
    made.conv("conv", 3, 3, bits=5)
    made.neuron("n", program=lif((10, 20, 10), decay=(1, 1, 1)))
    made.pool("pool", 2)
    made.linear("fc", 6, bits=3)
    made.neuron("m", program=lif((10,), Format(12, 0, True)))
    made.linear("head", 4, bits=8)
    return resources(made.readout())


def layer(found: Resources, name: str) -> tuple[int, ...]:
    of: Layer = found.layers[name]
    return of.neurons, of.states, of.state_bits, of.instructions, of.parameter_sets, of.fan_in, of.fan_out, of.sources


def test_layers(image: Resources) -> None:
    assert layer(image, "input") == (50, 0, 0, 0, 0, 0, 3 * 9, 0)
    # The two last rows and columns of 5 are read by no sum over 2 x 2; a value is read by one of them, and by 6 neurons behind.
    assert layer(image, "n") == (75, 1, 16, 4, 2, 2 * 9, 6, 2 * 9)
    assert layer(image, "m") == (6, 1, 12, 4, 1, 3 * 16, 4, 3 * 16)
    assert layer(image, "readout") == (4, 1, 12, 0, 0, 6, 0, 6)
    assert image.neurons == 75 + 6 + 4
    assert image.layers["readout"].population.kind == "readout"


def test_synapses(image: Resources) -> None:
    places = sum((min(y + 1, 4) - max(y - 1, 0) + 1) for y in range(5)) ** 2
    conv, fc, head = image.synapses
    assert (conv.width, conv.unshared, conv.shared, conv.shares) == (5, 3 * 2 * places, 3 * 2 * 9, True)
    assert (fc.width, fc.unshared, fc.shared, fc.shares) == (3, 6 * 48, 6 * 48, False)
    assert (head.width, head.unshared) == (8, 24)
    assert image.memory_bits == {
        "weights, one for each synapse": 5 * 6 * places + 3 * 288 + 8 * 24,
        "weights, kernels once": 5 * 54 + 3 * 288 + 8 * 24,
        "states": 75 * 16 + 6 * 12 + 4 * 12,
    }


@pytest.mark.parametrize(
    ("row", "width", "distinct"),
    [
        ([0, 0, 0], 1, 0), ([1, 0, 1], 2, 1), ([-1, 0, 0], 1, 1), ([-32, -32, -32], 6, 1), ([31, -32, 5], 6, 3),
        ([32, 0, 5], 7, 2), ([-128, 127, 0], 8, 2), ([-33, 0, 0], 7, 1),
    ],
)  # fmt: skip
def test_the_width_of_weights_and_how_many_differ(row: list[int], width: int, distinct: int) -> None:
    made = Made(3)
    made.linear("fc", 2, weight=np.array([row, [0, 0, row[2]]], np.int8))
    made.neuron("n")
    (found,) = resources(made.readout()).synapses
    assert (found.width, found.distinct) == (width, distinct)


def test_an_axon_is_counted_once_whatever_the_ways_that_lead_to_a_neuron() -> None:
    """A neuron reads 3 x 3 places of a layer, one of which a join adds again."""
    made = Made(1, 5, 5)
    made.conv("a", 1)
    first = made.neuron("n")
    made.conv("b", 1, source=first)
    made.neuron("m", made.join("join", "b", first))
    made.linear("head", 2)
    found = resources(made.readout())
    assert (found.layers["m"].fan_in, found.layers["m"].sources) == (9, 9)
    other = resnet18(8, width=2)
    assert resources(other).layers["layer1.0.n2"].sources == 2 * 9 + 1  # the join is with the layer before


def test_a_maximum_is_a_relay_of_its_own() -> None:
    made = Made(1, 4, 4)
    made.conv("conv", 2)
    made.neuron("n")
    made.add(IntMaxPool2d, "max", ("n",), window=Window((2, 2), (2, 2)))
    made.linear("head", 2)
    found = resources(made.readout())
    relay = found.layers["max"]
    assert (relay.population.kind, relay.neurons, relay.state_bits, relay.fan_in, relay.sources) == ("relay", 8, 0, 0, 4)
    kinds = {p.kind for p in resources(compiled(every_kind()).network).graph.populations.values()}
    assert kinds == {"input", "neuron", "readout"}


@dataclass(frozen=True, eq=False)
class IntEveryOther(IntOperator):
    """A layer that estimation has never heard of: y = x[::2]."""

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        return (-(-inputs[0][0] // 2),)

    def value(self, inputs: Sequence[Ints]) -> Ints:
        return inputs[0][:, ::2]


def test_a_layer_without_a_rule_is_a_relay_that_reads_all_and_with_one_it_needs_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    def network() -> IntegerNetwork:
        made = Made(6)
        made.neuron("n", made.linear("fc", 6))
        made.add(IntEveryOther, "other", ("n",))
        made.linear("head", 2)
        return made.readout()

    relay = resources(network()).layers["other"]
    assert (relay.population.kind, relay.neurons, relay.sources) == ("relay", 3, 6)

    def every_other(node: IntNode, inputs: Sequence[Shape3]) -> list[tuple[Axes, bool]]:
        table = np.zeros((node.shape[0], inputs[0][0]), bool)
        table[np.arange(node.shape[0]), 2 * np.arange(node.shape[0])] = True
        return [((Axis(*table.shape, table), *same(inputs[0])[1:]), True)]

    monkeypatch.setitem(LAYERS, IntEveryOther, every_other)
    found = resources(network())
    assert "other" not in found.layers
    assert (found.layers["readout"].fan_in, found.layers["n"].fan_out) == (3, 2)
    assert found.synapses[-1].unshared == 6


def test_a_program_is_as_long_as_what_it_computes() -> None:
    assert program_length(lif()) == 4
    assert program_length(lif(more=3)) == 7

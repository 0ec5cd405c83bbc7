from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import RuleError, ShapeError, Snn2hwError, ValueRangeError
from snn2hw.ir.network import Circulate, Network, Node, Readout
from snn2hw.ir.rules import check_network
from snn2hw.ir.shapes import Window
from snn2hw.layers import MaxPool2d
from tests.ir.test_text import every_real_kind
from tests.refused import message


def real(**changes: Node | None) -> Network:
    """The network with every kind of node; nodes replaced by name ('conv' for '0' and so on), or left out where None."""
    net = every_real_kind()
    names = {
        "conv": "0",
        "norm": "1",
        "lnm": "2",
        "average": "3.a",
        "largest": "3.b",
        "add": "3",
        "cf": "4",
        "flatten": "5",
        "linear": "6",
    }
    by_name = {names.get(k, k): v for k, v in changes.items()}
    nodes = [by_name.get(n.name, n) for n in net.nodes]
    return Network(net.steps, tuple(n for n in nodes if n is not None))


def node(name: str) -> Any:
    return next(n for n in every_real_kind().nodes if n.name == name)


def test_a_legal_real_network() -> None:
    check_network(real())


def test_a_network_starts_and_ends() -> None:
    start = "a network starts with its input and ends with its readout"
    assert message(check_network, Network(2, ())) == f"{start}\n  got:      []"
    assert message(check_network, Network(2, every_real_kind().nodes[1:])).startswith(
        f"{start}\n  got:      ['Conv2d', 'BatchNorm', "
    )
    assert message(check_network, Network(2, every_real_kind().nodes[:-1])).endswith(", 'Flatten', 'Linear']")


def test_rules_of_the_graph() -> None:
    first, readout = node("input"), node("out")
    twice = Network(2, (first, node("0"), replace(node("0"), source=""), readout))
    assert message(check_network, twice) == "two nodes have the same name\n  where:    Conv2d 0\n  got:      0"
    undefined = real(norm=replace(node("1"), inputs=("2",)))
    assert message(check_network, undefined) == (
        "an input is used before it is defined\n  where:    BatchNorm 1 (BatchNorm2d)\n  got:      2"
    )
    itself = real(norm=replace(node("1"), inputs=("1",)))
    assert message(check_network, itself).startswith("an input is used before it is defined")
    two = real(norm=replace(node("1"), inputs=("0", "0")))
    assert message(check_network, two) == "wrong number of inputs\n  where:    BatchNorm 1 (BatchNorm2d)\n  got:      2"
    none = real(norm=replace(node("1"), inputs=()))
    assert message(check_network, none) == "wrong number of inputs\n  where:    BatchNorm 1 (BatchNorm2d)\n  got:      0"
    one = real(add=replace(node("3"), inputs=("3.a",)))
    assert message(check_network, one) == "wrong number of inputs\n  where:    Add 3\n  got:      1"
    fed = real(input=replace(first, inputs=("input",)))
    assert message(check_network, fed).startswith("an input is used before it is defined\n  where:    Input the sample")
    second = Network(2, (first, replace(first, name="again", inputs=("input",)), *every_real_kind().nodes[1:]))
    assert message(check_network, second) == (
        "a network has one input and one readout\n  where:    Input the sample\n  got:      Input"
    )
    early = Network(2, (*every_real_kind().nodes[:-1], Readout("early", ("6",), (4,)), readout))
    assert (
        message(check_network, early) == "a network has one input and one readout\n  where:    Readout early\n  got:      Readout"
    )


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("0", (3, 6, 5), "(3, 6, 5), expected (3, 6, 6)"),
        ("1", (3, 6), "(3, 6), expected (3, 6, 6)"),
        ("2", (3, 36), "(3, 36), expected (3, 6, 6)"),
        ("3.a", (3, 2, 3), "(3, 2, 3), expected (3, 3, 3)"),
        ("3.b", (3, 3, 2), "(3, 3, 2), expected (3, 3, 3)"),
        ("3", (1, 3, 3), "(1, 3, 3), expected (3, 3, 3)"),
        ("5", (3, 9), "(3, 9), expected (27,)"),
        ("6", (5,), "(5,), expected (4,)"),
        ("out", (1,), "(1,), expected (4,)"),
    ],
)
def test_shapes_are_those_of_the_equations(name: str, shape: tuple[int, ...], expected: str) -> None:
    net = every_real_kind()
    broken = Network(2, tuple(replace(n, shape=shape) if n.name == name else n for n in net.nodes))
    found = message(check_network, broken)
    assert found.startswith("the shape is not that of the equation\n  where:    ")
    assert found.endswith(f"  got:      {expected}")


CHECK = "\n  do:       check the layer before it, or the shape of the sample"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"conv": replace(node("0"), weight=np.ones((3, 4, 3, 3)))},
            "the number of channels does not fit the weights\n  where:    0 (Conv2d)\n"
            "  got:      2 channels\n  expected: 4 channels",
        ),
        (
            {"conv": replace(node("0"), groups=2)},
            "the number of channels does not fit the weights\n  where:    0 (Conv2d)\n"
            "  got:      2 channels\n  expected: 4 channels",
        ),
        (
            {"conv": replace(node("0"), window=Window((3, 3), dilation=(4, 4)))},
            "the kernel does not fit into the image\n  where:    0 (Conv2d)\n  got:      6x6\n  expected: at least (3, 3)",
        ),
        (
            {"average": replace(node("3.a"), window=Window((7, 2)))},
            "the kernel does not fit into the image\n  where:    3.a\n  got:      6x6\n  expected: at least (7, 2)",
        ),
        (
            {"norm": replace(node("1"), scale=np.ones(2), shift=np.ones(2))},
            "the number of channels does not fit the normalisation\n  where:    1 (BatchNorm2d)\n  got:      3\n  expected: 2",
        ),
        (
            {"lnm": replace(node("2"), coefficients=np.ones((2, 2)), source="2 (LNM)")},
            "the neuron has constants for another number of channels\n  where:    2 (LNM)\n  got:      2\n  expected: 3",
        ),
        (
            {"linear": replace(node("6"), weight=np.ones((4, 26)))},
            "the number of features does not fit the weights\n  where:    6\n  got:      [27]\n  expected: [26]",
        ),
        (
            {"linear": replace(node("6"), inputs=("4",))},
            "the number of features does not fit the weights\n  where:    6\n  got:      [3, 3, 3]\n  expected: [27]",
        ),
        (
            {"add": replace(node("3"), inputs=("3.a", "2"))},
            "the branches of an addition differ in shape\n  where:    3\n  got:      [3, 6, 6]\n  expected: [3, 3, 3]",
        ),
        (
            {
                "average": replace(node("3.a"), inputs=("3.f",)),
                "add": None,
                "largest": replace(node("5"), name="3.f", inputs=("2",)),
            },
            "an input is used before it is defined\n  where:    AvgPool2d 3.a\n  got:      3.f",
        ),
        (
            {"out": replace(node("out"), inputs=("3",))},
            "the network must end in one value per class\n  where:    out\n  got:      [3, 3, 3]\n  expected: [classes]",
        ),
    ],
    ids=["channels", "groups", "dilation", "pool", "norm", "neuron", "features", "image", "branches", "undefined", "readout"],
)
def test_what_enters_fits_the_parameters(changes: dict[str, Any], expected: str) -> None:
    kind: type[Snn2hwError] = RuleError if expected.startswith("an input") else ShapeError
    assert message(check_network, real(**changes), kind) == expected + (CHECK if kind is ShapeError else "")


def test_a_convolution_needs_an_image() -> None:
    first, flatten = node("input"), replace(node("5"), name="flat", inputs=("input",), shape=(72,))
    net = Network(2, (first, flatten, replace(node("0"), inputs=("flat",)), node("out")))
    assert message(check_network, net, ShapeError) == (
        "an image [C, H, W] was expected\n  where:    0 (Conv2d)\n  got:      [72]\n  expected: 3 axes" + CHECK
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "parameter"), [("0", "weight"), ("0", "bias"), ("1", "scale"), ("2", "coefficients"), ("6", "bias")]
)
def test_every_parameter_is_finite(name: str, parameter: str, value: float) -> None:
    broken = getattr(node(name), parameter).copy()
    broken.flat[1] = value
    net = every_real_kind()
    nodes = tuple(replace(n, **{parameter: broken}, source="here") if n.name == name else n for n in net.nodes)
    assert message(check_network, Network(2, nodes), ValueRangeError) == (
        f"'{parameter}' holds NaN or Inf\n  where:    here\n  got:      1 of {broken.size} values\n  expected: finite numbers\n"
        "  do:       train again with a smaller learning rate, or load another checkpoint"
    )


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("2", {"gain": float("nan")}),
        ("2", {"reset_value": float("inf")}),
        ("2", {"state_range": (-4.0, float("inf"))}),
        ("4", {"firing": Circulate((float("nan"), 0.5), (1.0, 0.5), signed=True)}),
        ("input", {"hi": float("inf")}),
    ],
    ids=["gain", "reset_value", "state_range", "threshold", "input range"],
)
def test_every_number_that_is_no_array_is_finite_too(name: str, changes: dict[str, Any]) -> None:
    nodes = tuple(replace(n, **changes) if n.name == name else n for n in every_real_kind().nodes)
    assert "NaN or Inf" in message(check_network, Network(2, nodes), ValueRangeError)


@pytest.mark.parametrize(
    ("name", "parameter", "length"), [("0", "bias", 1), ("0", "bias", 4), ("6", "bias", 1), ("1", "shift", 1)]
)
def test_every_channel_has_its_bias(name: str, parameter: str, length: int) -> None:
    nodes = tuple(replace(n, **{parameter: np.ones(length)}) if n.name == name else n for n in every_real_kind().nodes)
    message(check_network, Network(2, nodes), ShapeError)


def test_a_pooling_window_sees_more_than_padding() -> None:
    pool = MaxPool2d("pool", ("in",), (1, 5, 5), window=Window((2, 2), (1, 1), (2, 2)), source="here")
    with pytest.raises(ShapeError) as error:
        pool.output_shape([(1, 2, 2)])
    assert str(error.value) == (
        "a pooling window would see padding only\n  where:    here\n  got:      padding 2\n  expected: at most 1\n"
        "  do:       check the layer before it, or the shape of the sample"
    )

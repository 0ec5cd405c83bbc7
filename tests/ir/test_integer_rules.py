from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import RuleError, ShapeError
from snn2hw.gate import MOST_STEPS
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.program_text import program_from_text
from snn2hw.ir.rules import check_integer
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    IntAdd,
    IntConv2d,
    IntFlatten,
    IntLinear,
    IntMaxPool2d,
    IntSumPool2d,
)
from snn2hw.num import Format, Interval
from tests.ir.test_text import every_real_kind
from tests.refused import message

INT32_MAX = 2**31 - 1


PROGRAM = """program IF
  u = state lo=-512 hi=511 initial=0 : s10.3 proved
  x = input lo=-600 hi=600 : s11.3 proved
  sum = add u x : s12.3 proved
  h = clamp sum lo=-512 hi=511 : s10.3 saturate
  theta = param values=[100] : u7.3 proved
  fired = ge h theta : u1.0 proved
  lowered = sub h theta : s11.3 proved
  after = select fired lowered h : s10.3 proved
  u_next = output after to=u : s10.3 proved
  spikes = output fired to=spikes : u1.0 proved
"""
SPIKE = {"format": Format(1, 0, False), "interval": Interval(0, 1)}


def integer_nodes() -> dict[str, IntNode]:
    """A legal network with every kind of integer node."""
    nodes: list[IntNode] = [
        IntInput("in", (), (1, 4, 4), Format(8, 0, False), Interval(0, 100), unit=1.0, static=True, counts=False),
        IntConv2d(
            "conv", ("in",), (2, 4, 4), Format(11, 3), Interval(-500, 500), weight=np.array([[[[4]]], [[[-5]]]], np.int8),
            bias=np.array([7, 0], np.int32), window=Window((1, 1)), groups=1, source="0 (Conv2d)",
        ),
        IntNeuron("if", ("conv",), (2, 4, 4), program=program_from_text(PROGRAM), **SPIKE),
        IntSumPool2d("sum", ("if",), (2, 2, 2), Format(3, 0, False), Interval(0, 4), window=Window((2, 2), stride=(2, 2))),
        IntMaxPool2d("max", ("if",), (2, 2, 2), window=Window((2, 2), stride=(2, 2)), **SPIKE),
        IntAdd("add", ("sum", "max"), (2, 2, 2), Format(4, 0, False), Interval(0, 5), shifts=(0, 0)),
        IntFlatten("flat", ("add",), (8,), Format(4, 0, False), Interval(0, 5)),
        IntLinear(
            "linear", ("flat",), (3,), Format(8, 5), Interval(-80, 80), weight=np.full((3, 8), -2, np.int8),
            bias=np.zeros(3, np.int32),
        ),
        IntReadout("out", ("linear",), (3,), Format(8, 5), Interval(-80, 80)),
    ]  # fmt: skip
    return {n.name: n for n in nodes}


def changed(name: str = "", steps: int = 4, **fields: Any) -> IntegerNetwork:
    nodes = integer_nodes()
    if name:
        nodes[name] = replace(nodes[name], **fields)
    return IntegerNetwork(steps, "generic", tuple(nodes.values()))


def test_a_legal_integer_network() -> None:
    check_integer(changed())


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        (
            "conv",
            {"interval": Interval(-499, 500)},
            "the value can leave its declared interval\n  where:    IntConv2d 0 (Conv2d)\n  got:      [-500, 407] in [-499, 500]",
        ),
        (
            "sum",
            {"interval": Interval(0, 3)},
            "the value can leave its declared interval\n  where:    IntSumPool2d sum\n  got:      [0, 4] in [0, 3]",
        ),
        (
            "max",
            {"interval": Interval(1, 1)},
            "the value can leave its declared interval\n  where:    IntMaxPool2d max\n  got:      [0, 1] in [1, 1]",
        ),
        (
            "add",
            {"interval": Interval(0, 4)},
            "the value can leave its declared interval\n  where:    IntAdd add\n  got:      [0, 5] in [0, 4]",
        ),
        (
            "flat",
            {"interval": Interval(0, 4)},
            "the value can leave its declared interval\n  where:    IntFlatten flat\n  got:      [0, 5] in [0, 4]",
        ),
        (
            "linear",
            {"interval": Interval(-79, 80)},
            "the value can leave its declared interval\n  where:    IntLinear linear\n  got:      [-80, 0] in [-79, 80]",
        ),
        (
            "if",
            {"interval": Interval(0, 0)},
            "the value can leave its declared interval\n  where:    IntNeuron if\n  got:      [0, 1] in [0, 0]",
        ),
        (
            "out",
            {"interval": Interval(-80, 79)},
            "the value can leave its declared interval\n  where:    IntReadout out\n  got:      [-80, 80] in [-80, 79]",
        ),
        (
            "in",
            {"interval": Interval(0, 2**31), "format": Format(40, 0)},
            "a value between layers must keep within int32\n  where:    IntInput in\n  got:      [0, 2147483648]",
        ),
        (
            "in",
            {"interval": Interval(-(2**31), 0), "format": Format(40, 0)},
            "a value between layers must keep within int32\n  where:    IntInput in\n  got:      [-2147483648, 0]",
        ),
        (
            "in",
            {"format": Format(6, 0, False)},
            "the declared interval does not fit the format\n  where:    IntInput in\n  got:      [0, 100] in u6.0",
        ),
        (
            "conv",
            {"format": Format(9, 3)},
            "the declared interval does not fit the format\n  where:    IntConv2d 0 (Conv2d)\n  got:      [-500, 500] in s9.3",
        ),
        (
            "conv",
            {"weight": np.array([[[[4]]], [[[-5]]]], np.int16)},
            "weights are int8 and biases int32\n  where:    IntConv2d 0 (Conv2d)\n  got:      int16, int32",
        ),
        (
            "linear",
            {"bias": np.zeros(3, np.int64)},
            "weights are int8 and biases int32\n  where:    IntLinear linear\n  got:      int8, int64",
        ),
        (
            "linear",
            {"weight": np.array([[127, -127] * 4] * 3, np.int8), "bias": np.array([2**31 - 600] * 3, np.int32),
             "interval": Interval(-INT32_MAX, INT32_MAX), "format": Format(32, 5)},
            "a partial sum can leave int32\n  where:    IntLinear linear\n  got:      up to 2147488128",
        ),
        (
            "linear",
            {"weight": np.array([[127, -127] * 4] * 3, np.int8), "bias": np.array([2**31 - 2600] * 3, np.int32),
             "interval": Interval(-INT32_MAX, INT32_MAX), "format": Format(32, 5)},
            "a partial sum can leave int32\n  where:    IntLinear linear\n  got:      up to 2147486128",
        ),
        (
            "max",
            {"format": Format(1, 1, False)},
            "the binary point must be that of the input\n  where:    IntMaxPool2d max\n  got:      u1.1 after u1.0",
        ),
        (
            "flat",
            {"format": Format(4, 1, False)},
            "the binary point must be that of the input\n  where:    IntFlatten flat\n  got:      u4.1 after u4.0",
        ),
        (
            "out",
            {"format": Format(8, 4)},
            "the binary point must be that of the input\n  where:    IntReadout out\n  got:      s8.4 after s8.5",
        ),
        (
            "add",
            {"shifts": (1, 0), "interval": Interval(0, 9)},
            "the branches are not brought to one binary point\n  where:    IntAdd add\n  got:      ['u3.0', 'u1.0'] << (1, 0)",
        ),
        (
            "add",
            {"format": Format(4, 1, False)},
            "the branches are not brought to one binary point\n  where:    IntAdd add\n  got:      ['u3.0', 'u1.0'] << (0, 0)",
        ),
        (
            "add",
            {"shifts": (-1, -1), "format": Format(4, -1, False)},
            "the branches are not brought to one binary point\n  where:    IntAdd add\n  got:      ['u3.0', 'u1.0'] << (-1, -1)",
        ),
        (
            "if",
            {"program": program_from_text(PROGRAM.replace("lo=-600 hi=600", "lo=-499 hi=600"))},
            "the synaptic sum can leave what the program declares\n  where:    IntNeuron if\n"
            "  got:      [-500, 500] in [-499, 600]",
        ),
        (
            "conv",
            {"format": Format(11, 2)},
            "the program's binary points are not those of its edges\n  where:    IntNeuron if\n  got:      s11.3 after s11.2",
        ),
        (
            "if",
            {"format": Format(2, 1, False)},
            "the program's binary points are not those of its edges\n  where:    IntNeuron if\n  got:      s11.3 after s11.3",
        ),
    ],
)  # fmt: skip
def test_rules_of_a_node(name: str, fields: dict[str, Any], expected: str) -> None:
    assert message(check_integer, changed(name, **fields)) == expected


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            "theta = param values=[100] : u7.3",
            "theta = param values=[100] : u6.3",
            "the result lies in [100, 100], its format holds [0, 63]",
        ),
        ("fired = ge h theta", "fired = ge h nobody", "'nobody' is used before it is defined"),
        ("  spikes = output fired to=spikes : u1.0 proved\n", "", "a program has one output 'spikes' and one per state"),
        ("  x = input lo=-600 hi=600 : s11.3 proved", "  x = const value=5 : s11.3 proved", "a program has exactly one input"),
    ],
    ids=["format", "undefined", "no spikes", "no input"],
)
def test_the_rules_of_programs_hold_in_a_network(old: str, new: str, what: str) -> None:
    """A program that breaks its own rules is a RuleError of its layer, whatever else is asked of the layer."""
    assert PROGRAM.count(old) == 1
    found = message(check_integer, changed("if", program=program_from_text(PROGRAM.replace(old, new)), source="1 (IF)"))
    assert found.startswith(f"{what}\n  where:    1 (IF): program IF\n  got:      ")


@pytest.mark.parametrize("length", [1, 4])
def test_every_row_of_weights_has_a_bias(length: int) -> None:
    with pytest.raises((RuleError, ShapeError)):
        check_integer(changed("linear", bias=np.zeros(length, np.int32)))


def test_the_readout_keeps_within_int32_over_all_steps() -> None:
    reached = 10**6
    most = INT32_MAX // reached
    wide = {"format": Format(21, 5), "interval": Interval(-reached, reached)}

    def after(steps: int) -> IntegerNetwork:
        nodes = integer_nodes()
        nodes["linear"] = replace(nodes["linear"], bias=np.full(3, reached, np.int32), **wide)
        nodes["out"] = replace(nodes["out"], **wide)
        return IntegerNetwork(steps, "generic", tuple(nodes.values()))

    check_integer(after(most))
    assert message(check_integer, after(most + 1)) == (
        "the readout's sum over all steps must keep within int32\n  where:    IntReadout out\n"
        f"  got:      [{-reached * (most + 1)}, {reached * (most + 1)}]\n"
        f"  do:       fewer state bits (--state-bits) or fewer steps than {most + 1}"
    )


def test_a_network_has_no_more_steps_than_an_executor_takes() -> None:
    check_integer(changed(steps=MOST_STEPS))
    assert message(check_integer, changed(steps=MOST_STEPS + 1)) == (
        f"a network has too many steps\n  got:      T = {MOST_STEPS + 1:,}\n  expected: at most {MOST_STEPS:,}\n"
        "  do:       use fewer"
    )


@pytest.mark.parametrize("steps", [0, -1])
def test_a_network_has_at_least_one_step(steps: int) -> None:
    message(check_integer, changed(steps=steps))


def test_padding_counts_as_zeros_in_a_sum_and_not_in_a_maximum() -> None:
    """Inputs of 5 to 9: with padding the least sum of a window of 2x2 is 0 * 4; a maximum never sees the padding."""
    source = IntInput("in", (), (1, 2, 2), Format(4, 0, False), Interval(5, 9), unit=1.0, static=True, counts=False)
    window = Window((2, 2), padding=(1, 1))
    for kind, interval in ((IntSumPool2d, Interval(0, 36)), (IntMaxPool2d, Interval(5, 9))):
        for shown, legal in (
            (interval, True),
            (Interval(interval.lo + 1, interval.hi), False),
            (Interval(interval.lo, interval.hi - 1), False),
        ):
            pooled: IntNode = kind("pool", ("in",), (1, 3, 3), Format(6, 0, False), shown, window=window)
            flat = IntFlatten("flat", ("pool",), (9,), Format(6, 0, False), shown)
            net = IntegerNetwork(
                1, "generic", (source, pooled, flat, IntReadout("out", ("flat",), (9,), Format(6, 0, False), shown))
            )
            if legal:
                check_integer(net)
            else:
                assert message(check_integer, net).startswith("the value can leave its declared interval")


def test_the_graph_rules_hold_for_integers_too() -> None:
    nodes = integer_nodes()
    assert message(check_integer, IntegerNetwork(1, "generic", tuple(nodes.values())[1:])).startswith(
        "a network starts with its input"
    )
    assert message(check_integer, changed("flat", shape=(4, 2))) == (
        "the shape is not that of the equation\n  where:    IntFlatten flat\n  got:      (4, 2), expected (8,)"
    )


def test_a_real_network_is_no_integer_network() -> None:
    net: Any = every_real_kind()
    assert message(check_integer, IntegerNetwork(2, "generic", net.nodes)).startswith("a network starts with its input")

"""The equation that a layer states beside its program: read as it was written, and refused where it is another's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import RuleError
from snn2hw.ir.document import from_json, to_json
from snn2hw.ir.equations import MOST_TERMS
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.rules import check_integer
from snn2hw.ir.text import to_text
from snn2hw.neurons.equation import Op, State, Term
from tests.refused import refused

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def net() -> IntegerNetwork:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.CubaLIF(0.9, 0.8), nn.Linear(3, 2)).eval()
    events = (torch.rand(3, 2, 4) < 0.5).float()
    return snn2hw.compile(model, events).network


def layer(net: IntegerNetwork) -> IntNeuron:
    (node,) = (n for n in net.neurons if n.equation)
    return node


def test_the_equation_is_in_the_file_and_comes_back(net: IntegerNetwork) -> None:
    text, arrays = to_json(net)
    assert layer(from_json(text, arrays)).equation == layer(net).equation
    assert text.count('"EquationMeaning"') == 1


def test_a_layer_without_one_says_nothing_of_it(net: IntegerNetwork) -> None:
    """So the files of built-in neurons are what they were."""
    nodes = tuple(replace(n, equation=None) if isinstance(n, IntNeuron) else n for n in net.nodes)
    assert '"equation"' not in to_json(replace(net, nodes=nodes))[0]


def test_it_is_printed_line_by_line(net: IntegerNetwork) -> None:
    assert "\n  equation CubaLIF\n    v in [-4, 4], initially 0\n" in to_text(net)[0]


def changed(net: IntegerNetwork, **fields: Any) -> IntegerNetwork:
    node = layer(net)
    assert node.equation is not None
    other = replace(node, equation=replace(node.equation, **fields))
    return replace(net, nodes=tuple(other if n is node else n for n in net.nodes))


def test_what_is_not_of_this_layer_is_refused(net: IntegerNetwork) -> None:
    meaning = layer(net).equation
    assert meaning is not None
    equation, values = meaning.equation, meaning.values
    at = next(n for n, v in enumerate(values) if v is not None)
    terms = (*equation.terms, *[Term(Op.INPUT)] * MOST_TERMS)
    wrong: list[tuple[dict[str, Any], str, str]] = [
        ({"equation": replace(equation, terms=terms), "values": (*values, *[None] * MOST_TERMS)},
         f"an equation has {MOST_TERMS} terms at most", str(len(terms))),
        ({"equation": replace(equation, states=(State("u", (0.0, 1.0), 0.0), equation.states[1]))},
         "an equation has the states of its program", "['u', 'i'], program ['v', 'i']"),
        ({"values": values[1:]}, "an equation names one value, or none, for each term", f"{len(values) - 1} for {len(values)}"),
        ({"values": (*values[:at], "nothing", *values[at + 1 :])}, "a term is a value of the program", "'nothing'"),
        ({"values": (*values[:at], "spikes", *values[at + 1 :])}, "a term is a value of the program", "'spikes'"),
        ({"parameters": meaning.parameters[1:]}, "an equation is given every number that it names",
         f"{len(meaning.parameters) - 1}"),
        ({"input_scale": (1.0, 2.0)}, "a number of an equation is one, or one for each of 3 channels", "(1.0, 2.0)"),
        ({"input_scale": (float("nan"),)}, "a number of an equation is one, or one for each of 3 channels", "(nan,)"),
    ]  # fmt: skip
    for fields, broken, got in wrong:
        with refused(RuleError, f"{broken}\n  where:    IntNeuron 1 (CubaLIF)\n  got:      {got}"):
            check_integer(changed(net, **fields))

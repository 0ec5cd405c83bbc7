"""Every operation has a row in every table, and what a step remembers is as little as there can be."""

from __future__ import annotations

import pytest

from snn2hw.neurons import in_numpy
from snn2hw.neurons.equation import ROWS, SOURCES, Builder, Equation, Op, State
from snn2hw.neurons.in_c import EXPRESSIONS, LAYER, RECTANGLE, backwards, forwards
from snn2hw.neurons.library import Member, argument, equation, membrane
from snn2hw.neurons.plan import Plan, planned
from snn2hw.neurons.remembered import remembered
from snn2hw.neurons.reverse import DERIVATIVE

FAMILY = {
    "LIF": Member(1),
    "LNM": Member(3, reset="value"),
    "circulates": Member(2, amplitudes=(1.0, 0.5, -1.0), signed=True, scheduled=True),
    "never fires": Member(2, amplitudes=()),
}


def all_sources(made: Equation) -> frozenset[int]:
    return frozenset(n for n, t in enumerate(made.terms) if t.op in SOURCES)


def test_every_operation_has_a_row_in_every_table() -> None:
    assert set(ROWS) == set(Op)
    for table in (in_numpy.MEANING, EXPRESSIONS, DERIVATIVE):
        assert set(table) == set(Op) - SOURCES


@pytest.mark.parametrize("name", FAMILY)
def test_the_family_remembers_its_membrane(name: str) -> None:
    made = equation(FAMILY[name])
    assert remembered(made, all_sources(made), membrane(made), False) == (membrane(made),)


def test_where_the_input_enters_first_the_argument_of_the_polynomial_would_do() -> None:
    made = equation(Member(3, input_first=True))
    assert made.terms[argument(made)].op is made.terms[membrane(made)].op is Op.CLAMP
    assert remembered(made, all_sources(made), membrane(made), False) == (argument(made),)


def coupled(gain: bool) -> Equation:
    """v = v + w + x, w = w + v (the new one); gain: x times a number that is learned."""
    b = Builder("Coupled", (State("v", (-1.0, 1.0), 0.0), State("w", (-1.0, 1.0), 0.0)))
    x = b.emit(Op.INPUT)
    x = b.emit(Op.MUL, x, b.parameter("gain")) if gain else x
    w = b.emit(Op.STATE, attrs=("w",))
    v = b.emit(Op.ADD, b.emit(Op.ADD, b.emit(Op.STATE, attrs=("v",)), w), x)
    return b.equation(b.emit(Op.FIRE, v, b.constant(0.5), attrs=(False,)), [v, b.emit(Op.ADD, w, v)])


def test_what_a_derivative_reads_of_the_input_is_remembered() -> None:
    plain, with_gain = coupled(False), coupled(True)
    assert remembered(plain, all_sources(plain), None, True) == plain.updates
    kept = remembered(with_gain, all_sources(with_gain), None, True)
    assert len(kept) == 3
    assert Op.INPUT in {with_gain.terms[place].op for place in kept}
    assert planned(plain, frozenset(), records=False).saved == ()


def test_sources_in_c_differ_in_form_only() -> None:
    """Numbers of the equation are given to a kernel, they do not stand in its text."""
    texts = set()
    for reset_value, lo in ((0.25, -4.0), (-0.5, -1.0)):
        made = equation(Member(2, (lo, 4.0), reset="value", reset_value=reset_value))
        plan = Plan(made, membrane(made), False, frozenset({0, 1}), (membrane(made),))
        kinds = (LAYER,) * len(made.parameters)
        back = backwards(plan, kinds, RECTANGLE, False, True)
        assert lo in back.numbers
        assert reset_value in forwards(plan, kinds, False).numbers
        texts.add(forwards(plan, kinds, False).text + back.text)
        assert "@" not in back.text
    assert len(texts) == 1

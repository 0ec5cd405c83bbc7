"""Equations as JSON: every one comes back as it was, and what is none is named."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from snn2hw.neurons.document import from_document, to_document
from snn2hw.neurons.equation import Equation, Op, State, Term
from snn2hw.neurons.normal import normal
from tests.random_equations import make_neuron, neuron_source

EVERY = Equation(
    "Every",
    (State("v", (-1.0, 0.5), 0.1), State("w", (0.0, 3.0), 0.0, saturates=False)),
    (
        *(Term(Op.INPUT), Term(Op.STATE, (), ("v",)), Term(Op.STATE, (), ("w",)), Term(Op.PARAMETER, (), (0,))),
        *(Term(Op.CONSTANT, (), (0.1,)), Term(Op.ADD, (0, 1)), Term(Op.SUB, (5, 2)), Term(Op.NEG, (6,)), Term(Op.MUL, (7, 3))),
        *(Term(Op.MIN, (8, 2)), Term(Op.MAX, (9, 4)), Term(Op.CLAMP, (10,), (-0.5, 0.25)), Term(Op.GE, (11, 4))),
        *(Term(Op.GT, (11, 2)), Term(Op.FIRE, (11, 3), (True,)), Term(Op.NOT, (13,)), Term(Op.SELECT, (12, 11, 1))),
        *(Term(Op.POLYNOMIAL, (16, 4, 3, 4)), Term(Op.DETACH, (14,)), Term(Op.SCHEDULE, (), (1,))),
        Term(Op.DIV, (8, 3, 4)),
    ),
    18,
    (17, 19),
    ("k", "theta"),
)


def again(equation: Equation) -> Equation:
    return from_document(json.loads(json.dumps(to_document(equation))))


def test_every_operation_comes_back() -> None:
    assert {t.op for t in EVERY.terms} == set(Op)
    assert again(EVERY) == EVERY


@pytest.mark.torch
def test_random_equations_come_back_in_both_forms() -> None:
    for seed in range(40):
        traced = make_neuron(neuron_source(seed), 3).trace(3).equation
        for equation in (traced, normal(traced)):
            assert again(equation) == equation
            assert str(again(equation)) == str(equation)


def test_the_line_in_which_a_term_was_written_stays_at_home() -> None:
    term = Term(Op.INPUT, line="/home/somebody/neurons.py:12")
    written = json.dumps(to_document(Equation("K", (State("v", (0.0, 1.0), 0.0),), (term,), 0, (0,))))
    assert "somebody" not in written


def _set(place: int, **fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda said: said["terms"][place].update(fields)


def _range(*ends: float) -> Callable[[dict[str, Any]], None]:
    return lambda said: said["states"][0].update(range=[*ends])


WRONG: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "an unknown operation": (_set(5, op="sqrt"), "unknown term {'op': 'sqrt'"),
    "an attribute too many": (_set(5, line="x"), "an object with the fields op, args, line, expected op, args"),
    "a later argument": (_set(5, args=[5, 1]), "term 5 (add) takes (5, 1), not 2 earlier terms"),
    "an argument that is none": (_set(5, args=[0, True]), "'args' is 'True', expected int"),
    "two arguments for one": (_set(7, args=[5, 6]), "term 7 (neg) takes (5, 6), not 1 earlier terms"),
    "a state that is not declared": (_set(1, name="u"), "term 1 is the state 'u', which is not declared"),
    "a parameter that is not named": (_set(3, index=2), "term 3 is parameter 2 of 2"),
    "a number without end": (_set(4, value=float("inf")), "'value' is 'inf', expected float"),
    "a number that is an integer": (_set(4, value=1), "'value' is '1', expected float"),
    "a polynomial without coefficients": (_set(17, args=[16]), "a polynomial has no coefficients"),
    "an output that is not there": (lambda said: said.update(output=21), "there is no term 21"),
    "an update too few": (lambda said: said.update(updates=[17]), "1 updates for 2 states"),
    "two states of one name": (lambda said: said["states"][1].update(name="v"), "two states have one name: v, v"),
    "a range the wrong way round": (_range(1.0, -1.0), "the state 'v' has the range (1.0, -1.0)"),
    "a range of three": (_range(1.0, 2.0, 3.0), "'range' has 3 values, expected 2"),
    "no object": (lambda said: said.update(states=[1, 2]), "an object with the fields int, expected name, range, initial"),
    "no list": (lambda said: said.update(terms={}), "'terms' is '{}', expected list"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_equation_is_named(what: str) -> None:
    change, says = WRONG[what]
    said = copy.deepcopy(to_document(EVERY))
    change(said)
    with pytest.raises(ValueError, match=re.escape(says)):
        from_document(said)

"""Equations in integers: every operation has its way there, and the built-in family's equations arrive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.family import equation_of
from snn2hw.ir.network import Circulate, Neuron, Reals, Single
from snn2hw.ir.program import SPIKES, declared_interval, values_of
from snn2hw.ir.program import Op as Int
from snn2hw.neurons import in_numpy
from snn2hw.neurons.counter import counted
from snn2hw.neurons.equation import SOURCES, Op
from snn2hw.num import Interval
from snn2hw.passes.equations import Entry, lower_equation
from snn2hw.passes.equations.lowering import _ROWS
from snn2hw.target import load_target

REMOVED = {Op.SUB, Op.NEG, Op.DIV, Op.DETACH}  # by the normal form: factors of -1 and 1 / c, and what only gradients see
CHANNELS, ROWS = 3, 2000
ENTRY = Entry(Interval(-4000, 4000), 11, np.array([2.0**-11]))


def test_every_operation_has_its_way_to_integers() -> None:
    numbers = SOURCES - {Op.INPUT}  # numbers become constants, states are written first, schedules are counted
    assert set(_ROWS) == set(Op) - numbers - REMOVED


def member(degree: int, firing: Single | Circulate, **fields: Any) -> Neuron:
    coefficients = np.zeros((1, degree + 1))
    coefficients[0, :2] = 0.1, 0.75
    coefficients[0, 2:] = 0.02
    given: dict[str, Any] = {
        "kind": "LNM", "coefficients": coefficients, "gain": 1.0, "order": "poly_then_input", "state_range": (-4.0, 4.0),
        "firing": firing, "reset": "subtract", "reset_value": 0.25, "strict": False,
    }  # fmt: skip
    return Neuron("n", ("x",), (CHANNELS,), **{**given, **fields})


MEMBERS = {
    "LIF": member(1, Single(1.0)),
    "strict LNM": member(3, Single(0.75), strict=True, reset="value"),
    "input first": member(2, Single(1.0), order="input_then_poly", reset="none"),
    "circulates": member(1, Circulate((1.0, 0.5, 0.75), (1.0, 0.5, -2.0), signed=True)),
    "circulates to a value": member(2, Circulate((1.0, 0.5), (1.0, 1.0), signed=True), reset="value"),
    "by step, twice": member(1, Circulate((1.0,), (1.0,), signed=False, by_step=(1.0, 0.5, 2.0))),
    "by step": member(1, Circulate((1.0, 0.5), (1.0, 1.0), signed=False, by_step=(1.0, 1.0, 0.5, 2.0))),
}


def test_the_built_in_family_arrives_up_to_rounding() -> None:
    limits = load_target("generic").lowering
    for name, neuron in MEMBERS.items():
        node = equation_of(neuron)
        program = lower_equation(node, ENTRY, limits, 12).program
        plain, parameters = counted(node.equation, node.parameters)
        assert set(program.states) == {s.name for s in plain.states}
        rng = np.random.default_rng(0)
        raw = {s: rng.integers(*_ends(i), (ROWS, CHANNELS), endpoint=True) for s, i in program.states.items()}
        units = {s: 2.0**-i.format.frac for s, i in program.states.items()}
        raw |= {s: (raw[s] * units[s]).round().astype(int) * round(1 / units[s]) for s in raw if s == "n"}
        x = rng.integers(-4000, 4001, (ROWS, CHANNELS))

        def given(i: Any, raw: dict[str, Any] = raw, x: Any = x) -> Any:
            return np.array(values_of(i)) if i.op is Int.PARAM else x if i.op is Int.INPUT else raw[i.name]

        values, out = evaluate(program, given), program.outputs
        states: dict[str, Reals] = {s: raw[s] * units[s] for s in raw}
        fired, after, _ = in_numpy.step(plain, parameters, states, x * 2.0**-11)
        same = values[out[SPIKES].name] * 2.0 ** -out[SPIKES].format.frac == fired
        assert same.mean() > 0.99, name
        for s in raw:
            away = np.abs(values[out[s].name] * units[s] - after[s]) / units[s]
            assert (away[same] <= 4).mean() > 0.998, (name, s)  # near a threshold one level may fire in place of another


def test_the_counter_of_a_schedule_is_a_state_of_the_program() -> None:
    node = equation_of(MEMBERS["by step"])
    assert set(lower_equation(node, ENTRY, load_target("generic").lowering, 12).program.states) == {"u", "n"}
    still = replace(node, parameters=(*node.parameters[:2], np.array([1.0]), np.array([0.5])))
    assert set(lower_equation(still, ENTRY, load_target("generic").lowering, 12).program.states) == {"u"}


def _ends(state: Any) -> tuple[int, int]:
    interval = declared_interval(state)
    return interval.lo, interval.hi

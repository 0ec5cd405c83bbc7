"""The equations of the built-in family: the neuron written out by hand, on random members, to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.ir.family import equation_of
from snn2hw.ir.network import Circulate, Current, EquationNeuron, Neuron, Potential, Reals
from snn2hw.neurons import in_numpy
from snn2hw.neurons.counter import counted
from snn2hw.neurons.equation import Op, problems
from snn2hw.neurons.library import Member, equation
from tests.float_neuron import current_step, neuron_step
from tests.random_neurons import neuron_fields

CHANNELS, SHAPE, STEPS = 3, (2, 3, 4, 5), 7
EDGES = np.arange(-20, 21) / 4  # thresholds and bounds are met exactly


def drawn(seed: int) -> Neuron:
    """A member of the family: any polynomial, firing, reset, schedule; some with a current, some that never fire."""
    rng = np.random.default_rng(seed)
    node = Neuron("n", ("x",), SHAPE[1:], **neuron_fields(rng, CHANNELS))
    if isinstance(node.firing, Circulate) and rng.random() < 0.5:
        factors = rng.choice([0.25, 0.5, 1.0, 1.3, 2.0], int(rng.integers(1, 6)))
        node = replace(node, firing=replace(node.firing, by_step=tuple(factors.tolist())))
    if rng.random() < 0.15:
        node = replace(node, firing=Potential(), reset="none")
    if rng.random() < 0.3:
        node = replace(node, current=Current(rng.uniform(0.1, 0.9, int(rng.choice([1, CHANNELS]))), (-2.0, 1.5)))
    return node


def by_hand(node: Neuron, x: Reals) -> list[tuple[Reals, Reals]]:
    """(payload, u) of every step."""
    u, i, found = np.zeros(SHAPE), np.zeros(SHAPE), []
    for t, now in enumerate(x):
        if node.current is not None:
            now = i = current_step(node, i, now)
        payload, u = neuron_step(node, u, now, t)
        found.append((payload, u))
    return found


def by_equation(node: EquationNeuron, x: Reals) -> list[tuple[Reals, Reals]]:
    states, found = in_numpy.initial(node.equation, SHAPE), []
    for t, now in enumerate(x):
        output, states, free = in_numpy.step(node.equation, node.parameters, states, now, t)
        for state in node.equation.states:
            if not state.saturates:  # it is kept by the equation itself
                np.testing.assert_array_equal(np.clip(free[state.name], *state.range), free[state.name])
        found.append((output, states["u"]))
    return found


def stimulus(seed: int) -> Reals:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((STEPS, *SHAPE)) < 0.5, rng.choice(EDGES, (STEPS, *SHAPE)), rng.normal(0, 2, (STEPS, *SHAPE)))


@pytest.mark.parametrize("chunk", range(4))
def test_the_equation_is_the_neuron_to_the_last_bit(chunk: int) -> None:
    for seed in range(chunk * 100, chunk * 100 + 100):
        node, x = drawn(seed), stimulus(seed)
        made = equation_of(node)
        assert not list(problems(made.equation))
        for expected, got in zip(by_hand(node, x), by_equation(made, x), strict=True):
            np.testing.assert_array_equal(got, expected, err_msg=f"seed {seed}: {node}")


def test_what_is_drawn_reaches_every_setting() -> None:
    nodes = [drawn(seed) for seed in range(400)]
    assert {n.reset for n in nodes} == {"subtract", "value", "none"}
    assert {(n.order, n.strict) for n in nodes} == {(o, s) for o in ("poly_then_input", "input_then_poly") for s in (False, True)}
    assert {n.coefficients.shape[1] for n in nodes} == {2, 3, 4, 5, 6}
    assert any(isinstance(n.firing, Circulate) and len(n.firing.rows) > 3 and n.firing.signed and n.current for n in nodes)
    assert any(isinstance(n.firing, Potential) for n in nodes)


def test_a_schedule_is_a_counter_and_a_choice() -> None:
    found = 0
    for seed in range(200):
        node, x = equation_of(drawn(seed)), stimulus(seed)
        made, parameters = counted(node.equation, node.parameters)
        assert not list(problems(made))
        assert not any(t.op is Op.SCHEDULE for t in made.terms)
        found += "n" in {s.name for s in made.states}
        again = replace(node, equation=made, parameters=parameters)
        np.testing.assert_array_equal(by_equation(again, x), by_equation(node, x))
    assert found > 20


def test_a_schedule_without_a_change_has_no_counter() -> None:
    plain = equation(Member(1, scheduled=True))
    parameters = (np.zeros(1), np.full(1, 0.5), np.array([0.75, 0.75, 0.75]))
    made, numbers = counted(plain, parameters)
    assert made.states == plain.states
    assert [n.tolist() for n in numbers] == [[0.0], [0.5], [0.75]]
    assert counted(made, numbers)[0] is made


def test_a_neuron_of_the_family_is_a_few_terms() -> None:
    assert (
        str(equation(Member(1, kind="LIF")))
        == """\
equation LIF
  u in [-4, 4], initially 0
  t0 = input
  t1 = state name=u
  t2 = parameter a0
  t3 = parameter a1
  t4 = polynomial t1 t2 t3
  t5 = add t4 t0
  t6 = clamp t5 lo=-4.0 hi=4.0
  t7 = parameter theta1
  t8 = fire t6 t7 strict=False
  t9 = mul t8 t7
  t10 = sub t6 t9
  output t8
  u becomes t10
"""
    )

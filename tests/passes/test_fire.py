"""Thresholds that depend on the step, in integers: a counter, a constant for every run of steps, the equation at every step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.backends.reference import step
from snn2hw.errors import WidthError
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.network import Circulate, Neuron
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, initial_value, values_of
from snn2hw.ir.program_text import program_from_text, program_to_text
from snn2hw.trace import Ints
from tests.float_neuron import fire
from tests.golden import Golden
from tests.hand_networks import circulate, compiled, one_neuron
from tests.refused import refused
from tests.roles import counter

BY_STEP = (1.0, 1.0, 0.5, 2.0, 2.0)


def made(by_step: tuple[float, ...], firing: Circulate | None = None, **fields: object) -> Neuron:
    firing = circulate("n", "fc", amplitudes=(1.0, 0.5)).firing if firing is None else firing  # type: ignore[assignment]
    assert isinstance(firing, Circulate)
    return replace(circulate("n", "fc"), firing=replace(firing, by_step=by_step), **fields)  # type: ignore[arg-type]


def lowered(neuron: Neuron, state_bits: int = 12) -> Program:
    (node,) = compiled(one_neuron(neuron), state_bits=state_bits).network.neurons
    return node.program


def test_the_program_of_a_small_neuron_with_thresholds_by_step(golden: Golden) -> None:
    program = lowered(made(BY_STEP))
    assert program_from_text(golden("circulate_by_step.txt", program_to_text(program))) == program


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("reset", ["subtract", "value", "none"])
@pytest.mark.parametrize("order", ["poly_then_input", "input_then_poly"])
@pytest.mark.parametrize(
    "firing",
    [
        Circulate((1.0, 1.0, 1.0), (1.0, 1.0, 1.0), True),
        Circulate((0.75, 1.5), (1.0, 0.5), True),
        Circulate((0.5, 0.5), (1.0, 1.0), False),
        Circulate((1.0,), (1.0,), False),
    ],
)
@pytest.mark.parametrize("by_step", [BY_STEP, (0.25, 16.0), pytest.param((4.0, 3.0, 2.0, 1.0), marks=pytest.mark.slow)])
def test_at_every_step_it_fires_as_the_equation(
    by_step: tuple[float, ...], firing: Circulate, order: str, reset: str, strict: bool
) -> None:
    """Every state with three inputs at seven steps; thresholds beyond the state range, too."""
    fields = {"order": order, "reset": reset, "strict": strict, "reset_value": -0.25, "state_range": (-4.0, 4.0)}
    neuron = made(by_step, firing, **fields)
    program = lowered(neuron)
    state, entry = program.states["u"], program.input
    unit, payload_unit = 2.0**-state.format.frac, 2.0**-program.payload.frac
    u = np.arange(declared_interval(state).lo, declared_interval(state).hi + 1)[None, None]
    held, count, fired = declared_interval(entry), np.zeros_like(u), set[float]()
    for t in range(7):
        for x in (held.lo, 0, held.hi):
            payload, after = step(program, np.full_like(u, x), {"u": u, counter(program): count})
            h = membrane(program, u, x) * unit
            expected, left, any_level = fire(neuron, h, t)
            held_value = {"subtract": left, "none": h, "value": np.where(any_level, -0.25, h)}[reset]
            np.testing.assert_array_equal(payload * payload_unit, expected)
            np.testing.assert_array_equal(after["u"] * unit, held_value)
            fired |= {*np.unique(expected).tolist()}
        count = after[counter(program)]
    assert len(fired) > 1


def membrane(program: Program, u: Ints, x: int) -> Ints:
    """h of every state u; the count has no part in it."""

    def sources(i: Instruction) -> Ints:
        return np.asarray(values_of(i)) if i.op is Op.PARAM else u if i.op is Op.STATE else np.asarray(x)

    return np.broadcast_to(evaluate(program, sources)["h"], u.shape)


def test_the_counter_starts_at_0_and_stays_at_the_last_change() -> None:
    program = lowered(made(BY_STEP))
    n = program.states[counter(program)]
    assert (declared_interval(n).lo, declared_interval(n).hi, initial_value(n)) == (0, 3, 0)
    u = np.zeros((1, 1), np.int64)
    states, seen = {"u": u, n.name: u}, list[int]()
    for _ in range(6):
        seen.append(int(states[n.name][0, 0]))
        _, states = step(program, u, states)
    assert seen == [0, 1, 2, 3, 3, 3]


def test_one_constant_for_every_run_of_equal_thresholds() -> None:
    constants = [i.name for i in lowered(made(BY_STEP)).of(Op.PARAM) if i.name.startswith("threshold")]
    assert constants == ["threshold_from0", "threshold_from2", "threshold_from3"]
    firing = Circulate((1.0, 0.002), (1.0, 1.0), False)  # the second is one unit at every step
    constants = [i.name for i in lowered(made((1.0, 0.9, 1.1), firing)).of(Op.PARAM) if i.name.startswith("threshold")]
    assert constants == ["threshold1_from0", "threshold1_from1", "threshold1_from2", "threshold2"]


@pytest.mark.parametrize("by_step", [(1.0,), (1.0, 1.0, 1.0), (1.0, 1.0001)])
def test_without_a_change_the_program_is_that_without_a_schedule(by_step: tuple[float, ...]) -> None:
    assert program_to_text(lowered(made(by_step))) == program_to_text(lowered(made(())))


def test_one_factor_for_all_steps_is_another_threshold() -> None:
    twice = replace(made(()), firing=Circulate((2.0, 2.0), (1.0, 0.5), True))
    assert program_to_text(lowered(made((2.0,)))) == program_to_text(lowered(twice))
    assert not counter(lowered(made((2.0, 2.0))))


def test_a_threshold_that_vanishes_at_a_step_is_refused() -> None:
    with refused(
        WidthError,
        """
        a threshold is finer than the state can tell
          where:    n (CirculateFiring)
          got:      threshold 0.0001 at step 2
          expected: at least 0.00390625, one unit of a state with 8 fractional bits
          do:       use more state bits, a smaller state_range or a larger threshold
        """,
    ):
        lowered(made((1.0, 2.0, 0.0001, 3.0)))


def test_a_range_from_0_holds_without_any_comparison_known() -> None:
    """Where the least threshold is far from the largest, and the state has no room below 0."""
    firing = Circulate((0.5, 0.25), (1.0, 1.0), False)
    program = lowered(made((0.1, 30.0, 1.0), firing, state_range=(0.0, 2.0)), state_bits=10)
    assert declared_interval(program.states["u"]).lo == 0

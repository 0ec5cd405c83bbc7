from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from snn2hw.backends.reference import step
from snn2hw.errors import WidthError
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Neuron, Reals
from snn2hw.ir.program import SPIKES, Instruction, Op, Program, declared_interval, values_of
from snn2hw.ir.program_text import program_from_text, program_to_text
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.passes.state import StateFormat, state_format
from snn2hw.target import Target
from tests.float_neuron import fire, polynomial
from tests.golden import Golden
from tests.hand_networks import circulate, events, integrate, lif, neuron, one_neuron
from tests.random_networks import target_of
from tests.refused import refused

ROUNDINGS = {"floor": "generic", "toward_zero": "toward_zero", "half_up": "half_up"}
SMALL = neuron("lnm", "fc", coefficients=((0.07, 0.55, -0.11, 0.03),))


def lowered(
    made: Neuron, target: Target | str = "generic", weight: Any = ((1.0, -0.5), (0.25, 0.75)), **options: Any
) -> IntNeuron:
    net = one_neuron(made, weight)
    chosen = target_of(target) if isinstance(target, str) else target
    done = run_pipeline(Compilation(net, chosen, Options(**options), events(net)), "narrow").network
    (node,) = done.neurons
    return node


def limited(**widths: int) -> Target:
    target = target_of("generic")
    return replace(target, lowering=replace(target.lowering, **widths))


@cache
def every_state(program: Program) -> np.ndarray[Any, Any]:
    """All states that the program declares, as [states, 1 channel]."""
    (state,) = program.states.values()
    held = declared_interval(state)
    return np.arange(held.lo, held.hi + 1, dtype=np.int64)[:, None]


def values(program: Program, u: np.ndarray[Any, Any], x: int) -> dict[str, Any]:
    def sources(i: Instruction) -> Any:
        if i.op is Op.PARAM:
            return np.asarray(values_of(i), np.int64)[None]
        return u if i.op is Op.STATE else np.full_like(u, x)

    return evaluate(program, sources)


def inputs(program: Program) -> list[int]:
    held = declared_interval(program.input)
    return sorted({held.lo, -1, 0, 1, held.hi, (held.lo + held.hi) // 2} & set(range(held.lo, held.hi + 1)))


def error_in_lsb(program: Program, equation: Neuron) -> float:
    """The largest distance of the integer membrane before firing from the real one, over every state, in units of the state."""
    unit = 2.0 ** -program.states["u"].format.frac
    u, (lo, hi) = every_state(program), equation.state_range
    worst = 0.0
    for raw in inputs(program):
        x = raw * 2.0**-program.input.format.frac * equation.gain
        if equation.order == "input_then_poly":
            real: Reals = polynomial(equation, np.clip(u * unit + x, lo, hi))
        else:
            real = polynomial(equation, u * unit) + x
        got = values(program, u, raw)["h"] * unit
        worst = max(worst, float(np.abs(got - np.clip(real, lo, hi)).max()) / unit)
    return worst


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_the_program_of_a_small_lnm(rounding: str, golden: Golden) -> None:
    """The text is pinned, and the pinned text itself is run over all 2**12 states."""
    node = lowered(SMALL, ROUNDINGS[rounding], state_bits=12)
    program = program_from_text(golden(f"lnm_{rounding}.txt", program_to_text(node.program)))
    assert program == node.program
    assert {i.attrs[1].value for i in program.of(Op.SHIFT_RIGHT)} == {rounding}  # type: ignore[union-attr]
    assert error_in_lsb(program, SMALL) <= 0.75


def test_the_program_of_a_small_circulate_firing_neuron(golden: Golden) -> None:
    made = circulate("cf", "fc", amplitudes=(1.0, 0.5))
    node = lowered(made, state_bits=12)
    program = program_from_text(golden("circulate.txt", program_to_text(node.program)))
    assert program == node.program
    assert error_in_lsb(program, made) <= 1.0
    assert_fires_as_the_equation(program, made)


# Largest distance from the equation, in units of the state, over every state and the corners of the input; as measured, rounded
# up to the next quarter. The head's rounding is in it, and `clamp` itself costs one unit at the upper bound, since +4.0 is one
# unit beyond s16.13.
BOUNDS = {
    ("floor", 8): 1.75, ("floor", 12): 1.25, ("floor", 16): 1.75,
    ("toward_zero", 8): 2.0, ("toward_zero", 12): 1.25, ("toward_zero", 16): 1.75,
    ("half_up", 8): 1.5, ("half_up", 12): 1.25, ("half_up", 16): 1.75,
}  # fmt: skip
NEURONS = {
    "degree 1": neuron("n", "fc", coefficients=((0.0, 0.7),)),
    "degree 2": neuron("n", "fc", coefficients=((0.1, 0.6, -0.2),)),
    "degree 3": SMALL,
    "degree 5": neuron("n", "fc", coefficients=((0.02, 0.8, 0.05, -0.06, -0.003, 0.001),)),
    "input first": replace(SMALL, order="input_then_poly"),
    "asymmetric": replace(SMALL, state_range=(-1.0, 3.0)),
}


@pytest.mark.parametrize("which", NEURONS)
@pytest.mark.parametrize(("rounding", "bits"), BOUNDS)
def test_every_state_is_close_to_the_equation(rounding: str, bits: int, which: str) -> None:
    made = NEURONS[which]
    program = lowered(made, ROUNDINGS[rounding], state_bits=bits).program
    lo, hi = made.state_range
    steps = (hi - lo) * 2 ** program.states["u"].format.frac
    assert len(every_state(program)) in (steps, steps + 1)
    assert error_in_lsb(program, made) <= BOUNDS[rounding, bits]


def test_no_rounding_of_a_target_is_worse_than_another() -> None:
    """What a shift loses on average is put into the coefficients beforehand."""
    errors = [error_in_lsb(lowered(SMALL, t, state_bits=12).program, SMALL) for t in ROUNDINGS.values()]
    assert max(errors) - min(errors) < 0.1


def assert_fires_as_the_equation(program: Program, equation: Neuron) -> None:
    """From the integer membrane on, firing and reset are exact: thresholds and reset value here are exact in the state."""
    unit = 2.0 ** -program.states["u"].format.frac
    payload_unit = 2.0**-program.payload.frac
    fired = set()
    for raw in inputs(program):
        seen = values(program, every_state(program), raw)
        h = seen["h"]
        payload, residual, any_level = fire(equation, h * unit)
        after = {"subtract": residual, "value": np.where(any_level, equation.reset_value, h * unit), "none": h * unit}[
            equation.reset
        ]
        np.testing.assert_array_equal(seen[SPIKES] * payload_unit, payload)
        np.testing.assert_array_equal(seen["u_next"] * unit, after)
        fired.update(np.unique(seen[SPIKES]).tolist())
    assert len(fired) > 1


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("reset", ["subtract", "value", "none"])
@pytest.mark.parametrize(
    "made",
    [
        lif("n", "fc"),
        circulate("n", "fc", amplitudes=(1.0, 1.0, 1.0)),
        circulate("n", "fc", amplitudes=(1.0, 0.5), signed=False),
        circulate("n", "fc", amplitudes=(0.25,)),
    ],
)
def test_firing_and_reset_are_exact_on_every_state(made: Neuron, reset: str, strict: bool) -> None:
    made = replace(made, reset=reset, strict=strict, reset_value=-0.5)
    assert_fires_as_the_equation(lowered(made, state_bits=10).program, made)


def test_coefficients_per_channel() -> None:
    table = ((0.1, 0.5, -0.1), (-0.2, 0.75, 0.0))
    program = lowered(neuron("n", "fc", coefficients=table)).program
    assert program.channels == 2
    u = np.tile(np.arange(-32768, 32768, 7, dtype=np.int64)[:, None], (1, 2))
    payload, after = step(program, np.zeros_like(u), {"u": u})
    unit = 2.0 ** -program.states["u"].format.frac
    real = np.clip(np.stack([np.polynomial.Polynomial(a)(u[:, c] * unit) for c, a in enumerate(table)], 1), -4, 4)
    near = np.abs(real - 1.0) > 3 * unit
    np.testing.assert_array_equal(payload[near], (real >= 1.0)[near])
    assert np.abs(after["u"] * unit - (real - payload)).max() <= 2 * unit
    assert (payload[:, 0] != payload[:, 1]).any()


def test_an_integrator_needs_no_multiplication() -> None:
    program = lowered(integrate("n", "fc")).program
    assert program.of(Op.MUL) == []
    assert program.of(Op.SHIFT_RIGHT) == []


def test_a_degree_whose_coefficient_is_zero_costs_nothing() -> None:
    plain = lowered(neuron("n", "fc", coefficients=((0.1, 0.5, 0.2),))).program
    padded = lowered(neuron("n", "fc", coefficients=((0.1, 0.5, 0.2, 0.0),))).program
    assert program_to_text(plain) == program_to_text(padded)
    assert len(plain.of(Op.MUL)) == 2


# the state


@pytest.mark.parametrize(
    ("state_range", "bits", "expected"),
    [
        ((-4.0, 4.0), 16, StateFormat(13, -32768, 32767)),
        ((-1.0, 3.0), 16, StateFormat(13, -8192, 24576)),
        ((0.0, 4.0), 16, StateFormat(13, 0, 32767)),
        ((-3.3, 5.1), 16, StateFormat(12, -13517, 20890)),
        ((-4.0, 4.0), 8, StateFormat(5, -128, 127)),
        ((-4.001, 1.0), 16, StateFormat(12, -16388, 4096)),
        ((-1.0, 1.0), 24, StateFormat(23, -(2**23), 2**23 - 1)),
        ((-1000.0, 10.0), 12, StateFormat(1, -2000, 20)),
        ((-5000.0, 10.0), 12, StateFormat(-2, -1250, 3)),
        ((-0.25, 0.25), 16, StateFormat(17, -32768, 32767)),
    ],
)
def test_state_formats(state_range: tuple[float, float], bits: int, expected: StateFormat) -> None:
    assert state_format(state_range, bits) == expected


@pytest.mark.parametrize(
    ("thresholds", "strict", "frac"),
    [
        ([[1.0, 1.0, 1.0]], False, 13),
        ([[1.0, 1.0, 1.0, 1.0]], False, 12),
        ([[1.0, 1.0, 1.0, 1.0]], True, 13),  # more than 4.0 there is not
        ([[1.0] * 6], False, 12),  # the fourth of six
        ([[1.5, 1.0], [3.0, 1.0]], False, 12),  # at the second step
        ([[4.0]], False, 12),
        ([[4.0 - 2.0**-13]], False, 13),
        ([[4.0 - 2.0**-13]], True, 12),
        ([[4.0 - 2.0**-15]], False, 12),  # 4.0 in these units
        ([[4.0 + 2.0**-13]], False, 13),
        ([[1.1] * 4], False, 13),
    ],
)
def test_a_round_of_firing_keeps_the_unit_of_the_range_that_it_needs(
    thresholds: list[list[float]], strict: bool, frac: int
) -> None:
    made = state_format((-4.0, 4.0), 16, thresholds, strict)
    assert made == StateFormat(frac, -4 << frac, min(4 << frac, 32767))


@pytest.mark.parametrize("bits", [8, 11, 16, 24])
@pytest.mark.parametrize("state_range", [(-4.0, 4.0), (-1.0, 3.0), (0.0, 7.7), (-9.3, 0.4), (-0.9, 1.9)])
def test_a_state_holds_its_range_to_one_unit_and_no_bit_is_wasted(state_range: tuple[float, float], bits: int) -> None:
    made = state_format(state_range, bits)
    unit = 2.0**-made.frac
    assert -(2 ** (bits - 1)) <= made.lo <= 0 <= made.hi <= 2 ** (bits - 1) - 1
    assert abs(made.lo * unit - state_range[0]) <= unit / 2
    assert -unit <= made.hi * unit - state_range[1] <= unit / 2
    assert max(-made.lo, made.hi) >= 2 ** (bits - 2) - 1


def test_the_state_is_no_wider_than_the_target_has() -> None:
    node = lowered(lif("n", "fc"), limited(state_bits=10), state_bits=16)
    assert str(node.program.states["u"].format) == "s10.7"


# what does not fit


def test_a_polynomial_that_does_not_fit_names_its_coefficient_and_the_bits() -> None:
    made = neuron("n", "fc", coefficients=((0.1, 0.5, -0.2, 3000.0),))
    with refused(
        WidthError,
        """
        the polynomial does not fit the target's accumulator
          where:    n (LNM)
          got:      a_3 = 3000 lets |P(u)| reach 192005, which needs 33 bits at 13 fractional bits
          expected: at most 32 bits
          do:       train with a coefficient penalty or a smaller state_range (now 4), use fewer state bits or a wider target
        """,
    ):
        lowered(made, limited(accumulator_bits=32))
    assert lowered(made, limited(accumulator_bits=33)).program.kind == "LNM"


def test_a_polynomial_that_does_not_fit_names_its_channel() -> None:
    made = neuron("n", "fc", coefficients=((0.1, 0.5, -0.2), (0.1, 9e9, 0.0)))
    with refused(
        WidthError,
        """
        the polynomial does not fit the target's accumulator
          where:    n (LNM)
          got:      a_1 = 9e+09 (channel 1) lets |P(u)| reach 3.6e+10, which needs 51 bits at 13 fractional bits
          expected: at most 48 bits
          do:       train with a coefficient penalty or a smaller state_range (now 4), use fewer state bits or a wider target
        """,
    ):
        lowered(made)


def test_no_bits_left_for_coefficients() -> None:
    """The sum fits, the offset that makes a shift toward zero floor does not, and one word of the state fills the multiplier."""
    narrow = target_of("toward_zero")
    narrow = replace(narrow, lowering=replace(narrow.lowering, accumulator_bits=24, state_bits=24))
    with refused(
        WidthError,
        """
        no bits are left for coefficients
          where:    n (LIF)
          got:      a state of 23 bits, accumulator_bits = 24
          expected: an accumulator that holds the product of a state and a coefficient
          do:       use fewer state bits, or a target with a wider accumulator
        """,
    ):
        lowered(lif("n", "fc", decay=0.99995), narrow, state_bits=23)


@pytest.mark.parametrize(
    ("made", "threshold"),
    [
        (lif("n", "fc", firing=replace(circulate("c", "fc").firing, thresholds=(1.0, 2.0**-15))), "3.05176e-05"),
        (neuron("n", "fc", firing=neuron("m", "fc").firing.__class__(2.0**-15)), "3.05176e-05"),
    ],
)
def test_a_threshold_finer_than_the_state_is_refused(made: Neuron, threshold: str) -> None:
    with refused(
        WidthError,
        f"""
        a threshold is finer than the state can tell
          where:    n ({made.kind})
          got:      threshold {threshold}
          expected: at least 0.00012207, one unit of a state with 13 fractional bits
          do:       use more state bits, a smaller state_range or a larger threshold
        """,
    ):
        lowered(made)


def test_a_sum_that_overflows_the_accumulator_is_refused() -> None:
    with refused(
        WidthError,
        """
        a value of the neuron program does not fit the accumulator
          where:    n (LIF): x_state
          got:      [-33554432, 67108864], 28 bits
          expected: at most 27 bits
          do:       scale the weights before this neuron down, use fewer state bits, or a target with a wider accumulator
        """,
    ):
        lowered(lif("n", "fc"), limited(accumulator_bits=27), weight=((8192.0, -4096.0),))


def test_no_intermediate_is_wider_than_the_accumulator() -> None:
    for bits in (24, 27, 32, 48):
        for made in NEURONS.values():
            program = lowered(made, limited(accumulator_bits=bits, state_bits=16), state_bits=12).program
            assert max(i.format.width for i in program.instructions) <= bits

"""The head of a neuron program, input by input: sums of channels of very different scales at the binary point of the state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.network import Reals
from snn2hw.ir.program import SPIKES, Op, Program, values_of
from snn2hw.num import Interval, Rounding
from snn2hw.passes.head import (
    TOLERATED,
    _low,
    align_program,
    emit_head,
    factor_frac,
    head_errors,
    lifted,
    lifted_bits,
)
from snn2hw.target import Lowering, load_target

GENERIC, LOIHI2 = load_target("generic").lowering, load_target("loihi2").lowering


def made(factors: Reals, limit: int, own: int, frac: int, limits: Lowering, shown: float) -> tuple[Program, str]:
    b = ProgramBuilder("H")
    name = emit_head(b, factors, (Interval(-limit, limit), own), frac, limits, shown)
    assert b.frac(name) == frac
    return b.program(), name


def given(program: Program, name: str, x: Any) -> Any:
    """The value for every channel, [X, C]."""
    rows = {i.name: np.array(values_of(i), np.int64)[None] for i in program.of(Op.PARAM)}
    channels = max([r.shape[1] for r in rows.values()], default=1)
    entering = np.repeat(np.asarray(x, np.int64)[:, None], channels, axis=1)
    return evaluate(program, lambda i: rows[i.name] if i.op is Op.PARAM else entering)[name]


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("seed", range(12))
def test_every_sum_that_the_state_tells_reaches_it_within_its_units(seed: int, rounding: Rounding) -> None:
    rng = np.random.default_rng(seed)
    limits, channels, own = replace(GENERIC, rounding=rounding), int(rng.integers(1, 5)), int(rng.integers(0, 10))
    factors = rng.uniform(0.5, 1.0, channels) * 2.0 ** -rng.integers(0, 16, channels) * rng.choice([-1.0, 1.0])
    limit, shown = int(rng.integers(100, 4000)), 8.0
    program, name = made(factors, limit, own, 13, limits, shown)
    x = np.arange(-limit, limit + 1)
    real = x[:, None] * 2.0**-own * factors
    error = np.abs(given(program, name, x) - real * 2.0**13)
    told = np.abs(real) <= shown
    assert error[told].max() <= TOLERATED + 1.5
    claimed = head_errors(program, name, factors, shown)
    assert claimed.shape == (channels,)
    assert (claimed <= np.where(told, error, 0.0).max(0) + 1e-9).all()
    assert (claimed >= np.where(told, error, 0.0).max(0) / 4 - 0.3).all()


@pytest.mark.parametrize("limits", [GENERIC, LOIHI2])
def test_powers_of_two_are_exact_however_far_apart(limits: Lowering) -> None:
    factors = np.array([1.0, 2.0**-9, -(2.0**-4), 0.0, 2.0**-18])
    program, name = made(factors, 100, 0, 18, limits, 1000.0)
    x = np.arange(-100, 101)
    np.testing.assert_array_equal(given(program, name, x), x[:, None] * (factors * 2.0**18))
    assert head_errors(program, name, factors, 1000.0).max() == 0.0
    assert all(i.format.width <= 62 for i in program.instructions)


def test_a_factor_of_one_costs_no_multiplication() -> None:
    program, name = made(np.array([1.0]), 100, 3, 13, GENERIC, 8.0)
    assert [i.op for i in program.instructions] == [Op.INPUT, Op.SHIFT_LEFT]
    np.testing.assert_array_equal(given(program, name, [-5, 7]), [[-5 << 10], [7 << 10]])
    assert len(made(np.array([0.5]), 100, 3, 13, GENERIC, 8.0)[0].of(Op.MUL)) == 1


def test_a_channel_that_no_factor_reaches_is_zero() -> None:
    program, name = made(np.array([0.0, 0.0]), 100, 3, 13, GENERIC, 8.0)
    assert not given(program, name, [-100, 100]).any()


@pytest.mark.parametrize("bits", [4, 8, 16])
@pytest.mark.parametrize("factors", [[1.0, 2.0**-20, 2.0**-7], [-1.0, 2.0**-20], [0.7, 0.3 * 2.0**-20, 0.0], [0.5]])
def test_lifting_multiplies_by_constants_that_the_target_has(factors: list[float], bits: int) -> None:
    limits = replace(GENERIC, coefficient_bits=bits)
    b = ProgramBuilder("L")
    x = b.emit(Op.INPUT, "x", (), (-9, 9), 0)
    y, left = lifted(b, x, factors, limits)
    program = b.program()
    most = 2 ** (bits - 1) - 1
    assert all(abs(v) <= most for i in program.of(Op.PARAM) for v in values_of(i))
    got = given(program, y, [-9, 2]) * 2.0 ** -b.frac(y)
    np.testing.assert_array_equal(got * np.array(left), np.array([[-9.0], [2.0]]) * np.array(factors))
    kept = [f for f in left if f]
    assert max(map(abs, kept)) < 2 * min(map(abs, kept))


def test_factors_have_the_bits_that_coefficients_and_sums_leave() -> None:
    narrow = replace(GENERIC, coefficient_bits=8, accumulator_bits=20)
    assert factor_frac(np.array([0.0]), Interval(-5, 5), 3, narrow) == 0
    assert factor_frac(np.array([0.5]), Interval(-5, 5), 0, narrow) == 1  # exact
    assert factor_frac(np.array([0.5]), Interval(-5, 5), 3, narrow) == 3  # exact, and where it is wanted
    assert factor_frac(np.array([1 / 3]), Interval(-5, 5), 0, narrow) == 8  # 85 of 127
    assert factor_frac(np.array([1 / 3]), Interval(-(2**15), 2**15), 0, narrow) == 5  # 2**15 * 10 of 2**19 - 1
    assert factor_frac(np.array([100.0]), Interval(-5, 5), 4, narrow) == 0


def test_bits_of_aligned_channels() -> None:
    assert lifted_bits(Interval(-8, 7), [1.0]) == 5
    assert lifted_bits(Interval(-8, 7), [1.0, 0.25, 0.0]) == 7
    assert lifted_bits(Interval(-8, 7), [0.0]) == 5


@pytest.mark.parametrize("bits", [1, 4, 15])
def test_the_lower_word_of_a_factor_is_balanced(bits: int) -> None:
    """Its width is then that of its bits, sign included, and the upper word takes the rest."""
    values = [*range(-70, 70), 2**20 - 1, -(2**20)]
    for value in values:
        low = _low(value, bits)
        assert -(2 ** (bits - 1)) <= low < 2 ** (bits - 1)
        assert (value - low) % 2**bits == 0
    assert _low(5, 0) == 0


@pytest.mark.parametrize("exponents", [(3, 7, 5), (0, 40), (-4, -9), (6, 6)])
def test_aligning_is_exact(exponents: tuple[int, ...]) -> None:
    program = align_program(exponents, Interval(-100, 90), GENERIC)
    x = np.arange(-100, 91)
    out = program.outputs[SPIKES]
    expected = x[:, None] * 2 ** (max(exponents) - np.array(exponents, np.int64))
    np.testing.assert_array_equal(np.broadcast_to(given(program, out.args[0], x), expected.shape), expected)
    assert program.by_name[out.args[0]].format.frac == max(exponents)
    assert not program.states

"""Every scheme of every target keeps its widths, and is as close to P as its error says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.program import Op
from snn2hw.num import Interval, Rounding
from snn2hw.passes.polynomials.horner import Argument, NoRoomError, Scheme, emit_horner, expanded, finest, horner_bounds
from snn2hw.passes.polynomials.search import VALUE, candidates
from tests.passes.polynomials.learned import GENERIC, LOIHI2, assert_fits, learned, limits_of, program_of, sources, state


def test_every_program_keeps_the_widths_of_its_target() -> None:
    schemes, none = set(), 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        limits, u = limits_of(rng), state(int(rng.choice([8, 10, 12, 14, 16, 18, 20])))
        if rng.random() < 0.4:  # a range that is not symmetric is expanded about its middle
            u = Argument("u", Interval(u.interval.lo // 4, u.interval.hi), u.frac)
        found = candidates(learned(rng, channels=int(rng.integers(1, 3))), u, limits)
        none += not found
        for c in found:
            program = program_of(c, u)
            assert_fits(program, limits)
            assert len(program.of(Op.MUL)) == c.multiplications
            assert len(program.instructions) == c.instructions + 2
            schemes.add(c.says.split(", ")[0].split(" in ")[0] + (", centred" if " in u " in c.says else ""))
    assert none < 10
    assert {"Horner", "Horner, centred"} <= schemes


def test_the_error_is_the_largest_of_all_states() -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        limits, u = limits_of(rng), state(int(rng.choice([8, 10, 12, 16])))
        coefficients = learned(rng, channels=2)
        raw = np.arange(u.interval.lo, u.interval.hi + 1)
        for c in candidates(coefficients, u, limits, thorough=True):
            program, errors = program_of(c, u), []
            for channel, row in enumerate(coefficients):
                got = np.broadcast_to(evaluate(program, sources(channel, u=raw))[VALUE], raw.shape)
                real = np.polynomial.polynomial.polyval(raw * 2.0**-u.frac, row) * 2.0**u.frac
                errors.append(np.abs(got - real))
            assert c.worst.error == pytest.approx(max(e.max() for e in errors), abs=1e-9)
            assert errors[c.worst.channel][c.worst.state - u.interval.lo] == pytest.approx(c.worst.error, abs=1e-9)


def test_polynomials_about_another_centre() -> None:
    rng = np.random.default_rng(0)
    a, x = learned(rng, 5, channels=3), np.linspace(-2, 2, 41)
    for centre in (0.0, 0.75, -1.5):
        moved = expanded(a, centre)
        for own, other in zip(a, moved, strict=True):
            here = np.polynomial.polynomial.polyval(x + centre, own)
            np.testing.assert_allclose(np.polynomial.polynomial.polyval(x, other), here, atol=1e-12)


def test_bounds_of_the_parts() -> None:
    """B_i bounds |acc_i| of Horner's scheme wherever |u| <= reach, and is attained where all signs agree."""
    a = np.array([[0.1, 0.5, -0.2, 0.05], [-0.3, 0.2, 0.1, 0.0]])
    bounds = horner_bounds(a, 3.0)
    assert bounds == pytest.approx([0.1 + 1.5 + 1.8 + 1.35, 0.5 + 0.6 + 0.45, 0.2 + 0.15, 0.05])
    for u in np.linspace(-3, 3, 61):
        acc = a[:, 3]
        for i in (2, 1, 0):
            acc = acc * u + a[:, i]
            assert np.abs(acc).max() <= bounds[i] + 1e-12


@pytest.mark.parametrize("bits", [5, 8, 16, 32])
def test_the_finest_point_leaves_room_for_rounding(bits: int) -> None:
    for bound in (0.001, 0.3, 0.99, 1.0, 1.01, 7.5, 1000.0):
        frac = finest(bound, bits)
        assert bound * 2.0**frac + 2 <= 2 ** (bits - 1) - 1
        assert bound * 2.0 ** (frac + 1) > 2 ** (bits - 1) - 3
    assert finest(0.0, bits) == bits


def test_one_bit_holds_no_coefficient() -> None:
    with pytest.raises(NoRoomError):
        finest(0.5, 1)


@pytest.mark.parametrize("rounding", Rounding)
def test_rounding_of_the_last_sum_is_to_nearest_whatever_a_shift_does(rounding: Rounding) -> None:
    """With room for exact coefficients and products the only error left is half a unit."""
    limits, u = replace(GENERIC, accumulator_bits=62, coefficient_bits=30, rounding=rounding), state(10)
    coefficients = np.array([[0.125, 0.8125, -0.15625]])
    b = ProgramBuilder("P")
    b.emit(Op.STATE, "u", (), (u.interval.lo, u.interval.hi, 0), u.frac)
    name = emit_horner(b, coefficients, u, Scheme((1, 1)), limits).value
    raw = np.arange(u.interval.lo, u.interval.hi + 1)
    got = evaluate(b.program(), sources(0, u=raw))[name]
    real = np.polynomial.polynomial.polyval(raw * 2.0**-u.frac, coefficients[0]) * 2.0**u.frac
    assert b.frac(name) == u.frac
    assert np.abs(got - real).max() <= 0.5 + 2**-8


def test_a_scheme_that_does_not_fit_is_refused() -> None:
    for products, limits in (((1, 1, 1), replace(LOIHI2, accumulator_bits=14)), ((1,), replace(LOIHI2, accumulator_bits=16))):
        b, u = ProgramBuilder("P"), state(16)
        b.emit(Op.STATE, "u", (), (u.interval.lo, u.interval.hi, 0), u.frac)
        with pytest.raises(NoRoomError):
            emit_horner(b, learned(np.random.default_rng(0), len(products)), u, Scheme(products), limits)


def test_a_scheme_in_words() -> None:
    assert Scheme((2, 1)).says == "Horner, closest coefficients, products of 1+2"
    assert Scheme((2, 1), 5, False).says == "Horner in u - 5, rounded coefficients, products of 1+2"
    assert Scheme((1,), -5).says == "Horner in u + 5, closest coefficients, products of 1"


@pytest.mark.parametrize("a_0", [1 / 64 - 2.0**-20, -1 / 64 + 2.0**-20, 2.0**-11 - 2.0**-30, 0.125 - 2.0**-17])
def test_what_shifts_lose_has_room_in_a_constant_next_to_a_power_of_two(a_0: float) -> None:
    """It is added to a_0, which then passes the power of two; without room for it no scheme of this kind would be left."""
    for coefficients in ([[a_0, 0.75]], [[a_0, 0.9793, 0.0579, -0.0342, -0.0114]]):
        found = candidates(np.array(coefficients), state(16), LOIHI2)
        assert "closest coefficients" in found[0].says
        assert found[0].worst.error < 1.25  # units of the state: half of one is rounding, the plain scheme is off by up to 10

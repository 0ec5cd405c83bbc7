"""Random programs in C: every value of every instruction is that of the reference on Python integers."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from snn2hw.certificate import engine
from snn2hw.certificate.slices import Slice
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.optable import SOURCES
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, one_channel
from snn2hw.ir.program_text import program_to_text
from snn2hw.native.c_ops import EXPRESSIONS, literal
from snn2hw.native.compiler import library
from snn2hw.num import Format, Interval, WrapLaw, wrap
from tests.ir.program_check import draws
from tests.ir.random_programs import programs
from tests.native.compiling import needs_compiler

PLACES = 12
QUIET = {"suppress_health_check": list(HealthCheck), "phases": (Phase.explicit, Phase.generate)}  # shrinking would compile on
SEEDS = st.integers(0, 2**32 - 1)


def test_every_operation_has_an_expression() -> None:
    assert set(EXPRESSIONS) == set(Op)


def test_sources_are_what_they_are_given() -> None:
    for op in SOURCES:
        assert EXPRESSIONS[op](Instruction("x", op, (), (), Format(8, 0)), ["here"], 64) == "here"


def test_the_literals_of_the_widest_integers() -> None:
    """The most negative integer of a type has no literal of its own in C."""
    assert literal(2**62, 64) == "INT64_C(4611686018427387904)"
    assert literal(-(2**62), 64) == "(-INT64_C(4611686018427387904))"
    assert literal(-(2**63), 64) == "((-INT64_C(9223372036854775807)) - 1)"
    assert literal(-(2**31), 32) == "((-2147483647) - 1)"
    assert [literal(v, 32) for v in (0, 7, -7)] == ["0", "7", "(-7)"]


@needs_compiler
def test_words_of_any_width_in_32_bits_are_those_of_the_law() -> None:
    """The law of two's complement is written with shifts there, and as ever in 64 bits."""
    edges = {v + d for v in (-(2**31), -(2**16), -(2**15), 0, 2**15, 2**16, 2**31 - 1) for d in (-2, -1, 0, 1, 2)}
    x = np.array(
        [*sorted(v for v in edges if -(2**31) <= v < 2**31), *np.random.default_rng(0).integers(-(2**31), 2**31, 200)], np.int32
    )
    for width in (1, 2, 7, 8, 15, 16, 17, 31, 32):
        i = Instruction("word", Op.WRAP, ("x",), (WrapLaw.TWOS_COMPLEMENT,), Format(width, 0))
        text = "\n".join(
            f"void words{bits}(const int32_t *given, int{bits}_t *to, int n) {{ for (int k = 0; k < n; ++k) {{ "
            f"const int{bits}_t x = given[k]; to[k] = {EXPRESSIONS[Op.WRAP](i, ['x'], bits)}; }} }}"
            for bits in (32, 64)
        )
        compiled = library(f"#include <stdint.h>\n{text}\n")
        for bits in (32, 64):
            found = np.empty(len(x), f"int{bits}")
            getattr(compiled, f"words{bits}")(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(found.ctypes.data), len(x))
            assert found.tolist() == [wrap(int(v), width, WrapLaw.TWOS_COMPLEMENT) for v in x], (width, bits)


def of_one_variable(program: Program, states: dict[str, int]) -> Slice:
    """The program of one channel as a function of its input: states are constants."""
    lines = []
    for i in program.instructions:
        if i.op is Op.STATE:
            i = Instruction(i.name, Op.PARAM, (), ((states[i.name],),), i.format)
        if i.op is not Op.INPUT:
            lines.append(i)
    return Slice(program.input, tuple(lines))


def assert_c_is_the_law(program: Program, seed: int) -> set[Op]:
    rng = np.random.default_rng(seed)
    for channel in range(program.channels):
        states = {name: int(draws(declared_interval(s), rng, (1,))[0]) for name, s in program.states.items()}
        part = of_one_variable(one_channel(program, channel), states)
        entering = declared_interval(program.input)
        for x in [entering.lo, entering.hi, *draws(entering, rng, (PLACES,)).tolist()]:
            # A range over one integer is the value there.
            found = engine._native(part, Interval(x, x), "", (), 1.0, None).ranges
            expected = evaluate_scalar(program, x, states, channel)
            for i in part.instructions:
                want = states[i.name] if i.name in states else expected[i.name]
                got = found[i.name]
                assert (got.lo, got.hi) == (want, want), (
                    f"seed {seed}, channel {channel}, x = {x}, states {states}: {i.name} is {got} in C, {want} by the reference\n"
                    f"{program_to_text(program)}"
                )
    return {i.op for i in program.instructions}


@needs_compiler
@settings(max_examples=30, **QUIET)
@given(program=programs(), seed=SEEDS)
def test_random_programs_in_c_are_the_law(program: Program, seed: int) -> None:
    assert_c_is_the_law(program, seed)


@needs_compiler
@pytest.mark.slow
def test_many_random_programs_in_c_are_the_law() -> None:
    seen = set[Op]()

    @settings(max_examples=400, **QUIET)
    @given(program=programs(), seed=SEEDS)
    def sweep(program: Program, seed: int) -> None:
        seen.update(assert_c_is_the_law(program, seed))

    sweep()
    assert seen == set(Op)

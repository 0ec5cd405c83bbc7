"""Simplified programs compute the same integers; what they save is there."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import Op, Program, values_of
from snn2hw.ir.program_text import program_from_text
from snn2hw.native.simplify import simplified
from snn2hw.num import Rounding
from tests.ir.program_check import stimuli
from tests.ir.random_programs import programs
from tests.random_networks import compiled, random_case


def outputs(program: Program, seed: int = 0) -> dict[str, np.ndarray]:
    payloads, states = stimuli(program, seed)

    def sources(i: object) -> np.ndarray:
        if i.op is Op.PARAM:  # type: ignore[attr-defined]
            return np.asarray(values_of(i), np.int64).reshape(-1, 1)  # type: ignore[arg-type]
        return states[i.name] if i.op is Op.STATE else payloads[0]  # type: ignore[attr-defined]

    values = evaluate(program, sources)
    return {to: values[i.name] for to, i in program.outputs.items()}


def same(program: Program) -> None:
    short = simplified(program)
    assert len(short.instructions) <= len(program.instructions)
    expected, got = outputs(program), outputs(short)
    assert expected.keys() == got.keys()
    for to in expected:
        assert np.array_equal(np.broadcast_arrays(expected[to], got[to])[0], np.broadcast_arrays(expected[to], got[to])[1]), to


@given(programs())
@settings(max_examples=60, deadline=None)
def test_random_programs_compute_the_same(program: Program) -> None:
    same(program)


def toward_zero(program: Program) -> int:
    return sum(i.attrs[1] is Rounding.TOWARD_ZERO for i in program.of(Op.SHIFT_RIGHT))


def test_programs_of_random_networks_compute_the_same_and_get_shorter() -> None:
    before = after = 0
    for seed in range(12):
        try:
            nodes = compiled(random_case(seed)).network.nodes
        except (WidthError, UnsupportedError):  # refused networks have no programs
            continue
        for node in nodes:
            if isinstance(node, IntNeuron):
                same(node.program)
                before, after = before + toward_zero(node.program), after + toward_zero(simplified(node.program))
    assert before > 10
    assert after < 0.6 * before


LIFTED = """
program LIFTED
  x = input lo=-1000 hi=1000 : s11.0 proved
  one = param values=[1] : u1.0 proved
  lift = shift_left one bits=10 : u11.0 proved
  lifted = add x lift : u11.0 proved
  floored = shift_right lifted bits=3 rounding=toward_zero : u9.0 proved
  down = shift_left one bits=7 : u8.0 proved
  y = sub floored down : s9.0 proved
  spikes = output y to=spikes : s9.0 proved
"""


def test_a_lifted_shift_is_one_that_floors() -> None:
    program = program_from_text(LIFTED.strip())
    short = simplified(program)
    assert [(i.name, i.op, i.args) for i in short.instructions] == [
        ("x", Op.INPUT, ()),
        ("y", Op.SHIFT_RIGHT, ("x",)),
        ("spikes", Op.OUTPUT, ("y",)),
    ]
    same(program)
    other = program_from_text(LIFTED.strip().replace("bits=7", "bits=6").replace("u8.0", "u7.0"))
    assert simplified(other).by_name["y"].op is Op.SUB
    same(other)


def test_a_word_above_the_lowest_needs_no_rounding() -> None:
    text = """
program WORDS
  x = input lo=-100000 hi=100000 : s18.0 proved
  low = wrap x law=twos_complement : s8.0 wrap
  above = sub x low : s18.0 proved
  word = shift_right above bits=8 rounding=toward_zero : s10.0 proved
  rest = shift_right x bits=8 rounding=toward_zero : s10.0 proved
  y = add word rest : s11.0 proved
  spikes = output y to=spikes : s11.0 proved
"""
    program = program_from_text(text.strip())
    short = simplified(program)
    assert short.by_name["word"].attrs[1] is Rounding.FLOOR
    assert short.by_name["rest"].attrs[1] is Rounding.TOWARD_ZERO
    same(program)

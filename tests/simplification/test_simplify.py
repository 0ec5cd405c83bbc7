"""Simplified programs compute the same integers; what they save is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.builder import ProgramBuilder, with_narrowest_formats
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Circulate, Neuron
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.ir.program_text import program_from_text
from snn2hw.ir.roles import PolynomialRoles, Roles
from snn2hw.num import Format, Rounding
from snn2hw.passes.fire import lower_firing
from snn2hw.simplification import firing, rules, simplified
from snn2hw.simplification.facts import Facts
from snn2hw.simplification.proof import proved
from tests.ir.program_check import stimuli
from tests.ir.random_programs import programs
from tests.random_networks import compiled, random_case


def outputs(program: Program, given: Program) -> dict[str, np.ndarray]:
    """What a program gives for the stimuli of another, which may have more channels."""
    payloads, states = stimuli(given, 0)

    def sources(i: object) -> np.ndarray:
        if i.op is Op.PARAM:  # type: ignore[attr-defined]
            return np.asarray(values_of(i), np.int64).reshape(-1, 1)  # type: ignore[arg-type]
        return states[i.name] if i.op is Op.STATE else payloads[0]  # type: ignore[attr-defined]

    values = evaluate(program, sources)
    return {to: values[i.name] for to, i in program.outputs.items()}


def same(program: Program) -> None:
    short = simplified(program)
    assert len(short.instructions) <= len(program.instructions)
    expected, got = outputs(program, program), outputs(short, program)
    assert expected.keys() == got.keys()
    for to in expected:
        assert np.array_equal(np.broadcast_arrays(expected[to], got[to])[0], np.broadcast_arrays(expected[to], got[to])[1]), to


@given(programs())
@settings(max_examples=30, deadline=None)
def test_random_programs_compute_the_same(program: Program) -> None:
    same(program)


def toward_zero(program: Program) -> int:
    return sum(i.attrs[1] is Rounding.TOWARD_ZERO for i in program.of(Op.SHIFT_RIGHT))


def test_programs_of_random_networks_compute_the_same_and_get_shorter() -> None:
    before = after = 0
    for seed in range(6):
        try:
            nodes = compiled(random_case(seed)).network.nodes
        except (WidthError, UnsupportedError):  # refused networks have no programs
            continue
        for node in nodes:
            if isinstance(node, IntNeuron):
                same(node.program)
                before, after = before + toward_zero(node.program), after + toward_zero(simplified(node.program))
    assert before > 5
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


def circulate(
    levels: int, theta: int, signed: bool, strict: bool, reset: str, amplitude: int = 1, negative: float = 1.0
) -> Program:
    """h = clamp(u + x) fired in rounds, as the compiler lowers it."""
    b = ProgramBuilder("CirculateFiring")
    u = b.emit(Op.STATE, "u", (), (-700, 700, 0), 4)
    h = b.emit(Op.CLAMP, "h", (b.emit(Op.ADD, "sum", (u, b.emit(Op.INPUT, "x", (), (-500, 500), 4))),), (-700, 700))
    firing = Circulate((theta / 16,) * levels, (float(amplitude),) * levels, signed, negative=negative)
    polynomial, real = np.array([[0.0, 1.0]]), {"gain": 1.0, "order": "poly_then_input", "state_range": (-44.0, 44.0)}
    resets = {"strict": strict, "reset": reset, "reset_value": 0.0}
    equation = Neuron("n", ("i",), (1,), kind="CirculateFiring", coefficients=polynomial, firing=firing, **real, **resets)
    fired = lower_firing(b, equation, h, [[theta] * levels], 3)
    b.emit(Op.OUTPUT, "spikes", (fired.payload,), ("spikes",))
    b.emit(Op.OUTPUT, "u_next", (fired.state,), ("u",))
    roles = Roles("u", "h", "x", PolynomialRoles("u", "u"), fired.roles)
    made, _ = with_narrowest_formats(b.program(roles))
    return made


CASES = [
    (levels, theta, signed, strict, reset)
    for levels, theta in ((2, 64), (4, 100), (5, 7), (3, 1))
    for signed in (False, True)
    for strict in (False, True)
    for reset in ("subtract", "value", "none")
    if reset == "subtract" or theta == 100
]


@pytest.mark.parametrize(("levels", "theta", "signed", "strict", "reset"), CASES)
def test_rounds_become_a_quotient_with_the_same_integers(levels: int, theta: int, signed: bool, strict: bool, reset: str) -> None:
    becomes_a_quotient(circulate(levels, theta, signed, strict, reset, amplitude=3 if levels == 4 else 1))


@pytest.mark.parametrize("negative", [0.0, 0.25, 2.0])
@pytest.mark.parametrize(("levels", "theta", "strict", "reset"), [(4, 100, False, "subtract"), (3, 64, True, "value")])
def test_negative_spikes_of_their_own_amplitude_are_counted_at_once(
    levels: int, theta: int, strict: bool, reset: str, negative: float
) -> None:
    becomes_a_quotient(circulate(levels, theta, True, strict, reset, negative=negative))


def becomes_a_quotient(program: Program) -> None:
    short = simplified(program)
    assert len(short.instructions) < len(program.instructions)
    assert not short.of(Op.GE)
    assert not short.of(Op.GT)
    u, x = (v.ravel() for v in np.meshgrid(np.arange(-700, 701), np.arange(-500, 501, 125)))

    def computed(p: Program) -> dict[str, np.ndarray]:
        given = {Op.STATE: u, Op.INPUT: x}
        values = evaluate(p, lambda i: given[i.op] if i.op in given else np.int64(values_of(i)[0]))
        return {to: values[i.name] for to, i in p.outputs.items()}

    expected, got = computed(program), computed(short)
    assert all((expected[to] == got[to]).all() for to in ("spikes", "u"))


def test_a_simplified_program_has_nothing_left_to_simplify() -> None:
    """Its values are no longer those that the roles speak of: rounds that are gone are not looked for."""
    for program in (circulate(4, 64, True, False, "subtract"), program_from_text(RULED.strip())):
        short = simplified(program)
        assert short.roles is None
        assert simplified(short) == short


def test_thresholds_or_amplitudes_that_differ_keep_their_rounds() -> None:
    program = circulate(3, 64, True, False, "subtract")
    assert program.roles is not None
    assert program.roles.firing is not None
    counted = replace(program.roles, firing=replace(program.roles.firing, counter="u"))
    assert simplified(replace(program, roles=counted)).of(Op.GE)
    assert simplified(replace(program, roles=None)).of(Op.GE)


def test_roles_that_say_something_else_leave_the_program_right() -> None:
    """A file may state any: that the membrane is what leaves, or a firing whose spikes something else reads, too."""
    program = circulate(2, 1, True, False, "none")
    assert program.roles is not None
    payload = program.outputs["spikes"].args[0]
    for membrane in (payload, "u", "x", "sum"):
        same(replace(program, roles=replace(program.roles, membrane=membrane)))
    read = Instruction("more", Op.SUB, ("u", payload), (), Format(16, 4))
    at = next(k for k, i in enumerate(program.instructions) if i.op is Op.OUTPUT)
    lines = [replace(i, args=("more",)) if i.name == "u_next" else i for i in program.instructions]
    same(replace(program, instructions=(*lines[:at], read, *lines[at:])))


def test_a_wrong_quotient_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    program = circulate(3, 100, True, False, "subtract")
    monkeypatch.setattr(firing, "_quotients", lambda held, e: [(1, 6), (3, 9)])
    assert firing.closed_firing(program) is program
    other = circulate(3, 64, True, False, "subtract")
    assert firing.closed_firing(other) is not other


def test_a_rewrite_is_taken_only_where_all_values_are_the_same() -> None:
    text = """
program SHIFTS
  x = input lo=-100000000 hi=100000000 : s28.0 proved
  w = state lo=-100000000 hi=100000000 initial=0 : s28.0 proved
  half = shift_right x bits=1 rounding=toward_zero : s27.0 proved
  y = add half w : s29.0 proved
  z = clamp y lo=-100000000 hi=100000000 : s28.0 saturate
  spikes = output z to=spikes : s28.0 proved
  w_next = output z to=w : s28.0 proved
"""
    facts = Facts(program_from_text(text.strip()))
    half, floor = facts.by_name["half"], (1, Rounding.FLOOR)
    assert not proved(facts, "half", (replace(half, attrs=floor),))
    doubled = Instruction("twice", Op.SHIFT_LEFT, ("x",), (3,), Format(32, 0))
    more = replace(half, args=("twice",), attrs=(4, Rounding.TOWARD_ZERO))
    assert proved(facts, "half", (doubled, more))  # 28 bits: two periods on either side of 0
    assert not proved(facts, "half", (doubled, replace(more, attrs=(4, Rounding.HALF_UP))))
    assert not proved(facts, "z", "y")
    assert not proved(facts, "y", "half")


def test_a_shift_rounds_one_way_only_where_it_does_for_all_that_is_tried() -> None:
    """In both channels y >= 0, but both are tried for all x of either: from 0 on, where y < 0 in the second one."""
    text = """
program CHANNELS
  u = input lo=0 hi=100000 : u17.0 proved
  p = param values=[0,5000] : u13.0 proved
  q = param values=[0,1000] : u10.0 proved
  r = param values=[0,7] : u3.0 proved
  x = add u p : u17.0 proved
  y = sub x q : u17.0 proved
  z = shift_right y bits=3 rounding=toward_zero : u14.0 proved
  more = add z r : u14.0 proved
  spikes = output more to=spikes : u14.0 proved
"""
    facts = Facts(program_from_text(text.strip()))
    assert facts.known["y"].lo == 0
    less = rules.value("less", Op.SUB, ("x", "q"), (), 0)
    lifted = rules.value("lifted", Op.ADD, ("less", "r"), (), 0)
    for rounding in (Rounding.FLOOR, Rounding.TOWARD_ZERO):
        wrong = rules.value("z", Op.SHIFT_RIGHT, ("lifted",), (3, rounding), 0)
        assert not proved(facts, "z", (less, lifted, wrong))
    assert proved(facts, "z", (replace(facts.by_name["z"], attrs=(3, Rounding.FLOOR)),))


def test_products_with_powers_of_two_are_shifts() -> None:
    text = """
program POWERS
  x = input lo=-1000 hi=1000 : s11.0 proved
  a = param values=[-8] : s4.0 proved
  p = mul x a : s14.0 proved
  b = param values=[4,12] : u4.0 proved
  q = mul x b : s15.0 proved
  r = shift_right q bits=3 rounding=half_up : s12.0 proved
  y = add p r : s15.0 proved
  again = add p r : s15.0 proved
  z = min y again : s15.0 proved
  spikes = output z to=spikes : s15.0 proved
"""
    program = program_from_text(text.strip())
    short = simplified(program)
    same(program)
    assert [values_of(i) for i in short.of(Op.PARAM)] == [(1, 3)]
    assert len(short.of(Op.MUL)) == len(short.of(Op.ADD)) == 1
    assert not short.of(Op.MIN)


RULED = """
program RULED
  x = input lo=-1000 hi=1000 : s11.0 proved
  u = state lo=-90 hi=90 initial=0 : s8.0 proved
  nothing = const value=0 : u1.0 proved
  one = const value=1 : u1.0 proved
  eight = param values=[-8] : s4.0 proved
  four = param values=[12,4] : u4.0 proved
  lift = param values=[1024] : u11.0 proved
  down = param values=[128] : u8.0 proved
  folded = add lift down : u11.0 proved
  added = add x nothing : s11.0 proved
  subtracted = sub added nothing : s11.0 proved
  turned = neg subtracted : s11.0 proved
  negated = neg turned : s11.0 proved
  multiplied = mul negated eight : s14.0 proved
  left = shift_left multiplied bits=1 : s15.0 proved
  lefter = shift_left left bits=2 : s17.0 proved
  right = shift_right lefter bits=5 rounding=half_up : s12.0 proved
  product = mul u four : s11.0 proved
  less = shift_right product bits=3 rounding=toward_zero : s9.0 proved
  positive = max u nothing : u7.0 proved
  floored = shift_right positive bits=3 rounding=toward_zero : u4.0 proved
  lifted = add x lift : u11.0 proved
  shifted = shift_right lifted bits=3 rounding=floor : u8.0 proved
  lowered = sub shifted down : s8.0 proved
  clamped = clamp less lo=-200 hi=200 : s9.0 saturate
  wrapped = wrap floored law=twos_complement : s8.0 wrap
  least = min lowered folded : s8.0 proved
  most = max least folded : u11.0 proved
  selected = select one clamped wrapped : s9.0 proved
  a = add right selected : s13.0 proved
  b = add a most : s14.0 proved
  c = add wrapped least : s9.0 proved
  y = add b c : s15.0 proved
  spikes = output y to=spikes : s15.0 proved
  u_next = output wrapped to=u : s8.0 proved
"""


def spoiled(made: tuple[Instruction, ...] | str) -> list[tuple[Instruction, ...] | str]:
    """What a faulty rule would make: another number, another operation, another value."""
    if isinstance(made, str):
        return ["u" if made != "u" else "x"]
    *before, last = made
    others = {Op.NEG: Op.OUTPUT, Op.ADD: Op.SUB, Op.SUB: Op.ADD}
    wrong = [replace(last, attrs=(last.attrs[0] + n, *last.attrs[1:])) for n in (-1, 1) if last.attrs]  # type: ignore[operator]
    wrong += [replace(last, op=others[last.op])] if last.op in others else []
    return [(*before, i) for i in wrong if not (i.op in (Op.SHIFT_LEFT, Op.SHIFT_RIGHT) and i.attrs[0] < 0)]  # type: ignore[operator]


def test_a_fault_in_any_rule_is_noticed() -> None:
    program = program_from_text(RULED.strip())
    facts, seen = Facts(program), set[object]()
    for i in program.instructions:
        for op, rule in (*rules.RULES, (i.op, rules.folded)):
            made = rule(i, facts) if op is i.op else None
            if made is not None and proved(facts, i.name, made):
                seen.add(rule)
                wrong = spoiled(made)
                assert wrong, i
                assert not any(proved(facts, i.name, w) for w in wrong), (i, wrong)
    assert seen == {rules.folded, *(rule for _, rule in rules.RULES)}
    same(program)

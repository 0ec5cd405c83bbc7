from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from snn2hw.errors import TextError
from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.program import Instruction, Op, Program, declared_interval, initial_value, values_of
from snn2hw.ir.program_rules import check_program
from snn2hw.ir.program_text import instruction_to_text, program_from_text, program_to_text, program_with_comments
from snn2hw.ir.roles import FiringRoles, PolynomialRoles, Roles, SpikeRoles, Threshold
from snn2hw.num import Format, Interval, Rounding, WrapLaw
from tests.ir.random_programs import programs

# A learned quadratic with a leaky second state, two rounds of signed firing, and every other operation in between.
EVERY_OPERATION = """program LNM
  u = state lo=-32768 hi=32767 initial=0 : s16.13 proved
  trace = state lo=-128 hi=127 initial=-3 : s8.0 proved
  x = input lo=-900 hi=1200 : s12.7 proved
  x_state = shift_left x bits=6 : s18.13 proved
  a2 = param values=[120,-77] : s8.10 proved
  product1 = mul a2 u : s23.23 proved
  rounded1 = shift_right product1 bits=10 rounding=toward_zero : s13.13 proved
  a1 = param values=[4096] : u13.13 proved
  acc1 = add rounded1 a1 : u13.13 proved
  product0 = mul acc1 u : s29.26 proved
  rounded0 = shift_right product0 bits=13 rounding=floor : s16.13 proved
  h_sum = add rounded0 x_state : s18.13 proved
  h = clamp h_sum lo=-32768 hi=32767 : s16.13 saturate
  threshold = param values=[8192] : u14.13 proved
  negative_threshold = neg threshold : s14.13 proved
  up = ge h threshold : u1.0 proved
  down = gt negative_threshold h : u1.0 proved
  spike = sub up down : s2.0 proved
  lowered = sub h threshold : s17.13 proved
  after = select up lowered h : s16.13 proved
  smaller = min after x_state : s17.13 proved
  larger = max smaller negative_threshold : s16.13 proved
  coarse = shift_right larger bits=13 rounding=half_up : s3.0 proved
  one = const value=1 : u1.0 proved
  equal = eq coarse one : u1.0 proved
  counted = add trace equal : s9.0 proved
  wrapped = wrap counted law=twos_complement : s8.0 wrap
  u_next = output after to=u : s16.13 proved
  trace_next = output wrapped to=trace : s8.0 proved
  spikes = output spike to=spikes : s2.0 proved
"""


def test_the_text_of_every_operation_round_trips() -> None:
    program = program_from_text(EVERY_OPERATION)
    check_program(program)
    assert {i.op for i in program.instructions} == set(Op)
    assert program_to_text(program) == EVERY_OPERATION
    assert with_narrowest_formats(program)[0] == program  # as a lowered program would be written


def test_what_the_text_says() -> None:
    program = program_from_text(EVERY_OPERATION)
    assert program.kind == "LNM"
    assert program.instructions[0] == Instruction("u", Op.STATE, (), (-32768, 32767, 0), Format(16, 13, True))
    assert program.by_name["a2"] == Instruction("a2", Op.PARAM, (), ((120, -77),), Format(8, 10, True))
    assert program.by_name["rounded1"] == Instruction(
        "rounded1", Op.SHIFT_RIGHT, ("product1",), (10, Rounding.TOWARD_ZERO), Format(13, 13, True)
    )
    assert program.by_name["up"] == Instruction("up", Op.GE, ("h", "threshold"), (), Format(1, 0, False))
    assert program.by_name["after"] == Instruction("after", Op.SELECT, ("up", "lowered", "h"), (), Format(16, 13, True))
    assert program.by_name["wrapped"] == Instruction(
        "wrapped", Op.WRAP, ("counted",), (WrapLaw.TWOS_COMPLEMENT,), Format(8, 0, True)
    )
    assert program.instructions[-1] == Instruction("spikes", Op.OUTPUT, ("spike",), ("spikes",), Format(2, 0, True))


def test_what_a_program_says_of_itself() -> None:
    program = program_from_text(EVERY_OPERATION)
    assert program.input.name == "x"
    assert list(program.states) == ["u", "trace"]
    assert program.params == {"a2": (120, -77), "a1": (4096,), "threshold": (8192,)}
    assert {to: i.name for to, i in program.outputs.items()} == {"u": "u_next", "trace": "trace_next", "spikes": "spikes"}
    assert program.payload == Format(2, 0, True)
    assert program.channels == 2
    assert [i.name for i in program.of(Op.MUL)] == ["product1", "product0"]
    assert declared_interval(program.input) == Interval(-900, 1200)
    assert declared_interval(program.states["trace"]) == Interval(-128, 127)
    assert initial_value(program.states["trace"]) == -3
    assert values_of(program.by_name["a2"]) == (120, -77)
    assert Program("empty", ()).channels == 1


@settings(max_examples=60)
@given(programs())
def test_random_programs_round_trip(program: Program) -> None:
    assert program_from_text(program_to_text(program)) == program


ROLES = Roles(
    "u",
    "h",
    "x_state",
    PolynomialRoles("u", "rounded0", (None, "a1", "a2")),
    FiringRoles((SpikeRoles("up", "down"),), (Threshold("threshold"),), "subtract"),
)


def test_roles_round_trip() -> None:
    program = replace(program_from_text(EVERY_OPERATION), roles=ROLES)
    check_program(program)
    text = program_to_text(program)
    assert text.startswith(EVERY_OPERATION + '  roles {"state": "u", "membrane": "h", "entering": "x_state", "polynomial": {')
    assert program_from_text(text) == program


def test_what_a_reader_is_told_of_each_value() -> None:
    lines = program_with_comments(replace(program_from_text(EVERY_OPERATION), roles=ROLES)).splitlines()
    said = {line.split()[0]: line.split("   # ")[1] for line in lines if "   # " in line}
    assert said == {
        "u": "state, argument of P",
        "x_state": "synaptic input",
        "a2": "coefficient 2",
        "a1": "coefficient 1",
        "rounded0": "P",
        "h": "membrane",
        "threshold": "threshold",
        "up": "spike",
        "down": "negative spike",
    }
    assert [line.split("   # ")[0] for line in lines] == EVERY_OPERATION.splitlines()


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ("roles {", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("roles []", "'roles' is list, expected dict"),
        ('roles {"state": "u"}', "'roles' has the fields state, expected state, membrane, entering, polynomial, firing"),
    ],
)
def test_roles_that_cannot_be_read(line: str, got: str) -> None:
    with pytest.raises(TextError) as error:
        program_from_text(f"{EVERY_OPERATION}  {line}\n")
    assert str(error.value) == f"the roles cannot be read\n  where:    line 32\n  got:      {got}"


def test_values_of_params_may_stand_elsewhere() -> None:
    program = program_from_text(EVERY_OPERATION)
    kept: dict[str, tuple[int, ...]] = {}

    def write(name: str, values: tuple[int, ...]) -> str:
        kept[name] = values
        return f"@{name}"

    text = program_to_text(program, write)
    assert "  a2 = param values=@a2 : s8.10 proved\n" in text
    assert program_from_text(text, lambda reference: kept[reference[1:]]) == program


def test_blank_lines_around_a_program_are_no_part_of_it() -> None:
    assert program_from_text("\n\n" + EVERY_OPERATION + "\n") == program_from_text(EVERY_OPERATION)


def test_one_line() -> None:
    shift = Instruction("y", Op.SHIFT_RIGHT, ("x",), (3, Rounding.HALF_UP), Format(9, -1, True))
    assert instruction_to_text(shift) == "y = shift_right x bits=3 rounding=half_up : s9.-1 proved"


OPERATIONS = (
    "const, param, state, input, add, sub, neg, mul, shift_left, shift_right, clamp, wrap, min, max, ge, gt, eq, select, output"
)
IS_NO_INSTRUCTION = "this line is not an instruction\n  where:    {where}\n  expected: name = op args attr=value : s16.12 proved"


@pytest.mark.parametrize("text", ["", "LNM", "program", "program a b", "network LNM", "  u = const value=1 : u1.0 proved"])
def test_text_without_a_head(text: str) -> None:
    with pytest.raises(TextError) as error:
        program_from_text(text)
    assert (
        str(error.value)
        == f"this is not the text of a program\n  where:    line 1\n  got:      {text!r}\n  expected: program NAME"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", IS_NO_INSTRUCTION),
        ("y", IS_NO_INSTRUCTION),
        ("y = add x x", IS_NO_INSTRUCTION),
        ("y = add x x : s9.0", IS_NO_INSTRUCTION),
        ("y add x x : s9.0 proved", IS_NO_INSTRUCTION),
        ("y = add x x : 9.0 proved", IS_NO_INSTRUCTION),
        ("y = add x x : s9.0 proved proved", IS_NO_INSTRUCTION),
        ("a b = add x x : s9.0 proved", IS_NO_INSTRUCTION),
        ("y = div x x : s9.0 proved", f"unknown operation\n  where:    {{where}}\n  got:      div\n  expected: {OPERATIONS}"),
        ("y = add x x bits=1 : s9.0 proved", "wrong attributes\n  where:    {where}\n  got:      bits\n  expected: none"),
        ("y = clamp x : s9.0 saturate", "wrong attributes\n  where:    {where}\n  got:      none\n  expected: lo, hi"),
        (
            "y = clamp x hi=1 lo=0 : s9.0 saturate",
            "wrong attributes\n  where:    {where}\n  got:      hi, lo\n  expected: lo, hi",
        ),
        (
            "y = shift_right x bits=1 : s9.0 proved",
            "wrong attributes\n  where:    {where}\n  got:      bits\n  expected: bits, rounding",
        ),
        ("y = add x x : s9.0 saturate", "wrong overflow\n  where:    {where}\n  got:      saturate\n  expected: proved"),
        ("y = clamp x lo=0 hi=1 : u1.0 proved", "wrong overflow\n  where:    {where}\n  got:      proved\n  expected: saturate"),
        (
            "y = shift_right x bits=1 rounding=nearest : s9.0 proved",
            "an attribute cannot be read\n  where:    {where}\n  got:      'nearest' is not a valid Rounding",
        ),
        (
            "y = wrap x law=nobody : s9.0 wrap",
            "an attribute cannot be read\n  where:    {where}\n  got:      'nobody' is not a valid WrapLaw",
        ),
        (
            "y = const value=1.5 : s9.0 proved",
            "an attribute cannot be read\n  where:    {where}\n  got:      invalid literal for int() with base 10: '1.5'",
        ),
        (
            "y = param values=[1,] : s9.0 proved",
            "an attribute cannot be read\n  where:    {where}\n  got:      invalid literal for int() with base 10: ''",
        ),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, message: str) -> None:
    with pytest.raises(TextError) as error:
        program_from_text(
            f"program LNM\n  x = input lo=0 hi=9 : s9.0 proved\n  {line}\n  spikes = output x to=spikes : s9.0 proved\n"
        )
    assert str(error.value) == message.format(where=f"line 3: {line}")


@pytest.mark.parametrize(
    ("line", "got"),
    [
        ("y = const value=1 : u99.0 proved", "99 bits"),
        ("y = const value=1 : u0.0 proved", "0 bits"),
    ],
)
def test_a_format_of_an_impossible_width_is_an_error_of_its_line(line: str, got: str) -> None:
    with pytest.raises(TextError) as error:
        program_from_text(f"program LNM\n  {line}\n")
    assert f"line 2: {line}" in str(error.value)
    assert got in str(error.value)


def test_an_attribute_given_twice_is_an_error() -> None:
    with pytest.raises(TextError, match="wrong attributes\n  where:    line 2: "):
        program_from_text("program LNM\n  x = input lo=0 hi=9 lo=5 : s9.0 proved\n")


@pytest.mark.parametrize("values", ["1,2", "[1,2", "1,2]", "[[1,2]]"])
def test_values_stand_in_brackets(values: str) -> None:
    with pytest.raises(TextError, match="line 2: "):
        program_from_text(f"program LNM\n  a = param values={values} : u2.0 proved\n")

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from snn2hw.errors import RuleError
from snn2hw.ir.program import Program
from snn2hw.ir.program_rules import check_program
from snn2hw.ir.program_text import program_from_text
from snn2hw.ir.roles import FiringRoles, PolynomialRoles, Roles, SpikeRoles, Threshold
from tests.ir.random_programs import programs

LEGAL = """program LIF
  u = state lo=-100 hi=100 initial=0 : s8.3 proved
  x = input lo=-20 hi=30 : s6.3 proved
  decay = param values=[3,2] : u2.2 proved
  product = mul u decay : s10.5 proved
  decayed = shift_right product bits=2 rounding=floor : s8.3 proved
  sum = add decayed x : s8.3 proved
  h = clamp sum lo=-100 hi=100 : s8.3 saturate
  theta = const value=40 : u6.3 proved
  fired = ge h theta : u1.0 proved
  lowered = sub h theta : s9.3 proved
  after = select fired lowered h : s8.3 proved
  u_next = output after to=u : s8.3 proved
  spikes = output fired to=spikes : u1.0 proved
"""


def changed(old: str, new: str) -> Program:
    """The legal program with one line replaced; several lines where `new` has several."""
    assert LEGAL.count(f"  {old}\n") == 1
    return program_from_text(LEGAL.replace(f"  {old}\n", "".join(f"  {line}\n" for line in new.split("\n") if line)))


def message(program: Program, where: str = "") -> str:
    with pytest.raises(RuleError) as error:
        check_program(program, where)
    return str(error.value)


def test_a_legal_program() -> None:
    check_program(program_from_text(LEGAL))


@settings(max_examples=30)
@given(programs())
def test_random_programs_are_legal(program: Program) -> None:
    check_program(program)


def test_the_error_names_the_layer_and_the_program() -> None:
    broken = changed("sum = add decayed x : s8.3 proved", "sum = add decayed x : s4.3 proved")
    line = "got:      sum = add decayed x : s4.3 proved"
    what = "the result lies in [-95, 105], its format holds [-8, 7]"
    assert message(broken) == f"{what}\n  where:    program LIF\n  {line}"
    assert message(broken, "features.2 (LIF)") == f"{what}\n  where:    features.2 (LIF): program LIF\n  {line}"


STRUCTURE = [
    (
        "theta = const value=40 : u6.3 proved",
        "theta = const value=40 : u6.3 proved\nsum = const value=1 : u1.0 proved",
        "the name 'sum' is assigned twice",
        "sum = const value=1 : u1.0 proved",
    ),
    ("sum = add decayed x : s8.3 proved", "sum = add decayed : s8.3 proved", "add takes 2 arguments", ""),
    ("sum = add decayed x : s8.3 proved", "sum = add decayed x x : s8.3 proved", "add takes 2 arguments", ""),
    ("after = select fired lowered h : s8.3 proved", "after = select fired h : s8.3 proved", "select takes 3 arguments", ""),
    ("theta = const value=40 : u6.3 proved", "theta = const h value=40 : u6.3 proved", "const takes 0 arguments", ""),
    ("sum = add decayed x : s8.3 proved", "sum = add decayed h : s8.3 proved", "'h' is used before it is defined", ""),
    ("sum = add decayed x : s8.3 proved", "sum = add nobody x : s8.3 proved", "'nobody' is used before it is defined", ""),
    ("sum = add decayed x : s8.3 proved", "sum = add sum x : s8.3 proved", "'sum' is used before it is defined", ""),
    (
        "sum = add decayed x : s8.3 proved",
        "sum = add product x : s12.3 proved",
        "binary points are not aligned: [5, 3] fractional bits",
        "",
    ),
    (
        "fired = ge h theta : u1.0 proved",
        "fired = ge h product : u1.0 proved",
        "binary points are not aligned: [3, 5] fractional bits",
        "",
    ),
    (
        "after = select fired lowered h : s8.3 proved",
        "after = select h lowered h : s8.3 proved",
        "the condition of a select must be a flag",
        "",
    ),
    (
        "after = select fired lowered h : s8.3 proved",
        "after = select fired product h : s8.3 proved",
        "binary points are not aligned: [5, 3] fractional bits",
        "",
    ),
    ("sum = add decayed x : s8.3 proved", "sum = add decayed x : s8.4 proved", "the binary point of the result must be 3", ""),
    (
        "product = mul u decay : s10.5 proved",
        "product = mul u decay : s10.3 proved",
        "the binary point of the result must be 5",
        "",
    ),
    ("fired = ge h theta : u1.0 proved", "fired = ge h theta : u1.3 proved", "the binary point of the result must be 0", ""),
    (
        "decayed = shift_right product bits=2 rounding=floor : s8.3 proved",
        "decayed = shift_right product bits=2 rounding=floor : s8.5 proved",
        "the binary point of the result must be 3",
        "",
    ),
    (
        "decayed = shift_right product bits=2 rounding=floor : s8.3 proved",
        "decayed = shift_right product bits=-1 rounding=floor : s8.6 proved",
        "a shift moves by 0 to 61 bits",
        "",
    ),
    (
        "decayed = shift_right product bits=2 rounding=floor : s8.3 proved",
        "decayed = shift_right product bits=62 rounding=floor : s8.-57 proved",
        "a shift moves by 0 to 61 bits",
        "",
    ),
    (
        "decayed = shift_right product bits=2 rounding=floor : s8.3 proved",
        "decayed = shift_left product bits=62 : s8.67 proved",
        "a shift moves by 0 to 61 bits",
        "",
    ),
    (
        "h = clamp sum lo=-100 hi=100 : s8.3 saturate",
        "h = wrap sum law=twos_complement : u8.3 wrap",
        "wrap goes into a signed format",
        "",
    ),
    ("h = clamp sum lo=-100 hi=100 : s8.3 saturate", "h = clamp sum lo=1 hi=0 : s8.3 saturate", "lo is above hi", ""),
    (
        "u = state lo=-100 hi=100 initial=0 : s8.3 proved",
        "u = state lo=100 hi=-100 initial=0 : s8.3 proved",
        "lo is above hi",
        "",
    ),
    ("x = input lo=-20 hi=30 : s6.3 proved", "x = input lo=31 hi=30 : s6.3 proved", "lo is above hi", ""),
]


@pytest.mark.parametrize(("old", "new", "what", "got"), STRUCTURE)
def test_rules_of_a_line(old: str, new: str, what: str, got: str) -> None:
    assert message(changed(old, new)) == f"{what}\n  where:    program LIF\n  got:      {got or new}"


def test_a_shift_by_61_bits_is_legal() -> None:
    text = LEGAL.replace(
        "decayed = shift_right product bits=2 rounding=floor : s8.3", "far = shift_right product bits=61 rounding=floor : s1.-56"
    ).replace(
        "  sum = add decayed x : s8.3 proved\n",
        "  flag = ge far far : u1.0 proved\n  one = shift_left flag bits=3 : u4.3 proved\n  sum = add one x : s8.3 proved\n",
    )
    check_program(program_from_text(text))


@pytest.mark.parametrize(
    ("old", "new", "what", "got"),
    [
        (
            "x = input lo=-20 hi=30 : s6.3 proved",
            "x = const value=5 : u3.3 proved",
            "a program has exactly one input",
            "inputs: []",
        ),
        (
            "x = input lo=-20 hi=30 : s6.3 proved",
            "x = input lo=-20 hi=30 : s6.3 proved\ny = input lo=-20 hi=30 : s6.3 proved",
            "a program has exactly one input",
            "inputs: ['x', 'y']",
        ),
        (
            "spikes = output fired to=spikes : u1.0 proved",
            "",
            "a program has one output 'spikes' and one per state",
            "outputs: ['u'], states: ['u']",
        ),
        (
            "u_next = output after to=u : s8.3 proved",
            "",
            "a program has one output 'spikes' and one per state",
            "outputs: ['spikes'], states: ['u']",
        ),
        (
            "u_next = output after to=u : s8.3 proved",
            "u_next = output after to=u : s8.3 proved\nv_next = output after to=v : s8.3 proved",
            "a program has one output 'spikes' and one per state",
            "outputs: ['u', 'v', 'spikes'], states: ['u']",
        ),
        (
            "u_next = output after to=u : s8.3 proved",
            "u_next = output after to=u : s8.3 proved\nagain = output h to=u : s8.3 proved",
            "a program has one output 'spikes' and one per state",
            "outputs: ['u', 'u', 'spikes'], states: ['u']",
        ),
        (
            "theta = const value=40 : u6.3 proved",
            "theta = param values=[40,39,38] : u6.3 proved",
            "a constant has 1 value or one for each of 3 channels",
            "decay = param values=[3,2] : u2.2 proved",
        ),
        (
            "theta = const value=40 : u6.3 proved",
            "theta = const value=40 : u6.3 proved\nidle = add h h : s9.3 proved",
            "a value is computed and never used",
            "idle = add h h : s9.3 proved",
        ),
        (
            "theta = const value=40 : u6.3 proved",
            "theta = const value=40 : u6.3 proved\nidle = param values=[3] : u2.3 proved",
            "a value is computed and never used",
            "idle = param values=[3] : u2.3 proved",
        ),
    ],
)
def test_rules_of_the_whole(old: str, new: str, what: str, got: str) -> None:
    assert message(changed(old, new)) == f"{what}\n  where:    program LIF\n  got:      {got}"


# One bit less than needed, for every line of the program: [line as it is, line as it must not be, its interval, what is left].
NARROW = [
    ("u = state lo=-100 hi=100 initial=0 : s8.3 proved", "s7.3", "[-100, 100]", "[-64, 63]"),
    ("x = input lo=-20 hi=30 : s6.3 proved", "s5.3", "[-20, 30]", "[-16, 15]"),
    ("x = input lo=-20 hi=30 : s6.3 proved", "u6.3", "[-20, 30]", "[0, 63]"),
    ("decay = param values=[3,2] : u2.2 proved", "u1.2", "[2, 3]", "[0, 1]"),
    ("product = mul u decay : s10.5 proved", "s9.5", "[-300, 300]", "[-256, 255]"),
    ("decayed = shift_right product bits=2 rounding=floor : s8.3 proved", "s7.3", "[-75, 75]", "[-64, 63]"),
    ("sum = add decayed x : s8.3 proved", "s7.3", "[-95, 105]", "[-64, 63]"),
    ("h = clamp sum lo=-100 hi=100 : s8.3 saturate", "s7.3", "[-95, 100]", "[-64, 63]"),
    ("theta = const value=40 : u6.3 proved", "u5.3", "[40, 40]", "[0, 31]"),
    ("lowered = sub h theta : s9.3 proved", "s8.3", "[-135, 60]", "[-128, 127]"),
    ("after = select fired lowered h : s8.3 proved", "s7.3", "[-95, 60]", "[-64, 63]"),
    ("u_next = output after to=u : s8.3 proved", "s7.3", "[-95, 60]", "[-64, 63]"),
]


@pytest.mark.parametrize(("line", "fmt", "interval", "left"), NARROW)
def test_every_result_must_fit_its_format(line: str, fmt: str, interval: str, left: str) -> None:
    start, end = line.rsplit(" : ", 1)
    narrow = f"{start} : {fmt} {end.split(' ')[1]}"
    what = f"the result lies in {interval}, its format holds {left}"
    assert message(changed(line, narrow)) == f"{what}\n  where:    program LIF\n  got:      {narrow}"


def test_a_wrap_keeps_within_its_format_whatever_enters() -> None:
    check_program(changed("h = clamp sum lo=-100 hi=100 : s8.3 saturate", "h = wrap sum law=twos_complement : s4.3 wrap"))


SELECTS = """program P
  x = input lo={lo} hi={hi} : s5.0 proved
  y = select x x x : s5.0 proved
  spikes = output y to=spikes : s5.0 proved
"""


@pytest.mark.parametrize(("lo", "hi"), [(0, 2), (-1, 1), (-1, 0), (1, 2), (2, 3), (-3, -2)])
def test_the_condition_of_a_select_is_0_or_1(lo: int, hi: int) -> None:
    assert message(program_from_text(SELECTS.format(lo=lo, hi=hi))) == (
        "the condition of a select must be a flag, 0 or 1\n  where:    program P\n  got:      y = select x x x : s5.0 proved"
    )


@pytest.mark.parametrize(("lo", "hi"), [(0, 0), (0, 1), (1, 1)])
def test_any_value_that_is_0_or_1_is_a_flag(lo: int, hi: int) -> None:
    check_program(program_from_text(SELECTS.format(lo=lo, hi=hi)))


@pytest.mark.parametrize(
    ("old", "new", "what", "got"),
    [
        (
            "u = state lo=-100 hi=100 initial=0 : s8.3 proved",
            "u = state lo=-10 hi=12 initial=0 : s8.3 proved",
            "the state's next value lies in [-28, 39], outside what it declares",
            "",
        ),
        (
            "u = state lo=-100 hi=100 initial=0 : s8.3 proved",
            "u = state lo=-100 hi=100 initial=101 : s8.3 proved",
            "the initial value is outside what the state declares",
            "",
        ),
        (
            "u = state lo=-100 hi=100 initial=0 : s8.3 proved",
            "u = state lo=-100 hi=100 initial=-101 : s8.3 proved",
            "the initial value is outside what the state declares",
            "",
        ),
        (
            "u_next = output after to=u : s8.3 proved",
            "moved = shift_right after bits=1 rounding=floor : s8.2 proved\nu_next = output moved to=u : s8.2 proved",
            "a state and its next value have different binary points",
            "u_next = output moved to=u : s8.2 proved",
        ),
    ],
)
def test_rules_of_a_state(old: str, new: str, what: str, got: str) -> None:
    assert message(changed(old, new)) == f"{what}\n  where:    program LIF\n  got:      {got or new}"


ROLES = Roles(
    "u", "h", "x", PolynomialRoles("u", "decayed", (None, "decay")), FiringRoles((SpikeRoles("fired"),), (), "subtract")
)


def with_roles(**changed: Any) -> Program:
    return replace(program_from_text(LEGAL), roles=replace(ROLES, **changed))


def test_roles_that_are_values_of_the_program_are_legal() -> None:
    check_program(with_roles())


@pytest.mark.parametrize(
    ("changed", "what", "got"),
    [
        ({"membrane": "v"}, "a role is that of a value of the program", "membrane: v"),
        ({"entering": "u_next"}, "a role is that of a value of the program", "synaptic input: u_next"),
        ({"state": "h"}, "a role asks for a state", "h"),
        ({"polynomial": PolynomialRoles("u", "decayed", ("u",))}, "a role asks for a constant", "u"),
        ({"polynomial": PolynomialRoles("u", "decayed", (), "h")}, "a role asks for a constant", "h"),
        ({"firing": FiringRoles((), (Threshold("h"),), "none")}, "a role asks for a constant", "h"),
        ({"firing": FiringRoles((SpikeRoles("fired", None, "x"),), (), "none")}, "a role asks for a constant", "x"),
        ({"firing": FiringRoles((), (), "value", "sum")}, "a role asks for a constant", "sum"),
        ({"firing": FiringRoles((), (), "none", None, "decay")}, "a role asks for a state", "decay"),
    ],
)
def test_roles_that_are_none(changed: dict[str, Any], what: str, got: str) -> None:
    assert message(with_roles(**changed)) == f"{what}\n  where:    program LIF\n  got:      {got}"


@pytest.mark.parametrize("name", ["in", "out", "", "a b", "a/b", "a.b", "a-b", "h\n"])
def test_a_name_that_no_file_can_hold(name: str) -> None:
    legal = program_from_text(LEGAL)
    lines = [replace(i, name=name) if i.name == "spikes" else i for i in legal.instructions]
    what = "a value's name is letters, digits and underscores, and neither 'in' nor 'out'"
    assert message(replace(legal, instructions=tuple(lines))).startswith(f"{what}\n  where:    program LIF\n  got:      {name!r}")

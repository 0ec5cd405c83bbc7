from __future__ import annotations

import pytest

from snn2hw.certificate.slices import slices, supports
from snn2hw.ir.program import Op, one_channel
from snn2hw.ir.program_text import program_from_text
from tests.certificate.brute import NEURONS, layer

# A state and an input meet in `sum`; a clamp of what they make is a variable again; `two` depends on nothing.
MEETING = program_from_text("""program P
  u = state lo=-8 hi=7 initial=0 : s4.0 proved
  x = input lo=0 hi=3 : u2.0 proved
  two = const value=2 : u2.0 proved
  p = param values=[1,2] : u2.0 proved
  twice = mul u two : s5.0 proved
  more = add x p : u3.0 proved
  sum = add twice more : s6.0 proved
  h = clamp sum lo=-8 hi=7 : s4.0 saturate
  up = ge h two : u1.0 proved
  rest = sub h two : s5.0 proved
  after = select up rest h : s4.0 proved
  both = add after x : s5.0 proved
  u_next = output after to=u : s4.0 proved
  spikes = output both to=spikes : s5.0 proved
""")


def test_a_value_in_which_state_and_input_meet_is_a_variable() -> None:
    assert supports(MEETING) == {
        "u": "u", "x": "x", "two": "", "p": "", "twice": "u", "more": "x", "sum": "sum", "h": "h", "up": "h", "rest": "h",
        "after": "h", "both": "both", "u_next": "h", "spikes": "both",
    }  # fmt: skip


def test_the_slices_of_a_program() -> None:
    found = {s.variable.name: [i.name for i in s.instructions] for s in slices(MEETING)}
    constants = ["two", "p"]
    assert found == {
        "u": [*constants, "twice"],
        "x": [*constants, "more"],
        "sum": constants,
        "h": [*constants, "up", "rest", "after", "u_next"],
        "both": [*constants, "spikes"],
    }
    assert list(found) == ["u", "x", "sum", "h", "both"]


@pytest.mark.parametrize("which", NEURONS)
def test_every_instruction_is_in_one_slice_and_follows_from_its_variable_alone(which: str) -> None:
    program = layer(which).program
    support = supports(program)
    constants = {name for name, variable in support.items() if not variable}
    parts = slices(program)
    inside = [i.name for s in parts for i in s.instructions if i.name not in constants]
    assert sorted([*inside, *constants, *(s.variable.name for s in parts)]) == sorted(program.by_name)
    for s in parts:
        known = {s.variable.name}
        for i in s.instructions:
            assert known.issuperset(i.args)
            known.add(i.name)


def test_the_program_of_one_channel() -> None:
    alone = one_channel(MEETING, 1)
    assert alone.params == {"p": (2,)}
    assert alone.channels == 1
    assert [i for i in alone.instructions if i.op is not Op.PARAM] == [i for i in MEETING.instructions if i.op is not Op.PARAM]
    shared = layer("LIF").program
    assert one_channel(shared, 1) == shared

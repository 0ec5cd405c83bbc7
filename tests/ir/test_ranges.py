from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.evaluate import evaluate_scalar
from snn2hw.ir.program import Instruction, Op, Program, declared_interval
from snn2hw.ir.program_text import program_from_text
from snn2hw.ir.ranges import ranges
from snn2hw.num import Format
from tests.ir.program_check import stimuli
from tests.ir.random_programs import programs

# Two rounds of signed circulate firing, reset by subtraction; formats play no part in ranges.
CIRCULATE = """program CirculateFiring
  u = state lo=-100 hi=100 initial=0 : s16.0 proved
  x = input lo=-50 hi=70 : s16.0 proved
  sum = add u x : s16.0 proved
  h = clamp sum lo=-100 hi=120 : s16.0 saturate
  theta = param values=[30] : s16.0 proved
  minus = neg theta : s16.0 proved
  up1 = {inclusive} h theta : u1.0 proved
  down1 = {inclusive} minus h : u1.0 proved
  spike1 = sub up1 down1 : s2.0 proved
  raised1 = add h theta : s16.0 proved
  below1 = select down1 raised1 h : s16.0 proved
  lowered1 = sub h theta : s16.0 proved
  residual1 = select up1 lowered1 below1 : s16.0 proved
  up2 = {inclusive} residual1 theta : u1.0 proved
  down2 = {inclusive} minus residual1 : u1.0 proved
  spike2 = sub up2 down2 : s2.0 proved
  payload2 = add spike1 spike2 : s3.0 proved
  raised2 = add residual1 theta : s16.0 proved
  below2 = select down2 raised2 residual1 : s16.0 proved
  lowered2 = sub residual1 theta : s16.0 proved
  residual2 = select up2 lowered2 below2 : s16.0 proved
  u_next = output residual2 to=u : s16.0 proved
  spikes = output payload2 to=spikes : s3.0 proved
"""


def shown(text: str) -> dict[str, str]:
    return {name: str(interval) for name, interval in ranges(program_from_text(text)).items()}


def test_circulate_firing_with_reset_by_subtraction() -> None:
    assert shown(CIRCULATE.format(inclusive="ge")) == {
        "u": "[-100, 100]",
        "x": "[-50, 70]",
        "sum": "[-150, 170]",
        "h": "[-100, 120]",
        "theta": "[30, 30]",
        "minus": "[-30, -30]",
        "up1": "[0, 1]",
        "down1": "[0, 1]",
        "spike1": "[-1, 1]",
        "raised1": "[-70, 150]",
        # h <= -30 in the arm that raises, h > -30 in the other: [-70, 0] and [-29, 120]
        "below1": "[-70, 120]",
        "lowered1": "[-130, 90]",
        # h >= 30 in the arm that lowers: [0, 90]; what lies below was bounded without h < 30
        "residual1": "[-70, 120]",
        "up2": "[0, 1]",
        "down2": "[0, 1]",
        "spike2": "[-1, 1]",
        "payload2": "[-2, 2]",
        "raised2": "[-40, 150]",
        "below2": "[-40, 120]",
        "lowered2": "[-100, 90]",
        "residual2": "[-40, 120]",
        "u_next": "[-40, 120]",
        "spikes": "[-2, 2]",
    }


UNSIGNED = """program LIF
  u = state lo=-100 hi=100 initial=0 : s16.0 proved
  x = input lo=-50 hi=70 : s16.0 proved
  h = add u x : s16.0 proved
  theta = param values=[{theta}] : s16.0 proved
  fired = {compare} h theta : u1.0 proved
  lowered = sub h theta : s16.0 proved
  after = select fired lowered h : s16.0 proved
  u_next = output after to=u : s16.0 proved
  spikes = output fired to=spikes : u1.0 proved
"""


@pytest.mark.parametrize(
    ("compare", "theta", "fired", "after"),
    [
        ("ge", 30, "[0, 1]", "[-150, 140]"),  # [30, 170] - 30 and [-150, 29]
        ("gt", 30, "[0, 1]", "[-150, 140]"),  # [31, 170] - 30 and [-150, 30]
        ("ge", 100, "[0, 1]", "[-150, 99]"),  # [100, 170] - 100 and [-150, 99]
        ("gt", 100, "[0, 1]", "[-150, 100]"),  # [101, 170] - 100 and [-150, 100]
        ("ge", 170, "[0, 1]", "[-150, 169]"),  # {170} - 170 and [-150, 169]
        ("gt", 170, "[0, 0]", "[-150, 170]"),  # never fires: only the other arm
        ("ge", -150, "[1, 1]", "[0, 320]"),  # always fires: only this arm
        ("gt", -150, "[0, 1]", "[-150, 320]"),  # [-149, 170] + 150 and {-150}
        ("ge", 171, "[0, 0]", "[-150, 170]"),
        ("eq", 30, "[0, 1]", "[-180, 170]"),  # equality tells the arms nothing
        ("eq", 171, "[0, 0]", "[-150, 170]"),
    ],
)
def test_each_arm_of_a_select_is_bounded_under_its_condition(compare: str, theta: int, fired: str, after: str) -> None:
    known = shown(UNSIGNED.format(compare=compare, theta=theta))
    assert (known["fired"], known["after"]) == (fired, after)


def test_a_condition_reaches_through_what_is_computed_from_its_values() -> None:
    """The arm is 2*(h - theta) + h; h and theta stand on either side of the comparison."""
    known = shown(
        """program P
  x = input lo=-50 hi=70 : s16.0 proved
  theta = const value=30 : s16.0 proved
  above = ge x theta : u1.0 proved
  excess = sub x theta : s16.0 proved
  twice = shift_left excess bits=1 : s16.1 proved
  back = shift_right twice bits=1 rounding=floor : s16.0 proved
  arm = add back x : s16.0 proved
  y = select above arm x : s16.0 proved
  below = gt theta x : u1.0 proved
  z = select below theta arm : s16.0 proved
  total = add y z : s16.0 proved
  spikes = output total to=spikes : s16.0 proved
"""
    )
    assert known["arm"] == "[-130, 110]"
    assert known["y"] == "[-50, 110]"  # [30, 110] and [-50, 29]
    assert known["z"] == "[30, 110]"  # {30} and, where theta <= x, [30, 110]
    assert known["total"] == "[-20, 220]"


def test_constants_are_exact_per_channel() -> None:
    """Channel by channel 10*x and -3*x, never the product of [-3, 10] with something else of another channel."""
    known = shown(
        """program P
  x = input lo=1 hi=2 : s16.0 proved
  a = param values=[10,-3] : s16.0 proved
  b = param values=[-10,3] : s16.0 proved
  ax = mul a x : s16.0 proved
  ab = mul a b : s16.0 proved
  none = add a b : s16.0 proved
  s = add ab none : s16.0 proved
  t = add s ax : s16.0 proved
  spikes = output t to=spikes : s16.0 proved
"""
    )
    assert known["a"] == "[-3, 10]"
    assert known["ax"] == "[-6, 20]"
    assert known["ab"] == "[-100, -9]"
    assert known["none"] == "[0, 0]"
    assert known["t"] == "[-90, -12]"  # channel 0: -100 + [10, 20]; channel 1: -9 + [-6, -3]


@pytest.mark.parametrize("compare", ["ge", "gt"])
def test_ranges_of_circulate_firing_hold_exhaustively(compare: str) -> None:
    program = program_from_text(CIRCULATE.format(inclusive=compare))
    known = ranges(program)
    seen = [evaluate_scalar(program, x, {"u": u}) for u in range(-100, 101) for x in (*range(-50, 71, 7), 70)]
    for name, interval in known.items():
        values = [s[name] for s in seen]
        assert min(values) in interval, name
        assert max(values) in interval, name
    exact = {n for n in known if (min(s[n] for s in seen), max(s[n] for s in seen)) == (known[n].lo, known[n].hi)}
    assert {"u", "x", "sum", "h", "spike1", "raised1", "lowered1"} <= exact


@settings(max_examples=120)
@given(program=programs(), seed=st.integers(0, 2**32 - 1))
def test_every_value_of_a_random_program_lies_in_its_range(program: Program, seed: int) -> None:
    known = ranges(program)
    payloads, states = stimuli(program, seed)
    for place in np.ndindex(payloads.shape[1:]):
        here = {name: int(value[place]) for name, value in states.items()}
        for x in payloads[(slice(None), *place)]:
            for name, value in evaluate_scalar(program, int(x), here, channel=place[1]).items():
                assert value in known[name], f"{name} = {value}, outside {known[name]}"


@settings(max_examples=60)
@given(programs())
def test_narrowest_formats(program: Program) -> None:
    """Every format holds the range and one bit less does not; a wrap keeps its width; nothing else changes."""
    wide = Program(program.kind, tuple(_widened(i) for i in program.instructions))
    narrow, known = with_narrowest_formats(wide)
    assert known == ranges(program)
    assert narrow == program
    for i in narrow.instructions:
        assert known[i.name] in i.format.interval
        if i.op is not Op.WRAP and i.format.width > 1:
            assert known[i.name] not in Format(i.format.width - 1, i.format.frac, i.format.signed).interval


def _widened(i: Instruction) -> Instruction:
    return i if i.op is Op.WRAP else replace(i, format=Format(62, i.format.frac))


def test_sources_take_what_they_declare() -> None:
    program = program_from_text(UNSIGNED.format(compare="ge", theta=30))
    known = ranges(program)
    assert known["u"] == declared_interval(program.states["u"])
    assert known["x"] == declared_interval(program.input)

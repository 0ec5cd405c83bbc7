"""Random programs: pure Python integers == NumPy == ONNX Runtime == onnx.reference == torch, every spike and every state."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from snn2hw.backends import EXECUTORS
from snn2hw.errors import RuleError
from snn2hw.formats.onnx.write_program import arithmetic_dtype
from snn2hw.ir.program import Op, Program
from snn2hw.ir.program_rules import check_program
from snn2hw.ir.program_text import program_from_text, program_to_text
from snn2hw.num import Rounding
from snn2hw.store import make_artefact
from tests.ir.program_check import again, check, law_trace, network_of, reproducer, stimuli
from tests.ir.random_programs import programs

CORE = ("reference", "onnxruntime", "onnx-reference")
EVERY = CORE if EXECUTORS["torch"].unavailable() else (*CORE, "torch")
SEEDS = st.integers(0, 2**32 - 1)

# Legal programs at the edges of the 32-bit and 64-bit types that an executor may choose.
CORNERS = {
    "a clamp far wider than its value": """program P
  i = input lo=0 hi=10 : u4.0 proved
  k = clamp i lo=-1099511627776 hi=1099511627776 : u4.0 saturate
  spikes = output k to=spikes : u4.0 proved
""",
    "a state of exactly 32 bits": """program P
  u = state lo=-2147483648 hi=2147483647 initial=2147483600 : s32.0 proved
  i = input lo=-100 hi=100 : s8.0 proved
  sum = add u i : s33.0 proved
  kept = wrap sum law=twos_complement : s32.0 wrap
  zero = const value=0 : u1.0 proved
  positive = ge kept zero : u1.0 proved
  u_next = output kept to=u : s32.0 proved
  spikes = output positive to=spikes : u1.0 proved
""",
    "a state of 32 unsigned bits": """program P
  u = state lo=0 hi=4294967295 initial=4294967290 : u32.0 proved
  i = input lo=0 hi=100 : u7.0 proved
  sum = add u i : u33.0 proved
  kept = clamp sum lo=0 hi=4294967295 : u32.0 saturate
  high = ge sum kept : u1.0 proved
  u_next = output kept to=u : u32.0 proved
  spikes = output high to=spikes : u1.0 proved
""",
    "a zero shifted far to the left": """program P
  i = input lo=-5 hi=10 : s5.0 proved
  zero = const value=0 : u1.0 proved
  far = shift_left zero bits=40 : u1.40 proved
  flag = ge far far : u1.0 proved
  sum = add i flag : s5.0 proved
  spikes = output sum to=spikes : s5.0 proved
""",
    "constant outputs, one per channel": """program P
  u = state lo=0 hi=3 initial=1 : u2.0 proved
  i = input lo=0 hi=10 : u4.0 proved
  p = param values=[1,2] : u2.0 proved
  three = const value=3 : u2.0 proved
  u_next = output p to=u : u2.0 proved
  spikes = output three to=spikes : u2.0 proved
""",
    "a state that is never written, an input that is never read": """program P
  u = state lo=-4 hi=30 initial=-4 : s6.0 proved
  i = input lo=-2147483647 hi=2147483647 : s32.0 proved
  spikes = output u to=spikes : s6.0 proved
  u_next = output u to=u : s6.0 proved
""",
    "a half added to the last unsigned value of 31 bits": """program P
  i = input lo=0 hi=2147483647 : u31.0 proved
  half = shift_right i bits=3 rounding=half_up : u29.-3 proved
  spikes = output half to=spikes : u29.-3 proved
""",
    "a half added to the last signed value of 31 bits": """program P
  i = input lo=-1073741824 hi=1073741823 : s31.0 proved
  half = shift_right i bits=3 rounding=half_up : s29.-3 proved
  spikes = output half to=spikes : s29.-3 proved
""",
    # ONNX Runtime's DivMulFusion turns (1 / 2) * i into i / 2, in integers too.
    "a constant one, halved, and a product of it": """program P
  i = input lo=-5 hi=10 : s5.0 proved
  one = const value=1 : u1.0 proved
  none = shift_right one bits=1 rounding=toward_zero : u1.-1 proved
  product = mul none i : s5.-1 proved
  spikes = output product to=spikes : s5.-1 proved
""",
    "a constant one of the layer, halved, and a product of it": """program P
  i = input lo=-5 hi=10 : s5.0 proved
  one = param values=[1] : u1.0 proved
  none = shift_right one bits=1 rounding=toward_zero : u1.-1 proved
  product = mul none i : s5.-1 proved
  spikes = output product to=spikes : s5.-1 proved
""",
    "62 bits, and a shift by 61": """program P
  i = input lo=-1073741824 hi=1073741823 : s31.0 proved
  far = shift_left i bits=31 : s62.31 proved
  down = shift_right far bits=61 rounding=floor : s1.-30 proved
  near = shift_right far bits=61 rounding=half_up : s2.-30 proved
  zero = shift_right far bits=61 rounding=toward_zero : s2.-30 proved
  sum = add down near : s3.-30 proved
  all = sub sum zero : s3.-30 proved
  spikes = output all to=spikes : s3.-30 proved
""",
    "an unsigned value of 31 bits, in int32 up to its last": """program P
  i = input lo=0 hi=2147483647 : u31.0 proved
  low = const value=2147483000 : u31.0 proved
  rest = max i low : u31.0 proved
  over = sub rest low : u10.0 proved
  spikes = output over to=spikes : u10.0 proved
""",
}


# Programs that a rule may refuse; if none does, they are legal and run everywhere.
DOUBTFUL = {
    "a state with the name of the function's input": """program P
  x = state lo=0 hi=10 initial=3 : u4.0 proved
  i = input lo=0 hi=10 : u4.0 proved
  sum = add x i : u5.0 proved
  kept = clamp sum lo=0 hi=10 : u4.0 saturate
  x_next = output kept to=x : u4.0 proved
  spikes = output sum to=spikes : u5.0 proved
""",
    "a value with the name of the function's input": """program P
  i = input lo=0 hi=10 : u4.0 proved
  x_in = add i i : u5.0 proved
  spikes = output x_in to=spikes : u5.0 proved
""",
    "a value with the name of a constant of the graph": """program P
  i = input lo=0 hi=10 : u4.0 proved
  constant0 = clamp i lo=0 hi=7 : u3.0 saturate
  spikes = output constant0 to=spikes : u3.0 proved
""",
    "a value with the name of a flag of the graph": """program P
  i = input lo=0 hi=10 : u4.0 proved
  up_flag = add i i : u5.0 proved
  up = ge up_flag i : u1.0 proved
  sum = add up up_flag : u5.0 proved
  spikes = output sum to=spikes : u5.0 proved
""",
    "a state called spikes": """program P
  spikes = state lo=0 hi=30 initial=1 : u5.0 proved
  i = input lo=0 hi=10 : u4.0 proved
  a = output i to=spikes : u4.0 proved
  b = output spikes to=spikes : u5.0 proved
""",
    "an output as an argument": """program P
  u = state lo=0 hi=30 initial=1 : u5.0 proved
  i = input lo=0 hi=10 : u4.0 proved
  u_next = output i to=u : u4.0 proved
  sum = add u_next i : u5.0 proved
  spikes = output sum to=spikes : u5.0 proved
""",
    "a clamp wider than 64 bits": """program P
  i = input lo=0 hi=10 : u4.0 proved
  k = clamp i lo=-1180591620717411303424 hi=1180591620717411303424 : u4.0 saturate
  spikes = output k to=spikes : u4.0 proved
""",
}


@settings(max_examples=60)
@given(program=programs(), seed=SEEDS)
def test_random_programs_are_the_same_integers_everywhere(program: Program, seed: int) -> None:
    check(program, *stimuli(program, seed), EVERY)


@pytest.mark.slow
@pytest.mark.torch
@settings(max_examples=5000)
@given(program=programs(), seed=SEEDS)
def test_many_random_programs(program: Program, seed: int) -> None:
    check(program, *stimuli(program, seed), (*CORE, "torch"))


@pytest.mark.parametrize("name", CORNERS)
def test_corner_programs(name: str) -> None:
    program = program_from_text(CORNERS[name])
    check_program(program)
    check(program, *stimuli(program, 0), EVERY)


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_program_that_no_rule_refuses_runs(name: str) -> None:
    program = program_from_text(DOUBTFUL[name])
    try:
        check_program(program)
    except RuleError:
        return
    check(program, *stimuli(program, 0), CORE)


def test_the_strategy_reaches_everything() -> None:
    """What the fuzz above promises to exercise is really drawn."""
    drawn: Counter[object] = Counter()

    @settings(max_examples=400, phases=[Phase.generate], database=None)
    @given(programs())
    def draw(program: Program) -> None:
        drawn.update({i.op for i in program.instructions})
        drawn.update({i.attrs[1] for i in program.of(Op.SHIFT_RIGHT)})
        drawn.update({f"{len(program.states)} states", f"{program.channels} channels", arithmetic_dtype(program)})
        drawn.update({f"{i.op.value} above 32 bits" for i in program.instructions if i.format.width > 33})

    draw()
    wanted = [*Op, *Rounding, *(f"{n} states" for n in range(4)), *(f"{n} channels" for n in range(1, 4)), np.int32, np.int64]
    wanted += [f"{op.value} above 32 bits" for op in (Op.ADD, Op.MUL, Op.SHIFT_RIGHT, Op.CLAMP, Op.WRAP, Op.MIN, Op.MAX)]
    assert {w: drawn[w] for w in wanted if drawn[w] < 3} == {}


@given(program=programs(), seed=SEEDS)
@settings(max_examples=20)
def test_stimuli_keep_within_the_declared_intervals_and_reach_their_ends(program: Program, seed: int) -> None:
    payloads, states = stimuli(program, seed)
    for instruction, values in [(program.input, payloads), *((program.states[s], v) for s, v in states.items())]:
        assert (values.min(), values.max()) == instruction.attrs[:2]


ACCUMULATE = """program Accumulate
  u = state lo=-100 hi=100 initial=7 : s8.0 proved
  x = input lo=-90 hi=90 : s8.0 proved
  sum = add u x : s9.0 proved
  after = clamp sum lo=-100 hi=100 : s8.0 saturate
  u_next = output after to=u : s8.0 proved
  spikes = output sum to=spikes : s9.0 proved
"""


def test_the_law_of_the_check_is_what_the_text_says() -> None:
    """The expected trace, written out by hand for a program that everyone can follow."""
    program = program_from_text(ACCUMULATE)
    payloads = np.array([[[[5, -90]]], [[[90, -90]]], [[[90, 1]]]])
    trace = law_trace(program, payloads)
    assert trace["spikes/n"].tolist() == [[[[12, -83]]], [[[102, -173]]], [[[190, -99]]]]
    assert trace["states/n.u"].tolist() == [[[[12, -83]]], [[[100, -100]]], [[[100, -99]]]]
    assert trace["readout"].tolist() == [[12 + 102 + 190, -83 - 173 - 99]]
    got = EXECUTORS["reference"].run(make_artefact(network_of(program)), payloads)
    assert got.states["n.u"].tolist() == trace["states/n.u"].tolist()


def test_a_difference_is_reported_with_a_reproducer_that_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An executor with a clamp that is off by one is caught, and what is printed holds all it takes to see it again."""
    from snn2hw.formats.onnx import write_program as onnx_program

    program = program_from_text(ACCUMULATE)
    payloads, states = np.full((3, 1, 1, 2), 90), {"u": np.array([[[-100, 100]]])}
    check(program, payloads, states, CORE)

    def off_by_one(e: onnx_program._Emitter, i: onnx_program.Instruction) -> None:
        e.node("Clip", i, i.args[0], e.constant(-100), e.constant(99))

    monkeypatch.setitem(onnx_program._TABLE, Op.CLAMP, off_by_one)
    with pytest.raises(AssertionError) as error:
        check(program, payloads, states, ("onnxruntime",))
    report = str(error.value)
    assert "onnxruntime, 3 steps: states/n.u[1, 0, 0, 0] is 99 instead of 100, 4 differ" in report
    assert program_to_text(program) in report
    assert reproducer(program, payloads, states, ("onnxruntime",)) in report
    path = tmp_path_factory.mktemp("fuzz") / "program.txt"
    path.write_text(report.split("<<'END'\n")[1].split("END\n", maxsplit=1)[0], encoding="utf-8")
    with pytest.raises(AssertionError, match="onnxruntime, 3 steps"):
        again(str(path), payloads.tolist(), {"u": [[[-100, 100]]]}, ("onnxruntime",))
    monkeypatch.undo()
    again(str(path), payloads.tolist(), {"u": [[[-100, 100]]]}, ("onnxruntime",))

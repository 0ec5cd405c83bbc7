from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2hw.backends.torch.program import OPERATIONS
from snn2hw.formats.onnx.write_program import _TABLE as ONNX_TABLE
from snn2hw.ir.optable import OPTABLE, SOURCES
from snn2hw.ir.program import Op, Overflow
from snn2hw.native.c_ops import EXPRESSIONS
from snn2hw.num import Format, Interval, Rounding, WrapLaw

COMPUTED = [op for op in Op if op not in SOURCES]
WIDE = Format(62, 0)

# How many bits an argument may have, so that the result keeps within the 62 bits that rules ask for.
ARGUMENT_BITS = {Op.MUL: 30, Op.SHIFT_LEFT: 30}

# What each operation is, once more, in words of Python that the table does not use; wrap has its own test.
MEANINGS = {
    Op.CONST: lambda a, t: t[0],
    Op.ADD: lambda a, t: sum(a),
    Op.SUB: lambda a, t: sum((a[0], -a[1])),
    Op.NEG: lambda a, t: 0 - a[0],
    Op.MUL: lambda a, t: int(np.prod(np.array(a, object))),
    Op.SHIFT_LEFT: lambda a, t: a[0] * 2 ** t[0],
    Op.CLAMP: lambda a, t: sorted((t[0], a[0], t[1]))[1],
    Op.MIN: lambda a, t: min(a),
    Op.MAX: lambda a, t: max(a),
    Op.GE: lambda a, t: int(not a[0] < a[1]),
    Op.GT: lambda a, t: int(not a[0] <= a[1]),
    Op.EQ: lambda a, t: int(a[0] - a[1] == 0),
    Op.SELECT: lambda a, t: a[1] if a[0] else a[2],
    Op.OUTPUT: lambda a, t: a[0],
}


def test_every_operation_has_a_row() -> None:
    assert set(OPTABLE) == set(Op)


@pytest.mark.parametrize("table", [OPERATIONS, ONNX_TABLE, EXPRESSIONS], ids=["torch", "onnx", "C"])
def test_every_other_table_covers_every_operation(table: dict[Op, Any]) -> None:
    assert set(table) == set(Op)
    assert all(callable(table[op]) for op in COMPUTED)


def test_the_operations_of_the_table() -> None:
    """Names, arities and attributes are part of the text form: changing one breaks every file."""
    shown = {op.value: f"{row.arity} {' '.join(name for name, _ in row.attrs)}".strip() for op, row in OPTABLE.items()}
    assert shown == {
        "const": "0 value", "param": "0 values", "state": "0 lo hi initial", "input": "0 lo hi",
        "add": "2", "sub": "2", "neg": "1", "mul": "2", "shift_left": "1 bits", "shift_right": "1 bits rounding",
        "clamp": "1 lo hi", "wrap": "1 law", "min": "2", "max": "2", "ge": "2", "gt": "2", "eq": "2", "select": "3",
        "output": "1 to",
    }  # fmt: skip


def test_overflow_is_written_where_it_can_happen() -> None:
    other = {op: row.overflow for op, row in OPTABLE.items() if row.overflow is not Overflow.PROVED}
    assert other == {Op.CLAMP: Overflow.SATURATE, Op.WRAP: Overflow.WRAP}


def test_sources_take_their_value_from_outside() -> None:
    assert {Op.PARAM, Op.STATE, Op.INPUT} == SOURCES


@pytest.mark.parametrize("op", sorted(SOURCES, key=lambda op: op.value))
def test_a_source_has_no_value_of_its_own(op: Op) -> None:
    with pytest.raises(AssertionError, match="state, input and param take their value from the environment"):
        OPTABLE[op].evaluate([], [(1,), 2, 3], WIDE)


@pytest.mark.parametrize("op", Op)
def test_every_row_says_what_it_means(op: Op) -> None:
    assert OPTABLE[op].says.strip() == OPTABLE[op].says != ""


def intervals(bits: int) -> st.SearchStrategy[Interval]:
    ends = st.one_of(st.integers(-5, 5), st.integers(-(2**bits), 2**bits))
    return st.tuples(ends, ends).map(lambda e: Interval(min(e), max(e)))


def members(interval: Interval) -> st.SearchStrategy[int]:
    return st.one_of(st.sampled_from((interval.lo, interval.hi)), st.integers(interval.lo, interval.hi))


def attributes(op: Op) -> st.SearchStrategy[tuple[Any, ...]]:
    if op is Op.CLAMP:
        return intervals(60).map(lambda i: (i.lo, i.hi))
    values = {
        "value": st.integers(-(2**60), 2**60), "bits": st.integers(0, 61 if op is Op.SHIFT_RIGHT else 30),
        "rounding": st.sampled_from(Rounding), "law": st.sampled_from(WrapLaw), "to": st.just("spikes"),
    }  # fmt: skip
    return st.tuples(*(values[name] for name, _ in OPTABLE[op].attrs))


@st.composite
def uses(draw: Any, op: Op) -> tuple[list[Interval], list[list[int]], tuple[Any, ...], Format]:
    """(intervals of the arguments, values in them, attributes, format of the result) of one use of the operation."""
    arguments = [draw(intervals(ARGUMENT_BITS.get(op, 60))) for _ in range(OPTABLE[op].arity)]
    if op is Op.SELECT:
        arguments[0] = draw(st.sampled_from((Interval(0, 0), Interval(0, 1), Interval(1, 1))))
    if op in (Op.GE, Op.GT, Op.EQ) and draw(st.booleans()):
        arguments[1] = arguments[0]  # else two arguments are hardly ever equal
    count = draw(st.integers(1, 6))
    values = [[draw(members(a)) for _ in range(count)] for a in arguments]
    if op in (Op.GE, Op.GT, Op.EQ) and draw(st.booleans()):
        values[1] = [v if v in arguments[1] else w for v, w in zip(*values, strict=True)]
    return arguments, values, draw(attributes(op)), Format(draw(st.integers(2, 62)), 0) if op is Op.WRAP else WIDE


@pytest.mark.parametrize("op", COMPUTED)
@settings(max_examples=25)
@given(data=st.data())
def test_results_lie_in_the_interval_and_mean_what_they_say(op: Op, data: st.DataObject) -> None:
    arguments, values, attrs, fmt = data.draw(uses(op))
    row = OPTABLE[op]
    interval = row.interval(arguments, attrs, fmt)
    for here in zip(*values, strict=True) if values else [()]:
        result = row.evaluate(here, attrs, fmt)
        assert type(result) is int
        assert result in interval, f"{op.value} {here} {attrs} is {result}, outside {interval}"
        if op in MEANINGS:
            assert result == MEANINGS[op](here, attrs)


@pytest.mark.parametrize("op", COMPUTED)
@settings(max_examples=25)
@given(data=st.data())
def test_arrays_give_the_integers_of_scalars(op: Op, data: st.DataObject) -> None:
    _, values, attrs, fmt = data.draw(uses(op))
    row = OPTABLE[op]
    result = row.evaluate([np.array(v, np.int64) for v in values], attrs, fmt)
    expected = [row.evaluate(here, attrs, fmt) for here in zip(*values, strict=True)]
    if op is Op.CONST:
        assert result == attrs[0]
    else:
        assert result.dtype == np.int64
        assert result.tolist() == expected


SMALL = [Interval(lo, hi) for lo in range(-3, 4) for hi in range(lo, 4)]


@pytest.mark.parametrize("op", [op for op in COMPUTED if op is not Op.WRAP])
def test_intervals_are_the_smallest_exhaustively(op: Op) -> None:
    """On small intervals the row's interval is the hull of every result; a wrap may be wider, see below."""
    small = {Op.CLAMP: [(-2, 1), (0, 0), (-9, 9)], Op.SHIFT_LEFT: [(0,), (2,)], Op.CONST: [(5,)], Op.OUTPUT: [("spikes",)]}
    small[Op.SHIFT_RIGHT] = [(bits, rounding) for bits in (0, 1, 2) for rounding in Rounding]
    row = OPTABLE[op]
    for arguments in product(SMALL, repeat=row.arity):
        if op is Op.SELECT and arguments[0] != Interval(0, 1):  # which arm is certain is the business of `ranges`
            continue
        for attrs in small.get(op, [()]):
            inside = product(*(range(a.lo, a.hi + 1) for a in arguments))
            results = [row.evaluate(values, attrs, WIDE) for values in inside]
            assert row.interval(arguments, attrs, WIDE) == Interval.of(results), (
                f"{op.value} {[str(a) for a in arguments]} {attrs}"
            )


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_a_wrap_changes_nothing_that_fits_and_else_may_be_anything(width: int) -> None:
    row, fmt, law = OPTABLE[Op.WRAP], Format(width, 0), (WrapLaw.TWOS_COMPLEMENT,)
    for lo, hi in product(range(-40, 41), repeat=2):
        if lo <= hi:
            fits = -(2 ** (width - 1)) <= lo and hi < 2 ** (width - 1)
            assert row.interval([Interval(lo, hi)], law, fmt) == (Interval(lo, hi) if fits else fmt.interval)
    for x in range(-100, 101):
        assert (row.evaluate([x], law, fmt) - x) % 2**width == 0
        assert row.evaluate([x], law, fmt) in fmt.interval


@pytest.mark.parametrize(
    ("op", "fracs", "attrs", "frac"),
    [
        (Op.CONST, [], (3,), None),
        (Op.PARAM, [], ((3,),), None),
        (Op.STATE, [], (0, 1, 0), None),
        (Op.INPUT, [], (0, 1), None),
        (Op.ADD, [4, 4], (), 4),
        (Op.SUB, [4, 4], (), 4),
        (Op.NEG, [-2], (), -2),
        (Op.MUL, [4, 5], (), 9),
        (Op.SHIFT_LEFT, [4], (3,), 7),
        (Op.SHIFT_RIGHT, [4], (6, Rounding.FLOOR), -2),
        (Op.CLAMP, [4], (0, 1), 4),
        (Op.WRAP, [4], (WrapLaw.TWOS_COMPLEMENT,), 4),
        (Op.MIN, [4, 4], (), 4),
        (Op.MAX, [4, 4], (), 4),
        (Op.GE, [4, 4], (), 0),
        (Op.GT, [4, 4], (), 0),
        (Op.EQ, [4, 4], (), 0),
        (Op.SELECT, [0, 4, 4], (), 4),
        (Op.OUTPUT, [4], ("spikes",), 4),
    ],
)
def test_binary_points(op: Op, fracs: list[int], attrs: tuple[Any, ...], frac: int | None) -> None:
    assert OPTABLE[op].frac(fracs, attrs) == frac


@pytest.mark.parametrize("op", [Op.ADD, Op.SUB, Op.MIN, Op.MAX, Op.GE, Op.GT, Op.EQ])
def test_arguments_at_different_binary_points(op: Op) -> None:
    assert OPTABLE[op].frac([4, 5], ()) == "binary points are not aligned: [4, 5] fractional bits"


def test_binary_points_of_a_select() -> None:
    assert OPTABLE[Op.SELECT].frac([1, 4, 4], ()) == "the condition of a select must be a flag"
    assert OPTABLE[Op.SELECT].frac([0, 4, 3], ()) == "binary points are not aligned: [4, 3] fractional bits"

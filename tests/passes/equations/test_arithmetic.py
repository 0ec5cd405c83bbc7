"""Numbers of an equation as constants of a program."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.program import Op, values_of
from snn2hw.passes.equations.arithmetic import Arithmetic
from snn2hw.target import load_target


def written(values: list[float], frac: int) -> tuple[list[int], int, int]:
    """The constant that numbers become, its binary point, and the shift behind it."""
    b = ProgramBuilder("K")
    name = Arithmetic(b, load_target("generic").lowering, "here").number("c", np.array(values), frac)
    program = b.program()
    (param,) = program.of(Op.PARAM)
    shifts = [int(str(i.attrs[0])) for i in program.of(Op.SHIFT_LEFT)]
    assert b.frac(name) == frac
    return list(values_of(param)), param.format.frac, sum(shifts)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5], ([1], 1, 5)),
        ([0.75, -0.5], ([3, -2], 2, 4)),
        ([0.41], ([13], 5, 1)),
        ([0.0], ([0], 6, 0)),
        ([0.006], ([0], 6, 0)),  # less than half a unit: 0 has no trailing zeros to leave out, or it would be shifted by 70 bits
        ([0.006, 0.5], ([0, 1], 1, 5)),
    ],
)
def test_a_constant_has_the_bits_that_it_needs(values: list[float], expected: tuple[list[int], int, int]) -> None:
    assert written(values, 6) == expected

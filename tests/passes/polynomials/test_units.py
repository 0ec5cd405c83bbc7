"""The unit of a state is the user's: a polynomial of states 2**k times as small has the same programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.program import Op
from snn2hw.num import Interval
from snn2hw.passes.polynomials.horner import Argument, powers_of
from snn2hw.passes.polynomials.plain import emit_plain
from snn2hw.passes.polynomials.search import candidates
from tests.passes.polynomials.learned import LOIHI2

TABLE = np.array([[-0.1718, 0.6751, 0.0534, 1.788e-4, 3.43e-3, -4.774e-4]])


def in_units(k: int, degree: int) -> tuple[Any, Argument]:
    """P of states 2**-k times as large: a_i * 2**(k * (i - 1))."""
    factors = 2.0 ** (k * (np.arange(degree + 1) - 1.0))
    return TABLE[:, : degree + 1] * factors, Argument("u", Interval(-512, 511), 7 + k)


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_every_way_to_evaluate_it_is_as_good_in_any_unit(degree: int) -> None:
    wanted = [(c.says, c.worst, c.instructions, c.widest) for c in candidates(*in_units(0, degree), LOIHI2)]
    for k in (-30, 1, 38, 60, 100):
        found = candidates(*in_units(k, degree), LOIHI2)
        assert [(c.says, c.worst, c.instructions, c.widest) for c in found] == wanted, f"k = {k}"


@pytest.mark.parametrize("k", [-60, 38, 60, 120])
def test_the_plain_way_has_the_same_integers_in_any_unit(k: int) -> None:
    programs = []
    for coefficients, u in (in_units(0, 5), in_units(k, 5)):
        b = ProgramBuilder("P")
        b.emit(Op.STATE, "u", (), (u.interval.lo, u.interval.hi, 0), u.frac)
        emit_plain(b, coefficients, u, LOIHI2)
        programs.append([(i.op, i.args, i.attrs) for i in b.program().instructions])
    assert programs[0] == programs[1]


def test_powers_move_with_the_unit() -> None:
    for x in np.random.default_rng(0).uniform(0.5, 1.0, 2000).tolist():
        wanted = powers_of(x, 5)
        np.testing.assert_array_equal(powers_of(x * 2.0**-38, 5), wanted * 2.0 ** (-38.0 * np.arange(6)))
        assert wanted.tolist() == [1.0, x, x * x, x * x * x, x * x * x * x, x * x * x * x * x]
    np.testing.assert_array_equal(powers_of(-3.0, 3), [1.0, -3.0, 9.0, -27.0])

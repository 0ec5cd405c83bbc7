"""A search is done once for equal polynomials and depends on nothing else; nor does an error on how states are taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn2hw.passes.polynomials import search, worst
from snn2hw.passes.polynomials.search import MANY, VALUE, candidates
from snn2hw.passes.polynomials.worst import worst_error
from tests.passes.polynomials.learned import LOIHI2, learned, program_of, state


def test_equal_polynomials_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    coefficients, u = learned(np.random.default_rng(3), 3, channels=2), state(12)
    search._searched.cache_clear()
    found = candidates(coefficients, u, LOIHI2)
    monkeypatch.setattr(search, "_found", lambda *_: pytest.fail("it is searched again"))
    assert candidates(coefficients.copy(), u, LOIHI2) == found


@pytest.mark.parametrize("what", ["coefficients", "argument", "target", "how thoroughly"])
def test_whatever_differs_is_searched_anew(what: str) -> None:
    coefficients, u = learned(np.random.default_rng(3), 2), state(10)
    found = candidates(coefficients, u, LOIHI2)
    others = {
        "coefficients": lambda: candidates(coefficients * 1.25, u, LOIHI2),
        "argument": lambda: candidates(coefficients, state(11), LOIHI2),
        "target": lambda: candidates(coefficients, u, replace(LOIHI2, accumulator_bits=24)),
        "how thoroughly": lambda: candidates(coefficients, u, LOIHI2, thorough=True),
    }
    assert others[what]() != found  # ways to make it are equal only where they are the same


def test_what_is_kept_is_nobody_elses() -> None:
    """The caller's array changes in training, and the caller takes candidates out of the list."""
    coefficients, u = learned(np.random.default_rng(4), 3), state(12)
    first = candidates(coefficients, u, LOIHI2)
    emitted = program_of(first[0], u)
    kept, best = coefficients.copy(), first[0]
    coefficients += 0.25
    first.clear()
    assert candidates(kept, u, LOIHI2)[0] is best
    assert program_of(best, u) == emitted


@pytest.mark.parametrize("chunk", [1000, 1 << 20])
def test_the_worst_error_does_not_depend_on_how_many_states_are_taken_at_once(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    coefficients, u = learned(np.random.default_rng(5), 3, channels=2), state(16)
    program = program_of(candidates(coefficients, u, LOIHI2)[0], u)
    found = worst_error(program, VALUE, coefficients, u, MANY)
    monkeypatch.setattr(worst, "CHUNK", chunk)
    assert worst_error(program, VALUE, coefficients, u, MANY) == found

"""The study's figures, from results made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the study trains torch models")

from bench.study import figures, processors
from bench.study.nets import PLANS, VARIANTS
from tests.bench.study_results import made, result


def test_means_and_differences_are_of_the_same_seeds() -> None:
    results = made(0.01)
    assert figures.mean([0.9, 0.94, 0.92]).text() == "92.00 ± 2.00"
    assert figures.mean([0.9, 0.94, 0.92]).sure() == "92.00 ± 1.15"
    assert figures.mean([0.9]).sure("+") == "+90.00"
    assert figures.mean([-1e-9]).sure() == "0.00"
    difference = figures.against_base(results, "digits-sequential", "PLIF", "float", "LIF")
    assert difference.mean == pytest.approx(0.0101)
    assert difference.deviation == pytest.approx(0.0001)
    assert figures.is_claimed(difference)
    assert not figures.is_claimed(figures.against_base(results, "digits-sequential", "LNM-3", "float", "LIF"))
    assert figures.lost(results, "digits-sequential", 8, "PTQ").mean == pytest.approx(0.003)
    results[0]["PTQ 8"] -= 0.03  # of LIF, seed 0: the mean of three falls by 0.01
    most, where = figures.worst(results, "digits-sequential", 8, "PTQ")
    assert (most, where) == (pytest.approx(0.013), "LIF")
    some = [r for r in results if r["variant"] != "LIF" or r["seed"] == 1]
    alone = figures.paired(some, "digits-sequential", "PLIF", "float", "LIF")
    assert alone is not None
    assert (alone.n, alone.mean) == (1, pytest.approx(0.0101))
    assert figures.paired([r for r in some if r["variant"] != "LIF"], "digits-sequential", "PLIF", "float", "LIF") is None


def test_the_error_of_a_difference_is_also_that_of_the_test_samples() -> None:
    """Two seeds that gain the same 2 of 50 samples: nothing between seeds, and 0.0280 of samples."""
    base, better = np.zeros(50, bool), np.zeros(50, bool)
    better[:2] = True
    runs = [result("fsdd", v, s, float(right.mean())) | {"right": np.packbits(right).tobytes().hex(), "processor": "mine"}
            for v, right in (("LIF", base), ("PLIF", better)) for s in (0, 1)]  # fmt: skip
    found = figures.paired(runs, "fsdd", "PLIF", "float", "LIF")
    assert found is not None
    assert (found.mean, found.deviation) == (pytest.approx(0.04), 0.0)
    assert found.error == found.sampled == pytest.approx(0.2 * (0.96**0.5) * (50 / 49) ** 0.5 / 50**0.5, rel=1e-6)
    assert not figures.is_claimed(found)
    assert found.freedom == pytest.approx(49), "that of the samples alone, where seeds agree"
    mixed = replace(found, deviation=found.sampled * 2**0.5)
    assert mixed.freedom == pytest.approx(4 / (1 / 1 + 1 / 49)), "both errors are equal"
    assert figures.mean([0.01, 0.02, 0.04]).freedom == 2
    runs[0]["processor"] = "another"
    alone = figures.paired(runs, "fsdd", "PLIF", "float", "LIF")
    assert alone is not None
    assert alone.n == 2, "seeds are paired on whatever processor they were trained"


def test_of_two_processors_that_counts_which_has_most_of_a_task() -> None:
    there = [result("fsdd", "LIF", s, a) | {"processor": "mine"} for s, a in enumerate((0.90, 0.92, 0.94))]
    there += [result("fsdd", "PLIF", s, a) | {"processor": "another"} for s, a in enumerate((0.80, 0.84))]
    there += [result("fsdd", "LIF", s, a) | {"processor": "another"} for s, a in enumerate((0.91, 0.91))]
    counted, again = processors.split(there)  # "another" has four of the task, "mine" three
    assert [(r["variant"], r["seed"], r["processor"]) for r in counted] == [
        ("LIF", 0, "another"), ("LIF", 1, "another"), ("LIF", 2, "mine"), ("PLIF", 0, "another"), ("PLIF", 1, "another"),
    ]  # fmt: skip
    assert again == there[:2]
    (found,) = processors.changes(counted, again)
    assert (found.task, found.change.n) == ("fsdd", 2)
    assert found.change.mean == pytest.approx(0.0)
    assert found.change.deviation == pytest.approx(0.02 / 2**0.5)
    assert found.seeds == pytest.approx(2**0.5 * np.std([0.91, 0.91, 0.94], ddof=1)), "of LIF alone, which was done again"
    assert processors.split(counted) == (counted, [])
    even = [there[0], result("fsdd", "LIF", 0, 0.91) | {"processor": "another"}]
    assert processors.split(even) == ([even[1]], [even[0]]), "of as many, the last one"


def test_a_seed_that_has_two_results_is_not_paired_twice() -> None:
    runs = [result("fsdd", v, 0, 0.9) | {"processor": p} for v, p in (("LIF", "mine"), ("PLIF", "mine"), ("PLIF", "another"))]
    with pytest.raises(AssertionError, match="PLIF on fsdd: a seed has several results, of which one counts"):
        figures.paired(runs, "fsdd", "PLIF", "float", "LIF")
    assert figures.paired(processors.split(runs)[0], "fsdd", "PLIF", "float", "LIF") is not None


def test_what_is_claimed_needs_two_standard_errors() -> None:
    assert not figures.is_claimed(figures.mean([0.01]))
    assert figures.is_claimed(figures.mean([0.01, 0.012, 0.011]))
    assert not figures.is_claimed(figures.mean([0.01, -0.012, 0.011]))


def test_of_many_differences_fewer_are_claimed() -> None:
    """Chances by Student's t; of three the second is compared with 0.05 / 2, of four the first with 0.05 / 4."""
    sure, likely, none = figures.mean([0.010, 0.011, 0.012]), figures.mean([0.01, 0.014, 0.016]), figures.mean([0.01, -0.01, 0.0])
    assert [round(d.chance, 4) for d in (sure, likely, none)] == [0.0027, 0.0171, 1.0]
    assert figures.claimed([none, likely, sure]) == [False, True, True]
    assert figures.claimed([likely, none, none, none]) == [False, False, False, False]
    assert figures.claimed([likely]) == [True]
    alone = figures.mean([0.01])  # of one seed: there is nothing to test, so that it is none of those to correct for
    assert figures.claimed([likely, alone, alone, alone]) == [True, False, False, False]
    assert figures.claimed([]) == []


@pytest.mark.parametrize("equal", [[0.02, 0.02], [0.96 - 0.94, 0.92 - 0.90], [0.96 - 0.94, 0.92 - 0.90, 0.02]])
def test_seeds_that_agree_to_the_last_sample_prove_nothing(equal: list[float]) -> None:
    """Their standard error is 0, or what rounding leaves of it."""
    difference = figures.mean(equal)
    assert difference.chance == 1.0
    assert figures.claimed([difference]) == [False]


def test_a_variant_stands_against_what_it_changes() -> None:
    assert VARIANTS["CF-4, negative 0"].base == VARIANTS["CF-4 unsigned"].base == "CF-4"
    assert VARIANTS["LNM-3, bounded"].base == VARIANTS["CirculateLNM-3"].base == "LNM-3"
    assert VARIANTS["CirculateLNM-3 unsigned"].base == "CirculateLNM-3"
    assert VARIANTS["CF-4, learned negative"].base == "CF-4, negative 0.5"  # where it begins
    assert VARIANTS["CF-4, learned negative, full rate"].base == "CF-4, negative 0.5, full rate"
    assert VARIANTS["LNM-3"].base == VARIANTS["CF-3"].base == VARIANTS["ALIF"].base == "LIF"
    assert all(v.base in VARIANTS for v in VARIANTS.values())
    assert all(set(plan.variants) <= set(VARIANTS) and plan.variants[0] == "LIF" for plan in PLANS.values())

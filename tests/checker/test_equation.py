"""The checker's own bounds of how far a user's neuron is from its equation; claims and models that are forged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from snn2hw.checker.check import check_claims
from snn2hw.claims import differences
from tests.checker.of_users import Twice, around, compiled, found
from tests.checker.tampering import Path

pytestmark = pytest.mark.torch


def test_the_checker_derives_the_same_bounds() -> None:
    for seed in range(6):
        before = compiled(seed, (8, 12, 16)[seed % 3], ("generic", "loihi2")[seed % 2])
        failures = check_claims(before.model, before.certificate).failures
        assert not failures, f"neuron_source({seed}): {failures[0]}"


@pytest.mark.parametrize("bits", [8, 16])
def test_a_state_that_follows_from_itself_alone_need_not_count(bits: int) -> None:
    """Of a built-in neuron it does; of a user's it is anything in its range."""
    before = around(Twice(), bits)
    assert not check_claims(before.model, before.certificate).failures
    assert before.certificate["layers"][0]["errors"]["states"]["w"]["method"] == "enumerated"


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(8))
def test_the_checker_derives_the_same_bounds_of_many(chunk: int) -> None:
    for seed in range(3000 + chunk * 50, 3050 + chunk * 50):
        before = compiled.__wrapped__(seed, (8, 12, 16, 20)[seed % 4], ("generic", "loihi2")[seed % 2])
        failures = check_claims(before.model, before.certificate).failures
        assert not failures, f"neuron_source({seed}): {failures[0]}"


# claims that are forged


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def with_leaf(certificate: dict[str, Any], path: Path, change: Callable[[Any], Any]) -> dict[str, Any]:
    forged = copy.deepcopy(certificate)
    holder: Any = forged
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = change(holder[path[-1]])
    return forged


def test_a_bound_that_is_smaller_by_one_unit_is_found() -> None:
    before = compiled(1)
    errors = before.certificate["layers"][0]["errors"]
    named = [("output",), *(("states", s) for s in errors["states"]), *(("comparisons", c) for c in errors["comparisons"])]
    for key in named:
        path: Path = ("layers", 0, "errors", *key, "lsb")
        forged = with_leaf(before.certificate, path, lambda lsb: round(lsb - 1.0, 6))
        (failure,) = found(before.model, forged)
        assert failure.startswith(f"layers.{before.certificate['layers'][0]['layer']}.errors.{'.'.join(key)}.lsb: claimed ")


def test_another_method_is_found() -> None:
    before = compiled(1)
    state = next(iter(before.certificate["layers"][0]["errors"]["states"]))
    path: Path = ("layers", 0, "errors", "states", state, "method")
    forged = with_leaf(before.certificate, path, lambda method: {"intervals": "enumerated", "enumerated": "intervals"}[method])
    (failure,) = found(before.model, forged)
    assert ".method: claimed " in failure


def test_every_leaf_of_errors_and_equation_counts() -> None:
    """The least change of any number, flag or word that is said of the equation or of an error."""
    before = compiled(1)
    derived = check_claims(before.model, before.certificate).certificate
    (layer,) = before.certificate["layers"]
    paths = [*leaves({"errors": layer["errors"], "equation": layer["equation"]})]
    assert len(paths) > 100
    for path in paths:
        forged = with_leaf(before.certificate, ("layers", 0, *path), _other)
        assert len([*differences(forged, derived, {})]) == 1, path


def _other(leaf: Any) -> Any:
    if isinstance(leaf, bool):
        return not leaf
    if isinstance(leaf, str):
        return leaf + "x"
    return leaf + 1 if isinstance(leaf, int) else float(np.nextafter(leaf, np.inf))

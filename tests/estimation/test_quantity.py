"""Numbers with a span."""

from __future__ import annotations

import math

import pytest

from snn2hw.estimation.quantity import FACTOR, Quantity, short
from snn2hw.target import Fact, Span


def test_a_number_is_as_wide_as_its_sources_and_their_confidence() -> None:
    one = Quantity.of(Fact(2.0, "F", "a", "pJ"), "J")
    assert (one.low, one.value, one.high) == pytest.approx((2e-12 / 1.2, 2e-12, 2.4e-12))
    span = Quantity.of(Fact(Span(10, 1000), "K", "b", "nJ"), "J")
    assert (span.low, span.value, span.high) == pytest.approx((10e-9 / 3, 100e-9, 3e-6))
    assert set(FACTOR) == {"F", "P", "K"}


def test_a_sum_is_as_sure_as_its_least_sure_part_and_names_every_source_once() -> None:
    parts = [Quantity.of(Fact(1.0, c, s, "J"), "J") for c, s in (("F", "a"), ("K", "b"), ("P", "a"))]
    total = Quantity.sum(parts)
    assert total is not None
    assert (total.confidence, total.source) == ("K", "a; also b")
    assert total.low == pytest.approx(1 / 1.2 + 1 / 3 + 1 / 1.5)
    assert total.high == pytest.approx(1.2 + 3 + 1.5)
    again = Quantity.sum([total, parts[0]])
    assert again is not None
    assert again.source == "a; also b"
    assert Quantity.sum([]) is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (3.14159e-6, "J", "3.1 uJ"), (9.96e-4, "s", "1 ms"), (0.0, "J", "0 J"), (123.0, "W", "120 W"), (2e-16, "J", "0.2 fJ"),
        (1234567.0, "cycles", "1,234,567 cycles"), (math.inf, "J", "inf J"), (1.0, "s", "1 s"),
    ],
)  # fmt: skip
def test_two_digits_are_shown(value: float, unit: str, text: str) -> None:
    assert short(value, unit) == text


def test_so_many_of_it_in_another_unit() -> None:
    seconds = Quantity.of(Fact(2.0, "K", "a", "cycles"), "cycles").times(1e6 / 1e8, "s")
    assert (seconds.value, seconds.unit) == (pytest.approx(0.02), "s")
    assert str(seconds) == "6.7 ms to 60 ms"

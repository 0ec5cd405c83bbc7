"""What an exploration works with is what `snn2hw.compile` makes of the model and the calibration samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import ValueRangeError
from snn2hw.exploration.digest import digest
from snn2hw.exploration.given import explored
from snn2hw.exploration.trained import training_of
from tests.refused import refused

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
RNG = np.random.default_rng(0)
N, T = 24, 5
COUNTS = RNG.integers(0, 3, (T, N, 6)).astype(np.float32)
LABELS = np.arange(N) % 3


def made() -> Any:
    from snn2hw import nn

    torch.manual_seed(0)
    return torch.nn.Sequential(nn.Linear(6, 8), nn.LIF(0.5), nn.Linear(8, 3)).eval()


class Batched(torch.nn.Module):
    """Takes [N, T, ...], as its own loop over the second axis tells."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.out = torch.nn.Linear(6, 8), torch.nn.Linear(8, 3)

    def forward(self, x: Any) -> Any:
        v, total = torch.zeros(x.shape[0], 8), torch.zeros(x.shape[0], 3)
        for t in range(x.shape[1]):
            v = 0.5 * v + self.fc(x[:, t])
            s = (v >= 1).float()
            v = v - s
            total = total + self.out(s)
        return total


def given(model: Any, x: Any, sample: Any = None, layout: str | None = None, steps: int | None = None) -> Any:
    return explored(model, x, LABELS, sample, steps, None, layout, None)


@pytest.mark.parametrize("calibrated", [False, True])
def test_samples_are_in_the_layout_that_was_said_or_that_the_model_tells(calibrated: bool) -> None:
    turned = np.swapaxes(COUNTS, 0, 1)
    for model, x, layout, said in (
        (made(), COUNTS, "TN", "TN"), (made(), COUNTS, None, None), (made(), turned, "NT", "NT"), (Batched(), turned, None, "NT"),
        (Batched(), turned, "NT", "NT"),
    ):  # fmt: skip
        known = given(model, x, x if calibrated else None, layout)
        assert known.layout == "TN"
        assert (known.said, known.steps) == (said, None)
        np.testing.assert_array_equal(known.x, COUNTS)
        np.testing.assert_array_equal(known.sample, COUNTS)
    static = given(made(), COUNTS[0] / 2, steps=3)
    assert (static.said, static.layout, static.steps) == (None, None, 3)


def test_the_network_is_that_of_the_calibration_samples() -> None:
    """The range of event counts follows from them, as where they are compiled."""
    high = COUNTS.copy()
    high[0, 0, 0] = 9
    for x, sample in ((COUNTS, high), (COUNTS, None), (high, None)):
        calibration = x if sample is None else sample
        known = given(made(), x, sample, "TN")
        assert digest(known.network) == digest(snn2hw.trace_model(made(), calibration, layout="TN"))
    assert [given(made(), COUNTS, s, "TN").network.input.hi for s in (high, COUNTS)] == [15.0, 3.0]


def test_samples_beyond_the_calibration_are_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the compiled model would refuse them."""
    monkeypatch.setattr("snn2hw.exploration.explore.crew", None)
    high = COUNTS.copy()
    high[0, 0, 0] = 9
    with pytest.raises(ValueRangeError, match="the input is outside its declared range"):
        snn2hw.simulate(snn2hw.compile(made(), COUNTS, layout="TN"), high, "reference", layout="TN")
    for x, got in (
        (high, "counts that ask for the range 0 to 15"), (-COUNTS, "counts that ask for the range -3 to 3"),
        (COUNTS / 2, "values between whole numbers"),
    ):  # fmt: skip
        with refused(
            ValueRangeError,
            f"""
            the samples hold more than the event counts of the calibration samples
              where:    samples
              got:      {got}
              expected: the range 0 to 3, which the calibration samples ask for
              do:       give calibration samples that cover them (sample, --sample), or input_range=(lo, hi)
            """,
        ):
            snn2hw.explore(made(), x, LABELS, sample=COUNTS, layout="TN")
    with pytest.raises(ValueRangeError, match="the samples hold more than the event counts"):
        snn2hw.budget(made(), high, LABELS, sample=COUNTS, layout="TN")
    with pytest.raises(ValueRangeError, match="the sample is outside its declared range") as caught:
        snn2hw.explore(made(), COUNTS[0], LABELS, sample=COUNTS[0] / 2, steps=3)
    assert caught.value.where == "samples"
    assert given(made(), COUNTS, high, "TN").total == N


def test_samples_to_train_on_are_within_the_calibration_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether calibration samples are given or are some of those that are measured."""
    monkeypatch.setattr("snn2hw.exploration.explore.crew", None)
    high, unknown = COUNTS.copy(), COUNTS.copy()
    high[0, 0, 0], unknown[0, 0, 0] = 9, np.nan
    for sample, x, got in (
        (COUNTS, high, "counts that ask for the range 0 to 15"), (None, high, "counts that ask for the range 0 to 15"),
        (None, COUNTS / 2, "values between whole numbers"),
    ):  # fmt: skip
        with refused(
            ValueRangeError,
            f"""
            the samples hold more than the event counts of the calibration samples
              where:    train
              got:      {got}
              expected: the range 0 to 3, which the calibration samples ask for
              do:       give calibration samples that cover them (sample, --sample), or input_range=(lo, hi)
            """,
        ):
            snn2hw.explore(made(), COUNTS, LABELS, sample=sample, epochs=1, train=(x, LABELS), layout="TN")
    for x, train, steps, says in (
        (COUNTS, unknown, None, "the sample holds NaN or Inf"),
        (COUNTS, COUNTS * 999, None, "the event counts do not fit 8 bits"),
        (COUNTS[0] / 2, COUNTS[0], 3, "the sample is outside its declared range"),
    ):  # fmt: skip
        with pytest.raises(ValueRangeError, match=says) as caught:
            snn2hw.explore(made(), x, LABELS, epochs=1, train=(train, LABELS), steps=steps)
        assert caught.value.where == "train"


def test_a_training_is_calibrated_on_the_range_of_all_that_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the largest count, or a value that is no whole number, is in none of the samples that are calibrated on."""
    monkeypatch.setattr("snn2hw.exploration.given.CALIBRATED", 2)  # the first and the last
    high, halves = COUNTS.copy(), (COUNTS > 0).astype(np.float32)
    high[0, 1, 0], halves[0, 1, 0] = 9, 0.5
    for x, asked, expected in (
        (high, "counts in the range 0 to 3", "counts in the range 0 to 15"),
        (halves, "counts in the range 0 to 1", "values in the range 0 to 1"),
    ):
        with refused(
            ValueRangeError,
            f"""
            the samples that are calibrated on ask for another range than all that are measured
              where:    sample
              got:      none, so that 2 spread over 24 ask for {asked}
              expected: {expected}
              do:       give calibration samples that cover those that are measured (sample, --sample), or input_range=(lo, hi)
            """,
        ):
            snn2hw.explore(made(), x, LABELS, epochs=1, train=(x, LABELS), layout="TN")
        assert training_of(given(made(), x, x, "TN"), (x, LABELS), None).axis == 1
    known = explored(made(), high, LABELS, None, None, (0.0, 9.0), "TN", None)
    assert training_of(known, (high, LABELS), (0.0, 9.0)).input_range == (0.0, 9.0)

"""The digits scans: the split, its types and range."""

from __future__ import annotations

import sys

import pytest
import torch

from snn2hw.data import digits
from snn2hw.errors import MissingExtraError, UsageError
from tests.refused import refused

pytestmark = pytest.mark.torch

SAMPLES = {"train": 1437, "test": 360}


@pytest.mark.parametrize("split", SAMPLES)
def test_split_has_its_size_types_and_range(split: str) -> None:
    images, labels = digits.load(split)
    assert images.shape == (SAMPLES[split], 1, 8, 8)
    assert labels.shape == (SAMPLES[split],)
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert (float(images.min()), float(images.max())) == (0.0, 1.0)
    assert torch.equal(images * digits.WHITE, (images * digits.WHITE).round())


@pytest.mark.parametrize("split", SAMPLES)
def test_split_is_balanced(split: str) -> None:
    counts = torch.bincount(digits.load(split)[1], minlength=10)
    fair = SAMPLES[split] / 10
    assert int((counts - fair).abs().max()) <= 0.05 * fair


def test_split_is_the_same_every_time_and_its_parts_are_of_different_scans() -> None:
    train, test = digits.load("train")[0], digits.load("test")[0]
    assert torch.equal(train, digits.load("train")[0])
    assert torch.equal(test, digits.load("test")[0])
    assert not {t.numpy().tobytes() for t in train} & {t.numpy().tobytes() for t in test}


def test_unknown_split_is_refused() -> None:
    with refused(
        UsageError,
        """
        unknown split
          where:    the digits data
          got:      'validation'
          expected: one of 'train', 'test'
          do:       pass split as one of these
        """,
    ):
        digits.load("validation")


def test_missing_scikit_learn_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match="the digits data needs the package 'scikit-learn'") as caught:
        digits.load("train")
    assert caught.value.do == "pip install 'snn2hw[demo]'"

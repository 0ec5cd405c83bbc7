"""What is held back of training samples."""

from __future__ import annotations

import torch

from snn2hw.train.held_back import held_back


def test_a_tenth_of_each_class_is_held_back_and_the_same_every_time() -> None:
    labels = torch.tensor([0] * 40 + [1] * 3 + [2] * 60 + [3])
    held = held_back(labels)
    assert labels[held].bincount(minlength=4).tolist() == [4, 1, 6, 0]
    assert torch.equal(held, held_back(labels))
    assert held[:4].sum() < 4, "drawn, for a file may have one writer after the other"

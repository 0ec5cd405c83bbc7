"""The digits scans: 1797 real scans of handwritten digits, 8x8, as scikit-learn ships them; one fixed split."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snn2hw.arguments import one_of
from snn2hw.data.folders import SPLITS
from snn2hw.errors import MissingExtraError

WHITE = 16  # the scans are integers 0..16
CLASSES = tuple("0123456789")


def load(split: str) -> tuple[Tensor, Tensor]:
    """One part of the fixed stratified 80/20 split (random_state=0): 1437 train, 360 test samples.

    Args:
        split: "train" or "test".

    Returns:
        images float32 [N, 1, 8, 8] in [0, 1] (the scans' 0..16 divided by 16), labels int64 [N] in 0..9.

    Raises:
        UsageError: another split. MissingExtraError: scikit-learn is not installed.
    """
    one_of("split", split, SPLITS, "the digits data")
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ModuleNotFoundError as missing:
        raise MissingExtraError("scikit-learn", "demo", "the digits data") from missing
    data = load_digits()
    images = (data.images / WHITE).astype(np.float32)[:, None]
    labels = data.target.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.2, stratify=labels, random_state=0)
    x, y = (x_train, y_train) if split == "train" else (x_test, y_test)
    return torch.from_numpy(x), torch.from_numpy(y)

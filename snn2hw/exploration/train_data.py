"""Samples to train on, of which a batch is read at a time, wherever they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from snn2hw.verification.batches import Samples


class TrainData(Dataset[tuple[Tensor, Tensor]]):
    """Pairs (sample, label) for `snn2hw.train.fit`.

    Args:
        samples: [N, ...], or [T, N, ...]. axis: along which they are counted. labels: classes [N].
    """

    def __init__(self, samples: Samples, axis: int, labels: npt.NDArray[Any]) -> None:
        self.values, self.axis, self.labels = samples.opened(), axis, torch.as_tensor(np.asarray(labels, np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.__getitems__([index])[0]

    def __getitems__(self, places: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        """Those of a batch, which torch asks for together, so that each file is opened once."""
        read = np.asarray(np.take(self.values, np.asarray(places), self.axis), np.float32)
        each = torch.from_numpy(np.ascontiguousarray(np.moveaxis(read, self.axis, 0)))
        return list(zip(each, self.labels[list(places)], strict=True))

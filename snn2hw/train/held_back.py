"""Training samples that are held back, to choose an epoch or a setting on: nothing is fitted to them."""

from __future__ import annotations

import torch
from torch import Tensor

SHARE, SEED = 0.1, 0  # of each class; of the drawing


def held_back(labels: Tensor) -> Tensor:
    """Which samples are held back, bool [N]: a tenth of each class, drawn once for all.

    Args:
        labels: integers [N]. At least one is held back of every class that has two or more.
    """
    held, generator = torch.zeros(len(labels), dtype=torch.bool), torch.Generator().manual_seed(SEED)
    for label in torch.unique(labels):
        own = (labels == label).nonzero()[:, 0]
        count = max(round(SHARE * len(own)), min(1, len(own) - 1))
        held[own[torch.randperm(len(own), generator=generator)[:count]]] = True
    return held

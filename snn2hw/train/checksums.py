"""Checksums of tensors, and what of a training's data can be told before they are read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Subset, TensorDataset

from snn2hw.files.record import sha256

SUMMED = 1024  # samples of a tensor that are looked at, evenly over all: other data show there, and millions take no time


def of_tensor(tensor: Tensor) -> str:
    """Checksum over type, shape and every bit."""
    plain = tensor.detach().cpu().contiguous()
    kind = f"{plain.dtype} {list(plain.shape)} ".encode()
    return sha256(kind + plain.flatten().view(torch.uint8).numpy().tobytes())


def of_tensors(tensors: Sequence[Tensor]) -> str:
    """Checksum of tensors [N, ...]: of samples [N, ...] by SUMMED of them, of labels [N] by all."""
    parts = [t if t.ndim < 2 else t[:: max(1, len(t) // SUMMED)] for t in tensors]
    return sha256(" ".join(of_tensor(part) for part in parts).encode())


def of_data(data: object) -> str | None:
    """Checksum of what a Dataset holds in memory, None where it shows nothing.

    That is all of a TensorDataset, the labels of one of snn2hw or torchvision, and of a Subset what it chooses from these.
    """
    if isinstance(data, Subset):
        return sha256(f"{of_data(data.dataset)} {[int(i) for i in data.indices]}".encode())
    if isinstance(data, TensorDataset):
        return of_tensors(data.tensors)
    for name in ("labels", "targets"):
        labels = getattr(data, name, None)
        numbers = isinstance(labels, np.ndarray) and labels.dtype.kind in "iu"
        if isinstance(labels, Tensor) or numbers or (isinstance(labels, list) and all(type(label) is int for label in labels)):
            return of_tensors([torch.as_tensor(labels)])
    return None

"""Polynomials that keep within an interval: their Bernstein coefficients on it are held to a part of it."""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from snn2hw.nn.box import boxed

Matrix = npt.NDArray[np.float64]
SHARE = 0.875  # of the interval, so that a membrane at its end, where no gradient passes, comes back by itself


def kept_in(a: Tensor, lo: float, hi: float) -> Tensor:
    """Coefficients [rows, d+1], a_0 first, with every Bernstein coefficient of P on [lo, hi] clamped to SHARE of [lo, hi].

    P(u) = sum_j b_j B_j(t), t = (u - lo) / (hi - lo), with B_j >= 0 that add up to 1, so that P(u) is in SHARE of [lo, hi]
    where u is in [lo, hi], lo <= 0 <= hi. The gradient of b_j is 0 where it leads out. What is inside is returned as it is.

    Args:
        a: of P, of any float dtype. lo, hi: the ends of the interval.
    """
    forward, back = (torch.as_tensor(m, dtype=a.dtype, device=a.device) for m in matrices(a.shape[1] - 1, lo, hi))
    b = a @ forward.T
    return a + (boxed(b, SHARE * lo, SHARE * hi) - b) @ back.T  # a sum, so that no rounding moves what is inside


@lru_cache(maxsize=64)
def matrices(degree: int, lo: float, hi: float) -> tuple[Matrix, Matrix]:
    """(from a to b, from b to a), each [d+1, d+1].

    Args:
        degree: d. lo, hi: the ends of the interval.
    """
    shifted = np.zeros((degree + 1, degree + 1))  # P as a polynomial of t
    for j in range(degree + 1):
        for k in range(j + 1):
            shifted[k, j] = comb(j, k) * lo ** (j - k) * (hi - lo) ** k
    weights = [[comb(j, k) / comb(degree, k) if k <= j else 0.0 for k in range(degree + 1)] for j in range(degree + 1)]
    forward: Matrix = np.array(weights) @ shifted
    back: Matrix = np.asarray(np.linalg.inv(forward), np.float64)
    return forward, back

"""Sliding windows over NumPy images, and the linear maps made of them. Exact for whatever the element type makes exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.ir.shapes import Window

Array = npt.NDArray[Any]


def windows(x: Array, window: Window, fill: float = 0) -> Array:
    """[N, C, H, W] -> [N, C, OH, OW, KH, KW]: what the kernel sees at every place, `fill` beyond the border.

    Args:
        x: any dtype. window: kernel, stride, padding and dilation, each (H, W).
    """
    (ph, pw), (kh, kw), (dh, dw), (sh, sw) = window.padding, window.kernel, window.dilation, window.stride
    if ph or pw:
        x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(x, (dh * (kh - 1) + 1, dw * (kw - 1) + 1), axis=(2, 3))
    return views[:, :, ::sh, ::sw, ::dh, ::dw]


def patches(x: Array, window: Window, groups: int) -> Array:
    """[N, C, H, W] -> [N, G, OH*OW, C/G*KH*KW]: the fan-in of every place as a row, per group.

    Args:
        x: any dtype, padded with 0. window: as in `windows`. groups: into how many the channels are split.
    """
    seen = windows(x, window)
    n, c, oh, ow, kh, kw = seen.shape
    grouped = seen.reshape(n, groups, c // groups, oh, ow, kh, kw).transpose(0, 1, 3, 4, 2, 5, 6)
    rows: Array = grouped.reshape(n, groups, oh * ow, c // groups * kh * kw)
    return rows


def convolve(x: Array, weight: Array, bias: Array, window: Window, groups: int) -> Array:
    """y[n, o] = sum over the fan-in of weight[o] * x + bias[o]; weight [O, C/G, KH, KW].

    Places are the columns of one product, samples and all, and not its rows: what is copied then are rows of the image,
    and not one row of the kernel after the other.

    Args:
        x: [N, C, H, W]. bias: [O]. window: as in `windows`; its kernel is (KH, KW). groups: G.
    """
    seen, out = windows(x, window), len(weight)
    n, c, oh, ow, kh, kw = seen.shape
    grouped = seen.reshape(n, groups, c // groups, oh, ow, kh, kw).transpose(1, 2, 5, 6, 0, 3, 4)
    columns = grouped.reshape(groups, c // groups * kh * kw, n * oh * ow)
    y = np.matmul(weight.reshape(groups, out // groups, -1), columns).reshape(out, n, oh, ow) + bias[:, None, None, None]
    image: Array = np.ascontiguousarray(y.transpose(1, 0, 2, 3))
    return image

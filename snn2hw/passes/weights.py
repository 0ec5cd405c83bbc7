"""Choosing the power-of-two scale of a weight matrix by the error it makes on the calibration sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn2hw.ir.network import Reals
from snn2hw.passes.base import channels_first

# Beyond 24 bits a bias says nothing that a neuron state could hold, and sums would not stay in int32.
BIAS_BITS = 24


@dataclass(frozen=True)
class Quantised:
    """Integer weights and their scales: weight ~ integers * 2**-exponents.

    Args:
        integers: as the weights, whole numbers.
        exponents: one for the layer [1], or one per output channel [O].
        error: mean over the channels of the square error of the output on the calibration rows, relative to its power.
    """

    integers: Reals
    exponents: tuple[int, ...]
    error: float


def choose_scales(weight: Reals, bias: Reals, rows: Reals, bits: int, scales: str) -> Quantised:
    """The best scale per layer or per channel: the coarsest that clips nothing, or up to two bits finer with clipping.

    A finer step halves the rounding error and saturates the few largest weights; which is better is measured, channel by
    channel, as the mean square of (quantised - real) weights times the rows that calibration drew.

    Args:
        weight: [O, ...] real weights, in units of the payload.
        bias: [O].
        rows: [G, P, fan-in] calibration fan-ins, in units of the payload.
        bits: width of a weight; integers are kept symmetric, |w| <= 2**(bits-1) - 1.
        scales: 'auto' picks per channel where that at least halves the error; 'layer' and 'channel' insist.
    """
    fit = _fitting_exponents(weight, bias, bits)
    layer_fit = int(fit.min())
    by_layer = [_at(weight, rows, np.full(len(weight), layer_fit + finer), bits) for finer in range(3)]
    layer_errors = [e.sum() for _, e, _ in by_layer]
    best = int(np.argmin(layer_errors))
    integers, errors, exponents = by_layer[best]
    # Relative, so that a channel of small weights counts as much as a channel of large ones.
    power = np.maximum(_squares(weight, rows), 1e-30)
    layer = Quantised(integers, (int(exponents[0]),), float((errors / power).mean()))
    if scales == "layer":
        return layer
    by_channel = [_at(weight, rows, fit + finer, bits) for finer in range(3)]
    choice = np.argmin([e for _, e, _ in by_channel], axis=0)
    each = np.arange(len(weight))
    integers = np.stack([i for i, _, _ in by_channel])[choice, each]
    errors = np.stack([e for _, e, _ in by_channel])[choice, each]
    exponents = np.stack([x for _, _, x in by_channel])[choice, each]
    channel = Quantised(integers, tuple(int(e) for e in exponents), float((errors / power).mean()))
    return channel if scales == "channel" or channel.error < layer.error / 2 else layer


def _fitting_exponents(weight: Reals, bias: Reals, bits: int) -> Reals:
    """Per channel, the largest e with max|w| * 2**e within the width, kept low enough for the bias."""
    limit = 2 ** (bits - 1) - 1
    largest = np.abs(weight.reshape(len(weight), -1)).max(1)
    e_weight = np.floor(np.log2(limit / np.maximum(largest, limit * 2.0**-BIAS_BITS)))
    e_bias = np.floor(np.log2(2.0**BIAS_BITS / np.maximum(np.abs(bias), 1.0))) - 2
    lowest: Reals = np.minimum(e_weight, e_bias)
    return lowest


def _at(weight: Reals, rows: Reals, exponents: Reals, bits: int) -> tuple[Reals, Reals, Reals]:
    """(integers, error per channel, exponents) with these exponents."""
    limit = 2 ** (bits - 1) - 1
    step = channels_first(2.0**exponents, weight.ndim)
    integers = np.clip(np.floor(weight * step + 0.5), -limit, limit)
    return integers, _squares(integers / step - weight, rows), exponents


def _squares(weight: Reals, rows: Reals) -> Reals:
    """Per channel, the mean square of weight times the calibration rows."""
    grouped = weight.reshape(len(rows), len(weight) // len(rows), -1)
    squares: Reals = (np.matmul(grouped, rows.transpose(0, 2, 1)) ** 2).mean(2).reshape(-1)
    # Where the sample never drives a channel all scales look perfect; the weights themselves then decide.
    undriven: Reals = 1e-9 * (grouped**2).mean(2).reshape(-1)
    return squares + undriven

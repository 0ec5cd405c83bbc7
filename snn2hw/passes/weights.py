"""Choosing the power-of-two scale of a weight matrix by the error it makes on the calibration sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snn2hw.ir.network import Reals
from snn2hw.ir.scale import floor_log2
from snn2hw.layers.base import channels_first
from snn2hw.passes.room import Ceilings

NOTHING = 2.0**-40  # of the power of the strongest channel: what a channel without weights is measured by, for it has a bias


@dataclass(frozen=True)
class Quantised:
    """Integer weights and their scales: weight ~ integers * 2**-exponents.

    Args:
        integers: as the weights, whole numbers.
        exponents: one for the layer [1], or one per output channel [O].
        errors: per channel [O], the square error of the output on the calibration rows, relative to its power.
    """

    integers: Reals
    exponents: tuple[int, ...]
    errors: Reals

    @property
    def error(self) -> float:
        """Mean over the channels, so that one of small weights counts as much as one of large ones."""
        return float(self.errors.mean())


def choose_scales(
    weight: Reals, bias: Reals, rows: Reals, bits: int, scales: str, ceiling: Ceilings | None = None, intolerable: float = 0.0
) -> Quantised:
    """The best scale per layer or per channel: the coarsest that clips nothing, or up to two bits finer with clipping.

    A finer step halves the rounding error and saturates the few largest weights; which is better is measured, channel by
    channel, as the mean square of (quantised - real) weights times the rows that calibration drew, and of the bias, which has
    the scale of the weights: a channel that its bias alone drives needs a fine one. Every exponent follows the weights: weights
    and biases times 2**-k have the same integers.

    Channels without weights have no say in the scale of a layer: they can have any.

    Args:
        weight: [O, ...] real weights, per raw unit of what enters. bias: [O], likewise.
        rows: [G, P, fan-in] calibration fan-ins, in raw units of what enters.
        bits: width of a weight; integers are kept symmetric, |w| <= 2**(bits-1) - 1.
        scales: 'auto' picks per channel where that at least halves the error, of all channels that their weights drive or of
            all that their biases alone drive; 'layer' and 'channel' insist.
        ceiling: the finest exponents that the target holds and tells; none where they are infinite.
        intolerable: 'auto' picks per channel only where a channel's relative error per layer is above this.
    """
    top = Ceilings(np.full(len(weight), np.inf), np.full(len(weight), np.inf)) if ceiling is None else ceiling
    fit, power = _fitting_exponents(weight, bits), _squares(weight, rows)
    least = min(fit.min(), top.shared)
    least = least if np.isfinite(least) else 0.0
    by_layer = [_at(weight, bias, rows, np.full(len(weight), min(least + finer, top.shared)), bits) for finer in range(3)]
    counted = np.isfinite(fit) if np.isfinite(fit).any() else np.full(len(fit), True)
    alone = not rows.any()  # where the sample drives some groups, they have the say in the scale of a layer
    best = int(np.argmin([(e + alone * unseen)[counted].sum() for _, e, _, unseen in by_layer]))
    integers, errors, exponents, _ = by_layer[best]
    driven = power >= NOTHING * power.max(initial=0.0)
    power = np.maximum(power, NOTHING * power.max(initial=0.0))
    layer = Quantised(integers, (int(exponents[0]),), _relative(errors, power))
    if scales == "layer":
        return layer
    most = _own_ceilings(fit, bias, top)
    by_channel = [_at(weight, bias, rows, np.minimum(fit + finer, most), bits) for finer in range(3)]
    choice = np.argmin([e + unseen for _, e, _, unseen in by_channel], axis=0)
    channels = np.arange(len(weight))
    integers, errors, exponents, _ = (np.stack(each)[choice, channels] for each in zip(*by_channel, strict=True))
    channel = Quantised(integers, tuple(int(e) for e in exponents), _relative(errors, power))
    # The errors of the two kinds have no common measure: those of biases would outweigh all weights in both, and decide alone.
    better = any(channel.errors[kind].sum() < layer.errors[kind].sum() / 2 for kind in (driven, ~driven))
    return channel if scales == "channel" or (better and layer.errors.max() > intolerable) else layer


def _relative(errors: Reals, power: Reals) -> Reals:
    """Of a channel that has no weights there is nothing to get wrong."""
    found: Reals = np.divide(errors, power, out=np.zeros_like(errors), where=power > 0)
    return found


def _fitting_exponents(weight: Reals, bits: int) -> Reals:
    """Per channel, the largest e with max|w| * 2**e within the width; infinite without weights."""
    limit = 2 ** (bits - 1) - 1
    largest = np.abs(weight.reshape(len(weight), -1)).max(1)
    fit: Reals = np.full(len(weight), np.inf)
    some = largest > 0
    fit[some] = floor_log2(limit, largest[some])
    return fit


def _own_ceilings(fit: Reals, bias: Reals, ceiling: Ceilings) -> Reals:
    """Per channel, its ceiling; of one without weights, its exponent.

    That is what its neuron tells, but not below all others, and without a bias the coarsest of the others: the further
    exponents are apart, the more bits it costs to bring them to one.
    """
    found, weightless = ceiling.each, np.isinf(fit)
    others = np.minimum(fit, found)[~weightless]
    lowest = others.min() if others.size else 0.0
    own = np.minimum(np.where(bias == 0, lowest, np.maximum(ceiling.told, lowest)), ceiling.held)
    found[weightless] = np.where(np.isinf(own), lowest, own)[weightless]
    return found


def _at(weight: Reals, bias: Reals, rows: Reals, exponents: Reals, bits: int) -> tuple[Reals, Reals, Reals, Reals]:
    """(integers, error per channel, exponents, what the sample does not see of the error) with these exponents."""
    limit = 2 ** (bits - 1) - 1
    step = channels_first(2.0**exponents, weight.ndim)
    integers = np.clip(np.floor(weight * step + 0.5), -limit, limit)
    lost = np.floor(bias * 2.0**exponents + 0.5) * 2.0**-exponents - bias
    error = integers / step - weight
    return integers, _squares(error, rows) + lost**2, exponents, _unseen(error, rows)


def _squares(weight: Reals, rows: Reals) -> Reals:
    """Per channel, the mean square of weight times the calibration rows."""
    grouped = weight.reshape(len(rows), len(weight) // len(rows), -1)
    squares: Reals = (np.matmul(grouped, rows.transpose(0, 2, 1)) ** 2).mean(2).reshape(-1)
    # Where the sample never drives a channel all scales look perfect; the weights themselves then decide.
    undriven: Reals = 1e-9 * (grouped**2).mean(2).reshape(-1)
    return squares + undriven


def _unseen(lost: Reals, rows: Reals) -> Reals:
    """Per channel, the mean square of what its weights lose, in groups that the sample does not drive at all; else 0.

    As if a raw unit entered each: else the bias alone would choose a scale, a finer one, on which the weights are clipped.
    """
    undriven = np.repeat(~rows.any((1, 2)), len(lost) // len(rows))
    found: Reals = (lost.reshape(len(lost), -1) ** 2).mean(1) * undriven
    return found

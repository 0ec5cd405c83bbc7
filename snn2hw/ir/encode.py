"""The quantiser at the network's door: real samples to integer payloads. Every executor is fed with its result."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ShapeError, ValueRangeError
from snn2hw.ir.integer import IntegerNetwork

Ints = npt.NDArray[np.int64]


def encode(net: IntegerNetwork, x: npt.ArrayLike) -> Ints:
    """Payloads [T, N, ...] of samples x: raw = floor(x / unit + 1/2).

    Args:
        x: [N, ...] where the network's input is static (repeated for its T steps), else [T, N, ...]; real values in the
            declared range, whatever their type (divide an 8-bit image by 255 first).

    Raises:
        ShapeError: wrong shape or number of steps.
        ValueRangeError: NaN, Inf, a value outside the declared range, a fractional event count.
    """
    samples = np.asarray(x)
    source = net.input
    _check_shape(net, samples)
    raw = _raw(net, samples)
    if raw.size and (raw.min() < source.interval.lo or raw.max() > source.interval.hi):
        lo, hi = source.interval.lo, source.interval.hi
        raise ValueRangeError(
            "the input is outside its declared range",
            where=f"input '{source.name}'",
            got=f"{_shown(samples.min())} to {_shown(samples.max())}",
            expected=f"{lo * source.unit:g} to {hi * source.unit:g}",
            do="scale the samples as in training, or compile again with a sample or input_range that covers them",
        )
    return np.broadcast_to(raw, (net.steps, *raw.shape)).copy() if source.static else raw


def _shown(value: Any) -> str:
    return f"{float(value):g}"


def _check_shape(net: IntegerNetwork, samples: npt.NDArray[Any]) -> None:
    source = net.input
    lead = "[N, ...]" if source.static else "[T, N, ...]"
    expected = f"{lead} with one sample {list(source.shape)}" + ("" if source.static else f" and T = {net.steps}")
    axes = 1 if source.static else 2
    if samples.ndim != axes + len(source.shape) or samples.shape[axes:] != source.shape:
        raise ShapeError(
            "the samples have another shape than the network's input",
            where=f"input '{source.name}'",
            got=str(list(samples.shape)),
            expected=expected,
            do="reshape the samples; the layout is N first for static input",
        )
    if not source.static and samples.shape[0] != net.steps:
        raise ShapeError(
            "wrong number of steps",
            where=f"input '{source.name}'",
            got=f"T = {samples.shape[0]}",
            expected=f"T = {net.steps}",
            do="bin the events into as many steps as the network was compiled for, or compile it for these",
        )
    if samples.shape[axes - 1] == 0:
        raise ShapeError("there are no samples", where=f"input '{source.name}'", got=str(list(samples.shape)), expected=expected)


def _raw(net: IntegerNetwork, samples: npt.NDArray[Any]) -> Ints:
    source = net.input
    if samples.dtype.kind not in "iubf":
        raise ValueRangeError(
            "samples are numbers", where=f"input '{source.name}'", got=str(samples.dtype), expected="float or integer"
        )
    if not np.isfinite(samples).all():
        raise ValueRangeError(
            "the samples hold NaN or Inf",
            where=f"input '{source.name}'",
            got=f"{int((~np.isfinite(samples)).sum())} of {samples.size} values",
            expected="finite numbers",
            do="clean the data",
        )
    raw = np.floor(samples.astype(np.float64) / source.unit + 0.5)
    if source.counts and (raw != samples).any():
        raise ValueRangeError(
            "event counts are whole numbers",
            where=f"input '{source.name}'",
            got=f"{int((raw != samples).sum())} fractional values",
            expected="0, 1, 2, ...",
            do="feed counts, or compile with input_range=(lo, hi) to have currents quantised to 8 bits",
        )
    return np.clip(raw, -(2**40), 2**40).astype(np.int64)


def check_payloads(net: IntegerNetwork, payloads: npt.NDArray[Any], where: str) -> Ints:
    """Payloads [T, N, ...] from elsewhere, as int64, after a look at type, shape and range.

    Raises:
        ShapeError, ValueRangeError: they are no payloads of this network.
    """
    expected = (net.steps, *net.input.shape)
    if payloads.ndim != len(expected) + 1 or (payloads.shape[0], *payloads.shape[2:]) != expected or payloads.shape[1] == 0:
        raise ShapeError(
            "the payloads have another shape than the network's input",
            where=where,
            got=str(list(payloads.shape)),
            expected=f"[{net.steps}, N, {', '.join(map(str, net.input.shape))}]",
            do="store the payloads that the network was run on",
        )
    if payloads.dtype.kind not in "iu":
        raise ValueRangeError("payloads are integers", where=where, got=str(payloads.dtype), expected="int64")
    bounds = net.input.interval
    if payloads.min() < bounds.lo or payloads.max() > bounds.hi:
        raise ValueRangeError(
            "the payloads are outside the network's declared range",
            where=where,
            got=f"{payloads.min()} to {payloads.max()}",
            expected=f"{bounds.lo} to {bounds.hi}",
            do="store the payloads that the network was run on",
        )
    return payloads.astype(np.int64, copy=False)

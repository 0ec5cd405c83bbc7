"""The quantiser at the network's door: real samples to integer payloads. Every executor is fed with its result."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw import gate
from snn2hw.errors import ShapeError, ValueRangeError
from snn2hw.files.stored import pieces
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.layout import other_reading
from snn2hw.ir.network import Network

Ints = npt.NDArray[np.int64]


def encode(net: IntegerNetwork, x: npt.ArrayLike) -> Ints:
    """Integers [T, N, ...] of samples x: raw = floor(x / unit + 1/2).

    Args:
        x: [N, ...] where the network's input is static (repeated for its T steps), else [T, N, ...]; real values in the
            declared range, whatever their type (divide an 8-bit image by 255 first).

    Raises:
        ShapeError: wrong shape or number of steps.
        ValueRangeError: NaN, Inf, a value outside the declared range, a fractional event count.
    """
    source = net.input
    samples = gate.numbers(x, f"input '{source.name}'")
    check_shape(net, samples)
    check_finite(net, samples)
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


def check_shape(net: IntegerNetwork | Network, samples: npt.NDArray[Any]) -> None:
    """Samples [N, ...] or [T, N, ...] have the network's shape and steps, and there is one at least; no value is read.

    Raises:
        ShapeError: not so.
    """
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
        other = other_reading(samples.shape, net.steps)
        raise ShapeError(
            "wrong number of steps",
            where=f"input '{source.name}'",
            got=f"T = {samples.shape[0]}" + f": {list(samples.shape)}, read as [T, N, ...]" * bool(other),
            expected=f"T = {net.steps}",
            do=other or "bin the events into as many steps as the network was compiled for, or compile it for these",
        )
    if samples.shape[axes - 1] == 0:
        raise ShapeError(
            "there are no samples",
            where=f"input '{source.name}'",
            got=str(list(samples.shape)),
            expected=expected,
            do="give at least one sample",
        )


def check_finite(net: IntegerNetwork | Network, samples: npt.NDArray[Any]) -> None:
    """Every value is a finite number. Raises ValueRangeError."""
    other = sum(piece.size - int(np.count_nonzero(np.isfinite(piece))) for piece in pieces(samples))
    if other:
        raise ValueRangeError(
            "the samples hold NaN or Inf",
            where=f"input '{net.input.name}'",
            got=f"{other} of {prod(samples.shape)} values",
            expected="finite numbers",
            do="clean the data",
        )


def _raw(net: IntegerNetwork, samples: npt.NDArray[Any]) -> Ints:
    source = net.input
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


def check_payloads(net: IntegerNetwork, payloads: npt.ArrayLike, where: str = "payloads") -> Ints:
    """Integers [T, N, ...] of this network as int64: what `snn2hw.gate` admits.

    Args:
        net: says T, the shape of the input and its bounds. where: what the payloads are called in messages.

    Raises:
        ShapeError, ValueRangeError: they are no payloads of this network.
    """
    source = net.input
    bounds = source.interval
    return gate.payloads(payloads, steps=net.steps, shape=source.shape, lo=bounds.lo, hi=bounds.hi, where=where)

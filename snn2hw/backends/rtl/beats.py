"""Samples as beats that enter the design, and what leaves it and what is recorded as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.streams import Stream
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.shapes import Shape
from snn2hw.trace import Ints, Trace

Data = npt.NDArray[np.uint64]  # what enters
Flags = npt.NDArray[np.uint8]  # whether it is the last of a sample


def beats(design: Design, payloads: Ints) -> tuple[Data, Flags]:
    """All samples one after the other.

    Args:
        design: whose input decides. payloads: [T, N, ...]; of images that are shown T times only the first step is read.
    """
    sent = _pixels if design.entry.still else _events
    parts = [sent(design.entry, payloads[:, n].reshape(len(payloads), -1)) for n in range(payloads.shape[1])]
    data = np.concatenate(parts)
    last = np.zeros(len(data), np.uint8)
    last[np.cumsum([len(p) for p in parts]) - 1] = 1
    return data, last


def _pixels(entry: Stream, sample: Ints) -> Data:
    values: Data = _bits(sample[0][entry.order], entry.bits)
    return values


def _events(entry: Stream, sample: Ints) -> Data:
    """The values that are not 0, and a beat that ends each step."""
    values = sample[:, entry.order]
    step, place = np.nonzero(values)
    row, rest = np.divmod(place, entry.grid.columns * entry.grid.channels)
    column, channel = np.divmod(rest, entry.grid.channels)
    _, column_bits, channel_bits = entry.grid.address
    address = ((row << column_bits) + column << channel_bits) + channel
    event = (_bits(values[step, place], entry.bits) << np.uint64(sum(entry.grid.address))) | address.astype(np.uint64)
    made = np.full(len(step) + len(sample), 1 << (entry.bits + sum(entry.grid.address)), np.uint64)
    made[np.arange(len(step)) + step] = event  # before the events of step t there are t ends
    return made


def _bits(values: Ints, bits: int) -> Data:
    kept: Data = (values & ((1 << bits) - 1)).astype(np.uint64)
    return kept


def trace(design: Design, network: IntegerNetwork, readout: Ints, recorded: Sequence[Ints]) -> Trace:
    """What a run left behind.

    Args:
        design, network: that ran. readout: [N, classes] in the order of the hardware. recorded: of each series, all that came.
    """
    classes = design.readout.order
    read = np.empty_like(readout)
    read[:, classes] = readout
    if not recorded:
        return Trace(read)
    shapes: Mapping[str, Shape] = {n.name: n.shape for n in network.neurons}
    spikes, states = {}, {}
    for series, values in zip(design.series, recorded, strict=True):
        found = _arranged(series.stream, values.reshape(len(readout), design.steps, -1), shapes[series.neuron])
        if series.state:
            states[f"{series.neuron}.{series.state}"] = found
        else:
            spikes[series.neuron] = found
    return Trace(read, spikes, states)


def _arranged(stream: Stream, values: Ints, shape: Shape) -> Ints:
    """[N, T, words * lanes] as [T, N, *shape]."""
    places = stream.places().ravel()
    there = places >= 0
    made = np.empty((*values.shape[:2], int(there.sum())), np.int64)
    made[:, :, places[there]] = values[:, :, there]
    return np.ascontiguousarray(made.swapaxes(0, 1).reshape(values.shape[1], values.shape[0], *shape))

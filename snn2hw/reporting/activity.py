"""What the layers fired on a few samples, small enough for a page, with what the float model fired otherwise."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import Network
from snn2hw.ir.program import declared_interval
from snn2hw.reporting.membranes import MOST_STEPS, FloatRun, float_run, membranes
from snn2hw.trace import Ints, Trace
from snn2hw.verification.agreement import Tally
from snn2hw.verification.beside import layers_of

MOST_NEURONS = 4096  # of a layer that are shown; of a larger one whole channels, evenly spread
LEVELS = 127  # of a spike value in a byte
BINS = 64  # of a histogram


def activity(
    net: IntegerNetwork,
    payloads: Sequence[Ints],
    real: Network | None,
    x: Sequence[npt.NDArray[Any]] | None,
    numbers: Sequence[int],
    scale: float,
) -> list[dict[str, Any]]:
    """One entry for each sample.

    Args:
        net: the integers. payloads: [T, 1, ...] of each. real: the float network, where there is one.
        x: the same samples in real units, as the float network takes them. numbers: which of all samples they are.
        scale: real value of one unit of the readout.
    """
    shown = []
    tally = Tally(net, real, scale)
    for place, number in enumerate(numbers):
        trace = interpret(net, payloads[place])
        floats = None if real is None or x is None else float_run(real, x[place])
        layers = {n.name: _layer(n, trace, floats, tally) for n in layers_of(net)}
        shown.append({"sample": number, "readout": trace.readout[0].tolist(), "layers": layers})
    return shown


def picked(shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Which neurons of a layer are shown, as numbers within it: all, or whole channels that are evenly spread."""
    size = int(np.prod(shape))
    if size <= MOST_NEURONS:
        return np.arange(size)
    each = size // shape[0]
    channels = np.unique(np.linspace(0, shape[0] - 1, max(1, MOST_NEURONS // each)).astype(np.int64))
    every = (channels[:, None] * each + np.arange(each)).ravel()
    return every[:MOST_NEURONS]


def _layer(node: IntNeuron, trace: Trace, floats: FloatRun | None, tally: Tally) -> dict[str, Any]:
    """Spike values [T, neurons] as bytes, where the float model fired otherwise, and a few membranes."""
    which = picked(node.shape)
    fired = trace.spikes[node.name][:MOST_STEPS, 0].reshape(-1, int(np.prod(node.shape)))
    largest = max(1, int(np.abs(fired).max()))
    values = np.round(fired[:, which] * (min(largest, LEVELS) / largest)).astype(np.int8)
    spikes = bool(((values == 0) | (values == 1)).all())  # a spike or none: a bit of each
    said: dict[str, Any] = {
        "neurons": len(which), "of": fired.shape[1], "steps": len(fired), "largest": largest * 2.0**-node.format.frac,
        "bits": 1 if spikes else 8, "values": _bits(values) if spikes else base64.b64encode(values.tobytes()).decode(),
        "rate": float(np.mean(fired != 0)),
    }  # fmt: skip
    watched, by_neuron = tally.watched[node.name], None
    if floats is not None and watched.real is not None:
        differs = watched.differs(
            floats.spikes[node.name][:MOST_STEPS, 0],
            np.asarray(trace.spikes[node.name][:MOST_STEPS, 0] * watched.unit, np.float64),
        )
        by_neuron = differs.reshape(len(fired), -1)
        flat = by_neuron[:, which]
        said["differs"] = {"number": int(np.count_nonzero(flat)), "where": _bits(flat)}
    said["membranes"] = membranes(watched, trace, floats, fired, by_neuron)
    return said


def _bits(values: npt.NDArray[Any]) -> str:
    """Zeros and ones, eight to a byte, the first in the lowest bit."""
    return base64.b64encode(np.packbits(values.ravel() != 0, bitorder="little").tobytes()).decode()


def histograms(net: IntegerNetwork, trace: Trace) -> Mapping[str, list[dict[str, Any]]]:
    """Of every neuron layer its states against their ranges: counts in 64 bins, and the shares at both ends.

    Args:
        net: the network. trace: of samples, with states.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for node in net.neurons:
        rows = found.setdefault(node.name, [])
        for name, state in node.program.states.items():
            held, unit = declared_interval(state), 2.0**-state.format.frac
            values = trace.states[f"{node.name}.{name}"]
            counts, _ = np.histogram(values, BINS, (held.lo, held.hi))
            ends = float(np.mean(values == held.lo)), float(np.mean(values == held.hi))
            rows.append({
                "state": name, "format": str(state.format), "lo": held.lo * unit, "hi": held.hi * unit, "unit": unit,
                "counts": counts.tolist(), "at_lo": ends[0], "at_hi": ends[1],
            })  # fmt: skip
    return found

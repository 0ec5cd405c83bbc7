"""Above the quantiser nothing is called equal: the float model and the integer network are measured against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.backends.reference import interpret
from snn2hw.errors import UsageError
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Delay, Network, Neuron, Node, Reals
from snn2hw.ir.real import run_real
from snn2hw.verification.verdict import BATCH, Progress


@dataclass(frozen=True)
class LayerMeasurement:
    """One neuron layer: share of payloads that differ from the float model's, and both firing rates (share nonzero)."""

    mismatch: float
    float_rate: float
    integer_rate: float


@dataclass(frozen=True)
class Measurement:
    """How far the integer network is from the float model on labelled samples. Not an equivalence.

    Args:
        float_accuracy, integer_accuracy: share of right predictions.
        agreement: share of samples both classify alike.
        layers: per neuron layer.
    """

    samples: int
    float_accuracy: float
    integer_accuracy: float
    agreement: float
    layers: dict[str, LayerMeasurement]


def measure(
    real: Network, net: IntegerNetwork, samples: npt.ArrayLike, labels: npt.ArrayLike, progress: Progress | None = None
) -> Measurement:
    """Run both on the samples, batch by batch.

    Args:
        net: what the same model was compiled to.
        progress: called with (what, samples done, samples in all) after each batch.
        real: the network of the real stage, as traced from the model.
        samples: [N, ...] or [T, N, ...], in real units. labels: [N].

    Raises:
        UsageError: the network has several outputs, whose largest value over all of them is no prediction.
    """
    if len(net.readout.outputs) > 1:
        raise UsageError(
            "a network with several outputs has no accuracy over all of them",
            got=", ".join(f"{name} ({size} values)" for name, size in net.readout.outputs),
            expected="one output",
            do="run the network, and compare each output of `artefact.outputs(trace.readout)` with labels of its own",
        )
    x, wanted = np.asarray(samples, np.float64), np.asarray(labels)
    axis = 0 if real.input.static else 1
    payloads = encode(net, x)
    total = x.shape[axis]
    right_float = right_integer = alike = 0
    known = {n.name for n in real.nodes}  # the integers have one more layer where a readout is aligned
    layers = [n for n in net.neurons if n.name in known]
    sums = {n.name: np.zeros(4) for n in layers}  # differing, float nonzero, integer nonzero, all
    for start in range(0, total, BATCH):
        batch = np.take(x, range(start, min(start + BATCH, total)), axis)
        seen = _Payloads()
        by_float = run_real(real, batch, seen).argmax(1)
        trace = interpret(net, payloads[:, start : start + BATCH])
        for node in layers:
            payload = trace.spikes[node.name]
            sums[node.name] += _counts(np.stack(seen.values[node.name]), payload * 2.0**-node.format.frac)
        truth = wanted[start : start + BATCH]
        right_float += int((by_float == truth).sum())
        right_integer += int((trace.predictions == truth).sum())
        alike += int((by_float == trace.predictions).sum())
        if progress is not None:
            progress("float and integer model", min(start + BATCH, total), total)
    measured = {k: LayerMeasurement(*(float(v / s[3]) for v in s[:3])) for k, s in sums.items()}
    return Measurement(total, right_float / total, right_integer / total, alike / total, measured)


def _counts(by_float: npt.NDArray[Any], by_integer: npt.NDArray[Any]) -> Reals:
    return np.array([(by_float != by_integer).sum(), (by_float != 0).sum(), (by_integer != 0).sum(), by_float.size], np.float64)


class _Payloads:
    def __init__(self) -> None:
        self.values: dict[str, list[Reals]] = {}

    def __call__(self, node: Node, inputs: Sequence[Reals], value: Reals) -> None:
        if isinstance(node, Delay | Neuron):
            self.values.setdefault(node.name, []).append(value)

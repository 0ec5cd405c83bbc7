"""Two traces of one network: the first difference, where it is, and what it can come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ArtefactError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.shown import brief
from snn2hw.trace import Ints, Trace, held
from snn2hw.verification.cause import explain


@dataclass(frozen=True)
class Difference:
    """The first integer in which an executor differs from the reference.

    Args:
        executor: who differs.
        signal: 'readout', a layer (its spike values) or 'layer.state'.
        step: t, from 0; -1 for the readout.
        sample: n, from 0.
        index: position within the layer's shape.
        got, expected: the executor's integer and the reference's.
        cause: what is known of the origin.
    """

    executor: str
    signal: str
    step: int
    sample: int
    index: tuple[int, ...]
    got: int
    expected: int
    cause: str

    __repr__ = brief

    def __str__(self) -> str:
        at = "readout" if self.step < 0 else f"{self.signal} at step {self.step}"
        return f"{self.executor}: {at}, sample {self.sample}, neuron {list(self.index)}: got {self.got}, expected {self.expected}"


def first_difference(
    net: IntegerNetwork, executor: str, got: Trace, expected: Trace, payloads: Ints | None = None
) -> Difference | None:
    """The earliest difference: earliest step, then earliest layer in the order of evaluation, then lowest index.

    Everything that enters the layer named is therefore equal, which is what makes the cause local. With `payloads`, the
    neuron is replayed on the reference to say whether its program or its synaptic sum is at fault.

    Args:
        net: the network that both ran. executor: its name, for the result.
        got, expected: the traces of the executor and of the reference, of the same signals and shapes.
        payloads: [T, N, ...] that entered the network.

    Raises:
        ArtefactError: the traces are not of the same signals and shapes.
    """
    check_comparable(executor, got, expected)
    found = _earliest(net, got, expected)
    if found is not None:
        layer, state, at = found
        signal = f"{layer}.{state}" if state else layer
        g, e = (int(_signal(t, layer, state)[at]) for t in (got, expected))
        cause = explain(net, layer, at, got, expected, payloads)
        return Difference(executor, signal, at[0], at[1], at[2:], g, e, cause)
    if (where := _first(got.readout != expected.readout)) is not None:
        sample, *index = where
        cause = (
            "every spike and state is equal: the last synapse, or the sum over steps, differs"
            if got.spikes
            else "only the readout was compared; ask for traces to find the layer"
        )
        return Difference(
            executor, "readout", -1, sample, tuple(index), int(got.readout[where]), int(expected.readout[where]), cause
        )
    return None


def _signal(trace: Trace, layer: str, state: str) -> npt.NDArray[Any]:
    return held(trace.states)[f"{layer}.{state}"] if state else held(trace.spikes)[layer]


def check_comparable(executor: str, got: Trace, expected: Trace) -> None:
    """Two traces have the same signals, of the same shapes.

    Args:
        executor: its name. got, expected: its trace, and that of the reference.

    Raises:
        ArtefactError: they have not.
    """
    _check_shapes(executor, {k: v.shape for k, v in got.held().items()}, {k: v.shape for k, v in expected.held().items()})


def check_readout(executor: str, got: Ints, expected: Ints) -> None:
    """Two readouts have the same shape.

    Args:
        executor: its name. got, expected: its readout [N, classes], and that of the reference.

    Raises:
        ArtefactError: they are not of one shape.
    """
    _check_shapes(executor, {"readout": got.shape}, {"readout": expected.shape})


def _check_shapes(executor: str, got: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    for name in sorted(got.keys() | expected.keys()):
        if got.get(name) != expected.get(name):
            raise ArtefactError(
                "the traces are not of the same run",
                where=f"{executor}: {name}",
                got=str(got.get(name, "nothing")),
                expected=str(expected.get(name, "nothing")),
                do="simulate the same artefact on the same samples with both",
            )


def _earliest(net: IntegerNetwork, got: Trace, expected: Trace) -> tuple[str, str, tuple[int, ...]] | None:
    """Layer, state (empty for its spike values) and place."""
    best: tuple[str, str, tuple[int, ...]] | None = None
    for node in net.neurons:
        if node.name not in expected.spikes:
            continue
        for state in ("", *node.program.states):
            unequal = _signal(got, node.name, state) != _signal(expected, node.name, state)
            where = _first(unequal)
            if where is not None and (best is None or where[0] < best[2][0]):
                best = node.name, state, where
    return best


def _first(unequal: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[int, ...] | None:
    if not unequal.any():
        return None
    return tuple(int(n) for n in np.unravel_index(int(np.argmax(unequal)), unequal.shape))

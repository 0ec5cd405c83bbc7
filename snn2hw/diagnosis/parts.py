"""The quantisers of a network, each of which can be on or off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.verification.beside import layers_of

Parts: TypeAlias = frozenset[str]

INPUT = "input"
WEIGHTS = "weights"
HEAD = "input factor"
COEFFICIENTS = "coefficients"
THRESHOLDS = "thresholds"
BOUNDS = "bounds"
STATE = "state"

ALL: Parts = frozenset({WEIGHTS, HEAD, COEFFICIENTS, THRESHOLDS, BOUNDS, STATE})
NONE: Parts = frozenset()


@dataclass(frozen=True, order=True)
class Quantiser:
    """One of them.

    Args:
        layer: the neuron layer, or the readout, of what is quantised; that of the input is the input's own name.
        part: what of it. "input": samples to 8 bits. "weights": those, and the biases, of all that leads from the neurons
            before to this layer. "input factor": what the sum is multiplied by. "coefficients" of the polynomial, or the
            numbers of an equation. "thresholds", with amplitudes. "bounds" of the state range. "state": its binary point,
            with all that the program rounds.
    """

    layer: str
    part: str

    def __str__(self) -> str:
        return INPUT if self.part == INPUT else f"{self.part} of {self.layer}"


def quantisers_of(net: IntegerNetwork) -> Iterator[Quantiser]:
    """All of a network, in the order of evaluation."""
    if not net.input.counts:
        yield Quantiser(net.input.name, INPUT)
    for node in layers_of(net):
        known: tuple[str, ...] = (WEIGHTS, HEAD, COEFFICIENTS, THRESHOLDS, BOUNDS, STATE)
        if node.meaning is None:  # a neuron of a user's own: its factors and bounds are numbers of its equation
            known = tuple(part for part in known if part not in (HEAD, BOUNDS))
        if node.meaning is not None or node.equation is not None:
            yield from (Quantiser(node.name, part) for part in known)
    yield Quantiser(net.readout.name, WEIGHTS)

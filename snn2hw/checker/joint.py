"""A function and the equation that its metadata states, side by side, for every state and input that they can start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import Any, NamedTuple

import numpy as np

from snn2hw.checker.neuron import Neuron, Pair
from snn2hw.checker.stated import Number
from snn2hw.checker.tried import CHUNK, OPERATORS

MOST_JOINT = 1 << 20  # starts that are tried for a layer
WRONG = Fraction(1, 10**8)  # by how much float64 may be, in units of the last bit, where no state has more than 20 bits


class Worst(NamedTuple):
    """Integer minus real number, in units of the last bit: lowest, highest, and where the larger of them is."""

    low: float
    high: float
    at: Mapping[str, int]


def size(held: Mapping[str, Pair], names: Sequence[str]) -> int:
    """How many starts there are."""
    return prod(int(held[n][1]) - int(held[n][0]) + 1 for n in names)


def tried(
    neuron: Neuron,
    held: Mapping[str, Pair],
    names: Sequence[str],
    of: Number,
    real: Callable[[Mapping[str, Any]], Sequence[Any]],
) -> Worst:
    """Try all of them, the last of `names` moving first. `real` gives the terms of the equation for values of the function.

    Args:
        neuron: the function of one channel. held: by name, the integers of every start.
        names: of the starts that `of` depends on. of: the number, as values of the function and terms of the
            equation.
    """
    shape, worst = [size(held, [n]) for n in names], Worst(np.inf, -np.inf, {})
    for start in range(0, size(held, names), CHUNK):
        places = np.unravel_index(np.arange(start, min(start + CHUNK, size(held, names))), shape) if names else ()
        values = {**neuron.constants, **{n: np.int64(lo) for n, (lo, _) in held.items()}}
        values |= {n: np.int64(held[n][0]) + place for n, place in zip(names, places, strict=True)}
        for node in neuron.nodes.values():
            values[node.name] = OPERATORS[node.op](*(values[a] for a in node.args))
        first, *second = (real(values)[t] for t in of.terms)
        exact = first - second[0] if second else first
        exact = exact if of.ends is None else np.clip(exact, *of.ends)
        off = np.atleast_1d(values[of.value] - (values[of.minus] if of.minus else 0) - exact * 2.0**of.frac)
        place = int(np.abs(off).argmax())
        low, high, at = float(off.min()), float(off.max()), {n: int(np.broadcast_to(values[n], off.shape)[place]) for n in names}
        larger = at if not start or max(-low, high) > max(-worst.low, worst.high) else worst.at
        worst = Worst(min(low, worst.low), max(high, worst.high), larger)
    return worst

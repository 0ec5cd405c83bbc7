"""What the certificate says of a layer whose neuron a user wrote: how far it is from the equation that its metadata states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

from snn2hw.checker.distance import Distance
from snn2hw.checker.joint import MOST_JOINT, WRONG, size, tried
from snn2hw.checker.neuron_layer import NeuronLayer
from snn2hw.checker.stated import Key, Number, Stated, of_channel


def equation_claims(layer: NeuronLayer) -> dict[str, Any]:
    """What the certificate says of such a layer beside what it says of every one; nothing for a layer without an equation."""
    said = layer.stated.get("equation")
    if not said:
        return {}
    numbers = (*said["parameters"], said["input_scale"])
    alike = [(g, c) for g in layer.groups for c in _one_of_each(g[3], numbers)]
    entering = min(lo for lo, _ in layer.inputs), max(hi for _, hi in layer.inputs)
    worst: dict[Key, _Worst] = {}
    for (neuron, seen, held, _), channel in alike:
        stated = Stated(neuron, seen, layer.stated, layer.function, channel)
        everywhere, wanted = {**held, neuron.sources["in"]: entering}, stated.wanted()
        for key, (lo, hi) in Distance(stated).errors().items():
            of, at = wanted[key], None
            names, unit = stated.starts(of), Fraction(2) ** of.frac
            low, high = lo * unit, hi * unit
            if len(alike) * size(everywhere, names) <= MOST_JOINT:
                least, most, at = tried(neuron, held, names, of, stated.floats)
                low, high = max(low, Fraction(least) - WRONG), min(high, Fraction(most) + WRONG)
            new = _Worst(low, high, channel, at, of)
            worst[key] = _both(worst.get(key, new), new)
    claims: dict[str, Any] = {"output": worst["output", ""].claim(), "states": {}, "comparisons": {}}
    for (what, name), found in worst.items():
        if name:
            claims[what][name] = found.claim()
    return {"errors": claims, "equation": {**said["equation"], "numbers": said["parameters"], "input_scale": numbers[-1]}}


def _one_of_each(channels: Sequence[int], numbers: Sequence[Sequence[float]]) -> list[int]:
    """The first of all channels for which the equation has the same numbers."""
    first: dict[tuple[float, ...], int] = {}
    for c in channels:
        first.setdefault(tuple(of_channel(n, c) for n in numbers), c)
    return list(first.values())


class _Worst(NamedTuple):
    """Function minus equation in units of the last bit: lowest, highest; the channel and the start where it is largest."""

    low: Fraction
    high: Fraction
    channel: int
    at: Mapping[str, int] | None  # None where not all starts were tried
    of: Number

    def claim(self) -> dict[str, Any]:
        """Rounded outwards."""
        low, high = floor(self.low * 10**6) / 10**6, ceil(self.high * 10**6) / 10**6
        worst = max(abs(low), abs(high))
        how = {"method": "intervals"} if self.at is None else {"method": "enumerated", "at": self.at}
        where = {} if self.of.compared is None else {"term": self.of.compared}
        units = worst * 2.0**-self.of.frac
        return {**where, "lsb": worst, "units": units, "signed": [low, high], "channel": self.channel, **how}


def _both(old: _Worst, new: _Worst) -> _Worst:
    larger = new if max(-new.low, new.high) > max(-old.low, old.high) else old
    return larger._replace(low=min(old.low, new.low), high=max(old.high, new.high))

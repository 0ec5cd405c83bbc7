"""Verified bounds of a layer whose neuron a user wrote: how far output and next states are from the equation.

Every claim holds for each state and input for which program and equation decide alike, and says of every comparison within which
distance from equality they may not. A claim is `enumerated` where all states and inputs that it depends on can be tried together,
else made of `intervals`; what was tried is still never stated wider than intervals make it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

from snn2hw.certificate.forms import Ends
from snn2hw.certificate.groups import Group
from snn2hw.certificate.intervals import Distances, distances
from snn2hw.certificate.joint import MOST_JOINT, Joint, Watched, as_ends, sources
from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.program import SPIKES, Program, declared_interval, one_channel
from snn2hw.neurons.document import to_document
from snn2hw.neurons.equation import COMPARISONS, varying
from snn2hw.num import Interval

ENUMERATED, INTERVALS = "enumerated", "intervals"
DIGITS = 6  # of an error in units of the value; rounded so that the claim stays true
SLACK = Fraction(1, 10**8)  # units by which float64 may be wrong about an error; states that are tried have 20 bits at most


@dataclass(frozen=True)
class _Found:
    """Integers minus equation of one number of one channel: real units of the number's last bit, and where."""

    ends: Ends
    channel: int
    at: Mapping[str, int] | None

    @property
    def worst(self) -> Fraction:
        return max(-self.ends[0], self.ends[1])


class EquationClaims:
    """Collects what is found group by group, as the layer's ranges are.

    Args:
        node: the layer; a layer without an equation claims nothing here.
        inputs: what enters any of its channels. groups: channels with the same constants.
    """

    def __init__(self, node: IntNeuron, inputs: Interval, groups: list[Group]) -> None:
        self.node, self.found = node, dict[tuple[str, ...], _Found]()
        if node.equation is None:
            return
        self.meaning, self.program = node.equation, node.program
        self.watched = _watched(node.program, node.equation)
        self.sources = {key: sources(self.program, self.meaning, w) for key, w in self.watched.items()}
        held = self._held(self.program, inputs)
        number = sum(len(self._alike(g)) for g in groups)
        self.enumerated = {key for key, names in self.sources.items() if number * _size(held, names) <= MOST_JOINT}

    def look_at(self, group: Group, known: Mapping[str, Interval]) -> None:
        """Program and equation of a group; `known` is the range of every value."""
        if self.node.equation is None:
            return
        for channel, *_ in self._alike(group):
            program = one_channel(self.program, channel)
            off = _by_key(distances(program, known, self.meaning, channel), self.watched)
            joint = Joint(program, self._held(program, group.input), self.meaning, channel)
            new = {key: _Found(ends, channel, None) for key, ends in off.items()} | self._tried(joint, off, channel)
            for key, now in new.items():
                self.found[key] = _wider(self.found.get(key, now), now)

    def _tried(self, joint: Joint, off: Mapping[tuple[str, ...], Ends], channel: int) -> dict[tuple[str, ...], _Found]:
        """Of what can be tried, together what depends on the same sources."""
        found: dict[tuple[str, ...], _Found] = {}
        for names in {tuple(self.sources[key]): None for key in self.watched if key in self.enumerated}:
            keys = [key for key in self.watched if key in self.enumerated and tuple(self.sources[key]) == names]
            for key, tried in zip(keys, joint.tried([self.watched[k] for k in keys], names), strict=True):
                (lo, hi), (low, high) = as_ends(tried, SLACK), off[key]
                found[key] = _Found((max(lo, low), min(hi, high)), channel, tried.at)
        return found

    def _alike(self, group: Group) -> list[list[int]]:
        """Channels of a group for which the equation has the same numbers, too."""
        found: dict[tuple[float, ...], list[int]] = {}
        for c in group.channels:
            numbers = (*self.meaning.parameters, self.meaning.input_scale)
            found.setdefault(tuple(n[c % len(n)] for n in numbers), []).append(c)
        return list(found.values())

    @staticmethod
    def _held(program: Program, inputs: Interval) -> dict[str, Interval]:
        return {program.input.name: inputs, **{name: declared_interval(s) for name, s in program.states.items()}}

    def claims(self) -> dict[str, Any]:
        """For certificate.json: the equation and the errors; nothing where a layer has no equation."""
        if self.node.equation is None:
            return {}
        numbers = {"numbers": [list(p) for p in self.meaning.parameters], "input_scale": list(self.meaning.input_scale)}
        errors: dict[str, Any] = {"output": {}, "states": {}, "comparisons": {}}
        for (what, *name), found in self.found.items():
            claim = self._claim((what, *name), found)
            errors[what] = errors[what] | ({name[0]: claim} if name else claim)
        return {"errors": errors, "equation": {**to_document(self.meaning.equation), **numbers}}

    def _claim(self, key: tuple[str, ...], found: _Found) -> dict[str, Any]:
        low, high = (Fraction(down(end * 10**DIGITS), 10**DIGITS) for end, down in zip(found.ends, (floor, ceil), strict=True))
        worst = float(max(-low, high))
        method = {"method": ENUMERATED, "at": dict(found.at)} if found.at is not None else {"method": INTERVALS}
        watched = self.watched[key]
        return {
            **({} if watched.compared is None else {"term": watched.compared}),
            "lsb": worst,
            "units": worst * 2.0**-watched.frac,
            "signed": [float(low), float(high)],
            "channel": found.channel,
            **method,
        }


def _wider(old: _Found, new: _Found) -> _Found:
    larger = new if new.worst > old.worst else old
    return _Found((min(old.ends[0], new.ends[0]), max(old.ends[1], new.ends[1])), larger.channel, larger.at)


def _size(held: Mapping[str, Interval], names: list[str]) -> int:
    total = 1
    for name in names:
        total *= held[name].hi - held[name].lo + 1
    return total


def _watched(program: Program, meaning: EquationMeaning) -> dict[tuple[str, ...], Watched]:
    """What a layer claims errors of: output, next states, and the difference of the operands of each comparison."""
    equation, found, out = meaning.equation, dict[tuple[str, ...], Watched](), program.outputs
    for s, place in zip(equation.states, equation.updates, strict=True):
        of_state = Watched(((1, out[s.name].args[0]),), ((1, place),), out[s.name].format.frac, s.range)
        found["states", s.name] = of_state
        if place == equation.output and out[s.name].args == out[SPIKES].args:
            found["output",] = of_state
    found.setdefault(("output",), Watched(((1, out[SPIKES].args[0]),), ((1, equation.output),), program.payload.frac))
    for place, (term, value, varies) in enumerate(zip(equation.terms, meaning.values, varying(equation), strict=True)):
        if term.op in COMPARISONS and varies and value is not None:
            first, second = program.by_name[value].args
            frac, operands = program.by_name[first].format.frac, ((1, term.args[0]), (-1, term.args[1]))
            found["comparisons", value] = Watched(((1, first), (-1, second)), operands, frac, compared=place)
    return found


def _by_key(found: Distances, watched: Mapping[tuple[str, ...], Watched]) -> dict[tuple[str, ...], Ends]:
    """In units of the last bit."""
    off: dict[tuple[str, ...], Ends] = {("output",): found.output}
    off |= {("states", name): ends for name, ends in found.states.items()}
    off |= {("comparisons", name): ends for name, ends in found.comparisons.items()}
    units = {key: Fraction(2) ** w.frac for key, w in watched.items()}
    return {key: (ends[0] * units[key], ends[1] * units[key]) for key, ends in off.items()}

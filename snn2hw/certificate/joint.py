"""How far the integers of a program are from the equation that it was lowered from, where all states and inputs can be tried.

As in `intervals`, the equation decides as the program does. Real numbers are float64 here, computed term by term.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from snn2hw.certificate.exact import exact_numbers
from snn2hw.ir.equations import EquationMeaning
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.neurons import equation as eq
from snn2hw.neurons.in_numpy import MEANING, Reals
from snn2hw.num import Interval

MOST_JOINT = 1 << 20  # values of states and input together, over all groups of channels
CHUNK = 1 << 16


@dataclass(frozen=True)
class Watched:
    """A number of the program and what it stands for: the sum of values of the program, the sum of terms of the equation.

    Args:
        values, terms: each with its sign. frac: binary point of the values.
        ends: what the terms are held to, if they are. compared: the term that compares the two.
    """

    values: tuple[tuple[int, str], ...]
    terms: tuple[tuple[int, int], ...]
    frac: int
    ends: tuple[float, float] | None = None
    compared: int | None = None


@dataclass(frozen=True)
class Tried:
    """Integers minus equation, in units of the integers: lowest and highest, and where it is largest."""

    low: float
    high: float
    at: dict[str, int]

    @property
    def worst(self) -> float:
        """The largest magnitude."""
        return max(-self.low, self.high)


def sources(program: Program, meaning: EquationMeaning, watched: Watched) -> list[str]:
    """The states and the input that a number depends on, on either side, in the order of the equation.

    Args:
        program: of one channel. meaning: the equation it was lowered from. watched: the number, on both sides.
    """
    found = {s for _, v in watched.values for s in _of_program(program, v)}
    needed = {t for _, t in watched.terms}
    for place in range(max(needed), -1, -1):
        if place not in needed:
            continue
        term = meaning.equation.terms[place]
        if term.op in (eq.Op.STATE, eq.Op.INPUT):
            found.add(str(term.attrs[0]) if term.op is eq.Op.STATE else program.input.name)
        needed |= {*term.args}
    return [s for s in [*(s.name for s in meaning.equation.states), program.input.name] if s in found]


def _of_program(program: Program, value: str) -> Iterator[str]:
    seen, ahead = {value}, [value]
    while ahead:
        i = program.by_name[ahead.pop()]
        if i.op in (Op.STATE, Op.INPUT):
            yield i.name
        ahead += [a for a in i.args if a not in seen]
        seen.update(i.args)


class Joint:
    """Program and equation of one channel, side by side.

    Args:
        program: of that channel alone. held: range of every state and of the input.
    """

    def __init__(self, program: Program, held: Mapping[str, Interval], meaning: EquationMeaning, channel: int) -> None:
        self.program, self.held, self.meaning = program, held, meaning
        numbers = exact_numbers(meaning.equation, [p[channel % len(p)] for p in meaning.parameters])
        self.numbers = {place: np.float64(float(n)) for place, n in numbers.items()}
        self.scale = meaning.input_scale[channel % len(meaning.input_scale)]

    def tried(self, watched: Sequence[Watched], names: Sequence[str]) -> list[Tried]:
        """Every value of these sources together; the last one moves first. All other sources stay where they are lowest."""
        sizes = [self.held[s].hi - self.held[s].lo + 1 for s in names]
        found: list[Tried] = []
        for start in range(0, int(np.prod(sizes)), CHUNK):
            places = np.arange(start, min(start + CHUNK, int(np.prod(sizes))))
            raw: dict[str, Any] = {s: np.int64(h.lo) for s, h in self.held.items()}
            raw |= (
                {s: at + self.held[s].lo for s, at in zip(names, np.unravel_index(places, sizes), strict=True)} if names else {}
            )
            values, reals = self._both(raw)
            new = [self._worst(w, values, reals, raw, names) for w in watched]
            found = [_wider(old, now) for old, now in zip(found, new, strict=True)] if found else new
        return found

    def _both(self, raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
        """Every value of the program, every term of the equation."""

        def given(i: Instruction) -> Any:
            return np.int64(values_of(i)[0]) if i.op is Op.PARAM else raw[i.name]

        values, reals = evaluate(self.program, given), list[Any]()
        for place, term in enumerate(self.meaning.equation.terms):
            decided = self.meaning.values[place] if term.op in eq.COMPARISONS else None
            if place in self.numbers:
                reals.append(self.numbers[place])
            elif term.op is eq.Op.INPUT:
                reals.append(raw[self.program.input.name] * self.scale)
            elif term.op is eq.Op.STATE:
                name = str(term.attrs[0])
                reals.append(raw[name] * 2.0 ** -self.program.states[name].format.frac)
            elif decided is not None:
                reals.append(values[decided])
            else:
                reals.append(MEANING[term.op]([np.asarray(reals[a], np.float64) for a in term.args], term.attrs))
        return values, reals

    def _worst(
        self, watched: Watched, values: Mapping[str, Any], reals: Sequence[Any], raw: Mapping[str, Any], names: Sequence[str]
    ) -> Tried:
        real = sum(sign * reals[t] for sign, t in watched.terms)
        if watched.ends is not None:
            real = np.clip(real, *watched.ends)
        signed: Reals = np.atleast_1d(sum(sign * values[v] for sign, v in watched.values) - real * 2.0**watched.frac)
        worst = int(np.abs(signed).argmax())
        at = {s: int(raw[s][worst if len(signed) > 1 else 0]) for s in names}
        return Tried(float(signed.min()), float(signed.max()), at)


def _wider(old: Tried, new: Tried) -> Tried:
    return Tried(min(old.low, new.low), max(old.high, new.high), (new if new.worst > old.worst else old).at)


def as_ends(tried: Tried, slack: Fraction) -> tuple[Fraction, Fraction]:
    """What was found in float64 as exact bounds: what float64 can have got wrong lies within `slack`."""
    return Fraction(tried.low) - slack, Fraction(tried.high) + slack

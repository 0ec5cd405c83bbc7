"""The best coefficients of a given width: which integers m_i make sup |sum_i (m_i 2**-f_i - a_i) u**i| smallest?

Rounding each a_i by itself is not best: what one coefficient is off, the others can take back. The question is a closest
vector problem in the sup norm, in at most six dimensions. Since the mean square of an error is at most the square of its
supremum, every set of coefficients that could beat the best one known lies in a ball of the L2 norm; the ball is searched
(Schnorr and Euchner's enumeration), so unless it is cut short what is found is the optimum on the grid, not a good guess.
fpminimax (Brisebarre and Chevillard, 2007) solves the same problem approximately, by lattice reduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snn2hw.ir.network import Reals
from snn2hw.passes.state import round_half_up

NODES, GRID = 24, 97  # of the L2 norm, and of the sup norm; both Chebyshev-spaced, ends included
VISITS = 400  # of lines of lattice points, nearest first
WIDEST_LINE = 256  # points of a line to either side


@dataclass(frozen=True)
class Mantissas:
    """Integer coefficients: a_i ~ integers[i] * 2**-fracs[i].

    Args:
        error: the largest distance of the two polynomials on the grid, in real units.
        optimal: whether no integers of these binary points are closer on the grid.
    """

    integers: tuple[int, ...]
    error: float
    optimal: bool


def rounded(target: Reals, fracs: Sequence[int]) -> tuple[int, ...]:
    """Each coefficient to its nearest integer, ties upward."""
    return tuple(round_half_up(a * 2.0**f) for a, f in zip(target.tolist(), fracs, strict=True))


def closest(
    target: Reals, fracs: Sequence[int], free: Sequence[bool], interval: tuple[float, float], bits: int, visits: int = VISITS
) -> Mantissas:
    """The integers closest to the target polynomial over the interval.

    Args:
        target: [d+1] real coefficients a_0 .. a_d.
        fracs: binary point of each coefficient.
        free: whether a coefficient may be anything; else it is rounded by itself.
        interval: of the argument, real units.
        bits: width of an integer, sign included; kept symmetric.
        visits: how many lines of lattice points are looked at at most.
    """
    start = rounded(target, fracs)
    degrees = [i for i, f in enumerate(free) if f]
    # The coefficient whose last bit weighs most is decided first; those after it can still make up for it.
    weight = [max(abs(v) for v in interval) ** i * 2.0 ** -fracs[i] for i in degrees]
    degrees = [degrees[n] for n in np.argsort(weight, kind="stable")]
    fixed = np.array(start, np.float64) * 2.0 ** -np.array(fracs, np.float64) - target
    fixed[degrees] = -target[degrees]
    search = _Ball(degrees, [2.0 ** -fracs[i] for i in degrees], fixed, interval, 2.0 ** (bits - 1) - 1, visits)
    search.offer(np.array([start[i] for i in degrees], np.float64))
    search.run()
    integers = list(start)
    for i, m in zip(degrees, search.best.tolist(), strict=True):
        integers[i] = int(m)
    return Mantissas(tuple(integers), search.error, search.left > 0 and search.whole)


def _points(interval: tuple[float, float], n: int) -> Reals:
    lo, hi = interval
    points: Reals = (lo + hi) / 2 - (hi - lo) / 2 * np.cos(np.pi * np.arange(n) / (n - 1))
    return points


class _Ball:
    """Depth-first search of the lattice points in a ball that shrinks to the best sup norm found."""

    def __init__(
        self,
        degrees: Sequence[int],
        units: Sequence[float],
        fixed: Reals,
        interval: tuple[float, float],
        limit: float,
        visits: int,
    ) -> None:
        def at(points: Reals) -> tuple[Reals, Reals]:
            error = np.asarray(np.polynomial.polynomial.polyval(points, fixed), np.float64)
            # Products: np.power rounds by the exponent of a point, too, and so changes with the unit of the state.
            return np.vander(points, max(degrees) + 1, increasing=True)[:, degrees] * np.array(units), error

        self.powers, self.rest = at(_points(interval, GRID))
        nodes, error = at(_points(interval, NODES))
        q, self.r = np.linalg.qr(nodes / np.sqrt(NODES))
        self.goal = -q.T @ (error / np.sqrt(NODES))
        self.limit, self.left, self.whole = limit, visits, True
        self.error, self.best = np.inf, np.zeros(len(degrees))

    def offer(self, m: Reals) -> None:
        """Keep the integers if their sup norm is the smallest so far."""
        error = float(np.abs(self.powers @ m + self.rest).max())
        if error < self.error:
            self.error, self.best = error, m.copy()

    def run(self) -> None:
        """Visit every lattice point that could be better than the best."""
        self._visit(len(self.best) - 1, np.zeros(len(self.best)), 0.0)

    def _visit(self, level: int, m: Reals, used: float) -> None:
        if level == 0:
            self._line(m, used)
            return
        r, centre = self.r[level, level], self._centre(level, m)
        guess = np.floor(centre + 0.5)
        step, side = 0, 1.0 if centre >= guess else -1.0
        while self.left > 0:
            value = guess + side * ((step + 1) // 2 if step % 2 else -(step // 2))
            distance = used + (r * (value - centre)) ** 2
            if distance >= self.error**2:
                return  # values come in order of distance, so the rest is farther still
            if abs(value) <= self.limit:
                m[level] = value
                self._visit(level - 1, m, distance)
            step += 1

    def _centre(self, level: int, m: Reals) -> float:
        return float(self.goal[level] - self.r[level, level + 1 :] @ m[level + 1 :]) / float(self.r[level, level])

    def _line(self, m: Reals, used: float) -> None:
        """All points of the ball that differ in the last coefficient only, at once."""
        self.left -= 1
        centre, radius = self._centre(0, m), np.sqrt(max(self.error**2 - used, 0.0)) / abs(self.r[0, 0])
        if radius > WIDEST_LINE:
            radius, self.whole = WIDEST_LINE, False
        lo, hi = max(np.ceil(centre - radius), -self.limit), min(np.floor(centre + radius), self.limit)
        if lo > hi:
            return
        values = np.arange(lo, hi + 1)
        errors = np.abs((self.powers[:, 1:] @ m[1:] + self.rest)[:, None] + self.powers[:, :1] * values).max(0)
        best = int(errors.argmin())
        if errors[best] < self.error:
            m[0] = values[best]
            self.error, self.best = float(errors[best]), m.copy()

"""What is to be done with an equation through all steps: which gradients are wanted, and what is remembered for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar

from snn2hw.neurons.equation import GIVEN, Equation, Op
from snn2hw.neurons.remembered import after, remembered
from snn2hw.neurons.reverse import Arithmetic, Leaving, reverse

V = TypeVar("V")


@dataclass(frozen=True)
class Plan:
    """An equation, and what is asked of it.

    Args:
        equation: of one step.
        watch: place of the value that observers are shown; None: the first next state, saturated at its range.
        ends: whether a gradient passes at the ends of a CLAMP, as torch has it.
        wanted: indices of the numbers (PARAMETER, SCHEDULE) whose gradients are wanted.
        saved: places of the values that every step remembers.
    """

    equation: Equation
    watch: int | None
    ends: bool
    wanted: frozenset[int]
    saved: tuple[int, ...]

    @cached_property
    def _places(self) -> dict[tuple[Op, object], int]:
        return {(t.op, t.attrs[0] if t.attrs else None): n for n, t in enumerate(self.equation.terms)}

    @property
    def entering(self) -> int | None:
        """Place of the input; None where the equation does not read it."""
        return self._places.get((Op.INPUT, None))

    def state(self, name: str) -> int | None:
        """Place of a state as it was before the step; None where the equation does not read it."""
        return self._places.get((Op.STATE, name))

    def number(self, index: int) -> int:
        """Place of a number."""
        return next(self._places[op, index] for op in GIVEN if (op, index) in self._places)

    @cached_property
    def scheduled(self) -> frozenset[int]:
        """Indices of the numbers that depend on the step."""
        return frozenset(int(t.attrs[0]) for t in self.equation.terms if t.op is Op.SCHEDULE)

    @cached_property
    def sources(self) -> frozenset[int]:
        """Places of the sources whose gradients are taken: input, states, and the numbers that are wanted."""
        return _sources(self.equation, self.wanted)

    @cached_property
    def moving(self) -> tuple[bool, ...]:
        """For every term whether it depends on a state or on the input; a schedule does not count."""
        return tuple(after(self.equation, frozenset({Op.INPUT, Op.STATE})))

    def sweep(
        self,
        with_: Arithmetic[V],
        value: Callable[[int], V],
        output: V | None,
        states: Sequence[V | None],
        watched: Callable[[V], V] | None,
    ) -> dict[int, V]:
        """`reverse` of one step: the gradients of the sources by place.

        Args:
            with_: what the gradients are written with. value: of a term, by its place.
            output, states, watched: the gradients that enter, as in `Leaving`.
        """
        return reverse(self.equation, with_, value, Leaving(output, states, watched), self.sources, self.watch, self.ends)


def _sources(equation: Equation, wanted: frozenset[int]) -> frozenset[int]:
    return frozenset(
        n for n, t in enumerate(equation.terms) if t.op in (Op.INPUT, Op.STATE) or (t.op in GIVEN and int(t.attrs[0]) in wanted)
    )


@lru_cache(maxsize=256)
def planned(equation: Equation, wanted: frozenset[int], records: bool) -> Plan:
    """The plan of a user's neuron; where no gradient is recorded nothing is remembered, else the fewest values.

    Args:
        equation: of one step. wanted: indices of the numbers whose gradients are wanted. records: whether any may be.
    """
    saved = remembered(equation, _sources(equation, wanted), None, True) if records else ()
    return Plan(equation, None, True, wanted, saved)

"""What a step must remember, so that its derivative can be taken later: as few values as there can be.

A value that was not remembered is computed again, from those that were, from the numbers of the
layer and from the states before the step, which follow from what the step before remembered. So
the remembered values cut the equation in two: nothing behind the cut depends on what stands before
it but through the cut. The smallest such cut nearest to the end is found as a maximal flow.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from itertools import pairwise

from snn2hw.neurons.equation import Equation, Op
from snn2hw.neurons.reverse import Leaving, reverse

ENTERS, ENDS = "enters", "ends"


class _Reads:
    """An arithmetic that computes nothing; `value` keeps which values the derivative reads."""

    def __init__(self) -> None:
        self.places: set[int] = set()

    def value(self, place: int) -> int:
        self.places.add(place)
        return 0

    def number(self, value: float) -> int:
        return 0

    def add(self, a: int, b: int) -> int:
        return 0

    mul = sub = add

    def neg(self, a: int) -> int:
        return 0

    def chosen(self, flag: int, on: bool, a: int) -> int:
        """Arguments as `Arithmetic.chosen`."""
        return 0

    def inside(self, v: int, ends: tuple[float, float], a: int) -> int:
        """Arguments as `Arithmetic.inside`."""
        return 0

    within = inside

    def shared(self, a: int, b: int, g: int) -> int:
        """Arguments as `Arithmetic.shared`."""
        return 0

    def fired(self, place: int, over: Callable[[], int], g: int) -> int:
        """Arguments as `Arithmetic.fired`."""
        return over()

    def once(self, place: int, make: Callable[[], int]) -> int:
        return make()


def read(equation: Equation, wanted: frozenset[int], watch: int | None, ends: bool) -> frozenset[int]:
    """Places of the values that the derivative reads. Arguments as `remembered`."""
    reads = _Reads()
    leaving = Leaving(0, [0] * len(equation.states), lambda value: 0)
    reverse(equation, reads, reads.value, leaving, wanted, watch, ends)
    return frozenset(reads.places)


@lru_cache(maxsize=256)
def remembered(equation: Equation, wanted: frozenset[int], watch: int | None, ends: bool) -> tuple[int, ...]:
    """Places of the values to remember, in order; of a source the value that entered.

    Args:
        equation: of one step.
        wanted: places of the sources whose gradients are asked for. watch, ends: as in `reverse`.
    """
    entering, moving = after(equation, frozenset({Op.INPUT})), after(equation, frozenset({Op.INPUT, Op.STATE}))
    # What follows from the states before the step is there without it, but for what becomes the next of them.
    targets = {n for n in read(equation, wanted, watch, ends) if entering[n]} | {n for n in equation.updates if moving[n]}
    found = _cut(equation, targets, moving)
    return tuple(sorted(found or {equation.output}))  # of an equation in which nothing moves, how many steps there were


def after(equation: Equation, sources: frozenset[Op]) -> list[bool]:
    """For every term whether it depends on these: what follows from numbers alone is always there."""
    found: list[bool] = []
    for term in equation.terms:
        found.append(term.op in sources or any(found[a] for a in term.args))
    return found


Graph = dict[Hashable, dict[Hashable, int]]


def _cut(equation: Equation, targets: set[int], moving: list[bool]) -> set[int]:
    """The smallest set of terms between what enters and the targets."""
    room, graph = len(equation.terms) + 1, Graph()
    for place, term in enumerate(equation.terms):
        if not moving[place]:
            continue
        _edge(graph, (place, "in"), (place, "out"), 1)
        for a in term.args:
            if moving[a]:
                _edge(graph, (a, "out"), (place, "in"), room)
        if term.op in (Op.INPUT, Op.STATE):
            _edge(graph, ENTERS, (place, "in"), room)
        if place in targets:
            _edge(graph, (place, "out"), ENDS, room)
    while path := _path(graph):
        for tail, head in pairwise(path):
            graph[tail][head] -= 1
            graph[head][tail] += 1
    ends = _reaching_the_end(graph)
    return {n for n in range(len(equation.terms)) if (n, "out") in ends and (n, "in") not in ends}


def _edge(graph: Graph, a: Hashable, b: Hashable, room: int) -> None:
    graph.setdefault(a, {})[b] = room
    graph.setdefault(b, {}).setdefault(a, 0)


def _path(graph: Graph) -> list[Hashable]:
    """A way with room from what enters to the end; none: []."""
    came: dict[Hashable, Hashable] = {ENTERS: ENTERS}
    a: Hashable
    waiting: list[Hashable] = [ENTERS]
    for a in waiting:  # which grows meanwhile
        for b, room in graph.get(a, {}).items():
            if room and b not in came:
                came[b] = a
                waiting.append(b)
    if ENDS not in came:
        return []
    path: list[Hashable] = [ENDS]
    while path[-1] != ENTERS:
        path.append(came[path[-1]])
    return path[::-1]


def _reaching_the_end(graph: Graph) -> set[Hashable]:
    """Nodes from which there is room to the end."""
    found: set[Hashable] = {ENDS}
    waiting: list[Hashable] = [ENDS]
    for b in waiting:
        for a in graph.get(b, {}):
            if graph[a][b] and a not in found:
                found.add(a)
                waiting.append(a)
    return found

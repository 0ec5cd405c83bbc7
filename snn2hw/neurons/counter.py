"""Numbers that depend on the step, as a state that counts the steps and chooses between numbers.

Integers have no clock: they keep one more state n = 0, 1, 2, ..., which saturates at the last step
at which a number changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.neurons.equation import Builder, Equation, Op, State, Term
from snn2hw.neurons.in_numpy import Reals


def counted(equation: Equation, parameters: Sequence[Reals]) -> tuple[Equation, tuple[Reals, ...]]:
    """The same equation without SCHEDULE terms, and the numbers that it takes; itself where it has none.

    Args:
        parameters: [1] or [C]; of a schedule [S].
    """
    if not any(t.op is Op.SCHEDULE for t in equation.terms):
        return equation, tuple(parameters)
    return _Counted(equation, parameters).run()


class _Counted:
    def __init__(self, equation: Equation, parameters: Sequence[Reals]) -> None:
        self.old, self.given = equation, parameters
        self.scheduled = {int(t.attrs[0]) for t in equation.terms if t.op is Op.SCHEDULE}
        last = max((s for p in self.scheduled for s in self._changes(p)), default=0)
        name = next(n for n in ("n", "n_", "n__", "n___") if n not in {s.name for s in equation.states})
        self.counter = State(name, (0.0, float(last)), 0.0)
        states = (*equation.states, self.counter) if last else equation.states
        self.new = Builder(equation.kind, states)
        self.values: list[Reals] = []

    def _changes(self, index: int) -> list[int]:
        """The steps from which on a schedule has another value."""
        values = self.given[index]
        return [s for s in range(1, len(values)) if values[s] != values[s - 1]]

    def run(self) -> tuple[Equation, tuple[Reals, ...]]:
        at: list[int] = []
        for term in self.old.terms:
            at.append(self._again(term, at))
        after = [at[u] for u in self.old.updates]
        if self.counter in self.new.states:
            after.append(self.new.emit(Op.ADD, self._count(), self.new.constant(1.0)))
        made = self.new.equation(at[self.old.output], after)
        return made, tuple(self.values)

    def _again(self, term: Term, at: Sequence[int]) -> int:
        if term.op is Op.PARAMETER:
            return self._number(self.old.parameters[int(term.attrs[0])], self.given[int(term.attrs[0])], term.line)
        if term.op is Op.SCHEDULE:
            return self._chosen(int(term.attrs[0]), term.line)
        return self.new.emit(term.op, *(at[a] for a in term.args), attrs=term.attrs, line=term.line)

    def _number(self, name: str, value: Reals, line: str) -> int:
        self.values.append(value)
        return self.new.parameter(name, line)

    def _count(self) -> int:
        return self.new.emit(Op.STATE, attrs=(self.counter.name,))

    def _chosen(self, index: int, line: str) -> int:
        """The value of the step that n stands for."""
        name, values = self.old.parameters[index], self.given[index]
        chosen = self._number(f"{name}[0]", values[:1], line)
        for s in self._changes(index):
            # Half a step before: integers may cut the last unit off the end of a range, where the counter stays.
            reached = self.new.emit(Op.GE, self._count(), self.new.constant(s - 0.5))
            chosen = self.new.emit(Op.SELECT, reached, self._number(f"{name}[{s}]", values[s : s + 1], line), chosen)
        return chosen

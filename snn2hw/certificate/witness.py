"""Where a clamp has to act: a state and an input that carry its argument beyond its bounds."""

from __future__ import annotations

from collections.abc import Mapping

from snn2hw.certificate.engine import first_place
from snn2hw.certificate.slices import slices, supports
from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.num import Interval


def witness(program: Program, clamp: Instruction, ranges: Mapping[str, Interval], tried: frozenset[str]) -> dict[str, int]:
    """Values of the variables with which the argument of a clamp of one channel is beyond it, above rather than below.

    Args:
        program: of that channel alone. clamp: an instruction of it.
        ranges: of every value. tried: values whose range was found by enumeration.
    """
    (argument,), bounds = clamp.args, clamp.attrs
    assert isinstance(bounds[1], int)
    high = ranges[argument].hi > bounds[1]
    support = supports(program)
    parts = {s.variable.name: s for s in slices(program)}

    def reach(name: str) -> dict[str, int]:
        variable, end = support[name], ranges[name].hi if high else ranges[name].lo
        if variable != name:
            return {variable: first_place(parts[variable], ranges[variable], name, end)} if variable and name in tried else {}
        i = program.by_name[name]
        if not i.args:
            return {name: end}
        return {v: at for a in i.args for v, at in reach(a).items()} if i.op is Op.ADD else {}

    return reach(argument)

"""A program cut into parts that depend on one variable each, so that every state can be tried.

A value that depends on the state alone, or on the input alone, is a function of one variable. Where two meet
(h_sum = P(u) + x), the meeting value becomes a variable of its own, bounded by intervals from the exact ranges of its parts;
a variable that is held by constants (clamp, min, max) is a variable too, since what they make of an interval is known. So is a
sum of several variables, shifted right: sums are wide, and what is left after the shift can be tried. What follows is again a
function of one variable. Treating variables as independent can only make ranges wider, never miss a value.
"""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.ir.optable import SOURCES
from snn2hw.ir.program import Instruction, Op, Program

_CONSTANT = ""
_BOUNDING = (Op.CLAMP, Op.MIN, Op.MAX)  # of a variable by constants


@dataclass(frozen=True)
class Slice:
    """A variable and what depends on it alone.

    Args:
        variable: the instruction that starts the slice: a state, the input, or where several variables meet.
        instructions: what follows from it, in order, constants included; the variable itself is not among them.
    """

    variable: Instruction
    instructions: tuple[Instruction, ...]


def supports(program: Program) -> dict[str, str]:
    """For every value the variable it depends on; '' for constants."""
    support: dict[str, str] = {}
    sums = set[str]()  # where variables meet, and that plus constants
    for i in program.instructions:
        support[i.name] = _support(i, support, sums)
        rest = [a for a in i.args if support[a] != _CONSTANT]
        met = support[i.name] == i.name and i.op not in SOURCES
        if met or (i.op in (Op.ADD, Op.SUB) and len(rest) == 1 and sums.issuperset(rest)):
            sums.add(i.name)
    return support


def slices(program: Program) -> list[Slice]:
    """The slices in an order in which each variable's range follows from slices before it; constants come with each."""
    support = supports(program)
    variables = [i for i in program.instructions if support[i.name] == i.name]
    return [Slice(v, tuple(i for i in program.instructions if _belongs(i, v, support))) for v in variables]


def _support(i: Instruction, support: dict[str, str], sums: set[str]) -> str:
    if i.op in SOURCES:
        return _CONSTANT if i.op is Op.PARAM else i.name
    met = {support[a] for a in i.args} - {_CONSTANT}
    if len(met) == 1:
        (variable,) = met
        bounded = i.op in _BOUNDING and i.args[0] == variable and not any(support[a] for a in i.args[1:])
        return i.name if bounded or (i.op is Op.SHIFT_RIGHT and i.args[0] in sums) else variable
    return i.name if met else _CONSTANT


def _belongs(i: Instruction, variable: Instruction, support: dict[str, str]) -> bool:
    return i.name != variable.name and support[i.name] in (variable.name, _CONSTANT)

"""States that follow from themselves alone, as a count of the steps does: what they are at each step is known beforehand.

Thresholds that follow such a state are constants of the step, and so is all that the step makes of them: a program is looked at
once for each of its values, in place of taking the state for a variable that moves freely.
"""

from __future__ import annotations

from dataclasses import replace

from snn2hw.arguments import MAX_FACTORS
from snn2hw.certificate.slices import supports
from snn2hw.errors import RuleError
from snn2hw.ir.optable import OPTABLE
from snn2hw.ir.program import Instruction, Op, Program, initial_value, values_of

At = dict[str, int]  # values of these states


def steps(program: Program) -> list[At]:
    """The values at each step, until they stay; one step without any where a program has no such state.

    Only a program that says what its values are, one of a built-in neuron, has such states; what a user's state that follows from
    itself alone does is anything.

    Raises:
        RuleError: they do not count the steps, 0, 1, 2, ..., up to where they stay, or they go on for more than 4096.
    """
    support = supports(program)
    own = [s for s, i in program.outputs.items() if program.roles and s in program.states and support[i.name] == s]
    at, found = {s: initial_value(program.states[s]) for s in own}, list[At]()
    while at not in found[-1:]:
        if any(value != len(found) for value in at.values()) or len(found) == MAX_FACTORS:
            got = f"{at} at step {len(found)}"
            raise RuleError("a state that follows from itself alone counts the steps, and stays", where=program.kind, got=got)
        found.append(at)
        _, known = _folded(program, at)
        at = {s: known[program.outputs[s].name] for s in own}
    return found


def at_step(program: Program, at: At) -> Program:
    """The program of one channel where these states have these values: they, and what follows from constants, as constants."""
    return replace(program, instructions=tuple(_folded(program, at)[0])) if at else program


def _folded(program: Program, at: At) -> tuple[list[Instruction], dict[str, int]]:
    lines, known = list[Instruction](), dict[str, int]()
    for i in program.instructions:
        if i.name in at:
            known[i.name] = at[i.name]
        elif i.op is Op.PARAM:
            known[i.name] = values_of(i)[0]
        elif i.op is Op.CONST or (i.args and known.keys() >= set(i.args)):
            known[i.name] = int(OPTABLE[i.op].evaluate([known[a] for a in i.args], i.attrs, i.format))
        constant = i.name in known and i.op is not Op.OUTPUT
        lines.append(replace(i, op=Op.PARAM, args=(), attrs=((known[i.name],),)) if constant else i)
    return lines, known

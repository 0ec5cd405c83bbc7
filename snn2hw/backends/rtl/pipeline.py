"""A neuron program cut into stages by registers, for a clock that is wished for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snn2hw.backends.rtl.expressions import DECLARED, Operand, delay, multiplies
from snn2hw.ir.program import Instruction, Op

REGISTER = 1.0  # nanoseconds until a value leaves a register
INITIAL = 3.5  # until a state, or the initial one in its place, has reached an operation from a memory of look-up tables
BLOCK = 7.0  # until what leaves a block of memory has reached an operation
SETUP = 1.0  # until a register has taken what arrives


@dataclass(frozen=True)
class Cut:
    """When each value of a program is computed.

    Args:
        stage: by name; a value that a later stage reads is kept in registers until then.
        latency: cycles from the states to the spikes.
    """

    stage: Mapping[str, int]
    latency: int


def cut(
    instructions: Sequence[Instruction],
    operands: Mapping[str, Operand],
    bits: Mapping[str, int],
    megahertz: float,
    in_blocks: frozenset[Op] = frozenset({Op.STATE, Op.PARAM}),
) -> Cut:
    """Stages as early as may be: an operation that would end too late begins a new one; a multiplier has one to itself.

    Args:
        instructions: of the program. operands: its values. bits: of each. megahertz: the clock.
        in_blocks: what comes out of blocks of memory; a memory of look-up tables is as fast as a register.
    """
    budget = 1000.0 / megahertz - SETUP
    stage: dict[str, int] = {}
    ready: dict[str, float] = {}
    for i in instructions:
        if i.op in DECLARED:
            fixed = i.op is Op.CONST or operands[i.name].constant is not None
            kept = BLOCK if i.op in in_blocks else INITIAL if i.op is Op.STATE else REGISTER
            stage[i.name], ready[i.name] = 0, 0.0 if fixed else kept
            continue
        a = [operands[n] for n in i.args]
        read = [n for n in i.args if operands[n].constant is None]
        at = max([stage[n] for n in read], default=0)
        begins = max([ready[n] if stage[n] == at else REGISTER for n in read], default=0.0)
        takes = delay(i, a, bits[i.name])
        alone = multiplies(i, a)
        if begins + takes > budget or (alone and begins > REGISTER):
            at, begins = at + 1, REGISTER
        stage[i.name], ready[i.name] = at, (budget if alone else begins + takes)
    return Cut(stage, max(stage.values()) + 1)

"""The one pass: firing in closed form, then local rewrites until none is left, then what is shared and what is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import Instruction, Op, Program
from snn2hw.simplification.facts import Expression, Facts, with_formats
from snn2hw.simplification.firing import closed_firing
from snn2hw.simplification.proof import proved
from snn2hw.simplification.rules import rewrites

KEPT = 512  # programs, those of several networks: a program is asked for again by every back end
PASSES = 12  # of local rewrites; each makes the program shorter or its numbers smaller
STAYS = (Op.OUTPUT, Op.STATE, Op.INPUT)


def simplified_network(net: IntegerNetwork) -> IntegerNetwork:
    """The network with every program simplified."""
    nodes = tuple(replace(n, program=simplified(n.program)) if isinstance(n, IntNeuron) else n for n in net.nodes)
    return replace(net, nodes=nodes)


@lru_cache(maxsize=KEPT)
def simplified(program: Program) -> Program:
    """A program with the same outputs for every state and input within their declared intervals.

    A value that keeps its name keeps its integers; values get lost, and new ones have names of their own. So it has no roles:
    what the values are to the neuron is said of the lowered program. Binary points are those of the values that were there
    before: they no longer follow from the operations.
    """
    made = _needed(closed_firing(program))
    taken = {*program.by_name, *made.by_name}
    for _ in range(PASSES):
        shorter = _needed(_shared(_rewritten(made, taken)))
        taken |= set(shorter.by_name)
        if shorter == made:
            break
        made = shorter
    return replace(made, roles=None)


def _rewritten(program: Program, taken: set[str]) -> Program:
    """Every value by the first rule that has something better for it, and can prove it; new ones have names that are free."""
    facts = Facts(program, taken)
    lines, same = list[Instruction](), dict[str, str]()
    for i in program.instructions:
        made = _better(i, facts)
        if isinstance(made, str):
            same[i.name] = made
        else:
            lines += with_formats(made, facts) if made else [i]
    return _read_as(replace(program, instructions=tuple(lines)), same)


def _better(i: Instruction, facts: Facts) -> Expression | str | None:
    return next((made for made in rewrites(i, facts) if proved(facts, i.name, made)), None)


def _read_as(program: Program, same: Mapping[str, str]) -> Program:
    """The program without the values that are others', which are read instead."""

    def of(name: str) -> str:
        while name in same:
            name = same[name]
        return name

    lines = (replace(i, args=tuple(map(of, i.args))) for i in program.instructions if i.name not in same)
    return replace(program, instructions=tuple(lines))


def _shared(program: Program) -> Program:
    """What is computed twice is computed once."""
    first, same = dict[object, str](), dict[str, str]()
    for i in program.instructions:
        if i.op not in STAYS:
            key = i.op, tuple(same.get(a, a) for a in i.args), i.attrs, i.format.width if i.op is Op.WRAP else 0
            same[i.name] = first.setdefault(key, i.name)
    return _read_as(program, {name: one for name, one in same.items() if name != one})


def _needed(program: Program) -> Program:
    """Without what no output is made of; states and the input stay."""
    read = set[str]()
    for i in reversed(program.instructions):
        if i.op in STAYS or i.name in read:
            read |= {i.name, *i.args}
    return replace(program, instructions=tuple(i for i in program.instructions if i.name in read))

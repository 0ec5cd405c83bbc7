"""Mutants of lowered neuron programs: one small mistake each, and a proof for those that change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from snn2hw.certificate.slices import slices, supports
from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import SPIKES, Attr, Instruction, Op, Program, one_channel, values_of
from snn2hw.num import Interval, Rounding
from snn2hw.trace import Ints

CHUNK = 1 << 18


@dataclass(frozen=True)
class Mutant:
    kind: str
    says: str
    program: Program


def mutants(program: Program) -> Iterator[Mutant]:
    """Every program with one mistake: rounding, shift, constant, clamp, comparison, sign, reset, number of rounds."""
    for n, i in enumerate(program.instructions):
        for kind, made in _changes(i):
            yield _mutant(program, n, kind, made)
    yield from _resets(program)
    yield from _rounds(program)


def _changes(i: Instruction) -> Iterator[tuple[str, Instruction]]:
    first = i.attrs[0] if i.attrs else None
    if i.op is Op.SHIFT_RIGHT:
        yield from (("rounding", _attr(i, 1, r)) for r in Rounding if r is not i.attrs[1])
    if i.op in (Op.SHIFT_RIGHT, Op.SHIFT_LEFT):
        assert isinstance(first, int)
        yield from (("shift", _attr(i, 0, first + d)) for d in (1, -1) if first + d >= 0)
    if i.op is Op.PARAM:
        values = values_of(i)
        yield from (("constant", _attr(i, 0, (values[0] + d, *values[1:]))) for d in (1, -1))
    if i.op is Op.CLAMP:
        lo, hi = i.attrs
        assert isinstance(lo, int)
        assert isinstance(hi, int)
        yield from (("clamp", replace(i, attrs=bounds)) for bounds in ((lo + 1, hi), (lo - 1, hi), (lo, hi + 1), (lo, hi - 1)))
    swapped = {Op.GE: Op.GT, Op.GT: Op.GE, Op.ADD: Op.SUB, Op.SUB: Op.ADD, Op.MIN: Op.MAX, Op.MAX: Op.MIN}
    if i.op in swapped:
        yield "sign" if i.op in (Op.ADD, Op.SUB) else "comparison", replace(i, op=swapped[i.op])
    if i.op is Op.CONST:
        assert isinstance(first, int)
        yield from (("constant", _attr(i, 0, first + d)) for d in (1, -1))
    if i.op is Op.SELECT:
        yield "select", replace(i, args=(i.args[0], i.args[2], i.args[1]))


def _attr(i: Instruction, n: int, value: Attr) -> Instruction:
    return replace(i, attrs=(*i.attrs[:n], value, *i.attrs[n + 1 :]))


def _mutant(program: Program, n: int, kind: str, made: Instruction) -> Mutant:
    old = program.instructions[n]
    lines = (*program.instructions[:n], made, *program.instructions[n + 1 :])
    return Mutant(
        kind, f"{old.name}: {old.op.value} {old.attrs} -> {made.op.value} {made.attrs}", _tidy(Program(program.kind, lines))
    )


def _tidy(program: Program) -> Program:
    """Without values that are no longer used, in formats that hold every value."""
    while True:
        used = {a for i in program.instructions for a in i.args}
        kept = tuple(i for i in program.instructions if i.name in used or i.op in (Op.OUTPUT, Op.STATE, Op.INPUT))
        if len(kept) == len(program.instructions):
            return with_narrowest_formats(program)[0]
        program = replace(program, instructions=kept)


def _outputs(program: Program, kind: str, says: str, extra: list[Instruction], **to: str) -> Mutant:
    body = [i for i in program.instructions if i.op is not Op.OUTPUT]
    outputs = [replace(i, args=(to.get(str(i.attrs[0]), i.args[0]),)) for i in program.of(Op.OUTPUT)]
    return Mutant(kind, says, _tidy(Program(program.kind, (*body, *extra, *outputs))))


def _resets(program: Program) -> Iterator[Mutant]:
    if "u" in program.outputs and program.outputs["u"].args != ("h",):
        yield _outputs(program, "reset", "the reset is dropped", [], u="h")


def _rounds(program: Program) -> Iterator[Mutant]:
    """Circulate firing with one round less and one round more, where all rounds are alike."""
    levels = len([i for i in program.instructions if i.name.startswith("up")])
    names = program.by_name
    if levels < 2 or not {"threshold", "u"} <= names.keys() or program.outputs["u"].args != (f"residual{levels}",):
        return
    before = f"payload{levels - 1}" if levels > 2 else next(iter(program.by_name[f"payload{levels}"].args))
    yield _outputs(program, "rounds", f"{levels - 1} rounds", [], u=f"residual{levels - 1}", **{SPIKES: before})
    last = [i for i in program.instructions if i.name.endswith(str(levels)) and i.op is not Op.PARAM]
    rename = {i.name: i.name[: -len(str(levels))] + str(levels + 1) for i in last}
    rename |= {f"residual{levels - 1}": f"residual{levels}", f"payload{levels - 1}": f"payload{levels}"}
    more = [replace(i, name=rename[i.name], args=tuple(rename.get(a, a) for a in i.args)) for i in last]
    payload = next(i.name for i in more if i.name.startswith("payload"))
    yield _outputs(program, "rounds", f"{levels + 1} rounds", more, u=f"residual{levels + 1}", **{SPIKES: payload})


def with_program(net: IntegerNetwork, layer: IntNeuron, program: Program) -> IntegerNetwork:
    """The network with another program in one layer."""
    made = replace(layer, program=program)
    return replace(net, nodes=tuple(made if n is layer else n for n in net.nodes))


def equivalent(program: Program, mutant: Program, ranges: dict[str, Interval], channels: int) -> bool:
    """Whether every value that leaves a part of the program that depends on one variable is the same for every integer of it.

    Parts meet in the same way in both, so then the programs are the same function of every state and input in `ranges`.
    """
    return all(_same(one_channel(program, c), one_channel(mutant, c), ranges) for c in range(channels))


def _same(program: Program, mutant: Program, ranges: dict[str, Interval]) -> bool:
    ours, theirs = supports(program), supports(mutant)
    meeting = [i for i in program.instructions if ours[i.name] == i.name]
    if [(i.name, i.op, i.args, i.attrs) for i in meeting] != [
        (i.name, i.op, i.args, i.attrs) for i in mutant.instructions if theirs[i.name] == i.name
    ]:
        return False
    for part, other in zip(slices(program), slices(mutant), strict=True):
        leaving = [i.name for i in part.instructions if _leaves(i, program, ours)]
        for start in range(ranges[part.variable.name].lo, ranges[part.variable.name].hi + 1, CHUNK):
            raw = np.arange(start, min(start + CHUNK, ranges[part.variable.name].hi + 1))
            a, b = (_run(s.variable, s.instructions, raw) for s in (part, other))
            if not all(name in b and np.array_equal(a[name] + 0 * raw, b[name] + 0 * raw) for name in leaving):
                return False
    return True


def _leaves(i: Instruction, program: Program, support: dict[str, str]) -> bool:
    if i.op is Op.OUTPUT:
        return True
    return any(i.name in j.args and support[j.name] != support[i.name] for j in program.instructions if support[i.name])


def _run(variable: Instruction, rest: tuple[Instruction, ...], raw: Ints) -> dict[str, Ints]:
    start = Instruction(variable.name, Op.STATE, (), (0, 0, 0), variable.format)
    return evaluate(Program("part", (start, *rest)), lambda i: raw if i.name == variable.name else np.int64(values_of(i)[0]))

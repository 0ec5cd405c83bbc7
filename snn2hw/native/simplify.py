"""A program that computes the same integers with fewer operations of a processor; what it means is no longer said by its text.

    shift_right x toward_zero | half_up  ->  floor                  where x >= 0 (toward_zero), or x is a multiple of 2**bits
    (x + 2**n) >> k, then - 2**(n-k)     ->  x >> k, both floor     where nothing else reads what lies between

A shift toward zero is four operations of a processor, one that floors is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.ir.ranges import Ranges, ranges
from snn2hw.num import Rounding, WrapLaw

MANY = 64  # trailing zeros of 0


def simplified_network(net: IntegerNetwork) -> IntegerNetwork:
    """The network with every program simplified."""
    nodes = tuple(replace(n, program=simplified(n.program)) if isinstance(n, IntNeuron) else n for n in net.nodes)
    return replace(net, nodes=nodes)


def simplified(program: Program) -> Program:
    """A program with the same outputs for every state and input within their declared intervals."""
    floored = _floors(program, ranges(program))
    return _needed(replace(floored, instructions=tuple(_lowered(i, floored) for i in floored.instructions)))


def _needed(program: Program) -> Program:
    """Without what no output is made of; states and the input stay."""
    read = set[str]()
    for i in reversed(program.instructions):
        if i.op in (Op.OUTPUT, Op.STATE, Op.INPUT) or i.name in read:
            read |= {i.name, *i.args}
    return replace(program, instructions=tuple(i for i in program.instructions if i.name in read))


def _floors(program: Program, known: Ranges) -> Program:
    zeros = _trailing_zeros(program)

    def changed(i: Instruction) -> Instruction:
        if i.op is not Op.SHIFT_RIGHT or i.attrs[1] is Rounding.FLOOR:
            return i
        whole = zeros[i.args[0]] >= _number(i)
        natural = i.attrs[1] is Rounding.TOWARD_ZERO and known[i.args[0]].lo >= 0
        return replace(i, attrs=(i.attrs[0], Rounding.FLOOR)) if whole or natural else i

    return replace(program, instructions=tuple(changed(i) for i in program.instructions))


def _lowered(i: Instruction, program: Program) -> Instruction:
    """sub (shift_right (add x lift) k floor) (lift >> k) as shift_right x k floor."""
    if i.op is not Op.SUB:
        return i
    shift, down = (program.by_name[a] for a in i.args)
    if shift.op is not Op.SHIFT_RIGHT or shift.attrs[1] is not Rounding.FLOOR:
        return i
    lifted = program.by_name[shift.args[0]]
    if lifted.op is not Op.ADD:
        return i
    lift, lower = _fixed(program.by_name[lifted.args[1]], program), _fixed(down, program)
    if lift is None or lower is None or lift != lower << _number(shift):
        return i
    return replace(i, op=Op.SHIFT_RIGHT, args=(lifted.args[0],), attrs=shift.attrs)


def _fixed(i: Instruction, program: Program) -> int | None:
    """The value of what is the same for every channel, state and input."""
    if i.op is Op.PARAM and len(values_of(i)) == 1:
        return values_of(i)[0]
    if i.op is Op.SHIFT_LEFT:
        value = _fixed(program.by_name[i.args[0]], program)
        return None if value is None else value << _number(i)
    return None


def _trailing_zeros(program: Program) -> Mapping[str, int]:
    """By value, a number of lowest bits that are certainly 0."""
    found: dict[str, int] = {}
    for i in program.instructions:
        rule = _ZEROS.get(i.op)
        found[i.name] = 0 if rule is None else min(rule(i, [found[a] for a in i.args]), MANY)
        if i.op is Op.SUB:
            found[i.name] = max(found[i.name], _without_its_low_word(i, program))
    return found


def _without_its_low_word(i: Instruction, program: Program) -> int:
    """x - (x wrapped to its lowest n bits) is a multiple of 2**n."""
    word = program.by_name[i.args[1]]
    is_word = word.op is Op.WRAP and word.attrs[0] is WrapLaw.TWOS_COMPLEMENT and word.args[0] == i.args[0]
    return word.format.width if is_word else 0


def _of_value(value: int) -> int:
    return (value & -value).bit_length() - 1 if value else MANY


def _number(i: Instruction) -> int:
    value = i.attrs[0]
    assert isinstance(value, int)
    return value


_ZEROS: Mapping[Op, Callable[[Instruction, Sequence[int]], int]] = {
    Op.CONST: lambda i, a: _of_value(_number(i)),
    Op.PARAM: lambda i, a: min(_of_value(v) for v in values_of(i)),
    Op.ADD: lambda i, a: min(a),
    Op.SUB: lambda i, a: min(a),
    Op.NEG: lambda i, a: a[0],
    Op.MUL: lambda i, a: sum(a),
    Op.SHIFT_LEFT: lambda i, a: a[0] + _number(i),
    Op.SELECT: lambda i, a: min(a[1:]),
}

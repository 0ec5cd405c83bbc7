"""A neuron program as a model-local ONNX function: one entry per operation of the op table.

Two facts shape the table. Signed BitShift is not to be had at opset 21, so a shift is a division of a number made
non-negative first. And ONNX Runtime's int64 Clip, Min and Max are wrong around 2**31 (onnxruntime pull request 25280),
so those are written as Where; in int32 they are right and faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import FunctionProto, defs, helper

from snn2hw.formats.onnx.graph import OPSET, GraphWriter, onnx_type
from snn2hw.ir.onnx_terms import INT32_LIMIT, state_dtype
from snn2hw.ir.program import SPIKES, Instruction, Op, Program
from snn2hw.num import Format, Rounding, WrapLaw, wrap_parameters


def arithmetic_dtype(program: Program) -> Any:
    """int32 where every value and every rounding offset keeps within it, else int64."""
    fits = all(_largest_magnitude(program, i) < INT32_LIMIT for i in program.instructions)
    return np.int32 if fits else np.int64


def _largest_magnitude(program: Program, i: Instruction) -> int:
    """Of the value, and of every constant and intermediate that its entry in the table makes."""
    own = [i.format.interval.magnitude, *(abs(a) for a in i.attrs if isinstance(a, int))]
    if i.op is Op.WRAP:
        own += [program.by_name[i.args[0]].format.interval.magnitude + (1 << (i.format.width - 1)), 1 << i.format.width]
    if i.op is Op.SHIFT_LEFT:
        own.append(1 << _number(i, 0))
    if i.op is Op.SHIFT_RIGHT:
        argument, bits = program.by_name[i.args[0]].format, _number(i, 0)
        raised = argument.interval.magnitude
        if i.attrs[1] is not Rounding.TOWARD_ZERO:
            raised += _offset(argument, bits) + (1 << bits)
        doubling = 1 if _varies(program, i.args[0]) else 2
        own += [doubling * raised, doubling << bits]
    return max(own)


def _number(i: Instruction, n: int) -> int:
    value = i.attrs[n]
    assert isinstance(value, int)
    return value


def program_function(program: Program, domain: str, given: Sequence[str] = ()) -> FunctionProto:
    """A program as a function: (x, states..., params...) -> (spikes, next states...).

    Args:
        program: lowered or simplified. domain: where the function lives.
        given: its inputs, where it takes more than it needs.
    """
    writer = GraphWriter()
    emit = _Emitter(writer, program, arithmetic_dtype(program), {})
    for i in program.instructions:
        _TABLE[i.op](emit, i)
    outputs = ["out/spikes", *(f"out/{name}" for name in program.states)]
    return helper.make_function(
        domain, function_name(program), given or function_inputs(program), outputs, writer.nodes, [helper.make_opsetid("", OPSET)]
    )


def function_name(program: Program) -> str:
    """The neuron's kind; a neuron that is called like an operator of ONNX, as a user's class may be, gets another name."""
    return f"{program.kind}Neuron" if defs.has(program.kind) else program.kind


def function_inputs(program: Program) -> list[str]:
    """Names of the function's inputs, in order."""
    return ["in", *(f"in/{s}" for s in program.states), *(f"in/{p}" for p in program.params)]


@dataclass(frozen=True)
class _Emitter:
    writer: GraphWriter
    program: Program
    dtype: Any
    flags: dict[str, str]  # flag value -> the same as a bool tensor

    def node(self, op: str, i: Instruction, *inputs: str, **attributes: Any) -> None:
        self.writer.node(op, inputs, i.name, **attributes)

    def constant(self, value: int) -> str:
        return self.writer.constant(value, self.dtype)

    def condition(self, name: str) -> str:
        if name not in self.flags:
            self.flags[name] = self.writer.node("Cast", [name], f"{name}/flag", to=onnx_type(np.bool_))
        return self.flags[name]


def _source(e: _Emitter, i: Instruction) -> None:
    entry = "in" if i.op is Op.INPUT else f"in/{i.name}"
    e.node("Cast", i, entry, to=onnx_type(e.dtype))


def _const(e: _Emitter, i: Instruction) -> None:
    e.node("Identity", i, e.constant(_number(i, 0)))


def _plain(op: str) -> Callable[[_Emitter, Instruction], None]:
    return lambda e, i: e.node(op, i, *i.args)


def _shift_left(e: _Emitter, i: Instruction) -> None:
    e.node("Mul", i, i.args[0], e.constant(1 << _number(i, 0)))


def _offset(argument: Format, bits: int) -> int:
    """A multiple of 2**bits that makes every value of the format non-negative."""
    lowest = -argument.interval.lo
    return -(-lowest >> bits) << bits if lowest > 0 else 0


def _shift_right(e: _Emitter, i: Instruction) -> None:
    """floor((x + offset) / 2**bits) - offset / 2**bits; Div truncates, so it floors what is not negative."""
    bits, rounding = _number(i, 0), i.attrs[1]
    (x,) = i.args
    offset = half = 0
    if rounding is not Rounding.TOWARD_ZERO:
        offset = _offset(e.program.by_name[x].format, bits)
        half = (1 << bits) >> 1 if rounding is Rounding.HALF_UP else 0
    constant = not _varies(e.program, x)
    if offset + half:
        x = e.writer.node("Add", [x, e.constant(offset + half)], f"{i.name}/raised")
    if constant:
        # ONNX Runtime rewrites (1 / a) * b as b / a, for integers too; with both doubled the numerator is never 1.
        x = e.writer.node("Mul", [x, e.constant(2)], f"{i.name}/doubled")
    divisor = e.constant((1 << bits) << constant)
    if offset:
        quotient = e.writer.node("Div", [x, divisor], f"{i.name}/quotient")
        e.node("Sub", i, quotient, e.constant(offset >> bits))
    else:
        e.node("Div", i, x, divisor)


def _clamp(e: _Emitter, i: Instruction) -> None:
    lo, hi = (e.constant(_number(i, n)) for n in (0, 1))
    if e.dtype is np.int32:
        e.node("Clip", i, i.args[0], lo, hi)
        return
    raised = _where(e, "Less", i.args[0], lo, f"{i.name}/raised")
    _where(e, "Greater", raised, hi, i.name)


def _where(e: _Emitter, compare: str, x: str, bound: str, output: str) -> str:
    """bound where compare(x, bound), else x."""
    beyond = e.writer.node(compare, [x, bound], f"{output}/beyond")
    return e.writer.node("Where", [beyond, bound, x], output)


def _wrap(e: _Emitter, i: Instruction) -> None:
    law = i.attrs[0]
    assert isinstance(law, WrapLaw)
    bits, offset = wrap_parameters(i.format.width, law)
    raised = e.writer.node("Add", [i.args[0], e.constant(offset)], f"{i.name}/raised")
    remainder = e.writer.node("Mod", [raised, e.constant(1 << bits)], f"{i.name}/remainder")
    e.node("Sub", i, remainder, e.constant(offset))


def _extreme(op: str, compare: str) -> Callable[[_Emitter, Instruction], None]:
    def emit(e: _Emitter, i: Instruction) -> None:
        if e.dtype is np.int32:
            e.node(op, i, *i.args)
        else:
            _where(e, compare, i.args[0], i.args[1], i.name)

    return emit


def _compare(op: str) -> Callable[[_Emitter, Instruction], None]:
    def emit(e: _Emitter, i: Instruction) -> None:
        e.flags[i.name] = e.writer.node(op, i.args, f"{i.name}/flag")
        e.node("Cast", i, f"{i.name}/flag", to=onnx_type(e.dtype))

    return emit


def _select(e: _Emitter, i: Instruction) -> None:
    e.node("Where", i, e.condition(i.args[0]), *i.args[1:])


def _output(e: _Emitter, i: Instruction) -> None:
    to = str(i.attrs[0])
    dtype = np.int32 if to == SPIKES else state_dtype(e.program.states[to].format)
    value = i.args[0]
    if not _varies(e.program, value):
        # A constant output still has the shape of the layer.
        zero = e.writer.node("Sub", [e.program.input.name, e.program.input.name], f"{i.name}/zero")
        value = e.writer.node("Add", [value, zero], f"{i.name}/spread")
    e.writer.node("Cast", [value], f"out/{to}", to=onnx_type(dtype))


def _varies(program: Program, name: str) -> bool:
    """Whether a value depends on the neuron; follows each value once, for programs share subterms."""
    seen, waiting = set[str](), [name]
    while waiting:
        i = program.by_name[waiting.pop()]
        if i.op in (Op.INPUT, Op.STATE):
            return True
        waiting += [a for a in i.args if a not in seen]
        seen.update(i.args)
    return False


_TABLE: Mapping[Op, Callable[[_Emitter, Instruction], None]] = {
    Op.CONST: _const,
    Op.PARAM: _source,
    Op.STATE: _source,
    Op.INPUT: _source,
    Op.ADD: _plain("Add"),
    Op.SUB: _plain("Sub"),
    Op.NEG: _plain("Neg"),
    Op.MUL: _plain("Mul"),
    Op.SHIFT_LEFT: _shift_left,
    Op.SHIFT_RIGHT: _shift_right,
    Op.CLAMP: _clamp,
    Op.WRAP: _wrap,
    Op.MIN: _extreme("Min", "Greater"),
    Op.MAX: _extreme("Max", "Less"),
    Op.GE: _compare("GreaterOrEqual"),
    Op.GT: _compare("Greater"),
    Op.EQ: _compare("Equal"),
    Op.SELECT: _select,
    Op.OUTPUT: _output,
}

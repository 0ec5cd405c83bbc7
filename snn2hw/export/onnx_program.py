"""A neuron program as a model-local ONNX function: one entry per operation of the op table.

Two facts shape the table. Signed BitShift is not to be had at opset 21, so a shift is a division of a number made
non-negative first. And ONNX Runtime's int64 Clip, Min and Max are wrong around 2**31 (onnxruntime pull request 25280),
so those are written as Where; in int32 they are right and faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import FunctionProto, helper

from snn2hw.export.onnx_build import OPSET, GraphWriter, onnx_type
from snn2hw.ir.program import SPIKES, Instruction, Op, Program
from snn2hw.num import Format, Rounding

INT32_BITS = 31  # magnitudes below 2**31 - one sign bit - leave room for the offset of a floor shift


def arithmetic_dtype(program: Program) -> Any:
    """int32 where every value and every rounding offset keeps within it, else int64."""
    fits = all(_largest_magnitude(program, i) < 2**INT32_BITS for i in program.instructions)
    return np.int32 if fits else np.int64


def state_dtype(state: Instruction) -> Any:
    """The type in which a state enters and leaves the graph."""
    return np.int32 if state.format.interval.magnitude < 2**INT32_BITS else np.int64


def _largest_magnitude(program: Program, i: Instruction) -> int:
    own = i.format.interval.magnitude
    if i.op is Op.WRAP:
        own = max(own, program.by_name[i.args[0]].format.interval.magnitude + (1 << (i.format.width - 1)), 1 << i.format.width)
    if i.op is Op.SHIFT_RIGHT and i.attrs[1] is not Rounding.TOWARD_ZERO:
        argument = program.by_name[i.args[0]].format
        own = max(own, argument.interval.magnitude + _offset(argument, int(str(i.attrs[0]))) + (1 << int(str(i.attrs[0]))))
    if i.op is Op.SHIFT_RIGHT:
        own = max(own, 1 << int(str(i.attrs[0])))
    return own


def program_function(program: Program, domain: str) -> FunctionProto:
    """The function `kind` in `domain`: (x, states..., params...) -> (spikes, next states...)."""
    writer = GraphWriter()
    emit = _Emitter(writer, program, arithmetic_dtype(program), {})
    for i in program.instructions:
        _TABLE[i.op](emit, i)
    outputs = ["spikes_out", *(f"{name}_out" for name in program.states)]
    return helper.make_function(
        domain, program.kind, function_inputs(program), outputs, writer.nodes, [helper.make_opsetid("", OPSET)]
    )


def function_inputs(program: Program) -> list[str]:
    """Names of the function's inputs, in order."""
    return ["x_in", *(f"{s}_in" for s in program.states), *(f"{p}_in" for p in program.params)]


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
            self.flags[name] = self.writer.node("Cast", [name], f"{name}_flag", to=onnx_type(np.bool_))
        return self.flags[name]


def _source(e: _Emitter, i: Instruction) -> None:
    entry = "x_in" if i.op is Op.INPUT else f"{i.name}_in"
    e.node("Cast", i, entry, to=onnx_type(e.dtype))


def _const(e: _Emitter, i: Instruction) -> None:
    e.node("Identity", i, e.constant(int(str(i.attrs[0]))))


def _plain(op: str) -> Callable[[_Emitter, Instruction], None]:
    return lambda e, i: e.node(op, i, *i.args)


def _shift_left(e: _Emitter, i: Instruction) -> None:
    e.node("Mul", i, i.args[0], e.constant(1 << int(str(i.attrs[0]))))


def _offset(argument: Format, bits: int) -> int:
    """A multiple of 2**bits that makes every value of the format non-negative."""
    lowest = -argument.interval.lo
    return -(-lowest >> bits) << bits if lowest > 0 else 0


def _shift_right(e: _Emitter, i: Instruction) -> None:
    """floor((x + offset) / 2**bits) - offset / 2**bits; Div truncates, so it floors what is not negative."""
    bits, rounding = int(str(i.attrs[0])), i.attrs[1]
    (x,) = i.args
    divisor = e.constant(1 << bits)
    if rounding is Rounding.TOWARD_ZERO:
        e.node("Div", i, x, divisor)
        return
    offset = _offset(e.program.by_name[x].format, bits)
    half = (1 << bits) >> 1 if rounding is Rounding.HALF_UP else 0
    if offset + half:
        x = e.writer.node("Add", [x, e.constant(offset + half)], f"{i.name}_raised")
    if offset:
        quotient = e.writer.node("Div", [x, divisor], f"{i.name}_quotient")
        e.node("Sub", i, quotient, e.constant(offset >> bits))
    else:
        e.node("Div", i, x, divisor)


def _clamp(e: _Emitter, i: Instruction) -> None:
    lo, hi = (e.constant(int(str(a))) for a in i.attrs)
    if e.dtype is np.int32:
        e.node("Clip", i, i.args[0], lo, hi)
        return
    raised = _where(e, "Less", i.args[0], lo, f"{i.name}_raised")
    _where(e, "Greater", raised, hi, i.name)


def _where(e: _Emitter, compare: str, x: str, bound: str, output: str) -> str:
    """bound where compare(x, bound), else x."""
    beyond = e.writer.node(compare, [x, bound], f"{output}_beyond")
    return e.writer.node("Where", [beyond, bound, x], output)


def _wrap(e: _Emitter, i: Instruction) -> None:
    half, modulus = e.constant(1 << (i.format.width - 1)), e.constant(1 << i.format.width)
    raised = e.writer.node("Add", [i.args[0], half], f"{i.name}_raised")
    remainder = e.writer.node("Mod", [raised, modulus], f"{i.name}_remainder")
    e.node("Sub", i, remainder, half)


def _extreme(op: str, compare: str) -> Callable[[_Emitter, Instruction], None]:
    def emit(e: _Emitter, i: Instruction) -> None:
        if e.dtype is np.int32:
            e.node(op, i, *i.args)
        else:
            _where(e, compare, i.args[0], i.args[1], i.name)

    return emit


def _compare(op: str) -> Callable[[_Emitter, Instruction], None]:
    def emit(e: _Emitter, i: Instruction) -> None:
        e.flags[i.name] = e.writer.node(op, i.args, f"{i.name}_flag")
        e.node("Cast", i, f"{i.name}_flag", to=onnx_type(e.dtype))

    return emit


def _select(e: _Emitter, i: Instruction) -> None:
    e.node("Where", i, e.condition(i.args[0]), *i.args[1:])


def _output(e: _Emitter, i: Instruction) -> None:
    to = str(i.attrs[0])
    dtype = np.int32 if to == SPIKES else state_dtype(e.program.states[to])
    value = i.args[0]
    if not _varies(e.program, value):
        # A constant output still has the shape of the layer.
        zero = e.writer.node("Sub", [e.program.input.name, e.program.input.name], f"{i.name}_zero")
        value = e.writer.node("Add", [value, zero], f"{i.name}_spread")
    e.writer.node("Cast", [value], f"{to}_out", to=onnx_type(dtype))


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

"""The operations of neuron programs on torch tensors, of int32 or int64, on whatever device they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from snn2hw.ir.program import SPIKES, Instruction, Op, Program, values_of
from snn2hw.num import Rounding, WrapLaw, wrap_parameters

if TYPE_CHECKING:
    import torch

    Tensor = torch.Tensor


def step(program: Program, x: Tensor, states: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """(spike value, states after the step) for the synaptic sum x [N, C, ...]; everything in the dtype of x.

    Args:
        program: of the layer's neuron. states: by name [N, C, ...], before the step.
    """
    values = evaluate_on_tensors(program, x, states, {})
    outputs = {to: values[i.name].expand_as(x) for to, i in program.outputs.items()}
    return outputs.pop(SPIKES), outputs


def evaluate_on_tensors(
    program: Program, x: Tensor, states: Mapping[str, Tensor], constants: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Every value of the program by name.

    Args:
        x: synaptic sums [N, C, ...] of an integer dtype that holds every value of the program.
        states: by name, shaped as x.
        constants: PARAMs by name in place of the program's own, shaped to broadcast with x.
    """
    values: dict[str, Tensor] = {}
    for i in program.instructions:
        if i.op is Op.PARAM:
            given = constants.get(i.name)
            values[i.name] = x.new_tensor(values_of(i)).reshape((-1,) + (1,) * (x.ndim - 2)) if given is None else given
        elif i.op is Op.STATE:
            values[i.name] = states[i.name]
        elif i.op is Op.INPUT:
            values[i.name] = x
        else:
            values[i.name] = OPERATIONS[i.op](i, [values[a] for a in i.args], x)
    return values


def _shift_right(i: Instruction, a: Sequence[Tensor], x: Tensor) -> Tensor:
    bits, rounding = int(str(i.attrs[0])), i.attrs[1]
    if bits == 0:
        return a[0]
    floor = a[0].bitwise_right_shift
    if rounding is Rounding.HALF_UP:  # floor, and the first bit that is lost: no sum that could leave the dtype
        return floor(bits) + floor(bits - 1).bitwise_and(1)
    if rounding is Rounding.TOWARD_ZERO:
        sign = floor(a[0].element_size() * 8 - 1)  # 0 or -1
        return (a[0] + sign.bitwise_and((1 << bits) - 1)).bitwise_right_shift(bits)
    return floor(bits)


def _wrap(i: Instruction, a: Sequence[Tensor], x: Tensor) -> Tensor:
    law = i.attrs[0]
    assert isinstance(law, WrapLaw)
    bits, offset = wrap_parameters(i.format.width, law)
    return (a[0] + offset).bitwise_and((1 << bits) - 1) - offset


def _select(i: Instruction, a: Sequence[Tensor], x: Tensor) -> Tensor:
    import torch

    return torch.where(a[0] != 0, a[1], a[2])


def _number(i: Instruction, n: int) -> int:
    return int(str(i.attrs[n]))


_SOURCES: Mapping[Op, Any] = dict.fromkeys((Op.PARAM, Op.STATE, Op.INPUT))  # taken from the environment

OPERATIONS: dict[Op, Callable[[Instruction, Sequence[Any], Any], Any]] = {
    **_SOURCES,
    Op.CONST: lambda i, a, x: x.new_tensor(_number(i, 0)),
    Op.ADD: lambda i, a, x: a[0].add(a[1]),
    Op.SUB: lambda i, a, x: a[0].sub(a[1]),
    Op.NEG: lambda i, a, x: a[0].neg(),
    Op.MUL: lambda i, a, x: a[0].mul(a[1]),
    Op.SHIFT_LEFT: lambda i, a, x: a[0].bitwise_left_shift(_number(i, 0)),
    Op.SHIFT_RIGHT: _shift_right,
    Op.CLAMP: lambda i, a, x: a[0].clamp(_number(i, 0), _number(i, 1)),
    Op.WRAP: _wrap,
    Op.MIN: lambda i, a, x: a[0].minimum(a[1]),
    Op.MAX: lambda i, a, x: a[0].maximum(a[1]),
    Op.GE: lambda i, a, x: a[0].ge(a[1]).to(x.dtype),
    Op.GT: lambda i, a, x: a[0].gt(a[1]).to(x.dtype),
    Op.EQ: lambda i, a, x: a[0].eq(a[1]).to(x.dtype),
    Op.SELECT: _select,
    Op.OUTPUT: lambda i, a, x: a[0],
}

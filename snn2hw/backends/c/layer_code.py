"""Layers that are neither synapse nor neuron, as C functions: pools, additions, the flattening, the readout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.products import product
from snn2hw.backends.c.text import fragment, table
from snn2hw.ir.integer import IntFeedback, IntNode, IntReadout
from snn2hw.layers import (
    IntAdd,
    IntConcat,
    IntFlatten,
    IntMatMul,
    IntMaxPool2d,
    IntMultiply,
    IntOffset,
    IntPlaces,
    IntResize2d,
    IntSumPool2d,
)
from snn2hw.native.templates import filled


def layer_function(
    number: int,
    node: IntNode,
    inputs: Sequence[Value],
    out: Value,
    steps: int,
    readout: str = "int64_t",
    ranged: bool = False,
) -> str:
    """`layer_<number>(a, [b,] o[, from, to])`: all steps of the value of a node from those of its inputs; of a feedback, step
    `begin`; where `ranged`, of its `UNITS` from one to before another.

    Args:
        number: names the function. node: the layer. inputs: what it reads, in order.
        out: the value that is written. steps: T of the network.
        readout: C type of the network's readout, which the readout's `o` is.
        ranged: for vectors and threads: the caller says which units, of a layer that has them, and a pool adds all channels of a
            place at once. Without vectors that costs more, for sums lie in memory then.
    """
    kind = readout if isinstance(node, IntReadout) else out.type
    body = _body(node, inputs, out, steps, kind, ranged)
    if (units := units_of(node, out)) is not None:
        body = filled(body, {"FROM": "from", "TO": "to"} if ranged else {"FROM": "0", "TO": units})
    return (
        fragment(
            "layers/function.c",
            number=number,
            inputs=", ".join(f"const {v.type} *restrict {name}" for name, v in zip(names(len(inputs)), inputs, strict=True)),
            kind=kind,
            begin=", int begin" if isinstance(node, IntFeedback) else "",
            range=", int64_t from, int64_t to" if ranged and units is not None else "",
            body=body,
        )
        + "\n"
    )


def units_of(node: IntNode, out: Value) -> int | None:
    """Into how many units, one like the other, a layer's output goes; None where it is done as a whole."""
    units = UNITS.get(type(node))
    return None if units is None else units(out)


def names(inputs: int) -> list[str]:
    """What the inputs of a layer are called: a and b; of more a0, a1, ..."""
    return ["a", "b"][:inputs] if inputs <= 2 else [f"a{k}" for k in range(inputs)]


def _body(node: IntNode, inputs: Sequence[Value], out: Value, steps: int, kind: str, vectors: bool) -> str:
    if isinstance(node, IntFeedback):
        return _feedback(inputs[0], out)
    if isinstance(node, IntReadout):
        return _readout(node, inputs[0], steps, kind)
    if vectors and isinstance(node, IntSumPool2d | IntMaxPool2d):
        return _pool_of_channels(node, inputs, out)
    return LAYERS[type(node)](node, inputs, out)


def _feedback(x: Value, out: Value) -> str:
    """One step; `a` is the whole value, of which the step before is taken."""
    return fragment("layers/feedback.c", size=x.places * x.channels, type=out.type)


def _flatten(node: IntFlatten, inputs: Sequence[Value], out: Value) -> str:
    (x,) = inputs
    size = x.places * x.channels
    return fragment("layers/flatten.c", steps=x.steps, places=x.places, channels=x.channels, size=size)


def _pool(node: IntSumPool2d | IntMaxPool2d, inputs: Sequence[Value], out: Value) -> str:
    """Rows from @FROM@ to before @TO@."""
    summed = isinstance(node, IntSumPool2d)
    start, take = ("0", "+= v") if summed else ("INT64_MIN", "= v > value ? v : value")
    return fragment("layers/pool.c", **_windows(node, inputs[0], out), start=start, take=take)


def _pool_of_channels(node: IntSumPool2d | IntMaxPool2d, inputs: Sequence[Value], out: Value) -> str:
    """The same, all channels of a place after those of another. Sums grow in the output: its type holds every part of a sum."""
    least = f"{out.type.removesuffix('_t').upper()}_MIN" if out.type.startswith("int") else "0"
    summed = isinstance(node, IntSumPool2d)
    start, taken = ("0", f"({out.type})(to[c] + v[c])") if summed else (least, "v[c] > to[c] ? v[c] : to[c]")
    return fragment("fast/pool.c", **_windows(node, inputs[0], out), input=inputs[0].type, start=start, taken=taken)


def _windows(node: IntSumPool2d | IntMaxPool2d, x: Value, out: Value) -> dict[str, object]:
    """What a pool asks of its window, its input and its output."""
    w = node.window
    return {
        **_images(x, out),
        "kernel_height": w.kernel[0],
        "kernel_width": w.kernel[1],
        "down": w.stride[0],
        "across": w.stride[1],
        "dilated_down": w.dilation[0],
        "dilated_across": w.dilation[1],
        "above": w.padding[0],
        "beside": w.padding[1],
        **_RANGE,
    }


def _images(x: Value, out: Value) -> dict[str, object]:
    """What a layer over images asks of its input and its output."""
    (h, w), (oh, ow) = x.size, out.size
    sizes = {"height": h, "width": w, "out_height": oh, "out_width": ow}
    return {**sizes, "steps": x.steps, "channels": x.channels, "type": out.type}


def _add(node: IntAdd, inputs: Sequence[Value], out: Value) -> str:
    a, b = (f"{place} * INT64_C({factor})" for place, factor in zip(_each(inputs, out), node.factors, strict=True))
    return _everywhere(f"{a} + {b}", out)


def _each(inputs: Sequence[Value], out: Value) -> list[str]:
    """Every input at place i of step t, of values of the shape of the output."""
    size = out.places * out.channels
    at = [f"t * INT64_C({size}) + i" if v.steps > 1 else "i" for v in inputs]
    return [f"{name}[{place}]" for name, place in zip(names(len(inputs)), at, strict=True)]


def _everywhere(expression: str, out: Value) -> str:
    """The expression for every place i, from @FROM@ to before @TO@, and step t."""
    size = out.places * out.channels
    return fragment("layers/everywhere.c", steps=out.steps, size=size, type=out.type, expression=expression, **_RANGE)


def _multiply(node: IntMultiply, inputs: Sequence[Value], out: Value) -> str:
    a, b = _each(inputs, out)
    return _everywhere(f"(int64_t){a} * {b}", out)


def _places(node: IntPlaces, inputs: Sequence[Value], out: Value) -> str:
    return _everywhere(_each(inputs, out)[0], out)


def _offset(node: IntOffset, inputs: Sequence[Value], out: Value) -> str:
    by_place = node.offset.ndim > 1
    constants = np.moveaxis(node.offset, 0, -1).ravel() if by_place else node.offset  # channels lie together
    text = table("    static const int32_t offset", [str(v) for v in constants.tolist()])
    at = "i" if by_place else f"i % {out.channels}"
    return text + _everywhere(f"{_each(inputs, out)[0]} * INT64_C({node.factor}) + offset[{at}]", out)


def _concat(node: IntConcat, inputs: Sequence[Value], out: Value) -> str:
    """Channel after channel at every place."""
    parts, first = list[str](), 0
    for name, v, shift in zip(names(len(inputs)), inputs, node.shifts, strict=True):
        parts.append(
            fragment(
                "layers/concat_part.c",
                input=name,
                channels=v.channels,
                place=f"(t * INT64_C({v.places}) + p)" if v.steps > 1 else "p",
                factor=1 << shift,
                places=out.places,
                out_channels=out.channels,
                first=first,
                type=out.type,
            )
        )
        first += v.channels
    return fragment("layers/concat.c", steps=out.steps, places=out.places, parts="\n".join(parts))


def _resize(node: IntResize2d, inputs: Sequence[Value], out: Value) -> str:
    (x,), (fy, fx), (h, w) = inputs, node.factor, inputs[0].size
    between = f"y % {fy} || x % {fx} || y / {fy} >= {h} || x / {fx} >= {w} ? 0 : " if node.zeros else ""
    return fragment("layers/resize.c", **_images(x, out), down=fy, across=fx, between=between)


def _readout(node: IntReadout, x: Value, steps: int, kind: str) -> str:
    values = x.places * x.channels  # there is one place, or one for each of several samples
    if node.kind == "last":
        last = f"{(x.steps - 1) * values} + " if x.steps > 1 else ""
        return fragment("layers/readout_last.c", channels=values, kind=kind, last=last)
    times = f" * {steps}" if x.steps == 1 else ""
    return fragment("layers/readout_sum.c", channels=values, steps=x.steps, kind=kind, times=times)


_RANGE = {"from": "@FROM@", "to": "@TO@"}  # filled in once it is known where a range comes from
UNITS: dict[type, Callable[[Value], int]] = {
    **dict.fromkeys((IntAdd, IntMultiply, IntOffset, IntPlaces), lambda out: out.places * out.channels),
    **dict.fromkeys((IntSumPool2d, IntMaxPool2d), lambda out: out.size[0]),
}
LAYERS: dict[type, Callable[[Any, Sequence[Value], Value], str]] = {
    IntFlatten: _flatten,
    IntSumPool2d: _pool,
    IntMaxPool2d: _pool,
    IntAdd: _add,
    IntConcat: _concat,
    IntMatMul: product,
    IntMultiply: _multiply,
    IntOffset: _offset,
    IntPlaces: _places,
    IntResize2d: _resize,
}

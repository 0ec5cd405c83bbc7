"""Layers that are neither synapse nor neuron, as C functions: pools, additions, the flattening, the readout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.products import product
from snn2hw.backends.c.text import table
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


def layer_function(number: int, node: IntNode, inputs: Sequence[Value], out: Value, steps: int, readout: str = "int64_t") -> str:
    """`layer_<number>(a, [b,] o)`: all steps of the value of a node from those of its inputs; of a feedback, step `begin`.

    Args:
        out: the value that is written. steps: T of the network.
        readout: C type of the network's readout, which the readout's `o` is.
    """
    kind = readout if isinstance(node, IntReadout) else out.type
    begin = ", int begin" if isinstance(node, IntFeedback) else ""
    taken = ", ".join(f"const {v.type} *restrict {name}" for name, v in zip(names(len(inputs)), inputs, strict=True))
    return f"""
static void layer_{number}({taken}, {kind} *restrict o{begin})
{{
{_body(node, inputs, out, steps, kind)}
}}
"""


def names(inputs: int) -> list[str]:
    """What the inputs of a layer are called: a and b; of more a0, a1, ..."""
    return ["a", "b"][:inputs] if inputs <= 2 else [f"a{k}" for k in range(inputs)]


def _body(node: IntNode, inputs: Sequence[Value], out: Value, steps: int, kind: str) -> str:
    if isinstance(node, IntFeedback):
        return _feedback(inputs[0], out)
    if isinstance(node, IntReadout):
        return _readout(node, inputs[0], steps, kind)
    return LAYERS[type(node)](node, inputs, out)


def _feedback(x: Value, out: Value) -> str:
    """One step; `a` is the whole value, of which the step before is taken."""
    size = x.places * x.channels
    return f"""    for (int64_t i = 0; i < {size}; ++i) o[i] = begin ? ({out.type})a[(begin - 1) * INT64_C({size}) + i] : 0;"""


def _flatten(node: IntFlatten, inputs: Sequence[Value], out: Value) -> str:
    (x,) = inputs
    places, channels = x.places, x.channels
    return f"""    for (int t = 0; t < {x.steps}; ++t)
        for (int p = 0; p < {places}; ++p)
            for (int c = 0; c < {channels}; ++c)
                o[t * INT64_C({places * channels}) + c * {places} + p] = a[(t * INT64_C({places}) + p) * {channels} + c];"""


def _pool(node: IntSumPool2d | IntMaxPool2d, inputs: Sequence[Value], out: Value) -> str:
    (x,) = inputs
    (h, w), c, (oh, ow) = x.size, x.channels, out.size
    (kh, kw), (sy, sx), (py, px), (dy, dx) = node.window.kernel, node.window.stride, node.window.padding, node.window.dilation
    summed = isinstance(node, IntSumPool2d)
    return f"""    for (int t = 0; t < {x.steps}; ++t)
        for (int y = 0; y < {oh}; ++y)
            for (int x = 0; x < {ow}; ++x)
                for (int c = 0; c < {c}; ++c) {{
                    int64_t value = {"0" if summed else "INT64_MIN"};
                    for (int i = 0; i < {kh}; ++i)
                        for (int j = 0; j < {kw}; ++j) {{
                            const int yy = y * {sy} + i * {dy} - {py}, xx = x * {sx} + j * {dx} - {px};
                            if (yy < 0 || yy >= {h} || xx < 0 || xx >= {w}) continue;
                            const int64_t v = a[((t * {h} + yy) * INT64_C({w}) + xx) * {c} + c];
                            value {"+= v" if summed else "= v > value ? v : value"};
                        }}
                    o[((t * {oh} + y) * INT64_C({ow}) + x) * {c} + c] = ({out.type})value;
                }}"""


def _add(node: IntAdd, inputs: Sequence[Value], out: Value) -> str:
    a, b = (f"{place} * INT64_C({factor})" for place, factor in zip(_each(inputs, out), node.factors, strict=True))
    return _everywhere(f"{a} + {b}", out)


def _each(inputs: Sequence[Value], out: Value) -> list[str]:
    """Every input at place i of step t, of values of the shape of the output."""
    size = out.places * out.channels
    at = [f"t * INT64_C({size}) + i" if v.steps > 1 else "i" for v in inputs]
    return [f"{name}[{place}]" for name, place in zip(names(len(inputs)), at, strict=True)]


def _everywhere(expression: str, out: Value) -> str:
    """The expression for every place i and step t."""
    size = out.places * out.channels
    return f"""    for (int t = 0; t < {out.steps}; ++t)
        for (int64_t i = 0; i < {size}; ++i)
            o[t * INT64_C({size}) + i] = ({out.type})({expression});"""


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
    lines, first = list[str](), 0
    for name, v, shift in zip(names(len(inputs)), inputs, node.shifts, strict=True):
        step = f"(t * INT64_C({v.places}) + p)" if v.steps > 1 else "p"
        lines.append(f"""            for (int c = 0; c < {v.channels}; ++c)
                o[(t * INT64_C({out.places}) + p) * {out.channels} + {first} + c] =
                    ({out.type})({name}[{step} * {v.channels} + c] * INT64_C({1 << shift}));""")
        first += v.channels
    body = "\n".join(lines)
    return f"""    for (int t = 0; t < {out.steps}; ++t)
        for (int p = 0; p < {out.places}; ++p) {{
{body}
        }}"""


def _resize(node: IntResize2d, inputs: Sequence[Value], out: Value) -> str:
    (x,), (fy, fx), (oh, ow), c = inputs, node.factor, out.size, out.channels
    h, w = x.size
    value = f"a[((t * {h} + y / {fy}) * INT64_C({w}) + x / {fx}) * {c} + c]"
    if node.zeros:
        value = f"y % {fy} || x % {fx} || y / {fy} >= {h} || x / {fx} >= {w} ? 0 : {value}"
    return f"""    for (int t = 0; t < {x.steps}; ++t)
        for (int y = 0; y < {oh}; ++y)
            for (int x = 0; x < {ow}; ++x)
                for (int c = 0; c < {c}; ++c)
                    o[((t * {oh} + y) * INT64_C({ow}) + x) * {c} + c] = ({out.type})({value});"""


def _readout(node: IntReadout, x: Value, steps: int, kind: str) -> str:
    if node.kind == "last":
        at = f"{(x.steps - 1) * x.channels} + c" if x.steps > 1 else "c"
        return f"    for (int c = 0; c < {x.channels}; ++c) o[c] = ({kind})a[{at}];"
    return f"""    for (int c = 0; c < {x.channels}; ++c) {{
        int64_t sum = 0;
        for (int t = 0; t < {x.steps}; ++t) sum += a[t * {x.channels} + c];
        o[c] = ({kind})(sum{f" * {steps}" if x.steps == 1 else ""});
    }}"""


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

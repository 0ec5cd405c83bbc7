"""Layers that are neither synapse nor neuron, as C functions: pools, additions, the flattening, the readout."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.products import product
from snn2hw.ir.integer import IntFeedback, IntNode, IntReadout
from snn2hw.layers import IntAdd, IntFlatten, IntMatMul, IntMaxPool2d, IntSumPool2d


def layer_function(number: int, node: IntNode, inputs: Sequence[Value], out: Value, steps: int, readout: str = "int64_t") -> str:
    """`layer_<number>(a, [b,] o)`: all steps of the value of a node from those of its inputs; of a feedback, step `begin`.

    Args:
        readout: C type of the network's readout, which the readout's `o` is.
    """
    kind = readout if isinstance(node, IntReadout) else out.type
    begin = ", int begin" if isinstance(node, IntFeedback) else ""
    taken = ", ".join(f"const {v.type} *restrict {name}" for name, v in zip("ab", inputs, strict=False))
    return f"""
static void layer_{number}({taken}, {kind} *restrict o{begin})
{{
{_body(node, inputs, out, steps, kind)}
}}
"""


def _body(node: IntNode, inputs: Sequence[Value], out: Value, steps: int, kind: str) -> str:
    if isinstance(node, IntFeedback):
        return _feedback(inputs[0], out)
    if isinstance(node, IntFlatten):
        return _flatten(inputs[0])
    if isinstance(node, IntSumPool2d | IntMaxPool2d):
        return _pool(node, inputs[0], out)
    if isinstance(node, IntAdd):
        return _add(node, inputs, out)
    if isinstance(node, IntMatMul):
        return product(node, inputs, out)
    assert isinstance(node, IntReadout)
    return _readout(inputs[0], steps, kind)


def _feedback(x: Value, out: Value) -> str:
    """One step; `a` is the whole value, of which the step before is taken."""
    size = x.places * x.channels
    return f"""    for (int64_t i = 0; i < {size}; ++i) o[i] = begin ? ({out.type})a[(begin - 1) * INT64_C({size}) + i] : 0;"""


def _flatten(x: Value) -> str:
    places, channels = x.places, x.channels
    return f"""    for (int t = 0; t < {x.steps}; ++t)
        for (int p = 0; p < {places}; ++p)
            for (int c = 0; c < {channels}; ++c)
                o[t * INT64_C({places * channels}) + c * {places} + p] = a[(t * INT64_C({places}) + p) * {channels} + c];"""


def _pool(node: IntSumPool2d | IntMaxPool2d, x: Value, out: Value) -> str:
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
    size = out.places * out.channels
    at = [f"t * INT64_C({size}) + i" if v.steps > 1 else "i" for v in inputs]
    a, b = (f"{name}[{place}] * INT64_C({1 << s})" for name, place, s in zip("ab", at, node.shifts, strict=True))
    return f"""    for (int t = 0; t < {out.steps}; ++t)
        for (int64_t i = 0; i < {size}; ++i)
            o[t * INT64_C({size}) + i] = ({out.type})({a} + {b});"""


def _readout(x: Value, steps: int, kind: str) -> str:
    return f"""    for (int c = 0; c < {x.channels}; ++c) {{
        int64_t sum = 0;
        for (int t = 0; t < {x.steps}; ++t) sum += a[t * {x.channels} + c];
        o[c] = ({kind})(sum{f" * {steps}" if x.steps == 1 else ""});
    }}"""

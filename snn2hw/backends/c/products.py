"""The product of what two layers fired, as plain loops over channels, which lie together: [steps][places][heads * rows]."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.backends.c.plan import Value
from snn2hw.layers import IntMatMul


def product(node: IntMatMul, inputs: Sequence[Value], out: Value) -> str:
    """The body of a layer's function. Sums are int32, as the interval of the node proves every partial one to be.

    Args:
        node: says the heads and which side is transposed. inputs: the two values. out: the one that is written.
    """
    a, b = inputs
    pointers = "\n".join(f"        const {v.type} *{name}t = {_step(name, v)};" for name, v in zip("ab", inputs, strict=True))
    inner = _dots(node, a, b, out) if node.transposed == "first" else _columns(node, a, b, out)
    return f"""    for (int t = 0; t < {out.steps}; ++t) {{
{pointers}
        {out.type} *ot = o + t * INT64_C({out.places * out.channels});
{inner}
    }}"""


def _step(name: str, value: Value) -> str:
    return f"{name} + t * INT64_C({value.places * value.channels})" if value.steps > 1 else name


def _dots(node: IntMatMul, a: Value, b: Value, out: Value) -> str:
    """y[m, n] = sum_i a[i, m] * b[i, n]: both are read along their channels."""
    terms = a.channels // node.heads
    return f"""        for (int n = 0; n < {b.places}; ++n)
            for (int h = 0; h < {node.heads}; ++h)
                for (int m = 0; m < {a.places}; ++m) {{
                    const {a.type} *x = at + m * INT64_C({a.channels}) + h * {terms};
                    const {b.type} *y = bt + n * INT64_C({b.channels}) + h * {terms};
                    int32_t sum = 0;
                    for (int i = 0; i < {terms}; ++i) sum += x[i] * y[i];
                    ot[n * INT64_C({out.channels}) + h * {a.places} + m] = ({out.type})sum;
                }}"""


def _columns(node: IntMatMul, a: Value, b: Value, out: Value) -> str:
    """y[i, n] = sum_m a[i, m] * b[m, n], or b[n, m]: a column of `a` is added for each b that is not 0."""
    rows, others = a.channels // node.heads, b.channels // node.heads
    plain = node.transposed == "none"
    taken = f"n * INT64_C({b.channels}) + h * {others} + m" if plain else f"m * INT64_C({b.channels}) + h * {others} + n"
    return f"""        for (int n = 0; n < {out.places}; ++n)
            for (int h = 0; h < {node.heads}; ++h) {{
                int32_t sums[{rows}] = {{0}};
                for (int m = 0; m < {a.places}; ++m) {{
                    const int32_t v = bt[{taken}];
                    const {a.type} *x = at + m * INT64_C({a.channels}) + h * {rows};
                    if (!v) continue;
                    for (int i = 0; i < {rows}; ++i) sums[i] += v * x[i];
                }}
                for (int i = 0; i < {rows}; ++i) ot[n * INT64_C({out.channels}) + h * {rows} + i] = ({out.type})sums[i];
            }}"""

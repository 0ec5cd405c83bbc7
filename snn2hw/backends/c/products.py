"""The product of what two layers fired, as plain loops over channels, which lie together: [steps][places][heads * rows]."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.text import fragment
from snn2hw.layers import IntMatMul


def product(node: IntMatMul, inputs: Sequence[Value], out: Value) -> str:
    """The body of a layer's function. Sums are int32, as the interval of the node proves every partial one to be.

    Args:
        node: says the heads and which side is transposed. inputs: the two values. out: the one that is written.
    """
    a, b = inputs
    return fragment(
        "layers/product.c",
        steps=out.steps,
        first_type=a.type,
        first_step=_step("a", a),
        second_type=b.type,
        second_step=_step("b", b),
        type=out.type,
        size=out.places * out.channels,
        product=_dots(node, a, b, out) if node.transposed == "first" else _columns(node, a, b, out),
    )


def _step(name: str, value: Value) -> str:
    return f"{name} + t * INT64_C({value.places * value.channels})" if value.steps > 1 else name


def _dots(node: IntMatMul, a: Value, b: Value, out: Value) -> str:
    """y[m, n] = sum_i a[i, m] * b[i, n]: both are read along their channels."""
    return fragment(
        "layers/product_dots.c",
        heads=node.heads,
        terms=a.channels // node.heads,
        first_places=a.places,
        first_channels=a.channels,
        first_type=a.type,
        second_places=b.places,
        second_channels=b.channels,
        second_type=b.type,
        channels=out.channels,
        type=out.type,
    )


def _columns(node: IntMatMul, a: Value, b: Value, out: Value) -> str:
    """y[i, n] = sum_m a[i, m] * b[m, n], or b[n, m]: a column of `a` is added for each b that is not 0."""
    rows, others = a.channels // node.heads, b.channels // node.heads
    plain = node.transposed == "none"
    taken = f"n * INT64_C({b.channels}) + h * {others} + m" if plain else f"m * INT64_C({b.channels}) + h * {others} + n"
    return fragment(
        "layers/product_columns.c",
        heads=node.heads,
        rows=rows,
        taken=taken,
        first_places=a.places,
        first_channels=a.channels,
        first_type=a.type,
        places=out.places,
        channels=out.channels,
        type=out.type,
    )

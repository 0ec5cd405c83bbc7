"""What makes a random network attend: queries, keys and values of the same map, multiplied in either order."""

from __future__ import annotations

from typing import Any

import numpy as np

from snn2hw.ir.shapes import Window
from snn2hw.layers import Add, AvgPool2d, MatMul, MaxPool2d


def attention(rng: np.random.Generator, g: Any) -> None:
    """Grow `g`, whose last value is a map, by attention and a neuron behind it; sometimes with neurons on the scores."""
    start, heads = g.last, int(rng.integers(1, 4))
    inner, outer = heads * int(rng.integers(1, 4)), heads * int(rng.integers(1, 4))
    reduced = bool(rng.random() < 0.3)  # fewer places for keys and values than for queries
    q = _branch(rng, g, "query", start, inner, False)
    k = q if not reduced and rng.random() < 0.15 else _branch(rng, g, "key", start, inner, reduced)
    v = _branch(rng, g, "value", start, outer, reduced)
    places = g.shapes[q][1:]
    if rng.random() < 0.5:
        scores = _product(rng, g, "scores", k, q, heads, "first", places)
        scores = g.neuron("scores_neuron") if rng.random() < 0.4 else scores
        made = _product(rng, g, "mixed", v, scores, heads, "none", places)
    else:
        wide = inner // heads
        size = (wide, 1) if rng.random() < 0.5 else (1, wide)
        kept = _product(rng, g, "kept", v, k, heads, "second", size)
        made = _product(rng, g, "mixed", kept, q, heads, "none", places)
    if rng.random() < 0.3:
        side = g.conv("side", Window((1, 1)), g.shape[0], inputs=[g.neuron("before_side", [made])])
        g.neuron("attended", [side])
    else:
        g.neuron("attended", [made])


def _branch(rng: np.random.Generator, g: Any, name: str, start: str, channels: int, reduced: bool) -> str:
    window = Window((2, 2), (2, 2), (1, 1)) if reduced else [Window((1, 1)), Window((3, 3), padding=(1, 1))][rng.integers(2)]
    made: str = g.neuron(f"{name}_neuron", [g.conv(name, window, channels, inputs=[start])])
    drawn = rng.random()
    if drawn < 0.1:
        made = g.add(Add, f"{name}_twice", [made, made])
    elif drawn < 0.25:
        kind = AvgPool2d if rng.random() < 0.5 else MaxPool2d
        made = g.add(kind, f"{name}_pool", [made], window=Window((3, 3), padding=(1, 1)))
    return made


def _product(
    rng: np.random.Generator, g: Any, name: str, a: str, b: str, heads: int, transposed: str, size: tuple[int, int]
) -> str:
    """Its factor brings the product to a size at which neurons fire, mostly by a power of two."""
    fields = {"heads": heads, "transposed": transposed, "size": size}
    before, last = (g.values.copy(), g.shapes.copy(), g.nodes.copy()), g.last
    spread = float(np.abs(g.values[g.add(MatMul, name, [a, b], **fields, factor=1.0)]).mean())
    (g.values, g.shapes, g.nodes), g.last = before, last
    wanted = float(rng.uniform(0.7, 2.0)) / max(spread, 1e-3)
    factor = 2.0 ** round(np.log2(wanted)) if rng.random() < 0.7 else wanted
    made: str = g.add(MatMul, name, [a, b], **fields, factor=factor)
    return made

"""`x @ y` of two views as a product of spike values, in every way in which the one primitive there is can be it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

from snn2hw.errors import ShapeError, UnsupportedError
from snn2hw.formats.torch.views import Placed, Product, View, counted

Settle = Callable[[Placed, float], str]  # the name of the node that it becomes, or is


def multiplied(x: View, y: View, path: str, settle: Settle) -> View:
    """P_h = X_h Y_h for every head h, the last two axes being those of the matrices.

    With X_h = M or M^T, M the channels of a head by its places, and Y_h likewise, P has the rows or the columns for channels:

        rows: MatMul(x, y), first where X_h = M^T, second where Y_h = M^T      columns: MatMul(y, x), likewise of Y^T X^T

    but there is none with both sides transposed. Where both can be, the one that reads it decides.

    Args:
        path: of the operation in the model, for messages. settle: gives the name of the node that a side is, and
            makes it where there is none yet.

    Raises:
        ShapeError: axes that do not fit. UnsupportedError: axes that are no channels or no places.
    """
    a, b = x.ways[0].seen, y.ways[0].seen
    heads = a[:-2]
    if x.lead != y.lead or min(len(a), len(b)) < 2 or heads != b[:-2] or a[-1] != b[-2]:
        raise ShapeError(
            "the two sides of a product do not fit",
            where=path,
            got=f"{x} @ {y}",
            expected="[T, N, heads, I, K] @ [T, N, heads, K, J], the heads as one axis or none",
            do="transpose the keys, and split queries, keys and values into the same heads",
        )
    found = [
        (p, q, turned, other) for p, q in product(x.ways, y.ways) for turned in _turned(p, heads) for other in _turned(q, heads)
    ]
    if not found:
        raise UnsupportedError(
            "a product must sum over the channels of a head or over all places",
            where=path,
            got=f"{x} @ {y}",
            expected="matrices whose axes are the channels of a head, and all places, of values [T, N, heads * channels, H, W]",
            do="make the heads the slow part of the channels: reshape C to (heads, C // heads), flatten H and W",
        )
    left, right, turned, other = min(found, key=lambda f: f[2] != f[3])
    # A product that becomes a node takes its own factor; the rest of it is the new product's.
    inputs = settle(left, 1.0), settle(right, 1.0)
    count, rows, columns = prod(heads), a[-2], b[-1]
    ways = list[Placed]()
    if not (not other and not turned):
        draft = Product(path, inputs[::-1], count, _flag(not other, not turned), count * columns, _size(left, turned, rows))
        order = counted(count, columns, rows).swapaxes(1, 2).reshape(*heads, rows, columns)
        ways.append(Placed(draft, (draft.channels, *draft.size), order))
    if not (turned and other):
        draft = Product(path, inputs, count, _flag(turned, other), count * rows, _size(right, not other, columns))
        ways.append(Placed(draft, (draft.channels, *draft.size), counted(*heads, rows, columns)))
    return View(x.lead, tuple(ways), x.factor * y.factor)


def _turned(way: Placed, heads: tuple[int, ...]) -> list[bool]:
    """Whether the matrices are [places, channels] (True) or [channels, places] of each head; nothing where they are neither."""
    count = prod(heads)
    if len(way.shape) != 3 or way.channels % count:
        return []
    plain = counted(count, way.channels // count, way.places)
    given = way.numbers.reshape(count, *way.seen[-2:])
    return [t for t, own in ((False, plain), (True, plain.swapaxes(1, 2))) if own.shape == given.shape and (own == given).all()]


def _flag(first: bool, second: bool) -> str:
    return "first" if first else "second" if second else "none"


def _size(way: Placed, places: bool, count: int) -> tuple[int, int]:
    """How what lies along the places of the product does: as the places of that side, or as its channels, in a row."""
    return (way.shape[1], way.shape[2]) if places else (count, 1)

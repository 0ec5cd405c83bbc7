"""The C that adds rows of words: from word to word, with the sums in registers, or in vectors of words where there are some.

Compilers seldom find these vectors by themselves, and which form of a loop lets them differs from one to the next. So the
vectors of gcc and clang are written out, behind a switch: every other compiler, and every processor without vectors, has
the plain form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snn2hw.backends.c.text import fragment
from snn2hw.backends.c.words import HALF, LANES, Words


def rows_function(laid: Words, number: int, weights: int) -> str:
    """C of `rows_<number>(sum, listed, n)`, which adds n of the rows of `weight_<weights>` to the sums of a place.

    Args:
        laid: how the rows lie in words. number: of the function. weights: of the array.
    """
    row = {"weights": weights, "words": laid.columns, "each": laid.each}
    vectors = _in_vectors(laid, row) if laid.lanes > 1 else ""
    return fragment(
        "folder/rows.c",
        number=number,
        zero=laid.zero,
        vectors=vectors,
        end="#endif" if vectors else "",
        block=laid.block,
        start=_start(laid, laid.block, "0"),
        add=_add(laid, laid.block),
        take=_take(laid, [[str(w * laid.each + o) for o in range(laid.each)] for w in range(laid.block)], "", " " * 8),
        **row,
    )


def _in_vectors(laid: Words, row: Mapping[str, int]) -> str:
    """The same in vectors: of `SNN_LANES` words where eight divide the row, else of four or two."""
    lanes = "SNN_LANES" if laid.lanes == max(LANES) else str(laid.lanes)
    firsts = [f"{laid.each * v} * {lanes}" if v else "" for v in range(laid.vectors)]  # output of each vector
    outputs = [[" + ".join(filter(None, [first, str(o) * (o > 0)])) or "0" for o in range(laid.each)] for first in firsts]
    return fragment(
        "folder/rows_lanes.c",
        lanes=lanes,
        step=f"{laid.vectors} * {lanes}" if laid.vectors > 1 else lanes,
        start=_start(laid, laid.vectors, "{0}"),
        add=_add(laid, laid.vectors),
        take=_take(laid, outputs, "[l]", " " * 12),
        **row,
    )


def _start(laid: Words, words: int, zero: str) -> str:
    return ", ".join(f"pair{n} = {zero}" for n in range(words * laid.pairs))


def _add(laid: Words, words: int) -> str:
    """Statements that add every second field of words to a pair of sums, and the fields between them to others."""
    mask = f"UINT32_C(0x{((1 << laid.bits) - 1) * ((1 << HALF) + 1):08X})"
    fields = [f"(word[{w}] >> {p * laid.bits})" if p else f"word[{w}]" for w in range(words) for p in range(laid.pairs)]
    return "\n".join(f"            pair{n} += {field} & {mask};" for n, field in enumerate(fields))


def _take(laid: Words, outputs: Sequence[Sequence[str]], lane: str, indent: str) -> str:
    """Statements that add both sums of every pair to the sums of a place, less what each row added too much.

    Args:
        outputs: of every word, the places of its outputs behind `to`, in C. lane: index of a vector's word, or nothing.
        indent: of every line.
    """
    lines = list[str]()
    for w, places in enumerate(outputs):
        for o, place in enumerate(places):
            upper, p = divmod(o, laid.pairs)
            pair = f"pair{w * laid.pairs + p}{lane}"
            lines.append(f"{indent}to[{place}] += (int32_t)({f'{pair} >> {HALF}' if upper else f'{pair} & 0xFFFF'}) - zero;")
    return "\n".join(lines)

"""Weights of few bits in the flash of the C folder: two of 4 bits, or four of 2, to a byte.

A field holds weight + 2^(bits - 1), which is never negative: one mask or shift takes it out, and no sign is extended. The
first output lies in the lowest bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FIELDS = (2, 4)  # bits; what needs more has a byte of its own


def field_bits(weight: npt.NDArray[np.integer]) -> int:
    """Bits of the narrowest field that holds every weight of a layer: 2, 4 or 8."""
    least, most = int(weight.min(initial=0)), int(weight.max(initial=0))
    return next((b for b in FIELDS if -(1 << (b - 1)) <= least and most < 1 << (b - 1)), 8)


def packed(rows: npt.NDArray[np.integer], bits: int) -> npt.NDArray[np.uint8]:
    """Rows [R, outputs] of weights as bytes [R, ceil(outputs * bits / 8)], uint8; what is left of a last byte is 0."""
    each = 8 // bits
    fields = (rows.astype(np.int64) + (1 << (bits - 1))).astype(np.uint8)
    fields = np.pad(fields, ((0, 0), (0, -fields.shape[1] % each)))
    places = fields.reshape(len(fields), -1, each) << (np.arange(each, dtype=np.uint8) * bits)
    made: npt.NDArray[np.uint8] = np.bitwise_or.reduce(places, axis=2).astype(np.uint8)
    return made


def add_row(row: str, outputs: int, bits: int, indent: str) -> str:
    """C that adds v times a row of weights to `sum`.

    Args:
        row: C expression of the row. outputs: how many. bits: of a field. indent: of every line.
    """
    if bits == 8:
        return f"{indent}for (int o = 0; o < {outputs}; ++o) sum[o] += v * {row}[o];"
    each = 8 // bits
    whole, rest = divmod(outputs, each)
    lines = list[str]()
    if whole:
        lines += [f"for (int o = 0; o < {whole}; ++o) {{", f"    const int fields = {row}[o];"]
        outputs_of_a_byte = [f"{each} * o" + f" + {n}" * (n > 0) for n in range(each)]
        lines += ["    " + _add("fields", output, n, bits) for n, output in enumerate(outputs_of_a_byte)]
        lines += ["}"]
    lines += [_add(f"{row}[{whole}]", str(whole * each + n), n, bits) for n in range(rest)]
    return "\n".join(indent + line for line in lines)


def _add(byte: str, output: str, field: int, bits: int) -> str:
    taken = f"{byte} >> {field * bits}" if field else byte
    if (field + 1) * bits < 8:  # others lie above it
        taken = f"({taken}) & {(1 << bits) - 1}" if field else f"{taken} & {(1 << bits) - 1}"
    return f"sum[{output}] += v * (({taken}) - {1 << (bits - 1)});"

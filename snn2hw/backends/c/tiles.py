"""Dense sums in C with a matrix unit (AMX, x86 servers from 2023 on): `tiles_<number>`, the integers of `dense_<number>`.

One instruction adds the products of 16 rows of 64 spike values with the weights of 16 channels: 16,384 of them. The weights
lie as they do for vectors. The C is in `templates/fast`: sums in `tiles.h`, the loops over places and channels of one layer in
`tiles_layer.c`; the layout of its input is that of `tile_plan`.
"""

from __future__ import annotations

from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.c.team import ELEMENT, UPDATE, parts
from snn2hw.backends.c.text import template
from snn2hw.backends.c.tile_plan import ROWS, Tiling, depth
from snn2hw.native.templates import filled

QUICKER = 8  # times, about, than a dense sum in vectors: it only says into how many parts a layer goes


def in_tiles(number: int, s: Synapse, tiling: Tiling, parameters: str, handed: str, phase: int) -> str:
    """`tiles_<number>`: the sums acc[t * block + c] of every place, channels from `first`, for the statement `handed` to use.

    Args:
        s: how the layer is summed. tiling: its tiles. parameters: the C parameters that every function of the layer has.
        handed: the statement. phase: the number of the first of its two phases.
    """
    (h, w), (ph, pw) = s.source.size, s.window.padding
    t = tiling
    row, cell_groups = t.below * t.inner, -(-t.across * t.down // t.together)
    units = s.groups * s.blocks * cell_groups
    sums = s.products // QUICKER + t.steps * s.value.places * s.value.channels * UPDATE
    return "\n" + filled(
        template("fast/tiles_layer.c"),
        {
            "NUMBER": number,
            "PARAMETERS": parameters,
            "TAPS": s.taps,
            "OFFSETS": ", ".join(map(str, t.offsets)),
            "ROWS": t.rows,
            "DEPTH": depth(s.entering),
            "ZERO": s.zero,
            "LAYING": phase,
            "LAYING_PARTS": parts(t.height, t.bytes * ELEMENT),
            "PADDED_HEIGHT": t.height,
            "ROW_BYTES": f"INT64_C({row})",
            "BEYOND_BYTES": f"INT64_C({t.bytes - t.height * row})",
            "SUMMING": phase + 1,
            "SUMMING_PARTS": parts(units, sums),
            "UNITS": f"INT64_C({units})",
            "CELL_GROUPS": cell_groups,
            "STEPS": t.steps,
            "HEIGHT": h,
            "WIDTH": w,
            "ABOVE": ph,
            "BESIDE": pw,
            "PHASES": t.phases,
            "LINE": t.line,
            "GROUPS": s.groups,
            "INPUT": s.source.type,
            "CHANNELS": s.source.channels,
            "ENTERING": s.entering,
            "INNER": t.inner,
            "FAN_IN": s.fan_in,
            "BLOCKS": s.blocks,
            "BLOCK_BYTES": s.runs * s.run * s.block,
            "BLOCK": s.block,
            "PER_GROUP": s.per_group,
            "CELLS": t.across * t.down,
            "CELLS_ACROSS": t.across,
            "CELL_ROWS": t.places * t.steps,
            "BELOW": t.below * s.window.stride[0],
            "TOGETHER": t.together,
            "TILES": t.tiles,
            "TILES_TOGETHER": t.together * t.tiles,
            "SUMS": t.together * t.tiles * ROWS * s.block,
            "PLACES": t.places,
            "OUT_WIDTH": s.value.size[1],
            "HANDED": handed,
        },
    )

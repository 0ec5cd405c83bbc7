"""Dense sums in C: the input laid out with its padding, then tiles: all steps of some places by 16 channels or more.

Weights are packed [fan-in / 4][LANES][4]; a row is a place of the padded input at one step, unsigned 8-bit spike values with
the fan-in of one kernel row together. Four of them are multiplied with the four weights of a channel at once: VNNI and NEON have
one instruction for it, VNNI of 512 bits for 16 channels, whose registers hold up to 24 such sums; with AVX2 pairs of products are
added in int16, which saturates nowhere as long as no more than `flush` of them are added before they are widened. The compiler
knows `flush`, the generator proves it. The C is in `templates/fast`: a tile in `dense.h`, the loops over places and channels of
one layer in `dense_layer.c`.
"""

from __future__ import annotations

from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.c.team import ELEMENT, UPDATE, parts
from snn2hw.backends.c.text import template
from snn2hw.native.templates import filled


def dense(number: int, s: Synapse, parameters: str, handed: str, phase: int) -> str:
    """`dense_<number>`: the sums acc[t * block + c] of every place, channels from `first`, for the statement `handed` to use.

    Args:
        s: how the layer is summed. parameters: the C parameters that every function of the layer has.
        phase: the number of the first of its two phases.
    """
    (h, w), (hp, wp), (ph, pw) = s.source.size, s.padded, s.window.padding
    (kh, kw), (sy, sx), (dy, dx) = s.window.kernel, s.window.stride, s.window.dilation
    oh, ow = s.value.size
    steps, channels, inner = s.source.steps, s.source.channels, s.groups * s.fan_in
    rows = s.places * steps
    offsets = [(ky * dy * wp + kx * dx) * inner for ky in range(kh) for kx in ([0] if s.runs == kh else range(kw))]
    kind, tile = ("uint8_t", "snn_tile") if s.fits else ("int32_t", "snn_tile_int")
    return "\n" + filled(
        template("fast/dense_layer.c"),
        {
            "NUMBER": number,
            "PARAMETERS": parameters,
            "RUNS": s.runs,
            "OFFSETS": ", ".join(map(str, offsets)),
            "KIND": kind,
            "ZERO": s.zero,
            "LAYING": phase,
            "LAYING_PARTS": parts(steps * hp, steps * hp * wp * inner * ELEMENT),
            "PADDED_ROWS": steps * hp,
            "PADDED_ROW": f"INT64_C({wp * inner})",
            "SUMMING": phase + 1,
            "SUMMING_PARTS": parts(s.groups * s.blocks * oh, s.products + steps * s.value.places * s.value.channels * UPDATE),
            "ROWS_OF_BLOCKS": f"INT64_C({s.groups * s.blocks * oh})",
            "STEPS": steps,
            "HEIGHT": h,
            "WIDTH": w,
            "GROUPS": s.groups,
            "INPUT": s.source.type,
            "CHANNELS": channels,
            "ENTERING": s.entering,
            "PADDED_HEIGHT": hp,
            "PADDED_WIDTH": wp,
            "ABOVE": ph,
            "BESIDE": pw,
            "FAN_IN": s.fan_in,
            "BLOCKS": s.blocks,
            "BLOCK_BYTES": s.runs * s.run * s.block,
            "BLOCK": s.block,
            "PER_GROUP": s.per_group,
            "OUT_HEIGHT": oh,
            "OUT_WIDTH": ow,
            "PLACES": s.places,
            "SUMS": rows * s.block,
            "ROWS": rows,
            "LAST": ow - 1,
            "DOWN": sy,
            "ACROSS": sx,
            "INNER": inner,
            "BIAS_BYTES": 4 * s.block,
            "TILE": tile,
            "RUN": s.run,
            "FLUSH": s.flush,
            "PLACE_SUMS": steps * s.block,
            "HANDED": handed,
        },
    )

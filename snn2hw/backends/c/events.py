"""Event-driven sums in C: what is active is listed, then only the weights of its events are added.

The events of some places are listed first, so that the weights of a block of channels are read once for all of them. Two events
at a time: their weights are interleaved and multiplied with the pair of spike values, which adds both in int16. The C is in
`templates/fast`: lists and sums in `events.h`, the loops over places and channels of one layer in `events_layer.c`.
"""

from __future__ import annotations

from snn2hw.backends.c.geometry import geometry
from snn2hw.backends.c.synapse_plan import BIASED, Synapse
from snn2hw.backends.c.team import ELEMENT, UPDATE, parts
from snn2hw.backends.c.text import template
from snn2hw.native.templates import filled

NEAR = 1 << 18  # chosen: bytes of a group's weights that stay in the second cache from one chunk to the next


def by_events(number: int, s: Synapse, parameters: str, handed: str, phase: int) -> str:
    """`events_<number>`: the same sums as `dense_<number>`; 0 and nothing done where `most` 10,000ths of the input are active, or
    more, so that dense sums cost less; with a `most` of more than 10,000, never.

    Args:
        s: how the layer is summed. parameters: the C parameters that every function of the layer has.
        handed: the statement that uses the sums of a place. phase: the number of the first of its three phases.
    """
    steps, entering, listed = s.source.steps, s.entering, s.listed
    kind = "SNN_BINARY" if s.binary else "SNN_SIGNED" if s.signed else "SNN_UNSIGNED"
    channels, spikes, counts, totals, _ = s.list_offsets
    _, values, last_channels, last_spikes, used, shift, _ = s.own_offsets
    units = s.groups * -(-s.value.places // s.team_chunk) * s.team_pieces
    sums = s.products // 4 + steps * s.value.places * s.value.channels * UPDATE  # events pay below some activity
    rows = (s.taps * entering + 1) * s.row
    start = f"bias[c] - {BIASED} * shift[p * {steps} + t]" if s.signed else "bias[c]"
    return "\n" + filled(
        template("fast/events_layer.c"),
        geometry(s)
        | {
            "NUMBER": number,
            "PARAMETERS": parameters,
            "CHANNELS_AT": channels,
            "SPIKES_AT": spikes,
            "COUNTS_AT": counts,
            "TOTALS_AT": totals,
            "VALUES_AT": f"INT64_C({values})",
            "LAST_CHANNELS_AT": f"INT64_C({last_channels})",
            "LAST_SPIKES_AT": f"INT64_C({last_spikes})",
            "USED_AT": f"INT64_C({used})",
            "SHIFT_AT": f"INT64_C({shift})",
            "INPUTS": s.cells * entering,
            "CELLS": s.cells,
            "DECIDING": phase,
            "LISTING": phase + 1,
            "LISTING_PARTS": parts(s.cells, s.cells * entering * ELEMENT),
            "SUMMING": phase + 2,
            "SUMMING_PARTS": parts(units, sums),
            "TEAM_CHUNK": s.team_chunk,
            "TEAM_PIECES": s.team_pieces,
            "ENTERING": entering,
            "KIND": kind,
            "GROUPS": s.groups,
            "OUT_PLACES": s.value.places,
            "CHUNK": s.chunk,
            "LISTED": listed,
            "TAP_BYTES": entering * s.row,
            "ROW": s.row,
            "COPY": "" if s.binary else f"snn_values(v + n, spike + cell * {entering}, count[cell]);",
            "ZEROS_AT": s.taps * entering * s.row,
            "BLOCKS": s.blocks,
            "TAPS": s.taps,
            "WEIGHT": "uint8_t" if s.signed else "int8_t",
            "BLOCK_BYTES": rows,
            "FAR": int(s.blocks * rows > NEAR),
            "PER_GROUP": s.per_group,
            "BLOCK": s.block,
            "SUMS": steps * s.row,
            "START": start,
            "VECTORS": s.row // 32,
            "FLUSH": s.events,
            "HANDED": handed,
        },
    )

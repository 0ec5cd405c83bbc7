"""Convolutions and linear layers in C: `layer_<number>`, dense, depthwise or event-driven, the same integers either way."""

from __future__ import annotations

from snn2hw.backends.c.dense import dense
from snn2hw.backends.c.depthwise import depthwise
from snn2hw.backends.c.events import by_events
from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.runtime import BLOCK
from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.c.text import fragment
from snn2hw.backends.c.tiles import in_tiles

PHASES = 5  # of a layer: three where it is summed by events, two where densely


def synapse_function(number: int, s: Synapse, neuron: str | None, consumer: Value, phase: int) -> str:
    """`layer_<number>`: by events where so little is active that it pays, else dense, or channel by channel.

    Args:
        s: how the layer is summed. neuron: the C function that takes the sums, None: they are stored.
        consumer: the value that `out` is: what the neuron fires, else the sums. phase: the number of the first of its phases.
    """
    parameters = (
        f"const {s.source.type} *restrict in, {consumer.type} *restrict out, void *restrict scratch,\n"
        "    const void *const *arrays, void *const *traces"
    )
    way, by = "depthwise" if s.depthwise else "dense", ""
    if s.depthwise:
        text = depthwise(number, s, parameters, _handed(s, neuron, BLOCK), phase + 3)
    else:
        text = dense(number, s, parameters, _handed(s, neuron, s.block), phase + 3)
    if s.events:
        text += by_events(number, s, parameters, _handed(s, neuron, s.row), phase)
        by = f"if (!events_{number}(in, out, scratch, arrays, traces, most, team, own))\n        "
    tiled = ""
    if s.tiling is not None:
        text += in_tiles(number, s, s.tiling, parameters, _handed(s, neuron, s.block), phase + 3)
        tiled = f"if (!tiles_{number}(in, out, scratch, arrays, traces, team))\n        "
    return text + fragment("fast/synapse.c", number=number, parameters=parameters, by_events=by, in_tiles=tiled, way=way) + "\n"


def _handed(s: Synapse, neuron: str | None, stride: int) -> str:
    """What happens to the sums acc[t * stride + c] of a place."""
    steps = s.source.steps
    if neuron is not None:
        return f"{neuron}(acc, {stride if steps > 1 else 0}, place, first, n, out, traces);"
    return (
        f"for (int t = 0; t < {steps}; ++t) for (int c = 0; c < n; ++c) "
        f"out[(t * INT64_C({s.value.places}) + place) * {s.value.channels} + first + c] = ({s.value.type})acc[t * {stride} + c];"
    )

"""What somebody would write in C in an afternoon: im2col, then three loops over int8; neurons and all else as in `fast`.

The layers of the generated C are replaced by these, so that the same network runs from payloads to readout, and its readout can
be compared. The compiler makes vectors of the innermost loop as it likes; nothing is tiled, nothing kept in registers.
"""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c import to_c
from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.synapse_code import _handed
from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.fast.built import Built, build
from snn2hw.backends.fast.executor import Fast
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.trace import Ints


class Im2col(Fast):
    """An executor for measurements only; columns are static in C, so it has one thread. Its layers have no phases."""

    name = "im2col"

    def __init__(self) -> None:
        super().__init__(0)

    def _compiled(self, net: IntegerNetwork, still: bool) -> Built:
        """With these layers."""
        with patch.multiple(to_c, synapse_function=_layer, packed=_rows, packed_events=_nothing, biases=_biases):
            return build(net, still)


def _rows(s: Synapse) -> npt.NDArray[np.int8]:
    weight = s.node.weight.reshape(s.value.channels, s.entering, *s.window.kernel)
    return np.ascontiguousarray(weight.transpose(0, 2, 3, 1)).reshape(s.value.channels, -1)


def _nothing(s: Synapse) -> npt.NDArray[np.int8]:
    """The weights of events: no layer here is summed by them."""
    return np.zeros(0, np.int8)


def _biases(s: Synapse, zero: int) -> Ints:
    """The node's own: spike values are taken as they are, so nothing that `zero` adds has to go, and no block is filled up."""
    return s.node.bias.astype(np.int64)


def _layer(number: int, s: Synapse, neuron: str | None, consumer: Value, phase: int) -> str:
    (h, w), (oh, ow), steps = s.source.size, s.value.size, s.source.steps
    (kh, kw), (sy, sx), (dy, dx), (ph, pw) = s.window.kernel, s.window.stride, s.window.dilation, s.window.padding
    fan_in = s.taps * s.entering
    return f"""
static void layer_{number}(const {s.source.type} *restrict in, {consumer.type} *restrict out, void *restrict scratch,
    const void *const *arrays, void *const *traces, int percent, snn_phase *team, uint8_t *own)
{{
    static {s.source.type} columns[INT64_C({steps * s.value.places}) * {fan_in}];
    (void)scratch; (void)traces; (void)percent; (void)team; (void)own;
    for (int g = 0; g < {s.groups}; ++g) {{
        {s.source.type} *to = columns;
        for (int t = 0; t < {steps}; ++t)
            for (int y = 0; y < {oh}; ++y)
                for (int x = 0; x < {ow}; ++x)
                    for (int i = 0; i < {kh}; ++i)
                        for (int j = 0; j < {kw}; ++j, to += {s.entering}) {{
                            const int yy = y * {sy} + i * {dy} - {ph}, xx = x * {sx} + j * {dx} - {pw};
                            if (yy < 0 || yy >= {h} || xx < 0 || xx >= {w}) memset(to, 0, {s.entering} * sizeof *to);
                            else memcpy(to, in + ((t * {h} + yy) * INT64_C({w}) + xx) * {s.source.channels} + g * {s.entering},
                                        {s.entering} * sizeof *to);
                        }}
        for (int64_t place = 0; place < {s.value.places}; ++place)
            for (int b = 0; b < {s.blocks}; ++b) {{
                const int first = g * {s.per_group} + b * {s.block};
                const int n = {s.per_group} - b * {s.block} < {s.block} ? {s.per_group} - b * {s.block} : {s.block};
                SNN_ALIGNED int32_t acc[{steps * s.block}];
                for (int t = 0; t < {steps}; ++t)
                    for (int c = 0; c < n; ++c) {{
                        const {s.source.type} *row = columns + (t * INT64_C({s.value.places}) + place) * {fan_in};
                        const int8_t *weight = weight_{number} + (first + c) * INT64_C({fan_in});
                        int32_t sum = bias_{number}[first + c];
                        for (int k = 0; k < {fan_in}; ++k) sum += row[k] * weight[k];
                        acc[t * {s.block} + c] = sum;
                    }}
                {_handed(s, neuron, s.block)}
            }}
    }}
}}
"""

"""Convolutions and linear layers in C: the input laid out with its padding, then sums tile by tile."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt

from snn2hw.errors import UnsupportedError
from snn2hw.export.c.plan import Value
from snn2hw.export.c.runtime import BLOCK
from snn2hw.ir.integer import IntConv2d, IntLinear
from snn2hw.ir.network import Window
from snn2hw.num import Interval
from snn2hw.trace import Ints

INT32_MAX, INT16_MAX, UINT8_MAX = 2**31 - 1, 32767, 255
MOST_CHANNELS = 1 << 16  # that a list of events can name
MOST_STACK = 1 << 21  # bytes of sums and lists that one place takes, which lie on the stack
MOST_EVENT = 64  # a larger payload is an image or a sum, of which nearly nothing is zero


@dataclass(frozen=True)
class Synapse:
    """How a layer is summed.

    Args:
        zero: added to payloads so that none is negative. fits: whether they are then 8 bits; else they are laid out as int32.
        fan_in: channels of one group, even. runs, run: pieces of the fan-in that lie together, and their length.
        places: output places that a tile takes, so that its rows are a multiple of four.
        flush: pairs of products that int16 holds; 0 where the tile cannot be used. events: the same for single products.
    """

    node: IntConv2d | IntLinear
    source: Value
    value: Value
    zero: int
    fits: bool
    groups: int
    window: Window
    fan_in: int
    runs: int
    run: int
    places: int
    flush: int
    events: int

    @property
    def binary(self) -> bool:
        """Whether a payload is 0 or 1, so that an event is an addition."""
        return self.source.node.interval in Interval(0, 1)

    @property
    def lists(self) -> int:
        """Bytes of the lists of events: channel, payload and count of every place of the input."""
        cells = self.source.steps * self.source.places * self.groups
        return cells * (self.source.channels // self.groups) * 4 + cells * 4 + 64 if self.events else 0

    @property
    def per_group(self) -> int:
        """Output channels of a group."""
        return self.value.channels // self.groups

    @property
    def blocks(self) -> int:
        """Blocks of output channels of a group."""
        return -(-self.per_group // BLOCK)

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of the input with its padding."""
        (h, w), (ph, pw) = self.source.size, self.window.padding
        return h + 2 * ph, w + 2 * pw

    @property
    def scratch(self) -> int:
        """Bytes of the padded input; a pair may be read past the end."""
        h, w = self.padded
        return self.source.steps * h * w * self.groups * self.fan_in * (1 if self.fits else 4) + 64


def synapse(node: IntConv2d | IntLinear, source: Value, value: Value) -> Synapse:
    """Decide how a layer is summed.

    Raises:
        UnsupportedError: so many steps that the sums of one place would not fit the stack.
    """
    held = source.node.interval.hull(Interval(0, 0))
    zero = -held.lo
    window = node.window if isinstance(node, IntConv2d) else Window((1, 1))
    groups = node.groups if isinstance(node, IntConv2d) else 1
    fan_in = -(-(source.channels // groups) // 2) * 2
    together = groups == 1 and window.dilation[1] == 1
    runs = window.kernel[0] * (1 if together else window.kernel[1])
    weight = max(int(np.abs(node.weight.astype(np.int64)).max(initial=0)), 1)
    largest = 2 * (held.hi + zero) * weight
    sums = (held.hi + zero) * np.abs(node.weight.astype(np.int64)).reshape(len(node.weight), -1).sum(1).max(initial=0)
    fits = held.hi + zero <= UINT8_MAX and 2 * int(sums) + int(np.abs(node.bias).max(initial=0)) <= INT32_MAX
    zero = zero if fits else 0
    places, lists = 4 // gcd(source.steps, 4), source.steps * (window.kernel[0] * window.kernel[1] * 32 + BLOCK * 4)
    if places * source.steps * BLOCK * 4 > MOST_STACK:
        raise UnsupportedError(
            "the generated C keeps the sums of all steps at hand, and there are too many",
            where=node.source or node.name,
            got=f"{source.steps} steps",
            expected=f"at most {MOST_STACK // (places * BLOCK * 4)}",
            do="use another executor, or shorter samples",
        )
    return Synapse(
        node, source, value, zero, fits, groups, window, fan_in, runs, fan_in * (window.kernel[1] if together else 1),
        places, INT16_MAX // largest if fits and largest else 0,
        _events(source.node.interval, weight) if source.channels // groups <= MOST_CHANNELS and lists <= MOST_STACK else 0,
    )  # fmt: skip


def _events(payloads: Interval, weight: int) -> int:
    """How many products int16 holds; 0 where an input is always dense, such as an image."""
    return INT16_MAX // max(payloads.magnitude * weight, 1) if payloads.magnitude <= MOST_EVENT else 0


def packed(s: Synapse) -> npt.NDArray[np.int8]:
    """Weights [groups][blocks][fan-in / 2][BLOCK][2]; what is beyond a group's channels is 0."""
    kh, kw = s.window.kernel
    weight = s.node.weight.reshape(s.groups, s.per_group, -1, kh, kw).transpose(0, 3, 4, 2, 1)  # group, ky, kx, in, out
    full = np.zeros((s.groups, kh, kw, s.fan_in, s.blocks * BLOCK), np.int8)
    full[:, :, :, : weight.shape[3], : s.per_group] = weight
    rows = full.reshape(s.groups, kh * kw * s.fan_in // 2, 2, s.blocks, BLOCK)
    return np.ascontiguousarray(rows.transpose(0, 3, 1, 4, 2))


def packed_events(s: Synapse) -> npt.NDArray[np.int8]:
    """Weights [groups][blocks][taps][fan-in][BLOCK]: what one event adds lies together."""
    pairs = packed(s)  # [groups, blocks, taps * fan-in / 2, BLOCK, 2]
    return np.ascontiguousarray(pairs.transpose(0, 1, 2, 4, 3))


def biases(s: Synapse, zero: int) -> Ints:
    """Bias less what `zero` adds to every sum, [groups][blocks][BLOCK]."""
    total = s.node.weight.reshape(s.value.channels, -1).astype(np.int64).sum(1)
    own = (s.node.bias.astype(np.int64) - zero * total).reshape(s.groups, s.per_group)
    full = np.zeros((s.groups, s.blocks * BLOCK), np.int64)
    full[:, : s.per_group] = own
    return full


def synapse_function(number: int, s: Synapse, neuron: str | None, consumer: Value) -> str:
    """`layer_<number>`: by events where so little is active that it pays, else dense; the same integers either way."""
    dense = _dense(number, s, neuron, consumer)
    choice = f"    dense_{number}(in, out, scratch, arrays, traces);"
    if s.events:
        dense += _by_events(number, s, neuron, consumer)
        choice = f"    if (percent <= 0 || !events_{number}(in, out, scratch, arrays, traces, percent))\n    {choice}"
    return f"""{dense}
static void layer_{number}({_parameters(s, consumer)}, int percent)
{{
    (void)percent;
{choice}
}}
"""


def _parameters(s: Synapse, consumer: Value) -> str:
    return (
        f"const {s.source.type} *restrict in, {consumer.type} *restrict out, void *restrict scratch,\n"
        "    const void *const *arrays, int64_t *const *traces"
    )


def _handed(s: Synapse, neuron: str | None, acc: str, steps: int) -> str:
    """What happens to the sums `acc`[step] of a place."""
    if neuron is not None:
        return f"{neuron}({acc}[0], {BLOCK if steps > 1 else 0}, place, first, n, out, traces);"
    return (
        f"for (int t = 0; t < {steps}; ++t) for (int c = 0; c < n; ++c) "
        f"out[(t * INT64_C({s.value.places}) + place) * {s.value.channels} + first + c] = ({s.value.type})({acc})[t][c];"
    )


def _by_events(number: int, s: Synapse, neuron: str | None, consumer: Value) -> str:
    (h, w), (ph, pw) = s.source.size, s.window.padding
    (kh, kw), (sy, sx), (dy, dx) = s.window.kernel, s.window.stride, s.window.dilation
    oh, ow = s.value.size
    steps, per_group, taps = s.source.steps, s.source.channels // s.groups, kh * kw
    cells = steps * h * w * s.groups
    return f"""
static int events_{number}({_parameters(s, consumer)}, int percent)
{{
    uint16_t *const channel = scratch;
    int16_t *const payload = (int16_t *)(channel + INT64_C({cells * per_group}));
    int32_t *const count = (int32_t *)(payload + INT64_C({cells * per_group}));
    int64_t active = 0;
    (void)traces;
    for (int64_t cell = 0; cell < {cells}; ++cell) {{
        const {s.source.type} *from = in + cell * {per_group};
        int32_t n = 0;
        for (int c = 0, end; c < {per_group}; c = end) {{
            end = {per_group} - c < 8 ? {per_group} : c + 8;
            static const {s.source.type} nothing[8];
            if (!memcmp(from + c, nothing, (size_t)(end - c) * sizeof *from)) continue;
            for (int i = c; i < end; ++i) {{
                channel[cell * {per_group} + n] = (uint16_t)i;
                payload[cell * {per_group} + n] = (int16_t)from[i];
                n += from[i] != 0;
            }}
        }}
        active += n;
        if (active * 100 >= INT64_C({cells * per_group}) * percent) return 0;
        count[cell] = n;
    }}
    for (int g = 0; g < {s.groups}; ++g)
        for (int y = 0; y < {oh}; ++y)
            for (int x = 0; x < {ow}; ++x) {{
                const int64_t place = y * INT64_C({ow}) + x;
                snn_events list[{steps}][{taps}];
                int used[{steps}];
                for (int t = 0; t < {steps}; ++t) {{
                    used[t] = 0;
                    for (int i = 0; i < {kh}; ++i) {{
                        const int yy = y * {sy} + i * {dy} - {ph};
                        if (yy < 0 || yy >= {h}) continue;
                        for (int j = 0; j < {kw}; ++j) {{
                            const int xx = x * {sx} + j * {dx} - {pw};
                            if (xx < 0 || xx >= {w}) continue;
                            const int64_t cell = ((t * {h} + yy) * INT64_C({w}) + xx) * {s.groups} + g;
                            const snn_events e = {{channel + cell * {per_group}, payload + cell * {per_group}, count[cell],
                                                  (i * {kw} + j) * INT64_C({s.fan_in * BLOCK})}};
                            list[t][used[t]] = e;
                            used[t] += e.count != 0;
                        }}
                    }}
                }}
                for (int b = 0; b < {s.blocks}; ++b) {{
                    const int8_t *w = event_weight_{number} + (g * {s.blocks} + b) * INT64_C({taps * s.fan_in * BLOCK});
                    const int32_t *bias = event_bias_{number} + (g * {s.blocks} + b) * {BLOCK};
                    const int first = g * {s.per_group} + b * {BLOCK};
                    const int n = {s.per_group} - b * {BLOCK} < {BLOCK} ? {s.per_group} - b * {BLOCK} : {BLOCK};
                    SNN_ALIGNED int32_t acc[{steps}][BLOCK];
                    for (int t = 0; t < {steps}; ++t) {{
                        memcpy(acc[t], bias, sizeof acc[t]);
                        snn_gather(used[t], list[t], w, {int(s.binary)}, {s.events}, acc[t]);
                    }}
                    {_handed(s, neuron, "acc", steps)}
                }}
            }}
    return 1;
}}
"""


def _dense(number: int, s: Synapse, neuron: str | None, consumer: Value) -> str:
    (h, w), (hp, wp), (ph, pw) = s.source.size, s.padded, s.window.padding
    (kh, kw), (sy, sx), (dy, dx) = s.window.kernel, s.window.stride, s.window.dilation
    oh, ow = s.value.size
    steps, channels, inner = s.source.steps, s.source.channels, s.groups * s.fan_in
    rows = s.places * steps
    offsets = [(ky * dy * wp + kx * dx) * inner for ky in range(kh) for kx in ([0] if s.runs == kh else range(kw))]
    per_group = channels // s.groups
    kind, tile = ("uint8_t", "snn_tile" if s.flush else "snn_tile_wide") if s.fits else ("int32_t", "snn_tile_int")
    use = _handed(s, neuron, f"(acc + p * {steps})", steps)
    return f"""
static void dense_{number}({_parameters(s, consumer)})
{{
    static const int32_t at[{s.runs}] = {{{", ".join(map(str, offsets))}}};
    {kind} *const pad = scratch;
    (void)traces;
    memset(pad, {s.zero}, {s.scratch});
    for (int t = 0; t < {steps}; ++t)
        for (int y = 0; y < {h}; ++y)
            for (int x = 0; x < {w}; ++x)
                for (int g = 0; g < {s.groups}; ++g) {{
                    const {s.source.type} *from = in + ((t * {h} + y) * INT64_C({w}) + x) * {channels} + g * {per_group};
                    {kind} *to = pad + (((t * {hp} + y + {ph}) * INT64_C({wp}) + x + {pw}) * {s.groups} + g) * {s.fan_in};
                    for (int c = 0; c < {per_group}; ++c) to[c] = ({kind})(from[c] + {s.zero});
                }}
    for (int g = 0; g < {s.groups}; ++g)
        for (int b = 0; b < {s.blocks}; ++b) {{
            const int8_t *w = weight_{number} + (g * {s.blocks} + b) * INT64_C({s.runs * s.run * BLOCK});
            const int32_t *bias = bias_{number} + (g * {s.blocks} + b) * {BLOCK};
            const int first = g * {s.per_group} + b * {BLOCK};
            const int n = {s.per_group} - b * {BLOCK} < {BLOCK} ? {s.per_group} - b * {BLOCK} : {BLOCK};
            for (int y = 0; y < {oh}; ++y)
                for (int x = 0; x < {ow}; x += {s.places}) {{
                    SNN_ALIGNED int32_t acc[{rows}][BLOCK];
                    const {kind} *row[{rows}];
                    for (int p = 0; p < {s.places}; ++p)
                        for (int t = 0; t < {steps}; ++t) {{
                            const int xx = x + p < {ow} ? x + p : {ow - 1};
                            const int64_t at_place = (t * {hp} + y * {sy}) * INT64_C({wp}) + xx * {sx};
                            row[p * {steps} + t] = pad + at_place * {inner} + g * {s.fan_in};
                            memcpy(acc[p * {steps} + t], bias, sizeof acc[0]);
                        }}
                    {tile}({rows}, row, w, {s.runs}, at, {s.run}, {max(s.flush, 1)}, acc);
                    for (int p = 0; p < {s.places} && x + p < {ow}; ++p) {{
                        const int64_t place = y * INT64_C({ow}) + x + p;
                        {use}
                    }}
                }}
        }}
}}
"""

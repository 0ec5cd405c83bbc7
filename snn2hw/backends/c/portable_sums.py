"""Convolutions and linear layers of the C folder: the sums of one place after another, inputs that are 0 skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snn2hw.backends.c.plan import Value
from snn2hw.layers import IntConv2d, IntLinear

AT_ONCE = 32  # channels whose neurons run together: their states lie on the stack


@dataclass(frozen=True)
class Sums:
    """One layer.

    Args:
        number: of the function; weights: of its arrays. node: the synapse. x: its input.
        out: what is written: the payloads of the neurons behind it where it is fused, else the sums.
    """

    number: int
    weights: int
    node: IntConv2d | IntLinear
    x: Value
    out: Value
    fused: bool

    @property
    def groups(self) -> int:
        """Of the convolution."""
        return self.node.groups if isinstance(self.node, IntConv2d) else 1

    @property
    def outputs(self) -> int:
        """Of a group."""
        return len(self.node.weight) // self.groups

    def text(self) -> str:
        """`layer_<number>(in, out, sums)`; sums: [steps][outputs] of one place."""
        body = self._conv(self.node) if isinstance(self.node, IntConv2d) else self._linear()
        taken = f"const {self.x.type} *restrict in, {self.out.type} *restrict out, int32_t *restrict sums"
        return f"""static void layer_{self.number}({taken})
{{
{body}
}}
"""

    def _linear(self) -> str:
        n, inputs = self.outputs, self.x.channels
        return f"""    for (int t = 0; t < {self.x.steps}; ++t) {{
        int32_t *sum = sums + t * {n};
        memcpy(sum, bias_{self.weights}, sizeof *sum * {n});
        for (int c = 0; c < {inputs}; ++c) {{
            const int32_t v = in[t * {inputs} + c];
            if (v == 0) continue;
            for (int o = 0; o < {n}; ++o) sum[o] += v * weight_{self.weights}[c][o];
        }}
    }}
{self._use("0", "", "    ")}"""

    def _conv(self, node: IntConv2d) -> str:
        (h, w), (kh, kw), (ph, pw) = self.x.size, node.window.kernel, node.window.padding
        (oh, ow), (sy, sx), (dy, dx) = self.out.size, node.window.stride, node.window.dilation
        n, inputs, many = self.outputs, self.x.channels // self.groups, self.groups > 1
        group, bias, at = (f" + g * {inputs}", f" + g * {n}", f"(g * {kh} + i)") if many else ("", "", "i")
        above = f"                    if (yy < 0 || yy >= {h}) continue;\n" if ph else ""
        beside = f"                        if (xx < 0 || xx >= {w}) continue;\n" if pw else ""
        return f"""{f"    for (int g = 0; g < {self.groups}; ++g)" + chr(10) if many else ""}    for (int y = 0; y < {oh}; ++y)
        for (int x = 0; x < {ow}; ++x) {{
            const int place = y * {ow} + x;
            for (int t = 0; t < {self.x.steps}; ++t) {{
                int32_t *sum = sums + t * {n};
                memcpy(sum, bias_{self.weights}{bias}, sizeof *sum * {n});
                for (int i = 0; i < {kh}; ++i) {{
                    const int yy = y * {sy} + i * {dy} - {ph};
{above}                    for (int j = 0; j < {kw}; ++j) {{
                        const int xx = x * {sx} + j * {dx} - {pw};
{beside}                        const {self.x.type} *from = in + ((t * {h} + yy) * {w} + xx) * {self.x.channels}{group};
                        const int8_t (*row)[{n}] = weight_{self.weights} + ({at} * {kw} + j) * {inputs};
                        for (int c = 0; c < {inputs}; ++c) {{
                            const int32_t v = from[c];
                            if (v == 0) continue;
                            for (int o = 0; o < {n}; ++o) sum[o] += v * row[c][o];
                        }}
                    }}
                }}
            }}
{self._use("place", f"g * {n}" if many else "", "            ")}
        }}"""

    def _use(self, place: str, first: str, indent: str) -> str:
        """What happens to the sums of a place."""
        if self.fused:
            stride = self.outputs if self.x.steps > 1 else 0
            return neurons_of_a_place(self.number, self.outputs, "sums", stride, place, first, indent)
        step = "t" if place == "0" else f"(t * {self.out.places} + {place})"
        at = f"{step} * {self.out.channels} + {f'{first} + o' if first else 'o'}"
        return (
            f"{indent}for (int t = 0; t < {self.x.steps}; ++t)\n"
            f"{indent}    for (int o = 0; o < {self.outputs}; ++o) out[{at}] = ({self.out.type})sums[t * {self.outputs} + o];"
        )


def neurons_of_a_place(
    number: int, channels: int, sums: str, stride: int, place: str, first: str, indent: str, further: str = ""
) -> str:
    """Calls of `neuron_<number>`, which takes `AT_ONCE` channels at a time.

    Args:
        sums: C pointer to the first channel's sum at step 0. stride: from a step to the next, in sums.
        place, first: C expressions for the output place and for its first channel, where '' is 0.
        indent: of every line. further: arguments behind `out`, from their comma on.
    """
    if channels <= AT_ONCE:
        return f"{indent}neuron_{number}({sums}, {stride}, {place}, {first or '0'}, {channels}, out{further});"
    given, count = f"{first} + b" if first else "b", f"{channels} - b < {AT_ONCE} ? {channels} - b : {AT_ONCE}"
    return (
        f"{indent}for (int b = 0; b < {channels}; b += {AT_ONCE})\n"
        f"{indent}    neuron_{number}({sums} + b, {stride}, {place}, {given}, {count}, out{further});"
    )


def neurons_everywhere(number: int, x: Value, out: Value, kept: Sequence[str] | None = None) -> str:
    """`layer_<number>(in, out)`: neurons whose input others read too, at every place of it.

    Args:
        x: the sums that enter. out: what the neurons fire.
        kept: in a loop, the types of the states' arrays; `layer_<number>(in, out, step, kept0, ...)` takes one step.
    """
    stride = x.places * x.channels if x.steps > 1 else 0
    taken, further = "", ""
    if kept is not None:
        taken = "".join([", int step", *(f", {kind} *restrict kept{n}" for n, kind in enumerate(kept))])
        further = "".join([", step", *(f", kept{n}" for n in range(len(kept)))])
    return f"""static void layer_{number}(const {x.type} *restrict in, {out.type} *restrict out{taken})
{{
    for (int place = 0; place < {x.places}; ++place)
{neurons_of_a_place(number, x.channels, f"in + place * {x.channels}", stride, "place", "", "        ", further)}
}}
"""

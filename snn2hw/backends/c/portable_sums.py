"""Convolutions and linear layers of the C folder: the sums of one place after another, inputs that are 0 skipped.

Of binary inputs the rows of weights are listed, and added some at a time; of others each is added as it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snn2hw.backends.c.neuron_code import Pace, kept_parameters
from snn2hw.backends.c.packing import add_row, field_bits
from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.rows_code import rows_function
from snn2hw.backends.c.text import fragment
from snn2hw.backends.c.words import Words, words
from snn2hw.layers import IntConv2d, IntLinear

AT_ONCE = 32  # channels whose neurons run together: their states lie on the stack


@dataclass(frozen=True)
class Sums:
    """One layer.

    Args:
        number: of the function; weights: of its arrays. node: the synapse. x: its input.
        out: what is written: the spike values of the neurons behind it where it is fused, else the sums.
        kept: of fused neurons the C types of the states that the caller keeps, none where they last for a call only.
    """

    number: int
    weights: int
    node: IntConv2d | IntLinear
    x: Value
    out: Value
    fused: bool
    kept: Sequence[str] = ()

    @property
    def groups(self) -> int:
        """Of the convolution."""
        return self.node.groups if isinstance(self.node, IntConv2d) else 1

    @property
    def outputs(self) -> int:
        """Of a group."""
        return len(self.node.weight) // self.groups

    @property
    def bits(self) -> int:
        """Of a weight in memory."""
        return field_bits(self.node.weight)

    @property
    def words(self) -> Words | None:
        """How its weights lie in words, where they do."""
        return words(self.node, self.x.node)

    def rows(self) -> str:
        """`rows_<number>(sum, listed, n)`, which `layer_<number>` calls where its weights lie in words; else nothing."""
        return f"\n{rows_function(self.words, self.number, self.weights)}\n" if self.words is not None else ""

    def text(self) -> str:
        """`layer_<number>(in, out, sums, kept0, ...)`; sums: [steps][outputs] of one place, then its list of active inputs."""
        body = self._conv(self.node) if isinstance(self.node, IntConv2d) else self._linear()
        values = {"number": self.number, "further": kept_parameters(self.kept), "input": self.x.type, "type": self.out.type}
        return fragment("folder/synapse.c", body=body, **values) + "\n"

    def _linear(self) -> str:
        added = self._added(f"weight_{self.weights}[c]", "c", " " * 8, " " * 12)
        return fragment("folder/linear.c", **self._sizes(), **added, use=self._use("0", "", "    "))

    def _added(self, row: str, at: str, indent: str, inner: str) -> dict[str, str]:
        """What an active input adds; where rows are listed, also what goes before and after all inputs of a place.

        Args:
            row, at: C expressions of the input's row of weights, and of its number.
            indent, inner: of the lines before and after, and of those for an input.
        """
        if self.words is None:
            return {"list": "", "add": add_row(row, self.outputs, self.bits, inner), "rest": ""}
        call = f"rows_{self.number}(sum, listed, n);"
        first = [f"int32_t *listed = sums + {self.x.steps * self.outputs};", "int n = 0;"]
        add = [f"listed[n] = {at};", f"if (++n < {self.words.listed}) continue;", call, "n = 0;"]
        return {"list": _lines(first, indent), "add": _lines(add, inner), "rest": f"{indent}if (n > 0) {call}"}

    def _sizes(self) -> dict[str, object]:
        """Of the sums, and of the weights behind them."""
        inputs = self.x.channels // self.groups
        return {"steps": self.x.steps, "outputs": self.outputs, "inputs": inputs, "weights": self.weights}

    def _conv(self, node: IntConv2d) -> str:
        (h, w), (kh, kw), (ph, pw) = self.x.size, node.window.kernel, node.window.padding
        (oh, ow), (sy, sx), (dy, dx) = self.out.size, node.window.stride, node.window.dilation
        inputs, many = self.x.channels // self.groups, self.groups > 1
        return fragment(
            "folder/convolution.c",
            **self._sizes(),
            each_group=f"for (int g = 0; g < {self.groups}; ++g)" if many else "",
            from_bias=f" + g * {self.outputs}" if many else "",
            from_input=f" + g * {inputs}" if many else "",
            tap_row=f"(g * {kh} + i)" if many else "i",
            height=h,
            width=w,
            out_height=oh,
            out_width=ow,
            kernel_height=kh,
            kernel_width=kw,
            down=sy,
            across=sx,
            dilated_down=dy,
            dilated_across=dx,
            above=ph,
            beside=pw,
            outside_above=f"if (yy < 0 || yy >= {h}) continue;" if ph else "",
            outside_beside=f"if (xx < 0 || xx >= {w}) continue;" if pw else "",
            input=self.x.type,
            channels=self.x.channels,
            row=self._row(),
            **self._added("row[c]", "row + c", " " * 16, " " * 28),
            use=self._use("place", f"g * {self.outputs}" if many else "", "            "),
        )

    def _row(self) -> str:
        """C in front of the number of a tap's first row: what `row` is."""
        if self.words is not None:
            return "const int32_t row = "
        kind, columns = "int8_t" if self.bits == 8 else "uint8_t", -(-self.outputs * self.bits // 8)
        return f"const {kind} (*row)[{columns}] = weight_{self.weights} + "

    def _use(self, place: str, first: str, indent: str) -> str:
        """What happens to the sums of a place."""
        if self.fused:
            stride = self.outputs if self.x.steps > 1 else 0
            kept = kept_arguments(self.kept)
            return neurons_of_a_place(self.number, self.outputs, "sums", stride, place, first, indent, kept)
        step = "t" if place == "0" else f"(t * {self.out.places} + {place})"
        at = f"{step} * {self.out.channels} + {f'{first} + o' if first else 'o'}"
        return (
            f"{indent}for (int t = 0; t < {self.x.steps}; ++t)\n"
            f"{indent}    for (int o = 0; o < {self.outputs}; ++o) out[{at}] = ({self.out.type})sums[t * {self.outputs} + o];"
        )


def _lines(lines: Sequence[str], indent: str) -> str:
    return "\n".join(indent + line for line in lines)


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


def kept_arguments(types: Sequence[str]) -> str:
    """What `kept_parameters` takes, in a function that was given the same."""
    return "".join(f", kept{n}" for n in range(len(types)))


def neurons_everywhere(number: int, x: Value, out: Value, pace: Pace, kept: Sequence[str]) -> str:
    """`layer_<number>(in, out, [step,] kept0, ...)`: neurons whose input others read too, at every place of it.

    Args:
        x: the sums that enter. out: what the neurons fire. pace: the steps of a call.
        kept: C types of the states that the caller keeps, none where they last for a call only.
    """
    stride = x.places * x.channels if x.steps > 1 else 0
    step = pace is Pace.LOOP
    taken = (", int step" if step else "") + kept_parameters(kept)
    further = (", step" if step else "") + kept_arguments(kept)
    calls = neurons_of_a_place(number, x.channels, f"in + place * {x.channels}", stride, "place", "", "        ", further)
    common = {"input": x.type, "type": out.type, "places": x.places}
    return fragment("folder/neurons.c", number=number, further=taken, calls=calls, **common) + "\n"

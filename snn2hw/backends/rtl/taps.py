"""Which sums an event reaches: along each axis by a table, over the channels by words of weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from snn2hw.backends.rtl.blocks import piece
from snn2hw.backends.rtl.design import Memory
from snn2hw.backends.rtl.streams import Grid, Stream, counting
from snn2hw.ir.shapes import Window
from snn2hw.trace import Ints

Taps = tuple[tuple[int, int], ...]  # (place of the output, place of the kernel) that one place of the input reaches


@dataclass(frozen=True)
class Kernel:
    """A layer of sums.

    Args:
        rows, columns: for each row or column of the input what it reaches. out: how the sums lie.
        across: columns of the kernel.
        weight: [places of the kernel, channels of the input, reached words * lanes], for so many lanes.
        first: the first word that each channel of the input reaches at a place; None where all begin at 0.
        chosen: which row of `weight` holds the weights of a channel; None where each has its own.
        bias: [channels of the output], or [places, channels] where they differ from place to place.
        maximum: whether the largest value is taken in place of the sum.
    """

    rows: Sequence[Taps]
    columns: Sequence[Taps]
    out: Grid
    across: int
    weight: Ints = field(repr=False)
    bias: Ints = field(repr=False)
    first: Ints | None = None
    chosen: Ints | None = None
    maximum: bool = False


def slid(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> list[Taps]:
    """What each place of an axis reaches under a window: o * stride + k * dilation - padding = place.

    Args:
        size, out: places of the input and of the output. kernel, stride, padding, dilation: as of `Window`, along this axis.
    """
    reached: list[list[tuple[int, int]]] = [[] for _ in range(size)]
    for o in range(out):
        for k in range(kernel):
            place = o * stride + k * dilation - padding
            if 0 <= place < size:
                reached[place].append((o, k))
    return [tuple(r) for r in reached]


def windowed(window: Window, entering: Grid, out: Grid) -> tuple[list[Taps], list[Taps]]:
    """What rows and columns reach under a window.

    Args:
        window: kernel, stride, padding, dilation. entering, out: how the input and the output lie.
    """
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = window.kernel, window.stride, window.padding, window.dilation
    return slid(entering.rows, out.rows, kh, sh, ph, dh), slid(entering.columns, out.columns, kw, sw, pw, dw)


def dense_kernel(weight: Ints, bias: Ints, entering: Stream, lanes: int, out: Grid) -> Kernel:
    """Of a fully connected layer, W [O, I]: the kernel is the whole image.

    Args:
        weight, bias: of the layer. entering: in which order its inputs lie. lanes: of the output. out: how the output lies.
    """
    grid, order = entering.grid, out.order()
    padded = np.zeros((grid.size, out.places, out.words(lanes) // out.places * lanes), np.int64)
    padded[:, :, : out.channels] = weight.T[entering.order][:, order].reshape(grid.size, out.places, -1)
    return Kernel(
        rows=[((0, y),) for y in range(grid.rows)],
        columns=[((0, x),) for x in range(grid.columns)],
        out=out,
        across=grid.columns,
        weight=padded.reshape(grid.places, grid.channels, -1),
        bias=bias[order].astype(np.int64).reshape(out.places, -1),
    )


def convolution_kernel(weight: Ints, bias: Ints, window: Window, entering: Grid, out: Grid, lanes: int) -> Kernel:
    """Of a convolution, w [O, I/groups, KH, KW].

    Args:
        weight, bias, window: of the layer. entering, out: how its input and its output lie. lanes: of the output.
    """
    outputs, fan_in, kh, kw = weight.shape
    groups = entering.channels // fan_in
    each = outputs // groups
    rows, columns = windowed(window, entering, out)
    first = (np.arange(entering.channels) // fan_in * each) // lanes
    last = (np.arange(entering.channels) // fan_in * each + each - 1) // lanes
    reached = int((last - first).max()) + 1
    first = np.minimum(first, -(-outputs // lanes) - reached)
    laid = np.zeros((kh * kw, entering.channels, reached * lanes), np.int64)
    for channel in range(entering.channels):
        group, local = divmod(channel, fan_in)
        start = group * each - int(first[channel]) * lanes
        laid[:, channel, start : start + each] = weight[group * each : (group + 1) * each, local].reshape(each, -1).T
    return Kernel(rows, columns, out, kw, laid, bias.astype(np.int64), first if groups > 1 else None)


def channelwise_kernel(rows: Sequence[Taps], columns: Sequence[Taps], entering: Grid, out: Grid, lanes: int) -> Kernel:
    """A layer whose channels stay apart and whose weights are 1: pooling, upsampling, a copy.

    Args:
        rows, columns: what each reaches. entering, out: how the values lie. lanes: of the output.
    """
    channels = np.arange(entering.channels)
    ones = np.eye(lanes, dtype=np.int64)[None]  # one row for each lane
    flat = [tuple((o, 0) for o, _ in taps) for taps in rows], [tuple((o, 0) for o, _ in taps) for taps in columns]
    bias = np.zeros(entering.channels, np.int64)
    return Kernel(*flat, out, 1, ones, bias, first=channels // lanes, chosen=channels % lanes)


def largest(kernel: Kernel) -> tuple[int, int]:
    """How many places a row reaches at most, and a column."""
    return max(1, *map(len, kernel.rows)), max(1, *map(len, kernel.columns))


@dataclass(frozen=True)
class Laid:
    """The numbers of a kernel as they lie in memories, and their widths."""

    parameters: dict[str, int]
    memories: dict[str, Memory]


def laid(kernel: Kernel, entering: Grid, lanes: int, sum_bits: int) -> Laid:
    """The tables, weights and biases of a layer of sums.

    Args:
        kernel: the layer. entering: how its input lies. lanes: of its output. sum_bits: of a sum.
    """
    places, rows_of_weights, width_of_weights = kernel.weight.shape
    reached = width_of_weights // lanes
    groups = -(-kernel.out.channels // lanes)
    words, weights = kernel.out.places * groups, places * rows_of_weights * reached
    word_bits, address_bits = counting(words), counting(weights)
    low, high = int(kernel.weight.min()), int(kernel.weight.max())
    width = 1 + max((~low).bit_length() if low < 0 else 0, high.bit_length())

    def axis(taps: Sequence[Taps], word: Callable[[int], int], weight: Callable[[int], int]) -> Memory:
        most = max(1, *map(len, taps)) if taps else 1
        most = 1 << counting(most) if most > 1 else 1  # so that an address is two numbers side by side
        table = np.zeros((len(taps) * most, 4), np.int64)  # weight, word, more, any: from the lowest bits up
        for place, reaches in enumerate(taps):
            for n, (o, k) in enumerate(reaches):
                table[place * most + n] = weight(k), word(o), n + 1 < len(reaches), 1
        return Memory(table, (address_bits, word_bits, 1, 1))

    per_place = rows_of_weights if kernel.chosen is None else 0
    by_word = kernel.weight.reshape(places * rows_of_weights, reached, lanes)
    side_by_side = reached & (reached - 1) == 0  # then no adder is needed for their addresses
    if not side_by_side:
        by_word = by_word.transpose(1, 0, 2)
    memories = {
        "ROW_FILE": axis(kernel.rows, lambda o: o * kernel.out.columns * groups, lambda k: k * kernel.across * per_place),
        "COLUMN_FILE": axis(kernel.columns, lambda o: o * groups, lambda k: k * per_place),
        "WEIGHT_FILE": Memory(by_word.reshape(-1, lanes), (width,) * lanes),
    }
    if kernel.first is not None:
        chosen = kernel.chosen if kernel.chosen is not None else np.arange(entering.channels)
        memories["CHANNEL_FILE"] = Memory(np.stack([chosen, kernel.first], axis=1), (address_bits, word_bits))
    if kernel.bias.any():
        bias = np.atleast_2d(kernel.bias)
        padded = np.zeros((len(bias), groups * lanes), np.int64)
        padded[:, : kernel.out.channels] = bias
        memories["BIAS_FILE"] = Memory(padded.reshape(-1, lanes), (sum_bits,) * lanes)
    row_taps, column_taps = largest(kernel)
    biases = groups * len(np.atleast_2d(kernel.bias))
    return Laid(
        {
            "LANES": lanes,
            "WEIGHT": width,
            "SUM": sum_bits,
            "WORDS": words,
            "WORD": word_bits,
            "WEIGHTS": weights,
            "WEIGHT_ADDRESS": address_bits,
            "PIECE": piece(weights, lanes * width),
            "REACHED": reached,
            "ROW_TAPS": row_taps,
            "COLUMN_TAPS": column_taps,
            "ROWS": entering.rows,
            "COLUMNS": entering.columns,
            "CHANNELS": entering.channels,
            "NEXT": 0 if side_by_side else places * rows_of_weights,
            "ROW_TAP": counting(row_taps),
            "COLUMN_TAP": counting(column_taps),
            "ROW_ENTRY": counting(entering.rows) + (counting(row_taps) if row_taps > 1 else 0),
            "COLUMN_ENTRY": counting(entering.columns) + (counting(column_taps) if column_taps > 1 else 0),
            "BIASES": biases,
            "BIAS": counting(biases),
            "MAXIMUM": int(kernel.maximum),
        },
        memories,
    )

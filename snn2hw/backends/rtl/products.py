"""The product of two values of the network: one is kept as a matrix, the events of the other one are multiplied by it."""

from __future__ import annotations

import numpy as np

from snn2hw.backends.rtl.design import Memory, Module, Port
from snn2hw.backends.rtl.parts import Parameters, Parts, Signal, addressed
from snn2hw.backends.rtl.streams import EVENTS, WORDS, Grid, Stream, counting, numbered
from snn2hw.layers import IntMatMul
from snn2hw.trace import Ints


def product(parts: Parts, node: IntMatMul) -> Signal:
    """y_h = A_h B_h, A_h^T B_h or A_h B_h^T. A value of B reaches, at one place of y, all channels of its head.

    These lie side by side in words, so that the words of A that it is multiplied by do, too, a whole number of them for each
    head: `lanes_of` sees to that. In A itself they are the channels of a head at one place, or, transposed, the places of one
    channel.
    """
    a, b = (parts.events(name) for name in node.inputs)
    assert np.array_equal(a.order, a.grid.order())
    assert np.array_equal(b.order, b.grid.order())
    made = parts.stream(node, WORDS)
    if parts.holds_up(b, a):
        b = _queued(parts, node, b)
    lanes, matrix = made.lanes, a.grid.size // made.lanes
    turned = node.transposed == "first"
    steps = (a.grid.columns, 1, a.grid.places) if turned else (a.grid.columns * a.grid.channels, a.grid.channels, 1)
    place, word = counting(matrix), counting(made.words)
    row, column, channel = a.grid.address
    parameters: Parameters = {
        "ROW_A": row, "COLUMN_A": column, "CHANNEL_A": channel, "VALUE_A": a.bits, "SIGNED_A": int(a.signed),
        "ROW_STEP": steps[0], "COLUMN_STEP": steps[1], "CHANNEL_STEP": steps[2],
        **addressed(b), "VALUE": b.bits, "VALUE_SIGNED": int(b.signed),
        "ROWS": b.grid.rows, "COLUMNS": b.grid.columns, "CHANNELS": b.grid.channels,
        "LANES": lanes, "LANE": lanes.bit_length() - 1, "MATRIX": matrix, "PLACE": place,
        "REACHED": node.shape[0] // node.heads // lanes, "SUM": made.bits, "WORDS": made.words, "WORD": word,
    }  # fmt: skip
    tables = zip(("ROW_FILE", "COLUMN_FILE", "CHANNEL_FILE"), starts(node, a.grid, b.grid, made), strict=True)
    memories = {name: Memory(table, (place, word)) for name, table in tables}
    held = 2 * made.words * lanes * made.bits + 2 * a.grid.size * a.bits  # two banks, and two matrices
    ports = (Port("a", a), Port("b", b)), (Port("out", made),)
    parts.add(Module("snn_product", parts.name(node, "product"), node.name, parameters, *ports, ram=held), memories)
    return Signal(words=made)


def starts(node: IntMatMul, a: Grid, b: Grid, made: Stream) -> tuple[Ints, Ints, Ints]:
    """For each row, column and channel of B: (word of the matrix, word of y); their sums are where the words of an event begin.

    Args:
        node: the product. a, b: how its two sides lie. made: the words of y.
    """
    lanes, groups = made.lanes, made.groups
    each = node.shape[0] // node.heads // lanes  # words of a head at one place of y
    channels = np.arange(b.channels)
    head, within = np.divmod(channels, b.channels // node.heads)
    along = a.channels // lanes  # words of one place of the matrix, where it lies as A does
    if node.transposed == "second":  # the places of B are summed over, its channels are those of y's places
        place_step, of_channel = (along, 0), (head * each, within * groups + head * each)
    elif node.transposed == "first":
        place_step, of_channel = (0, groups), (channels * each, head * each)
    else:
        place_step, of_channel = (0, groups), (within * along + head * each, head * each)
    columns = np.arange(b.columns)[:, None] * np.array([place_step])
    rows = np.arange(b.rows)[:, None] * np.array([place_step]) * b.columns
    return rows, columns, np.stack(of_channel, axis=1)


def _queued(parts: Parts, node: IntMatMul, entering: Stream) -> Stream:
    """The second side behind a queue that holds a step of it."""
    made = parts.stream(parts.nodes[entering.node], EVENTS, like=entering)
    most = entering.grid.size + 1  # and the end of the step
    bits = sum(made.grid.address)
    parameters: Parameters = {
        "ADDRESS": bits, "VALUE": made.bits, "WORDS": most, "WORD": counting(most), "COUNT": numbered(most),
    }  # fmt: skip
    ports = (Port("in", entering),), (Port("out", made),)
    held = most * (1 + bits + made.bits)
    parts.add(Module("snn_queue", parts.name(node, "queue"), node.name, parameters, *ports, ram=held))
    return made

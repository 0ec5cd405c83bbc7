"""How a convolution or linear layer is summed: its tiles, its bounds, its weights in the order in which they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.plan import ALIGN, Value
from snn2hw.backends.c.runtime import BLOCK, LANES
from snn2hw.backends.c.tile_plan import Tiling, depth, pays, tiling
from snn2hw.errors import UnsupportedError
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.num import Interval
from snn2hw.trace import Ints

INT32_MAX, INT16_MAX, INT8_MAX, UINT8_MAX = 2**31 - 1, 32767, 127, 255
MOST_CHANNELS = 1 << 16  # that a list of events can name
MOST_STACK = 1 << 21  # bytes of sums that one place takes, which lie on the stack
MOST_EVENT = 64  # a larger spike value is an image or a sum, of which nearly nothing is zero
MOST_LIST, MOST_OWN = 1 << 26, 1 << 24  # bytes of the lists of one place; of those that a thread has, unless one place has more
SHORTEST_FLUSH = 4  # sums in int16 that are widened more often are better taken in int32 at once
PIECES = 4  # chosen: into which a layer is cut for several threads, if it has so many
CHUNK = 16  # places whose events are listed together, so that weights are read that many times less often
ROWS, MOST_ROWS = 8, 32  # of a part of a tile, for which weights are loaded once; of a tile
FULL, CALL = 3, 0.5  # chosen: rows below which a part costs no less, for it waits for weights; rows that it costs besides
ROW = 32  # bytes of weights that an event adds in one instruction
LEAST = 512  # chosen, by `python -m bench.shares`: products of a place of the kernel, below which events hardly ever pay
BIASED = 128  # is added to the weights of signed events, whose instruction takes them unsigned


@dataclass(frozen=True)
class Synapse:
    """How a layer is summed.

    Args:
        zero: added to spike values so that none is negative. fits: whether they are then 8 bits; else they are laid out as int32.
        fan_in: channels of one group, a multiple of four. runs, run: pieces of the fan-in that lie together, and their length.
        places: output places that a tile takes, side by side.
        flush: how often products of two pairs are added in int16 before they are widened; 0: each at once, or no tile at all.
        events: the same for a pair of events; 0: always dense.
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
        """Whether a spike value is 0 or 1, so that an event is an addition."""
        return self.source.node.interval in Interval(0, 1)

    @property
    def signed(self) -> bool:
        """Whether a spike value can be negative."""
        return self.source.node.interval.lo < 0

    @property
    def per_group(self) -> int:
        """Output channels of a group."""
        return self.value.channels // self.groups

    @property
    def entering(self) -> int:
        """Input channels of a group."""
        return self.source.channels // self.groups

    @property
    def depthwise(self) -> bool:
        """Whether each output channel sees one input channel of its own."""
        return self.groups > 1 and self.entering == self.per_group == 1

    @property
    def taps(self) -> int:
        """Places of the kernel."""
        return self.window.kernel[0] * self.window.kernel[1]

    @property
    def block(self) -> int:
        """Output channels that are taken together in a group."""
        return min(-(-self.per_group // LANES) * LANES, BLOCK)

    @property
    def blocks(self) -> int:
        """Blocks of output channels of a group."""
        return -(-self.per_group // self.block)

    @property
    def row(self) -> int:
        """Bytes of weights that an event adds."""
        return -(-self.block // ROW) * ROW

    @property
    def listed(self) -> int:
        """Most events of a place, even, with room for what is copied too much."""
        return (self.taps * self.entering + 1) // 2 * 2 + 32

    @property
    def chunk(self) -> int:
        """Places whose events are listed together: fewer of long samples, whose lists are long."""
        return max(1, min(CHUNK, self.value.places, MOST_OWN // (self.source.steps * self.listed * 5)))

    @property
    def team_chunk(self) -> int:
        """The same where several threads sum the layer: a few chunks for each, unless they cut one chunk into pieces."""
        return self.chunk if self.team_pieces > 1 else max(1, min(self.chunk, self.value.places // PIECES))

    @property
    def team_pieces(self) -> int:
        """Into how many pieces several threads cut the blocks of output channels, so that each reads the weights of its own only;
        1 where there are places enough to share."""
        return min(PIECES, self.blocks) if self.chunk >= self.value.places else 1

    @property
    def cells(self) -> int:
        """Places of the input, of all steps and groups: each has a list."""
        return self.source.steps * self.source.places * self.groups

    @property
    def list_offsets(self) -> list[int]:
        """Where the lists lie in the scratch: channels, spike values, counts and totals of every input place; last the end."""
        inputs = self.cells * self.entering
        return _ends(2 * inputs, inputs, 4 * self.cells, 4 * self.cells)

    @property
    def own_offsets(self) -> list[int]:
        """Where the lists of one thread lie in what it has of its own: offsets of weights and spike values for each place of a
        chunk, channels and spike values of a last place, how long the lists are and the sums of their values; last the end."""
        lists = self.chunk * self.source.steps
        return _ends(4 * lists * self.listed, lists * self.listed, 2 * self.entering, self.entering, 4 * lists, 4 * lists)

    @property
    def own(self) -> int:
        """Bytes that each thread needs for itself."""
        return self.own_offsets[-1] if self.events else 0

    @property
    def products(self) -> int:
        """Of a dense sum, all steps."""
        return self.source.steps * self.value.places * self.value.channels * self.taps * self.entering

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of the input with its padding."""
        (h, w), (ph, pw) = self.source.size, self.window.padding
        return h + 2 * ph, w + 2 * pw

    @property
    def scratch(self) -> int:
        """Bytes that summing needs: the padded input, or the lists of events."""
        h, w = self.padded
        laid = self.source.steps * h * w * self.groups * self.fan_in * (1 if self.fits else 4) + ALIGN
        dense = 0 if self.depthwise else laid
        tiles = self.tiling.bytes if self.tiling is not None else 0
        return max(dense, tiles, self.list_offsets[-1] if self.events else 0)

    @property
    def tiling(self) -> Tiling | None:
        """The tiles of a matrix unit; None where spike values need more than 8 bits, or where tiles would be nearly empty."""
        if not self.fits or not pays(self.entering):
            return None
        return tiling(self.source.steps, self.groups * self.fan_in, self.padded, self.window, self.value.size)


def _ends(*sizes: int) -> list[int]:
    """Where arrays of so many bytes begin that lie one behind the other, and the end of the last."""
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + (size + 3 * ALIGN - 1) // ALIGN * ALIGN)  # what is written too much, 64 events, stays within
    return ends


def synapse(node: IntConv2d | IntLinear, source: Value, value: Value, forced: bool = True) -> Synapse:
    """Decide how a layer is summed.

    Args:
        node: with its integer weights. source: what enters. value: the sums that leave.
        forced: whether it can be summed by events although that hardly ever pays, for whoever asks for it.

    Raises:
        UnsupportedError: so many steps that the sums of one place would not fit the stack.
    """
    held = source.node.interval.hull(Interval(0, 0))
    zero = -held.lo
    window = node.window if isinstance(node, IntConv2d) else Window((1, 1))
    groups = node.groups if isinstance(node, IntConv2d) else 1
    entering = source.channels // groups
    fan_in = depth(entering) * -(-entering // depth(entering))
    together = groups == 1 and window.dilation[1] == 1
    runs = window.kernel[0] * (1 if together else window.kernel[1])
    weights = np.abs(node.weight.astype(np.int64)).reshape(len(node.weight), -1)
    weight = max(int(weights.max(initial=0)), 1)
    sums = (held.hi + zero) * int(weights.sum(1).max(initial=0))
    bias = int(np.abs(node.bias.astype(np.int64)).max(initial=0))
    fits = held.hi + zero <= UINT8_MAX and 2 * sums + bias <= INT32_MAX
    zero = zero if fits else 0
    if (problem := too_many_steps(node, source.steps)) is not None:
        raise problem
    pairs = INT16_MAX // max(2 * (held.hi + zero) * weight, 1)
    flush = pairs if fits and held.hi + zero <= INT8_MAX and pairs >= SHORTEST_FLUSH else 0
    taps = window.kernel[0] * window.kernel[1]
    listed = entering <= MOST_CHANNELS and source.steps * taps * entering * 5 <= MOST_LIST
    places = _places(source.steps, value.size[1])
    made = Synapse(
        node, source, value, zero, fits, groups, window, fan_in, runs, fan_in * (window.kernel[1] if together else 1),
        places, flush, _events(source.node.interval, weight, taps * entering, bias) if listed else 0,
    )  # fmt: skip
    return made if forced or made.entering * made.per_group >= LEAST else replace(made, events=0)


def _places(steps: int, width: int) -> int:
    """Output places that a tile takes: as many as make the sums of a row of the output cost least, and of these the fewest.

    A tile has a row for each step of each place; those of places beyond the output are summed in vain. It is summed in parts of
    equal size (`snn_tile`), and parts of few rows wait for weights.
    """

    def cost(places: int) -> float:
        rows = places * steps
        parts = -(-rows // ROWS)
        return -(-width // places) * parts * (max(rows / parts, FULL) + CALL)

    return min(range(1, max(1, min(width, MOST_ROWS // steps)) + 1), key=cost)


def too_many_steps(node: IntConv2d | IntLinear, steps: int) -> UnsupportedError | None:
    """Why a layer that sees so many steps cannot be summed: what one place takes lies on the stack. None where it can."""
    each = _places(steps, 1) * BLOCK * 4
    if each * steps <= MOST_STACK:
        return None
    return UnsupportedError(
        "the generated C keeps the sums of all steps at hand, and there are too many",
        where=node.source or node.name,
        got=f"{steps} steps",
        expected=f"at most {MOST_STACK // each}",
        do="use another executor, or shorter samples",
    )


def _events(spikes: Interval, weight: int, fan_in: int, bias: int) -> int:
    """How many pairs of events int16 holds; 0 where an input is always dense, such as an image, or sums could leave int32."""
    weight = weight + BIASED if spikes.lo < 0 else weight
    if spikes.magnitude > MOST_EVENT or 2 * spikes.magnitude * weight * fan_in + bias > INT32_MAX:
        return 0
    return INT16_MAX // max(2 * spikes.magnitude * weight, 1)


def packed(s: Synapse) -> npt.NDArray[np.int8]:
    """Weights [groups][blocks][block / LANES][fan-in / 4][LANES][4]; what is beyond a group's channels is 0."""
    rows = _rows(s, s.fan_in, s.block)  # group, blocks, fan-in, block
    split = rows.reshape(s.groups, s.blocks, s.taps * s.fan_in // 4, 4, s.block // LANES, LANES)
    return np.ascontiguousarray(split.transpose(0, 1, 4, 2, 5, 3))


def packed_events(s: Synapse) -> npt.NDArray[np.generic]:
    """Weights [groups][blocks][taps * inputs + 1][row]: what one event adds lies together; the last row adds nothing."""
    rows = _rows(s, s.entering, s.block)
    full = np.zeros((s.groups, s.blocks, s.taps * s.entering + 1, s.row), np.int8)
    full[:, :, :-1, : s.block] = rows
    return (full.astype(np.int16) + BIASED).astype(np.uint8) if s.signed else full


def _rows(s: Synapse, fan_in: int, block: int) -> npt.NDArray[np.int8]:
    kh, kw = s.window.kernel
    weight = s.node.weight.reshape(s.groups, s.per_group, -1, kh, kw).transpose(0, 3, 4, 2, 1)  # group, ky, kx, in, out
    full = np.zeros((s.groups, kh, kw, fan_in, s.blocks * block), np.int8)
    full[:, :, :, : weight.shape[3], : s.per_group] = weight
    rows: npt.NDArray[np.int8] = full.reshape(s.groups, kh * kw * fan_in, s.blocks, block).transpose(0, 2, 1, 3)
    return rows


def biases(s: Synapse, zero: int) -> Ints:
    """Bias less what `zero` adds to every sum, [groups][blocks * block]."""
    total = s.node.weight.reshape(s.value.channels, -1).astype(np.int64).sum(1)
    full = np.zeros((s.groups, s.blocks * s.block), np.int64)
    full[:, : s.per_group] = (s.node.bias.astype(np.int64) - zero * total).reshape(s.groups, s.per_group)
    return full

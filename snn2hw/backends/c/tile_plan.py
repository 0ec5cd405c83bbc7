"""How a layer is summed in tiles of a matrix unit (AMX): 16 rows of 64 spike values by 64 rows of 16 channels.

A row is a place of the input at one step. A tile is loaded from rows that lie equally far apart, so the padded input has the
steps of a place behind each other, and places that a stride takes together behind each other, too:
[height][place across modulo the stride][place across / stride][steps][groups * fan-in].
"""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.ir.shapes import Window

ROWS, DEPTH = 16, 64  # of a tile at most, and spike values of a row
MOST_ROWS = 4 * ROWS  # summed with the weights once read, unless a single place has more steps
LEAST_FAN_IN = 16  # below, a tile is so empty that vectors are quicker


def depth(entering: int) -> int:
    """Spike values of a row of a tile: a multiple of four, for `entering` channels in as few tiles of the same size as do."""
    tiles = -(-entering // DEPTH)
    return -(-entering // (4 * tiles)) * 4


@dataclass(frozen=True)
class Tiling:
    """The tiles of a layer.

    Args:
        steps: T. inner: spike values of a place at one step, of all groups.
        line, phases: places of the padded input that a stride takes together, and how many such lines a row of places has.
        height: of the padded input.
        places: output places side by side that a cell has. across: cells side by side. down: output height.
    """

    steps: int
    inner: int
    line: int
    phases: int
    height: int
    window: Window
    places: int
    across: int
    down: int

    @property
    def rows(self) -> int:
        """Of a tile."""
        return min(ROWS, self.places * self.steps)

    @property
    def tiles(self) -> int:
        """Of a cell, below each other."""
        return -(-self.places * self.steps // ROWS)

    @property
    def together(self) -> int:
        """Cells that are summed together, so that weights are read that many times less often."""
        return min(max(MOST_ROWS // ROWS // self.tiles, 1), self.across * self.down)

    @property
    def bytes(self) -> int:
        """Of the padded input, with what the last tile reads beyond it."""
        return (self.height * self.below + self.tiles * ROWS) * self.inner

    @property
    def below(self) -> int:
        """Rows from a place to the one below it."""
        return self.phases * self.line * self.steps

    @property
    def offsets(self) -> list[int]:
        """Where the places of the kernel lie behind its first, in spike values."""
        (kh, kw), (dy, dx) = self.window.kernel, self.window.dilation
        across = [kx * dx % self.phases * self.line + kx * dx // self.phases for kx in range(kw)]
        return [(ky * dy * self.below + x * self.steps) * self.inner for ky in range(kh) for x in across]


def tiling(steps: int, inner: int, padded: tuple[int, int], window: Window, out: tuple[int, int]) -> Tiling:
    """The tiles of a layer.

    Args:
        steps: T. inner: spike values of a place. padded: height and width of the input.
        window: kernel, stride, dilation. out: height and width of the output.
    """
    phases = window.stride[1]
    line = -(-padded[1] // phases)
    sizes = range(1, max(min(out[1], MOST_ROWS // steps), 1) + 1)
    places = min(reversed(sizes), key=lambda n: -(-out[1] // n) * -(-n * steps // ROWS))  # least tiles; of these the most places
    return Tiling(steps, inner, line, phases, padded[0], window, places, -(-out[1] // places), out[0])


def pays(entering: int) -> bool:
    """Whether tiles are full enough."""
    return entering >= LEAST_FAN_IN

"""What runs between the modules of a design: events, or words of as many values as a layer has lanes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from snn2hw.ir.shapes import Shape
from snn2hw.num import Interval
from snn2hw.trace import Ints

EVENTS, WORDS = "events", "words"


@dataclass(frozen=True)
class Grid:
    """How the values of a layer lie in the hardware: channels fastest, then columns, then rows."""

    rows: int
    columns: int
    channels: int

    @staticmethod
    def of(shape: Shape) -> Grid:
        """Of [C], [C, places] or [C, H, W]."""
        channels, *places = shape
        rows, columns = [1, 1, *places][-2:]
        return Grid(rows, columns, channels)

    @property
    def places(self) -> int:
        """Rows times columns."""
        return self.rows * self.columns

    @property
    def size(self) -> int:
        """How many values there are."""
        return self.places * self.channels

    @property
    def address(self) -> tuple[int, int, int]:
        """Bits of a row, a column and a channel."""
        return counting(self.rows), counting(self.columns), counting(self.channels)

    def order(self) -> Ints:
        """At which place of the flattened [C, H, W] each value stands, in the order of the hardware."""
        numbers = np.arange(self.size).reshape(self.channels, self.rows, self.columns)
        return np.ascontiguousarray(numbers.transpose(1, 2, 0)).ravel()

    def words(self, lanes: int) -> int:
        """How many words there are; the last of every place has room to spare where the channels are no multiple."""
        return self.places * -(-self.channels // lanes)


@dataclass(frozen=True, eq=False)
class Stream:
    """One value of the network on its way from a module to others.

    Args:
        name: of its wires. kind: EVENTS or WORDS. interval: of its values. grid: how they lie.
        order: where each stands in the flattened value of its node, in the order of the hardware.
        lanes: values in a word. still: whether it comes once for each sample, and not at every step.
        node: of the network, whose value it is.
    """

    name: str
    kind: str
    interval: Interval
    grid: Grid
    order: Ints = field(repr=False)
    lanes: int = 1
    still: bool = False
    node: str = ""

    @property
    def bits(self) -> int:
        """Of one value."""
        return self.interval.bits[0]

    @property
    def signed(self) -> bool:
        """Whether a value can be negative."""
        return self.interval.bits[1]

    @property
    def words(self) -> int:
        """How many words a step has."""
        return self.grid.words(self.lanes)

    @property
    def groups(self) -> int:
        """Words at each place."""
        return -(-self.grid.channels // self.lanes)

    def places(self) -> Ints:
        """[words, lanes]: where each value of a word stands in the flattened value of the node; -1 for lanes to spare."""
        room = np.full((self.grid.places, self.groups * self.lanes), -1, np.int64)
        room[:, : self.grid.channels] = self.order.reshape(self.grid.places, self.grid.channels)
        return room.reshape(self.words, self.lanes)


def counting(count: int) -> int:
    """Bits that number so many things from 0; 1 at least."""
    return max(1, (count - 1).bit_length())


def numbered(most: int) -> int:
    """Bits that hold every whole number up to this one."""
    return max(1, most.bit_length())

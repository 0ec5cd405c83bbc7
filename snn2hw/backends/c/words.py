"""Weights behind binary spikes in the C folder: words of 32 bits, of which two outputs are summed in one addition.

A field of a word holds weight + 2^(bits - 1), which is never negative, as in `packing`; the first output lies in the lowest
bits. A mask leaves two fields of a word, 16 bits apart, and the rows of the active inputs are added like this, so many that
no sum leaves its 16 bits. Then both sums are taken out, less what each row added too much (`rows_code`). Words are read as
words, so the byte order of the machine does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snn2hw.backends.c.packing import field_bits
from snn2hw.ir.integer import IntNode
from snn2hw.layers import IntConv2d, IntLinear
from snn2hw.num import Interval

WORD, HALF = 32, 16  # bits of a word, and of each of the two sums in it
SUMS = 4  # words of sums at least that are kept in registers, so that a row is found once for them
LANES = (8, 4, 2)  # words of a vector, 8 only where the processor adds as many (`templates/folder/lanes.c`)
LISTED = 64  # active inputs whose rows are added together; 65535 / 255 of them would fit
FEWEST = 32  # inputs of an output below which so few are active that it does not pay to take sums apart


@dataclass(frozen=True)
class Words:
    """How the rows of a layer lie in words.

    Args:
        bits: of a field. outputs: of a row, which fill whole blocks of words. listed: most inputs in the list of a place.
    """

    bits: int
    outputs: int
    listed: int

    @property
    def each(self) -> int:
        """Outputs of a word."""
        return WORD // self.bits

    @property
    def pairs(self) -> int:
        """Additions of a word, each of two outputs."""
        return HALF // self.bits

    @property
    def block(self) -> int:
        """Words that are summed at a time."""
        return max(SUMS // self.pairs, 1)

    @property
    def lanes(self) -> int:
        """Words that a vector of the layer holds at most, by which a row can be divided; 1 where it can be by none."""
        return next((n for n in LANES if self.columns % n == 0), 1)

    @property
    def vectors(self) -> int:
        """Vectors that are summed at a time."""
        return self.block if self.columns % (self.block * self.lanes) == 0 else 1

    @property
    def columns(self) -> int:
        """Words of a row."""
        return self.outputs // self.each

    @property
    def zero(self) -> int:
        """What a field holds for a weight of 0."""
        return 1 << (self.bits - 1)

    def packed(self, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.uint32]:
        """Rows [R, outputs] of weights as words [R, columns]."""
        fields = (rows.astype(np.int64) + self.zero).astype(np.uint32).reshape(len(rows), -1, self.each)
        places = fields << (np.arange(self.each, dtype=np.uint32) * np.uint32(self.bits))
        made: npt.NDArray[np.uint32] = np.bitwise_or.reduce(places, axis=2)
        return made


def words(node: IntConv2d | IntLinear, source: IntNode) -> Words | None:
    """How a layer's weights lie in words; None where they do not, and are added one by one.

    Args:
        node: the synapse. source: what it reads, binary spikes or something else.
    """
    groups = node.groups if isinstance(node, IntConv2d) else 1
    inputs = int(np.prod(node.weight.shape[1:]))
    made = Words(field_bits(node.weight), len(node.weight) // groups, min(LISTED, inputs))
    pays = inputs >= FEWEST and made.outputs % (made.each * made.block) == 0
    return made if pays and source.interval in Interval(0, 1) else None

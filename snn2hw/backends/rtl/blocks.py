"""Blocks of memory: how many of them a memory takes, and into which pieces one of constants is cut."""

from __future__ import annotations

from snn2hw.backends.rtl.streams import counting

BLOCK = 18  # kbit of a block of memory
BLOCKS = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))  # places and bits of a block of 18 kbit
SMALL = 2048  # bits of a memory, up to which it is made of look-up tables
MOST_PIECES = 16  # of a memory of constants, where there are blocks that are deep enough


def blocks(depth: int, width: int) -> int:
    """Blocks of 18 kbit that a memory of so many places and bits takes; 0 where it is made of look-up tables."""
    if depth * width <= SMALL or depth <= 16:
        return 0
    return min(_taken(depth, width, shape) for shape in BLOCKS)


def piece(depth: int, width: int) -> int:
    """Bits that count the places of a piece: of the shape of block that takes the fewest, the deepest of those.

    Where a memory is deeper than a block, what chooses between blocks lies behind them. `snn_pieces` registers what leaves
    each piece in front of that.
    """
    if blocks(depth, width) == 0:
        return counting(depth)
    shapes = [s for s in BLOCKS if depth <= MOST_PIECES * s[0]] or [BLOCKS[-1]]
    places, _ = min(reversed(shapes), key=lambda shape: _taken(depth, width, shape))
    return min(counting(places), counting(depth))


def _taken(depth: int, width: int, shape: tuple[int, int]) -> int:
    places, bits = shape
    return -(-depth // places) * -(-width // bits)

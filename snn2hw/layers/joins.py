"""What layers that join several values have in common: one binary point for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from snn2hw.errors import UnsupportedError
from snn2hw.ir.integer import IntNode
from snn2hw.ir.limits import MAX_SHIFT, whole
from snn2hw.ir.network import Node
from snn2hw.ir.scale import Scale


def aligned(node: Node, what: str, inputs: Sequence[Scale]) -> tuple[Scale, tuple[int, ...]]:
    """The finest of the scales, and by how many bits each input is shifted to have it.

    Args:
        node: the join; its own name and those of its inputs are for messages. inputs: their scales, in this order.
        what: the join, for messages: "this addition".

    Raises:
        UnsupportedError: inputs whose scales differ by a factor that is no power of two.
    """
    first = inputs[0]
    for name, scale in zip(node.inputs, inputs, strict=True):
        if scale.unit != first.unit:
            raise UnsupportedError(
                f"{what} joins branches whose scales differ by a factor that is no power of two",
                where=node.source or node.name,
                got=f"'{node.inputs[0]}' in units of {first.unit}, '{name}' in units of {scale.unit}",
                expected="equal units, up to a power of two",
                do="put a Conv2d or Linear on the branch with the image or the average, or average over 2x2 or 4x4",
            )
    frac = max(s.frac for s in inputs)
    return Scale(first.unit, (frac,)), tuple(frac - s.frac for s in inputs)


def misaligned(node: IntNode, sources: Sequence[IntNode], shifts: Sequence[int]) -> Iterator[tuple[str, str]]:
    """What is wrong where the shifts do not bring all inputs to the binary point of the node.

    Args:
        node: the join. sources: its inputs, in their order. shifts: bits by which each is shifted to the left.
    """
    fracs = {s.format.frac + shift for s, shift in zip(sources, shifts, strict=True)}
    if fracs != {node.format.frac} or min(shifts) < 0:
        yield "the branches are not brought to one binary point", f"{[str(s.format) for s in sources]} << {tuple(shifts)}"


def broken_shifts(what: str, shifts: tuple[int, ...], inputs: int) -> Iterator[tuple[str, str]]:
    """What is wrong where there is not one shift for each input, which int32 has room for.

    Args:
        what: the join, for messages. shifts: bits to the left, one per input. inputs: how many there are.
    """
    if not (whole(shifts, -MAX_SHIFT, MAX_SHIFT) and len(shifts) == inputs):
        yield f"the branches of {what} shift by {MAX_SHIFT} bits at most", repr(shifts)[:200]

"""What the simulator watches beside the integers that it compares: that no value leaves the interval that is proved for it."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.backends.rtl.datapath import Datapath
from snn2hw.backends.rtl.expressions import Operand, literal
from snn2hw.backends.rtl.streams import Stream


def watched(path: Datapath) -> list[str]:
    """The values whose bits hold more than their interval, by name; the others cannot leave it.

    A value that is cut to the lower bits that its readers take has no interval of its own any more.
    """
    found = []
    for i in path.program.instructions:
        value, bits = path.operands[i.name], path.bits[i.name]
        if value.constant is None and bits == value.interval.bits[0] and _edges(value, bits):
            found.append(i.name)
    return found


def watching(path: Datapath, stream: Stream, series: int) -> list[str]:
    """Lines of one lane, that report the number of a value in `watched` as soon as it is outside.

    Args:
        path: whose values. stream: of the spikes. series: the layer's, in what is reported.
    """
    lines = []
    real = stream.grid.channels % stream.lanes or stream.lanes  # lanes that hold a neuron in every word
    spare = f"lane < {real} && " if real < stream.lanes else ""
    for n, name in enumerate(watched(path)):
        value, stage = path.operands[name], path.cut.stage[name]
        there = "layer.entered" if stage == 0 else f"layer.computing[{stage - 1}]"
        outside = " || ".join(_edges(value, path.bits[name]))
        lines += [
            f"always_ff @(posedge clk) if ({spare}!reset && {there} && ({outside}))",
            f"  snn2hw_outside({series}, {n});",
        ]
    return lines


def said(path: Datapath) -> Sequence[str]:
    """Name and interval of each value of `watched`."""
    return tuple(f"{name}, which is proved to lie in {path.operands[name].interval}" for name in watched(path))


def _edges(value: Operand, bits: int) -> list[str]:
    """Comparisons that are true outside of the interval, where so many bits can be."""
    lo, hi = value.interval.lo, value.interval.hi
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if lo < 0 else (0, (1 << bits) - 1)
    wide = value.bits
    below = [f"{value.signed} < {literal(lo, wide)}"] if lo > least else []
    return below + ([f"{value.signed} > {literal(hi, wide)}"] if hi < most else [])

"""narrow: every value gets the narrowest format that intervals prove sufficient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from snn2hw.ir.builder import with_narrowest_formats
from snn2hw.ir.integer import IntNeuron, IntNode
from snn2hw.num import Format
from snn2hw.passes.base import Compilation, Pass


@dataclass(frozen=True)
class Narrow(Pass):
    """Only formats change; every value stays the same integer."""

    name: ClassVar[str] = "narrow"
    says: ClassVar[str] = "the narrowest formats that intervals prove sufficient"

    def ensures(self, before: Compilation, after: Compilation) -> Iterator[str]:
        """No value got wider, and nothing but formats changed."""
        for old, new in zip(before.network.nodes, after.network.nodes, strict=True):
            if new.format.width > old.format.width:
                yield f"'{new.name}' grew from {old.format} to {new.format}"
            if isinstance(old, IntNeuron) and isinstance(new, IntNeuron) and _without_formats(old) != _without_formats(new):
                yield f"the program of '{new.name}' changed"

    def run(self, c: Compilation) -> Compilation:
        """The compilation with narrow formats on every edge and in every program."""
        return replace(c, integer=replace(c.network, nodes=tuple(_narrowed(n) for n in c.network.nodes)))


def _without_formats(node: IntNeuron) -> list[tuple[object, ...]]:
    return [(i.name, i.op, i.args, i.attrs, i.format.frac) for i in node.program.instructions]


def _narrowed(node: IntNode) -> IntNode:
    if isinstance(node, IntNeuron):
        node = replace(node, program=with_narrowest_formats(node.program)[0])
    return replace(node, format=Format.holding(node.interval, node.format.frac))

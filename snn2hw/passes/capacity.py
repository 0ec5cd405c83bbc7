"""capacity: can the target do what the network asks for, and has it room? Asked before anything large is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from snn2hw.lack import Lack
from snn2hw.passes.base import Compilation, Pass
from snn2hw.passes.fits import does_not_fit, target_lacks
from snn2hw.passes.too_large import too_large


@dataclass(frozen=True)
class Capacity(Pass):
    """Everything that the target cannot do, in one table, before a sample is run.

    A network that is larger than one chip compiles, as it may be spread over several; that it is larger is a finding, and a
    line of the table where there is one.

    Raises:
        UnsupportedError: listing every layer and what the target lacks for it, as far as the float network tells.
        WidthError: the same, where a single layer is too wide.
    """

    name: ClassVar[str] = "capacity"
    says: ClassVar[str] = "what the target cannot do, and how many neurons, synapses and axons it has"

    def run(self, c: Compilation) -> Compilation:
        """The same network, with what is too large among the findings."""
        found = tuple(too_large(c.real, c.target))
        if lacks := target_lacks(c):
            raise does_not_fit(c.target, lacks + [Lack(f.where, f.what, f.got, remedy=f.remedy) for f in found])
        return replace(c, findings=(*c.findings, *found))

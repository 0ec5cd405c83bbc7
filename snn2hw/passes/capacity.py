"""capacity: does the target's own table have room for so many neurons? Asked before anything large is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from snn2hw.passes.base import Compilation, Pass
from snn2hw.passes.findings import too_many


@dataclass(frozen=True)
class Capacity(Pass):
    """A network that is larger than one chip compiles, as it may be spread over several; that it is larger is a finding."""

    name: ClassVar[str] = "capacity"
    says: ClassVar[str] = "compare the number of neurons with the target's own table"

    def run(self, c: Compilation) -> Compilation:
        """The same network, with what is too large among the findings."""
        return replace(c, findings=(*c.findings, *too_many(c.real, c.target)))

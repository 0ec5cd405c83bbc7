"""A network on the cores of chips: which neurons lie where, what each core holds, and what is sent from core to core.

`document` is what `mapping.json` holds (docs/reference/mapping.md); another program needs nothing else to load a chip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.estimation.mapping.loads import Arrangement
from snn2hw.estimation.mapping.placing import Places, chip_loads, spikes_between_chips
from snn2hw.estimation.mapping.problem import OUTSIDE
from snn2hw.files.kinds import MAPPING
from snn2hw.files.seal import BLANK
from snn2hw.files.write import check_file, write_file
from snn2hw.shown import brief
from snn2hw.target import Chip, Cores

VERSION = 1


@dataclass(frozen=True, eq=False)
class Mapping:
    """A network on cores.

    Args:
        chip: the target. network: how the network is called. arrangement: blocks on cores, with what each core needs.
        places: the chip, and the core of it, of each core in use.
        greedy: spikes from core to core where block after block is laid down in order.
        fewest: spikes from core to core that every arrangement sends at least. fewest_cores: that every one takes.
        found_by: what found it: greedy, search, or a partitioner.
        counted: whether spikes were counted on samples; where they were not, every value sends one.
    """

    chip: Chip
    network: str
    arrangement: Arrangement
    places: Places
    greedy: float
    fewest: float
    fewest_cores: int
    found_by: str
    counted: bool

    __repr__ = brief

    @property
    def cores(self) -> int:
        """Cores in use."""
        return self.arrangement.cores

    @property
    def chip_cores(self) -> int:
        """Cores of a chip, the fewest that a source says."""
        return self._cores.per_chip

    @property
    def chips(self) -> int:
        """Chips in use."""
        return int(self.places.chip.max(initial=-1)) + 1

    @property
    def spikes_between_cores(self) -> float:
        """Per sample, those from outside among them, each counted once for each core that it reaches."""
        return self.arrangement.crossing

    @cached_property
    def spikes_between_chips(self) -> float:
        """Per sample, each counted once for each core on another chip that it reaches."""
        return spikes_between_chips(self.arrangement, self.places.chip)

    @cached_property
    def chip_loads(self) -> dict[str, Any]:
        """Limit -> [chips] of what a whole chip may hold."""
        return chip_loads(self.arrangement, self.places.chip)

    @cached_property
    def utilisation(self) -> dict[str, Any]:
        """Limit -> [cores] the share of it that is used."""
        stated = self._cores
        found = {}
        for name, load in self.arrangement.loads.items():
            limits = [stated.stated(name, int(k)) or 1 for k in self.places.position]
            found[name] = load / np.array(limits, np.float64)
        return found

    def document(self) -> dict[str, Any]:
        """What `mapping.json` holds: plain lists, numbers and texts."""
        a, p = self.arrangement, self.arrangement.problem
        on: list[list[dict[str, Any]]] = [[] for _ in range(self.cores)]
        for block, core in zip(p.blocks, a.core.tolist(), strict=True):
            ranges = {"channels": list(block.channels), "rows": list(block.rows), "columns": list(block.columns)}
            on[core].append({"layer": block.layer, **ranges})
        source, target, axons, spikes = a.routes
        return {
            "version": VERSION,
            "network": self.network,
            "target": self.chip.name,
            "layers": {layer.name: {"kind": layer.population.kind, "shape": list(layer.population.view)}
                       for layer in p.found.layers.values()},
            "cores": [
                {"core": k, "chip": int(self.places.chip[k]), "position": int(self.places.position[k]), "blocks": _merged(on[k]),
                 "loads": {name: int(load[k]) for name, load in a.loads.items()}}
                for k in range(self.cores)
            ],
            "routes": [
                {"from": None if s == OUTSIDE else s, "to": t, "axons": n, "spikes": w}
                for s, t, n, w in zip(source.tolist(), target.tolist(), axons.tolist(), spikes.tolist(), strict=True)
            ],
            "spikes": {
                "counted_on_samples": self.counted, "between_cores": self.spikes_between_cores,
                "between_chips": self.spikes_between_chips, "greedy": self.greedy, "at_least": self.fewest,
            },
            "cores_at_least": self.fewest_cores,
            "found_by": self.found_by,
        }  # fmt: skip

    def write(self, path: Path) -> Path:
        """Write the document as JSON, whose last field says whether it is as it was written; the path that was written.

        Raises:
            UsageError: the file is none that may be written: of another kind, or somebody else's.
        """
        check_file(path, MAPPING)
        text = json.dumps({**self.document(), "seal": BLANK.decode()}, allow_nan=False).encode() + b"\n"
        write_file(path, text, sealing=True)
        return path

    @property
    def _cores(self) -> Cores:
        return self.arrangement.problem.cores


def _merged(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks of one layer that lie beside each other along one axis, as one."""
    for axis in ("columns", "rows", "channels"):
        others = [a for a in ("layer", "channels", "rows", "columns") if a != axis]
        groups: Dict[Any, list[dict[str, Any]]] = {}
        for block in blocks:
            groups.setdefault(json.dumps([block[a] for a in others]), []).append(block)  # type: ignore[attr-defined]
        blocks = []
        for alike in groups.values():
            for block in sorted(alike, key=lambda b: b[axis]):
                last = blocks[-1] if blocks else None
                if last and all(last[a] == block[a] for a in others) and last[axis][1] == block[axis][0]:
                    last[axis] = [last[axis][0], block[axis][1]]
                else:
                    blocks.append({**block})
    return blocks

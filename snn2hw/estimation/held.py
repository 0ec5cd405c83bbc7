"""What one kind of target says of a network: whether it fits, what it takes, how long a sample lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from snn2hw.artefact import Artefact
from snn2hw.estimation.counts import Counts
from snn2hw.estimation.quantity import Quantity
from snn2hw.shown import brief
from snn2hw.target import Chip
from snn2hw.trace import Ints, Trace


@dataclass(frozen=True, eq=False)
class Asked:
    """A network, a target, and a run.

    Args:
        counts: of all samples. payloads, trace: of a few of them, at most one batch.
    """

    artefact: Artefact
    chip: Chip
    counts: Counts
    payloads: Ints
    trace: Trace

    __repr__ = brief


@dataclass(frozen=True)
class Used:
    """So much of something is taken, of so much that there is; None where that is not public."""

    used: float
    limit: float | None
    unit: str

    @property
    def share(self) -> float | None:
        """used / limit."""
        return None if self.limit is None else self.used / self.limit


@dataclass(frozen=True)
class Held:
    """The answer of one kind of target.

    Args:
        fits: None where the target states no limit. reasons: why it does not fit, each in a sentence.
        not_public: limits that nobody has published, in words. notes: what else a reader must know.
        cores, chips: how many are taken, of a target that has them. memory: by kind.
        latency: of a sample; `no_latency` says why there is none.
        destinations: of what a layer fires, to how many cores it is sent. hops: pairs of (layer, steps between cores)...
        mapping: which neurons lie where, of a target with cores.
    """

    fits: bool | None
    reasons: tuple[str, ...] = ()
    not_public: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cores: int | None = None
    chips: int | None = None
    memory: Mapping[str, Used] = field(default_factory=dict)
    latency: Quantity | None = None
    no_latency: str = "no cycle of it is public; of a chip that runs in real time, say how long a step lasts (--step-time)"
    destinations: Mapping[str, float] = field(default_factory=dict)
    mapping: Any = None

    __repr__ = brief

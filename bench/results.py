"""What a run found; all that the report says is taken from here."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.lava_layers import Lava
from bench.layers import Layer
from bench.memory import Memory


@dataclass(frozen=True)
class Measured:
    """A network that was run several ways.

    Args:
        wish: density asked for in percent; None: thresholds as they come. density: reached.
        macs, bytes: of one sample, see `networks.macs` and `networks.traffic`.
        seconds: way (or ceiling of the machine) -> one figure for each round, of the whole batch.
    """

    name: str
    kind: str
    wish: int | None
    density: float
    steps: int
    batch: int
    macs: int
    bytes: int
    seconds: dict[str, list[float]]


@dataclass
class Results:
    """One run.

    Args:
        machine: what it ran on, in words. command: that made it. ceilings: name -> work of a call, and its unit.
        networks: side by side, with ceilings; further: networks of depthwise, and of linear layers; densities: forced; steps:
            other T. memory_of: the network that was streamed.
        many: one call with many samples. comparing: percent of the reference's time that `verify` takes beside its executors.
        start: seconds of what is done before a network runs. seconds: that the run took.
    """

    machine: dict[str, str]
    command: str
    ceilings: dict[str, tuple[int, str]] = field(default_factory=dict)
    networks: list[Measured] = field(default_factory=list)
    further: list[Measured] = field(default_factory=list)
    densities: list[Measured] = field(default_factory=list)
    steps: list[Measured] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    layer_steps: list[Layer] = field(default_factory=list)
    lava: Lava | None = None
    memory: Memory | None = None
    memory_of: str = ""
    many: Measured | None = None
    comparing: list[float] = field(default_factory=list)
    start: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def network(self, name: str, kind: str, batch: int) -> Measured | None:
        """One of `networks`."""
        return next((m for m in self.networks if (m.name, m.kind, m.batch) == (name, kind, batch)), None)

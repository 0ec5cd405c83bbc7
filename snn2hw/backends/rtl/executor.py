"""rtl: the network as SystemVerilog. Written as a folder, or run in Verilator, every spike and state recorded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from snn2hw.artefact import Artefact
from snn2hw.backends.base import gated
from snn2hw.backends.fast.executor import threads
from snn2hw.backends.rtl.beats import trace
from snn2hw.backends.rtl.build import Folding, build
from snn2hw.backends.rtl.lack import lacks
from snn2hw.backends.rtl.simulation import Simulator, simulator, unavailable
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.run.forks import ForkLock
from snn2hw.trace import Ints, Trace

KEPT = 8  # networks


class Rtl:
    """The design of a network, cycle by cycle.

    Args:
        folding: its lanes.
    """

    name = "rtl"
    description = "SystemVerilog for an FPGA, simulated cycle by cycle in Verilator"
    on_request = True

    def __init__(self, folding: Folding | None = None) -> None:
        self.folding = folding or Folding()
        self._made: OrderedDict[tuple[bytes, bool], Simulator] = OrderedDict()
        self._lock = ForkLock()
        self._said = ""

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        """Layers that there is no module for."""
        return lacks(network)

    def unavailable(self) -> str:
        """Why there is no Verilator or no C++ compiler, and what to install."""
        return unavailable()

    @gated
    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        """The trace of payloads [T, N, ...].

        Arguments as `Executor.run`.

        Raises:
            ExecutorUnavailableError: no Verilator or no compiler, or one that fails.
        """
        net = artefact.network
        still = net.input.static and bool((payloads == payloads[:1]).all())
        found = self.made(artefact, still).run(payloads, traces, threads=threads())
        self._said = f"{int(found.cycles.min()):,} to {int(found.cycles.max()):,} cycles a sample"
        return trace(self.made(artefact, still).design, net, found.readout, found.recorded)

    def measured(self) -> str:
        """Clock cycles of the samples of the last run."""
        return self._said

    def made(self, artefact: Artefact, still: bool) -> Simulator:
        """The simulation of a network, for images that are shown T times or not; the last few are kept.

        Args:
            artefact: the compiled model. still: whether what enters is the same at every step.
        """
        key = artefact.model, still
        with self._lock:
            if key not in self._made:
                self._made[key] = simulator(build(stepped(artefact.network, still), self.folding))
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


def stepped(network: IntegerNetwork, still: bool) -> IntegerNetwork:
    """The network itself, or one that is given every step of what enters."""
    if still or not network.input.static:
        return network
    return replace(network, nodes=(replace(network.input, static=False), *network.nodes[1:]))

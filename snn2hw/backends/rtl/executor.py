"""rtl: the network as SystemVerilog. Written as a folder, or run in Verilator, every spike and state recorded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from snn2hw.artefact import EXPORTED_RTL, Artefact
from snn2hw.backends.base import Exported, gated
from snn2hw.backends.fast.executor import threads
from snn2hw.backends.rtl.beats import trace
from snn2hw.backends.rtl.build import build
from snn2hw.backends.rtl.folder import MADE, RTL_FOLDER, rtl_folder
from snn2hw.backends.rtl.lack import lacks
from snn2hw.backends.rtl.parts import MEGAHERTZ, Folding
from snn2hw.backends.rtl.simulation import Simulator, simulator, unavailable
from snn2hw.errors import UsageError
from snn2hw.files.record import recorded, sha256
from snn2hw.files.write import check_folder, write_folder
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.run.forks import ForkLock
from snn2hw.trace import Ints, Trace
from snn2hw.vectors import read_vectors
from snn2hw.version import __version__

KEPT = 8  # networks
MOST_LANES = 1024
SLOWEST, FASTEST = 1, 500  # megahertz


class Rtl:
    """The design of a network, cycle by cycle.

    Args:
        folding: its lanes.
    """

    name = "rtl"
    description = "SystemVerilog for an FPGA, simulated cycle by cycle in Verilator"
    on_request = True
    writes = EXPORTED_RTL

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

    def emit(
        self,
        artefact: Artefact,
        out: Path,
        *,
        parallel: int = 1,
        megahertz: float = MEGAHERTZ,
        vectors: int = 4,
        force: bool = False,
    ) -> Exported:
        """Write the folder: SystemVerilog, memories, a test bench with samples of vectors.npz, a Makefile, a README.

        Args:
            artefact: with the network and vectors.npz. out: the folder to write, made where there is none.
            parallel: lanes of every layer, at most; rounded down to a power of two.
            megahertz: the clock that the registers of the neurons are placed for.
            vectors: how many samples the test bench sends. force: whether an earlier folder is replaced although it was edited.

        Raises:
            UsageError: an option out of range, or a folder that holds something else, was edited, or cannot be written.
            ArtefactError: no vectors.
        """
        check_folder(out, RTL_FOLDER, force=force)
        folding = Folding(lanes=_power("parallel", parallel), megahertz=_clock(megahertz))
        design = build(artefact.network, folding)
        payloads, trace = read_vectors(artefact)
        model = sha256(artefact.model)
        files = rtl_folder(artefact.network, design, model, payloads, trace.readout, vectors, folding)
        facts = {"snn2hw": __version__, "model": model, "parallel": folding.lanes, "megahertz": folding.megahertz}
        write_folder(out, recorded({n: t.encode() for n, t in files.items()}, facts, MADE), RTL_FOLDER, force=force)
        return Exported(out, next=("make", "-C", str(out)))

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


def _power(name: str, given: int) -> int:
    """The largest power of two up to a number from 1 to 1024."""
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_LANES:
        raise UsageError(f"{name} is out of range", got=repr(given), expected=f"a whole number from 1 to {MOST_LANES}")
    return 1 << given.bit_length() - 1


def _clock(given: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not SLOWEST <= given <= FASTEST:
        raise UsageError("megahertz is out of range", got=repr(given), expected=f"a number from {SLOWEST} to {FASTEST}")
    return float(given)


def stepped(network: IntegerNetwork, still: bool) -> IntegerNetwork:
    """The network itself, or one that is given every step of what enters."""
    if still or not network.input.static:
        return network
    return replace(network, nodes=(replace(network.input, static=False), *network.nodes[1:]))

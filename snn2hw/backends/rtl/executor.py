"""rtl: the network as SystemVerilog. Written as a folder, or run in Verilator, every spike and state recorded."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from snn2hw.artefact import EXPORTED_RTL, Artefact
from snn2hw.backends.base import Exported, gated
from snn2hw.backends.fast.executor import threads
from snn2hw.backends.rtl.beats import trace
from snn2hw.backends.rtl.build import build, lanes_of
from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.estimate import Activity
from snn2hw.backends.rtl.folder import MADE, RTL_FOLDER, rtl_folder
from snn2hw.backends.rtl.lack import lacks
from snn2hw.backends.rtl.options import Wanted, chosen
from snn2hw.backends.rtl.parts import MEGAHERTZ, Folding
from snn2hw.backends.rtl.simulation import Simulator, simulator, unavailable
from snn2hw.backends.rtl.synthesis import STEPS, Progress, measured, untold
from snn2hw.backends.rtl.synthesis import board as find_board
from snn2hw.errors import UnsupportedError
from snn2hw.files.record import recorded, sha256
from snn2hw.files.write import check_folder, write_folder
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.lack import Lack
from snn2hw.run.forks import ForkLock
from snn2hw.target import load_chip, target_names
from snn2hw.trace import Ints, Trace
from snn2hw.vectors import read_vectors
from snn2hw.version import __version__

KEPT = 8  # networks
FEW, MOST = (1, 8), 64  # lanes that are tried for a simulation
BOARD = "ecp5-85k"


class Rtl:
    """The design of a network, cycle by cycle.

    Args:
        folding: its lanes; None: as few as a network of its size can be simulated with.
    """

    name = "rtl"
    description = "SystemVerilog for an FPGA, simulated cycle by cycle in Verilator"
    on_request = True
    writes = EXPORTED_RTL

    def __init__(self, folding: Folding | None = None) -> None:
        self.folding = folding
        self._made: OrderedDict[tuple[bytes, bool], Simulator] = OrderedDict()
        self._lock = ForkLock()
        self._said = ""

    def __reduce__(self) -> tuple[type[Rtl], tuple[Folding | None]]:
        """Another process makes its own simulators; the compiler's work is in the cache."""
        return Rtl, (self.folding,)

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
        made = self.made(artefact, still)
        found = made.run(payloads, traces, threads=threads())
        self._said = f"{int(found.cycles.min()):,} to {int(found.cycles.max()):,} cycles a sample"
        return trace(made.design, net, found.readout, found.recorded)

    def emit(
        self,
        artefact: Artefact,
        out: Path,
        *,
        parallel: int | None = None,
        budget: str | Mapping[str, int] | None = None,
        board: str | None = None,
        rate: float | None = None,
        megahertz: float = MEGAHERTZ,
        vectors: int = 4,
        synthesise: bool = False,
        force: bool = False,
        progress: Progress = untold,
    ) -> Exported:
        """Write the folder: SystemVerilog, memories, a test bench with samples of vectors.npz, a Makefile, a README.

        Args:
            artefact: with the network and vectors.npz. out: the folder to write, made where there is none.
            parallel: lanes of every layer, at most; rounded down to a power of two; 1 where nothing else is said.
            budget: in place of that: "luts=5000,brams=20,dsps=8", or some of them; the fastest that is expected to fit.
            board: the same, for a target that is an FPGA, where none of the others is stated.
            rate: samples a second; the smallest that is expected to take them.
            megahertz: the clock that the registers of the neurons are placed for.
            vectors: how many samples the test bench sends.
            synthesise: whether yosys and nextpnr measure it for the board, that of the artefact or ecp5-85k where none is
                stated; what they find is in synthesis.json.
            force: whether an earlier folder is replaced although it was edited.
            progress: is told of each step as it begins: what, how many are done, of how many.

        Raises:
            UsageError: an option out of range, or a folder that holds something else, was edited, or cannot be written.
            ArtefactError: no vectors. TargetError: a board that is none.
            ExecutorUnavailableError: no yosys, or one that fails, where it is asked for.
        """
        chip = _measured_for(artefact, board) if synthesise else ""
        check_folder(out, RTL_FOLDER, force=force)
        payloads, trace = read_vectors(artefact)
        only_measured = synthesise and not (parallel is None and budget is None and rate is None)
        progress("choosing lanes", 0, STEPS)
        wanted = Wanted(parallel, budget, None if only_measured else board, rate, megahertz)
        activity = Activity.of(artefact.network, payloads, trace)
        choice = chosen(artefact.network, wanted, activity)
        folding, design = choice.folding, choice.design
        model = sha256(artefact.model)
        files = rtl_folder(artefact.network, design, model, payloads, trace.readout, vectors, folding)
        lanes = lanes_of(artefact.network, folding)
        facts = {"snn2hw": __version__, "model": model, "lanes": lanes, "megahertz": folding.megahertz}
        report = None
        if synthesise:
            found = measured(design, chip, folding.megahertz, payloads, progress)
            files["synthesis.json"] = json.dumps(found.as_json(), indent=1) + "\n"
            report = found.report()
        write_folder(out, recorded({n: t.encode() for n, t in files.items()}, facts, MADE), RTL_FOLDER, force=force)
        return Exported(out, next=("make", "-C", str(out)), report=report, notes=(choice.said(lanes, activity),))

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
                self._made[key] = simulator(_built(stepped(artefact.network, still), self.folding))
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


def _measured_for(artefact: Artefact, name: str | None) -> str:
    """The board that is measured for: the one that is named, the artefact's, or one that open tools place on."""
    own = artefact.network.target
    found = name or (own if own in target_names() and load_chip(own).fpga is not None else BOARD)
    find_board(found)
    return found


def _built(network: IntegerNetwork, folding: Folding | None) -> Design:
    """The design with these lanes, or with as few as it can have."""
    for lanes in FEW if folding is None else ():
        with suppress(UnsupportedError):
            return build(network, Folding(lanes))
    return build(network, folding or Folding(MOST))


def stepped(network: IntegerNetwork, still: bool) -> IntegerNetwork:
    """The network itself, or one that is given every step of what enters."""
    if still or not network.input.static:
        return network
    return replace(network, nodes=(replace(network.input, static=False), *network.nodes[1:]))

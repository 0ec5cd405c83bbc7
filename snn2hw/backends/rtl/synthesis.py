"""What a design takes of an FPGA, layer by layer, the clock that it reaches there, and how fast it then is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.backends.base import Report
from snn2hw.backends.rtl.blocks import BLOCK
from snn2hw.backends.rtl.design import Design
from snn2hw.backends.rtl.estimate import of_module
from snn2hw.backends.rtl.families import FAMILIES, Family, Resources
from snn2hw.backends.rtl.place import NEXTPNR, Placed, placed
from snn2hw.backends.rtl.place import SECONDS as PLACE_SECONDS
from snn2hw.backends.rtl.simulation import simulator, unavailable
from snn2hw.backends.rtl.yosys import SECONDS as YOSYS_SECONDS
from snn2hw.backends.rtl.yosys import YOSYS, netlist
from snn2hw.errors import TargetError
from snn2hw.target import Fpga, Target, load_chip, load_target, target_names
from snn2hw.trace import Ints

ALONE = 8  # samples that are simulated one by one
STEPS = 4  # of an export: lanes, Verilator, yosys, nextpnr
BETWEEN = "between the layers"
EXPECTED = "expected"  # with the name in front: a terminal that is narrow may show the two columns in two tables
Progress = Callable[[str, int, int], None]  # what is done, how many steps are behind it, of how many


def untold(what: str, done: int, total: int) -> None:
    """Nobody is told of the steps.

    Args:
        what, done, total: what is done, how many steps are behind it, of how many.
    """


@dataclass(frozen=True)
class Synthesis:
    """The report.

    Args:
        board, says, family: the target, in words, and its family. layers: what each takes, in the order of the network;
            they are optimised one by one, and the whole is their sum. expected: the same, as `resources` of the estimate has
            it, by which lanes are chosen, in blocks and multipliers of the family.
        available: what the chip has. short: what there is too little of, in words; empty where the design fits.
        megahertz: the target of the clock. fmax: that is reached, None where nothing was placed; `unplaced` says why.
        path: where the path begins and ends that decides it. used: what nextpnr counts, the shell included.
        cycles: of a sample that comes alone, interval: from the end of a sample to that of the next where they come one
            after the other, as the simulator measured them. tools: and their versions.
        warnings: of yosys. unknown: cells that are in no column.
    """

    board: str
    says: str
    family: str
    layers: Mapping[str, Resources]
    expected: Mapping[str, Resources]
    available: Resources
    short: tuple[str, ...]
    megahertz: float
    fmax: float | None = None
    unplaced: str = ""
    path: tuple[str, str] = ("", "")
    used: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    cycles: float | None = None
    interval: float | None = None
    tools: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def whole(self) -> Resources:
        """All layers together."""
        return sum(self.layers.values(), Resources())

    @property
    def fits(self) -> bool:
        """Whether the chip has enough of everything, and nextpnr found a place for it if it was asked."""
        return not self.short

    @property
    def latency(self) -> float | None:
        """Microseconds of a sample that comes alone, at the clock that is reached."""
        return None if self.fmax is None or self.cycles is None else self.cycles / self.fmax

    @property
    def throughput(self) -> float | None:
        """Samples a second at that clock, one after the other."""
        return None if self.fmax is None or self.interval is None else 1e6 * self.fmax / self.interval

    def table(self) -> tuple[list[str], list[list[str]]]:
        """(columns, rows): a row for each layer, then the whole, then what the chip has."""
        lut, ff, bram, dsp = FAMILIES[self.family].names
        blocks = f"{bram.split()[0]} {EXPECTED}"  # "EBR of 18 kbit" is too long a name to say twice
        columns = ["layer", lut, f"{lut} {EXPECTED}", f"{lut} as memory", ff, f"{ff} {EXPECTED}"]
        columns += [bram, blocks, dsp, f"{dsp} {EXPECTED}"]
        nothing = Resources()
        rows = [[name, *_cells(r, self.expected.get(name, nothing))] for name, r in self.layers.items()]
        has = self.available
        rows.append(["all", *_cells(self.whole, sum(self.expected.values(), nothing))])
        rows.append([self.board, f"{has.luts:,}", "", "", f"{has.ffs:,}", "", f"{has.brams:,}", "", f"{has.dsps:,}", ""])
        return columns, rows

    def lines(self) -> list[str]:
        """What stands below the table, in words."""
        found = [f"does not fit: {text}" for text in self.short] or [f"fits {self.board}"]
        if self.fmax is not None:
            reached = "reached" if self.fmax >= self.megahertz else "missed"
            found.append(f"clock: {self.fmax:.1f} MHz after place and route; the target of {self.megahertz:g} MHz is {reached}")
            if any(self.path):
                found.append(f"its slowest path: {self.path[0]} -> {self.path[1]}")
        else:
            found.append(f"clock: not known; {self.unplaced}")
        if self.cycles is None or self.interval is None:
            found.append("a sample: cycles not known; there was no simulation of it")
        elif self.latency is None or self.throughput is None:
            found.append(f"a sample: {self.cycles:,.0f} cycles alone, one every {self.interval:,.0f} cycles")
        else:
            found.append(
                f"a sample: {self.cycles:,.0f} cycles alone, {self.latency:,.1f} us; "
                f"one every {self.interval:,.0f} cycles, {self.throughput:,.0f} a second"
            )
        found += [f"{count} cells {cell} are in no column" for cell, count in self.unknown.items()]
        found += [f"yosys: {text}" for text in self.warnings]
        tools = ", ".join(f"{name} {version}" for name, version in self.tools.items())
        found.append(f"each layer is optimised by itself, and the whole is their sum; {tools}")
        found.append("expected: before any tool has run, in look-up tables of four inputs; --budget, --board and --rate go by it")
        return found

    def report(self) -> Report:
        """The table with its lines."""
        columns, rows = self.table()
        return Report(f"{self.board}: {self.says}", columns, rows, self.lines())

    def as_json(self) -> dict[str, Any]:
        """All of it, for a file."""
        made = asdict(self)
        names = dict(zip(("luts", "ffs", "brams", "dsps"), FAMILIES[self.family].names, strict=True))
        return {
            **made, "units": names, "whole": asdict(self.whole), "fits": self.fits,
            "latency_us": self.latency, "samples_per_second": self.throughput,
        }  # fmt: skip


def _cells(r: Resources, e: Resources) -> list[str]:
    return [f"{n:,}" for n in (r.luts, e.luts, r.lutrams, r.ffs, e.ffs, r.brams, e.brams, r.dsps, e.dsps)]


def _expected(design: Design, family: Family) -> dict[str, Resources]:
    """What each layer is expected to take, in the blocks and multipliers of a family."""
    found: dict[str, Resources] = {}
    for module in design.modules:
        found[module.node] = found.get(module.node, Resources()) + of_module(module, design)
    blocks = {name: -(-r.brams * BLOCK // family.block) for name, r in found.items()}
    return {name: replace(r, brams=blocks[name], dsps=r.dsps * family.multiplier) for name, r in found.items()}


def board(name: str) -> tuple[Target, Fpga]:
    """A target that is an FPGA.

    Args:
        name: as of `load_target`.

    Raises:
        TargetError: no such target, or one that is no FPGA or of a family that yosys is not called for.
    """
    target = load_target(name)
    if target.fpga is None or target.fpga.family not in FAMILIES:
        boards = [n for n in target_names() if load_chip(n).fpga is not None]
        raise TargetError(
            "this target is no FPGA that can be synthesised for" if target.fpga is None else "nothing is known of this family",
            got=f"'{name}'" if target.fpga is None else f"'{target.fpga.family}' of '{name}'",
            expected=", ".join(boards if target.fpga is None else FAMILIES),
            do="name one of these, or the path of a TOML file of your own with a section [fpga]",
        )
    return target, target.fpga


def synthesise(
    design: Design,
    name: str,
    *,
    place: bool = True,
    megahertz: float = 100.0,
    cycles: tuple[float, float] | None = None,
    seed: int = 1,
    seconds: tuple[float, float] = (YOSYS_SECONDS, PLACE_SECONDS),
    progress: Progress = untold,
) -> Synthesis:
    """The report on a design for a board.

    Args:
        design: as `build` makes it. name: of the board, a target with a section [fpga].
        place: whether nextpnr places it, where it fits. megahertz: the target of the clock.
        cycles: of a sample alone, and from one to the next, as the simulator measured them. seed: of the placement.
        seconds: after which yosys and nextpnr are stopped. progress: is told of each step as it begins.

    Raises:
        TargetError: the board is none.
        ExecutorUnavailableError: no yosys, or one that fails or is not done in time.
    """
    target, fpga = board(name)
    has = Resources(fpga.luts, fpga.ffs, fpga.brams, fpga.dsps)
    with tempfile.TemporaryDirectory(prefix="snn2hw-") as work:
        progress(f"yosys for {target.name}", STEPS - 2, STEPS)
        made = netlist(design, fpga.family, fpga.device, Path(work), seconds[0])
        layers = {name or BETWEEN: r for name, r in made.layers.items()}
        short = _short(sum(layers.values(), Resources()), has, FAMILIES[fpga.family].names)
        found: Placed | str = "place and route was not asked for"
        if place and short:
            found = "a design that does not fit is not placed"
        elif place:
            progress(f"nextpnr for {target.name} at {megahertz:g} MHz", STEPS - 1, STEPS)
            found = placed(made.file, fpga, megahertz, seed, seconds[1])
    tools = {"yosys": YOSYS.version().removeprefix("Yosys ").split(" (")[0]}
    told: dict[str, Any] = {"unplaced": found}
    if isinstance(found, Placed):
        tools["nextpnr"] = NEXTPNR[fpga.family].version().rpartition("nextpnr-")[2].rstrip(")")
        told = {"fmax": found.megahertz, "path": found.path, "used": found.used}
    alone, interval = cycles or (None, None)
    expected = _expected(design, FAMILIES[fpga.family])
    return Synthesis(
        target.name, target.says, fpga.family, layers, expected, has, short, megahertz, cycles=alone, interval=interval,
        tools=tools, warnings=tuple(made.warnings), unknown=made.unknown, **told,
    )  # fmt: skip


def measured(design: Design, name: str, megahertz: float, payloads: Ints, progress: Progress = untold) -> Synthesis:
    """The report with the cycles of a sample, which Verilator counts where it is there.

    Args:
        design, name, megahertz, progress: as of `synthesise`.
        payloads: [T, N, ...] samples, of which those are sent that the design takes.

    Raises:
        TargetError, ExecutorUnavailableError: as of `synthesise`.
    """
    cycles = None
    if not unavailable():
        still = (payloads == payloads[:1]).all(axis=tuple(k for k in range(payloads.ndim) if k != 1))
        sent = payloads[:, still] if design.entry.still else payloads
        if sent.shape[1]:
            progress(f"Verilator, {sent.shape[1]} samples", STEPS - 3, STEPS)
            cycles = _simulated(design, sent)
    return synthesise(design, name, megahertz=megahertz, cycles=cycles, progress=progress)


def _simulated(design: Design, payloads: Ints) -> tuple[float, float]:
    """Cycles of a sample that comes alone, and from one to the next; each an average."""
    run = simulator(design).run
    samples = range(min(payloads.shape[1], ALONE))
    alone = [run(payloads[:, n : n + 1], traces=False).cycles[0] for n in samples]
    together = run(payloads, traces=False).cycles
    return float(np.mean(alone)), float((together[1:] if len(together) > 1 else together).mean())


def _short(needs: Resources, has: Resources, names: tuple[str, str, str, str]) -> tuple[str, ...]:
    """What there is too little of, and by how much."""
    pairs = zip(names, ("luts", "ffs", "brams", "dsps"), strict=True)
    found = ((name, getattr(needs, key), getattr(has, key)) for name, key in pairs)
    return tuple(f"{name}: {need:,} of {there:,}, {need - there:,} too many" for name, need, there in found if need > there)

"""What networks take of an FPGA, and how many cycles a sample: `python -m bench.rtl [--write]`.

The MNIST networks of `models/`, with every number of lanes: look-up tables, registers, memories and multipliers as
yosys counts them, cycles as Verilator counts them on images of the test split, and every spike and state compared
with the reference on them. Accuracy is that of the integers on the whole test split. Published designs stand beside.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.figure import Figure

import snn2hw
from bench.inserted import insert
from bench.pictures import STYLE
from snn2hw.backends.reference import interpret
from snn2hw.backends.rtl.beats import trace
from snn2hw.backends.rtl.build import build
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.simulation import simulator
from snn2hw.backends.rtl.synthesis import synthesise
from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.passes.findings import LossWarning
from snn2hw.trace import Ints, Trace
from snn2hw.user_models import find_model, models_folder

ROOT = Path(__file__).resolve().parent.parent
PAGE, FOLDER = ROOT / "docs" / "how-to" / "rtl.md", ROOT / "docs" / "how-to" / "rtl"
CLOCK = 100.0  # megahertz, at which latencies are stated
LANES = (1, 2, 4, 8, 16, 32, 64)
BOARDS = ("artix7-35t", "ecp5-85k")
PLACED = (1, 8)  # lanes of mnist_lif with which nextpnr is asked for the clock


@dataclass(frozen=True)
class Anchor:
    """A published design; figures at second hand, as the project's sources have them.

    Args:
        name: and where it is from. luts, brams: of a Xilinx 7, RAMB36 where fractions occur. microseconds: of a sample.
        accuracy: percent on MNIST.
    """

    name: str
    luts: int
    brams: float
    microseconds: float
    accuracy: str


ANCHORS = (
    Anchor("Spiker+ (VHDL, clock-driven)", 7612, 18, 780, "93.85"),
    Anchor("Flexi-NeurA (arXiv 2602.18140)", 1623, 7, 1100, "96.2-97.2"),
)


@dataclass(frozen=True)
class Point:
    """A network with so many lanes.

    Args:
        model, lanes: which. accuracy: of the integers on the test split. images: on which cycles were counted.
        compared, differing: integers of these images. alone: cycles of an image that comes alone, mean and most.
        behind: mean cycles from one readout to the next where images follow each other.
        boards: by name, luts, ffs, brams, dsps, of them those of the neurons, and the clock that was reached or None.
    """

    model: str
    lanes: int
    accuracy: float
    images: int
    compared: int
    differing: int
    alone: tuple[float, int]
    behind: float
    boards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def microseconds(self) -> float:
        """Of an image that comes alone, at 100 MHz."""
        return self.alone[0] / CLOCK


def measure(name: str, lanes: Sequence[int], images: int, boards: Sequence[str], place: bool,
            say: Callable[[str], None]) -> list[Point]:  # fmt: skip
    """A network of `models/` with each number of lanes.

    Args:
        name: of its folder. lanes: numbers of them. images: of the test split that are simulated. boards: that yosys counts for.
        place: whether nextpnr looks for the clock, with the lanes of `PLACED`. say: is told what is done.
    """
    found = find_model(str(models_folder() / name))
    assert found.source is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        artefact = snn2hw.compile(found.module, found.sample, steps=found.steps, options=found.source.OPTIONS)
    x, labels = (v.numpy() for v in found.source.test_data())
    accuracy = float((snn2hw.simulate(artefact, x, traces=False).predictions == labels).mean())
    payloads = encode(artefact.network, x[:images])
    expected = interpret(artefact.network, payloads)
    made = []
    for count in lanes:
        say(f"{name}, {count} lanes")
        made.append(_point(name, artefact.network, count, accuracy, payloads, expected, boards, place and count in PLACED))
    return made


def _point(name: str, network: IntegerNetwork, lanes: int, accuracy: float, payloads: Ints, expected: Trace,
           boards: Sequence[str], place: bool) -> Point:  # fmt: skip
    design = build(network, Folding(lanes, megahertz=CLOCK))
    made = simulator(design)
    run = made.run(payloads)
    compared, differing = _compared(expected, trace(design, network, run.readout, run.recorded))
    alone = np.array([made.run(payloads[:, n : n + 1], traces=False).cycles[0] for n in range(payloads.shape[1])])
    taken = {}
    for board in boards:
        report = synthesise(design, board, place=place and board.startswith("ecp5"), megahertz=CLOCK)
        neurons = [report.layers[n.name] for n in network.neurons]
        taken[board] = {
            **{kind: getattr(report.whole, kind) for kind in ("luts", "ffs", "brams", "dsps")},
            "neuron_luts": sum(n.luts for n in neurons), "neuron_dsps": sum(n.dsps for n in neurons), "fmax": report.fmax,
        }  # fmt: skip
    behind = float(run.cycles[1:].mean())
    return Point(
        name, lanes, accuracy, payloads.shape[1], compared, differing, (float(alone.mean()), int(alone.max())), behind, taken
    )


def _compared(a: Trace, b: Trace) -> tuple[int, int]:
    pairs: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = [(a.readout, b.readout)]
    pairs += [(a.spikes[k], b.spikes[k]) for k in a.spikes] + [(a.states[k], b.states[k]) for k in a.states]
    return sum(x.size for x, _ in pairs), sum(int((x != y).sum()) for x, y in pairs)


def table(points: Sequence[Point], board: str) -> list[str]:
    """The rows of the page for one board."""
    lines = [
        f"| network | lanes | LUT | flip-flops | RAMB18 | DSP | cycles an image | us at {CLOCK:g} MHz | MNIST |"
        if board.startswith("artix")
        else f"| network | lanes | LUT4 | flip-flops | EBR | MULT18 | cycles an image | us at {CLOCK:g} MHz | fmax, nextpnr |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for p in points:
        t = p.boards[board]
        end = f"{100 * p.accuracy:.2f} %" if board.startswith("artix") else f"{t['fmax']:.0f} MHz" if t["fmax"] else "not run"
        lines.append(
            f"| `{p.model}` | {p.lanes} | {t['luts']:,} | {t['ffs']:,} | {t['brams']} | {t['dsps']} "
            f"| {p.alone[0]:,.0f} | {p.microseconds:,.1f} | {end} |"
        )
    if board.startswith("artix"):
        lines += [f"| {a.name} | | {a.luts:,} | | {a.brams} BRAM | | | {a.microseconds:,.0f} | {a.accuracy} % |" for a in ANCHORS]
    return lines


def extra(points: Sequence[Point], board: str) -> list[str]:
    """What a lane of learned dynamics takes beside one of LIF, from the difference between the most lanes and one."""
    lines = ["| network | LUT of a lane's neuron | DSP |", "|---|---|---|"]
    for name in dict.fromkeys(p.model for p in points):
        own = sorted((p for p in points if p.model == name), key=lambda p: p.lanes)
        a, b = own[0], own[-1]
        if a.lanes == b.lanes:
            continue
        luts, dsps = ((b.boards[board][k] - a.boards[board][k]) / (b.lanes - a.lanes) for k in ("neuron_luts", "neuron_dsps"))
        lines.append(f"| `{name}` | {luts:.0f} | {dsps:.1f} |")
    return lines


def picture(points: Sequence[Point], path: Path) -> None:
    """Look-up tables against microseconds, with the published designs."""
    with rc_context(STYLE):
        figure = Figure(figsize=(7.5, 4.5), layout="constrained")
        axis: Any = figure.subplots()
        for n, name in enumerate(dict.fromkeys(p.model for p in points)):
            own = [p for p in points if p.model == name]
            luts = [p.boards[BOARDS[0]]["luts"] for p in own]
            axis.plot(luts, [p.microseconds for p in own], f"C{n}o-", label=f"{name}, {100 * own[0].accuracy:.2f} %")
            for p, x in zip(own, luts, strict=True):
                axis.annotate(str(p.lanes), (x, p.microseconds), textcoords="offset points", xytext=(5, 3), fontsize=7)
        for a, mark in zip(ANCHORS, ("ks", "kD"), strict=True):
            axis.plot([a.luts], [a.microseconds], mark, label=f"{a.name}, {a.accuracy} %")
        axis.set(
            xscale="log", yscale="log", xlabel="LUTs of a Xilinx 7 (yosys)", ylabel=f"microseconds an image at {CLOCK:g} MHz"
        )
        axis.set_title("MNIST, 784-128-10; numbers at the points are lanes")
        axis.legend()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200, help="of the test split, that are simulated (default 200)")
    parser.add_argument("--lanes", type=int, nargs="*", default=list(LANES), help="of mnist_lif")
    parser.add_argument("--quick", action="store_true", help="mnist_lif only, no place and route")
    parser.add_argument("--write", action="store_true", help="write docs/how-to/rtl.md and docs/how-to/rtl/pareto.svg")
    parser.add_argument("--json", type=Path, help="write all numbers there, too")
    given = parser.parse_args()
    points = measure("mnist_lif", given.lanes, given.images, BOARDS, not given.quick, print)
    if not given.quick:
        for name in ("mnist_ternary", "mnist_lnm", "mnist_cf"):
            points += measure(name, (1, 8), given.images, BOARDS, False, print)
    for board in BOARDS:
        print(board, *table(points, board), "", *extra(points, board), sep="\n")
    print(f"{sum(p.compared for p in points):,} integers compared, {sum(p.differing for p in points)} differ")
    if given.json:
        given.json.write_text(json.dumps([asdict(p) for p in points], indent=1), encoding="utf-8")
    if given.write:
        picture(points, FOLDER / "pareto.svg")
        for board in BOARDS:
            insert(PAGE, board, [*table(points, board), "", *extra(points, board)])


if __name__ == "__main__":
    main()

"""`make bench`: everything in one run, then performance.md with its plots. One thread, and rounds go side by side.

python -m bench.run                    all of it, into docs/explanation/
python -m bench.run --quick            a smoke test of small networks, into build/bench/; its numbers mean nothing
python -m bench.run --only layers      a part of it, into build/bench/
python -m bench.run --avx2             networks, the generated C and PyTorch limited to AVX2, into build/bench/
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import torch

from bench import avx2
from bench.ceilings import Ceiling, ceilings
from bench.commit import commit
from bench.further import OF_DEPTHWISE, OF_LINEAR, linear, separable
from bench.lava_layers import against_lava
from bench.layers import against_density, against_steps
from bench.machine import UNKNOWN, machine
from bench.memory import memory
from bench.networks import BODIES, NEURONS, STEPS, WIDTHS, Compiled, compiled, digits, macs, traffic
from bench.report import write
from bench.results import Measured, Results
from bench.rounds import rounds
from bench.start import ROUNDS, start
from bench.ways import ALL, DENSE, EVENTS, FAST, FLOATS, ONNX, calls, comparing, ways
from snn2hw.cli import console
from snn2hw.errors import Snn2hwError, UsageError
from snn2hw.store import make_artefact

PARTS = ("networks", "further", "densities", "steps", "layers", "lava", "memory", "start")
AVX2_PARTS = ("networks",)
BRIEF = (FAST, DENSE, EVENTS, ONNX, FLOATS)  # where many settings are measured
BODY, KIND = "ResNet-18", "LNM"
NONE: Mapping[str, Ceiling] = {}
Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How much is measured.

    Args:
        widths: of the networks; layers: (width, size) of single ones. lava: rounds, 0 for none. scale: of the ceilings' work.
        samples: streamed while memory is watched. recorded: PilotNet's check is timed, too, where its file is at hand.
        many: samples of a call with traces. linear: sizes of the network of linear layers.
    """

    rounds: int = 9
    bodies: tuple[str, ...] = tuple(BODIES)
    kinds: tuple[str, ...] = tuple(NEURONS)
    widths: tuple[int, ...] = WIDTHS
    batches: tuple[int, ...] = (1, 16)
    densities: tuple[int, ...] = (2, 5, 10, 20, 40)
    layers: tuple[tuple[int, int], ...] = ((64, 32), (128, 16), (256, 8), (512, 4))
    layer_densities: tuple[float, ...] = (1, 2, 5, 10, 15, 20, 30, 40, 60)
    steps: tuple[int, ...] = (1, 2, 4, 8)
    lava: int = 3
    samples: int = 10_000
    recorded: bool = True
    many: int = 1024
    linear: tuple[int, int, int] = (2048, 4096, 2048)
    scale: float = 1.0


QUICK = Settings(
    rounds=2, bodies=(BODY,), kinds=(KIND,), widths=(8, 8, 8, 8), batches=(1, 2), densities=(10,), layers=((16, 4), (32, 4)),
    layer_densities=(5, 20, 60), steps=(4,), lava=0, samples=100, recorded=False, many=70, linear=(256, 256, 128), scale=0.01,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> Results:
    """One run.

    Args:
        arguments: None: those of this process, which `--avx2` begins again.

    Raises:
        UsageError: `--avx2` with other parts than the networks, or where it cannot be had.
    """
    begun = perf_counter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help=f"in which every way has a turn (default {Settings.rounds})")
    parser.add_argument("--quick", action="store_true", help="a smoke test; its numbers mean nothing")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="leave the other parts out")
    parser.add_argument("--avx2", action="store_true", help="networks only, the generated C and PyTorch limited to AVX2")
    parser.add_argument("--out", type=Path, help="folder for performance.md (docs/explanation; build/bench where not all)")
    given = parser.parse_args(arguments)
    only = set(given.only or (AVX2_PARTS if given.avx2 else PARTS))
    if given.avx2 and only != set(AVX2_PARTS):
        raise UsageError(
            "--avx2 measures the networks alone",
            got=f"--only {' '.join(given.only)}",
            expected=f"--only {' '.join(AVX2_PARTS)}",
            do="leave --only out",
        )
    if given.avx2 and arguments is None:
        avx2.begin_again()
    settings = QUICK if given.quick else Settings()
    if given.rounds:
        settings = dataclasses.replace(settings, rounds=max(1, given.rounds))
    whole = not given.quick and only == set(PARTS)
    torch.set_num_threads(1)
    parts = ["--quick"] * given.quick + ["--avx2"] * given.avx2
    parts += ["--only", *given.only] if given.only and not given.avx2 and only != set(PARTS) else []
    parts += ["--out", given.out] if given.out else []
    command = shlex.join(["python", "-m", "bench.run", "--rounds", str(settings.rounds), *map(str, parts)])
    found = Results(machine() | (avx2.limited() if given.avx2 else {}) | {"commit": commit() or UNKNOWN}, command)
    _measure(found, settings, only)
    found.seconds = perf_counter() - begun
    page = write(found, given.out or Path("docs/explanation" if whole else "build/bench"), smoke=given.quick)
    console.say(f"{page}: {found.seconds:.0f} s")
    return found


def _measure(found: Results, s: Settings, parts: set[str]) -> None:
    limits = ceilings(s.scale)
    found.ceilings = {name: (c.work, c.unit) for name, c in limits.items()}
    if "layers" in parts:
        found.layers = _told("layers", partial(against_density, s.layers, s.layer_densities, STEPS, s.rounds))
        width, size = s.layers[0]
        found.layer_steps = _told("layers, T", partial(against_steps, width, size, s.steps, 10, s.rounds))
    if "lava" in parts and s.lava:
        found.lava = _told("Lava", partial(against_lava, s.lava))
    if "start" in parts:
        found.start = _told("start", partial(start, s.widths, min(s.rounds, ROUNDS), s.recorded))
    most = max(s.batches)
    if "networks" in parts:
        small = digits(most)
        for batch in s.batches:
            found.networks.append(_told(f"{small.name}, batch {batch}", partial(_run, small, batch, s.rounds, ALL)))
        found.comparing = _told("verify", partial(comparing, small, s.many, s.rounds))
        found.many = _told(f"{small.name}, {s.many} samples", partial(_many, small, s.many, s.rounds))
    if "further" in parts:
        _further(found, s)
    for wish in s.densities if "densities" in parts else ():
        made = digits(1, wish)
        found.densities.append(_told(f"{made.name}, {wish} %", partial(_run, made, 1, s.rounds, BRIEF)))
    for name in s.bodies:
        for kind in s.kinds:
            if parts & {"networks", "steps", "memory"}:
                _network(found, s, parts, compiled(name, kind, None, s.widths, most), limits)
            if "densities" in parts:
                for wish in s.densities:
                    made = compiled(name, kind, wish, s.widths, 1)
                    found.densities.append(_told(f"{name}, {kind}, {wish} %", partial(_run, made, 1, s.rounds, BRIEF)))


def _further(found: Results, s: Settings) -> None:
    """Linear layers only with several samples, for one has none beside it."""
    by_channel, lines = separable(s.widths, max(s.batches)), linear(s.linear, max(s.batches))
    measured = [(by_channel, batch, OF_DEPTHWISE) for batch in s.batches] + [(lines, max(s.batches), OF_LINEAR)]
    for made, batch, names in measured:
        found.further.append(_told(f"{made.name}, {made.kind}, batch {batch}", partial(_run, made, batch, s.rounds, names)))


def _network(found: Results, s: Settings, parts: set[str], made: Compiled, limits: dict[str, Ceiling]) -> None:
    title, main_one = f"{made.name}, {made.kind}", (made.name, made.kind) == (BODY, KIND)
    if "networks" in parts:
        for batch in s.batches:
            beside = limits if batch == 1 else {}
            found.networks.append(_told(f"{title}, batch {batch}", partial(_run, made, batch, s.rounds, ALL, beside)))
    if "steps" in parts and main_one:
        for t in s.steps:
            other = dataclasses.replace(made, artefact=make_artefact(dataclasses.replace(made.artefact.network, steps=t)))
            found.steps.append(_told(f"{title}, T = {t}", partial(_run, other, 1, s.rounds, BRIEF)))
    if "memory" in parts and main_one:
        found.memory_of = f"{made.name} body, {made.kind}"
        found.memory = _told("memory", partial(memory, made.artefact, s.samples))


def _run(made: Compiled, batch: int, count: int, names: tuple[str, ...], limits: Mapping[str, Ceiling] = NONE) -> Measured:
    net = made.artefact.network
    runs = {**ways(made, batch, names), **{name: c.run for name, c in limits.items()}}
    cost = macs(net, True), traffic(net, True)
    return Measured(made.name, made.kind, made.wish, made.density, net.steps, batch, *cost, rounds(runs, count))


def _many(made: Compiled, samples: int, count: int) -> Measured:
    net = made.artefact.network
    took = rounds(calls(made, samples), count)
    return Measured(made.name, made.kind, made.wish, made.density, net.steps, samples, macs(net, True), traffic(net, True), took)


def _told(title: str, run: Callable[[], Found]) -> Found:
    begun = perf_counter()
    found = run()
    console.say(f"{title}: {perf_counter() - begun:.1f} s")
    return found


if __name__ == "__main__":
    try:
        main()
    except Snn2hwError as error:
        print(error, file=sys.stderr)
        sys.exit(2)

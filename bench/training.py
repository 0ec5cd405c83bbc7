"""Time of a training step, ways side by side in one run: python -m bench.training [--snntorch] [--quick] [--device cuda].

LNM of degree 3 against LIF in the same network; neurons that are written as users write theirs (ALIF, CubaLIF, Izhikevich);
and with --snntorch ours against snnTorch's Leaky, SpikingJelly's LIFNode and Norse's LIF, whose packages are installed into a
throw-away folder where they are not here.
The other packages' neurons stand in the very same network, with the same batched convolutions: each is stepped through T by
a loop of its own, or by its own layer where it has one.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

import torch
from torch import Tensor

from bench.peers import DECAY, LIF_NODE
from bench.rounds import Spread, ratio, rounds
from snn2hw import nn
from snn2hw.native.compiler import compiler

STEPS = 4
PATIENCE = 12.0  # seconds for each way on each network
PACKAGES = ("snntorch==1.0.0", "norse==1.1.0", "nirtorch==2.6", "pbr==7.0.3", "matplotlib")
Make = Callable[[], torch.nn.Module]

OURS: Mapping[str, Make] = {
    "LIF": lambda: nn.LIF(DECAY),
    "LNM degree 1": lambda: nn.LNM(1),
    "LNM degree 3": lambda: nn.LNM(3),
    "LNM degree 5": lambda: nn.LNM(5),
    "LNM degree 3, learned width": lambda: nn.LNM(3, surrogate=nn.Rectangle(learnable=True)),
    "CirculateFiring, 4 levels": lambda: nn.CirculateFiring(4),
    "LIF, Atan": lambda: nn.LIF(DECAY, surrogate=nn.Atan()),
    "ALIF": lambda: nn.ALIF(learn=True),
    "CubaLIF": lambda: nn.CubaLIF(learn=True),
    "Izhikevich": lambda: nn.Izhikevich(learn=True),
}


@dataclass(frozen=True)
class Bar:
    """`slow` takes at most `most` times what `quick` takes."""

    slow: str
    quick: str
    most: float


BARS = (Bar("LNM degree 3", "LIF", 1.3),)
# Ours against each LIF of another package.
AGAINST = {"LIF": 1.0, "LIF, Atan": 1.0, "LNM degree 3": 1.15, "CirculateFiring, 4 levels": 1.15}


def digits(neuron: Make) -> torch.nn.Module:
    """The network of models/digits_lnm."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), neuron(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), neuron(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(256, 64), neuron(), nn.Linear(64, 10)),
    )


def pictures(neuron: Make) -> torch.nn.Module:
    """Three convolutions, 32-64-128, on pictures of 32 x 32."""
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), neuron()),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), neuron(), nn.AvgPool2d(2)),
        *(nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), neuron(), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(8192, 10)),
    )


NETWORKS: Mapping[str, tuple[Callable[[Make], torch.nn.Module], tuple[int, ...]]] = {
    "digits, 96 x 1 x 8 x 8": (digits, (96, 1, 8, 8)),
    "pictures, 16 x 3 x 32 x 32": (pictures, (16, 3, 32, 32)),
}


class Stepped(torch.nn.Module):
    """A neuron of another package, (x[t], state) -> (spikes, state), through T."""

    def __init__(self, cell: torch.nn.Module, begin: Callable[[], Any]) -> None:
        super().__init__()
        self.cell, self.begin = cell, begin

    def forward(self, x: Tensor) -> Tensor:
        state, spikes = self.begin(), []
        for now in x:
            fired, state = self.cell(now, state)
            spikes.append(fired)
        return torch.stack(spikes)


class Layer(torch.nn.Module):
    """A layer of another package that takes [T, N, ...] itself and returns (spikes, state)."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        spikes: Tensor = self.layer(x)[0]
        return spikes


class Forgetting(torch.nn.Module):
    """A layer of SpikingJelly in its multi-step mode, which keeps its state between calls unless it is told to forget it."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        self.layer.reset()  # type: ignore[operator]
        spikes: Tensor = self.layer(x)
        return spikes


def others(folder: str) -> dict[str, Make]:
    """The neurons of snnTorch, SpikingJelly and Norse, as far as they are here; else installed into a folder. What cannot be had
    is said."""
    if any(importlib.util.find_spec(name) is None for name in ("snntorch", "norse", "spikingjelly")):
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, *PACKAGES]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            print(f"not compared: the packages cannot be installed here: {ran.stderr.strip().splitlines()[-1]}")
        sys.path.append(folder)
    found: dict[str, Make] = {}
    try:
        import snntorch

        found["snnTorch Leaky"] = lambda: Stepped(cell := snntorch.Leaky(beta=DECAY), cell.reset_mem)
    except ImportError as error:
        print(f"not compared: snnTorch does not import: {error}")
    try:
        from spikingjelly.activation_based import neuron

        found["SpikingJelly LIFNode"] = lambda: Forgetting(neuron.LIFNode(**LIF_NODE))
    except ImportError as error:
        print(f"not compared: SpikingJelly does not import: {error}")
    try:
        import norse.torch as norse

        found["Norse LIF"] = lambda: Layer(norse.LIF())
        found["Norse LIFBoxCell"] = lambda: Stepped(norse.LIFBoxCell(), lambda: None)
    except ImportError as error:
        print(f"not compared: Norse does not import: {error}")
    return found


def training_step(
    build: Callable[[Make], torch.nn.Module], neuron: Make, shape: tuple[int, ...], device: str
) -> Callable[[], None]:
    """One step of gradient descent on one random batch."""
    torch.manual_seed(0)
    model = build(neuron).to(device)
    images, labels = torch.rand(shape, device=device), torch.randint(0, 10, shape[:1], device=device)
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3)

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(model(nn.repeat(images, STEPS)).mean(0), labels)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return step


def compare(name: str, ways: Mapping[str, Make], count: int, device: str) -> dict[str, list[float]]:
    """Seconds of a training step of each way, by rounds: of the processor where there is one thread, else of the clock."""
    build, shape = NETWORKS[name]
    clock = process_time if device == "cpu" and torch.get_num_threads() == 1 else perf_counter
    steps = {way: training_step(build, neuron, shape, device) for way, neuron in ways.items()}
    return rounds(steps, count, patience=PATIENCE, clock=clock)


def lines(name: str, seconds: Mapping[str, list[float]], bars: tuple[Bar, ...]) -> Iterator[str]:
    """A table as text, and a line for each target."""
    yield f"{name}, T = {STEPS}: milliseconds for a training step, median (least to most); against LIF of the same round"
    for way, times in seconds.items():
        spread, against = Spread.of([1e3 * t for t in times]), ratio(times, seconds["LIF"])
        yield (
            f"  {way:42s} {spread.median:8.1f} ({spread.least:.1f} to {spread.most:.1f})"
            f"   {against.median:5.2f} ({against.least:.2f} to {against.most:.2f})"
        )
    for bar in bars:
        if bar.slow in seconds and bar.quick in seconds:
            reached = ratio(seconds[bar.slow], seconds[bar.quick])
            verdict = "met" if reached.median <= bar.most else "MISSED"
            yield f"  {bar.slow} / {bar.quick}: {reached.median:.2f}, target {bar.most}: {verdict}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; exit code 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--snntorch", action="store_true", help="also snnTorch, SpikingJelly and Norse, if need be in a throw-away folder"
    )
    parser.add_argument("--quick", action="store_true", help="the small network, two rounds")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    missed = False
    print(
        f"torch {torch.__version__}, {given.device}, {given.threads} thread(s), C compiler: {' '.join(compiler() or ('none',))}"
    )
    with tempfile.TemporaryDirectory() as folder:
        peers = others(folder) if given.snntorch else {}
        bars = (*BARS, *(Bar(ours, peer, most) for peer in peers for ours, most in AGAINST.items()))
        for name in list(NETWORKS)[: 1 if given.quick else None]:
            seconds = compare(name, {**OURS, **peers}, 2 if given.quick else 30, given.device)
            for line in lines(name, seconds, bars):
                print(line)
                missed |= line.endswith("MISSED")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

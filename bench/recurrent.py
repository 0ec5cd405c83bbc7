"""Time of a training step of a recurrent layer, in floats and on integers, side by side: python -m bench.recurrent [--quick].

Linear 32-H, nn.Recurrent of H neurons with its own Linear, Linear H-10, all in torch on one thread of a CPU.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from time import process_time

import torch

from bench.rounds import Spread, ratio, rounds
from snn2hw import nn
from snn2hw.quantize import prepare

FLOATS, INTEGERS = "floats", "integers"
SIZES = ((50, 64, 128), (100, 128, 256))  # steps, samples, neurons
NEURONS: Mapping[str, Callable[[], torch.nn.Module]] = {
    "LIF": lambda: nn.LIF(0.9),
    "LNM degree 3": lambda: nn.LNM(3),
    "RLeaky": lambda: nn.RLeaky(0.9),
    "RSynaptic": lambda: nn.RSynaptic(0.8, 0.9),
    "LSNN": nn.LSNN,
}


def ways(neuron: torch.nn.Module, steps: int, samples: int, neurons: int) -> dict[str, Callable[[], object]]:
    """A training step of each, on the same samples."""
    x = torch.randint(0, 2, (steps, samples, 32), generator=torch.Generator().manual_seed(0)).float()
    layer = nn.Recurrent(neuron, nn.Linear(neurons, neurons))
    model = nn.Sequential(nn.Linear(32, neurons), layer, nn.Linear(neurons, 10))
    models = {FLOATS: model, INTEGERS: prepare(model, x, layout="TN")}
    return {name: _step(made, x) for name, made in models.items()}


def _step(model: torch.nn.Module, x: torch.Tensor) -> Callable[[], object]:
    labels = torch.arange(x.shape[1]) % 10

    def step() -> None:
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x).mean(0), labels)
        torch.autograd.backward(loss)

    return step


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the small size, two rounds")
    quick = parser.parse_args(arguments).quick
    torch.set_num_threads(1)
    for size in SIZES[: 1 if quick else None]:
        print("T = {}, {} samples, {} neurons: milliseconds of a processor for a training step".format(*size))
        for name, neuron in NEURONS.items():
            seconds = rounds(ways(neuron(), *size), 2 if quick else 9, clock=process_time)
            floats, integers = (Spread.of([1e3 * t for t in seconds[way]]).median for way in (FLOATS, INTEGERS))
            times = ratio(seconds[INTEGERS], seconds[FLOATS])
            print(f"  {name:14s} floats {floats:7.1f}, integers {integers:7.1f}: {times.median:.2f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())

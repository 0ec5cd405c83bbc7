"""What `train.fit` costs beside a plain loop over the same batches: python -m bench.fitting [--rounds N] [--quick].

The plain loop draws an order, shows each batch T times, and steps AdamW after backward() and a clipped gradient; nothing
else. `fit` also keeps to a schedule, counts what was right, penalises polynomials that leave, and looks at membranes.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from time import process_time

import torch
from torch import Tensor

from bench.rounds import Spread, ratio, rounds
from bench.training import OURS, Make, digits
from snn2hw import nn, train
from snn2hw.errors import Snn2hwWarning

STEPS, BATCH, SAMPLES, MOST = 4, 96, 1440, 1.1
EPOCHS = 4  # of one call: what `fit` does once for all of them is not taken for the cost of each
NEURONS = ("LIF", "LNM degree 3", "CirculateFiring, 4 levels")
RECIPE = train.Recipe(epochs=EPOCHS, batch=BATCH, learning_rate=1e-3)


def plain(model: torch.nn.Module, samples: Tensor, labels: Tensor) -> None:
    """As users write it."""
    optimiser = torch.optim.AdamW(model.parameters(), RECIPE.learning_rate)
    model.train()
    for _ in range(EPOCHS):
        for chosen in torch.split(torch.randperm(len(labels)), BATCH):
            logits = model(nn.repeat(samples[chosen], STEPS)).mean(0)
            loss = torch.nn.functional.cross_entropy(logits, labels[chosen])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE.clip or 1.0)
            optimiser.step()


def fitted(model: torch.nn.Module, samples: Tensor, labels: Tensor) -> None:
    """The same epochs by `train.fit`."""
    train.fit(model, (samples, labels), steps=STEPS, recipe=RECIPE, device="cpu", progress=False)


def ways(neuron: Make, count: int) -> Mapping[str, Callable[[], None]]:
    """Both, on a network of their own each with the same first weights, and the same random data."""
    made: dict[str, Callable[[], None]] = {}
    for name, way in (("plain", plain), ("fit", fitted)):
        torch.manual_seed(0)
        model, samples, labels = digits(neuron), torch.rand(count, 1, 8, 8), torch.randint(0, 10, (count,))
        made[name] = partial(way, model, samples, labels)
    return made


def main(arguments: list[str] | None = None) -> int:
    """The command line; exit code 1 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="two rounds of a few batches")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    missed = False
    what = f"{EPOCHS} epochs of the network of models/digits_lnm"
    print(f"torch {torch.__version__}, one thread: {what}, T = {STEPS}, batches of {BATCH}")
    for neuron in NEURONS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Snn2hwWarning)  # random labels may well silence a layer
            seconds = rounds(
                ways(OURS[neuron], 2 * BATCH if given.quick else SAMPLES),
                2 if given.quick else given.rounds,
                patience=12,
                clock=process_time,
            )
        against, took = ratio(seconds["fit"], seconds["plain"]), Spread.of([1e3 * t for t in seconds["plain"]])
        verdict = "met" if against.median <= MOST else "MISSED"
        print(
            f"  {neuron:28s} plain {took.median:6.1f} ms   fit / plain {against.median:.2f} "
            f"({against.least:.2f} to {against.most:.2f}), target {MOST}: {verdict}"
        )
        missed |= verdict == "MISSED"
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

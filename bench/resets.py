"""Resets with and without a gradient through the spike: python -m bench.resets [--seeds N] [--tasks ...] [--quick].

After a spike a membrane goes on as v - theta s ("subtract") or as v (1 - s) ("value", to 0). Either the reset passes a
gradient, with the slope of the surrogate in the place of ds/dv, or it is a choice between two values that passes none. All
are written as neurons of one's own, so that all else is equal: the network, first weights, batches and schedule. They are
those of the study (`bench/study`); the weights of the last epoch count, and nothing is chosen on test samples.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from bench.study.figures import mean
from bench.study.nets import PLANS
from bench.study.one import SET_OF
from bench.study.sets import parts
from snn2hw import nn, train
from snn2hw.errors import Snn2hwWarning

TASKS = ("digits-sequential", "digits-events", "fsdd", "fsdd-recurrent")
DECAY, THRESHOLD = 0.5, 1.0


class _Reset(nn.CustomNeuron):
    states: Mapping[str, nn.State] = {"v": nn.State(range=(-4.0, 4.0))}

    def step(self, x: Tensor, v: Tensor) -> tuple[Tensor, dict[str, Tensor]]:  # type: ignore[override]
        """A leaky membrane."""
        v = DECAY * v + x
        s = nn.fire(v, THRESHOLD)
        return s, {"v": self.after(v, s)}

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        """The membrane after the reset."""
        raise NotImplementedError


class Subtracted(_Reset):
    """The threshold is taken off; the reset has the spike's gradient."""

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        return v - THRESHOLD * s


class SubtractedHeld(_Reset):
    """The threshold is taken off; the reset is taken as given."""

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        return torch.where(s > 0, v - THRESHOLD, v)


class Replaced(_Reset):
    """0 takes its place; the reset has the spike's gradient."""

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        return v - s * v


class ReplacedHeld(_Reset):
    """0 takes its place; the reset is taken as given."""

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        return torch.where(s > 0, 0.0, v)


PAIRS: Mapping[str, tuple[type[_Reset], type[_Reset]]] = {
    "subtract": (Subtracted, SubtractedHeld),
    "value": (Replaced, ReplacedHeld),
}


def accuracy(kind: type[_Reset], of: str, seed: int, share: float) -> float:
    """On the test part, after a training of the study's plan."""
    plan, data = PLANS[of], parts(SET_OF.get(of, of))
    torch.manual_seed(seed)
    model = plan.build(lambda: kind(surrogate=nn.Triangle(1.0)))
    recipe = replace(plan.recipe, epochs=max(1, round(plan.recipe.epochs * share)))
    given = {name: (data[name].samples, data[name].labels) for name in ("train", "test")}
    train.fit(model, given["train"], recipe=recipe, seed=seed, device="cpu", progress=False)
    return train.evaluate(model, given["test"])


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, help="train these alone")
    parser.add_argument("--quick", action="store_true", help="one seed, a tenth of the epochs")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", Snn2hwWarning)
    seeds, share = (1, 0.1) if given.quick else (given.seeds, 1.0)
    print("| task | reset | with the gradient | without it | difference |\n|---|---|---|---|---|", flush=True)
    for of in given.tasks:
        for reset, kinds in PAIRS.items():
            passing, held = ([accuracy(kind, of, s, share) for s in range(seeds)] for kind in kinds)
            difference = mean([a - b for a, b in zip(passing, held, strict=True)])
            row = (of, reset, mean(passing).sure(), mean(held).sure(), difference.sure("+"))
            print("| " + " | ".join(row) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

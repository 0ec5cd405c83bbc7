"""The reset to a value, with and without a gradient through the spike: python -m bench.resets [--seeds N] [--quick].

A membrane that is reset to 0 goes on as v (1 - s). Either the reset passes a gradient, with the slope of the surrogate in
the place of ds/dv, or it is a choice between two values that passes none. Both are written as neurons of one's own, so
that all else is equal: the network, first weights, batches and schedule.
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
from snn2hw import nn, train
from snn2hw.data import task
from snn2hw.errors import Snn2hwWarning

TASKS = ("digits-sequential", "digits-events")
DECAY = 0.5


class _Reset(nn.CustomNeuron):
    states: Mapping[str, nn.State] = {"v": nn.State(range=(-4.0, 4.0))}

    def step(self, x: Tensor, v: Tensor) -> tuple[Tensor, dict[str, Tensor]]:  # type: ignore[override]
        """A leaky membrane."""
        v = DECAY * v + x
        s = nn.fire(v, 1.0)
        return s, {"v": self.after(v, s)}

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        """The membrane after the reset."""
        raise NotImplementedError


class Passing(_Reset):
    """The reset has the spike's gradient."""

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        return v - s * v


class Held(_Reset):
    """The reset is taken as given."""

    def after(self, v: Tensor, s: Tensor) -> Tensor:
        return torch.where(s > 0, 0.0, v)


def accuracy(kind: type[_Reset], of: str, seed: int, share: float) -> float:
    """On the test split, after a training of the study's plan."""
    plan = PLANS[of]
    torch.manual_seed(seed)
    model = plan.build(lambda: kind(surrogate=nn.Triangle(1.0)))
    recipe = replace(plan.recipe, epochs=max(1, round(plan.recipe.epochs * share)))
    train.fit(model, task(of, "train"), recipe=recipe, seed=seed, device="cpu", progress=False)
    return train.evaluate(model, task(of, "test"))


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed, a tenth of the epochs")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", Snn2hwWarning)
    seeds, share = (1, 0.1) if given.quick else (given.seeds, 1.0)
    for of in TASKS:
        found = {kind: [accuracy(kind, of, s, share) for s in range(seeds)] for kind in (Passing, Held)}
        difference = mean([a - b for a, b in zip(found[Passing], found[Held], strict=True)])
        print(
            f"{of}, {seeds} seeds: with a gradient {mean(found[Passing]).text()} %, without {mean(found[Held]).text()} %, "
            f"difference {100 * difference.mean:+.2f} +- {100 * difference.error:.2f} (standard error)",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

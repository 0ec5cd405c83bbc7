"""What is compared: neurons by name, and one architecture for each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from snn2hw import nn
from snn2hw.train import Recipe

LEVELS, DEGREES = range(1, 5), range(1, 5)
BALANCE = 0.05  # weight of the balance loss where it is on
TARGET = "loihi2"


@dataclass(frozen=True)
class Variant:
    """A kind of neuron and how it is trained.

    Args:
        make: the neuron, given its surrogate. learned: whether surrogate widths are learned, one per layer and step.
        balance: weight of the positive-negative balance loss.
    """

    make: Callable[[nn.Surrogate], torch.nn.Module]
    learned: bool = False
    balance: float = 0.0


def _lnm(degree: int) -> Callable[[nn.Surrogate], torch.nn.Module]:
    return lambda s: nn.LNM(degree=degree, surrogate=s)


def _cf(levels: int, signed: bool = True) -> Callable[[nn.Surrogate], torch.nn.Module]:
    return lambda s: nn.CirculateFiring(levels=levels, signed=signed, learn_decay=True, surrogate=s)


VARIANTS: Mapping[str, Variant] = {
    "LIF": Variant(lambda s: nn.LIF(0.5, surrogate=s)),
    "PLIF": Variant(lambda s: nn.PLIF(0.5, surrogate=s)),
    **{f"LNM-{d}": Variant(_lnm(d)) for d in DEGREES},
    **{f"CF-{k}": Variant(_cf(k)) for k in LEVELS},
    "CF-4 unsigned": Variant(_cf(4, signed=False)),
    "LNM-3, learned widths": Variant(_lnm(3), learned=True),
    "LNM-3, balance": Variant(_lnm(3), balance=BALANCE),
    "CF-4, learned widths": Variant(_cf(4), learned=True),
    "CF-4, balance": Variant(_cf(4), balance=BALANCE),
}
BASE = "LIF"
DRAWN = "LNM-3"  # whose polynomials are drawn
WIDTHS = tuple(name for name, v in VARIANTS.items() if v.learned)


@dataclass(frozen=True)
class Plan:
    """A task's architecture and schedule.

    Args:
        build: the network, given a function that makes its next neuron. steps: T, and whether one sample is shown at all of them.
        recipe: of the float training; `again`: of the training on integers after it, by bits of a weight: the coarser they are,
            the further they have to go.
    """

    build: Callable[[Callable[[], torch.nn.Module]], torch.nn.Module]
    steps: int
    static: bool
    recipe: Recipe
    again: Mapping[int, Recipe]
    says: str


def _digits(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), neuron(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), neuron(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(128, 32), neuron(), nn.Linear(32, 10),
    )  # fmt: skip


def _sequential(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    return nn.Sequential(
        nn.Linear(8, 128), nn.BatchNorm1d(128), neuron(),
        nn.Linear(128, 128), nn.BatchNorm1d(128), neuron(),
        nn.Linear(128, 10),
    )  # fmt: skip


def _events(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), neuron(), nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), neuron(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def _recipe(epochs: int, rate: float, **more: Any) -> Recipe:
    return Recipe(epochs=epochs, batch=96, learning_rate=rate, label_smoothing=0.05, coefficient_penalty=1e-2, **more)


AGAIN: Mapping[int, Recipe] = {8: _recipe(6, 1e-3), 4: _recipe(15, 3e-3)}

PLANS: Mapping[str, Plan] = {
    "digits": Plan(_digits, 4, True, _recipe(20, 6e-3), AGAIN, "16C3-BN-N-M2-32C3-BN-N-A2-32-N-10, T = 4"),
    "digits-sequential": Plan(_sequential, 8, False, _recipe(40, 6e-3), AGAIN, "128-BN-N-128-BN-N-10, T = 8"),
    "digits-events": Plan(_events, 10, False, _recipe(20, 6e-3), AGAIN, "16C3s2-BN-N-A2-32C3-BN-N-A2-10, T = 10"),
}


@dataclass(frozen=True)
class Case:
    """One training: task, neuron, seed, and a share of the epochs (1: all)."""

    task: str
    variant: str
    seed: int
    share: float = field(default=1.0)


def build(case: Case) -> torch.nn.Module:
    """The untrained network of a case; weights follow from the seed alone, so all neurons start from the same ones."""
    variant, plan = VARIANTS[case.variant], PLANS[case.task]

    def neuron() -> torch.nn.Module:
        steps = plan.steps if variant.learned else None
        return variant.make(nn.Triangle(1.0, learnable=variant.learned, steps=steps))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(case.seed)
        return plan.build(neuron)

"""What is compared: neurons by name, and one architecture for each task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from snn2hw import nn
from snn2hw.data import augment
from snn2hw.nn import blocks
from snn2hw.train import Recipe

LEVELS, DEGREES = range(1, 5), range(1, 5)
BASE = "LIF"  # what every neuron is compared with
BALANCE = 0.05  # weight of the balance loss where it is on
# Dynamics as fast as weights, and a hundredth of the penalty that holds coefficients at their start.
FULL_RATE: Mapping[str, Any] = {"dynamics_rate": 1.0, "coefficient_penalty": 1e-4}
TARGET = "loihi2"
BITS = (8, 4)  # of weights


@dataclass(frozen=True)
class Variant:
    """A kind of neuron and how it is trained.

    Args:
        make: the neuron, given its surrogate. learned: whether surrogate widths are learned, one per layer and step.
        recipe: what is otherwise than in the plan's recipes. surrogate: its kind.
        base: the variant that it differs from by one thing.
    """

    make: Callable[[nn.Surrogate], torch.nn.Module]
    learned: bool = False
    recipe: Mapping[str, Any] = field(default_factory=dict)
    surrogate: type[nn.Surrogate] = nn.Triangle
    base: str = BASE


def _lnm(degree: int, **more: Any) -> Callable[[nn.Surrogate], torch.nn.Module]:
    return lambda s: nn.LNM(degree=degree, surrogate=s, **more)


def _cf(levels: int, signed: bool = True, **more: Any) -> Callable[[nn.Surrogate], torch.nn.Module]:
    return lambda s: nn.CirculateFiring(levels=levels, signed=signed, learn_decay=True, surrogate=s, **more)


VARIANTS: Mapping[str, Variant] = {
    "LIF": Variant(lambda s: nn.LIF(0.5, surrogate=s)),
    "PLIF": Variant(lambda s: nn.PLIF(0.5, surrogate=s)),
    "ALIF": Variant(lambda s: nn.ALIF(learn=True, surrogate=s)),
    "CubaLIF": Variant(lambda s: nn.CubaLIF(learn=True, surrogate=s)),
    **{f"LNM-{d}": Variant(_lnm(d)) for d in DEGREES},
    **{f"LNM-{d}, bounded": Variant(_lnm(d, bounded=True), base=f"LNM-{d}") for d in DEGREES},
    "LNM-3, penalty 1": Variant(_lnm(3), recipe={"range_penalty": 1.0}, base="LNM-3"),
    "LNM-3, full rate": Variant(_lnm(3), recipe=FULL_RATE, base="LNM-3"),
    **{f"CF-{k}": Variant(_cf(k)) for k in LEVELS},
    "CF-4 unsigned": Variant(_cf(4, signed=False), base="CF-4"),
    "CF-4, negative 0.5": Variant(_cf(4, negative_amplitude=0.5), base="CF-4"),
    "CF-4, negative 0": Variant(_cf(4, negative_amplitude=0.0), base="CF-4"),
    "CF-4, negative 0.5, full rate": Variant(_cf(4, negative_amplitude=0.5), recipe=FULL_RATE, base="CF-4, negative 0.5"),
    "CF-4, learned negative": Variant(_cf(4, negative_amplitude=0.5, learn_negative_amplitude=True), base="CF-4, negative 0.5"),
    "CF-4, learned negative, full rate": Variant(
        _cf(4, negative_amplitude=0.5, learn_negative_amplitude=True), recipe=FULL_RATE, base="CF-4, negative 0.5, full rate"
    ),
    "CF-4, learned threshold": Variant(_cf(4, learn_threshold=True), base="CF-4"),
    "CF-4, staircase": Variant(_cf(4, staircase=True), base="CF-4"),
    "CF-4 unsigned, staircase": Variant(_cf(4, signed=False, staircase=True), base="CF-4 unsigned"),
    "CirculateLNM-3": Variant(lambda s: nn.CirculateLNM(3, 4, surrogate=s), base="LNM-3"),
    "CirculateLNM-3 unsigned": Variant(lambda s: nn.CirculateLNM(3, 4, signed=False, surrogate=s), base="CirculateLNM-3"),
    "LNM-3, learned widths": Variant(_lnm(3), learned=True, base="LNM-3"),
    "LNM-3, balance": Variant(_lnm(3), recipe={"balance": BALANCE}, base="LNM-3"),
    "CF-4, learned widths": Variant(_cf(4), learned=True, base="CF-4"),
    "CF-4, balance": Variant(_cf(4), recipe={"balance": BALANCE}, base="CF-4"),
    # The surrogate that neurons of `snn2hw.nn` come with.
    "LIF, rectangle": Variant(lambda s: nn.LIF(0.5, surrogate=s), surrogate=nn.Rectangle),
    "LNM-3, rectangle": Variant(_lnm(3), surrogate=nn.Rectangle, base="LNM-3"),
    "CF-4, rectangle": Variant(_cf(4), surrogate=nn.Rectangle, base="CF-4"),
}
# What the study was begun for: LNM against LIF, and signed against unsigned and against negative spikes of another worth.
# Their differences are corrected for as a family of their own, those of all other neurons as another.
FIRST = ("LIF", "LNM-3", "CF-4", "CF-4 unsigned", "CF-4, negative 0.5", "CF-4, negative 0", "CF-4, learned negative")
DRAWN = "LNM-3"  # whose polynomials are drawn
POLYNOMIALS = (DRAWN, "LNM-3, full rate")  # of which it is printed how far they moved
# Whose numbers are printed, where a result has them, and what they are.
LEARNED = (
    ("CF-4, learned negative", "negative", "What negative spikes were worth,"),
    ("CF-4, learned negative, full rate", "negative", "What negative spikes were worth,"),
    ("CF-4, learned threshold", "thresholds", "Thresholds,"),
)
WIDTHS = tuple(name for name, v in VARIANTS.items() if v.learned)


@dataclass(frozen=True)
class Plan:
    """A task's architecture and schedule.

    Args:
        build: the network, given a function that makes its next neuron. steps: T, and whether one sample is shown at all of them.
        recipe: of the float training; `again`: of the training on integers after it, by bits of a weight: the coarser they are,
            the further they have to go.
        says: layers in short. variants: names of what is compared. seeds: how many of each.
        input_range: see `snn2hw.compile`.
    """

    build: Callable[[Callable[[], torch.nn.Module]], torch.nn.Module]
    steps: int
    static: bool
    recipe: Recipe
    again: Mapping[int, Recipe]
    says: str
    variants: tuple[str, ...]
    seeds: int = 5
    input_range: tuple[float, float] | None = None


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


def _fashion(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), neuron(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), neuron(), nn.AvgPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), neuron(),
        nn.Flatten(), nn.Linear(3136, 10),
    )  # fmt: skip


def _camera(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 16, 3, stride=2, padding=1), nn.BatchNorm2d(16), neuron(), nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), neuron(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(512, 10),
    )  # fmt: skip


def _series(inputs: int, width: int, outputs: int, recurrent: bool = False) -> Callable[..., torch.nn.Module]:
    def build(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
        second = nn.Recurrent(neuron(), nn.Linear(width, width)) if recurrent else neuron()
        return nn.Sequential(
            nn.Linear(inputs, width), nn.BatchNorm1d(width), neuron(),
            nn.Linear(width, width), nn.BatchNorm1d(width), second,
            nn.Linear(width, outputs),
        )  # fmt: skip

    return build


def _patches(neuron: Callable[[], torch.nn.Module]) -> torch.nn.Module:
    """A spike-driven Transformer of one block over 7x7 patches; what its attention needs to be 0 or 1 is LIF for all neurons."""

    def own(channels: int) -> torch.nn.Module:
        return neuron()

    def binary(channels: int) -> torch.nn.Module:
        return nn.LIF(0.5, surrogate=nn.Triangle(1.0))

    kinds = blocks.Kinds(neuron=own, binary=binary, value=binary, mask=binary)
    return nn.Sequential(
        blocks.PatchSplitting(32, own, 1, pools=(True, True, False, False)), blocks.SpikeDrivenBlock(32, 7, kinds),
        neuron(), nn.AvgPool2d(7), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def _recipe(epochs: int, rate: float, **more: Any) -> Recipe:
    return Recipe(
        **{"epochs": epochs, "batch": 96, "learning_rate": rate, "label_smoothing": 0.05, "coefficient_penalty": 1e-2, **more}
    )


def _again(eight: int, four: int, rate: float = 1e-3, **more: Any) -> Mapping[int, Recipe]:
    return {8: _recipe(eight, rate, **more), 4: _recipe(four, 3 * rate, **more)}


EVERY = tuple(VARIANTS)
FEW = ("LIF", "LNM-3", "LNM-3, bounded", "CF-4", "CF-4 unsigned", "CF-4, negative 0", "CF-4, learned negative")
# What a task need not have: other numbers of levels, another surrogate, and what was looked at for one default alone.
GUARD_AND_STAIRS = ("LNM-3, penalty 1", "CF-4, staircase", "CF-4 unsigned, staircase")
RATES = ("LNM-3, full rate", "CF-4, negative 0.5, full rate", "CF-4, learned negative, full rate")
RECTANGLES = tuple(name for name, v in VARIANTS.items() if v.surrogate is nn.Rectangle)
DIGITS_ALONE = ("CF-1", "CF-2", "CF-3", "CF-4, learned threshold", "CirculateLNM-3", *RECTANGLES)


def _kinds(*more: str) -> tuple[str, ...]:
    """All kinds of neurons, with what is learned, bounded or balanced, and of the rest those that are named."""
    return tuple(v for v in EVERY if v in more or v not in {*GUARD_AND_STAIRS, *RATES, *DIGITS_ALONE})


SHIFTED: dict[str, Any] = {"augment": augment.RandomCrop(2).batch}
LINES = "128-BN-N-128-BN-N-10"
PLANS: Mapping[str, Plan] = {
    "digits-sequential": Plan(_sequential, 8, False, _recipe(40, 6e-3), _again(6, 15), f"{LINES}, T = 8", EVERY),
    "digits-events": Plan(
        _events, 10, False, _recipe(20, 6e-3), _again(6, 15), "16C3s2-BN-N-A2-32C3-BN-N-A2-10, T = 10", EVERY
    ),
    "fsdd": Plan(
        _series(32, 128, 10), 40, False, _recipe(30, 4e-3, batch=64, **SHIFTED), _again(4, 8, batch=64, **SHIFTED),
        f"{LINES}, T = 40", _kinds(*GUARD_AND_STAIRS, *RATES),
    ),
    "fsdd-recurrent": Plan(
        _series(32, 128, 10, recurrent=True), 40, False, _recipe(30, 4e-3, batch=64, **SHIFTED),
        _again(4, 8, batch=64, **SHIFTED), "128-BN-N-128-BN-N(hears itself)-10, T = 40", _kinds(),
    ),
    "nmnist": Plan(
        _camera, 10, False, _recipe(40, 6e-3, batch=50, **SHIFTED), _again(4, 8, batch=50, **SHIFTED),
        "16C3s2-BN-N-A2-32C3-BN-N-A2-10, T = 10", _kinds(*GUARD_AND_STAIRS),
    ),
    "watch": Plan(
        _series(6, 64, 7), 100, False, _recipe(20, 4e-3), _again(3, 6), "64-BN-N-64-BN-N-7, T = 100", _kinds(*GUARD_AND_STAIRS),
        input_range=(-1.0, 1.0),
    ),
    "fashion": Plan(
        _fashion, 4, True, _recipe(12, 4e-3, batch=100), _again(2, 4, batch=100),
        "16C3-BN-N-M2-32C3-BN-N-A2-64C3-BN-N-10, T = 4", _kinds(),
    ),
    "fashion-patches": Plan(
        _patches, 4, True, _recipe(12, 4e-3, batch=100), _again(2, 4, batch=100),
        "a spike-driven Transformer of one block over 7x7 patches of 32 channels, T = 4; q, k, v, mask: LIF", FEW,
    ),
}  # fmt: skip


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
        return variant.make(variant.surrogate(1.0, learnable=variant.learned, steps=steps))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(case.seed)
        return plan.build(neuron)

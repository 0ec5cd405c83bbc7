"""Augmentations: what each promises, alike for all steps, each sample by itself, the same for the same generator."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from snn2hw.data import augment, task
from snn2hw.data.augment import Chain, Cutout, EventRoll, Flip, Mixup, RandomCrop, Rotation
from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from tests.refused import refused

pytestmark = pytest.mark.torch

KINDS = {
    "crop": lambda g: RandomCrop(2, generator=g),
    "flip": lambda g: Flip(generator=g),
    "cutout": lambda g: Cutout(3, generator=g),
    "roll": lambda g: EventRoll(3, generator=g),
    "rotation": lambda g: Rotation(30, generator=g),
    "chain": lambda g: Chain((RandomCrop(1, generator=g), Flip(generator=g), Cutout(2, generator=g))),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def distinct(n: int = 64, h: int = 6, w: int = 7) -> Tensor:
    """[n, 1, h, w]: every pixel has its own value, 1 and more."""
    return (torch.arange(h * w).float() + 1).reshape(1, 1, h, w).repeat(n, 1, 1, 1)


@pytest.mark.parametrize("name", KINDS)
def test_steps_and_channels_are_moved_alike_and_samples_by_themselves(name: str) -> None:
    still = distinct(40)
    steps = still[:, None].expand(40, 3, 2, 6, 7) * torch.tensor([1.0, 2, 3]).reshape(3, 1, 1, 1)
    moved, temporal = KINDS[name](seeded()).batch(still), KINDS[name](seeded()).batch(steps)
    assert temporal.shape == steps.shape
    for t in range(3):
        for channel in range(2):
            assert torch.equal(temporal[:, t, channel], moved[:, 0] * (t + 1))
    assert len({one.numpy().tobytes() for one in moved}) > 1
    assert set(moved.unique().tolist()) <= {0.0, *still.unique().tolist()}


@pytest.mark.parametrize("name", KINDS)
def test_draws_depend_on_the_generator_only(name: str) -> None:
    x = distinct()
    assert torch.equal(KINDS[name](seeded(3)).batch(x), KINDS[name](seeded(3)).batch(x))
    assert not torch.equal(KINDS[name](seeded(3)).batch(x), KINDS[name](seeded(4)).batch(x))
    torch.manual_seed(7)
    before = torch.get_rng_state()
    KINDS[name](seeded()).batch(x)
    assert torch.equal(torch.get_rng_state(), before)
    own = KINDS[name](None).batch(x)
    torch.manual_seed(7)
    assert torch.equal(KINDS[name](None).batch(x), own)
    assert torch.equal(KINDS[name](seeded())(x[0]), KINDS[name](seeded()).batch(x[:1])[0])
    whole = KINDS[name](seeded()).batch(x.to(torch.uint8))
    assert whole.dtype == torch.uint8
    assert KINDS[name](seeded()).batch(x[:0]).shape == (0, 1, 6, 7)


def places(moved: Tensor, x: Tensor, made: dict[object, Tensor]) -> list[object]:
    """Which of the things that can be made of x each sample is; every one must be one."""
    found = [[key for key, value in made.items() if torch.equal(one, value)] for one in moved]
    assert all(found)
    return [keys[0] for keys in found]


def test_crop_is_every_part_of_the_padded_image() -> None:
    x = distinct(400)
    padded = torch.nn.functional.pad(x[0], (2, 2, 2, 2))
    made = {(i, j): padded[:, i : i + 6, j : j + 7] for i in range(5) for j in range(5)}
    assert set(places(RandomCrop(2, generator=seeded()).batch(x), x, made)) == set(made)
    assert torch.equal(RandomCrop(0).batch(x), x)


def test_flip_mirrors_with_its_chance() -> None:
    x = distinct(400)
    found = places(Flip(0.25, generator=seeded()).batch(x), x, {"mirrored": x[0].flip(-1), "same": x[0]})
    assert 60 < found.count("mirrored") < 140
    assert torch.equal(Flip(1.0).batch(x), x.flip(-1))
    assert torch.equal(Flip(0.0).batch(x), x)


@pytest.mark.parametrize("side", [1, 2, 3, 20])
def test_cutout_is_a_square_clipped_at_the_border(side: int) -> None:
    x, made = distinct(800), {}
    for i in range(6):
        for j in range(7):
            cut = x[0].clone()
            top, left = i - side // 2, j - side // 2
            cut[:, max(top, 0) : top + side, max(left, 0) : left + side] = 0
            made[i, j] = cut
    found = places(Cutout(side, generator=seeded()).batch(x), x, made)
    assert len({made[key].numpy().tobytes() for key in found}) == len({m.numpy().tobytes() for m in made.values()})


def test_roll_loses_nothing() -> None:
    x = distinct(800)
    made = {(i, j): x[0].roll((i, j), (-2, -1)) for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2)}
    moved = EventRoll(2, generator=seeded()).batch(x)
    assert set(places(moved, x, made)) == set(made)
    assert torch.equal(moved.sum((1, 2, 3)), x.sum((1, 2, 3)))


def test_rotation_takes_the_nearest_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    x = distinct(3, 7, 7)
    for share, turns in ((1 - 1e-9, -1), (0.0, 1), (0.5, 0)):
        monkeypatch.setattr(Rotation, "_real", lambda self, n, share=share: torch.full((n, 1, 1), share, dtype=torch.float64))
        assert torch.equal(Rotation(90).batch(x), torch.rot90(x, -turns, (-2, -1)))
    monkeypatch.undo()
    assert torch.equal(Rotation(0).batch(x), x)
    y, drawn = distinct(1, 9, 11), 0.9
    monkeypatch.setattr(Rotation, "_real", lambda self, n: torch.full((n, 1, 1), drawn, dtype=torch.float64))
    turned, angle = Rotation(25).batch(y)[0, 0], math.radians(25) * (2 * drawn - 1)
    for i in range(9):
        for j in range(11):
            row = math.cos(angle) * (i - 4) + math.sin(angle) * (j - 5) + 4
            column = math.cos(angle) * (j - 5) - math.sin(angle) * (i - 4) + 5
            inside = -0.5 <= row < 8.5 and -0.5 <= column < 10.5
            assert turned[i, j] == (y[0, 0, round(row), round(column)] if inside else 0)


def test_mixup_mixes_samples_and_labels_alike() -> None:
    x, labels = torch.eye(6).reshape(6, 1, 1, 6), torch.tensor([0, 1, 2, 3, 3, 3])
    shares = []
    for seed in range(200):
        mixed, soft = Mixup(4, alpha=0.4, generator=seeded(seed))(x, labels)
        assert (mixed.shape, soft.shape, soft.dtype) == (x.shape, (6, 4), torch.float32)
        assert torch.allclose(soft.sum(1), torch.ones(6))
        weights = mixed.reshape(6, 6)  # of every sample in every mixed one
        assert torch.allclose(soft, weights @ torch.nn.functional.one_hot(labels, 4).float())
        shares.append(float(weights[0, 0]) if weights[0].count_nonzero() == 2 else math.nan)
    known = np.array(shares)[~np.isnan(shares)]
    assert abs(known.mean() - 0.5) < 0.1  # Beta(0.4, 0.4): mean 1/2, variance 1/4 / 1.8
    assert abs(known.var() - 0.25 / 1.8) < 0.03
    first, again = (Mixup(4, generator=seeded(1))(x, labels) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("label", [4, -1])
def test_mixup_refuses_a_label_that_is_none_of_its_classes(label: int) -> None:
    with refused(
        ValueRangeError,
        f"""
        a label is out of range
          where:    Mixup, place 2 of the batch
          got:      {label}
          expected: 0..3
          do:       correct the label, or give Mixup as many classes as the data have
        """,
    ):
        Mixup(4)(torch.zeros(3, 1, 2, 2), torch.tensor([0, 3, label]))


def test_as_a_transform_the_same_seed_draws_the_same_in_workers() -> None:
    data = task("digits", "test", Chain((RandomCrop(1), Flip())))
    assert torch.equal(data.samples, task("digits", "test").samples)
    for workers in (0, 2):
        runs = []
        for seed in (5, 5, 6):
            torch.manual_seed(seed)
            runs.append(torch.cat([x for x, _ in DataLoader(data, batch_size=60, num_workers=workers)]))
        assert torch.equal(runs[0], runs[1])
        assert not torch.equal(runs[0], runs[2])


def test_a_sample_without_rows_is_refused() -> None:
    with refused(
        ShapeError,
        """
        a sample without rows and columns cannot be moved
          where:    Flip
          got:      [8]
          expected: [..., H, W]
          do:       leave this augmentation out
        """,
    ):
        Flip()(torch.zeros(8))


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (lambda: RandomCrop(-1), ValueRangeError),
        (lambda: RandomCrop(1.5), UsageError),
        (lambda: Flip(1.5), ValueRangeError),
        (lambda: Cutout(0), ValueRangeError),
        (lambda: EventRoll(-1), ValueRangeError),
        (lambda: Rotation(181), ValueRangeError),
        (lambda: Mixup(0), ValueRangeError),
        (lambda: Mixup(10, alpha=0), ValueRangeError),
    ],
)
def test_numbers_out_of_range_are_refused(build, error: type[Exception]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=r"is (out of range|not positive|not a whole number)"):
        build()


def test_nothing_else_is_offered() -> None:
    kinds = {name for name, value in vars(augment).items() if isinstance(value, type) and value.__module__ == augment.__name__}
    assert kinds == {"Augmentation", "Chain", "Cutout", "EventRoll", "Flip", "Mixup", "RandomCrop", "Rotation"}

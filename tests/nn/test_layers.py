"""Multi-step layers equal torch's own layer applied step by step, and say clearly when the step axis is missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from snn2hw import nn
from snn2hw.errors import ShapeError, Snn2hwError, UsageError, ValueRangeError

pytestmark = pytest.mark.torch

IMAGES, VECTORS, LINES = (3, 2, 4, 9, 8), (3, 2, 4), (3, 2, 4, 5)
Make = Callable[[], torch.nn.Module]

LAYERS: dict[str, tuple[Make, Make, tuple[int, ...]]] = {
    "conv": (
        lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        lambda: torch.nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        IMAGES,
    ),
    "linear": (lambda: nn.Linear(4, 5), lambda: torch.nn.Linear(4, 5), VECTORS),
    "linear over the last of four axes": (lambda: nn.Linear(5, 3), lambda: torch.nn.Linear(5, 3), LINES),
    "norm of images": (lambda: nn.BatchNorm2d(4), lambda: torch.nn.BatchNorm2d(4), IMAGES),
    "norm of vectors": (lambda: nn.BatchNorm1d(4), lambda: torch.nn.BatchNorm1d(4), VECTORS),
    "norm of lines": (lambda: nn.BatchNorm1d(4), lambda: torch.nn.BatchNorm1d(4), LINES),
    "average": (lambda: nn.AvgPool2d(3, stride=2, padding=1), lambda: torch.nn.AvgPool2d(3, stride=2, padding=1), IMAGES),
    "average to a size": (lambda: nn.AdaptiveAvgPool2d((3, 1)), lambda: torch.nn.AdaptiveAvgPool2d((3, 1)), IMAGES),
    "maximum": (lambda: nn.MaxPool2d(2), lambda: torch.nn.MaxPool2d(2), IMAGES),
    "flatten": (nn.Flatten, torch.nn.Flatten, IMAGES),
}


@pytest.mark.parametrize("name", LAYERS)
def test_equals_torch_at_every_step(name: str) -> None:
    make, make_plain, shape = LAYERS[name]
    torch.manual_seed(0)
    layer, plain, x = make().double().eval(), make_plain().double().eval(), torch.randn(shape, dtype=torch.float64)
    plain.load_state_dict(layer.state_dict())
    assert isinstance(layer, type(plain))
    expected = torch.stack([plain(step) for step in x])
    torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("layer", "shape"), [(nn.BatchNorm2d(4), IMAGES), (nn.BatchNorm1d(4), VECTORS)])
def test_norm_statistics_run_over_steps_and_samples(layer: torch.nn.Module, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    y = layer.train()(torch.randn(shape) * 3 + 1)
    flat = y.transpose(0, 2).flatten(1)
    torch.testing.assert_close(flat.mean(1), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(flat.var(1, unbiased=False), torch.ones(4), rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", LAYERS)
def test_missing_step_axis_is_named(name: str) -> None:
    make, _, shape = LAYERS[name]
    layer = make()
    missing = shape[1:] if len(shape) == 5 and not isinstance(layer, nn.Flatten) else (2, 4)
    with pytest.raises(ShapeError) as caught:
        layer(torch.zeros(missing))
    assert "step axis T" in str(caught.value)
    assert type(layer).__name__ in caught.value.where
    assert caught.value.got == f"shape {list(missing)}"
    assert caught.value.expected.startswith("[T, N")
    assert caught.value.do == "show static samples for T steps: nn.repeat(images, steps)"


def test_message_of_a_convolution_in_full() -> None:
    with pytest.raises(ShapeError) as caught:
        nn.Conv2d(1, 2, 3)(torch.zeros(4, 1, 8, 8))
    assert str(caught.value).splitlines() == [
        "Conv2d needs the step axis T",
        "  where:    Conv2d(1, 2, kernel_size=(3, 3), stride=(1, 1))",
        "  got:      shape [4, 1, 8, 8]",
        "  expected: [T, N, C, H, W]",
        "  do:       show static samples for T steps: nn.repeat(images, steps)",
    ]


def test_too_many_axes_is_named() -> None:
    with pytest.raises(ShapeError, match="MaxPool2d got too many axes"):
        nn.MaxPool2d(2)(torch.zeros(1, 2, 3, 4, 5, 6))


@pytest.mark.parametrize("start", [0, 1, -4])
def test_flatten_never_merges_steps_or_samples(start: int) -> None:
    with pytest.raises(ShapeError, match="would merge the step axis T or the sample axis N"):
        nn.Flatten(start)(torch.zeros(IMAGES))


def test_repeat_shows_the_same_images_without_a_copy() -> None:
    images = torch.rand(5, 1, 8, 8)
    shown = nn.repeat(images, steps=4)
    assert shown.shape == (4, 5, 1, 8, 8)
    assert shown.data_ptr() == images.data_ptr()
    assert all(torch.equal(step, images) for step in shown)


@pytest.mark.parametrize(
    ("images", "steps", "error", "text"),
    [
        (torch.zeros(2), 0, ValueRangeError, "steps is out of range"),
        (torch.zeros(2), -1, ValueRangeError, "at least 1"),
        (torch.zeros(2), 2.0, UsageError, "steps is not a whole number"),
        (torch.zeros(2), True, UsageError, "steps is not a whole number"),
        ([0.0], 2, UsageError, "images are not a torch tensor"),
        (torch.tensor(1.0), 2, ShapeError, "images have no sample axis"),
    ],
)
def test_repeat_refuses(images: torch.Tensor, steps: int, error: type[Snn2hwError], text: str) -> None:
    with pytest.raises(error, match=text):
        nn.repeat(images, steps)


def test_plain_modules_are_torch_s_own() -> None:
    assert (nn.Sequential, nn.Identity, nn.Dropout) == (torch.nn.Sequential, torch.nn.Identity, torch.nn.Dropout)


def test_everything_exported_exists_and_modules_come_from_here_or_torch() -> None:
    for name in nn.__all__:
        assert getattr(nn, name).__module__.startswith(("snn2hw.nn", "torch.nn")), name

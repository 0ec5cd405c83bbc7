from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn  # noqa: E402
from snn2hw.errors import ShapeError, Snn2hwError, UnsupportedError, ValueRangeError  # noqa: E402
from tests.formats.torch.torch_models import Model, Written, sequential, trace  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch


def spoiled(layer: Model, parameter: str, value: float = float("nan")) -> Model:
    with torch.no_grad():
        getattr(layer, parameter).view(-1)[1] = value
    return layer


FITS = "do:       check the layer before it, or the shape of the sample"
CLEAN = "do:       train again with a smaller learning rate, or load another checkpoint"

REFUSALS: dict[str, tuple[Callable[[], Model], tuple[int, ...], type[Snn2hwError], str]] = {
    "padding mode": (
        lambda: sequential(nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (Conv2d)
  got:      padding_mode='reflect'
  expected: padding_mode='zeros'
  do:       use padding_mode='zeros'""",
    ),
    "uneven same padding": (
        lambda: sequential(nn.Conv2d(2, 2, (3, 2), padding="same"), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (Conv2d)
  got:      padding='same' with kernel (3, 2)
  expected: an odd kernel, or an explicit padding
  do:       use an odd kernel, or an explicit padding""",
    ),
    "average with ceil_mode": (
        lambda: sequential(nn.AvgPool2d(4, ceil_mode=True), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (AvgPool2d)
  got:      ceil_mode=True, count_include_pad=True, divisor_override=None
  expected: ceil_mode=False, count_include_pad=True and no divisor_override
  do:       use ceil_mode=False, count_include_pad=True and no divisor_override""",
    ),
    "average without its padding": (
        lambda: sequential(nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (AvgPool2d)
  got:      ceil_mode=False, count_include_pad=False, divisor_override=None
  expected: ceil_mode=False, count_include_pad=True and no divisor_override
  do:       use ceil_mode=False, count_include_pad=True and no divisor_override""",
    ),
    "average with another divisor": (
        lambda: sequential(nn.AvgPool2d(2, divisor_override=3), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (AvgPool2d)
  got:      ceil_mode=False, count_include_pad=True, divisor_override=3
  expected: ceil_mode=False, count_include_pad=True and no divisor_override
  do:       use ceil_mode=False, count_include_pad=True and no divisor_override""",
    ),
    "maximum with ceil_mode": (
        lambda: sequential(nn.MaxPool2d(4, ceil_mode=True), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (MaxPool2d)
  got:      ceil_mode=True, return_indices=False
  expected: ceil_mode=False and return_indices=False
  do:       use ceil_mode=False and return_indices=False""",
    ),
    "maximum with indices": (
        lambda: sequential(nn.MaxPool2d(2, return_indices=True), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (MaxPool2d)
  got:      ceil_mode=False, return_indices=True
  expected: ceil_mode=False and return_indices=False
  do:       use ceil_mode=False and return_indices=False""",
    ),
    "torch's own flatten": (
        lambda: sequential(torch.nn.Flatten(), nn.Linear(72, 2)),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (Flatten)
  got:      start_dim=1, end_dim=-1
  expected: snn2hw.nn.Flatten(), which keeps T and N
  do:       use snn2hw.nn.Flatten(), which keeps T and N""",
    ),
    "no running statistics": (
        lambda: sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)),
        (3,),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    1 (BatchNorm1d)
  got:      no running statistics
  expected: track_running_stats=True
  do:       use track_running_stats=True""",
    ),
    "channels": (
        lambda: sequential(nn.Conv2d(3, 2, 1), nn.Flatten()),
        (2, 6, 6),
        ShapeError,
        f"""the number of channels does not fit the weights
  where:    0 (Conv2d)
  got:      2 channels
  expected: 3 channels
  {FITS}""",
    ),
    "features": (
        lambda: sequential(nn.Flatten(), nn.Linear(71, 2)),
        (2, 6, 6),
        ShapeError,
        f"""the number of features does not fit the weights
  where:    1 (Linear)
  got:      [72]
  expected: [71]
  {FITS}""",
    ),
    "linear on an image": (
        lambda: sequential(nn.Linear(6, 2)),
        (2, 6, 6),
        ShapeError,
        f"""the number of features does not fit the weights
  where:    0 (Linear)
  got:      [2, 6, 6]
  expected: [6]
  {FITS}""",
    ),
    "normalised channels": (
        lambda: sequential(nn.Linear(3, 2), nn.BatchNorm1d(3)),
        (3,),
        ShapeError,
        f"""the number of channels does not fit the normalisation
  where:    1 (BatchNorm1d)
  got:      2
  expected: 3
  {FITS}""",
    ),
    "neuron's channels": (
        lambda: sequential(nn.Linear(3, 2), nn.LNM(channels=3)),
        (3,),
        ShapeError,
        f"""the neuron has constants for another number of channels
  where:    1 (LNM)
  got:      3
  expected: 2
  {FITS}""",
    ),
    "branches": (
        lambda: Written(lambda m, x: m.a(x) + m.b(x), a=nn.Linear(3, 2), b=nn.Linear(3, 4)),
        (3,),
        ShapeError,
        f"""the branches of an addition differ in shape
  where:    add (+)
  got:      [4]
  expected: [2]
  {FITS}""",
    ),
    "kernel": (
        lambda: sequential(nn.Conv2d(2, 2, 3), nn.MaxPool2d(5), nn.Flatten()),
        (2, 6, 6),
        ShapeError,
        f"""the kernel does not fit into the image
  where:    1 (MaxPool2d)
  got:      4x4
  expected: at least (5, 5)
  {FITS}""",
    ),
    "convolution of features": (
        lambda: sequential(nn.Conv2d(2, 2, 3)),
        (3,),
        ShapeError,
        f"""an image [C, H, W] was expected
  where:    0 (Conv2d)
  got:      [3]
  expected: 3 axes
  {FITS}""",
    ),
    "image at the end": (
        lambda: sequential(nn.Conv2d(2, 4, 3)),
        (2, 6, 6),
        ShapeError,
        """the model must end in one value per class
  where:    0 (Conv2d)
  got:      [T, N, 4, 4, 4]
  expected: [T, N, classes]
  do:       end with Flatten and Linear""",
    ),
    "NaN in weights": (
        lambda: sequential(spoiled(nn.Linear(3, 2), "weight")),
        (3,),
        ValueRangeError,
        f"""'weight' holds NaN or Inf
  where:    0 (Linear)
  got:      1 of 6 values
  expected: finite numbers
  {CLEAN}""",
    ),
    "NaN in coefficients": (
        lambda: sequential(nn.Linear(3, 2), spoiled(nn.LNM(degree=2), "a")),
        (3,),
        ValueRangeError,
        f"""'coefficients' holds NaN or Inf
  where:    1 (LNM)
  got:      1 of 3 values
  expected: finite numbers
  {CLEAN}""",
    ),
    "NaN in statistics": (
        lambda: sequential(nn.Linear(3, 2), spoiled(nn.BatchNorm1d(2), "running_mean")),
        (3,),
        ValueRangeError,
        f"""'shift' holds NaN or Inf
  where:    1 (BatchNorm1d)
  got:      1 of 2 values
  expected: finite numbers
  {CLEAN}""",
    ),
    "negative variance": (
        lambda: sequential(nn.Linear(3, 2), spoiled(nn.BatchNorm1d(2), "running_var", -1.0)),
        (3,),
        ValueRangeError,
        f"""'scale' holds NaN or Inf
  where:    1 (BatchNorm1d)
  got:      1 of 2 values
  expected: finite numbers
  {CLEAN}""",
    ),
}


@pytest.mark.parametrize("which", REFUSALS)
def test_layers_that_are_refused(which: str) -> None:
    build, shape, kind, text = REFUSALS[which]
    with refused(kind, text):
        trace(build(), *shape)

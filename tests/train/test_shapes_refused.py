"""What torch says of shapes becomes a ShapeError with the layer: each phrase that is looked for is said by torch itself here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from snn2hw import nn, train
from snn2hw.errors import ShapeError
from snn2hw.train.evaluation import OF_SHAPES, readout
from tests.refused import refused

pytestmark = pytest.mark.torch


class Called(torch.nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


# (the layer, samples [T, N, ...] that it does not take, what of OF_SHAPES torch says of them)
SAID: list[tuple[torch.nn.Module, tuple[int, ...], str]] = [
    (nn.Linear(5, 3), (2, 4, 6), "shape"),
    (nn.Conv2d(1, 3, 3), (2, 4, 2, 8, 8), "channels"),
    (nn.Conv1d(2, 3, 3), (2, 4, 3, 9), "channels"),
    (nn.ConvTranspose2d(1, 3, 3), (2, 4, 2, 8, 8), "channels"),
    (nn.Conv2d(1, 3, 5), (2, 4, 1, 3, 3), "size"),
    (nn.AvgPool2d(9), (2, 4, 1, 3, 3), "size"),
    (nn.MaxPool2d(9), (2, 4, 1, 3, 3), "size"),
    (nn.BatchNorm2d(3), (2, 4, 2, 8, 8), "elements not"),
    (nn.BatchNorm1d(3), (2, 4, 5), "elements not"),
    (torch.nn.LayerNorm(5), (2, 4, 6), "shape"),
    (torch.nn.Conv2d(1, 3, 3), (2, 4, 8, 8, 1), "size"),
    (nn.Recurrent(nn.LIF(), nn.Linear(8, 8)), (2, 4, 5), "shape"),
    (Called(lambda x: x + torch.zeros(7)), (2, 4, 6), "dimension"),
    (Called(lambda x: torch.cat([x, torch.zeros(3, 4, 5)], -1)), (2, 4, 6), "dimension"),
    (Called(lambda x: x.reshape(2, 4, 7)), (2, 4, 6), "shape"),
    (Called(lambda x: x.view(2, 4, 7)), (2, 4, 6), "shape"),
    (Called(lambda x: x @ torch.zeros(7, 7)), (2, 4, 6), "shape"),
    (Called(lambda x: torch.einsum("tnf,fg->tng", x, torch.zeros(7, 7))), (2, 4, 6), "size"),
]


@pytest.mark.parametrize(("layer", "shape", "word"), SAID, ids=[f"{type(m).__name__} {s}" for m, s, _ in SAID])
def test_torchs_own_words_are_understood(layer: torch.nn.Module, shape: tuple[int, ...], word: str) -> None:
    """Where torch words it in another way, this fails: add the new words to OF_SHAPES."""
    model = torch.nn.Sequential(torch.nn.Identity(), layer)
    with pytest.raises(RuntimeError) as raw:
        model(torch.rand(*shape))
    assert word in str(raw.value).splitlines()[0]
    with pytest.raises(ShapeError) as caught:
        readout(model, torch.rand(*shape))
    assert caught.value.what == "the samples do not fit the model's layers"
    assert caught.value.got == f"{list(shape)}, read as [T, N, ...]: {str(raw.value).splitlines()[0]}"
    inner = "1.synapse (Linear)" if isinstance(layer, nn.Recurrent) else f"1 ({type(layer).__name__})"
    assert caught.value.where == inner


def test_every_word_is_one_that_torch_says() -> None:
    assert {word for _, _, word in SAID} == set(OF_SHAPES)


def test_of_a_model_that_is_one_layer_the_layer_is_named() -> None:
    with pytest.raises(ShapeError) as caught:
        readout(nn.Linear(5, 3), torch.rand(2, 4, 6))
    assert caught.value.where == "Linear"


def test_samples_that_no_layer_takes_are_said_with_the_shape_as_it_was_read() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 4), nn.LIF(), nn.Linear(4, 3))
    with refused(
        ShapeError,
        """
        the samples do not fit the model's layers
          where:    1 (Linear)
          got:      [2, 16, 1, 5, 5], read as [T, N, ...]: mat1 and mat2 shapes cannot be multiplied (32x25 and 9x4)
          expected: samples, and values between layers, of the shape that the layers take
          do:       check the shape of a sample and the sizes of the layers; give steps=T where samples have no steps
        """,
    ):
        train.fit(model, (torch.rand(16, 1, 5, 5), torch.zeros(16, dtype=torch.int64)), steps=2, progress=False)

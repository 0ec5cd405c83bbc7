"""Choices that are trained on their integers: what comes out is what prepare, fit and compile make by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import UsageError
from tests.small_networks import two_layer_network

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
RNG = np.random.default_rng(0)
X, Y = RNG.random((24, 6)).astype(np.float32), np.arange(24) % 3
TRAIN = RNG.random((40, 6)).astype(np.float32), np.arange(40) % 3
WIDTHS: dict[str, Any] = {"weight_bits": (3,), "state_bits": (12,), "executor": "reference", "steps": 3, "sample": TRAIN[0]}


def made() -> Any:
    from snn2hw import nn

    torch.manual_seed(0)
    return torch.nn.Sequential(nn.Linear(6, 8), nn.LIF(0.5), nn.Linear(8, 3)).eval()


@pytest.mark.slow
def test_a_trained_choice_is_what_training_by_hand_gives(tmp_path: Path) -> None:
    from snn2hw.exploration.trained import RATE
    from snn2hw.quantize import prepare
    from snn2hw.train import Recipe, fit

    model = made()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state = torch.random.get_rng_state()
    front = snn2hw.explore(model, X, Y, epochs=(0, 2), train=TRAIN, out=tmp_path / "r.jsonl", **WIDTHS)
    assert [p.setting.epochs for p in front.points] == [0, 2]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    prepared = prepare(model, TRAIN[0], steps=3, options=snn2hw.Options(12, 3))
    recipe = Recipe(epochs=2, learning_rate=RATE, guard="off")
    fit(prepared, (torch.tensor(TRAIN[0]), torch.tensor(TRAIN[1])), steps=3, recipe=recipe, device="cpu", progress=False)
    artefact = snn2hw.compile(prepared.eval(), TRAIN[0])
    assert front.points[1].accuracy == snn2hw.evaluate(artefact, X, Y, executor="reference").accuracy
    again = snn2hw.explore(model, X, Y, epochs=(0, 2), train=TRAIN, out=tmp_path / "r.jsonl", **WIDTHS)
    assert again == front
    other = TRAIN[0], (TRAIN[1] + 1) % 3
    with pytest.raises(UsageError, match="the results file is of something else") as caught:
        snn2hw.explore(model, X, Y, epochs=(0, 2), train=other, out=tmp_path / "r.jsonl", **WIDTHS)
    assert caught.value.got == "other: the samples of the training"


def test_what_cannot_be_trained_is_said_before_anything_runs() -> None:
    network, images = two_layer_network()
    labels = np.arange(12) % 5
    for given, says in (
        ({"epochs": 1}, "only a torch model can be trained on its integers"),
        ({"epochs": -1}, "these are no epochs"),
        ({"epochs": ()}, "these are no epochs"),
        ({"layer_bits": "best"}, "unknown widths of layers"),
        ({"layer_bits": [{"fc": 9}]}, "layer_bits of 'fc' is out of range"),
    ):
        with pytest.raises(UsageError, match=says):
            snn2hw.explore(network, images, labels, **given)  # type: ignore[arg-type]
    for train, says in (
        (None, "there is nothing to train on"),
        ((TRAIN[0][:, :3], TRAIN[1]), "samples and labels of the training do not fit"),
        ((TRAIN[0], TRAIN[1][:-1]), "samples and labels of the training do not fit"),
        ((TRAIN[0], TRAIN[1] * 0.5), "samples and labels of the training do not fit"),
    ):
        with pytest.raises(UsageError, match=says):
            snn2hw.explore(made(), X, Y, epochs=1, train=train, **WIDTHS)

"""Choices that are trained on their integers: what comes out is what prepare, fit and compile make by themselves."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import Snn2hwError, UsageError
from snn2hw.exploration.digest import digest
from snn2hw.exploration.given import explored
from snn2hw.exploration.plan import Some
from snn2hw.exploration.point import Setting
from snn2hw.exploration.results_file import WORDS
from snn2hw.exploration.trained import Training, training_of
from snn2hw.exploration.trial import TOLD, Ran, check_alike
from tests.refused import refused
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


def of_it(model: Any, train: Any = TRAIN, x: Any = X, **more: Any) -> Training:
    asked = explored(model, x, Y, more.pop("sample", None), more.pop("steps", 3), None, more.pop("layout", None), None)
    return training_of(asked, train, None)


def test_one_thread_trains_whoever_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has one; sums over two are others, and so are the weights that come out."""
    told, before = list[int](), torch.get_num_threads()
    monkeypatch.setattr("snn2hw.train.fit", lambda *given, **more: told.append(torch.get_num_threads()))
    torch.set_num_threads(2)
    try:
        of_it(made()).compiled(Setting(4, 12, "auto", "generic", 1), TRAIN[0])
        assert (told, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_one_process_and_two_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.exploration.plan.CHUNK", 8)
    given = {"epochs": (1,), "train": TRAIN, **WIDTHS}
    fronts = [snn2hw.explore(made(), X, Y, out=tmp_path / f"{n}.jsonl", workers=n, **given) for n in (1, 2)]
    assert fronts[0] == fronts[1]
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_a_choice_that_was_trained_to_other_integers_is_refused() -> None:
    setting = Setting(4, 12, "auto", "generic", 1)
    known = [
        Ran(setting, Some(0, 8, 1), 3, trained="0" * 16),
        Ran(replace(setting, epochs=2), Some(0, 8, 1), 3, trained="2" * 16),
    ]
    check_alike(known, Ran(setting, Some(8, 16, 1), 4, trained="0" * 16))
    check_alike(known, Ran(replace(setting, epochs=0), Some(8, 16, 1), 4))
    with refused(
        Snn2hwError,
        """
        a choice was trained to other integers than before
          where:    w4 s12 auto generic e1
          got:      integers 1111111111111111, and 0000000000000000 for other samples of the same choice
          expected: the same in every process and in every run: sums of floats differ from one kind of processor to another
          do:       run it on machines of one kind, begin with another results file, or leave epochs out
        """,
    ):
        check_alike(known, Ran(setting, Some(8, 16, 1), 4, trained="1" * 16))


@pytest.fixture
def not_trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Instead of a training, which takes long: the integers that were compiled, by post-training quantisation."""
    made = list[Any]()

    def compiled(training: Training, setting: Setting, sample: Any) -> Any:
        made.append(snn2hw.compile(training.model, sample, 3, options=setting.options))
        return made[-1]

    monkeypatch.setattr(Training, "compiled", compiled)
    monkeypatch.setattr("snn2hw.exploration.plan.CHUNK", 8)
    return made


def test_a_run_goes_on_only_with_the_integers_that_it_began_with(tmp_path: Path, not_trained: list[Any]) -> None:
    path, given = tmp_path / "r.jsonl", {"epochs": 1, "train": TRAIN, **WIDTHS}
    front = snn2hw.explore(made(), X, Y, out=path, **given)
    assert len(not_trained) == 1
    head, *lines = path.read_text().splitlines(keepends=True)
    said = [json.loads(line)["trained"] for line in lines]
    assert said == [digest(not_trained[0].network)[:TOLD]] * 3
    path.write_text(head + "".join(lines[:1]))
    assert snn2hw.explore(made(), X, Y, out=path, **given) == front
    other = head + lines[0].replace(said[0], "0" * TOLD)
    path.write_text(other)
    with pytest.raises(Snn2hwError, match="a choice was trained to other integers than before") as caught:
        snn2hw.explore(made(), X, Y, out=path, **given)
    assert caught.value.got == f"integers {said[0]}, and {'0' * TOLD} for other samples of the same choice"
    assert path.read_text() == other


def with_dropout(p: float) -> Any:
    from snn2hw import nn

    torch.manual_seed(0)
    return torch.nn.Sequential(nn.Linear(6, 8), nn.LIF(0.5), torch.nn.Dropout(p), nn.Linear(8, 3)).eval()


def test_results_say_what_was_trained_and_how(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Dropout does nothing in the network that is compiled, and much in a training."""
    heads = [of_it(with_dropout(p)).head() for p in (0.1, 0.1, 0.5)]
    assert heads[0] == heads[1]
    assert {name for name in heads[0] if heads[0][name] != heads[2][name]} == {"trained"}
    other = of_it(with_dropout(0.1), (TRAIN[0], (TRAIN[1] + 1) % 3)).head()
    assert {name for name in other if other[name] != heads[0][name]} == {"training"}
    monkeypatch.setattr("snn2hw.exploration.trained.RATE", 1e-4)
    other = of_it(with_dropout(0.1)).head()
    assert {name for name in other if other[name] != heads[0][name]} == {"recipe"}
    assert set(heads[0]) <= set(WORDS)


@pytest.mark.parametrize("layout", [None, "TN", "NT"])
def test_samples_to_train_on_may_lie_in_a_folder(tmp_path: Path, layout: str | None) -> None:
    """A choice is trained to the same integers, and the results file is for the same training."""
    steps, axis = (None, ("NT", "TN").index(layout)) if layout else (3, 0)
    shape = {None: (40, 6), "TN": (3, 40, 6), "NT": (40, 3, 6)}[layout]
    x = RNG.random(shape).astype(np.float32)
    for number, part in enumerate(np.array_split(x, 3, axis)):
        np.save(tmp_path / f"{number}.npy", part)
    trainings = [
        of_it(made(), (each, TRAIN[1]), x[:, :24] if axis else x[:24], steps=steps, layout=layout)
        for each in (x, snn2hw.open_samples(tmp_path, axis))
    ]
    assert trainings[0].head() == trainings[1].head()
    sent = [trainings[0], pickle.loads(pickle.dumps(trainings[1]))]  # noqa: S301  (as a worker gets it)
    sample = trainings[0].samples.array()
    one, other = (each.compiled(Setting(4, 12, "auto", "generic", 1), sample) for each in sent)
    assert digest(one.network) == digest(other.network)
    assert len(pickle.dumps(trainings[1].samples)) < x.nbytes


def test_samples_to_train_on_have_the_layout_of_those_that_are_measured() -> None:
    x, more = RNG.random((24, 5, 6)).astype(np.float32), (RNG.random((7, 5, 6)).astype(np.float32), np.arange(7) % 3)
    training = of_it(made(), more, x, steps=None, layout="NT")
    np.testing.assert_array_equal(training.samples.array(), np.swapaxes(more[0], 0, 1))


def test_what_cannot_be_trained_is_said_before_anything_runs() -> None:
    network, images = two_layer_network()
    labels = np.arange(12) % 5
    for given, says in (
        ({"epochs": 1}, "only a torch model can be trained on its integers"),
        ({"epochs": -1}, "these are no epochs"),
        ({"epochs": ()}, "these are no epochs"),
        ({"layer_bits": "best"}, "unknown widths of layers"),
        ({"layer_bits": [3]}, "unknown widths of layers"),
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

"""Training learns, depends on its seed alone, follows the recipe, and stops with a message where it cannot go on."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from snn2hw import nn, train
from snn2hw.data.augment import Mixup
from snn2hw.errors import ShapeError, Snn2hwError, Snn2hwWarning, UsageError, ValueRangeError
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch

QUICK = train.Recipe(epochs=2, batch=16, learning_rate=1e-2)


def fit(model: torch.nn.Module | None = None, data: Any = None, *more: Any, **given: Any) -> train.Fitted:
    arguments: dict[str, Any] = {"steps": 2, "recipe": QUICK, "progress": False, "device": "cpu", **given}
    return train.fit(model or small.model(), small.data() if data is None else data, *more, **arguments)


def away() -> torch.nn.Sequential:
    """A model whose polynomial is not where it started."""
    model = small.model()
    with torch.no_grad():
        model[2].a += 0.1  # type: ignore[union-attr, operator]
    return model


def weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_it_learns_and_tells() -> None:
    recipe, told = dataclasses.replace(QUICK, epochs=8), list[train.Epoch]()
    model, data = small.model(), small.data(120)
    fitted = fit(model, data, small.data(60, 1), recipe=recipe, on_epoch=told.append)
    assert fitted.model is model
    assert not model.training
    assert fitted.history == told
    assert [e.number for e in told] == list(range(1, 9))
    assert told[-1].loss < 0.7 * told[0].loss
    assert fitted.last.validation == train.evaluate(model, small.data(60, 1), 2)
    assert train.evaluate(model, data, 2) > 0.8
    assert fitted.best.validation == max(e.validation for e in told if e.validation is not None)
    assert set(fitted.last.rates) == {"2", "6"}
    assert all(0 < r < 2 for e in told for r in e.rates.values())
    assert all(0 < e.balance < 1 and e.seconds > 0 for e in told)
    share = train.schedule(recipe, 64)
    assert [e.learning_rate for e in told] == [1e-2 * share(8 * k + 7) for k in range(8)]


def test_the_seed_decides() -> None:
    recipe = dataclasses.replace(QUICK, augment=small.shifted)
    first = fit(recipe=recipe, seed=3)
    torch.rand(7), np.random.rand()
    state = torch.get_rng_state()
    second, other = fit(recipe=recipe, seed=3), fit(recipe=recipe, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(weights(first.model), weights(second.model))
    assert not torch.equal(weights(first.model), weights(other.model))


def test_every_form_of_the_same_data_gives_the_same_weights() -> None:
    data = small.data()
    found = [weights(fit(data=form).model) for form in (data, TensorDataset(*data))]
    temporal = (torch.stack([data[0]] * 2, 1), data[1])
    found.append(weights(fit(data=temporal, steps=None).model))
    assert all(torch.equal(found[0], other) for other in found)
    loader = DataLoader(TensorDataset(*data), batch_size=20, shuffle=True)
    assert torch.equal(weights(fit(data=loader, seed=5).model), weights(fit(data=loader, seed=5).model))


def test_one_step_is_that_of_a_plain_loop() -> None:
    recipe = train.Recipe(
        optimiser="sgd", epochs=1, batch=60, clip=0.05, label_smoothing=0.1, balance=0.3, coefficient_penalty=0.2,
        range_penalty=0.4, warmup=0,
    )  # fmt: skip
    model, plain, (x, labels) = away(), away().train(), small.data()
    model[3] = plain[3] = nn.Identity()
    made = train.optimiser(plain, recipe)
    with nn.observe(plain) as seen:
        logits = plain(nn.repeat(x, 2)).mean(0)
    loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)
    loss = loss + 0.3 * nn.balance_loss(seen) + 0.2 * nn.coefficient_penalty(plain) + 0.4 * nn.range_penalty(plain)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.05)
    made.step()
    fitted = fit(model, recipe=recipe)
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-4, atol=1e-6)  # the order of the batch is another
    assert fitted.last.loss == pytest.approx(loss.item(), rel=1e-5)
    assert fitted.last.rates["2"] == pytest.approx(float(seen["2"].rate.mean()))
    assert fitted.last.balance == pytest.approx(nn.balance_loss(seen).item(), rel=1e-5)


def half(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    soft = torch.nn.functional.one_hot(labels, small.CLASSES).float()
    return 0.5 * (x + x.flip(0)), 0.5 * (soft + soft.flip(0))


@pytest.mark.parametrize("change", [{"amp": "bf16"}, {"optimiser": "sgd"}, {"mix": half}, {"clip": 0.01}, {"drop_last": True},
                                    {"balance": 1.0}, {"coefficient_penalty": 10.0}, {"range_penalty": 10.0},
                                    {"warmup": 1.0}])  # fmt: skip
def test_every_choice_trains_and_changes_the_weights(change: dict[str, Any]) -> None:
    plain, other = fit(away()).model, fit(away(), recipe=dataclasses.replace(QUICK, **change)).model
    assert not torch.equal(weights(plain), weights(other))
    assert bool(torch.isfinite(weights(other)).all())
    assert all(p.dtype == torch.float32 for p in other.parameters())


def test_a_network_without_neurons_trains() -> None:
    fitted = fit(torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 3)))
    assert (fitted.last.rates, fitted.last.balance) == ({}, 0.0)


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (
            {"device": "abacus"},
            UsageError,
            "expected: 'auto', 'cpu', or a device of this machine such as 'cuda:0'\n  do:       pass device='auto'",
        ),
        ({"device": "cuda:99"}, UsageError, "this device cannot be used\n  where:    fit(device)\n  got:      'cuda:99': "),
        (
            {"recipe": train.Recipe(amp="fp16")},
            UsageError,
            "fp16 needs a CUDA device\n  where:    Recipe(amp)\n  got:      'fp16' on cpu\n"
            "  expected: 'off' or 'bf16' there\n  do:       pass amp='bf16'",
        ),
        (
            {"model": nn.LIF},
            UsageError,
            "this is no model to train\n  where:    fit\n  got:      the class LIF\n  expected: a torch.nn.Module\n"
            "  do:       call the class, or the function that builds the model, and pass what it returns",
        ),
        ({"on_epoch": 3}, UsageError, "on_epoch cannot be called\n  where:    fit\n  got:      3"),
        ({"recipe": {}}, UsageError, "this is no recipe\n  where:    fit\n  got:      dict"),
        ({"seed": -1}, ValueRangeError, "seed is out of range"),
        ({"steps": 0}, ValueRangeError, "steps is out of range"),
        ({"recipe": train.Recipe(batch=61, drop_last=True)}, UsageError, "got:      60 samples (batch=61, drop_last=True)"),
    ],
)
def test_arguments_are_checked(given: dict[str, Any], kind: type[Snn2hwError], text: str) -> None:
    with pytest.raises(kind) as caught:
        fit(**given)
    assert text in str(caught.value)


def test_a_label_out_of_range_is_found_before_the_first_step() -> None:
    x, labels = small.data()
    labels[37] = 3
    model = small.model()
    before = weights(model)
    with refused(
        ValueRangeError,
        """
        a label is out of range
          where:    data, sample 37
          got:      3
          expected: 0..2: the model has 3 classes
          do:       correct the label, or give the model more classes
        """,
    ):
        fit(model, (x, labels))
    assert torch.equal(weights(model), before)
    with pytest.raises(ValueRangeError, match="data, sample 37"):  # a Dataset: in the batch where it appears
        fit(model, TensorDataset(x, labels))
    with pytest.raises(ValueRangeError, match="validation, sample 37"):
        fit(model, small.data(), (x, labels))


def of_three(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A function of a user's, which says no number of classes."""
    return x, torch.nn.functional.one_hot(labels, small.CLASSES).float()


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_out_of_range_is_found_before_labels_are_mixed(label: int) -> None:
    x, labels = small.data()
    labels[37] = label
    mixing = dataclasses.replace(QUICK, mix=Mixup(small.CLASSES))
    text = f"""
        a label is out of range
          where:    data, {{}}
          got:      {label}
          expected: 0..2: {{}} has 3 classes
          do:       correct the label, or give {{}} more classes
        """
    own = "Recipe(mix)"
    model = small.model()
    before = weights(model)
    with refused(ValueRangeError, text.format("sample 37", own, own)):
        fit(model, (x, labels), recipe=mixing)
    assert torch.equal(weights(model), before)
    batches = DataLoader(TensorDataset(x, labels), batch_size=16)
    with refused(ValueRangeError, text.format("batch 2, place 5", "the model", "the model")):
        fit(None, batches, recipe=mixing)
    with refused(ValueRangeError, text.format("batch 2, place 5", "the model", "the model")):
        fit(None, batches, recipe=dataclasses.replace(QUICK, mix=of_three))


@pytest.mark.parametrize("held", [True, False])
def test_a_wrong_label_in_the_first_batch_is_found_before_a_function_without_classes_mixes_it(held: bool) -> None:
    x, labels = small.data()
    labels[:] = 3
    data = (x, labels) if held else DataLoader(TensorDataset(x, labels), batch_size=16)
    model = small.model()
    before = weights(model)
    place = "sample 0" if held else "batch 0, place 0"
    with refused(
        ValueRangeError,
        f"""
        a label is out of range
          where:    data, {place}
          got:      3
          expected: 0..2: the model has 3 classes
          do:       correct the label, or give the model more classes
        """,
    ):
        fit(model, data, recipe=dataclasses.replace(QUICK, mix=of_three))
    assert torch.equal(weights(model), before)


class Draws(torch.nn.Module):
    """Noise in every mode, and a count of the forwards in training: what counting the classes must leave alone."""

    def __init__(self) -> None:
        super().__init__()
        self.trained, self.evaluated = 0, 0

    def forward(self, x: Tensor) -> Tensor:
        self.trained, self.evaluated = self.trained + self.training, self.evaluated + (not self.training)
        return x + 0.1 * torch.rand_like(x) + 0.1 * random.random() + 0.1 * np.random.random()


def test_counting_the_classes_changes_no_bit_of_a_training() -> None:
    class OfThree:
        """The same function, which says how many classes it has."""

        classes = small.CLASSES

        def __call__(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            return of_three(x, labels)

    found, drawn = [], []
    for mix in (of_three, OfThree()):
        torch.manual_seed(0)
        drawn.append(Draws())
        model = torch.nn.Sequential(
            nn.Flatten(), drawn[-1], nn.Linear(int(np.prod(small.SHAPE)), 8), nn.BatchNorm1d(8), nn.LIF(), nn.Dropout(0.5),
            nn.Linear(8, small.CLASSES),
        )  # fmt: skip
        fit(model, recipe=dataclasses.replace(QUICK, mix=mix))
        found.append(torch.cat([v.flatten().double() for v in model.state_dict().values()]))
    assert torch.equal(*found)
    assert drawn[0].trained == drawn[1].trained
    assert (drawn[0].evaluated, drawn[1].evaluated) == (1, 0)


def test_the_number_of_steps_must_stay_the_same() -> None:
    temporal = [small.data(16, shape=(t, *small.SHAPE)) for t in (3, 4)]
    text = """
        the number of steps is not that of the training
          where:    {}
          got:      T = 4
          expected: T = 3
          do:       bin events into as many steps, or show static samples as many times
        """
    with refused(ShapeError, text.format("validation")):
        fit(None, temporal[0], temporal[1], steps=None)
    loader = [(x, labels) for x, labels in temporal]
    given = DataLoader(loader, batch_size=None, shuffle=False)  # type: ignore[arg-type, var-annotated]
    with refused(ShapeError, text.format("data, epoch 1, batch 1")):
        fit(None, given, steps=None)


def test_soft_labels_must_fit() -> None:
    with refused(
        ShapeError,
        """
        soft labels do not fit the logits
          where:    Recipe(mix)
          got:      shape [16, 4]
          expected: [16, 3]: [N, classes]
          do:       mix one-hot labels of as many classes as the model has
        """,
    ):
        fit(recipe=dataclasses.replace(QUICK, mix=lambda x, labels: (x, torch.ones(len(x), 4))))


def test_a_loss_that_is_not_finite_stops_it() -> None:
    model = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 3))
    model[1].register_forward_hook(lambda _, __, made: made * float("nan"))
    with refused(
        ValueRangeError,
        """
        the training diverged
          where:    epoch 1, batch 0
          got:      a loss of nan
          expected: a finite loss
          do:       train with a lower learning_rate, a smaller clip, a larger range_penalty, or a longer warmup
        """,
    ):
        fit(model)


class Steep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        return grads[0] * float("nan")


class Broken(torch.nn.Linear):
    def forward(self, input: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = Steep.apply(super().forward(input))
        return made


@pytest.mark.parametrize("clip", [None, 1.0])
def test_a_gradient_that_is_not_finite_stops_it_before_the_weights(clip: float | None) -> None:
    model = torch.nn.Sequential(nn.Flatten(), Broken(32, 3))
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    with refused(
        ValueRangeError,
        """
        the training diverged
          where:    epoch 1, batch 0
          got:      a gradient of norm nan
          expected: a finite gradient
          do:       train with a lower learning_rate, a smaller clip, a larger range_penalty, or a longer warmup
        """,
    ):
        fit(model, recipe=dataclasses.replace(QUICK, clip=clip))
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())


def test_a_silent_layer_is_warned_of_once() -> None:
    model = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 8), nn.LIF(threshold=1e6, state_range=(-2e6, 2e6)), nn.Linear(8, 3))
    with pytest.warns(Snn2hwWarning) as warned:
        fitted = fit(model)
    assert [str(w.message) for w in warned] == [
        "a layer is silent: nothing behind it can be learned from the input\n  where:    2, epoch 1\n"
        "  got:      not one spike in the whole epoch: no membrane reached its threshold\n  expected: a firing rate above 0\n"
        "  do:       lower its threshold, put a BatchNorm before it, raise its decay, or widen its surrogate"
    ]
    assert warned[0].filename == __file__
    assert [e.rates["2"] for e in fitted.history] == [0.0, 0.0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("amp", ["off", "bf16", "fp16"])
def test_it_trains_on_cuda(amp: str) -> None:
    fitted = fit(recipe=dataclasses.replace(QUICK, epochs=8, amp=amp), device="cuda")
    assert fitted.last.loss < 0.8 * fitted.history[0].loss
    assert all(p.is_cuda and bool(torch.isfinite(p).all()) for p in fitted.model.parameters())


@pytest.mark.parametrize(
    "error", [torch.cuda.OutOfMemoryError("CUDA out of memory: a size of 3 GiB"), RuntimeError("no kernel image")]
)
def test_what_torch_says_of_other_things_stays_as_it_is(error: RuntimeError) -> None:
    class Raising(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            raise error

    with pytest.raises(RuntimeError) as caught:
        fit(Raising())
    assert caught.value is error

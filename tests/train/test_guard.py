"""Membranes at a bound: a warning with a remedy that works, or an end to the training where that is asked for."""

from __future__ import annotations

import dataclasses
import inspect
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from snn2hw import nn, train
from snn2hw.errors import CheckpointError, Snn2hwWarning, UsageError, ValueRangeError
from snn2hw.quantize import prepare
from snn2hw.train.tally import guard_bounds
from tests.refused import refused
from tests.train import small

pytestmark = pytest.mark.torch

CAME = 'train it from its first weights with Recipe(range_penalty=1), or go on with guard="off" where it works as it is'
RECIPE = train.Recipe(epochs=1, batch=20, learning_rate=1e-3)


def latched(cubic: float = 1.0) -> torch.nn.Sequential:
    """Learned so that a membrane beyond 1 runs to the end of its range and stays: a cubic, never left alone with no input."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 12), nn.LNM(degree=3, reset="none"), nn.Linear(12, small.CLASSES))
    with torch.no_grad():
        model[1].weight.abs_().mul_(3)  # type: ignore[operator, union-attr]
        model[2].a[:, 3] = cubic  # type: ignore[index, operator, union-attr]
    return model


def calm() -> torch.nn.Sequential:
    """The same layers, with membranes that are nowhere near their bounds."""
    model = latched(0.0)
    with torch.no_grad():
        model[1].weight.mul_(0.2)  # type: ignore[operator, union-attr]
    return model


def fit(model: Any, recipe: train.Recipe = RECIPE, **given: Any) -> tuple[train.Fitted, list[str]]:
    """The training, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = train.fit(model, small.data(120), steps=4, recipe=recipe, progress=False, device="cpu", **given)
    assert all(issubclass(w.category, Snn2hwWarning) for w in caught)
    return fitted, [str(w.message) for w in caught]


@torch.no_grad()
def at_a_bound(model: Any) -> float:
    """The largest share of a layer's membranes, of all steps."""
    with nn.observe(model) as seen:
        model(nn.repeat(small.data(120)[0], 4))
    return max(float(layer.saturated.max()) for layer in seen.values())


def test_it_warns_once_of_a_layer_and_goes_on() -> None:
    model = latched()
    share = at_a_bound(model)
    assert share > 0.5
    fitted, said = fit(model, dataclasses.replace(RECIPE, epochs=2))
    assert len(fitted.history) == 2
    assert len(said) == 1
    assert re.fullmatch(
        "the membranes of a layer have left their range\n"
        r"  where:    2, step [0-3], epoch 1, batch 0" "\n"
        r"  got:      [0-9]+\.[0-9]% at a bound of the state range, more than half" "\n"
        "  expected: at most half of them\n"
        "  do:       " + re.escape(CAME),
        said[0],
    )  # fmt: skip


@pytest.mark.parametrize(("lost", "says"), [(2000, None), (2001, "50.0%"), (2020, "50.5%"), (4000, "100.0%")])
def test_half_of_them_and_a_little_more_is_not_said_to_be_half(lost: int, says: str | None) -> None:
    neuron, membranes = nn.LNM(), torch.zeros(1, 1, 4000)
    membranes[..., :lost] = 1e9
    with nn.observe(neuron) as seen, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        neuron(membranes)
        guard_bounds(neuron, seen, RECIPE, set(), "epoch 1, batch 0")
    expected = [f"  got:      {says} at a bound of the state range, more than half", "  expected: at most half of them"]
    assert [str(w.message).splitlines()[2:4] for w in caught] == ([expected] if says else [])


def test_stop_is_a_switch_and_spares_what_came_like_this() -> None:
    """A layer that a step has driven to its bounds is an error; one that was there before the first step is warned of."""
    stop = dataclasses.replace(RECIPE, guard="stop")
    fitted, said = fit(latched(), stop)
    assert len(fitted.history) == 1
    assert [text.splitlines()[-1] for text in said] == [f"  do:       {CAME}"]
    model, count = calm(), iter(range(1000))

    def leave(module: Any, entering: Any) -> None:
        if next(count) == 5:
            model.load_state_dict(latched().state_dict())

    model[0].register_forward_pre_hook(leave)
    with pytest.raises(ValueRangeError, match="the membranes of a layer have left their range") as caught:
        fit(model, dataclasses.replace(stop, batch=12))
    assert re.fullmatch("2, step [0-3], epoch 1, batch 8", caught.value.where)
    assert caught.value.do == "train with Recipe(range_penalty=1), which is 0.1 now, from the same weights again"


def test_a_recipe_has_one_name_for_each_setting() -> None:
    assert list(inspect.signature(train.Recipe).parameters) == [f.name for f in dataclasses.fields(train.Recipe)]


@pytest.mark.parametrize(("balance", "batches"), [(0.0, [0, 8, 9]), (0.1, list(range(10)))])
def test_who_looks_at_membranes_looks_at_every_eighth_batch_and_the_last(balance: float, batches: list[int]) -> None:
    """The rates are those of the batches that were looked at; NaN of others is found and named all the same."""
    model, looked = calm(), list[int]()
    neuron: Any = model[2]
    count = iter(range(1000))

    def note(module: Any, entering: Any) -> None:
        number = next(count)
        if neuron.observed:
            looked.append(number)

    neuron.register_forward_pre_hook(note)
    fitted, _ = fit(model, dataclasses.replace(RECIPE, batch=12, balance=balance))
    assert looked == batches
    assert 0 < fitted.last.rates["2"] < 1


def test_a_loss_that_is_no_number_names_its_layer_in_a_batch_that_nobody_looked_at() -> None:
    model, count = calm(), iter(range(1000))

    def spoil(module: Any, entering: Any) -> None:
        if next(count) == 3:
            model[2].a.data.fill_(float("nan"))  # type: ignore[union-attr, operator]
            model[3].bias.data.fill_(float("nan"))  # type: ignore[union-attr, operator]

    model[0].register_forward_pre_hook(spoil)
    with pytest.raises(ValueRangeError, match="membranes are no numbers any more") as caught:
        fit(model, dataclasses.replace(RECIPE, batch=12))
    assert caught.value.where == "2, step 0, epoch 1, batch 3"


def test_a_loss_that_is_no_number_names_its_layer_in_the_precision_of_the_training() -> None:
    model, count = calm(), iter(range(1000))

    def spoil(module: Any, entering: Any, left: torch.Tensor) -> torch.Tensor:
        return left * float("nan") if next(count) >= 6 and torch.is_autocast_enabled("cpu") else left

    for entering in (model[1], model[3]):  # of the neurons, and of the loss
        entering.register_forward_hook(spoil)
    with pytest.raises(ValueRangeError, match="membranes are no numbers any more") as caught:
        fit(model, dataclasses.replace(RECIPE, batch=12, amp="bf16"))
    assert caught.value.where == "2, step 0, epoch 1, batch 3"


def test_off_says_nothing() -> None:
    assert fit(latched(), dataclasses.replace(RECIPE, guard="off"))[1] == []


def test_the_switch_changes_no_weight_and_no_checkpoint(tmp_path: Path) -> None:
    made = [latched(), latched()]
    fit(made[0], out=tmp_path)
    fit(made[1], dataclasses.replace(RECIPE, guard="off"))
    assert all(torch.equal(a, b) for a, b in zip(made[0].parameters(), made[1].parameters(), strict=True))
    resumed, _ = fit(latched(), dataclasses.replace(RECIPE, guard="off"), out=tmp_path, resume=True)
    assert len(resumed.history) == 1
    with pytest.raises(CheckpointError):
        fit(latched(), dataclasses.replace(RECIPE, range_penalty=1.0), out=tmp_path, resume=True)


def test_a_warning_is_not_said_again_after_a_resumption(tmp_path: Path) -> None:
    def stop(_: train.Epoch) -> None:
        raise InterruptedError

    two = dataclasses.replace(RECIPE, epochs=2)
    with pytest.raises(InterruptedError), pytest.warns(Snn2hwWarning, match="have left their range"):
        train.fit(latched(), small.data(120), steps=4, recipe=two, progress=False, device="cpu", out=tmp_path, on_epoch=stop)
    resumed, said = fit(latched(), two, out=tmp_path)
    assert len(resumed.history) == 2
    assert said == []


def remembered(samples: int = 120, steps: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """[N, T, 8]: the class is shown in the first two steps, so that a membrane which latches at the end of its range helps."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, small.CLASSES, (samples,), generator=generator)
    x = torch.rand(samples, steps, 8, generator=generator) * 0.1
    x[torch.arange(samples), :2, labels] += 0.9
    return x, labels


LONG = train.Recipe(epochs=30, batch=20, learning_rate=2e-2, dynamics_rate=0.5)


def recalling() -> torch.nn.Sequential:
    torch.manual_seed(0)
    neuron = nn.LNM(degree=3, reset="subtract", state_range=(-1.5, 1.5))
    return torch.nn.Sequential(nn.Linear(8, 12), neuron, nn.Linear(12, small.CLASSES))


@pytest.mark.filterwarnings("ignore:a layer is silent")  # in the first epoch
def test_what_the_message_recommends_works_in_quantisation_aware_training() -> None:
    """A working float model, twice the same training of its integers: one stops, the one with the named penalty ends, and is as
    good as the float model."""
    data = remembered()
    sample = data[0].transpose(0, 1)
    model, recipe = recalling(), dataclasses.replace(LONG, guard="stop")
    given: Any = {"progress": False, "device": "cpu"}
    train.fit(model, data, recipe=dataclasses.replace(recipe, range_penalty=1.0), **given)
    by_float = train.evaluate(model, data)
    assert by_float > 0.9
    with pytest.raises(ValueRangeError, match="the membranes of a layer have left their range") as stopped:
        train.fit(prepare(model, sample.numpy()), data, recipe=recipe, **given)
    advised = re.fullmatch(
        r"train with Recipe\(range_penalty=([0-9.]+)\), which is 0.1 now, from the same weights again", stopped.value.do
    )
    assert advised is not None
    calmed = dataclasses.replace(recipe, range_penalty=float(advised[1]))
    fitted = train.fit(prepare(model, sample.numpy()), data, recipe=calmed, **given)
    assert len(fitted.history) == recipe.epochs
    assert train.evaluate(fitted.model, data) >= by_float - 0.02
    with torch.no_grad(), nn.observe(fitted.model) as seen:
        fitted.model(sample)
    assert all(float(layer.saturated.max()) < 0.5 for layer in seen.values())


def test_a_prepared_model_starts_to_learn_whatever_its_membranes_do() -> None:
    """Most of them at a bound, a learning rate of nothing: no step could have made that."""
    model, x = latched(), small.data(120)[0]
    fit(model, dataclasses.replace(RECIPE, guard="off"))
    prepared = prepare(model, x.numpy(), steps=4)
    assert at_a_bound(prepared) > 0.5
    fitted, said = fit(prepared, dataclasses.replace(RECIPE, learning_rate=1e-6))
    assert len(fitted.history) == 1
    assert [line.splitlines()[0] for line in said] == ["the membranes of a layer have left their range"]
    assert said[0].endswith(CAME)
    fitted, said = fit(prepared, dataclasses.replace(RECIPE, learning_rate=1e-6, guard="stop"))
    assert (len(fitted.history), len(said)) == (1, 1)


LIF_GIVEN: dict[str, Any] = {"decay": 0.9, "state_range": (-1.5, 1.5), "reset": "none"}


@pytest.mark.parametrize("remedy", [{}, {"state_range": (-24.0, 24.0)}, {"decay": 0.2, "norm": True}])
def test_a_neuron_without_a_polynomial_has_other_remedies_and_each_works(remedy: dict[str, Any]) -> None:
    model, given = latched(), {**LIF_GIVEN, **remedy}
    norm = [nn.BatchNorm1d(12)] if given.pop("norm", False) else []
    _, said = fit(torch.nn.Sequential(model[0], model[1], *norm, nn.LIF(given.pop("decay"), **given), model[3]))
    assert len(said) == (not remedy)
    if not remedy:
        assert said[0].endswith("\n  do:       widen its state_range, or put a BatchNorm before it and lower its decay")


@pytest.mark.parametrize("given", [{}, {"bounded": True}, {"init": "plif", "channels": 12}, {"init": "qif"}])
@pytest.mark.parametrize("remedy", ["", "room", "norm"])
def test_membranes_that_the_input_drives_are_not_laid_to_a_polynomial_that_did_not_move(
    given: dict[str, Any], remedy: str
) -> None:
    """No penalty on polynomials could help: they are where they began, or near it."""
    torch.manual_seed(0)
    given = {**given, "state_range": (-400.0, 400.0)} if remedy == "room" else given
    norm = [nn.BatchNorm1d(12)] if remedy == "norm" else []
    neuron = nn.LNM(degree=3, **given)
    model = torch.nn.Sequential(nn.Flatten(), nn.Linear(32, 12), *norm, neuron, nn.Linear(12, small.CLASSES))
    with torch.no_grad():
        model[1].weight.abs_().mul_(10)  # type: ignore[operator, union-attr]
    said = [text for text in fit(model)[1] if "have left their range" in text]
    assert len(said) == (not remedy)
    if said:
        assert said[0].endswith("\n  do:       widen its state_range, or put a BatchNorm before it")
        with torch.no_grad(), nn.observe(model) as seen, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            neuron.a.add_(1e-3)
            model(nn.repeat(small.data(120)[0], 4))
            guard_bounds(model, seen, RECIPE, set(), "epoch 2, batch 0")
        assert str(caught[0].message).endswith("\n  do:       widen its state_range, or put a BatchNorm before it")


def test_the_penalty_keeps_a_float_model_from_leaving_and_without_it_the_message_comes() -> None:
    leaves, stays = (recalling() for _ in range(2))
    for model, penalty, warned in ((leaves, 0.1, True), (stays, 1.0, False)):
        recipe = dataclasses.replace(LONG, range_penalty=penalty)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            train.fit(model, remembered(), recipe=recipe, progress=False, device="cpu")
        said = [str(w.message) for w in caught if "have left their range" in str(w.message)]
        assert bool(said) is warned
        assert all(text.endswith("which is 0.1 now, from the same weights again") for text in said)
    assert train.evaluate(stays, remembered()) >= train.evaluate(leaves, remembered())


@pytest.mark.parametrize("guard", ["warn", "stop", "off"])
def test_membranes_that_are_no_numbers_stop_every_training(guard: str) -> None:
    model = latched()
    model[2].register_forward_pre_hook(lambda _, given: (given[0] * float("nan"),))
    with refused(
        ValueRangeError,
        """
        the training diverged: membranes are no numbers any more
          where:    2, step 0, epoch 1, batch 0
          got:      100% NaN
          expected: numbers
          do:       train with a lower learning_rate, a smaller clip, a larger range_penalty, or a longer warmup
        """,
    ):
        fit(model, dataclasses.replace(RECIPE, guard=guard))


def test_another_word_is_refused() -> None:
    with refused(
        UsageError,
        """
        unknown guard
          where:    Recipe
          got:      'explode'
          expected: one of 'warn', 'stop', 'off'
          do:       pass guard as one of these
        """,
    ):
        train.Recipe(guard="explode")

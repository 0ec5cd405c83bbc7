"""`convert` on models of torch alone: what it is given, what it gives back, and the user's model afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import Snn2hwWarning, UnsupportedError, UsageError
from tests.refused import refused

pytestmark = pytest.mark.torch
X = torch.from_numpy(np.random.default_rng(0).random((6, 5, 4), np.float32))


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.LIF(0.5), nn.Dropout(0.5), nn.Linear(3, 2))


def test_modes_parameters_and_hooks_are_the_users_afterwards() -> None:
    own = model()
    own[2].eval()
    modes = {path: m.training for path, m in own.named_modules()}
    made = snn2hw.convert(own, X)
    assert {path: m.training for path, m in own.named_modules()} == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in own.modules())
    assert {id(p) for p in made.parameters()} == {id(p) for p in own.parameters()}
    torch.testing.assert_close(made.eval()(X), own.eval()(X), rtol=0, atol=0)


def test_one_layer_is_a_model() -> None:
    assert snn2hw.convert(nn.LIF(0.5), X).conversion.comparison.total == X.numel()


def test_samples_without_steps_are_each_shown_for_all_of_them() -> None:
    own = nn.Sequential(nn.Linear(4, 3), nn.LIF(0.5))
    said = str(snn2hw.convert(own, X[0], steps=3).conversion)
    assert said == "converted from torch: 45 of 45 spikes equal (each sample shown for 3 steps)"


class OneStep(torch.nn.Module):
    """Its forward sees one step: nothing in it says which axis of a sample is time."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(4, 3)

    def forward(self, x: torch.Tensor, u: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        u = 0.5 * (torch.zeros(len(x), 3) if u is None else u) + self.fc(x)
        s = (u >= 1).float()
        return s, u * (1 - s)


class Looping(OneStep):
    """The loop over the first axis says that it is time."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        u, spikes = None, []
        for t in range(len(x)):
            s, u = super().forward(x[t], u)
            spikes.append(s)
        return torch.stack(spikes)


MANY_STEPS = torch.rand(20, 5, 4, generator=torch.Generator().manual_seed(0)) * 3  # or 20 samples of 5 steps


def test_where_nothing_says_which_axis_is_time_there_is_a_warning() -> None:
    with pytest.warns(Snn2hwWarning) as given:
        snn2hw.convert(OneStep(), MANY_STEPS)
    assert [str(w.message) for w in given] == [
        """the samples could be meant the other way about: nobody said which axis is time
  where:    samples
  got:      [20, 5, 4], taken as [T, N, ...]: 20 steps of 5 samples [4]
  expected: layout="TN" for this; layout="NT" for [N, T, ...]: 20 samples of 5 steps
  cause:    there are more steps than samples
  do:       state the layout (--layout on the command line)"""
    ]
    assert given[0].filename == __file__
    with pytest.warns(Snn2hwWarning, match="nobody said which axis is time") as given:
        snn2hw.compile(OneStep(), MANY_STEPS / 3)
    assert given[0].filename == __file__


@pytest.mark.parametrize("layout", ["TN", "NT"])
def test_a_stated_layout_needs_no_warning(layout: str) -> None:
    steps = snn2hw.convert(OneStep(), MANY_STEPS, layout=layout).conversion.steps
    assert steps == {"TN": 20, "NT": 5}[layout]


def test_a_loop_says_which_axis_is_time() -> None:
    assert snn2hw.convert(Looping(), MANY_STEPS).conversion.steps == 20


def test_samples_may_be_arrays_that_cannot_be_written_to() -> None:
    values = X.numpy().copy()
    values.setflags(write=False)
    assert snn2hw.convert(model(), values).conversion.steps == 6


def test_without_a_sample() -> None:
    with refused(
        UsageError,
        """a model is converted by running it on a sample
  where:    Sequential
  got:      no sample
  expected: real samples as the model is given them
  do:       give sample=x, some of the test set""",
    ):
        snn2hw.convert(model())


def test_no_model() -> None:
    text = "the model is no torch.nn.Module\n  got:      dict\n  expected: a torch.nn.Module\n"
    with refused(UnsupportedError, text + "  do:       give the module itself, whose forward takes the sample"):
        snn2hw.convert({}, X)  # type: ignore[arg-type]


def test_another_word_for_the_layout() -> None:
    with pytest.raises(UsageError, match="layout"):
        snn2hw.convert(model(), X, layout="NCHW")


def test_a_hooked_layer_is_refused() -> None:
    own = model()
    own[0].register_forward_hook(lambda m, args, out: out * 2)
    with pytest.raises(UnsupportedError, match="a module has forward hooks, which may change what it computes"):
        snn2hw.convert(own, X)


class Decides(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x) if x.sum() > 0 else x


class Noisy(Decides):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x) + torch.rand_like(x[..., :3])


class Drops(Decides):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.nn.functional.dropout(x))


class Unregistered(Decides):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(4, 3)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers[0](x)


class Fails(Decides):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.reshape(7, -1))


REFUSED = {
    Decides: """the model's forward decides by the value of a tensor
  where:    LINE
  got:      a number taken out of a tensor (bool)
  expected: a forward that does the same for all data
  do:       write the decision with torch.where, or move it out of the forward""",
    Noisy: """the model's forward draws random numbers
  where:    LINE
  got:      rand_like
  expected: a forward that gives the same in every call
  do:       draw them outside of the model, for rate coding in the data: snn2hw takes spikes [T, N, ...] as samples""",
    Drops: """the model's forward draws random numbers
  where:    LINE
  got:      dropout
  expected: a forward that gives the same in every call
  do:       draw them outside of the model, for rate coding in the data: snn2hw takes spikes [T, N, ...] as samples""",
    Unregistered: """a layer is called that is no part of the model, so that nothing has its weights
  where:    LINE
  got:      'linear' with parameters of no layer of the model
  expected: layers that __init__ assigns to attributes, or holds in an nn.ModuleList
  do:       write self.layer = ... in __init__, or nn.ModuleList(...) for a list""",
    Fails: """the model's forward fails on this sample
  where:    LINE
  got:      RuntimeError: shape '[7, -1]' is invalid for input of size 120; the sample is [6, 5, 4]
  expected: a sample that the model takes: [T, N, ...], [N, T, ...] or, static, [N, ...] with steps=T
  do:       give a sample as the model is called with, or layout='NT' where N is its first axis""",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_forwards_that_cannot_be_followed(kind: type[Decides]) -> None:
    with refused(UnsupportedError, REFUSED[kind]):
        snn2hw.convert(kind(), X)


class TwoInputs(Decides):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.fc(x) + self.fc(y)


def test_several_inputs_are_named() -> None:
    with refused(
        UnsupportedError,
        """the model's forward takes more than one input
  where:    TwoInputs.forward
  got:      y behind x
  expected: one input; behind it states, that are None at the first step and are returned behind the output
  do:       give the inputs in one tensor, and take it apart in the forward""",
    ):
        snn2hw.convert(TwoInputs(), X)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions_are_copied_in_float32(kind: torch.dtype) -> None:
    own = model().to(kind)
    made = snn2hw.convert(own, X)
    name = str(kind).removeprefix("torch.")
    assert made.conversion.notes == (f"Its weights are {name}: this is a copy in float32, with parameters of its own.",)
    assert {p.dtype for p in own.parameters()} == {kind}
    assert {p.dtype for p in made.parameters()} == {torch.float32}
    for theirs, ours in zip(own.parameters(), made.parameters(), strict=True):
        torch.testing.assert_close(theirs.float(), ours, rtol=0, atol=0)


def test_a_dropout_of_the_forward_that_does_nothing_in_evaluation_is_read() -> None:
    class Trained(Decides):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(torch.nn.functional.dropout(x, 0.5, self.training))

    made = snn2hw.convert(Trained(), X)
    assert not made.conversion.notes


def test_a_dropout_of_whole_channels_is_told() -> None:
    own = torch.nn.Sequential(torch.nn.Dropout1d(0.5), nn.Linear(4, 3))
    assert snn2hw.convert(own, X).conversion.notes == (
        "0 (Dropout1d) drops single values, not channels, where the converted model trains.",
    )


def test_another_output_is_noticed_though_all_spikes_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    from snn2hw.conversion import convert

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = model()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layers(x).mean(0)

    assert snn2hw.convert(Mean(), X).conversion.comparison.first is None
    monkeypatch.setattr(convert, "SUM", convert.MEAN)  # a mean is written as a sum
    with pytest.raises(UnsupportedError, match="the converted model does not return what the model returns") as caught:
        snn2hw.convert(Mean(), X)
    assert "values up to" in caught.value.got

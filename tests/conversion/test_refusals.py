"""What no converted model can be is refused: by layer, line and reason, with what to write instead."""

from __future__ import annotations

import re

import pytest

import snn2hw
from snn2hw.errors import ShapeError, Snn2hwError, Snn2hwWarning, UnsupportedError, UsageError
from tests.frameworks import framework
from tests.refused import refused

torch = pytest.importorskip("torch")
from tests.conversion.foreign import CASES, ROWS, Case, T  # noqa: E402

pytestmark = pytest.mark.torch

SUPPORTED = (
    "layers of torch.nn and of the frameworks, + - * / of their values and of constants, torch.cat, flatten, reshape, permute,"
    " mean over places, functional linear, conv2d and pools"
)
REFUSED: dict[str, tuple[type[Snn2hwError], str]] = {
    "one step with a layer twice": (
        UnsupportedError,
        """step 0 does something else than the other steps
  where:    lif1, LINE
  got:      lif1
  expected: a loop whose steps are alike
  do:       move what is done once out of the loop, or into the data; a layer with state that a step calls twice is two layers""",
    ),
    "one step of ones": (
        UnsupportedError,
        """an output of the model does not depend on its input
  where:    the model's output
  got:      a constant [3, 4]
  expected: what a layer makes of the input
  do:       return what a layer makes of the input, and no constant besides""",
    ),
    "values of two layers": (
        UnsupportedError,
        """a list of results does not hold one value of every step
  where:    LINE
  got:      values of different layers
  expected: the same value of every step, from the first to the last
  do:       append the output of the same layer in every step""",
    ),
    "a state is changed": (
        UnsupportedError,
        """a layer is called with a state that is not its own
  where:    lif1, LINE
  got:      a state that the model has changed
  expected: the state that the call before returned
  do:       hand the state on as it is, or write the neuron as a nn.CustomNeuron""",
    ),
    "a state is zeros in every step": (
        UnsupportedError,
        """a layer is called with a state that is not its own
  where:    lif1, LINE
  got:      a state of zeros in every step
  expected: the state that the call before returned
  do:       hand the state on as it is, or write the neuron as a nn.CustomNeuron""",
    ),
    "a state begins with ones": (
        UnsupportedError,
        """a layer is called with a state that is not its own
  where:    lif1, LINE
  got:      a state that is not 0 at first
  expected: no state, or zeros, at the first step
  do:       hand the state on as it is, or write the neuron as a nn.CustomNeuron""",
    ),
    "a step differs": (
        UnsupportedError,
        """step 3 does something else than the other steps
  where:    lif1, LINE
  got:      lif1
  expected: a loop whose steps are alike
  do:       move what is done once out of the loop, or into the data; a layer with state that a step calls twice is two layers""",
    ),
    "a layer is called twice in a step": (
        UnsupportedError,
        """the loops of the model's forward differ in their number of steps
  where:    lif1
  got:      lif1 10 times, lif2 5 times in one call of the model
  expected: every layer with state called T times
  do:       call each of them once in every step; a layer that is called twice in a step keeps one state for both""",
    ),
    "spikes and membrane": (
        UnsupportedError,
        """a state of a neuron is used beside its spikes
  where:    lif1, LINE
  got:      value 1 of those that it returns, counted from 0
  expected: its spikes, or one of its states and no spikes
  do:       use the spikes alone, or write a nn.CustomNeuron""",
    ),
    "a loop through two neurons": (
        UnsupportedError,
        """a value of the step before enters the network
  where:    pad, LINE
  got:      a loop through other layers than one neuron and one synapse
  expected: what a neuron fired a step before, through one Linear or Conv2d, added to what enters the same neuron
  do:       write it as nn.Recurrent(neuron, synapse), or keep the value in a state of a nn.CustomNeuron""",
    ),
    "two steps old": (
        UnsupportedError,
        """a value of another step enters a layer
  where:    LINE
  got:      a value 2 steps old
  expected: a value of this step, or of the step before
  do:       keep it in a state of a neuron of your own (nn.CustomNeuron)""",
    ),
    "a recurrent layer begins otherwise": (
        UnsupportedError,
        """a recurrent layer begins with something else than its synapse makes of no spikes
  where:    rec, LINE
  got:      other values at step 0
  expected: the synapse's bias, or nothing where it has none
  do:       call the synapse on zeros at step 0, or give it no bias""",
    ),
    "a constant of each sample": (
        UnsupportedError,
        """a constant that is not the same for all samples is joined with what a layer makes
  where:    LINE
  got:      a tensor [3, 8]
  expected: a number, or one value for each channel
  do:       make it in __init__, without a sample axis""",
    ),
    "a view joins samples": (
        UnsupportedError,
        """a view joins samples or steps with something else
  where:    LINE
  got:      reshape: [3, 4] to [2, 6]
  expected: the axes N first, as they were
  do:       flatten from axis 1 on: x.flatten(1)""",
    ),
    "a function without integers": (
        UnsupportedError,
        """the function 'sin' of the model's forward has no integer meaning here
  where:    LINE
  got:      sin of [3, 8]
  expected: SUPPORTED
  do:       write it with these, or move it out of the model""",
    ),
    "two loops of other lengths": (
        UnsupportedError,
        """the loops of the model's forward differ in their number of steps
  where:    lif1
  got:      lif1 5 times, lif2 3 times in one call of the model
  expected: every layer with state called T times
  do:       call each of them once in every step; a layer that is called twice in a step keeps one state for both""",
    ),
    "every other step": (
        UnsupportedError,
        """a list of results does not hold one value of every step
  where:    LINE
  got:      some steps
  expected: the same value of every step, from the first to the last
  do:       append the output of the same layer in every step""",
    ),
    "the third step": (
        UnsupportedError,
        """an output of the model is none that integers have a readout for
  where:    the model's output
  got:      the value of step 2 of 5
  expected: the value of the last step, or of all
  do:       return the logits of every step, and reckon with them behind the model""",
    ),
    "a constant": (
        UnsupportedError,
        """an output of the model is none that integers have a readout for
  where:    the model's output
  got:      a constant [3, 4], made in LINE
  expected: logits of every step, or their sum, mean or last
  do:       return the logits of every step, and reckon with them behind the model""",
    ),
    "two outputs": (
        UsageError,
        """the model returns several tensors, and nothing says which is its output
  where:    Net
  got:      0: every step; 1: every step
  expected: one tensor, or one that is no state of a neuron
  do:       convert it before it is compiled, and say which by its place: snn2hw.convert(model, x, output=0)""",
    ),
    "an output that there is not": (
        UsageError,
        """the model has no such output
  where:    Net
  got:      output=2
  expected: 0 to 1
  do:       count the tensors that the forward returns, from 0""",
    ),
    "no output": (
        UsageError,
        """the model returns no output
  where:    Net
  got:      nothing
  expected: one tensor, or one that is no state of a neuron
  do:       convert it before it is compiled, and say which by its place: snn2hw.convert(model, x, output=0)""",
    ),
    "the largest over T": (
        UnsupportedError,
        """the function 'max' of the model's forward has no integer meaning here
  where:    LINE
  got:      max of [5, 3, 8]
  expected: SUPPORTED
  do:       write it with these, or move it out of the model""",
    ),
    "states are not returned": (
        UnsupportedError,
        """the model's forward takes states that it does not return
  where:    ForgetsStates.forward
  got:      1 arguments behind the input, 1 values returned
  expected: an output and 1 states
  do:       return the states behind the output, in the order of the arguments""",
    ),
    "mixed frameworks": (
        UnsupportedError,
        """the model mixes frameworks, whose steps and resets differ
  where:    norse (LIFCell), lif2 (Leaky)
  got:      Norse and snnTorch
  expected: layers with state of one framework
  do:       write the model with the neurons of one of them""",
    ),
    "step modes s and m": (
        UnsupportedError,
        """some layers of the model take one step in a call, others all steps
  where:    1, 3
  got:      all steps: 1; one step: 3
  expected: one way for all layers, or a loop over T in the model's forward
  do:       set all to one step mode, in SpikingJelly by functional.set_step_mode(net, 'm')""",
    ),
    "called twice, mode m": (
        UnsupportedError,
        """a layer with state is called more than once
  where:    sn
  got:      2 calls that take all steps
  expected: one call; a second one goes on from the state that the first left
  do:       make a layer for each place""",
    ),
    "samples and steps in one axis": (
        ShapeError,
        """a layer that takes all steps is given something else
  where:    sn, LINE
  got:      [T*N, ...]
  expected: [T, N, ...]
  do:       set its step mode to single steps, or give it all steps""",
    ),
    "one step alone": (
        ShapeError,
        """a model of one step needs a sample of two steps or more to be followed
  where:    Sequential
  got:      a sample [1, 3, 6]
  expected: [T, N, ...] with T >= 2, or [N, ...] with steps=T
  do:       give steps=T where the samples are static""",
    ),
    "a sample of one axis": (
        ShapeError,
        """a sample has an axis of samples, and behind it what one sample is
  where:    Sequential
  got:      [6]
  expected: [T, N, ...], or [N, ...] of static samples
  do:       add the axis: x[:, None] where it is one sample of T steps""",
    ),
}


def test_each_case_has_its_text() -> None:
    assert {c.name for c in CASES} == set(REFUSED)


@pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
def test_refused(case: Case) -> None:
    kind, text = REFUSED[case.name]
    with refused(kind, text.replace("SUPPORTED", SUPPORTED)):
        snn2hw.convert(case.make(), case.sample, **case.given)


def leaky(beta: float = 0.9, threshold: float = 1.0) -> torch.nn.Module:
    snn = framework("snntorch")
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 8), snn.Leaky(beta=beta, threshold=threshold, init_hidden=True, output=True))


def with_another_decay(monkeypatch: pytest.MonkeyPatch, decay: float) -> None:
    """What Leaky becomes is another neuron than it should be."""
    from snn2hw.conversion.frameworks import snntorch

    right = snntorch.NEURONS["Leaky"]

    def wrong(module: torch.nn.Module, shape: tuple[int, ...], where: str) -> object:
        made = right(module, shape, where)
        made.layer.share("beta", torch.tensor(decay))
        return made

    monkeypatch.setattr(snntorch, "NEURONS", {**snntorch.NEURONS, "Leaky": wrong})


def test_other_spikes_are_an_error_that_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    with_another_decay(monkeypatch, 0.2)
    with pytest.raises(UnsupportedError) as caught:
        snn2hw.convert(leaky(), ROWS * 2)
    error = caught.value
    assert error.what == "the converted model does not do what the model does"
    assert error.where == "1"
    assert error.expected == "all spikes equal, but for ties at a threshold"
    assert error.do == "write the layer as a nn.CustomNeuron; a small model that shows the difference helps us to correct this"
    told = (
        r"\d+ of 120 spikes equal; first 1, step \d, sample and neuron \[\d, \d\]: [01] there, [01] here, .* from the threshold"
    )
    assert re.fullmatch(told, error.got), error.got


def test_a_tie_within_rounding_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    model = leaky(0.5, threshold=0.75)
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(0.5)  # 0.5 * 0.5 + 0.5 is the threshold, which does not fire
    with_another_decay(monkeypatch, 0.5 + 2.0**-22)
    with pytest.warns(Snn2hwWarning, match="a membrane meets its threshold within float32's rounding") as caught:
        made = snn2hw.convert(model, ROWS)
    first = made.conversion.comparison.first
    assert first is not None
    assert first.tie
    assert str(first).startswith("1, step 1, sample and neuron [0, 0]: 0 there, 1 here, ")
    assert str(first).endswith("from the threshold: a tie within rounding")
    assert len(caught) == 1


@pytest.mark.parametrize("name", ["snntorch", "spikingjelly", "norse"])
def test_states_of_an_earlier_call_change_nothing_and_come_back(name: str) -> None:
    """The result is that of fresh states, and the user's own are there again afterwards."""
    if name == "norse":
        norse = framework("norse.torch")
        own = norse.SequentialState(torch.nn.Linear(6, 8), norse.LIFCell())
        made = snn2hw.convert(own, ROWS)
        assert made.conversion.comparison.equal == made.conversion.comparison.total
        return
    own = leaky() if name == "snntorch" else torch.nn.Sequential(torch.nn.Linear(6, 8), jelly())
    fresh = snn2hw.convert(own, ROWS)(ROWS)
    for x in ROWS:
        own(x)
    before = own[1].mem.clone() if name == "snntorch" else own[1].v.clone()
    assert before.abs().max() > 0
    made = snn2hw.convert(own, ROWS)
    assert torch.equal(made(ROWS), fresh)
    assert torch.equal(own[1].mem if name == "snntorch" else own[1].v, before)
    assert made.conversion.steps == T


def jelly() -> torch.nn.Module:
    return framework("spikingjelly.activation_based.neuron").LIFNode(tau=2.0, v_threshold=0.3)

"""Amplitudes of negative spikes: what is sent, what is reset, what is learned, and what is refused."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS
from snn2hw.errors import Snn2hwWarning, UnsupportedError, UsageError, ValueRangeError
from snn2hw.ir.integer import IntNeuron
from snn2hw.ir.network import Circulate
from snn2hw.quantize.constants import _negatives
from tests.hand_networks import circulate, compiled, one_neuron
from tests.refused import refused

pytestmark = pytest.mark.torch

X = torch.tensor([-2.5, -1.0, 0.5, 1.0, 2.5, 5.0]).reshape(1, 1, 6)


def test_a_negative_spike_is_worth_its_own_amplitude() -> None:
    made = {v: nn.CirculateFiring(3, negative_amplitude=v)(X).flatten().tolist() for v in (1.0, 0.25, 0.0)}
    assert made[1.0] == [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    assert made[0.25] == [-0.5, -0.25, 0.0, 1.0, 2.0, 3.0]
    assert made[0.0] == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]
    unequal = nn.CirculateFiring(2, amplitudes=(1.0, 0.5), negative_amplitude=0.5)(X)
    assert unequal.flatten().tolist() == [-0.75, -0.5, 0.0, 1.0, 1.5, 1.5]


@pytest.mark.parametrize("reset", ["subtract", "value"])
def test_what_is_not_sent_resets_all_the_same(reset: str) -> None:
    """Two steps: -1.5, then nothing; at an amplitude of 0 the membrane is where it is at one of 1."""
    x = torch.tensor([-1.5, 0.0, 0.75]).reshape(3, 1, 1)
    seen = []
    for amplitude in (1.0, 0.0):
        neuron = nn.CirculateFiring(1, decay=1.0, reset=reset, reset_value=-0.25, negative_amplitude=amplitude)
        with nn.observe(neuron) as watched:
            neuron(x)
        seen.append(watched[""].negative.tolist())
    assert seen[0] == seen[1] != [1.5, 1.5, 0.75]  # the last is what no reset leaves


def test_a_learned_amplitude_keeps_to_its_interval() -> None:
    neuron = nn.CirculateFiring(2, negative_amplitude=1.0, learn_negative_amplitude=True)
    assert neuron.negative is not None
    for raw, expected in ((0.3, 0.3), (1.7, 1.0), (-0.2, 0.0)):
        neuron.negative.data.fill_(raw)
        assert neuron.negative_amplitude == pytest.approx(expected)
        sent = neuron(X).flatten()
        assert sent[0].item() == pytest.approx(-2 * expected)
        for way in (1.0, -1.0):
            neuron.negative.grad = None
            (way * neuron(X).flatten()[0]).backward()
            moves = float(neuron.negative.grad)  # of -2 negative; a step goes the other way
            outwards = (raw >= 1.0 and moves < 0) or (raw <= 0.0 and moves > 0)
            assert moves == (0.0 if (raw, way) in ((1.7, 1.0), (-0.2, -1.0)) else -2.0 * way)
            assert not outwards


def test_a_staircase_is_the_same_forwards_and_another_backwards() -> None:
    x, gradients = torch.linspace(-4, 4, 61).reshape(1, 1, 61).requires_grad_(), []
    for staircase in (False, True):
        y = nn.CirculateFiring(3, staircase=staircase, surrogate=nn.Rectangle(1.5))(x)
        gradients.append(torch.autograd.grad(y.sum(), x)[0].flatten())
        assert torch.equal(y.detach().flatten(), torch.trunc(x.detach().flatten()).clamp(-3, 3))
    stairs = torch.tensor([-3.0, -2, -1, 1, 2, 3])  # each a rectangle of this width
    expected = ((x.detach().flatten() - stairs[:, None]).abs() < 0.75).sum(0) / 1.5
    torch.testing.assert_close(gradients[1], expected * (x.detach().flatten().abs() < 4))
    assert not torch.equal(gradients[0], gradients[1])


def test_a_staircase_differs_forwards_by_a_rounding_alone() -> None:
    """What docs/reference/neurons.md says of theta = 0.7 and h = 2.1, and of every h that is not so near to a multiple."""
    loop, stair = (nn.CirculateFiring(4, threshold=0.7, staircase=s) for s in (False, True))
    at = torch.full((1, 1, 1), 2.1)
    assert (loop(at).item(), stair(at).item()) == (2.0, 3.0)
    h = (torch.rand(1, 1, 4096, generator=torch.Generator().manual_seed(0)) - 0.5) * 8
    near = ((h / 0.7) - (h / 0.7).round()).abs() < 1e-5
    assert not bool(near.all())
    assert torch.equal(loop(h)[~near], stair(h)[~near])


def test_refused() -> None:
    with refused(
        UsageError,
        """
        this neuron fires no negative spikes, so they have no amplitude
          where:    CirculateFiring
          got:      signed=False, negative_amplitude=0.5
          expected: signed=True, or no negative_amplitude
          do:       leave negative_amplitude out, or let it fire negative spikes: signed=True
        """,
    ):
        nn.CirculateFiring(2, signed=False, negative_amplitude=0.5)
    with refused(
        UsageError,
        """
        this neuron fires no negative spikes, so there is no amplitude to learn
          where:    CirculateLNM
          got:      signed=False, learn_negative_amplitude=True
          expected: signed=True, or no learn_negative_amplitude
          do:       leave learn_negative_amplitude out, or let it fire negative spikes: signed=True
        """,
    ):
        nn.CirculateLNM(2, 2, signed=False, learn_negative_amplitude=True)
    with refused(
        ValueRangeError,
        """
        negative_amplitude is out of range
          where:    CirculateFiring
          got:      2.0
          expected: negative_amplitude in [0, 1]
          do:       choose a negative_amplitude in [0, 1]
        """,
    ):
        nn.CirculateFiring(2, negative_amplitude=2.0, learn_negative_amplitude=True)
    with refused(
        UsageError,
        """
        a staircase has steps of one height
          where:    CirculateFiring
          got:      staircase=True, thresholds=(1.0, 0.5)
          expected: equal thresholds
          do:       pass threshold in place of thresholds, or leave staircase out
        """,
    ):
        nn.CirculateFiring(2, thresholds=(1.0, 0.5), staircase=True)


def test_print_says_so() -> None:
    said = repr(nn.CirculateFiring(2, negative_amplitude=0.25, staircase=True))
    assert "signed=True, negative_amplitude=0.25, staircase, reset=subtract" in said
    assert "negative_amplitude" not in repr(nn.CirculateFiring(2))


OWN = {0.0: ("u2.0", 0), 0.3: ("s8.5", -30), 1.5: ("s5.1", -9), 1000.0: ("s13.0", -3000)}  # format, and three spikes


def _compiled(own: float, folder: Path) -> tuple[Artefact, torch.Tensor]:
    torch.manual_seed(0)
    neurons = nn.CirculateFiring(3, negative_amplitude=own), nn.CirculateLNM(3, 2, bounded=True, negative_amplitude=own)
    model = nn.Sequential(nn.Linear(6, 8), neurons[0], nn.Linear(8, 8), neurons[1], nn.Linear(8, 3)).eval()
    with torch.no_grad():
        for n in (0, 2, 4):
            model[n].weight.mul_(4)  # type: ignore[operator, union-attr]
    x = torch.rand(16, 6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Snn2hwWarning)  # random weights of a small network may well predict something else
        return snn2hw.compile(model, x, 4, out=folder), x


@pytest.mark.parametrize("own", OWN)
def test_the_integers_are_the_same_everywhere_and_the_checker_agrees(own: float, tmp_path: Path) -> None:
    """At 0 the spike value is as narrow as an unsigned neuron's; 0.3 of the finest unit, 1/32, is 10 of them."""
    artefact, x = _compiled(own, tmp_path / "net")
    neuron = next(n for n in artefact.network.nodes if isinstance(n, IntNeuron))
    assert (str(neuron.format), int(snn2hw.simulate(artefact, x).spikes["1"].min())) == OWN[own]
    assert snn2hw.verify(artefact, x, executors=[n for n, e in EXECUTORS.items() if not e.unavailable()]).equal
    assert snn2hw.replay_c(snn2hw.export_c(artefact)).equal
    assert snn2hw.check(tmp_path / "net").failures == []


@pytest.mark.slow
@pytest.mark.parametrize("executor", SIDE_EXECUTORS)
def test_negative_spikes_that_are_worth_more_than_positive_ones_on_circuits_and_chips(executor: str, tmp_path: Path) -> None:
    if reason := SIDE_EXECUTORS[executor].unavailable():
        pytest.skip(reason)
    artefact, x = _compiled(1.5, tmp_path / "net")
    assert snn2hw.verify(artefact, x, executors=(executor,)).equal


def test_an_amplitude_too_large_for_a_spike_of_the_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="synapses read 23 bits of it, a spike of the target carries 16"):
        _compiled(1e6, tmp_path / "net")


def test_each_level_has_the_amplitude_of_its_own_negative_spikes() -> None:
    firing = Circulate((1.0, 0.5), (1.0, 0.5), True, negative=0.5)
    (node,) = compiled(one_neuron(replace(circulate("n", "fc", (1.0, 0.5)), firing=firing))).network.neurons
    made = _negatives(node.program, (1.0, 0.5))
    assert [m.amplitude for m in made.values()] == [1.0, 0.5]
    assert _negatives(node.program, ()) == {}
    with pytest.raises(ValueError, match="zip"):
        _negatives(node.program, (1.0,))

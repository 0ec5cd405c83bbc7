"""snnTorch's neurons against snnTorch's own forward: every spike and every bit of the states, and the integers behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn  # noqa: E402
from snn2hw.conversion.frameworks import framework_of, known  # noqa: E402
from snn2hw.errors import UnsupportedError  # noqa: E402
from tests.conversion.frameworks.compared import (  # noqa: E402
    IMAGE,
    LINEAR,
    by_channel,
    placed,
    require_equal,
    require_gradients,
    require_integers,
    stimulus,
)
from tests.frameworks import framework  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch

MECHANISMS = ("subtract", "zero", "none")
Make = Callable[[Any, tuple[int, ...], dict[str, Any]], Any]


def _all_to_all(shape: tuple[int, ...]) -> dict[str, Any]:
    return {"linear_features": shape[0]} if len(shape) == 1 else {"conv2d_channels": shape[0], "kernel_size": 3}


LATE_ONLY: dict[str, Make] = {
    "Alpha": lambda s, shape, kw: s.Alpha(0.9, 0.8, **kw),
    "Alpha by channel": lambda s, shape, kw: s.Alpha(by_channel(shape) * 0.1 + 0.9, by_channel(shape, 1) * 0.9, **kw),
    "Lapicque beta": lambda s, shape, kw: s.Lapicque(beta=0.8, **kw),
    "Lapicque R C": lambda s, shape, kw: s.Lapicque(R=2, C=3, time_step=0.5, **kw),
    "Lapicque R": lambda s, shape, kw: s.Lapicque(beta=0.8, R=5.1, **kw),
    "Lapicque C": lambda s, shape, kw: s.Lapicque(beta=0.7, C=1.3, **kw),
    "RSynaptic one to one": lambda s, shape, kw: s.RSynaptic(0.6, 0.8, V=by_channel(shape), all_to_all=False, **kw),
    "RSynaptic": lambda s, shape, kw: s.RSynaptic(0.6, 0.8, **_all_to_all(shape), **kw),
}
NEURONS: dict[str, Make] = {
    "Leaky": lambda s, shape, kw: s.Leaky(0.9, **kw),
    "Leaky by channel": lambda s, shape, kw: s.Leaky(by_channel(shape), by_channel(shape, 1), learn_threshold=True, **kw),
    "Synaptic": lambda s, shape, kw: s.Synaptic(0.7, 0.8, learn_alpha=True, learn_beta=True, **kw),
    "Synaptic by channel": lambda s, shape, kw: s.Synaptic(by_channel(shape), by_channel(shape, 1), **kw),
    "RLeaky one to one": lambda s, shape, kw: s.RLeaky(0.8, V=0.3, all_to_all=False, **kw),
    "RLeaky by channel": lambda s, shape, kw: s.RLeaky(by_channel(shape), V=by_channel(shape, 2), all_to_all=False, **kw),
    "RLeaky": lambda s, shape, kw: s.RLeaky(0.8, **_all_to_all(shape), **kw),
    **LATE_ONLY,
}


ALL = tuple(product(MECHANISMS, (True, False), (1.0, 1.5)))
FEW = (("subtract", True, 1.0), ("zero", False, 1.5))


def modules(s: Any, shape: tuple[int, ...], name: str, settings: tuple[tuple[str, bool, float], ...]) -> Iterator[Any]:
    """A neuron with every one of these: reset, delay (of neurons that have it), worth of a spike."""
    torch.manual_seed(0)
    for mechanism, delay, worth in settings:
        if name in LATE_ONLY and settings is ALL and not delay:
            continue
        module = NEURONS[name](s, shape, {"reset_mechanism": mechanism, **({} if name in LATE_ONLY else {"reset_delay": delay})})
        module.graded_spikes_factor = torch.tensor(worth)
        yield module


def steps(module: Any, x: Any) -> tuple[Any, list[Any]]:
    """(spikes, states) of all steps."""
    first = module.reset_mem()
    first = first if isinstance(first, tuple) else (first,)
    recurrent = hasattr(module, "recurrent")  # is given its spikes, too
    returned, spikes = [], []
    for entering in x:
        now = module(entering, *first)
        first = now if recurrent else now[1:]
        spikes.append(now[0])
        returned.append(now[1:])
    return torch.stack(spikes), [torch.stack(list(states)) for states in zip(*returned, strict=True)]


@pytest.mark.parametrize("name", NEURONS)
def test_every_spike_and_state_is_that_of_snntorch(name: str) -> None:
    compare(name, IMAGE if name == "RLeaky" else LINEAR, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [LINEAR, IMAGE], ids=["linear", "image"])
@pytest.mark.parametrize("name", NEURONS)
def test_every_spike_and_state_is_that_of_snntorch_with_every_setting(name: str, shape: tuple[int, ...]) -> None:
    compare(name, shape, ALL)


def compare(name: str, shape: tuple[int, ...], settings: tuple[tuple[str, bool, float], ...]) -> None:
    x = stimulus(shape)
    for module in modules(framework("snntorch"), shape, name, settings):
        found = placed(module, shape)
        assert not found.whole
        with torch.no_grad():
            require_equal(found, x, *steps(module, x))


@pytest.mark.parametrize("name", ["RLeaky"])
def test_its_integers_are_equal_on_four_executors(name: str) -> None:
    module = NEURONS[name](framework("snntorch"), LINEAR, {})
    require_integers(placed(module, LINEAR).layer, LINEAR, LINEAR[0])


@pytest.mark.slow
@pytest.mark.parametrize("shape", [LINEAR, IMAGE], ids=["linear", "image"])
@pytest.mark.parametrize("name", NEURONS)
def test_all_integers_are_equal_on_four_executors(name: str, shape: tuple[int, ...]) -> None:
    for module in modules(framework("snntorch"), shape, name, ALL):
        require_integers(placed(module, shape).layer, shape, shape[0] * (1 if len(shape) == 1 else 16))


def test_what_is_learned_stays_the_users_own() -> None:
    snn = framework("snntorch")
    leaky = snn.Leaky(
        0.9, learn_beta=True, learn_threshold=True, learn_graded_spikes_factor=True, spike_grad=snn.surrogate.atan(4.0)
    )
    layer = placed(leaky, LINEAR).layer
    assert {n: id(p) for n, p in layer.named_parameters()} == {n: id(p) for n, p in leaky.named_parameters()}
    layer(stimulus(LINEAR)).sum().backward()
    assert all(float(p.grad.abs()) > 0 for p in (leaky.beta, leaky.threshold, leaky.graded_spikes_factor))
    synaptic = snn.Synaptic(by_channel(LINEAR), 0.8, learn_alpha=True)
    assert placed(synaptic, LINEAR).layer.alpha is synaptic.alpha
    recurrent = snn.RLeaky(0.9, linear_features=5)
    shared = placed(recurrent, LINEAR).layer
    assert (shared.synapse.weight, shared.synapse.bias) == (recurrent.recurrent.weight, recurrent.recurrent.bias)
    image = snn.Leaky(by_channel(IMAGE), learn_beta=True)
    assert placed(image, IMAGE).layer.beta is image.beta


@pytest.mark.parametrize("name", NEURONS)
def test_gradients_through_time_are_those_of_snntorch(name: str) -> None:
    """The reset of the step before has none, and that of the same step has the spike's."""
    x = stimulus(LINEAR)
    for module in modules(
        framework("snntorch"), LINEAR, name, (("subtract", True, 1.0), ("subtract", False, 1.0), ("zero", False, 1.5))
    ):
        require_gradients(placed(module, LINEAR).layer, x, lambda given, module=module: steps(module, given)[0])


def test_gradients_are_those_of_snntorch() -> None:
    """Through one step: the surrogate is snnTorch's, with its slope."""
    snn = framework("snntorch")
    for made in (snn.surrogate.atan(3.0), snn.surrogate.fast_sigmoid(25), snn.surrogate.sigmoid(5)):
        x = torch.linspace(-1, 3, 50).reshape(1, 10, 5).requires_grad_()
        ours, theirs = placed(snn.Leaky(0.9, spike_grad=made), LINEAR).layer(x), snn.Leaky(0.9, spike_grad=made)(x[0])[0]
        (own,), (other,) = torch.autograd.grad(ours.sum(), x), torch.autograd.grad(theirs.sum(), x)
        torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)
        assert other.abs().sum() > 0


def test_states_are_named_in_the_order_in_which_they_are_returned() -> None:
    snn = framework("snntorch")
    assert placed(snn.Alpha(0.9, 0.8), LINEAR).states == ("e", "i", "v")
    assert placed(snn.Synaptic(0.9, 0.8, init_hidden=True), LINEAR).states == ()
    assert placed(snn.Synaptic(0.9, 0.8, init_hidden=True, output=True), LINEAR).states == ("i", "v")
    assert framework_of(snn.Leaky(0.9)) == "snnTorch"
    assert framework_of(torch.nn.Linear(2, 2)) is None
    assert known(torch.nn.Linear(2, 2), LINEAR, "fc") is None
    assert known(snn.RLeaky(0.9, all_to_all=False).recurrent, LINEAR, "lif.recurrent") is None


def test_what_is_no_state_is_spared() -> None:
    """Settings that change nothing forwards."""
    snn = framework("snntorch")
    x = stimulus(LINEAR)
    module = snn.Leaky(torch.full((5,), 0.9), surrogate_disable=True)
    require_equal(placed(module, LINEAR), x, *steps(module, x))
    subclass = type("Mine", (snn.Leaky,), {"__init__": lambda self: snn.Leaky.__init__(self, 0.8)})()
    require_equal(placed(subclass, LINEAR), x, *steps(subclass, x))
    assert isinstance(placed(subclass, LINEAR).layer, nn.Leaky)


def test_inhibition_and_rounded_states_are_refused_by_name() -> None:
    snn = framework("snntorch")
    with pytest.warns(UserWarning, match="Inhibition"):
        module = snn.Leaky(0.9, inhibition=True)
    with refused(
        UnsupportedError,
        """
        inhibition lets only one neuron of a layer fire, and a neuron here sees itself only
          where:    lif1 (Leaky)
          got:      inhibition=True
          expected: inhibition=False
          do:       train without it
        """,
    ):
        known(module, LINEAR, "lif1 (Leaky)")
    with refused(
        UnsupportedError,
        """
        state_quant rounds the states of the float model, which the compiler does by itself
          where:    lif1 (Leaky)
          got:      state_quant=round
          expected: state_quant=False
          do:       leave it out, and train on the integers instead: snn2hw.quantize.prepare (docs/how-to/quantize.md)
        """,
    ):
        known(snn.Leaky(0.9, state_quant=round), LINEAR, "lif1 (Leaky)")


def test_another_release_is_refused_by_name() -> None:
    module = framework("snntorch").Leaky(0.9)
    module.state_function = torch.relu
    with refused(
        UnsupportedError,
        """
        this neuron is of another release of snnTorch than the one whose steps are known
          where:    lif1 (Leaky)
          got:      a Leaky without the state functions of 1.0
          expected: snnTorch 1.0
          do:       install it (pip install 'snntorch>=1.0'), and load the trained weights into the model there
        """,
    ):
        known(module, LINEAR, "lif1 (Leaky)")


def test_a_number_per_pixel_is_refused_by_name() -> None:
    snn = framework("snntorch")
    with refused(
        UnsupportedError,
        """
        beta has neither one value nor one per channel
          where:    lif1 (Leaky)
          got:      shape [3, 4, 4] for an input of [N, 3, 4, 4]
          expected: one value, or one per channel: [C, 1, 1]
          do:       give beta one value per channel, and train again; a neuron's numbers are those of its channel
        """,
    ):
        known(snn.Leaky(torch.rand(3, 4, 4)), IMAGE, "lif1 (Leaky)")
    with pytest.raises(UnsupportedError, match=r"beta has neither"):
        known(snn.Leaky(torch.rand(4)), (4, 4, 4), "lif1 (Leaky)")  # one for each column: snnTorch spreads it along W


def test_a_neuron_that_is_another_one_is_refused_by_name() -> None:
    snn = framework("snntorch")
    with refused(
        UnsupportedError,
        """
        snnTorch's SLSTM cannot be exact: its gates are sigmoid and tanh of sums over neurons
          where:    lstm (SLSTM)
          got:      SLSTM
          expected: Alpha, Lapicque, Leaky, RLeaky, RSynaptic, Synaptic
          do:       use RSynaptic, or write its step as a nn.CustomNeuron (docs/how-to/custom.md)
        """,
    ):
        known(snn.SLSTM(5, 5), LINEAR, "lstm (SLSTM)")

    class Mine(snn.Leaky):  # type: ignore[misc]
        def forward(self, input_: Any, mem: Any = None) -> Any:
            return super().forward(2 * input_, mem)

    with refused(
        UnsupportedError,
        """
        a subclass of Leaky changes what it computes
          where:    lif (Mine)
          got:      Mine with forward of its own
          expected: a Leaky as it is, or a subclass that sets its arguments
          do:       write its step as a nn.CustomNeuron (docs/how-to/custom.md), and use that in the model
        """,
    ):
        known(Mine(0.9), LINEAR, "lif (Mine)")


def test_a_reset_that_was_changed_and_a_spike_that_is_no_step_are_refused_by_name() -> None:
    snn = framework("snntorch")
    module = snn.Leaky(0.9)
    module.reset_mechanism = "zero"
    with refused(
        UnsupportedError,
        """
        the reset mechanism of this neuron is not the one that it was made with, which snnTorch itself follows in part only
          where:    lif (Leaky)
          got:      made with 'subtract', now 'zero'
          expected: one reset mechanism
          do:       construct it with reset_mechanism='zero'
        """,
    ):
        known(module, LINEAR, "lif (Leaky)")
    with refused(
        UnsupportedError,
        """
        the surrogate function of this neuron is no step function forwards
          where:    lif (Leaky)
          got:      0.268941, 0.5, 0.5, 0.5, 0.731059 at -1, -1e-06, 0, 1e-06, 1
          expected: 0 and 1: [v > threshold]
          do:       use one of the framework's own surrogate functions, which fire 0 and 1
        """,
    ):
        known(snn.Leaky(0.9, spike_grad=torch.sigmoid), LINEAR, "lif (Leaky)")

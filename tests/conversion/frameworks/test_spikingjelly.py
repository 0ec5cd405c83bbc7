"""SpikingJelly's neurons against SpikingJelly's own forward, in both step modes: every spike and every bit of the membrane."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from snn2hw.conversion.frameworks import framework_of, known  # noqa: E402
from snn2hw.errors import UnsupportedError  # noqa: E402
from tests.conversion.frameworks.compared import (  # noqa: E402
    IMAGE,
    LINEAR,
    by_equation,
    placed,
    require_equal,
    require_gradients,
    require_integers,
    stimulus,
    widened,
)
from tests.frameworks import framework  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch

RESETS = (None, 0.0, -0.3)
Make = Callable[[Any, float | None, float], Any]
NEURONS: dict[str, Make] = {
    "IFNode": lambda n, reset, tau: n.IFNode(v_reset=reset),
    "LIFNode": lambda n, reset, tau: n.LIFNode(tau, v_threshold=0.4, v_reset=reset),
    "LIFNode undecayed": lambda n, reset, tau: n.LIFNode(tau, False, v_reset=reset, detach_reset=True),
    "ParametricLIFNode": lambda n, reset, tau: n.ParametricLIFNode(tau, v_threshold=0.4, v_reset=reset),
    "ParametricLIFNode undecayed": lambda n, reset, tau: n.ParametricLIFNode(tau, False, v_reset=reset),
    "QIFNode": lambda n, reset, tau: n.QIFNode(tau, v_rest=0.1, v_reset=reset),
    "IzhikevichNode": lambda n, reset, tau: n.IzhikevichNode(tau, v_reset=reset, tau_w=3.0, a=0.3, b=0.2),
    "SimpleIFNode": lambda n, reset, tau: n.SimpleIFNode(v_reset=reset),
    "SimpleLIFNode": lambda n, reset, tau: n.SimpleLIFNode(tau, True, 0.4, reset or 0.0),
    "SimpleLIFNode undecayed": lambda n, reset, tau: n.SimpleLIFNode(tau, False, v_reset=reset or 0.0),
    "HalfThresholdIFNode": lambda n, reset, tau: n.HalfThresholdIFNode(0.7),
}
SILENT = tuple(product((None, 2.0, 3.0), ("last_mem", "mean-mem")))


@pytest.fixture(scope="module")
def neuron() -> Any:
    return framework("spikingjelly.activation_based.neuron")


def compare(neuron: Any, name: str, shape: tuple[int, ...], settings: Any) -> None:
    """Every spike and membrane with these settings: step mode, v_reset, tau."""
    for mode, reset, tau in settings:
        x = stimulus(shape).clamp(-1.0, 1.5) * (2.0 if tau > 3.0 else 1.0)
        module = NEURONS[name](neuron, reset, tau).eval()
        module.step_mode, simple = mode, name.startswith("Simple")
        if not simple:
            module.store_v_seq = True
        with torch.no_grad():
            spikes = module(x) if mode == "m" else torch.stack([module(entering) for entering in x])
        found = placed(module, shape)
        assert (found.whole, found.states) == (mode == "m", ())
        require_equal(found, x, spikes)
        if not simple:
            with torch.no_grad():
                assert torch.equal(by_equation(found.layer, x)[1]["v"], module.v_seq)


@pytest.mark.parametrize("name", NEURONS)
def test_every_spike_and_membrane_is_that_of_spikingjelly(neuron: Any, name: str) -> None:
    compare(neuron, name, LINEAR, [("s", None, 2.0), ("m", -0.3, 3.7)])


@pytest.mark.slow
@pytest.mark.parametrize("shape", [LINEAR, IMAGE], ids=["linear", "image"])
@pytest.mark.parametrize("name", NEURONS)
def test_every_spike_and_membrane_with_every_setting(neuron: Any, name: str, shape: tuple[int, ...]) -> None:
    compare(neuron, name, shape, product("sm", RESETS, (2.0, 3.0, 3.7, 10.0)))


@pytest.mark.parametrize(("tau", "decode"), SILENT)
def test_a_neuron_that_never_fires_is_read_out(neuron: Any, tau: float | None, decode: str) -> None:
    module = neuron.NonSpikingIFNode(decode) if tau is None else neuron.NonSpikingLIFNode(tau, decode)
    x = stimulus(LINEAR)
    found = placed(module, LINEAR)
    widened(found.layer)
    assert found.whole
    assert torch.equal(found.layer(x), module(x))


@pytest.mark.parametrize("name", ["LIFNode"])
def test_its_integers_are_equal_on_four_executors(neuron: Any, name: str) -> None:
    require_integers(placed(NEURONS[name](neuron, 0.0, 3.0), LINEAR).layer, LINEAR, LINEAR[0])


@pytest.mark.slow
@pytest.mark.parametrize("shape", [LINEAR, IMAGE], ids=["linear", "image"])
@pytest.mark.parametrize("name", NEURONS)
def test_all_integers_are_equal_on_four_executors(neuron: Any, name: str, shape: tuple[int, ...]) -> None:
    for reset in RESETS:
        layer = placed(NEURONS[name](neuron, reset, 3.0), shape).layer
        require_integers(layer, shape, shape[0] * (1 if len(shape) == 1 else 16))


def test_the_learned_decay_stays_the_users_own(neuron: Any) -> None:
    module = neuron.ParametricLIFNode(3.0)
    layer = placed(module, LINEAR).layer
    assert layer.w is module.w
    layer(stimulus(LINEAR)).sum().backward()
    assert module.w.grad.abs() > 0


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("name", NEURONS)
def test_gradients_through_time_are_those_of_spikingjelly(neuron: Any, name: str, reset: float | None) -> None:
    """Either reset has the spike's, unless it is detached."""
    module = NEURONS[name](neuron, reset, 3.0)
    module.step_mode = "m"
    require_gradients(placed(module, LINEAR).layer, stimulus(LINEAR).clamp(-1.0, 1.5), module)


def test_gradients_are_those_of_spikingjelly(neuron: Any) -> None:
    """The surrogate is SpikingJelly's with its slope, and a soft reset that is not detached has its gradient."""
    surrogate = framework("spikingjelly.activation_based.surrogate")
    for made in (surrogate.Sigmoid(3.0), surrogate.ATan(2.5), surrogate.PiecewiseQuadratic(1.5), surrogate.Rect(1.5)):
        for detached in (False, True):
            module = neuron.LIFNode(3.0, v_reset=None, surrogate_function=made, detach_reset=detached, step_mode="m")
            x = stimulus(LINEAR).requires_grad_()
            layer = placed(module, LINEAR).layer
            (own,), (other,) = (torch.autograd.grad(m(x).sum(), x) for m in (layer, module))
            torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-5)
            assert other.abs().sum() > 0


def test_whose_it_is_and_what_has_no_state(neuron: Any) -> None:
    layers = framework("spikingjelly.activation_based.layer")
    assert framework_of(neuron.IFNode()) == framework_of(layers.Conv2d(1, 1, 3)) == "SpikingJelly"
    assert known(layers.Conv2d(1, 1, 3), IMAGE, "conv") is None
    assert known(layers.Dropout(0.5), LINEAR, "drop") is None  # keeps a mask, in training only
    assert known(layers.SeqToANNContainer(torch.nn.Linear(2, 2)), LINEAR, "seq") is None


def old(kind: str, **settings: Any) -> Any:
    """A neuron as 0.0.0.0.14 has it, by what tells it apart: the names of its classes, and `v_float_to_tensor`."""
    memory = type("MemoryModule", (torch.nn.Module,), {"__module__": "spikingjelly.activation_based.base"})
    names = {"__module__": "spikingjelly.activation_based.neuron", "v_float_to_tensor": lambda self, x: None}
    module = type(kind, (memory,), names)()
    for name, value in {"v_threshold": 0.5, "detach_reset": False, "step_mode": "s", **settings}.items():
        setattr(module, name, value)
    module.surrogate_function = lambda v: (v >= 0).to(v)
    module._memories_rv = {"v": settings["v_reset"] or 0.0, "w": 0.0}
    return module


def test_a_release_before_2_computes_some_sums_in_another_order() -> None:
    """Without decay_input 0.0.0.0.14 has v (1 - 1 / tau) + x in eval mode: LIF where v_reset is None, PLIF also where it is 0."""
    for reset in RESETS:
        lif = old("LIFNode", tau=3.0, decay_input=False, v_reset=reset)
        plif = old("ParametricLIFNode", w=torch.nn.Parameter(torch.tensor(0.3)), decay_input=False, v_reset=reset)
        assert placed(lif, LINEAR).layer.factored == (reset is None)
        assert placed(plif, LINEAR).layer.factored == (not reset)
    with pytest.raises(UnsupportedError, match=r"IzhikevichNode cannot be exact: it adds in an order that 2\.0 changed"):
        known(old("IzhikevichNode", v_reset=0.0), LINEAR, "sn1 (IzhikevichNode)")


def test_what_is_another_neuron_is_refused_by_name(neuron: Any) -> None:
    taken = ", ".join(sorted([
        "HalfThresholdIFNode", "IFNode", "IzhikevichNode", "LIFNode", "NonSpikingIFNode", "NonSpikingLIFNode",
        "ParametricLIFNode", "QIFNode", "SimpleIFNode", "SimpleLIFNode",
    ]))  # fmt: skip
    with refused(
        UnsupportedError,
        f"""
        SpikingJelly's EIFNode cannot be exact: it takes exp of the membrane, which integers have not
          where:    sn1 (EIFNode)
          got:      EIFNode
          expected: {taken}
          do:       use QIFNode, or write its step as a nn.CustomNeuron (docs/how-to/custom.md)
        """,
    ):
        known(neuron.EIFNode(), LINEAR, "sn1 (EIFNode)")
    with refused(
        UnsupportedError,
        f"""
        SpikingJelly's CUBALIFNode cannot be exact: nothing here computes the same step
          where:    sn1 (CUBALIFNode)
          got:      CUBALIFNode
          expected: {taken}
          do:       use one of these, or write its step as a nn.CustomNeuron (docs/how-to/custom.md)
        """,
    ):
        known(neuron.CUBALIFNode(), LINEAR, "sn1 (CUBALIFNode)")

    class Mine(neuron.SimpleBaseNode):  # type: ignore[misc]
        def neuronal_charge(self, x: Any) -> None:
            self.v = 0.5 * self.v + x

    with pytest.raises(UnsupportedError, match="SimpleBaseNode cannot be exact"):
        known(Mine(), LINEAR, "sn1 (Mine)")


def test_settings_that_cannot_be_exact_are_refused_by_name(neuron: Any) -> None:
    module = neuron.LIFNode()
    module.backend = "cupy"
    with refused(
        UnsupportedError,
        """
        this neuron's floats are computed by another back end than torch, in an order of its own
          where:    sn1 (LIFNode)
          got:      backend='cupy'
          expected: backend='torch'
          do:       set it: functional.set_backend(net, 'torch')
        """,
    ):
        known(module, LINEAR, "sn1 (LIFNode)")
    module = neuron.LIFNode()
    module.set_reset_value("v", torch.zeros(5))
    with refused(
        UnsupportedError,
        """
        a state of this neuron starts from a tensor
          where:    sn1 (LIFNode)
          got:      a reset value of Tensor for v
          expected: a number
          do:       call module.set_reset_value("v", 0.0), and reset the network
        """,
    ):
        known(module, LINEAR, "sn1 (LIFNode)")
    with refused(
        UnsupportedError,
        """
        a neuron that never fires is read by a readout, and this one's has no integer form here
          where:    out (NonSpikingLIFNode)
          got:      decode='max-mem'
          expected: decode='last_mem' or 'mean-mem'
          do:       construct it with one of these
        """,
    ):
        known(neuron.NonSpikingLIFNode(2.0, "max-mem"), LINEAR, "out (NonSpikingLIFNode)")
    module = neuron.LIFNode()
    module.v_threshold = torch.tensor([0.5, 1.0])
    with refused(
        UnsupportedError,
        """
        v_threshold has several values, and this layer has one
          where:    sn1 (LIFNode)
          got:      shape [2], 0.5 to 1
          expected: the same value for the whole layer
          do:       give v_threshold one value
        """,
    ):
        known(module, LINEAR, "sn1 (LIFNode)")
    module = neuron.LIFNode(surrogate_function=framework("spikingjelly.activation_based.surrogate").Sigmoid(spiking=False))
    with pytest.raises(UnsupportedError, match="no step function forwards"):
        known(module, LINEAR, "sn1 (LIFNode)")

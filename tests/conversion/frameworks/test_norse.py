"""Norse's cells and layers against Norse's own forward: every spike and every bit of the states, and the integers behind them."""

from __future__ import annotations

from collections.abc import Callable
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
    flat,
    placed,
    require_equal,
    require_gradients,
    require_integers,
    stimulus,
)
from tests.frameworks import framework  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch

FUNCTIONAL = "norse.torch.functional"
LEVELS = {"v_th": 0.4, "v_leak": 0.1, "v_reset": -0.2}


def parameters(where: str, kind: str, **numbers: Any) -> Any:
    """Norse's parameters of a kind; numbers become tensors."""
    made = getattr(framework(f"{FUNCTIONAL}.{where}"), kind)
    return made(**{n: torch.tensor(v) if isinstance(v, float) else v for n, v in numbers.items()})


def lif(**numbers: Any) -> Any:
    return parameters("lif", "LIFParameters", **{**LEVELS, **numbers})


def refractory() -> Any:
    return parameters("lif_refrac", "LIFRefracParameters", lif=lif(), rho_reset=3.0)


def lsnn(**numbers: Any) -> Any:
    return parameters("lsnn", "LSNNParameters", **{**LEVELS, "tau_adapt_inv": 30.0, "beta": 0.3, **numbers})


def box(**numbers: Any) -> Any:
    return parameters("lif_box", "LIFBoxParameters", **{**LEVELS, **numbers})


def by_rate(shape: tuple[int, ...]) -> Any:
    return lif(tau_mem_inv=by_channel(shape) * 1000, tau_syn_inv=by_channel(shape, 1) * 1000)


Make = Callable[[Any, tuple[int, ...]], Any]
NEURONS: dict[str, Make] = {
    "LIF": lambda n, shape: n.LIF(lif()),
    "LIF by channel": lambda n, shape: n.LIF(by_rate(shape)),
    "LIF triangle": lambda n, shape: n.LIF(lif(method="triangle")),
    "LIFCell": lambda n, shape: n.LIFCell(lif(), dt=0.0007),
    "LIFRefracCell": lambda n, shape: n.LIFRefracCell(refractory()),
    "LSNN": lambda n, shape: n.LSNN(lsnn()),
    "LSNNCell": lambda n, shape: n.LSNNCell(lsnn(), dt=0.002),
    "LSNN adjoint": lambda n, shape: n.LSNN(lsnn(), adjoint=True),
    "LI": lambda n, shape: n.LI(parameters("leaky_integrator", "LIParameters", v_leak=0.1)),
    "LICell": lambda n, shape: n.LICell(),
    "LIBoxCell": lambda n, shape: n.LIBoxCell(parameters("leaky_integrator_box", "LIBoxParameters", v_leak=0.1)),
    "LIFBoxCell": lambda n, shape: n.LIFBoxCell(box()),
    "LIFBoxCell subtract": lambda n, shape: n.LIFBoxCell(box(reset_method=framework(f"{FUNCTIONAL}.reset").reset_subtract)),
    "IAF": lambda n, shape: n.IAF(parameters("iaf", "IAFParameters", v_reset=-0.2)),
    "IAFCell": lambda n, shape: n.IAFCell(),
}
RECURRENT: dict[str, Callable[[Any], Any]] = {
    "LIFRecurrent": lambda n: n.LIFRecurrent(5, 7, lif()),
    "LIFRecurrentCell": lambda n: n.LIFRecurrentCell(5, 7, lif(), autapses=True),
    "LIFRefracRecurrent": lambda n: n.LIFRefracRecurrent(5, 7, refractory()),
    "LIFRefracRecurrentCell": lambda n: n.LIFRefracRecurrentCell(5, 7, refractory()),
    "LSNNRecurrent": lambda n: n.LSNNRecurrent(5, 7, lsnn()),
    "LSNNRecurrentCell": lambda n: n.LSNNRecurrentCell(5, 7, lsnn()),
}


# Norse's own is not a number for the triangle, and follows another rule for the adjoint; relu at a counter of 0 has half of it.
OTHER_GRADIENTS = {"LIF triangle", "LSNN adjoint", "LIFRefracCell", "LIFRefracRecurrent", "LIFRefracRecurrentCell"}


@pytest.fixture(scope="module")
def norse() -> Any:
    return framework("norse.torch")


def steps(module: Any, x: Any) -> tuple[Any, list[Any]]:
    """(output, states) of all steps, whether the module takes one at a call or all."""
    if not type(module).__name__.endswith("Cell"):
        module.record_states = True
        output, states = module(x)
        return output, flat(states)
    outputs, seen, state = [], [], None
    for entering in x:
        output, state = module(entering, state)
        outputs.append(output)
        seen.append(flat(state))
    return torch.stack(outputs), [torch.stack(values) for values in zip(*seen, strict=True)]


@pytest.mark.parametrize("name", NEURONS)
def test_every_spike_and_state_is_that_of_norse(norse: Any, name: str) -> None:
    compare(norse, name, LINEAR)


@pytest.mark.slow
@pytest.mark.parametrize("name", NEURONS)
def test_every_spike_and_state_of_an_image_is_that_of_norse(norse: Any, name: str) -> None:
    compare(norse, name, IMAGE)


def compare(norse: Any, name: str, shape: tuple[int, ...]) -> None:
    module, x = NEURONS[name](norse, shape), stimulus(shape) * 3
    found = placed(module, shape)
    assert found.whole == ("Cell" not in name)
    with torch.no_grad():
        require_equal(found, x, *steps(module, x))


@pytest.mark.parametrize("name", RECURRENT)
def test_every_spike_of_a_recurrent_form_is_that_of_norse(norse: Any, name: str) -> None:
    """The input as the module's own linear layer makes it of each step: of all steps at once sums may round another way."""
    torch.manual_seed(0)
    module, x = RECURRENT[name](norse), stimulus(LINEAR) * 3
    found = placed(module, LINEAR)
    spikes, states = steps(module, x)
    assert found.states == (None, "v", "i", *{"LIFRefr": ("n",), "LSNNRec": ("b",)}.get(name[:7], ()))
    assert torch.equal(states[0], spikes)
    assert found.whole == ("Cell" not in name)
    first, recurrent = found.layer
    assert (first.weight, recurrent.synapse.weight) == (module.input_weights, module.recurrent_weights)
    recurrent.neuron.states = {n: nn.State((-1e9, 1e9), s.initial) for n, s in recurrent.neuron.states.items()}
    with torch.no_grad():
        entering = torch.stack([torch.nn.functional.linear(now, module.input_weights) for now in x])
        assert torch.equal(recurrent(entering), spikes)
    assert spikes.any()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("NorseLIF", "LIF"), ("LIFRefrac", "LIFRefracCell"), ("LSNN", "LSNN"), ("IAF", "IAF"), ("LIFBox", "LIFBoxCell"),
     ("LI", "LI"), ("LIBox", "LIBoxCell")],
)  # fmt: skip
def test_defaults_are_those_of_norse(norse: Any, ours: str, theirs: str) -> None:
    found, made = placed(getattr(norse, theirs)(), LINEAR).layer, getattr(nn, ours)()
    assert type(found) is type(made)
    assert {n: float(b) for n, b in found.named_buffers()} == {n: float(b) for n, b in made.named_buffers()}
    assert (found.dt == made.dt) or ours == "IAF"
    assert {n: s.initial for n, s in found.states.items()} == {n: s.initial for n, s in made.states.items()}


def test_weights_that_are_no_parameters_share_their_memory(norse: Any) -> None:
    weights = torch.randn(7, 5)
    layer = placed(norse.LIFRecurrent(5, 7, input_weights=weights), LINEAR).layer
    assert layer[0].weight.data_ptr() == weights.data_ptr()
    assert not layer[0].weight.requires_grad


def test_a_linear_integrator_is_a_linear_layer_and_an_integrator(norse: Any) -> None:
    module, x = norse.LILinearCell(5, 7), stimulus(LINEAR)
    first, integrator = placed(module, LINEAR).layer
    assert first.weight is module.input_weights
    with torch.no_grad():
        entering = torch.stack([torch.nn.functional.linear(now, module.input_weights) for now in x])
        assert torch.equal(integrator(entering), steps(module, x)[0])


@pytest.mark.parametrize("name", ["LIFRecurrent"])
def test_its_integers_are_equal_on_four_executors(norse: Any, name: str) -> None:
    torch.manual_seed(0)
    require_integers(placed(RECURRENT[name](norse), LINEAR).layer, LINEAR, 7)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [LINEAR, IMAGE], ids=["linear", "image"])
@pytest.mark.parametrize("name", NEURONS)
def test_all_integers_are_equal_on_four_executors(norse: Any, name: str, shape: tuple[int, ...]) -> None:
    hidden = shape[0] * (1 if len(shape) == 1 else 16)
    require_integers(placed(NEURONS[name](norse, shape), shape).layer, shape, hidden)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECURRENT)
def test_all_integers_of_recurrent_forms_are_equal_on_four_executors(norse: Any, name: str) -> None:
    torch.manual_seed(0)
    require_integers(placed(RECURRENT[name](norse), LINEAR).layer, LINEAR, 7)


def test_what_is_learned_stays_the_users_own(norse: Any) -> None:
    learned = torch.nn.Parameter(torch.tensor(0.7))
    module = norse.LIF(lif(v_th=learned))
    layer = placed(module, LINEAR).layer
    assert layer.v_th is learned
    (layer(stimulus(LINEAR) * 3) * torch.linspace(0, 1, 5)).sum().backward()
    assert learned.grad.abs() > 0


@pytest.mark.parametrize("name", sorted({*NEURONS, *RECURRENT} - OTHER_GRADIENTS))
def test_gradients_through_time_are_those_of_norse(norse: Any, name: str) -> None:
    """A reset has the spike's, but in recurrent forms."""
    torch.manual_seed(0)
    module = RECURRENT[name](norse) if name in RECURRENT else NEURONS[name](norse, LINEAR)
    require_gradients(placed(module, LINEAR).layer, stimulus(LINEAR) * 3, lambda given: steps(module, given)[0])


def test_gradients_are_those_of_norse(norse: Any) -> None:
    x = torch.linspace(-3, 9, 50).reshape(1, 10, 5).requires_grad_()
    module = norse.LIF(lif())
    (own,), (other,) = (torch.autograd.grad(y.sum(), x) for y in (placed(module, LINEAR).layer(x), module(x)[0]))
    torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-6)
    assert other.abs().sum() > 0


def test_whose_it_is_and_what_has_no_state(norse: Any) -> None:
    assert framework_of(norse.LIF()) == framework_of(norse.SequentialState()) == "Norse"
    for module in (norse.SequentialState(torch.nn.Linear(2, 2)), norse.Lift(torch.nn.Linear(2, 2))):
        assert known(module, LINEAR, "x") is None


def test_what_is_another_neuron_is_refused_by_name(norse: Any) -> None:
    with refused(
        UnsupportedError,
        """
        Norse's LIFExCell cannot be exact: it takes exp of the membrane, which integers have not
          where:    1 (LIFExCell)
          got:      LIFExCell
          expected: IAF, IAFCell, LI, LIBoxCell, LICell, LIF, LIFBoxCell, LIFCell, LIFRecurrent, LIFRecurrentCell, LIFRefracCell, LIFRefracRecurrent, LIFRefracRecurrentCell, LILinearCell, LSNN, LSNNCell, LSNNRecurrent, LSNNRecurrentCell
          do:       use LIF, or SpikingJelly's QIFNode, or write its step as a nn.CustomNeuron (docs/how-to/custom.md)
        """,  # noqa: E501
    ):
        known(norse.LIFExCell(), LINEAR, "1 (LIFExCell)")


def test_settings_that_cannot_be_exact_are_refused_by_name(norse: Any) -> None:
    with refused(
        UnsupportedError,
        """
        this spike function of Norse fires by chance, or not at all
          where:    1 (LIF)
          got:      method='logistic'
          expected: heaviside, super, triangle, tanh, circ, heavi_erfc
          do:       construct the parameters with method='super'
        """,
    ):
        known(norse.LIF(lif(method="logistic")), LINEAR, "1 (LIF)")
    with refused(
        UnsupportedError,
        """
        v_leak has several values, and this layer has one
          where:    1 (LIF)
          got:      shape [5], 0 to 1
          expected: the same value for the whole layer
          do:       give v_leak one value
        """,
    ):
        known(norse.LIF(lif(v_leak=torch.linspace(0, 1, 5))), LINEAR, "1 (LIF)")
    with refused(
        UnsupportedError,
        """
        this reset is none of Norse's own
          where:    1 (LIFBoxCell)
          got:      reset_method=max
          expected: norse.torch.functional.reset.reset_value or reset_subtract
          do:       use one of these, or write its step as a nn.CustomNeuron (docs/how-to/custom.md)
        """,
    ):
        known(norse.LIFBoxCell(box(reset_method=max)), LINEAR, "1 (LIFBoxCell)")
    module = norse.LIF(lif())
    module.activation = stimulus
    with refused(
        UnsupportedError,
        """
        this module computes another step than Norse's
          where:    1 (LIF)
          got:      activation tests.conversion.frameworks.compared.stimulus
          expected: the step of LIF
          do:       write its step as a nn.CustomNeuron (docs/how-to/custom.md), and use that in the model
        """,
    ):
        known(module, LINEAR, "1 (LIF)")

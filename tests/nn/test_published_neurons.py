"""Library neurons against plain loops over the equations that their sources publish, every spike."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.errors import Snn2hwError

pytestmark = pytest.mark.torch

Reals = npt.NDArray[np.float64]
STEPS = 200


def leaky(x: Reals, mechanism: str, delay: bool, beta: float = 0.9, threshold: float = 0.7) -> Iterator[bool]:
    """snntorch 1.0.0, Leaky.forward."""
    mem = 0.0
    for entering in x:
        reset = float(mem > threshold)
        if mechanism == "zero":
            mem = (1 - reset) * mem
        mem = beta * mem + entering - (reset * threshold if mechanism == "subtract" else 0.0)
        spike = float(mem > threshold)
        if not delay and mechanism != "none":
            due = spike - reset
            mem -= due * (threshold if mechanism == "subtract" else mem)
        yield bool(spike)


def cuba(x: Reals) -> Iterator[bool]:
    """nir.CubaLIF in discrete time, reset by subtraction."""
    i = v = 0.0
    for entering in x:
        i = 0.5 * i + entering
        v = 0.9 * v + i
        yield v >= 1.0
        v -= 1.0 * (v >= 1.0)


def adaptive(x: Reals) -> Iterator[bool]:
    """Bellec et al. 2018: B = b0 + beta b, b = rho b + (1 - rho) z."""
    v = b = 0.0
    for entering in x:
        v = 0.9 * v + entering
        level = 1.0 + 1.0 * b
        z = v >= level
        v -= level * z
        b = 0.95 * b + 0.05 * z
        yield z


def izhikevich(x: Reals) -> Iterator[bool]:
    """Izhikevich 2003 in mV and pA, Euler with 0.5 ms: v' = 0.04 v^2 + 5 v + 140 - u + I, u' = a (b v - u)."""
    v, u = -65.0, -13.0
    for entering in x:
        moved = v + 0.5 * (0.04 * v * v + 5 * v + 140 - u + 100 * entering)
        u += 0.5 * 0.02 * (0.2 * v - u)
        fired = moved >= 30.0
        v, u = (-65.0, u + 8.0) if fired else (moved, u)
        v = min(max(v, -100.0), 50.0)
        yield fired


def refractory(x: Reals) -> Iterator[bool]:
    v, silent = 0.0, 0
    for entering in x:
        v = 0.0 if silent else 0.9 * v + entering
        fired = v >= 1.0
        silent = 2 if fired else max(silent - 1, 0)
        v = 0.0 if fired else v
        yield fired


def resonating(x: Reals) -> Iterator[bool]:
    """lava-nc 0.10, the resonate-and-fire process: z = decay exp(i omega) z + x."""
    z = 0j
    turn = 0.95 * cmath.exp(2j * cmath.pi / 10)
    for entering in x:
        before, z = z, turn * z + entering
        yield z.real >= 1.0 and z.imag >= 0 and before.imag < 0


CASES: dict[str, tuple[Callable[[], nn.CustomNeuron], Callable[[Reals], Iterator[bool]], float]] = {
    **{
        f"Leaky {mechanism} {delay}": (
            lambda m=mechanism, d=delay: nn.Leaky(0.9, 0.7, reset_mechanism=m, reset_delay=d, state_range=(-64.0, 64.0)),
            lambda x, m=mechanism, d=delay: leaky(x, m, d),
            2.0,
        )
        for mechanism in ("subtract", "zero", "none")
        for delay in (True, False)
    },
    "CubaLIF": (lambda: nn.CubaLIF(state_range=(-16.0, 16.0)), cuba, 0.3),
    "ALIF": (nn.ALIF, adaptive, 1.0),
    "Izhikevich": (nn.Izhikevich, izhikevich, 0.25),
    "RefractoryLIF": (nn.RefractoryLIF, refractory, 1.0),
    "ResonateAndFire": (lambda: nn.ResonateAndFire(state_range=(-64.0, 64.0)), resonating, 1.5),
}


def stimulus(gain: float, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    drive = rng.uniform(0.0, gain, (STEPS, 4, 6))
    return torch.as_tensor(drive + (gain / 2) * np.sin(np.arange(STEPS) * 0.63)[:, None, None])


@pytest.mark.parametrize("name", CASES)
def test_every_spike_is_that_of_the_published_equation(name: str) -> None:
    make, loop, gain = CASES[name]
    x = stimulus(gain)
    found = make().double()(x).numpy()
    flat = x.numpy().reshape(STEPS, -1)
    wanted = np.array([list(loop(flat[:, n])) for n in range(flat.shape[1])]).T.reshape(found.shape)
    assert 0 < wanted.mean() < 1
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", CASES)
def test_integers_are_one_on_every_back_end_and_near_the_float_spikes(name: str) -> None:
    make, _, gain = CASES[name]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), make(), nn.Linear(6, 3)).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(6))
        model[0].bias.zero_()
    x = stimulus(gain, 1).float()
    artefact = snn2hw.compile(
        model, sample=x, layout="TN", input_range=(-2.0 * gain, 2.0 * gain), options=snn2hw.Options(state_bits=16)
    )
    verdict = snn2hw.verify(artefact, x, layout="TN", executors=("reference", "onnxruntime", "torch"))
    assert verdict.equal
    spikes = snn2hw.simulate(artefact, x, layout="TN").spikes["1"]
    assert abs(spikes.mean() - model[:2](x).detach().numpy().mean()) < 0.02


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Leaky(1.5),
        lambda: nn.Leaky(0.9, reset_mechanism="half"),
        lambda: nn.CubaLIF(decay=2.0),
        lambda: nn.ALIF(strength=-1.0),
        lambda: nn.Izhikevich(c=2.0),
        lambda: nn.RefractoryLIF(refractory=0),
        lambda: nn.ResonateAndFire(threshold=0.0),
    ],
)
def test_arguments_out_of_range_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(Snn2hwError):
        make()


DECAYS = {
    nn.CubaLIF: ("decay", "current_decay"),
    nn.ALIF: ("decay", "adaptation_decay"),
    nn.RefractoryLIF: ("decay",),
    nn.ResonateAndFire: ("decay",),
    nn.Leaky: ("beta",),
    nn.LeakyIntegrator: ("decay",),
}


@pytest.mark.filterwarnings("ignore::snn2hw.passes.findings.LossWarning")  # a decay of 1 fills every state
@pytest.mark.parametrize(("make", "name"), [(make, name) for make, names in DECAYS.items() for name in names])
@pytest.mark.parametrize(("learned", "counts"), [(1.25, 1.0), (-0.25, 0.0)])
def test_a_decay_that_learning_takes_out_of_its_range_counts_as_its_end(
    make: Callable[..., torch.nn.Module], name: str, learned: float, counts: float
) -> None:
    """In floats and in integers: beyond 1 a state would grow by itself."""
    x, found = 2 * torch.rand(3, 12, 4, generator=torch.Generator().manual_seed(0)), []  # samples [N, T, F]
    for value in (learned, counts):
        torch.manual_seed(1)
        neuron = make(0.9, **({"learn_beta": True} if make is nn.Leaky else {"learn": True}))
        model = nn.Sequential(neuron, nn.Linear(4, 2)).eval()
        with torch.no_grad():
            getattr(neuron, name).fill_(value)
        artefact = snn2hw.compile(model, sample=x, layout="NT", input_range=(0.0, 2.0))
        found.append((model(x.transpose(0, 1)).detach().numpy(), artefact.model))
    assert np.array_equal(found[0][0], found[1][0])
    assert found[0][1] == found[1][1]


# Each is a LIF, as its current has no memory, or its threshold does not adapt.
WIDE = (-64.0, 64.0)
LIKE_LIF: dict[str, tuple[Callable[[], torch.nn.Module], Callable[[], torch.nn.Module]]] = {
    "CubaLIF": (
        lambda: nn.CubaLIF(0.75, 0.0, state_range=WIDE, current_range=WIDE),
        lambda: nn.LIF(0.75, state_range=WIDE),
    ),
    "CubaLIF to a value": (
        lambda: nn.CubaLIF(0.75, 0.0, reset="value", reset_value=-0.5, state_range=WIDE, current_range=WIDE),
        lambda: nn.LIF(0.75, reset="value", reset_value=-0.5, state_range=WIDE),
    ),
    "ALIF": (lambda: nn.ALIF(0.75, strength=0.0, state_range=WIDE), lambda: nn.LIF(0.75, state_range=WIDE)),
}


@pytest.mark.parametrize("name", LIKE_LIF)
@pytest.mark.parametrize("recurrent", [False, True])
def test_a_reset_passes_the_gradient_that_it_passes_in_lif(name: str, recurrent: bool) -> None:
    """Recurrent speech is hardly learned without it (docs/reference/neurons.md)."""
    gradients = []
    for make in LIKE_LIF[name]:
        torch.manual_seed(0)
        layer = (nn.Recurrent(make(), nn.Linear(6, 6)) if recurrent else make()).double()
        x = stimulus(1.5).requires_grad_()
        layer(x).square().sum().backward()
        gradients.append(x.grad)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("make", [lambda: nn.CubaLIF(reset="value"), nn.CubaLIF, nn.RefractoryLIF, lambda: nn.LIF(reset="value")])
def test_an_infinite_input_leaves_numbers_and_gradients(make: Callable[[], torch.nn.Module]) -> None:
    """In a layer that hears itself torch takes the gradient, of 0 times what the reset takes away."""
    torch.manual_seed(0)
    x = stimulus(1.5).float()
    x[3] = torch.inf
    x.requires_grad_()
    spikes = nn.Recurrent(make(), nn.Linear(6, 6))(x)
    spikes.sum().backward()
    assert bool(torch.isfinite(spikes).all())
    assert bool(spikes[4:].any())
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad[4:]).all())

"""A neuron that a user writes as the equation of a built-in one: what they share, and how far their integers are apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from snn2hw import nn  # noqa: E402
from snn2hw.ir.program import Op  # noqa: E402

pytestmark = pytest.mark.torch

RANGE = (-4.0, 4.0)


class Written(nn.CustomNeuron):
    """h = clamp(P(u) + x), fires `levels` times at most, u = what is left: as docs/reference/neurons.md says, in torch."""

    states = {"u": nn.State(range=RANGE)}  # noqa: RUF012

    def __init__(self, a: tuple[float, ...], levels: int = 1, signed: bool = False) -> None:
        super().__init__()
        self.a, self.levels, self.signed = a, levels, signed

    def step(self, x: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        terms = [c * u**k if k else c for k, c in enumerate(self.a) if c]
        r = (sum(terms[1:], terms[0]) + x).clamp(*RANGE)
        fired = []
        for _ in range(self.levels):
            s = nn.fire(r, 1.0)
            s = s - nn.fire(-1.0, r) if self.signed else s
            r = r - s
            fired.append(s)
        return sum(fired[1:], fired[0]), {"u": r}


def lnm() -> nn.LNM:
    neuron = nn.LNM(degree=3)
    with torch.no_grad():
        neuron.coefficients.copy_(torch.tensor([[0.125, 0.75, 0.0625, -0.03125]]))
    return neuron


PAIRS: dict[str, tuple[Callable[[], torch.nn.Module], Callable[[], torch.nn.Module]]] = {
    "LIF": (lambda: nn.LIF(0.75), lambda: Written((0.0, 0.75))),
    "LNM": (lnm, lambda: Written((0.125, 0.75, 0.0625, -0.03125))),
    "circulate": (lambda: nn.CirculateFiring(3, decay=0.75), lambda: Written((0.0, 0.75), 3, signed=True)),
}


@pytest.mark.parametrize("which", PAIRS)
@pytest.mark.parametrize("state_bits", [8, 16])
def test_the_same_equation_fires_the_same_spikes_however_it_is_written(which: str, state_bits: int) -> None:
    """The built-in one has roles, which claims in closed form need; a user's own is certified term by term. Where no state
    reaches the end of its range, which an integer may miss by one unit, the integers are the same."""
    torch.manual_seed(0)
    first, last = nn.Linear(6, 16), nn.Linear(16, 3)
    x = torch.rand(12, 20, 6, generator=torch.Generator().manual_seed(1)) * 2 - 0.5
    ran, programs = [], []
    for make in PAIRS[which]:
        model = nn.Sequential(first, make(), last).eval()
        artefact = snn2hw.compile(model, x, layout="TN", input_range=(-0.5, 1.5), options=snn2hw.Options(state_bits=state_bits))
        ran.append(snn2hw.simulate(artefact, x, layout="TN"))
        programs.append(artefact.network.neurons[0].program)
    assert programs[0].roles is not None
    assert programs[1].roles is None
    assert np.abs(ran[0].states["1.u"]).max() < 2 ** (state_bits - 1) - 1
    assert 0.02 < (ran[0].spikes["1"] != 0).mean() < 0.9
    for a, b in zip(*(r.arrays().values() for r in ran), strict=True):
        assert np.array_equal(a, b)


def test_a_polynomial_is_lowered_by_the_same_scheme_in_both() -> None:
    """The instructions up to P(u) are equal, constants included."""
    torch.manual_seed(0)
    first, last = nn.Linear(6, 4), nn.Linear(4, 3)
    steps = []
    for make in PAIRS["LNM"]:
        artefact = snn2hw.compile(nn.Sequential(first, make(), last).eval(), torch.rand(3, 2, 6), layout="TN")
        lines = artefact.network.neurons[0].program.instructions
        chosen = [i for i in lines if i.op in (Op.PARAM, Op.MUL, Op.ADD, Op.SHIFT_LEFT, Op.SHIFT_RIGHT) and "x" not in i.name]
        end = next(n for n, i in enumerate(chosen) if i.name == "poly")
        steps.append(chosen[: end + 1])
    assert len(steps[0]) > 10
    assert steps[0] == steps[1]

"""Surrogate gradients of the frameworks: which have a counterpart, and what is said where one has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from tests.frameworks import framework  # noqa: E402

pytestmark = pytest.mark.torch

JELLY = "spikingjelly.activation_based"


@pytest.mark.parametrize(
    ("package", "make", "called"),
    [
        ("snntorch", lambda f: f.Leaky(0.9, init_hidden=True), ""),
        ("snntorch", lambda f: f.Leaky(0.9, init_hidden=True, spike_grad=f.surrogate.triangular()), "triangular"),
        ("snntorch", lambda f: f.Leaky(0.9, init_hidden=True, spike_grad=stepped), "stepped"),
        (f"{JELLY}.neuron", lambda f: f.IFNode(step_mode="m"), ""),
        (f"{JELLY}.neuron", lambda f: f.IFNode(step_mode="m", surrogate_function=framework(f"{JELLY}.surrogate").Erf()), "Erf"),
        ("norse.torch", lambda f: f.LIF(), ""),
        ("norse.torch", lambda f: f.LIF(f.LIFParameters(method="tanh")), "tanh"),
    ],
)
def test_a_surrogate_without_a_counterpart_is_named(package: str, make: Callable[[Any], Any], called: str) -> None:
    """Spikes are the same; a training goes on with another gradient, which the user has to know."""
    neuron = make(framework(package))
    torch.manual_seed(0)
    if package == "norse.torch":
        model = framework(package).SequentialState(torch.nn.Linear(4, 3), neuron)
    else:
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), neuron)
    notes = snn2hw.convert(model, torch.rand(6, 2, 4), layout="TN").conversion.notes
    wanted = (f"1 trains with the default surrogate: its own, {called}, has no counterpart.",) if called else ()
    assert notes == wanted


def stepped(over: Any) -> Any:
    """A spike function of the user's own."""
    return (over > 0).float()

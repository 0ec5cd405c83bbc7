"""What people see of a certificate of neurons that a user wrote."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch

import snn2hw
from snn2hw import nn
from snn2hw.checker.check import check_claims
from snn2hw.cli.certificate_table import print_certificate, print_checked
from tests.checker.tampering import written
from tests.small_networks import two_layer_network

pytestmark = pytest.mark.torch


class Mine(nn.CustomNeuron):
    """Two comparisons: one with a parameter, strictly, of a sum; one of a state with a number, which is exact."""

    states: ClassVar = {"v": nn.State(range=(-1.0, 1.0)), "quiet": nn.State(range=(0.0, 1.0))}

    def __init__(self) -> None:
        super().__init__()
        self.theta = torch.nn.Parameter(torch.tensor(0.3))

    def step(self, x: Any, v: Any, quiet: Any) -> Any:
        v = 0.9 * v + torch.where(quiet > 0.5, 0.0, 0.3 * x)
        s = nn.fire(v, self.theta, strict=True)
        return s, {"v": v - self.theta * s, "quiet": 1.0 * s}


def test_errors_of_users_neurons_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), Mine(), nn.Linear(3, 2)).eval()
    made = written(snn2hw.compile(model, (torch.rand(3, 2, 4) < 0.5).float()).network)
    print_certificate(made.certificate, "title")
    shown = [" ".join(line.strip("| ").split()) for line in capsys.readouterr().out.splitlines()]
    errors = made.certificate["layers"][0]["errors"]
    state, (sooner, later) = errors["states"]["v"], errors["comparisons"].values()
    assert "1 | output | exact | | | enumerated" in shown or "1 | output | exact | | | intervals" in shown
    assert f"1 | next v | {state['lsb']:.3f} LSB | {state['units']:.3g} | 0 | intervals" in shown
    assert sooner["lsb"] == 0.0
    assert "1 | decision quiet > 0.5 | exact | | | enumerated" in shown
    (line,) = (line for line in shown if "> theta" in line)
    assert line.endswith(f"> theta | {later['lsb']:.3f} LSB | {later['units']:.3g} | 0 | intervals")
    assert "beyond its error, a decision of the integers is that of the equation" in shown


@pytest.mark.parametrize(("off", "said"), [
    (0.0, "every synaptic input reaches its state within a millionth of an LSB"),
    (0.0004, "worst error of a synaptic input: 0.0004 state LSB (layer 6, channel 10)"),
    (1.25, "worst error of a synaptic input: 1.25 state LSB (layer 6, channel 10)"),
])  # fmt: skip
def test_the_worst_synaptic_input_is_said_or_that_none_has_an_error(
    off: float, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = written(snn2hw.compile(*two_layer_network()).network)
    errors = made.certificate["layers"][0]["errors"]
    errors["input"] = {"state_lsb": off, "channel": 10}
    made.certificate["layers"][0]["layer"] = "6"
    print_certificate(made.certificate, "title")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "synaptic input" in line] == [said]


def test_check_shows_them_as_derived_again(capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), Mine(), nn.Linear(3, 2)).eval()
    made = written(snn2hw.compile(model, (torch.rand(3, 2, 4) < 0.5).float()).network)
    print_certificate(made.certificate, "title")
    first = capsys.readouterr().out
    print_checked(check_claims(made.model, made.certificate), "title")
    second = capsys.readouterr().out
    assert second.startswith(first)
    assert "every claim holds" in second

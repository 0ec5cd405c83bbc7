"""Every switch of a neuron is True or False: "no" would count as True."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from snn2hw import nn
from snn2hw.errors import UsageError
from tests.refused import refused

pytestmark = pytest.mark.torch

BOTH = {"alpha": 0.9, "beta": 0.8}
NEEDED: dict[str, dict[str, Any]] = {
    "Leaky": {"beta": 0.9},
    "Synaptic": BOTH,
    "Alpha": BOTH,
    "RLeaky": {"beta": 0.9, "V": 0.5},
    "RSynaptic": {**BOTH, "V": 0.5},
    "Readout": {"kind": "leaky"},
}
WHOSE = (nn.Neuron, nn.CustomNeuron, nn.Surrogate, nn.Readout)
SWITCHES = [
    (name, argument)
    for name, kind in inspect.getmembers(nn, inspect.isclass)
    if issubclass(kind, WHOSE) and kind not in WHOSE[:3]  # those are not made themselves
    for argument, given in inspect.signature(kind).parameters.items()
    if isinstance(given.default, bool)
]


def test_all_neurons_with_switches_are_known() -> None:
    assert len(SWITCHES) > 40
    assert {"CirculateFiring", "LNM", "CubaLIF", "Leaky", "LIFNode", "RLeaky", "LeakyIntegrator", "Atan"} <= {
        n for n, _ in SWITCHES
    }


@pytest.mark.parametrize(("kind", "argument"), SWITCHES)
def test_a_switch_is_true_or_false(kind: str, argument: str) -> None:
    make = getattr(nn, kind)
    needed = NEEDED.get(kind, {})
    for value in ("no", 1, None):
        with pytest.raises(UsageError, match=r"^\w+ is neither True nor False\n") as caught:
            make(**needed, **{argument: value})
        assert caught.value.got == repr(value)
    make(**needed, **{argument: np.bool_(False)})


def test_the_text() -> None:
    with refused(
        UsageError,
        """
        signed is neither True nor False
          where:    CirculateFiring
          got:      'no'
          expected: True or False
          do:       pass signed as True or False, not as text or a number
        """,
    ):
        nn.CirculateFiring(4, signed="no")
    with refused(
        UsageError,
        """
        learn is neither True nor False
          where:    Leaky, beta
          got:      0
          expected: True or False
          do:       pass learn as True or False, not as text or a number
        """,
    ):
        nn.Leaky(0.9, learn_beta=0)

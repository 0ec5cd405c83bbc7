"""One layer of neurons, and what the audit says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.dynamics.audit import ChannelDynamics, LayerDynamics, audit
from snn2hw.ir.integer import IntegerNetwork
from tests.hand_networks import compiled, counts, linear, network, neuron, readout


def made(coefficients: Any, weight: float = 1.0, **fields: Any) -> IntegerNetwork:
    """One layer of neurons u' = P(u) + x."""
    options = {k: fields.pop(k) for k in ("state_bits", "target") if k in fields}
    fires = neuron("n", "fc", "LNM", (tuple(coefficients),), **fields)
    nodes = [counts(3), linear("fc", "input", weight * np.eye(3)), fires, linear("head", "n", np.eye(2, 3)), readout("head")]
    return compiled(network(2, *nodes), np.ones((2, 1, 3)), **options).network


def one(coefficients: Any, **fields: Any) -> LayerDynamics:
    return audit(made(coefficients, **fields))["n"]


def channel(coefficients: Any, **fields: Any) -> ChannelDynamics:
    (found,) = one(coefficients, **fields).channels
    return found


def torch_layer(layer: Any, **options: Any) -> LayerDynamics:
    """That of a neuron which a function makes of `snn2hw.nn`."""
    torch = pytest.importorskip("torch")
    from snn2hw import nn

    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(3, 2), layer(nn), nn.Linear(2, 2)).eval()
    made = snn2hw.compile(model, np.random.default_rng(0).random((4, 3)), steps=2, options=snn2hw.Options(**options))
    return audit(made.network)["1"]

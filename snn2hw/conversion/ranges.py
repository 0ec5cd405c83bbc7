"""How wide the states of converted neurons are: frameworks hold none of them, integers must."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from snn2hw.nn.custom import CustomNeuron, State
from snn2hw.nn.recurrent import Recurrent

ROOM = 1.25  # of what was seen on the sample: other samples go a little further
WIDEST = 2.0**20
LEAST = 2.0**-8


def widen(layer: torch.nn.Module) -> None:
    """Ranges that no state of a sensible network leaves, for the time that it is looked at."""
    for neuron in neurons_in(layer):
        neuron.states = {name: State((-WIDEST, WIDEST), s.initial) for name, s in neuron.states.items()}


def fit(layer: torch.nn.Module, seen: Mapping[str, tuple[float, float]]) -> None:
    """The least power of two that holds what was seen of each state, with ROOM; a count from 0 stays as it was declared.

    Args:
        layer: a neuron, or what holds one. seen: of each state the least and the largest value.
    """
    for neuron in neurons_in(layer):
        neuron.states = {**neuron.states, **{name: _held(neuron.states[name], *ends) for name, ends in seen.items()}}


def _held(state: State, lo: float, hi: float) -> State:
    reach = max(abs(lo), abs(hi), abs(state.initial))
    end = 2.0 ** math.ceil(math.log2(max(reach * ROOM, LEAST)))
    return State((-end, end), state.initial)


def neurons_in(layer: torch.nn.Module) -> list[CustomNeuron]:
    """The neurons with declared states in a layer, itself among them."""
    return [m for m in layer.modules() if isinstance(m, CustomNeuron)]


@torch.no_grad()
def seen(layer: torch.nn.Module, x: Tensor) -> dict[str, tuple[float, float]]:
    """The least and largest value of each state on the input x [T, N, C, ...] of a neuron or recurrent layer."""
    neuron = layer.neuron if isinstance(layer, Recurrent) else layer
    if not isinstance(neuron, CustomNeuron):
        return {}
    states = {name: torch.full_like(x[0], s.initial) for name, s in neuron.states.items()}
    found = {name: (s.initial, s.initial) for name, s in neuron.states.items()}
    fired, width = torch.zeros_like(x[0]), torch.ones(())
    for entering in x:
        joined = entering + layer.synapse(fired[None])[0] if isinstance(layer, Recurrent) else entering
        fired, states = neuron.one_step(joined, states, width)
        for name, value in states.items():
            lo, hi = found[name]
            found[name] = min(lo, float(value.min())), max(hi, float(value.max()))
    return found

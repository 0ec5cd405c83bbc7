"""A float network with the LIF neurons of snnTorch and SpikingJelly in the place of its own, on the CPU.

Neither has an LNM or circulate firing, so that their neurons compute less than ours. Convolutions take all steps at once, as in
our float network, which is quicker than the loop over steps that their tutorials write.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from snn2hw.nn.base import Neuron

SNNTORCH, SPIKINGJELLY = "snnTorch", "SpikingJelly"
PEERS = (SNNTORCH, SPIKINGJELLY)
DECAY, THRESHOLD = 0.5, 1.0
# SpikingJelly's LIFNode as our LIF and snnTorch's Leaky: the input is not scaled, and a reset takes the threshold away.
LIF_NODE: dict[str, Any] = {
    "tau": 1 / (1 - DECAY), "decay_input": False, "v_threshold": THRESHOLD, "v_reset": None, "step_mode": "m",
}  # fmt: skip


class _Leaky(torch.nn.Module):
    """snnTorch's Leaky, step by step, over [T, N, ...]."""

    def __init__(self) -> None:
        super().__init__()
        import snntorch

        self.neuron = snntorch.Leaky(beta=DECAY, threshold=THRESHOLD)

    def forward(self, x: Tensor) -> Tensor:
        membrane, fired = self.neuron.reset_mem(), []
        for step in x:
            spikes, membrane = self.neuron(step, membrane)
            fired.append(spikes)
        return torch.stack(fired)


class _LIFNode(torch.nn.Module):
    """SpikingJelly's LIFNode in its multi-step mode, over [T, N, ...]."""

    def __init__(self) -> None:
        super().__init__()
        from spikingjelly.activation_based import neuron

        self.neuron = neuron.LIFNode(**LIF_NODE)

    def forward(self, x: Tensor) -> Tensor:
        self.neuron.reset()
        fired: Tensor = self.neuron(x)
        return fired


_NEURONS: dict[str, Callable[[], torch.nn.Module]] = {SNNTORCH: _Leaky, SPIKINGJELLY: _LIFNode}


def installed(name: str) -> bool:
    """Whether a peer is there."""
    return importlib.util.find_spec(name.lower()) is not None


def peer(model: torch.nn.Module, name: str) -> torch.nn.Module:
    """A copy of a float network, its neurons those of the peer; it takes [T, N, ...] as the model does."""
    other = copy.deepcopy(model)
    for place, module in list(other.named_modules()):
        if isinstance(module, Neuron):
            owner, _, last = place.rpartition(".")
            setattr(other.get_submodule(owner), last, _NEURONS[name]())
    return other.eval()

"""The torch side: neurons and multi-step layers to build and train networks of. Activations are [T, N, ...].

What enters is a user's description of layers and neurons; what leaves are torch modules, which
`snn2hw.train` trains, and of each neuron its equation, which `snn2hw.formats.torch` reads.

* neurons: `base` (the built-in family), `linear_neurons`, `polynomial_neurons`; `custom` and
  `tracing` (users' own), `published_neurons` (those of the field, written that way); `surrogate`;
* all steps, forwards and back: `through_time`, on it `steps` and `steps_back` in torch, `kernel` in C;
* the rest: `layers`, `recurrent`, `readout`, `blocks`, `losses`, `observe`.

Raises:
    MissingExtraError: torch is not installed.
"""

from __future__ import annotations

from snn2hw.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401  (asked for here, so that its absence is said once and clearly)
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise MissingExtraError("torch", "torch", "snn2hw.nn") from missing

from torch.nn import Dropout, Identity, Sequential

from snn2hw.nn.base import Firing, Neuron
from snn2hw.nn.custom import CustomNeuron, State, fire, per_channel
from snn2hw.nn.layers import (
    AdaptiveAvgPool2d,
    AvgPool1d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Flatten,
    Linear,
    MaxPool1d,
    MaxPool2d,
    Upsample,
    repeat,
)
from snn2hw.nn.linear_neurons import IF, LIF, PLIF, CirculateFiring
from snn2hw.nn.losses import balance_loss, coefficient_penalty, range_penalty
from snn2hw.nn.norse_neurons import IAF, LI, LSNN, LIBox, LIFBox, LIFRefrac, NorseLIF
from snn2hw.nn.observe import Observation, check_alive, observe
from snn2hw.nn.polynomial_neurons import LNM, QIF, CirculateLNM
from snn2hw.nn.published_neurons import ALIF, CubaLIF, Izhikevich, RefractoryLIF, ResonateAndFire
from snn2hw.nn.readout import LeakyIntegrator, Membrane, Readout
from snn2hw.nn.recurrent import Recurrent
from snn2hw.nn.snntorch_neurons import Alpha, Lapicque, Leaky, Synaptic
from snn2hw.nn.snntorch_recurrent import RLeaky, RSynaptic
from snn2hw.nn.spikingjelly_neurons import IFNode, IzhikevichNode, LIFNode, NonSpikingNode, ParametricLIFNode, QIFNode
from snn2hw.nn.surrogate import Atan, FastSigmoid, Rectangle, Sigmoid, Surrogate, Triangle

__all__ = [
    "ALIF",
    "IAF",
    "IF",
    "LI",
    "LIF",
    "LNM",
    "LSNN",
    "PLIF",
    "QIF",
    "AdaptiveAvgPool2d",
    "Alpha",
    "Atan",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "CirculateFiring",
    "CirculateLNM",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CubaLIF",
    "CustomNeuron",
    "Dropout",
    "FastSigmoid",
    "Firing",
    "Flatten",
    "IFNode",
    "Identity",
    "Izhikevich",
    "IzhikevichNode",
    "LIBox",
    "LIFBox",
    "LIFNode",
    "LIFRefrac",
    "Lapicque",
    "Leaky",
    "LeakyIntegrator",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Membrane",
    "Neuron",
    "NonSpikingNode",
    "NorseLIF",
    "Observation",
    "ParametricLIFNode",
    "QIFNode",
    "RLeaky",
    "RSynaptic",
    "Readout",
    "Rectangle",
    "Recurrent",
    "RefractoryLIF",
    "ResonateAndFire",
    "Sequential",
    "Sigmoid",
    "State",
    "Surrogate",
    "Synaptic",
    "Triangle",
    "Upsample",
    "balance_loss",
    "check_alive",
    "coefficient_penalty",
    "fire",
    "observe",
    "per_channel",
    "range_penalty",
    "repeat",
]

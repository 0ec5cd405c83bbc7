"""Ten models as people write them with snnTorch, after what its tutorials teach."""

from __future__ import annotations

from typing import Any

import snntorch as snn
import torch
from snntorch import surrogate, utils
from torch import Tensor, nn

from tests.conversion.zoo import EVENTS, IMAGES, PIXELS, SIGNAL, Model

SLOPE = surrogate.fast_sigmoid(slope=25)


class Repeating(nn.Module):
    """A static image at every step; spikes and membranes of all steps are stacked."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.fc1, self.lif1 = nn.Linear(64, 40), snn.Leaky(beta=0.95)
        self.fc2, self.lif2 = nn.Linear(40, 10), snn.Leaky(beta=0.95)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.flatten(1)
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, membranes = [], []
        for _ in range(self.steps):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            membranes.append(mem2)
        return torch.stack(spikes, dim=0), torch.stack(membranes, dim=0)


class Zeroed(nn.Module):
    """Loops over [T, N, F]; resets to zero; the spikes are counted as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(64, 48), snn.Leaky(beta=0.8, reset_mechanism="zero")
        self.fc2, self.lif2 = nn.Linear(48, 10), snn.Leaky(beta=0.7, reset_mechanism="zero", reset_delay=False)

    def forward(self, x: Tensor) -> Tensor:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        out = torch.zeros(x.shape[1], 10)
        for t in range(x.shape[0]):
            spk1, mem1 = self.lif1(self.fc1(x[t]), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            out += spk2
        return out


def hidden_states() -> nn.Module:
    """Layers that keep their states, in a Sequential of one step."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 32),
        snn.Leaky(beta=0.9, init_hidden=True, spike_grad=SLOPE),
        nn.Linear(32, 24),
        snn.Leaky(beta=0.5, init_hidden=True, reset_delay=False, spike_grad=SLOPE),
        nn.Linear(24, 10),
        snn.Leaky(beta=0.9, init_hidden=True, output=True, spike_grad=SLOPE),
    )


class Convolutions(nn.Module):
    """Convolutions, pools and functional calls, one image a step."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.conv1, self.lif1 = nn.Conv2d(1, 6, 3, padding=1), snn.Leaky(0.5, spike_grad=SLOPE)
        self.conv2, self.lif2 = nn.Conv2d(6, 8, 3, padding=1), snn.Leaky(0.5, spike_grad=SLOPE)
        self.fc1, self.lif3 = nn.Linear(8 * 2 * 2, 10), snn.Leaky(0.5, spike_grad=SLOPE)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mem1, mem2, mem3 = self.lif1.init_leaky(), self.lif2.init_leaky(), self.lif3.init_leaky()
        spikes, membranes = [], []
        for _ in range(self.steps):
            spk1, mem1 = self.lif1(nn.functional.max_pool2d(self.conv1(x), 2), mem1)
            spk2, mem2 = self.lif2(nn.functional.max_pool2d(self.conv2(spk1), 2), mem2)
            spk3, mem3 = self.lif3(self.fc1(spk2.flatten(1)), mem3)
            spikes.append(spk3)
            membranes.append(mem3)
        return torch.stack(spikes), torch.stack(membranes)


class Events(nn.Module):
    """Frames of an event camera through a Sequential that keeps its states; decays and thresholds are learned."""

    def __init__(self) -> None:
        super().__init__()
        learned: dict[str, Any] = {"init_hidden": True, "learn_beta": True, "learn_threshold": True, "spike_grad": SLOPE}
        self.net = nn.Sequential(
            nn.Conv2d(2, 6, 5),
            nn.BatchNorm2d(6),
            snn.Leaky(beta=0.6, **learned),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 8, 3),
            nn.MaxPool2d(2),
            snn.Leaky(beta=0.7, **learned),
            nn.Flatten(),
            nn.Linear(32, 10),
            snn.Leaky(beta=0.5, output=True, **learned),
        )

    def forward(self, data: Tensor) -> Tensor:
        utils.reset(self.net)
        record = []
        for step in range(data.size(0)):
            spk, _ = self.net(data[step])
            record.append(spk)
        return torch.stack(record)


class Synapses(nn.Module):
    """One step; two states a neuron, handed in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(64, 32), snn.Synaptic(alpha=0.9, beta=0.8)
        self.fc2, self.lif2 = nn.Linear(32, 10), snn.Synaptic(alpha=0.8, beta=0.7, reset_mechanism="zero")

    def forward(self, x: Tensor, syn1: Any = None, mem1: Any = None, syn2: Any = None, mem2: Any = None) -> Any:
        if mem1 is None:
            (syn1, mem1), (syn2, mem2) = self.lif1.init_synaptic(), self.lif2.init_synaptic()
        spk1, syn1, mem1 = self.lif1(self.fc1(x), syn1, mem1)
        spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
        return spk2, syn1, mem1, syn2, mem2


class Recurrent(nn.Module):
    """A hidden layer that hears all of itself; signals [N, T, F]; the membrane of the last layer is read, which never resets."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.rlif1 = nn.Linear(8, 32), snn.RLeaky(beta=0.9, linear_features=32)
        self.fc2, self.lif2 = nn.Linear(32, 10), snn.Leaky(beta=0.95, reset_mechanism="none")

    def forward(self, x: Tensor) -> Tensor:
        spk1, mem1 = self.rlif1.init_rleaky()
        mem2 = self.lif2.init_leaky()
        record = torch.zeros(x.shape[0], x.shape[1], 10)
        for t in range(x.shape[1]):
            spk1, mem1 = self.rlif1(self.fc1(x[:, t]), spk1, mem1)
            _, mem2 = self.lif2(self.fc2(spk1), mem2)
            record[:, t] = mem2
        return record


class OneToOne(nn.Module):
    """Neurons with two states that hear themselves alone, and a last layer that integrates and fires with a hard reset."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(8, 32)
        self.rlif1 = snn.RSynaptic(alpha=0.7, beta=0.8, all_to_all=False, V=torch.full((32,), -0.3))
        self.fc2, self.lif2 = nn.Linear(32, 10), snn.Lapicque(R=5.1, C=5e-3, time_step=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        spk1, syn1, mem1 = self.rlif1.init_rsynaptic()
        mem2 = self.lif2.init_lapicque()
        record = []
        for current in x:
            spk1, syn1, mem1 = self.rlif1(self.fc1(current), spk1, syn1, mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            record += [spk2]
        return torch.stack(record)


class Population(nn.Module):
    """Five output neurons a class; each neuron has a decay of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(64, 48), snn.Leaky(beta=torch.linspace(0.5, 0.95, 48), learn_beta=True)
        self.fc2, self.lif2 = nn.Linear(48, 50), snn.Leaky(beta=0.9, threshold=torch.linspace(0.5, 1.5, 50))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, membranes = [], []
        for t in range(x.size(0)):
            spk1, mem1 = self.lif1(self.fc1(x[t]), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            membranes.append(mem2)
        return torch.stack(spikes), torch.stack(membranes)


class Currents(nn.Module):
    """Neurons whose synapses rise and fall, then the last membrane of a layer, where the loop ends."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.alpha1 = nn.Linear(64, 32, bias=False), snn.Alpha(alpha=0.8, beta=0.7, reset_mechanism="zero")
        self.fc2, self.lif2 = nn.Linear(32, 10, bias=False), snn.Leaky(beta=0.9, reset_mechanism="none")

    def forward(self, x: Tensor) -> Tensor:
        exc1, inh1, mem1 = self.alpha1.reset_mem()
        mem2 = self.lif2.reset_mem()
        for t in range(x.size(0)):
            spk1, exc1, inh1, mem1 = self.alpha1(self.fc1(x[t]), exc1, inh1, mem1)
            _, mem2 = self.lif2(self.fc2(spk1), mem2)
        return mem2


def models(steps: int) -> list[Model]:
    """All, for samples of so many steps."""
    return [
        Model("repeats an image", "snnTorch", IMAGES, lambda: Repeating(steps)),
        Model("resets to zero, counts", "snnTorch", PIXELS, Zeroed),
        Model("Sequential, init_hidden", "snnTorch", IMAGES, hidden_states, stepwise=True),
        Model("convolutions", "snnTorch", IMAGES, lambda: Convolutions(steps)),
        Model("events, learned numbers", "snnTorch", EVENTS, Events),
        Model("Synaptic, states returned", "snnTorch", PIXELS, Synapses, stepwise=True, states=4),
        Model("RLeaky, [N, T]", "snnTorch", SIGNAL, Recurrent, layout="NT"),
        Model("RSynaptic one to one", "snnTorch", SIGNAL, OneToOne),
        Model("population, per neuron", "snnTorch", PIXELS, Population),
        Model("Alpha, last membrane", "snnTorch", PIXELS, Currents),
    ]

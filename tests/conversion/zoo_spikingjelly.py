"""Ten models as people write them with SpikingJelly, after what its examples and tutorials teach."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn

from tests.conversion.zoo import EVENTS, IMAGES, PIXELS, SIGNAL, Model


def fully_connected() -> nn.Module:
    """One layer of neurons, step mode s."""
    return nn.Sequential(
        layer.Flatten(), layer.Linear(64, 10, bias=False), neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan())
    )


class Static(nn.Module):
    """Convolutions in step mode m; the model shows a static image T times and gives the firing rate."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.T = steps
        self.conv_fc = nn.Sequential(
            layer.Conv2d(1, 6, kernel_size=3, padding=1, bias=False),
            layer.BatchNorm2d(6),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
            layer.MaxPool2d(2, 2),
            layer.Conv2d(6, 8, kernel_size=3, padding=1, bias=False),
            layer.BatchNorm2d(8),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
            layer.MaxPool2d(2, 2),
            layer.Flatten(),
            layer.Linear(32, 24, bias=False),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
            layer.Linear(24, 10, bias=False),
            neuron.IFNode(surrogate_function=surrogate.ATan()),
        )
        functional.set_step_mode(self, step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        x_seq = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
        return self.conv_fc(x_seq).mean(0)


class Gestures(nn.Module):
    """Event frames [N, T, 2, H, W], dropout, and ten voters a class."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for i in range(2):
            blocks += [layer.Conv2d(2 if i == 0 else 6, 6, kernel_size=3, padding=1, bias=False), layer.BatchNorm2d(6)]
            blocks += [neuron.LIFNode(tau=2.0, detach_reset=True), layer.MaxPool2d(2, 2)]
        self.conv_fc = nn.Sequential(
            *blocks,
            layer.Flatten(),
            layer.Dropout(0.5),
            layer.Linear(96, 40),
            neuron.LIFNode(tau=2.0, detach_reset=True),
            layer.Dropout(0.5),
            layer.Linear(40, 100),
            neuron.LIFNode(tau=2.0, detach_reset=True),
            layer.VotingLayer(10),
        )
        functional.set_step_mode(self, "m")

    def forward(self, frames: Tensor) -> Tensor:
        return self.conv_fc(frames.transpose(0, 1))


class Contained(nn.Module):
    """Layers of torch in a container for sequences; decays are learned, the input is not scaled, soft reset."""

    def __init__(self) -> None:
        super().__init__()
        self.first = layer.SeqToANNContainer(nn.Conv2d(2, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6))
        self.plif1 = neuron.ParametricLIFNode(init_tau=2.0, decay_input=False, v_reset=None, step_mode="m")
        self.second = layer.SeqToANNContainer(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(96, 32))
        self.plif2 = neuron.ParametricLIFNode(init_tau=4.0, decay_input=True, v_reset=None, step_mode="m")
        self.last = layer.SeqToANNContainer(nn.Linear(32, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.plif1(self.first(x))
        return self.last(self.plif2(self.second(x)))


class Block(nn.Module):
    """What the branch fires is added to what enters."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(layer.Conv2d(channels, channels, 3, padding=1, bias=False), layer.BatchNorm2d(channels))
        self.sn1 = neuron.IFNode(detach_reset=True)
        self.conv2 = nn.Sequential(layer.Conv2d(channels, channels, 3, padding=1, bias=False), layer.BatchNorm2d(channels))
        self.sn2 = neuron.IFNode(detach_reset=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.sn2(self.conv2(self.sn1(self.conv1(x)))) + x


class Residual(nn.Module):
    """Two blocks whose spikes are added, and the mean over places."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(layer.Conv2d(1, 8, 3, padding=1, bias=False), layer.BatchNorm2d(8), neuron.IFNode())
        self.layer1, self.layer2 = Block(8), Block(8)
        self.pool, self.fc = layer.AdaptiveAvgPool2d((1, 1)), layer.Linear(8, 10)
        functional.set_step_mode(self, "m")

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2(self.layer1(self.stem(x)))
        return self.fc(torch.flatten(self.pool(x), 2))


class Shortcut(nn.Module):
    """Currents are added before the neuron, a one by one convolution is the shortcut; the forward counts spikes of T steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.T = steps
        self.conv0, self.lif0 = layer.Conv2d(1, 6, 3, padding=1), neuron.LIFNode(tau=1.5, decay_input=False)
        self.conv1, self.lif1 = layer.Conv2d(6, 8, 3, stride=2, padding=1), neuron.LIFNode(tau=1.5, v_reset=None)
        self.down, self.lif2 = layer.Conv2d(6, 8, 1, stride=2), neuron.LIFNode(tau=3.0, v_reset=-0.1)
        self.conv2 = layer.Conv2d(8, 8, 3, padding=1)
        self.fc, self.out = layer.Linear(8, 10), neuron.IFNode(v_reset=None)

    def forward(self, x: Tensor) -> Tensor:
        counts = 0.0
        for _ in range(self.T):
            y = self.lif0(self.conv0(x))
            y = self.lif2(self.conv2(self.lif1(self.conv1(y))) + self.down(y))
            counts += self.out(self.fc(nn.functional.adaptive_avg_pool2d(y, 1).flatten(1)))
        return counts / self.T


def quadratic() -> nn.Module:
    """Membranes that are a parabola, step mode m."""
    net = nn.Sequential(
        layer.Linear(64, 32),
        neuron.QIFNode(tau=2.0, v_c=0.8, a0=0.5, v_threshold=1.0, v_rest=0.0, v_reset=-0.1),
        layer.Linear(32, 10),
        neuron.IFNode(v_threshold=0.75, v_reset=None),
    )
    functional.set_step_mode(net, "m")
    return net


class Batched(nn.Module):
    """Signals [N, T, F]: turned, run in step mode m, turned back."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            layer.Linear(8, 48), neuron.LIFNode(tau=4.0, v_threshold=0.5, v_reset=None, step_mode="m"),
            layer.Linear(48, 32), neuron.IFNode(v_reset=0.1, step_mode="m"), layer.Linear(32, 10),
        )  # fmt: skip
        functional.set_step_mode(self.net, "m")

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.permute(1, 0, 2)).permute(1, 0, 2)


class Feedback(nn.Module):
    """A recurrent layer written by hand: what it fired a step before goes through a layer and joins the input."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.back = layer.Linear(8, 32), layer.Linear(32, 32, bias=False)
        self.lif1, self.fc2, self.lif2 = neuron.LIFNode(tau=2.0), layer.Linear(32, 10), neuron.LIFNode(tau=2.0)

    def forward(self, x: Tensor) -> Tensor:
        spikes = torch.zeros(x.shape[1], 32)
        record = []
        for t in range(x.shape[0]):
            spikes = self.lif1(self.fc1(x[t]) + self.back(spikes))
            record.append(self.lif2(self.fc2(spikes)))
        return torch.stack(record)


class Voltage(nn.Module):
    """A last layer that never fires, whose membrane is read at the end; sequences through functional.seq_to_ann_forward."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(2, 8, 4, stride=4), nn.BatchNorm2d(8))
        self.sn, self.fc = neuron.LIFNode(tau=2.0, step_mode="m"), nn.Linear(128, 10)
        self.out = neuron.NonSpikingLIFNode(tau=8.0, decode="last_mem")

    def forward(self, x: Tensor) -> Tensor:
        x = self.sn(functional.seq_to_ann_forward(x, self.conv)).flatten(2)
        return self.out(functional.seq_to_ann_forward(x, self.fc))


def models(steps: int) -> list[Model]:
    """All, for samples of so many steps."""
    return [
        Model("fully connected, mode s", "SpikingJelly", PIXELS, fully_connected, stepwise=True),
        Model("repeats an image, mode m", "SpikingJelly", IMAGES, lambda: Static(steps)),
        Model("events [N, T], voters", "SpikingJelly", EVENTS, Gestures, layout="NT"),
        Model("SeqToANNContainer, PLIF", "SpikingJelly", EVENTS, Contained),
        Model("residual spikes", "SpikingJelly", IMAGES, Residual, shown=True),
        Model("residual currents, counts", "SpikingJelly", IMAGES, lambda: Shortcut(steps)),
        Model("QIF, mode m", "SpikingJelly", PIXELS, quadratic),
        Model("turned from [N, T]", "SpikingJelly", SIGNAL, Batched, layout="NT"),
        Model("recurrent by hand", "SpikingJelly", SIGNAL, Feedback),
        Model("last membrane", "SpikingJelly", EVENTS, Voltage),
    ]

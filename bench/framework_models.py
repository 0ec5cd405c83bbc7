"""Three networks as users of three frameworks write and train them; nothing here knows of snn2hw but the recipe at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snn2hw.train import Recipe

Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Task:
    """A network, its data and how it is trained.

    Args:
        name: for people. model: of the framework, with random weights until `train` was called.
        training, test: samples [N, ...], of temporal ones [N, T, ...], and labels.
        steps: T of static samples; None of temporal ones. told: what `snn2hw.convert` must be told of it.
        given: samples as the model takes them. logits: [N, classes] of them, by the framework's own forward.
        recipe: of the training on integers; None where these layers have none.
    """

    name: str
    model: nn.Module
    training: Pair
    test: Pair
    steps: int | None
    told: int | None
    given: Callable[[Tensor], Tensor]
    logits: Callable[[Tensor], Tensor]
    train: Callable[[], None]
    recipe: Recipe | None


def _arrays(path: Path) -> dict[str, Tensor]:
    with np.load(path, allow_pickle=False) as data:
        names = ("x_train", "y_train", "x_test", "y_test")
        return {n: torch.from_numpy(np.asarray(data[n], np.float32 if n[0] == "x" else np.int64)) for n in names}


def _epochs(pair: Pair, epochs: int, batch: int) -> Iterator[Pair]:
    for _ in range(epochs):
        for some in torch.split(torch.randperm(len(pair[1])), batch):
            yield pair[0][some], pair[1][some]


def _fit(
    model: nn.Module,
    pair: Pair,
    epochs: int,
    batch: int,
    rate: float,
    loss: Callable[[Tensor, Tensor], Tensor],
    last: float = 1.0,
) -> None:
    """The loop that all three frameworks' tutorials write; the learning rate falls to `last` of what it was."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    batches = epochs * -(-len(pair[1]) // batch)
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, last, batches)
    model.train()
    for x, labels in _epochs(pair, epochs, batch):
        optimiser.zero_grad()
        loss(x, labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        slower.step()
    model.eval()


def fashion(folder: Path) -> Task:
    """snnTorch: two layers of Leaky(0.9), 10 steps, on Fashion-MNIST."""
    import snntorch as snn
    from snntorch import surrogate

    steps = 10

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            grad = surrogate.fast_sigmoid(slope=25)
            self.fc1, self.lif1 = nn.Linear(784, 128), snn.Leaky(beta=0.9, spike_grad=grad)
            self.fc2, self.lif2 = nn.Linear(128, 10), snn.Leaky(beta=0.9, spike_grad=grad)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
            spikes, membranes = [], []
            for _ in range(steps):
                spk1, mem1 = self.lif1(self.fc1(x.flatten(1)), mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
                spikes.append(spk2)
                membranes.append(mem2)
            return torch.stack(spikes), torch.stack(membranes)

    data = _arrays(folder / "fashion_mnist.npz")
    training = (data["x_train"] / 255, data["y_train"])
    model = Net()

    def loss(x: Tensor, labels: Tensor) -> Tensor:
        spikes, _ = model(x)
        return nn.functional.cross_entropy(spikes.sum(0), labels)

    return Task(
        "snnTorch `Leaky(0.9)` 784-128-10, T = 10, Fashion-MNIST", model, training, (data["x_test"] / 255, data["y_test"]),
        steps, None, lambda x: x, lambda x: model(x)[0].sum(0), lambda: _fit(model, training, 4, 128, 1e-3, loss),
        Recipe(epochs=2, batch=128, learning_rate=5e-4),
    )  # fmt: skip


def nmnist(folder: Path) -> Task:
    """SpikingJelly: two convolutions in step mode m, on frames of an event camera; 300 training samples are kept for the test."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    def fire() -> nn.Module:
        made: nn.Module = neuron.LIFNode(tau=2.0, detach_reset=True, surrogate_function=surrogate.ATan())
        return made

    model = nn.Sequential(
        layer.Conv2d(2, 12, 5, stride=2, padding=2, bias=False), layer.BatchNorm2d(12), fire(), layer.MaxPool2d(2),
        layer.Conv2d(12, 24, 3, padding=1, bias=False), layer.BatchNorm2d(24), fire(), layer.AvgPool2d(2),
        layer.Flatten(), layer.Linear(24 * 4 * 4, 64), fire(), layer.Linear(64, 10),
    )  # fmt: skip
    functional.set_step_mode(model, "m")
    data = _arrays(folder / "nmnist_small.npz")
    kept = torch.arange(len(data["y_train"])) % 10 >= 7
    training = (data["x_train"][~kept], data["y_train"][~kept])
    test = (torch.cat([data["x_test"], data["x_train"][kept]]), torch.cat([data["y_test"], data["y_train"][kept]]))

    def logits(x: Tensor) -> Tensor:
        functional.reset_net(model)
        out: Tensor = model(x.transpose(0, 1)).sum(0)
        return out

    def loss(x: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits(x) / x.shape[1], labels)

    return Task(
        "SpikingJelly conv 12-24-64-10, T = 10, N-MNIST frames", model, training, test, None, None, lambda x: x.transpose(0, 1),
        logits, lambda: _fit(model, training, 12, 32, 2e-3, loss), Recipe(epochs=4, batch=32, learning_rate=5e-4),
    )  # fmt: skip


def spoken(folder: Path) -> Task:
    """Norse: adaptive neurons that hear each other, and a leaky readout, on 40 steps of 32 bands of spoken digits."""
    import norse.torch as norse

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            p = norse.LSNNParameters(method="super", alpha=torch.tensor(10.0))
            self.cell, self.readout = norse.LSNNRecurrentCell(32, 96, p=p), norse.LILinearCell(96, 10)
            with torch.no_grad():  # currents decay within a few steps of 1 ms: so that neurons fire
                self.cell.input_weights *= 4
                self.readout.input_weights *= 3

        def forward(self, x: Tensor) -> Tensor:
            s: Any = None
            so: Any = None
            voltages = []
            for ts in range(x.shape[0]):
                z, s = self.cell(x[ts], s)
                v, so = self.readout(z, so)
                voltages.append(v)
            return torch.stack(voltages)

    model = Net()
    data = _arrays(folder / "fsdd.npz")
    training = (data["x_train"] / 255, data["y_train"])

    def logits(x: Tensor) -> Tensor:
        out: Tensor = model(x.transpose(0, 1)).sum(0)
        return out

    def loss(x: Tensor, labels: Tensor) -> Tensor:
        return nn.functional.cross_entropy(logits(x) / x.shape[1], labels)

    return Task(
        "Norse LSNN 32-96 (recurrent)-10, T = 40, spoken digits", model, training, (data["x_test"] / 255, data["y_test"]),
        None, None, lambda x: x.transpose(0, 1), logits, lambda: _fit(model, training, 30, 64, 5e-3, loss, 0.05),
        Recipe(epochs=6, batch=64, learning_rate=5e-4),
    )  # fmt: skip

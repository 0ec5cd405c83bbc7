"""Ten models as people write them with Norse, after what its tutorials and tasks teach."""

from __future__ import annotations

from typing import Any

import norse.torch as norse
import torch
from torch import Tensor, nn

from tests.conversion.zoo import EVENTS, IMAGES, PIXELS, SIGNAL, Model


def cells() -> nn.Module:
    """Cells in a SequentialState that takes one step and its states."""
    return norse.SequentialState(nn.Linear(64, 32), norse.LIFCell(), nn.Linear(32, 10), norse.LICell())


class Voltages(nn.Module):
    """Convolutions over a static image; the voltages of all steps are written into a tensor that was there before."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.fc1, self.out = nn.Linear(32, 24), norse.LILinearCell(24, 10)
        p = norse.LIFParameters(method="super", alpha=torch.tensor(100.0))
        self.lif0, self.lif1, self.lif2 = norse.LIFCell(p=p), norse.LIFCell(p=p), norse.LIFCell(p=p)

    def forward(self, x: Tensor) -> Tensor:
        s0 = s1 = s2 = so = None
        voltages = torch.zeros(self.steps, x.shape[0], 10, device=x.device, dtype=x.dtype)
        for ts in range(self.steps):
            z, s0 = self.lif0(self.conv1(x), s0)
            z = nn.functional.max_pool2d(z, 2, 2)
            z, s1 = self.lif1(10 * self.conv2(z), s1)
            z = nn.functional.max_pool2d(z, 2, 2)
            z, s2 = self.lif2(self.fc1(z.flatten(1)), s2)
            v, so = self.out(nn.functional.relu(z), so)
            voltages[ts, :, :] = v
        return voltages


class Speech(nn.Module):
    """Adaptive neurons that hear each other, and the last voltage through a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.readout = norse.LSNNRecurrentCell(8, 32), norse.LILinearCell(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        s = so = None
        for ts in range(x.shape[0]):
            z, s = self.cell(x[ts, :], s)
            v, so = self.readout(z, so)
        return nn.functional.log_softmax(v, dim=1)


class Sequences(nn.Module):
    """Layers that take all steps, a recurrent one among them."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.fc, self.out = norse.LIFRecurrent(8, 32), nn.Linear(32, 10), norse.LI()

    def forward(self, x: Tensor) -> Tensor:
        z, _ = self.hidden(x)
        v, _ = self.out(self.fc(z))
        return v


def lifted() -> nn.Module:
    """Layers of torch lifted over time."""
    return norse.SequentialState(
        norse.Lift(nn.Conv2d(2, 6, 5, stride=2)),
        norse.LIF(),
        norse.Lift(nn.AvgPool2d(2)),
        norse.Lift(nn.Flatten()),
        norse.Lift(nn.Linear(54, 10)),
        norse.LI(),
    )


def boxes() -> nn.Module:
    """Neurons without a current, in a SequentialState of one step."""
    p = norse.LIFBoxParameters(tau_mem_inv=torch.tensor(200.0))
    return norse.SequentialState(
        nn.Conv2d(2, 6, 5, stride=3), norse.LIFBoxCell(p=p), nn.Flatten(), nn.Linear(96, 10), norse.LIFBoxCell(p=p)
    )


class Integrators(nn.Module):
    """Integrate and fire over signals [N, T, F]."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(8, 40), nn.Linear(40, 10)
        self.iaf1, self.iaf2 = norse.IAFCell(), norse.IAFCell()

    def forward(self, x: Tensor) -> Tensor:
        s1, s2, out = None, None, []
        for ts in range(x.shape[1]):
            z, s1 = self.iaf1(self.fc1(x[:, ts]), s1)
            z, s2 = self.iaf2(self.fc2(z), s2)
            out.append(z)
        return torch.stack(out, dim=1)


class Refractory(nn.Module):
    """Neurons that rest after a spike; the forward takes one step and returns its states; a sum of two branches."""

    def __init__(self) -> None:
        super().__init__()
        rest = norse.LIFRefracParameters(rho_reset=torch.tensor(3.0))
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)
        self.lif1, self.lif2, self.out = norse.LIFRefracCell(p=rest), norse.LIFCell(), norse.LICell()

    def forward(self, x: Tensor, s1: Any = None, s2: Any = None, so: Any = None) -> Any:
        z1, s1 = self.lif1(self.fc1(x), s1)
        z2, s2 = self.lif2(self.fc2(z1), s2)
        v, so = self.out(self.fc3(z1 + z2), so)
        return v, s1, s2, so


class Population(nn.Module):
    """Twenty numbers of neurons that are learned, and five output neurons a class; adaptive neurons."""

    def __init__(self) -> None:
        super().__init__()
        taus = nn.Parameter(torch.linspace(50.0, 300.0, 24))
        self.fc1, self.fc2 = nn.Linear(64, 24), nn.Linear(24, 50)
        self.lif1 = norse.LIFCell(p=norse.LIFParameters(tau_mem_inv=taus, v_th=torch.tensor(0.5)))
        self.taus, self.lsnn = taus, norse.LSNNCell()

    def forward(self, x: Tensor) -> Tensor:
        s1, s2, total = None, None, None
        for step in x:
            z, s1 = self.lif1(self.fc1(step), s1)
            z, s2 = self.lsnn(self.fc2(z), s2)
            total = z if total is None else total + z
        return total


class Repeated(nn.Module):
    """A static image repeated along a new axis for layers that take all steps; refractory neurons that hear each other."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.fc1, self.lif1 = nn.Linear(64, 32), norse.LIF()
        self.hidden = norse.LIFRefracRecurrent(32, 24)
        self.fc2, self.out = nn.Linear(24, 10), norse.LI(p=norse.LIParameters(tau_mem_inv=torch.tensor(50.0)))

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1).repeat(self.steps, 1, 1)
        z, _ = self.lif1(self.fc1(x))
        z, _ = self.hidden(z)
        v, _ = self.out(self.fc2(z))
        return v.mean(0)


def models(steps: int) -> list[Model]:
    """All, for samples of so many steps."""
    return [
        Model("SequentialState, one step", "Norse", PIXELS, cells, stepwise=True, states=1),
        Model("convolutions, rec[t] = v", "Norse", IMAGES, lambda: Voltages(steps)),
        Model("LSNN, recurrent", "Norse", SIGNAL, Speech, left_out=lambda v: v.log_softmax(1)),
        Model("LIFRecurrent, LI", "Norse", SIGNAL, Sequences),
        Model("Lift, events", "Norse", EVENTS, lifted),
        Model("LIFBox, events", "Norse", EVENTS, boxes, stepwise=True, states=1),
        Model("IAF, [N, T]", "Norse", SIGNAL, Integrators, layout="NT"),
        Model("refractory, two branches", "Norse", PIXELS, Refractory, stepwise=True, states=3),
        Model("population, learned tau", "Norse", PIXELS, Population),
        Model("repeats, LIFRefracRecurrent", "Norse", IMAGES, lambda: Repeated(steps)),
    ]

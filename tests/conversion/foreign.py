"""Forwards of models of other frameworks that no converted model can be, each with what is refused of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tests.frameworks import framework

T, N = 5, 3
ROWS = torch.rand(T, N, 6, generator=torch.Generator().manual_seed(0)) * 2
Forward = Callable[..., Any]


class Net(nn.Module):
    """Two layers of snnTorch, with a forward that is given."""

    def __init__(self, forward: Forward) -> None:
        super().__init__()
        snn = framework("snntorch")
        torch.manual_seed(0)
        self.fc1, self.lif1 = nn.Linear(6, 8), snn.Leaky(beta=0.9)
        self.fc2, self.lif2 = nn.Linear(8, 4), snn.Leaky(beta=0.8)
        self.rec = nn.Linear(8, 8)
        self.ran = forward

    def forward(self, x: Tensor) -> Any:
        return self.ran(self, x)


@dataclass(frozen=True)
class Case:
    """A forward that is refused.

    Args:
        name: for people. make: the model. given: further arguments of `convert`. sample: what it is converted on.
    """

    name: str
    make: Callable[[], nn.Module]
    given: dict[str, Any] = field(default_factory=dict)
    sample: Tensor = ROWS


def _loop(body: Callable[[Any, Tensor, int, Any], tuple[Tensor, Any]]) -> Callable[[], nn.Module]:
    """A model whose forward goes through T, hands one thing on from step to step, and stacks what each step gives."""

    def forward(net: Any, x: Tensor) -> Tensor:
        kept, record = None, []
        for t in range(x.shape[0]):
            out, kept = body(net, x[t], t, kept)
            record.append(out)
        return torch.stack(record)

    return lambda: Net(forward)


def _state_changed(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, mem = net.lif1(net.fc1(x), *([] if mem is None else [mem * 0.5]))
    return net.fc2(spk), mem


def _zeros_in_every_step(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, _ = net.lif1(net.fc1(x), torch.zeros(N, 8))
    return net.fc2(spk), None


def _begins_with_one(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, mem = net.lif1(net.fc1(x), torch.ones(N, 8) if mem is None else mem)
    return net.fc2(spk), mem


def _step_three_differs(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, mem = net.lif1(net.fc1(x) * (2.0 if t == 3 else 1.0), *([] if mem is None else [mem]))
    return net.fc2(spk), mem


def _called_twice(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, _ = net.lif1(net.fc1(x))
    again, _ = net.lif1(net.rec(spk))
    out, _ = net.lif2(net.fc2(again))
    return out, None


def _spikes_and_membrane(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, mem = net.lif1(net.fc1(x), *([] if mem is None else [mem]))
    return net.fc2(spk) + net.fc2(mem), mem


def _through_two_neurons(net: Any, x: Tensor, t: int, kept: Any) -> Any:
    heard, mem1, mem2 = kept or (torch.zeros(N, 4), None, None)
    spk1, mem1 = net.lif1(net.fc1(x) + nn.functional.pad(heard, (0, 4)), *([] if mem1 is None else [mem1]))
    spk2, mem2 = net.lif2(net.fc2(spk1), *([] if mem2 is None else [mem2]))
    return spk2, (spk2, mem1, mem2)


def _two_steps_old(net: Any, x: Tensor, t: int, kept: Any) -> Any:
    before, mem = kept or ([torch.zeros(N, 8)] * 2, None)
    spk, mem = net.lif1(net.fc1(x) + net.rec(before[-2]), *([] if mem is None else [mem]))
    return net.fc2(spk), ([*before, spk], mem)


def _begins_otherwise(net: Any, x: Tensor, t: int, kept: Any) -> Any:
    heard, mem = kept or (torch.full((N, 8), 0.5), None)
    spk, mem = net.lif1(net.fc1(x) + heard, *([] if mem is None else [mem]))
    return net.fc2(spk), (net.rec(spk), mem)


def _noisy_constant(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, mem = net.lif1(net.fc1(x) + torch.arange(24.0).reshape(N, 8), *([] if mem is None else [mem]))
    return net.fc2(spk), mem


def _joins_samples(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, mem = net.lif1(net.fc1(x), *([] if mem is None else [mem]))
    return net.fc2(spk).reshape(2, 6), mem


def _sorted(net: Any, x: Tensor, t: int, mem: Any) -> Any:
    spk, mem = net.lif1(torch.sin(net.fc1(x)), *([] if mem is None else [mem]))
    return net.fc2(spk), mem


def _two_loops(net: Any, x: Tensor) -> Tensor:
    for t in range(T):
        spk, _ = net.lif1(net.fc1(x[t]))
    for _ in range(T - 2):
        out, _ = net.lif2(net.fc2(spk))
    return out


def _half_of_the_steps(net: Any, x: Tensor) -> Tensor:
    record = []
    for t in range(T):
        spk, _ = net.lif1(net.fc1(x[t]))
        out, _ = net.lif2(net.fc2(spk))
        if t % 2:
            record.append(out)
    return torch.stack(record)


def _third_step(net: Any, x: Tensor) -> Tensor:
    record = []
    for t in range(T):
        spk, _ = net.lif1(net.fc1(x[t]))
        record.append(spk)
    return record[2]


def _constant(net: Any, x: Tensor) -> Tensor:
    for t in range(T):
        net.lif1(net.fc1(x[t]))
    return net.fc2(torch.ones(N, 8))


def _two_layers(net: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    first, second = [], []
    for t in range(T):
        spk, _ = net.lif1(net.fc1(x[t]))
        out, _ = net.lif2(net.fc2(spk))
        first.append(spk)
        second.append(out)
    return torch.stack(first), torch.stack(second)


def _nothing(net: Any, x: Tensor) -> None:
    for t in range(T):
        net.lif1(net.fc1(x[t]))


def _other_layers(net: Any, x: Tensor) -> Tensor:
    record = []
    for t in range(T):
        spk, _ = net.lif1(net.fc1(x[t]))
        again, _ = net.lif2(net.rec(spk))
        record.append(again if t else spk)
    return torch.stack(record)


def _largest(net: Any, x: Tensor) -> Tensor:
    return torch.stack([net.lif1(net.fc1(x[t]))[0] for t in range(T)]).max(0).values


class ForgetsStates(Net):
    """Takes a state and returns none."""

    def __init__(self) -> None:
        super().__init__(lambda net, x: x)

    def forward(self, x: Tensor, mem: Any = None) -> Tensor:  # type: ignore[override]
        return self.lif1(self.fc1(x), *([] if mem is None else [mem]))[0]


def _mixed() -> nn.Module:
    norse = framework("norse.torch")
    net: Any = Net(lambda net, x: torch.stack([net.lif2(net.fc2(net.norse(net.fc1(x[t]))[0]))[0] for t in range(T)]))
    net.norse = norse.LIFCell()
    return net


def _jelly(*modes: str) -> nn.Module:
    neuron = framework("spikingjelly.activation_based.neuron")
    torch.manual_seed(0)
    first, second = (neuron.IFNode(v_threshold=0.1, step_mode=m) for m in modes)
    return nn.Sequential(nn.Linear(6, 8), first, nn.Linear(8, 4), second)


class Twice(nn.Module):
    """A layer that takes all steps, called two times."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.sn, self.fc2 = nn.Linear(6, 8), _jelly("m", "m")[1], nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.sn(self.fc2(self.sn(self.fc1(x))))


class Joined(nn.Module):
    """Samples and steps in one axis, given to a layer that takes all steps."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.sn = nn.Linear(6, 8), _jelly("m", "m")[1]

    def forward(self, x: Tensor) -> Tensor:
        return self.sn(self.fc1(x.flatten(0, 1)))


class Twofold(Net):
    """Takes one step, in which a layer with state is called two times."""

    def __init__(self) -> None:
        super().__init__(lambda net, x: net.lif1(net.rec(net.lif1(net.fc1(x))[0]))[0])


class Ones(Net):
    """Takes one step, and gives a constant."""

    def __init__(self) -> None:
        super().__init__(lambda net, x: (net.lif1(net.fc1(x)), torch.ones(N, 4))[1])


CASES = (
    Case("one step with a layer twice", Twofold),
    Case("one step of ones", Ones),
    Case("values of two layers", lambda: Net(_other_layers)),
    Case("a state is changed", _loop(_state_changed)),
    Case("a state is zeros in every step", _loop(_zeros_in_every_step)),
    Case("a state begins with ones", _loop(_begins_with_one)),
    Case("a step differs", _loop(_step_three_differs)),
    Case("a layer is called twice in a step", _loop(_called_twice)),
    Case("spikes and membrane", _loop(_spikes_and_membrane)),
    Case("a loop through two neurons", _loop(_through_two_neurons)),
    Case("two steps old", _loop(_two_steps_old)),
    Case("a recurrent layer begins otherwise", _loop(_begins_otherwise)),
    Case("a constant of each sample", _loop(_noisy_constant)),
    Case("a view joins samples", _loop(_joins_samples)),
    Case("a function without integers", _loop(_sorted)),
    Case("two loops of other lengths", lambda: Net(_two_loops)),
    Case("every other step", lambda: Net(_half_of_the_steps)),
    Case("the third step", lambda: Net(_third_step)),
    Case("a constant", lambda: Net(_constant)),
    Case("two outputs", lambda: Net(_two_layers)),
    Case("an output that there is not", lambda: Net(_two_layers), {"output": 2}),
    Case("no output", lambda: Net(_nothing)),
    Case("the largest over T", lambda: Net(_largest)),
    Case("states are not returned", ForgetsStates),
    Case("mixed frameworks", _mixed),
    Case("step modes s and m", lambda: _jelly("m", "s")),
    Case("called twice, mode m", Twice),
    Case("samples and steps in one axis", Joined),
    Case("one step alone", lambda: _jelly("s", "s"), {}, ROWS[:1]),
    Case("a sample of one axis", lambda: _jelly("s", "s"), {}, ROWS[0, 0]),
)

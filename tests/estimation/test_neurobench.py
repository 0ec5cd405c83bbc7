"""NeuroBench's own harness counts the same as `snn2hw.estimation.counts`, and the same of a snnTorch network."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.reference import interpret
from snn2hw.errors import ShapeError
from snn2hw.estimation.counts import Counts
from snn2hw.estimation.neurobench_keys import neurobench_keys
from snn2hw.ir.encode import encode
from snn2hw.store import make_artefact
from tests.frameworks import framework
from tests.random_networks import LAYERED, RECURRENT, compiled, payloads_of, random_case
from tests.refused import refused

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _installed() -> None:
    if sys.version_info >= (3, 12):
        pytest.skip("a package that NeuroBench needs has wheels for Python 3.10 and 3.11 only")
    framework("neurobench.benchmarks")


KEYS = ("ParameterCount", "Footprint", "ConnectionSparsity", "ActivationSparsity", "MembraneUpdates", "SynapticOperations")
STEPS, SAMPLES = 6, 16


def harness(model: Any, x: Any) -> dict[str, Any]:
    """What NeuroBench counts; x [N, T, ...]."""
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics.static import ConnectionSparsity, Footprint, ParameterCount
    from neurobench.metrics.workload import ActivationSparsity, MembraneUpdates, SynapticOperations

    data = torch.utils.data.TensorDataset(x, torch.zeros(len(x)))
    loader = torch.utils.data.DataLoader(data, batch_size=len(x))
    metrics = [[ParameterCount, Footprint, ConnectionSparsity], [ActivationSparsity, MembraneUpdates, SynapticOperations]]
    found: dict[str, Any] = Benchmark(model, loader, [], [], metrics).run(quiet=True)
    return found


def ours(artefact: Artefact, payloads: Any) -> dict[str, Any]:
    counts = Counts(artefact.network)
    counts.add(payloads, interpret(artefact.network, payloads))
    return neurobench_keys(artefact.network, counts)


class Net(torch.nn.Module):  # type: ignore[misc]
    """A snnTorch network whose weights are multiples of 1/16, so that its integers are exact."""

    def __init__(self) -> None:
        import snntorch

        super().__init__()
        self.fc1, self.fc2 = torch.nn.Linear(20, 32), torch.nn.Linear(32, 8)
        self.lif1 = snntorch.Leaky(beta=0.5, init_hidden=True)
        self.lif2 = snntorch.Leaky(beta=0.5, init_hidden=True, output=True)
        with torch.no_grad():
            for layer in (self.fc1, self.fc2):
                layer.weight.copy_(torch.randint(-8, 9, layer.weight.shape) / 16)
                layer.bias.copy_(torch.randint(-4, 5, layer.bias.shape) / 16)

    def forward(self, x: Any) -> Any:
        return self.lif2(self.fc2(self.lif1(self.fc1(x))))


class Loop(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Any) -> Any:
        import snntorch

        snntorch.utils.reset(self.net)
        return torch.stack([self.net(step)[0] for step in x])


def test_a_network_of_snntorch_and_its_integers() -> None:
    """Key by key; what differs is what the float module holds: its beta and threshold are buffers of float32."""
    from neurobench.models import SNNTorchModel

    from snn2hw.neurobench import IntegerModel

    torch.manual_seed(0)
    net, x = Net(), (torch.rand(SAMPLES, STEPS, 20) < 0.3).float()
    theirs = harness(SNNTorchModel(net), x)
    artefact = snn2hw.compile(Loop(net), x.transpose(0, 1), steps=STEPS)
    integers = harness(IntegerModel(artefact), x)
    same = ("ConnectionSparsity", "ActivationSparsity", "MembraneUpdates", "SynapticOperations")
    assert {k: integers[k] for k in same} == {k: theirs[k] for k in same}
    assert theirs["SynapticOperations"]["Effective_ACs"] > 0
    constants = sum(len(v) for n in artefact.network.neurons for v in n.program.params.values())
    assert integers["ParameterCount"] == theirs["ParameterCount"] + constants
    assert integers["Footprint"] < theirs["Footprint"] / 3  # bytes of integers, not of float32
    assert {k: ours(artefact, encode(artefact.network, x.transpose(0, 1).numpy()))[k] for k in KEYS} == integers


@pytest.mark.parametrize("seed", [2, LAYERED + 4, RECURRENT + 2])
def test_random_networks(seed: int) -> None:
    from snn2hw.neurobench import IntegerModel

    case = random_case(seed)
    net = compiled(case).network
    artefact, payloads = make_artefact(net), payloads_of(case, net)
    real = payloads * net.input.unit
    x = torch.from_numpy(real[0] if net.input.static else real.swapaxes(0, 1))
    assert not net.input.static or (payloads == payloads[:1]).all(), "choose another seed: the harness shows a still input"
    found, own = harness(IntegerModel(artefact), x), ours(artefact, payloads)
    assert found == {k: pytest.approx(own[k]) if isinstance(own[k], float) else own[k] for k in KEYS}


def test_its_logits_are_the_readout() -> None:
    from snn2hw.neurobench import IntegerModel

    case = random_case(2)
    net = compiled(case).network
    payloads = payloads_of(case, net)
    real = payloads * net.input.unit
    x = torch.from_numpy(real[0] if net.input.static else real.swapaxes(0, 1))
    logits = IntegerModel(make_artefact(net))(x)
    assert logits.sum(1).numpy().astype(np.int64).tolist() == interpret(net, payloads).readout.tolist()


def test_images_that_change_over_the_steps_are_refused() -> None:
    from snn2hw.neurobench import IntegerModel
    from tests.small_networks import two_layer_network

    network, images = two_layer_network()
    artefact = snn2hw.compile(network, images, steps=3)
    model = IntegerModel(artefact)
    x = torch.from_numpy(images)
    assert model(x).tolist() == model(torch.stack([x] * 3, 1)).tolist()
    changing = torch.stack([x, x, 1 - x], 1)
    with refused(
        ShapeError,
        """
        the samples are not those of a network whose input does not change over the steps
          where:    input 'input'
          got:      [12, 3, 1, 6, 6]
          expected: [N, ...] or [N, 3, ...], the same at every step, with one sample [1, 6, 6]
          do:       give every image once, or repeat it for every step
        """,
    ):
        model(changing)

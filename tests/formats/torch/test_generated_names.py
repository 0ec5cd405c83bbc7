"""Modules whose names are those that additions, the readout or a second call would get, and models that torch itself made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import snn2hw  # noqa: E402
from snn2hw import nn  # noqa: E402
from snn2hw.errors import ShapeError, Snn2hwWarning, UnsupportedError  # noqa: E402
from snn2hw.ir.network import Neuron  # noqa: E402
from snn2hw.ir.real import run_real  # noqa: E402
from snn2hw.layers import Linear  # noqa: E402
from snn2hw.quantize import prepare  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch


class Named(torch.nn.Module):
    """Calls `fc` twice, with a layer called fc#2 before, between or behind; modules are called like operations; / is a neuron."""

    def __init__(self, order: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.order = order
        for name in ("fc", "fc#2", "fc#2#2", "input", "readout", "mean"):
            self.add_module(name, nn.Linear(4, 4))
        for name in ("add", "flatten", "add_1", "fire"):
            self.add_module(name, nn.LIF(0.5))

    def forward(self, x: Any) -> Any:
        fire = iter([self.add, self.flatten, self.add_1, self.fire])
        for letter in self.order:
            if letter == "/":
                x = next(fire)(x)
                continue
            name = {"f": "fc", "2": "fc#2", "3": "fc#2#2", "i": "input", "r": "readout", "m": "mean"}[letter]
            layer = getattr(self, name)
            x = next(fire)(layer(x) + layer(x)) if letter == "m" else layer(x)
        return next(fire)(x)


@pytest.mark.parametrize("order", ["2ff3", "ff23", "f2f", "32ff2", "iir", "mrm", "rrr", "2i3r2"])
def test_every_call_has_a_name_of_its_own(order: str) -> None:
    model = Named(order).eval()
    x = np.random.default_rng(0).random((3, 5, 4))
    net = snn2hw.trace_model(model, x)
    calls = sum(2 if letter == "m" else 1 for letter in order)
    linear = [n for n in net.nodes if isinstance(n, Linear)]
    assert len({n.name for n in net.nodes}) == len(net.nodes)
    assert len(linear) == calls
    first: dict[str, str] = {}  # path of a module -> name of its first call
    for node in (n for n in net.nodes if isinstance(n, Linear | Neuron)):
        first.setdefault(node.source.split(" (")[0], node.name)
    assert first.pop("input", "input#2") == "input#2"  # what enters the network is called input
    assert all(path == name for path, name in first.items()), first
    found, wanted = run_real(net, x), model(torch.from_numpy(x).float())
    np.testing.assert_allclose(np.asarray(found), wanted.sum(0).detach().numpy(), atol=1e-4)


def test_prepared_layers_are_those_of_their_name() -> None:
    model = Named("2/f/3").eval()
    x = np.random.default_rng(0).random((3, 5, 4)).astype(np.float32)
    prepared = prepare(model, x)
    artefact = snn2hw.compile(prepared, x)
    assert np.array_equal(prepared.trace(torch.from_numpy(x)).readout, snn2hw.simulate(artefact, x).readout)
    assert snn2hw.verify(artefact, x).equal


class Sliced(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.LIF(0.5), nn.Linear(4, 3))

    def forward(self, x: Any) -> Any:
        return self.layers[2:](self.layers[:2](x))


def test_a_sliced_sequential_is_its_layers() -> None:
    x, model = np.random.default_rng(0).random((6, 4)), Sliced()
    whole, sliced = snn2hw.trace_model(model.layers, x, 3), snn2hw.trace_model(model, x, 3)
    assert [n.name for n in sliced.nodes] == ["input", "layers.0", "layers.1", "layers.2", "readout"]
    assert [type(n) for n in sliced.nodes] == [type(n) for n in whole.nodes]


class Makes(torch.nn.Module):
    def forward(self, x: Any) -> Any:
        return torch.nn.Linear(4, 3)(x)


class Asserts(torch.nn.Module):
    def __init__(self, error: type[Exception]) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: Any) -> Any:
        raise self.error


def test_a_layer_that_is_made_in_forward() -> None:
    with refused(
        UnsupportedError,
        """
        a layer is made in forward, so that nothing has its weights
          where:    Makes
          got:      module is not installed as a submodule
          expected: layers that __init__ assigns to attributes, and slices of a Sequential of them
          do:       make the layer in __init__: self.layer = ...
        """,
    ):
        snn2hw.trace_model(Makes(), np.zeros((2, 4)), 3)


@pytest.mark.parametrize("error", [AssertionError, NameError, ZeroDivisionError, NotImplementedError, OSError, StopIteration])
def test_whatever_a_forward_raises_is_reported(error: type[Exception]) -> None:
    with pytest.raises(UnsupportedError, match="the model's forward cannot be traced") as caught:
        snn2hw.trace_model(Asserts(error), np.zeros((2, 4)), 3)
    assert caught.value.got == error.__name__


@pytest.mark.filterwarnings("ignore")  # torch's own, about torch.jit
def test_torchscript_is_refused_by_name() -> None:
    model = nn.Sequential(nn.Linear(4, 3))
    with refused(
        UnsupportedError,
        """
        the model is TorchScript, in which its layers cannot be told apart any more
          got:      TopLevelTracedModule
          expected: the torch.nn.Module that torch.jit.trace or torch.jit.script was given
          do:       build that model again and load its weights: model.load_state_dict(scripted.state_dict())
        """,
    ):
        snn2hw.compile(torch.jit.trace(model, torch.zeros(2, 3, 4)), np.zeros((3, 4)), 2)


def test_forgetting_steps_says_how_the_sample_was_read() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.LIF(), nn.Flatten(), nn.Linear(72, 3))
    with pytest.warns(Snn2hwWarning, match="look like images"), pytest.raises(ShapeError) as caught:
        snn2hw.compile(model, np.zeros((64, 1, 8, 8)))
    assert caught.value.got.endswith("the sample [64, 1, 8, 8] was read as [T, N, ...]: 64 steps of 1 samples [8, 8]")
    assert caught.value.do.endswith("give steps=T (--steps T) where it is [N, ...], static samples to be shown T times")
    with pytest.raises(ShapeError) as caught:
        snn2hw.compile(model, np.zeros((4, 64, 1, 8, 8)), 4)
    assert caught.value.got.endswith("was read as [N, ...]: 4 samples [64, 1, 8, 8], each shown 4 times")
    assert caught.value.do.endswith("leave out steps where it is [T, N, ...], temporal samples")
    assert caught.value.where == "0 (Conv2d)"

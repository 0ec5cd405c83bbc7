from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn  # noqa: E402
from snn2hw.ir.network import Circulate, Neuron, Readout, Single  # noqa: E402
from snn2hw.ir.shapes import Window  # noqa: E402
from snn2hw.layers import (  # noqa: E402
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
)
from tests.formats.torch.torch_models import STEPS, Forward, Model, Residual, Written, joined, names, sequential, trace  # noqa: E402

pytestmark = pytest.mark.torch


def test_a_sequential_becomes_a_chain_of_its_layers() -> None:
    net = trace(sequential(nn.Conv2d(2, 3, 3), nn.LNM(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(12, 5)))
    assert [(type(n).__name__, n.name, n.inputs, n.shape, n.source) for n in net.nodes] == [
        ("Input", "input", (), (2, 6, 6), "input"),
        ("Conv2d", "0", ("input",), (3, 4, 4), "0 (Conv2d)"),
        ("Neuron", "1", ("0",), (3, 4, 4), "1 (LNM)"),
        ("AvgPool2d", "2", ("1",), (3, 2, 2), "2 (AvgPool2d)"),
        ("Flatten", "3", ("2",), (12,), "3 (Flatten)"),
        ("Linear", "4", ("3",), (5,), "4 (Linear)"),
        ("Readout", "readout", ("4",), (5,), "readout"),
    ]
    assert net.steps == STEPS


def test_names_are_module_paths_and_a_residual_block_is_traced_through() -> None:
    features = sequential(nn.Conv2d(1, 2, 1), Residual(2))
    net = trace(torch.nn.Sequential(features, sequential(nn.Flatten(), nn.Linear(8, 2))), 1, 2, 2)
    assert [(n.name, n.inputs, n.source) for n in net.nodes] == [
        ("input", (), "input"),
        ("0.0", ("input",), "0.0 (Conv2d)"),
        ("0.1.conv", ("0.0",), "0.1.conv (Conv2d)"),
        ("0.1.norm", ("0.1.conv",), "0.1.norm (BatchNorm2d)"),
        ("0.1.add", ("0.1.norm", "0.0"), "0.1.add (+)"),
        ("0.1.neuron", ("0.1.add",), "0.1.neuron (CirculateFiring)"),
        ("1.0", ("0.1.neuron",), "1.0 (Flatten)"),
        ("1.1", ("1.0",), "1.1 (Linear)"),
        ("readout", ("1.1",), "readout"),
    ]


def test_a_single_layer_is_a_model() -> None:
    assert [type(n).__name__ for n in trace(nn.Linear(3, 2), 3).nodes] == ["Input", "Linear", "Readout"]


def test_a_module_used_again_gets_a_name_of_its_own() -> None:
    def twice(self: Any, x: Any) -> Any:
        for _ in range(3):
            x = self.fire(self.fc(x))
        return x

    net = trace(Written(twice, fc=nn.Linear(3, 3), fire=nn.IF()), 3)
    assert names(net) == ["input", "fc", "fire", "fc#2", "fire#2", "fc#3", "fire#3", "readout"]
    assert [n.source for n in net.nodes[1:5]] == ["fc (Linear)", "fire (IF)", "fc (Linear)", "fire (IF)"]


def test_modules_called_input_and_readout_do_not_collide() -> None:
    net = trace(Written(lambda m, x: m.readout(m.input(x)), input=nn.Linear(3, 4), readout=nn.Linear(4, 2)), 3)
    assert [(n.name, n.inputs) for n in net.nodes] == [
        ("input", ()),
        ("input#2", ("input",)),
        ("readout", ("input#2",)),
        ("readout#2", ("readout",)),
    ]


def test_a_layer_may_be_called_by_keyword() -> None:
    net = trace(Written(lambda m, x: m.fc(input=x), fc=nn.Linear(3, 2)), 3)
    assert [(n.name, n.inputs) for n in net.nodes] == [("input", ()), ("fc", ("input",)), ("readout", ("fc",))]


def test_a_model_in_training_is_traced_in_evaluation() -> None:
    model = Written(lambda m, x: m.fc(torch.relu(x) if m.training else x), fc=nn.Linear(3, 2)).train()
    model.fc.eval()
    assert names(trace(model, 3)) == ["input", "fc", "readout"]
    assert (model.training, model.fc.training) == (True, False)


@pytest.mark.parametrize(
    ("layer", "window", "groups"),
    [
        (nn.Conv2d(2, 4, 3), Window((3, 3)), 1),
        (nn.Conv2d(2, 4, (3, 1), stride=(2, 1)), Window((3, 1), (2, 1)), 1),
        (nn.Conv2d(2, 4, 3, padding=1), Window((3, 3), padding=(1, 1)), 1),
        (nn.Conv2d(2, 4, 3, padding=(0, 2)), Window((3, 3), padding=(0, 2)), 1),
        (nn.Conv2d(2, 4, 3, padding="valid"), Window((3, 3)), 1),
        (nn.Conv2d(2, 4, (3, 5), padding="same"), Window((3, 5), padding=(1, 2)), 1),
        (nn.Conv2d(2, 4, 2, padding="same", dilation=2), Window((2, 2), padding=(1, 1), dilation=(2, 2)), 1),
        (nn.Conv2d(2, 4, 2, dilation=(2, 3), groups=2), Window((2, 2), dilation=(2, 3)), 2),
        (torch.nn.Conv2d(2, 4, 1, bias=False), Window((1, 1)), 1),
    ],
)
def test_conv2d(layer: Model, window: Window, groups: int) -> None:
    node = trace(sequential(layer, nn.Flatten())).nodes[1]
    assert isinstance(node, Conv2d)
    assert (node.window, node.groups) == (window, groups)
    np.testing.assert_array_equal(node.weight, layer.weight.detach().double().numpy())
    bias = np.zeros(4) if layer.bias is None else layer.bias.detach().double().numpy()
    np.testing.assert_array_equal(node.bias, bias)
    assert node.weight.dtype == node.bias.dtype == np.float64


def test_linear_without_bias_has_zeros() -> None:
    node = trace(sequential(nn.Linear(3, 2, bias=False)), 3).nodes[1]
    assert isinstance(node, Linear)
    np.testing.assert_array_equal(node.bias, [0.0, 0.0])


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", ["BatchNorm1d", "BatchNorm2d"])
def test_batch_norm_is_scale_and_shift_of_its_running_statistics(kind: str, affine: bool) -> None:
    norm = getattr(nn, kind)(3, affine=affine, eps=0.25).double()
    norm.running_mean.copy_(torch.tensor([1.0, -2.0, 0.5]))
    norm.running_var.copy_(torch.tensor([3.75, 0.75, 0.0]))
    if affine:
        norm.weight.data = torch.tensor([2.0, 1.0, -1.0], dtype=torch.float64)
        norm.bias.data = torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
    node = next(n for n in trace(sequential(norm, nn.Flatten()), *((3,) if kind == "BatchNorm1d" else (3, 2, 2))).nodes[1:])
    assert isinstance(node, BatchNorm)
    np.testing.assert_allclose(node.scale, [1.0, 1.0, -2.0] if affine else [0.5, 1.0, 2.0], rtol=1e-15)
    np.testing.assert_allclose(node.shift, [-1.0, 3.0, 4.0] if affine else [-0.5, 2.0, -1.0], rtol=1e-15)


@pytest.mark.parametrize(
    ("layer", "kind", "window"),
    [
        (nn.AvgPool2d(2), AvgPool2d, Window((2, 2), (2, 2))),
        (nn.AvgPool2d(3, stride=1, padding=1), AvgPool2d, Window((3, 3), (1, 1), (1, 1))),
        (nn.AvgPool2d(2, count_include_pad=False), AvgPool2d, Window((2, 2), (2, 2))),
        (torch.nn.AvgPool2d((2, 3), (1, 2)), AvgPool2d, Window((2, 3), (1, 2))),
        (nn.MaxPool2d(2), MaxPool2d, Window((2, 2), (2, 2))),
        (nn.MaxPool2d((3, 2), stride=(1, 2), padding=(1, 0), dilation=2), MaxPool2d, Window((3, 2), (1, 2), (1, 0), (2, 2))),
    ],
)
def test_pools(layer: Model, kind: type, window: Window) -> None:
    node: Any = trace(sequential(layer, nn.Flatten())).nodes[1]
    assert type(node) is kind
    assert node.window == window


@pytest.mark.parametrize(
    "layer", [nn.Flatten(), torch.nn.Flatten(2), torch.nn.Flatten(2, 4), torch.nn.Flatten(start_dim=2, end_dim=-1)]
)
def test_flatten(layer: Model) -> None:
    assert isinstance(trace(sequential(layer)).nodes[1], Flatten)


def test_identity_and_dropout_vanish() -> None:
    net = trace(sequential(nn.Identity(), nn.Linear(3, 2), nn.Dropout(0.5), nn.Identity()), 3)
    assert [(n.name, n.inputs) for n in net.nodes] == [("input", ()), ("1", ("input",)), ("readout", ("1",))]


def added_in_place(a: Any, b: Any) -> Any:
    a += b
    return a


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (lambda a, b: a + b, "add"),
        (added_in_place, "add"),
        (torch.add, "add"),
        (lambda a, b: a.add(b), "add"),
        (lambda a, b: a.add_(b), "add_"),
    ],
)
def test_additions(how: Forward, name: str) -> None:
    node = trace(joined(how), 3).nodes[3]
    assert isinstance(node, Add)
    assert (node.name, node.inputs, node.source) == (name, ("a", "b"), f"{name} (+)")


@pytest.mark.parametrize(
    "how",
    [
        lambda x: x.flatten(2),
        lambda x: x.flatten(2, -1),
        lambda x: x.flatten(start_dim=2),
        lambda x: torch.flatten(x, 2),
        lambda x: torch.flatten(x, start_dim=2, end_dim=-1),
    ],
)
def test_functional_flatten(how: Forward) -> None:
    node = trace(Written(lambda m, x: m.fc(how(x)), fc=nn.Linear(72, 2))).nodes[1]
    assert isinstance(node, Flatten)
    assert (node.name, node.shape, node.source) == ("flatten", (72,), "flatten (flatten)")


@pytest.mark.parametrize(
    "end",
    [lambda y: y.mean(0), lambda y: y.sum(0), lambda y: y.mean(dim=0), lambda y: torch.sum(y, 0), lambda y: torch.mean(y, dim=0)],
)
def test_a_sum_or_mean_over_the_steps_ends_the_model(end: Forward) -> None:
    net = trace(Written(lambda m, x: end(m.fc(x)), fc=nn.Linear(3, 2)), 3)
    assert [(n.name, n.inputs) for n in net.nodes] == [("input", ()), ("fc", ("input",)), ("readout", ("fc",))]
    assert isinstance(net.nodes[-1], Readout)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (
            nn.LNM(
                degree=2,
                threshold=0.5,
                reset="value",
                reset_value=-0.25,
                strict=True,
                order="input_then_poly",
                state_range=(-2, 3),
            ),
            {
                "kind": "LNM",
                "order": "input_then_poly",
                "state_range": (-2.0, 3.0),
                "firing": Single(0.5),
                "reset": "value",
                "reset_value": -0.25,
                "strict": True,
                "gain": 1.0,
                "coefficients": [[0.0, 0.5, 0.0]],
            },
        ),
        (nn.LNM(degree=1, channels=3), {"coefficients": [[0.0, 0.5]] * 3, "firing": Single(1.0), "strict": False}),
        (
            nn.CirculateFiring(levels=2, signed=False, decay=0.25, thresholds=(1.0, 0.5), amplitudes=(2.0, 1.0), reset="none"),
            {
                "kind": "CirculateFiring",
                "firing": Circulate((1.0, 0.5), (2.0, 1.0), False),
                "coefficients": [[0.0, 0.25]],
                "reset": "none",
                "order": "poly_then_input",
            },
        ),
        (
            nn.CirculateLNM(1, 2, thresholds=(1.0, 0.5), threshold_by_step=[1, 0.25, 3]),
            {"kind": "CirculateLNM", "firing": Circulate((1.0, 0.5), (1.0, 1.0), True, (1.0, 0.25, 3.0))},
        ),
        (nn.CirculateFiring(levels=1), {"firing": Circulate((1.0,), (1.0,), True), "coefficients": [[0.0, 0.5]]}),
        (nn.LIF(0.75), {"kind": "LIF", "coefficients": [[0.0, 0.75]], "firing": Single(1.0), "reset": "subtract"}),
        (nn.IF(channels=3), {"kind": "IF", "coefficients": [[0.0, 1.0]] * 3}),
        (nn.PLIF(0.5), {"kind": "PLIF", "coefficients": [[0.0, 0.5]]}),
    ],
)
def test_neurons(layer: Model, expected: dict[str, Any]) -> None:
    (node,) = trace(sequential(nn.Linear(2, 3), layer), 2).neurons
    assert isinstance(node, Neuron)
    for name, value in expected.items():
        got = getattr(node, name)
        assert got.tolist() == value if name == "coefficients" else got == value, name

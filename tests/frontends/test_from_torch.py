from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from snn2hw import nn, trace_model  # noqa: E402
from snn2hw.errors import ShapeError, Snn2hwError, UnsupportedError, ValueRangeError  # noqa: E402
from snn2hw.ir.network import (  # noqa: E402
    Add,
    AvgPool2d,
    BatchNorm,
    Circulate,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Network,
    Neuron,
    Readout,
    Single,
    Window,
)
from snn2hw.ir.real import run_real  # noqa: E402
from tests.refused import refused  # noqa: E402

pytestmark = pytest.mark.torch

STEPS = 3
SUPPORTED = (
    "AvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, Identity, Linear, MaxPool2d, Neuron, Sequential, "
    "custom modules of these, x + y, flatten(2), mean(0)"
)

Model = torch.nn.Module
Forward = Callable[..., Any]


def sequential(*layers: Model) -> Model:
    return torch.nn.Sequential(*layers)


def images(*shape: int, n: int = 4) -> Any:
    return np.random.default_rng(1).random((n, *shape))


def trace(model: Model, *shape: int) -> Network:
    return trace_model(model, images(*(shape or (2, 6, 6))), STEPS)


def names(net: Network) -> list[str]:
    return [n.name for n in net.nodes]


class Written(torch.nn.Module):
    """A forward given as a function, with the layers it uses."""

    def __init__(self, forward: Forward, **layers: Model) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.written = forward

    def forward(self, x: Any) -> Any:
        return self.written(self, x)


class Residual(torch.nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.neuron = nn.CirculateFiring(levels=2)

    def forward(self, x: Any) -> Any:
        return self.neuron(self.norm(self.conv(x)) + x)


# what is read


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


def joined(how: Forward) -> Model:
    return Written(lambda m, x: how(m.a(x), m.b(x)), a=nn.Linear(3, 2), b=nn.Linear(3, 2))


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


# what is computed


def randomised(model: Model, *shape: int, seed: int) -> Model:
    """Weights large enough for spikes, BatchNorm statistics of real activations, random coefficients."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
                module.weight.normal_(0.5, 2.0).div_(module.weight[0].numel() ** 0.5)
            if isinstance(module, nn.LNM):
                module.a.add_(0.1 * torch.randn_like(module.a))
            if isinstance(module, nn.PLIF):
                module.w.add_(torch.randn_like(module.w))
    model = model.double()
    for _ in range(2):
        model.train()(torch.rand(STEPS, 4, *shape, dtype=torch.float64))
    return model.eval()


class Branches(torch.nn.Module):
    """Two branches that meet twice, a shared neuron, a residual block, and a mean at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.left = sequential(nn.Conv2d(2, 4, 3, padding="same", groups=2), nn.BatchNorm2d(4))
        self.right = nn.Conv2d(2, 4, 1, bias=False)
        self.fire = nn.LNM(degree=4, channels=4, threshold=0.5, order="input_then_poly")
        self.block = Residual(4)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(36, 3)

    def forward(self, x: Any) -> Any:
        y = self.fire(self.left(x) + self.right(x))
        y = self.block(y)
        y += self.fire(y)
        return self.head(self.drop(y.flatten(2))).mean(0)


MODELS: dict[str, tuple[Callable[[], Model], tuple[int, ...]]] = {
    "lnm": (
        lambda: sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            nn.BatchNorm2d(4),
            nn.LNM(degree=3, channels=4),
            nn.AvgPool2d(3),
            nn.Flatten(),
            nn.Linear(4, 6),
            nn.LNM(degree=5, reset="none", state_range=(-2, 2)),
            nn.Linear(6, 3),
        ),
        (2, 6, 6),
    ),
    "circulate": (
        lambda: sequential(
            nn.Conv2d(2, 4, (2, 3), dilation=(2, 1), groups=2),
            nn.CirculateFiring(levels=3, thresholds=(1.0, 0.5, 0.25), amplitudes=(1.0, 0.5, 0.25)),
            nn.MaxPool2d(2, padding=1),
            nn.Flatten(),
            nn.Linear(36, 5),
            nn.BatchNorm1d(5),
            nn.CirculateFiring(levels=2, signed=False, reset="value", reset_value=0.125, strict=True),
            nn.Linear(5, 2, bias=False),
        ),
        (2, 6, 6),
    ),
    "lif, if and plif": (
        lambda: sequential(
            nn.Linear(7, 9),
            nn.LIF(0.9, strict=True),
            nn.Linear(9, 9),
            nn.IF(reset="value"),
            nn.Linear(9, 9),
            nn.PLIF(0.3, channels=9, order="input_then_poly"),
            nn.Linear(9, 4),
            nn.LIF(channels=4, reset="none"),
        ),
        (7,),
    ),
    "branches": (Branches, (2, 3, 3)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("which", MODELS)
def test_the_network_computes_what_the_model_computes(which: str, seed: int) -> None:
    build, shape = MODELS[which]
    model = randomised(build(), *shape, seed=seed)
    x = np.random.default_rng(seed).random((5, *shape))
    seen: dict[str, float] = {}
    net = trace_model(model, x, STEPS)
    got = run_real(net, x, lambda n, i, v: seen.update({n.name: seen.get(n.name, 0.0) + float((v != 0).mean())}))
    with torch.no_grad():
        out = model(nn.repeat(torch.as_tensor(x), STEPS))
    expected = (out * STEPS if out.ndim == 2 else out.sum(0)).numpy()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    assert np.abs(expected).max() > 0.01
    assert all(seen[n.name] > 0 for n in net.neurons), "a silent layer proves nothing"


def test_the_network_of_a_temporal_sample_computes_what_the_model_computes() -> None:
    model = randomised(sequential(nn.Linear(4, 6), nn.LNM(), nn.Linear(6, 2)), 4, seed=3)
    x = np.random.default_rng(0).poisson(1.0, (5, 7, 4)).astype(np.float64)
    net = trace_model(model, x)
    with torch.no_grad():
        np.testing.assert_allclose(run_real(net, x), model(torch.as_tensor(x)).sum(0).numpy(), rtol=0, atol=1e-12)
    assert net.steps == 5


def test_tracing_changes_nothing_in_the_model() -> None:
    model = randomised(MODELS["branches"][0](), 2, 3, 3, seed=0).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    trace(model, 2, 3, 3)
    assert model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


# what is refused


class OwnForward(nn.Linear):
    def forward(self, input: Any) -> Any:
        return super().forward(input) * 2


def hooked() -> Model:
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(lambda m, i, o: o * 2)
    layer.register_forward_pre_hook(lambda m, i: None)
    return sequential(layer)


def nan_in(layer: Model, parameter: str) -> Model:
    with torch.no_grad():
        getattr(layer, parameter).view(-1)[1] = float("nan")
    return layer


UNSUPPORTED = f"expected: {SUPPORTED}"
MODULE = f"{UNSUPPORTED}\n  do:       replace it with a supported layer, or write it as a custom module of these"
OPERATION = f"{UNSUPPORTED}\n  do:       write the model with these, or move the operation out of the model"
TRACE = f"""expected: a forward without control flow or indexing that depends on tensor values
  do:       move the decision out of forward, or build the model from layers: {SUPPORTED}"""
FITS = "do:       check the layer before it, or the shape of the sample"
CLEAN = "do:       train again with a smaller learning rate, or load another checkpoint"

REFUSALS: dict[str, tuple[Callable[[], Model], tuple[int, ...], type[Snn2hwError], str]] = {
    "unsupported layer": (
        lambda: sequential(nn.Linear(3, 2), torch.nn.ReLU()),
        (3,),
        UnsupportedError,
        f"""ReLU has no integer meaning here
  where:    1
  got:      torch.nn.modules.activation.ReLU
  {MODULE}""",
    ),
    "unsupported layer inside a block": (
        lambda: sequential(sequential(nn.Conv2d(2, 2, 1), torch.nn.ConvTranspose2d(2, 2, 2)), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        f"""ConvTranspose2d has no integer meaning here
  where:    0.1
  got:      torch.nn.modules.conv.ConvTranspose2d
  {MODULE}""",
    ),
    "unsupported normalisation": (
        lambda: sequential(nn.Linear(3, 2), torch.nn.LayerNorm(2)),
        (3,),
        UnsupportedError,
        f"""LayerNorm has no integer meaning here
  where:    1
  got:      torch.nn.modules.normalization.LayerNorm
  {MODULE}""",
    ),
    "control flow": (
        lambda: Written(lambda m, x: m.fc(x) if x.sum() > 0 else x, fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""the model's forward cannot be traced
  where:    Written
  got:      symbolically traced variables cannot be used as inputs to control flow
  {TRACE}""",
    ),
    "getitem": (
        lambda: Written(lambda m, x: m.fc(x)[0], fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""the operation 'getitem' has no integer meaning here
  where:    getitem
  got:      %getitem : [num_users=1] = call_function[target=operator.getitem](args = (%fc, 0), kwargs = {{}})
  {OPERATION}""",
    ),
    "product of tensors": (
        lambda: sequential(joined(lambda a, b: a * b)),
        (3,),
        UnsupportedError,
        f"""the operation 'mul' has no integer meaning here
  where:    0.mul
  got:      %mul : [num_users=1] = call_function[target=operator.mul](args = (%_0_a, %_0_b), kwargs = {{}})
  {OPERATION}""",
    ),
    "functional relu": (
        lambda: Written(lambda m, x: torch.relu(m.fc(x)), fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""the operation 'relu' has no integer meaning here
  where:    relu
  got:      %relu : [num_users=1] = call_function[target=torch.relu](args = (%fc,), kwargs = {{}})
  {OPERATION}""",
    ),
    "constant added": (
        lambda: Written(lambda m, x: m.fc(x) + 1.0, fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""an addition must join two branches of the network
  where:    add
  got:      %add : [num_users=1] = call_function[target=operator.add](args = (%fc, 1.0), kwargs = {{}})
  {OPERATION}""",
    ),
    "weighted addition": (
        lambda: joined(lambda a, b: torch.add(a, b, alpha=2)),
        (3,),
        UnsupportedError,
        f"""an addition must join two branches of the network
  where:    add
  got:      %add : [num_users=1] = call_function[target=torch.add](args = (%a, %b), kwargs = {{alpha: 2}})
  {OPERATION}""",
    ),
    "parameter used directly": (
        lambda: Written(lambda m, x: m.fc(x) + m.fc.bias, fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""a parameter or buffer used directly in forward is not supported
  where:    fc.bias
  got:      %fc_bias : [num_users=1] = get_attr[target=fc.bias]
  {OPERATION}""",
    ),
    "several outputs": (
        lambda: Written(lambda m, x: (m.fc(x), x), fc=nn.Linear(3, 2)),
        (3,),
        UnsupportedError,
        f"""the model must return one tensor of logits
  where:    output
  got:      return (fc, x)
  {UNSUPPORTED}
  do:       return the logits only""",
    ),
    "operation after the mean": (
        lambda: Written(lambda m, x: m.fc(m.fc(x).mean(0)), fc=nn.Linear(3, 3)),
        (3,),
        UnsupportedError,
        f"""only the output may follow the sum or mean over the steps
  where:    fc.fc_1
  got:      %fc_1 : [num_users=1] = call_module[target=fc](args = (%mean,), kwargs = {{}})
  {OPERATION}""",
    ),
    "mean over another axis": (
        lambda: Written(lambda m, x: m.fc(x).mean(1), fc=nn.Linear(3, 3)),
        (3,),
        UnsupportedError,
        f"""the operation 'mean' has no integer meaning here
  where:    mean
  got:      %mean : [num_users=1] = call_method[target=mean](args = (%fc, 1), kwargs = {{}})
  {OPERATION}""",
    ),
    "functional flatten over N": (
        lambda: Written(lambda m, x: m.fc(x.flatten(1)), fc=nn.Linear(72, 3)),
        (2, 6, 6),
        UnsupportedError,
        f"""flatten must keep the T and N axes
  where:    flatten
  got:      %flatten : [num_users=1] = call_method[target=flatten](args = (%x, 1), kwargs = {{}})
  {UNSUPPORTED}
  do:       write flatten(2): activations are [T, N, ...]""",
    ),
    "padding mode": (
        lambda: sequential(nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect"), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (Conv2d)
  got:      padding_mode='reflect'
  expected: padding_mode='zeros'
  do:       use padding_mode='zeros'""",
    ),
    "uneven same padding": (
        lambda: sequential(nn.Conv2d(2, 2, (3, 2), padding="same"), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (Conv2d)
  got:      padding='same' with kernel (3, 2)
  expected: an odd kernel, or an explicit padding
  do:       use an odd kernel, or an explicit padding""",
    ),
    "average with ceil_mode": (
        lambda: sequential(nn.AvgPool2d(4, ceil_mode=True), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (AvgPool2d)
  got:      AvgPool2d(kernel_size=4, stride=4, padding=0)
  expected: ceil_mode=False, count_include_pad=True and no divisor_override
  do:       use ceil_mode=False, count_include_pad=True and no divisor_override""",
    ),
    "average without its padding": (
        lambda: sequential(nn.AvgPool2d(2, padding=1, count_include_pad=False), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (AvgPool2d)
  got:      AvgPool2d(kernel_size=2, stride=2, padding=1)
  expected: ceil_mode=False, count_include_pad=True and no divisor_override
  do:       use ceil_mode=False, count_include_pad=True and no divisor_override""",
    ),
    "average with another divisor": (
        lambda: sequential(nn.AvgPool2d(2, divisor_override=3), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (AvgPool2d)
  got:      AvgPool2d(kernel_size=2, stride=2, padding=0)
  expected: ceil_mode=False, count_include_pad=True and no divisor_override
  do:       use ceil_mode=False, count_include_pad=True and no divisor_override""",
    ),
    "maximum with ceil_mode": (
        lambda: sequential(nn.MaxPool2d(4, ceil_mode=True), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (MaxPool2d)
  got:      MaxPool2d(kernel_size=4, stride=4, padding=0, dilation=1, ceil_mode=True)
  expected: ceil_mode=False and return_indices=False
  do:       use ceil_mode=False and return_indices=False""",
    ),
    "maximum with indices": (
        lambda: sequential(nn.MaxPool2d(2, return_indices=True), nn.Flatten()),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (MaxPool2d)
  got:      MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
  expected: ceil_mode=False and return_indices=False
  do:       use ceil_mode=False and return_indices=False""",
    ),
    "torch's own flatten": (
        lambda: sequential(torch.nn.Flatten(), nn.Linear(72, 2)),
        (2, 6, 6),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    0 (Flatten)
  got:      start_dim=1, end_dim=-1
  expected: snn2hw.nn.Flatten(), which keeps T and N
  do:       use snn2hw.nn.Flatten(), which keeps T and N""",
    ),
    "no running statistics": (
        lambda: sequential(nn.Linear(3, 2), nn.BatchNorm1d(2, track_running_stats=False)),
        (3,),
        UnsupportedError,
        """this setting of the layer has no integer meaning here
  where:    1 (BatchNorm1d)
  got:      no running statistics
  expected: track_running_stats=True
  do:       use track_running_stats=True""",
    ),
    "forward of its own": (
        lambda: sequential(OwnForward(3, 2)),
        (3,),
        UnsupportedError,
        f"""a subclass of a layer has a forward of its own
  where:    0 (OwnForward)
  got:      {__name__}.OwnForward.forward
  expected: the forward of the layer it derives from
  do:       write it as a custom module that calls supported layers""",
    ),
    "hooks": (
        hooked,
        (3,),
        UnsupportedError,
        """a layer has forward hooks, which may change what it computes
  where:    0 (Linear)
  got:      1 hooks, 1 pre-hooks
  expected: no hooks
  do:       remove the hooks before compiling""",
    ),
    "channels": (
        lambda: sequential(nn.Conv2d(3, 2, 1), nn.Flatten()),
        (2, 6, 6),
        ShapeError,
        f"""the number of channels does not fit the weights
  where:    0 (Conv2d)
  got:      2 channels
  expected: 3 channels
  {FITS}""",
    ),
    "features": (
        lambda: sequential(nn.Flatten(), nn.Linear(71, 2)),
        (2, 6, 6),
        ShapeError,
        f"""the number of features does not fit the weights
  where:    1 (Linear)
  got:      [72]
  expected: [71]
  {FITS}""",
    ),
    "linear on an image": (
        lambda: sequential(nn.Linear(6, 2)),
        (2, 6, 6),
        ShapeError,
        f"""the number of features does not fit the weights
  where:    0 (Linear)
  got:      [2, 6, 6]
  expected: [6]
  {FITS}""",
    ),
    "normalised channels": (
        lambda: sequential(nn.Linear(3, 2), nn.BatchNorm1d(3)),
        (3,),
        ShapeError,
        f"""the number of channels does not fit the normalisation
  where:    1 (BatchNorm1d)
  got:      2
  expected: 3
  {FITS}""",
    ),
    "neuron's channels": (
        lambda: sequential(nn.Linear(3, 2), nn.LNM(channels=3)),
        (3,),
        ShapeError,
        f"""the neuron has constants for another number of channels
  where:    1 (LNM)
  got:      3
  expected: 2
  {FITS}""",
    ),
    "branches": (
        lambda: Written(lambda m, x: m.a(x) + m.b(x), a=nn.Linear(3, 2), b=nn.Linear(3, 4)),
        (3,),
        ShapeError,
        f"""the branches of an addition differ in shape
  where:    add (+)
  got:      [4]
  expected: [2]
  {FITS}""",
    ),
    "kernel": (
        lambda: sequential(nn.Conv2d(2, 2, 3), nn.MaxPool2d(5), nn.Flatten()),
        (2, 6, 6),
        ShapeError,
        f"""the kernel does not fit into the image
  where:    1 (MaxPool2d)
  got:      4x4
  expected: at least (5, 5)
  {FITS}""",
    ),
    "convolution of features": (
        lambda: sequential(nn.Conv2d(2, 2, 3)),
        (3,),
        ShapeError,
        f"""an image [C, H, W] was expected
  where:    0 (Conv2d)
  got:      [3]
  expected: 3 axes
  {FITS}""",
    ),
    "image at the end": (
        lambda: sequential(nn.Conv2d(2, 4, 3)),
        (2, 6, 6),
        ShapeError,
        """the model must end in one value per class
  where:    0 (Conv2d)
  got:      [T, N, 4, 4, 4]
  expected: [T, N, classes]
  do:       end with Flatten and Linear""",
    ),
    "NaN in weights": (
        lambda: sequential(nan_in(nn.Linear(3, 2), "weight")),
        (3,),
        ValueRangeError,
        f"""'weight' holds NaN or Inf
  where:    0 (Linear)
  got:      1 of 6 values
  expected: finite numbers
  {CLEAN}""",
    ),
    "NaN in coefficients": (
        lambda: sequential(nn.Linear(3, 2), nan_in(nn.LNM(degree=2), "a")),
        (3,),
        ValueRangeError,
        f"""'coefficients' holds NaN or Inf
  where:    1 (LNM)
  got:      1 of 3 values
  expected: finite numbers
  {CLEAN}""",
    ),
    "NaN in statistics": (
        lambda: sequential(nn.Linear(3, 2), nan_in(nn.BatchNorm1d(2), "running_mean")),
        (3,),
        ValueRangeError,
        f"""'shift' holds NaN or Inf
  where:    1 (BatchNorm1d)
  got:      1 of 2 values
  expected: finite numbers
  {CLEAN}""",
    ),
}


@pytest.mark.parametrize("which", REFUSALS)
def test_refusals(which: str) -> None:
    build, shape, kind, text = REFUSALS[which]
    with refused(kind, text):
        trace(build(), *shape)


def test_iteration_over_the_steps_is_refused() -> None:
    with pytest.raises(UnsupportedError) as caught:
        trace(Written(lambda m, x: [m.fc(step) for step in x], fc=nn.Linear(3, 2)), 3)
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["the model's forward cannot be traced", "  where:    Written"]
    assert lines[2].startswith("  got:      Proxy object cannot be iterated.")
    assert "\n".join(lines[3:]) == f"  {TRACE}"


def test_two_inputs_are_refused() -> None:
    class Two(torch.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x + y

    with refused(
        UnsupportedError,
        f"""the model has more than one input
  where:    y
  got:      %y : 'Any' [num_users=1] = placeholder[target=y]
  {OPERATION}""",
    ):
        trace(Two(), 3)


def test_a_layer_called_with_no_activation_is_refused() -> None:
    with refused(
        UnsupportedError,
        """
        a layer is called with something that is no activation
          where:    fc
          got:      1.0
          expected: the output of a layer
        """,
    ):
        trace(Written(lambda m, x: m.fc(1.0), fc=nn.Linear(3, 2)), 3)


def test_what_is_no_module_is_refused() -> None:
    with refused(
        UnsupportedError,
        """
        the model is no torch.nn.Module
          got:      function
          expected: a torch.nn.Module
        """,
    ):
        trace(lambda x: x, 3)


@pytest.mark.xfail(strict=True, raises=IndexError, reason="from_torch._Walk._module reads node.args[0]")
def test_a_layer_called_by_keyword() -> None:
    assert names(trace(Written(lambda m, x: m.fc(input=x), fc=nn.Linear(3, 2)), 3)) == ["input", "fc", "readout"]


@pytest.mark.xfail(strict=True, reason="hooks of the model itself are neither traced nor refused")
def test_hooks_of_the_model_itself_are_refused() -> None:
    model = sequential(nn.Linear(3, 2))
    model.register_forward_hook(lambda m, i, o: o * 2)
    with pytest.raises(UnsupportedError):
        trace(model, 3)


@pytest.mark.xfail(strict=True, reason="check_unaltered looks at the class only")
def test_a_forward_set_on_the_layer_itself_is_refused() -> None:
    model = sequential(nn.Linear(3, 2))
    model[0].forward = lambda x: x
    with pytest.raises(UnsupportedError):
        trace(model, 3)


@pytest.mark.xfail(strict=True, reason="the model is traced in the mode it is in, though its evaluation is promised")
def test_a_model_in_training_is_traced_in_evaluation() -> None:
    model = Written(lambda m, x: m.fc(torch.relu(x) if m.training else x), fc=nn.Linear(3, 2)).train()
    assert names(trace(model, 3)) == ["input", "fc", "readout"]

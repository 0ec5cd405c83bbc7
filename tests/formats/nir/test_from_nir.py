"""What a NIR file means: against closed forms, plain loops, torch's own layers, a Loihi 2 chip's trace, and every executor."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.backends import EXECUTORS, executor
from snn2hw.backends.reference import interpret
from snn2hw.errors import ShapeError
from snn2hw.formats.nir.convention import Convention
from snn2hw.formats.nir.lava_integers import lava_integers
from snn2hw.formats.nir.read import from_nir
from snn2hw.formats.nir.state_ranges import MARGIN
from snn2hw.ir.network import Circulate, Neuron
from snn2hw.ir.real import run_real
from snn2hw.layers import BatchNorm, Conv2d, IntLinear
from tests.nir_files import STATED, affine, conv2d, graph, integrator, lif, run_layers, write
from tests.refused import refused
from tests.shared_data import shared_data

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.nir"


@pytest.mark.parametrize(("convention", "dt"), [("norse", 1e-4), ("snntorch", None), ("lava", None)])
def test_norses_lif_against_the_closed_form_of_its_difference_equation(convention: str, dt: float | None) -> None:
    """v[t] = dt/tau * sum of (1 - dt/tau)**(t - k) * x[k] over the steps k since the last spike; fires above 0.1."""
    x = (np.random.default_rng(0).random((500, 4, 1)) < 0.15).astype(int)
    net = from_nir(shared_data("lif_norse.nir"), sample=x, convention=STATED[convention], dt=dt)
    spikes, v = run_layers(net, x)
    rate, threshold = 1e-4 / float(np.float32(0.0025)), float(np.float32(0.1))
    total = 0
    for n in range(x.shape[1]):
        last = -1
        for t in range(len(x)):
            h = sum(rate * (1 - rate) ** (t - k) for k in range(last + 1, t + 1) if x[k, n, 0])
            fires = h > threshold
            assert spikes["1"][t, n, 0] == fires
            assert abs(v["1"][t, n, 0] - (0.0 if fires else h)) < 1e-12
            last, total = (t if fires else last), total + fires
    assert total > 20


def test_norses_lif_as_integers_is_the_chips_trace() -> None:
    """1000 steps of a Loihi 2; weight 10, dv 163, vth 25 come from the file's tau, r and v_threshold. In spike steps the chip's
    probe of v reads 128; its synapse delivers one step later."""
    with shared_data("lif_lava_loihi_fixed.csv").open(encoding="utf-8") as rows:
        x, v, s = (np.array(c, np.float64).astype(int) for c in zip(*csv.reader(rows), strict=True))
    net = lava_integers(shared_data("lif_norse.nir"), len(x))
    trace = interpret(net, np.r_[0, x[:-1]][:, None, None])
    assert (len(x), x.sum(), s.sum()) == (1000, 34, 4)
    assert (trace.spikes["1"].ravel() == s).all()
    assert (trace.states["1.v"].ravel() == np.where(s, 0, v)).all()


def test_two_layers_in_the_chips_integers(file: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(1, 9, (4, 3)), rng.uniform(1, 4, (2, 4))
    path = write(
        file,
        graph(affine(first), lif(4, v_threshold=0.4), nir.Linear(second), lif(2, tau=1e-3, v_threshold=0.7), shape=[3], out=[2]),
    )
    net = lava_integers(path, 20)
    weights = [n.weight.tolist() for n in net.nodes if isinstance(n, IntLinear)]
    assert weights == [np.trunc(first * 0.05 * 256).tolist(), np.trunc(second * 0.1 * 256).tolist()]
    x = rng.integers(0, 2, (20, 3, 3))
    assert snn2hw.verify(snn2hw.compile(net), x, executors=("reference", "onnx-reference")).equal
    assert all(s.sum() > 0 for s in interpret(net, x).spikes.values())


def test_sinabs_cnn_in_integers_is_equal_on_every_executor() -> None:
    x = (np.random.default_rng(0).random((10, 2, 2, 34, 34)) < 0.03).astype(int)
    net = from_nir(shared_data("cnn_sinabs.nir"), sample=x, convention=STATED["sinabs"])
    rates = {name: float(s.mean()) for name, s in run_layers(net, x)[0].items()}
    assert len(rates) == 5
    assert min(rates.values()) > 0.005, f"spikes per neuron and step: {rates}"
    made = snn2hw.compile(net, x, target="loihi2")
    ready = [name for name in EXECUTORS if not executor(name).unavailable()]
    verdict = snn2hw.verify(made, x, executors=ready)
    assert verdict.equal, f"{verdict.different}, rates {rates}"
    assert {"reference", "onnx-reference"} <= set(ready)
    trace = interpret(made.network, x)
    fired = {name: float(s.mean()) for name, s in trace.spikes.items()}
    assert min(fired.values()) > 0.005, f"spikes per neuron and step: {fired}"


def by_hand(node: Any, c: Convention, x: Any) -> tuple[Any, Any]:
    """(spikes, v) of a NIR neuron over x [T, ...], a loop over the steps with one value after the other."""
    p = {
        k: np.broadcast_to(v, x.shape[1:]).ravel()
        for k, v in vars(node).items()
        if k in ("tau", "r", "v_leak", "v_threshold", "v_reset")
    }
    spikes, membranes = np.zeros_like(x), np.zeros_like(x)
    flat, s_flat, v_flat = (a.reshape(len(x), -1) for a in (x, spikes, membranes))
    for i in range(flat.shape[1]):
        theta = p["v_threshold"][i]
        start = v = 0.0 if c.start == "0" or c.start not in p else p[c.start][i]
        for t in range(len(x)):
            due = c.late and t and s_flat[t - 1, i]
            drive = p["r"][i] * flat[t, i]
            if "tau" not in p:
                v += drive * (c.dt if c.if_input == "ode" else 1)
            else:
                keep = 1 - c.dt / p["tau"][i] if c.method == "euler" else math.exp(-c.dt / p["tau"][i])
                v = keep * v + (1 - keep) * p["v_leak"][i] + drive * (1 - keep if c.lif_input == "ode" else 1)
            if due:
                v = v - theta if c.reset == "subtract" else p["v_reset"][i]
            if c.if_floor and "tau" not in p:
                v = max(v, -theta)
            count = 0
            while count < (c.levels or 99) and (v > theta if c.threshold == "strict" else v >= theta):
                count += 1
                if not c.late and c.reset != "none":
                    v = v - theta if c.reset == "subtract" else p["v_reset"][i]
                if c.reset == "value":
                    break
            s_flat[t, i], v_flat[t, i] = count, v - start
    return spikes, membranes


OWN = {
    **STATED,
    "late": Convention(dt=1e-3, reset="subtract", when="next"),
    "late-inclusive": Convention(dt=1e-3, method="exponential", reset="subtract", when="next", threshold="inclusive"),
    "late-value": Convention(dt=1e-3, when="next"),
    "late-floor": Convention(dt=1e-3, reset="subtract", when="next", if_floor=True),
    "none": Convention(dt=1e-3, reset="none"),
    "euler-subtract": Convention(dt=1e-3, reset="subtract", threshold="inclusive"),
    "exponential-value": Convention(dt=1e-3, method="exponential", threshold="inclusive"),
    "multi": Convention(dt=1e-3, method="exponential", reset="subtract", levels=5, if_input="ode"),
    "unit": Convention(dt=1e-3, lif_input="unit", if_floor=True),
}


@pytest.mark.parametrize("name", [name for name, c in OWN.items() if not c.refusal("LIF")])
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
def test_two_layers_of_neurons_against_plain_loops(file: Path, name: str, seed: int) -> None:
    """Parameters differ by channel where the convention reads them; states of such layers are in units of the threshold."""
    rng, c = np.random.default_rng(seed), OWN[name]
    fixed = set(c.unread)
    a, b, steps = 5, 4, 25

    def drawn(n: int, lo: float, hi: float, field: str = "") -> Any:
        neutral = 1.0 if field == "r" else 0.0
        return np.full(n, neutral) if field in fixed else rng.uniform(lo, hi, n if seed % 2 else 1).repeat(1 if seed % 2 else n)

    tau = drawn(a, 2, 6) * c.dt
    ratio = rng.uniform(-0.3, 0.3)
    thresholds = [drawn(n, 0.3, 1.5) for n in (a, b)]
    resets = [np.zeros(len(t)) if "v_reset" in fixed else ratio * t for t in thresholds]
    first = lif(
        a, tau=tau, r=drawn(a, 0.5, 3, "r"), v_leak=drawn(a, -0.2, 0.2, "v_leak"), v_threshold=thresholds[0], v_reset=resets[0]
    )
    scale = 1 / c.dt if c.if_input == "ode" else 1.0
    second_given = {"r": drawn(b, 0.5, 1.5, "r") * scale, "v_threshold": thresholds[1], "v_reset": resets[1]}
    second = (
        lif(b, tau=3 * c.dt, **{**second_given, "r": drawn(b, 1, 3, "r")}) if c.refusal("IF") else integrator(b, **second_given)
    )
    sizes = (0.3, 0.2) if c.levels is None else (4.0, 1.0)
    weights = [rng.normal(0.5, 1, shape) * size for shape, size in zip(((a, 3), (b, a)), sizes, strict=True)]
    bias = rng.normal(size=a) * 0.3
    path = write(file, graph(affine(weights[0], bias), first, nir.Linear(weights[1]), second, shape=[3], out=[b]))
    x = rng.integers(0, 2, (steps, 2, 3))
    net = from_nir(path, sample=x, convention=c)
    spikes, membranes = run_layers(net, x)
    entering: Any = x.astype(float) @ weights[0].T + bias
    for layer, node, then in (("1", first, weights[1]), ("3", second, np.eye(b))):
        expected = by_hand(node, c, entering)
        unit = node.v_threshold if any(isinstance(n, BatchNorm) and n.name == f"{layer}.scale" for n in net.nodes) else 1.0
        assert (spikes[layer] == expected[0]).all()
        assert np.abs(membranes[layer] * unit - expected[1]).max() < 1e-9
        assert expected[0].sum() > 0
        entering = expected[0] @ then.T
    made = snn2hw.compile(net, x)
    assert snn2hw.verify(made, x, executors=("reference", "onnx-reference")).equal


@pytest.mark.parametrize("seed", range(6))
def test_convolutions_pools_and_scales_against_torch(file: Path, seed: int) -> None:
    torch = pytest.importorskip("torch")
    f, rng = torch.nn.functional, np.random.default_rng(seed)
    groups = int(rng.choice([1, 2]))
    w, b = rng.normal(size=(4, 4 // groups, 3, 2)), rng.normal(size=4)
    stride, padding, dilation = (tuple(int(n) for n in rng.integers(lo, hi, 2)) for lo, hi in ((1, 3), (0, 3), (1, 3)))
    scale = np.broadcast_to(rng.uniform(0.5, 2, (4, 1, 1)), (4, 9, 8)).copy()
    size = (10, 8)  # behind the first pool
    conv = conv2d(size, w, b, stride, padding, dilation, groups)
    x = rng.integers(0, 3, (2, 3, 4, 9, 8))
    t = torch.tensor(x.reshape(6, 4, 9, 8) * scale)
    t = f.avg_pool2d(t, (2, 1), (1, 1), (1, 0)) * 2
    t = f.conv2d(t, torch.tensor(w), torch.tensor(b), stride, padding, dilation, groups)
    t = f.avg_pool2d(t, (1, 2), (1, 1)) * 2
    image, flat = t.shape[1:], t[0].numel()
    last, each = rng.normal(size=(3, flat)), rng.uniform(0.5, 2, flat)
    expected = (t.flatten(1) * torch.tensor(each) @ torch.tensor(last).T).reshape(2, 3, 3).sum(0)
    nodes = [
        nir.Scale(scale),
        nir.SumPool2d(np.array([2, 1]), np.array([1, 1]), np.array([1, 0])),
        conv,
        nir.AvgPool2d(np.array([1, 2]), np.array([1, 1]), np.array([0, 0])),
        nir.Scale(np.full(tuple(image), 2.0)),
        nir.Flatten({"input": np.array(image)}, 0, -1),
        nir.Scale(each),
        nir.Linear(last),
    ]
    net = from_nir(write(file, graph(*nodes, shape=[4, 9, 8], out=[3])), sample=x, convention="norse")
    assert np.abs(run_real(net, x.astype(float)) - expected.numpy()).max() < 1e-9


def test_a_sum_pool_before_neurons_goes_into_their_gain(file: Path) -> None:
    pool = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    flat = nir.Flatten({"input": np.array([1, 2, 2])}, 0, -1)
    x = np.ones((3, 1, 1, 4, 4), int)
    net = from_nir(
        write(file, graph(pool, integrator((1, 2, 2), v_threshold=6.0), flat, shape=[1, 4, 4], out=[4])),
        sample=x,
        convention="norse",
    )
    assert next(n for n in net.nodes if isinstance(n, Neuron)).gain == 4.0
    assert run_layers(net, x)[0]["1"][:, 0, 0, 0, 0].tolist() == [0, 1, 0]


def test_nested_graphs_and_edges_that_meet(file: Path) -> None:
    """The inner graph is a LIF behind a Linear; its output and a bypass are summed by the last Linear."""
    rng = np.random.default_rng(0)
    inner = graph(nir.Linear(np.eye(3) * 2), integrator(3), shape=[3], out=[3])
    w = rng.normal(size=(2, 3))
    nodes = {
        "input": nir.Input(np.array([3])),
        "block": inner,
        "bypass": nir.Linear(np.eye(3)),
        "readout": nir.Linear(w),
        "out": nir.Output(np.array([2])),
    }
    edges = [("input", "block"), ("input", "bypass"), ("block", "readout"), ("bypass", "readout"), ("readout", "out")]
    x = rng.integers(0, 2, (6, 2, 3))
    net = from_nir(write(file, nir.NIRGraph(nodes, edges, type_check=False)), sample=x, convention="norse")
    spikes = by_hand(integrator(3), STATED["norse"], x * 2.0)[0]
    assert [n.name for n in net.neurons] == ["block.1"]
    assert np.allclose(run_real(net, x.astype(float)), ((spikes + x) @ w.T).sum(0))


def test_the_range_of_a_state_is_what_the_sample_needs_and_a_margin(file: Path) -> None:
    x = np.full((1, 1, 1), 7)
    path = write(file, graph(integrator(1, v_threshold=2.0), shape=[1], out=[1]))
    (neuron,) = from_nir(path, sample=x, convention=STATED["sinabs"]).neurons
    assert neuron.state_range == (-2.0, MARGIN * 7)
    assert isinstance(neuron.firing, Circulate)
    assert neuron.firing.thresholds == (2.0,) * 4
    (neuron,) = from_nir(path, sample=x, convention="norse").neurons
    assert neuron.state_range == (-MARGIN * 7, MARGIN * 7)
    (neuron,) = from_nir(path, sample=x * 0, convention="norse").neurons
    assert neuron.state_range == (-MARGIN * 2, MARGIN * 2)


def test_static_samples_and_words_for_padding(file: Path) -> None:
    nodes = [conv2d((2, 2), np.ones((1, 1, 3, 3)), padding="same"), conv2d((2, 2), np.ones((1, 1, 2, 2)), padding="valid")]
    path = write(file, graph(*nodes, nir.Flatten({"input": np.array([1, 1, 1])}, 0, -1), shape=[1, 2, 2], out=[1]))
    net = snn2hw.read_network(path, 3, sample=np.ones((2, 1, 2, 2)), convention="norse")
    assert [n.window.padding for n in net.nodes if isinstance(n, Conv2d)] == [(1, 1), (0, 0)]
    assert run_real(net, np.ones((2, 1, 2, 2))).ravel().tolist() == [48.0, 48.0]


def test_axes_of_samples_and_steps_in_a_files_shapes(file: Path) -> None:
    """As Rockpool writes them, and others whose exporters are shown a batch."""
    rng = np.random.default_rng(0)
    weight, x = rng.normal(0.3, 1, (4, 3)), rng.integers(0, 2, (8, 2, 3))
    plain, _ = run_layers(
        from_nir(write(file, graph(affine(weight), lif(4), shape=[3], out=[4])), sample=x, convention="norse"), x
    )
    for shape, out in (([1, 3], [1, 1, 4]), ([1, 1, 3], [4]), ([3], [1, 4])):
        write(file, graph(affine(weight), lif(4), shape=shape, out=out))
        spikes, _ = run_layers(from_nir(file, sample=x, convention="norse"), x)
        assert (spikes["1"] == plain["1"]).all()
    one = {
        k: np.broadcast_to(v, (1, 4)).copy()
        for k, v in {"tau": 2e-3, "v_leak": 0, "r": 1, "v_threshold": 1, "v_reset": 0}.items()
    }
    write(file, graph(affine(weight), nir.LIF(**one), shape=[1, 3], out=[1, 4]))
    assert (run_layers(from_nir(file, sample=x, convention="norse"), x)[0]["1"] == plain["1"]).all()
    with refused(
        ShapeError,
        f"""
        the sample does not fit the network's input
          where:    {file}: input (Input)
          got:      [1, 3]
          expected: [3]
          do:       give samples [T, N, ...] without steps, or [N, ...] with steps
        """,
    ):
        from_nir(file, sample=x[:, :, None], convention="norse")


def test_a_flatten_that_counts_the_axis_of_samples(file: Path) -> None:
    rng = np.random.default_rng(1)
    kernel, weight, x = rng.normal(0.3, 1, (2, 2, 3, 3)), rng.normal(0.3, 1, (3, 18)), rng.integers(0, 2, (6, 2, 2, 5, 5))
    spikes = []
    for batch, start in ((0, 0), (1, 1)):
        flat = nir.Flatten({"input": np.array([2, 3, 3])}, start, -1)
        nodes = (conv2d((5, 5), kernel), flat, affine(weight), lif(3))
        made = graph(*nodes, shape=[*[1] * batch, 2, 5, 5], out=[*[1] * batch, 3])
        spikes.append(run_layers(from_nir(write(file, made), sample=x, convention="norse"), x)[0]["3"])
    assert spikes[0].any()
    assert (spikes[0] == spikes[1]).all()
    first = (nir.Flatten({"input": np.array([1, 2, 2, 2])}, 1, -1), affine(weight[:, :8]), lif(3))
    write(file, graph(*first, shape=[1, 2, 2, 2], out=[3]))
    assert from_nir(file, sample=x[:, :, :, :2, :2], convention="norse").input.shape == (2, 2, 2)

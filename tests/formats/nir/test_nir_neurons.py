"""Neurons with a current, neurons that never fire, thresholds, delays and lines: what is read against plain loops."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.backends import EXECUTORS
from snn2hw.errors import UnsupportedError, ValueRangeError
from snn2hw.formats.nir.convention import Convention, Cuba
from snn2hw.formats.nir.read import from_nir
from snn2hw.layers import BatchNorm
from tests.nir_files import STATED, affine, cuba_lif, graph, lif, run_layers, write
from tests.refused import refused

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
STEPS, N = 30, 4
X = np.random.default_rng(5).integers(0, 2, (STEPS, 2, 3))
WEIGHT = np.random.default_rng(6).normal(0.5, 1, (N, 3))
OWN = {
    **{name: c for name, c in STATED.items() if not c.refusal("CubaLIF")},
    "rockpool-written": replace(STATED["rockpool"], cuba=replace(STATED["rockpool"].cuba, r="decayed")),
    "late": Convention(dt=1e-3, reset="subtract", when="next"),
    "late-value": Convention(dt=1e-3, when="next"),
    "exponential": Convention(dt=1e-3, method="exponential", threshold="inclusive"),
    "subtract": Convention(dt=1e-3, reset="subtract", levels=4),
    "unit": Convention(dt=1e-3, cuba=Cuba("unit")),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.nir"


def agree(net: Any, x: Any = X, fast: bool = False) -> Any:
    """Compiled, every executor that can run here agreed; `fast`, whose C takes seconds to compile, where it is asked for."""
    made = snn2hw.compile(net, x, target="loihi2")
    names = [n for n, e in EXECUTORS.items() if not e.unavailable() and (fast or n != "fast")]
    verdict = snn2hw.verify(made, x, executors=names)
    assert verdict.equal, verdict.differences
    return made


def cuba_by_hand(node: Any, c: Convention, x: Any) -> tuple[Any, Any]:
    """(spikes, v) over x [T, N, neurons], one value after the other; v where nothing fires."""
    fires = hasattr(node, "v_threshold")
    spikes, membranes = np.zeros_like(x), np.zeros_like(x)
    dt = float((node.tau_mem / (1 + node.r)).min()) if c.cuba.r == "step" else c.dt
    for sample, k in np.ndindex(x.shape[1:]):
        tau_mem, tau_syn, r, w_in = (float(p[k]) for p in (node.tau_mem, node.tau_syn, node.r, node.w_in))
        keep_v, keep_i = ((1 - dt / t) if c.method == "euler" else math.exp(-dt / t) for t in (tau_mem, tau_syn))
        i = v = 0.0
        for t in range(len(x)):
            due = c.late and fires and t and spikes[t - 1, sample, k]
            drive = w_in * x[t, sample, k]
            if c.cuba.input == "decayed":
                i = keep_i * (i + drive)
                v = keep_v * v + i
            elif c.cuba.input == "unit":
                i = keep_i * i + drive
                v = keep_v * v + (1 - keep_v) * node.v_leak[k] + r * i
            else:
                i += (1 - keep_i) * (drive - i)
                v += (1 - keep_v) * (node.v_leak[k] + r * i - v)
            if due:
                v = v - float(node.v_threshold[k]) if c.reset == "subtract" else float(node.v_reset[k])
            while fires and spikes[t, sample, k] < (c.levels or 99):
                theta = node.v_threshold[k]
                if not (v > theta if c.threshold == "strict" else v >= theta):
                    break
                spikes[t, sample, k] += 1
                if not c.late:
                    v = v - theta if c.reset == "subtract" else float(node.v_reset[k])
            membranes[t, sample, k] = v
    return spikes, membranes


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_currents_against_plain_loops(file: Path, name: str, seed: int) -> None:
    rng, c = np.random.default_rng(seed), OWN[name]
    fixed = {*dict(c.cuba.neutral), *(c.unread if c.start != "0" else ())}

    def drawn(lo: float, hi: float, field: str = "", neutral: float = 0.0) -> Any:
        return neutral if field in fixed else rng.uniform(lo, hi, N if seed else 1)

    tau_mem, theta = drawn(3, 9) * c.dt, drawn(0.2, 0.6)
    steps = tau_mem / c.dt
    r = {"tau/dt": steps, "step": steps - 1, "decayed": steps * np.exp(-1 / steps)}.get(c.cuba.r, drawn(0.5, 3))
    node = cuba_lif(
        N, tau_mem=tau_mem, tau_syn=drawn(2, 5) * c.dt, r=r, w_in=drawn(0.5, 2, "w_in", 1.0), v_leak=drawn(-0.1, 0.1, "v_leak"),
        v_threshold=theta, v_reset=0.0 if "v_reset" in fixed else theta * rng.uniform(-0.3, 0.3),
    )  # fmt: skip
    size = {"tau/dt": 0.1, "step": 0.1, "decayed": 0.1}.get(c.cuba.r, 1.0)
    net = from_nir(write(file, graph(affine(WEIGHT * size), node, shape=[3], out=[N])), sample=X, convention=c)
    spikes, membranes = run_layers(net, X)
    expected = cuba_by_hand(node, c, X @ (WEIGHT * size).T)
    unit = node.v_threshold if any(isinstance(n, BatchNorm) for n in net.nodes) else 1.0
    assert expected[0].sum() > 20
    assert (spikes["1"] == expected[0]).all()
    assert np.abs(membranes["1"] * unit - expected[1]).max() < 1e-9
    if seed:
        made = agree(net, fast=name == "norse")
        assert set(made.network.neurons[0].program.states) == {"u", "i"}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["I", "LI", "CubaLI"])
def test_membranes_that_never_fire_are_the_readout(file: Path, kind: str, seed: int) -> None:
    rng, c = np.random.default_rng(seed), Convention(dt=1e-3)
    r, tau, tau_syn, leak = (rng.uniform(lo, hi, N if seed else 1).repeat(1 if seed else N) for lo, hi in ((0.5, 2), (3e-3, 9e-3),
                             (2e-3, 5e-3), (-0.1, 0.1)))  # fmt: skip
    node = {
        "I": lambda: nir.I(r),
        "LI": lambda: nir.LI(tau, r, leak),
        "CubaLI": lambda: nir.CubaLI(tau_syn, tau, r, leak, np.full(N, 1.5)),
    }[kind]()
    net = from_nir(
        write(file, graph(affine(WEIGHT), lif(N), nir.Linear(np.eye(N)), node, shape=[3], out=[N])), sample=X, convention=c
    )
    values, _ = run_layers(net, X)
    entering = values["1"]
    v, wanted = np.zeros(entering.shape[1:]), []
    if kind == "CubaLI":
        wanted = list(cuba_by_hand(node, c, entering)[1])
    for x in entering if kind != "CubaLI" else ():
        v = v + r * x if kind == "I" else v + c.dt / tau * (leak - v + r * x)
        wanted.append(v)
    assert np.abs(values["3"] - wanted).max() < 1e-9
    made = agree(net)
    payload = made.network.nodes[-2]
    assert payload.format.width > 8  # a membrane, and no spike
    integers = snn2hw.simulate(made, X).readout * 2.0**-payload.format.frac
    assert np.abs(integers - np.sum(wanted, 0)).max() < 1e-2 * max(1.0, np.abs(wanted).max()) * STEPS


def test_a_membrane_before_the_end_is_refused(file: Path) -> None:
    made = graph(nir.LI(np.ones(3), np.ones(3), np.zeros(3)), affine(np.eye(3)), shape=[3], out=[3])
    with refused(
        UnsupportedError,
        f"""
        a neuron that does not fire stands before the end
          where:    {file}: 0 (LI)
          got:      its membrane enters {file}: 1 (Affine)
          expected: the Output behind it: synapses take 8 bits, and a membrane has more
          do:       end the graph there, or put a neuron that fires in its place
        """,
    ):
        from_nir(write(file, made), sample=X, convention=Convention(dt=1e-3))


def test_a_threshold_keeps_nothing(file: Path) -> None:
    theta = np.array([0.3, 0.5, 0.5, 1.0])
    net = from_nir(
        write(file, graph(affine(WEIGHT), nir.Threshold(theta), shape=[3], out=[N])), sample=X, convention=STATED["sinabs"]
    )
    spikes, _ = run_layers(net, X)
    assert (spikes["1"] == (theta < X @ WEIGHT.T)).all()
    trace = snn2hw.simulate(agree(net), X)
    assert (trace.spikes["1"] != spikes["1"]).mean() < 0.02


def test_a_delay_waits_for_its_steps(file: Path) -> None:
    delays = np.array([0.0, 1.0, 3.0, 2.0]) * 1e-3
    layers = (affine(WEIGHT), lif(N), nir.Delay(delays), nir.Linear(np.eye(N)))
    net = from_nir(write(file, graph(*layers, shape=[3], out=[N])), sample=X, convention="norse")
    trace = snn2hw.simulate(agree(net), X)
    fired = trace.spikes["1"]
    for k, steps in enumerate((0, 1, 3, 2)):
        assert (trace.spikes["2"][steps:, :, k] == fired[: STEPS - steps, :, k]).all()
        assert not trace.spikes["2"][:steps, :, k].any()
    assert fired.any()


@pytest.mark.parametrize(("seconds", "got"), [(0.0015, "0.0015 with dt = 0.001"), (0.063, "0.063 with dt = 0.001")])
def test_a_delay_that_is_no_number_of_steps(file: Path, seconds: float, got: str) -> None:
    path = write(file, graph(nir.Delay(np.full(3, seconds)), shape=[3], out=[3]))
    with refused(
        ValueRangeError,
        f"""
        a delay is no number of steps
          where:    {file}: 0 (Delay)
          got:      {got}
          expected: 0 to 62 steps
          do:       give the dt that the network was trained with (--dt)
        """,
    ):
        from_nir(path, sample=X, convention="norse")


def test_the_delay_at_fault_is_named(file: Path) -> None:
    path = write(file, graph(nir.Delay(np.array([1e-3, 1e-3, 1.0])), shape=[3], out=[3]))
    with pytest.raises(ValueRangeError, match=r"got:      1 with dt = 0\.001"):
        from_nir(path, sample=X, convention="norse")


@pytest.mark.parametrize("first", ["n", "n.scale"])
def test_a_node_may_be_called_as_the_scale_of_a_neuron(file: Path, first: str) -> None:
    """Neurons with a threshold per channel, one of whose names is that of the other with '.scale'."""
    names = [first, ({"n", "n.scale"} - {first}).pop()]

    def made(a: str, b: str) -> Any:
        theta = np.array([0.3, 0.5, 0.5, 1.0])
        nodes = {"input": nir.Input(np.array([3])), "w": affine(WEIGHT), a: lif(N, v_threshold=theta), "v": affine(np.eye(N))}
        nodes |= {b: lif(N, v_threshold=theta[::-1]), "output": nir.Output(np.array([N]))}
        return write(file, nir.NIRGraph(nodes, list(itertools.pairwise(nodes)), type_check=False))

    spikes, _ = run_layers(from_nir(made(*names), sample=X, convention="norse"), X)
    plain, _ = run_layers(from_nir(made("a", "b"), sample=X, convention="norse"), X)
    assert len(spikes) == 2
    assert all((got == expected).all() for got, expected in zip(spikes.values(), plain.values(), strict=True))
    assert all(s.any() for s in spikes.values())


@pytest.mark.parametrize("padding", [0, 1, "same"])
def test_a_line_is_an_image_of_one_row(file: Path, padding: Any) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(4, 2, 3)), rng.normal(size=4)
    stride = 1 if padding == "same" else 2
    x = rng.integers(0, 2, (STEPS, 2, 2, 1, 9))
    given = {"stride": stride, "padding": padding, "dilation": 1, "groups": 1}
    line = torch.nn.functional.conv1d(
        torch.tensor(x.reshape(-1, 2, 9) * 2.0, dtype=torch.float64), torch.tensor(weight), torch.tensor(bias), **given
    )
    length = int(line.shape[-1])
    layers = (
        nir.Scale(np.full((2, 9), 2.0)),
        nir.Conv1d(9, weight, stride, padding, 1, 1, bias),
        lif((4, length), tau=1e-3),
        nir.Flatten({"input": np.array([4, length])}, 0, 1),
        nir.Linear(rng.normal(size=(3, 4 * length))),
    )
    net = from_nir(write(file, graph(*layers, shape=[2, 9], out=[3])), sample=x, convention="norse")
    spikes, _ = run_layers(net, x)
    assert (spikes["2"].reshape(-1, 4, length) == (line.numpy() > 1)).all()  # tau = dt: nothing is kept
    agree(net, x)

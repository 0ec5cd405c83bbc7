"""Small float networks, written by hand: the same every time, without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.ir.network import (
    Circulate,
    Feedback,
    Input,
    Network,
    Neuron,
    Node,
    Readout,
    Reals,
    Single,
)
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    Add,
    AvgPool2d,
    Conv2d,
    Flatten,
    Linear,
    MatMul,
)
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.store import make_artefact
from snn2hw.target import load_target

Array = npt.NDArray[Any]


def image(*shape: int, lo: float = 0.0, hi: float = 1.0, static: bool = True) -> Input:
    return Input("input", (), shape, lo=lo, hi=hi, static=static, counts=False, source="input")


def counts(*shape: int, lo: float = 0.0, hi: float = 1.0) -> Input:
    return Input("input", (), shape, lo=lo, hi=hi, static=False, counts=True, source="input")


def conv(name: str, entering: str, weight: Any, bias: Any = None, window: Window | None = None, groups: int = 1) -> Conv2d:
    w = np.asarray(weight, np.float64)
    b = np.zeros(len(w)) if bias is None else np.asarray(bias, np.float64)
    window = window or Window((w.shape[2], w.shape[3]))
    return Conv2d(name, (entering,), (), weight=w, bias=b, window=window, groups=groups, source=f"{name} (Conv2d)")


def linear(name: str, entering: str, weight: Any, bias: Any = None) -> Linear:
    w = np.asarray(weight, np.float64)
    b = np.zeros(len(w)) if bias is None else np.asarray(bias, np.float64)
    return Linear(name, (entering,), (), weight=w, bias=b, source=f"{name} (Linear)")


def neuron(name: str, entering: str, kind: str = "LNM", coefficients: Any = ((0.05, 0.6, -0.1, 0.02),), **fields: Any) -> Neuron:
    given = {
        "gain": 1.0,
        "order": "poly_then_input",
        "state_range": (-4.0, 4.0),
        "firing": Single(1.0),
        "reset": "subtract",
        "reset_value": 0.0,
        "strict": False,
        **fields,
    }
    table = np.asarray(coefficients, np.float64)
    return Neuron(name, (entering,), (), kind=kind, coefficients=table, source=f"{name} ({kind})", **given)


def lif(name: str, entering: str, decay: float = 0.5, **fields: Any) -> Neuron:
    return neuron(name, entering, "LIF", ((0.0, decay),), **fields)


def integrate(name: str, entering: str, **fields: Any) -> Neuron:
    return neuron(name, entering, "IF", ((0.0, 1.0),), **fields)


def circulate(name: str, entering: str, amplitudes: Sequence[float] = (1.0, 1.0), signed: bool = True, **fields: Any) -> Neuron:
    firing = Circulate((1.0,) * len(amplitudes), tuple(amplitudes), signed)
    return neuron(name, entering, "CirculateFiring", ((0.0, 0.5),), firing=firing, **fields)


def average(name: str, entering: str, size: int = 2) -> AvgPool2d:
    return AvgPool2d(name, (entering,), (), window=Window((size, size), (size, size)), source=f"{name} (AvgPool2d)")


def flatten(name: str, entering: str) -> Flatten:
    return Flatten(name, (entering,), (), source=f"{name} (Flatten)")


def add(name: str, a: str, b: str) -> Add:
    return Add(name, (a, b), (), source=f"{name} (+)")


def readout(entering: str) -> Readout:
    return Readout("readout", (entering,), (), source="readout")


def matmul(name: str, a: str, b: str, heads: int, transposed: str, size: tuple[int, int], factor: float = 1.0) -> MatMul:
    return MatMul(name, (a, b), (), heads, transposed, size, factor, source=name)


def back(name: str, source: str, *shape: int) -> Feedback:
    return Feedback(name, (source,), shape, source=f"{name} (recurrent edge)")


def network(steps: int, *drafts: Node) -> Network:
    nodes: dict[str, Node] = {}
    for draft in drafts:
        before = [] if isinstance(draft, Feedback) else [nodes[i].shape for i in draft.inputs]
        nodes[draft.name] = replace(draft, shape=draft.output_shape(before))
    return Network(steps, tuple(nodes.values()))


def recurrent(loop: Sequence[Node] | None = None, steps: int = 6) -> Network:
    """Events -> Linear -> LIF -> Linear, and from the LIF's spikes back to it through `loop`, by default a Linear."""
    inner = [linear("rec", "back", [[0.5, -0.75], [1.0, 0.25]])] if loop is None else list(loop)
    return network(
        steps,
        counts(3),
        linear("ff", "input", normal(11, 2, 3)),
        back("back", "n", 2),
        *inner,
        add("sum", "ff", inner[-1].name if inner else "back"),
        lif("n", "sum", 0.75),
        linear("head", "n", normal(12, 2, 2)),
        readout("head"),
    )


def attending(how: str = "", factor: float = 0.125, heads: int = 2) -> Network:
    """Images 2x2x3 -> spikes -> queries, keys and values of four channels -> attention -> LIF -> Linear.

    Args:
        how: "signed" payloads, "large" ones, "linear": keys and values first, "pooled": values summed and pooled.
    """
    fires = {"signed": circulate, "large": partial(circulate, amplitudes=(62.0, 1.0))}
    fire: Callable[[str, str], Neuron] = fires.get(how, lif)
    weights = {name: normal(20 + k, 4, 4, 1, 1) for k, name in enumerate("qkv")}
    branches = [part for n, w in weights.items() for part in (conv(f"{n}.conv", "stem.n", w), fire(n, f"{n}.conv"))]
    mean = replace(average("mean", "twice"), window=Window((3, 3), padding=(1, 1)))
    values: list[Node] = [add("twice", "v", "v"), mean] if how == "pooled" else []
    v = values[-1].name if values else "v"
    products = [matmul("scores", "k", "q", heads, "first", (2, 3)), matmul("mixed", v, "scores", heads, "none", (2, 3), factor)]
    if how == "linear":
        kept = matmul("kept", v, "k", heads, "second", (4 // heads, 1))
        products = [kept, matmul("mixed", "kept", "q", heads, "none", (2, 3), factor)]
    return network(
        4,
        image(2, 2, 3),
        conv("stem", "input", normal(19, 4, 2, 1, 1, scale=2.0)),
        lif("stem.n", "stem", 0.75),
        *branches,
        *values,
        *products,
        lif("n", "mixed"),
        flatten("flat", "n"),
        linear("head", "flat", normal(25, 3, 24)),
        readout("head"),
    )


def normal(seed: int, *shape: int, scale: float = 1.0) -> Reals:
    return np.random.default_rng(seed).normal(0.2 * scale, scale, shape)


def samples(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).random(shape)


def every_kind() -> Network:
    """Convolution, pool and residual join; one layer each of LNM, CirculateFiring, LIF and IF; 1x6x6 images, 3 steps."""
    return network(
        3,
        image(1, 6, 6),
        conv("conv1", "input", normal(1, 3, 1, 3, 3), [0.1, -0.2, 0.0], Window((3, 3), padding=(1, 1))),
        neuron("lnm", "conv1"),
        conv("conv2", "lnm", normal(2, 3, 3, 3, 3, scale=0.4), window=Window((3, 3), padding=(1, 1))),
        circulate("cf", "conv2"),
        add("join", "cf", "lnm"),
        integrate("fire", "join", reset="value"),
        average("pool", "fire"),
        flatten("flat", "pool"),
        linear("fc", "flat", normal(3, 8, 27, scale=0.5)),
        lif("lif", "fc", strict=True),
        linear("head", "lif", normal(4, 4, 8)),
        readout("head"),
    )


def every_kind_sample(n: int = 5) -> Array:
    return samples(0, n, 1, 6, 6)


def one_neuron(made: Neuron, weight: Any = ((1.0, -0.5), (0.25, 0.75)), steps: int = 2) -> Network:
    """Binary events [T, N, 2] -> Linear -> the neuron -> Linear -> two classes."""
    features = len(np.asarray(weight)[0])
    return network(
        steps,
        counts(features),
        linear("fc", "input", weight),
        replace(made, inputs=("fc",)),
        linear("head", made.name, np.eye(len(weight))),
        readout("head"),
    )


def events(net: Network, n: int = 4, seed: int = 0) -> Array:
    source = net.input
    return (
        np.random.default_rng(seed)
        .integers(int(source.lo), int(source.hi), (net.steps, n, *source.shape), endpoint=True)
        .astype(np.float64)
    )


def sample_of(net: Network, n: int = 4) -> Array:
    source = net.input
    if source.counts:
        return events(net, n)
    size = (n, *source.shape) if source.static else (net.steps, n, *source.shape)
    return np.random.default_rng(0).uniform(source.lo, source.hi, size)


def compiled(
    net: Network, sample: Array | None = None, target: str = "generic", stop_after: str | None = None, **options: Any
) -> Compilation:
    """The passes on a network, up to `stop_after`."""
    x = sample_of(net) if sample is None else sample
    return run_pipeline(Compilation(net, load_target(target), Options(**options), x), stop_after)


def artefact_of(net: Network, sample: Array | None = None, target: str = "generic", **options: Any) -> Artefact:
    return make_artefact(compiled(net, sample, target, **options).network)

"""Random float networks, each a pure function of a seed. `python -m tests.random_networks SEED` runs one.

From RECURRENT on they are those of the seeds from 0 on with recurrent edges; in the integer stage, Loihi's neurons and delays.
From ATTENTION on they are others, with attention in them. From LATE on, those of the seeds from RECURRENT on with an edge more,
from a neuron to a later one. From STEPPED on, those of the seeds from 0 on (or, odd ones, from RECURRENT on) with thresholds that
depend on the step.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snn2hw.ir.encode import encode
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import (
    Input,
    Network,
    Neuron,
    Node,
    Readout,
    Reals,
)
from snn2hw.ir.real import run_real
from snn2hw.ir.shapes import Window
from snn2hw.ir.text import to_text
from snn2hw.layers import (
    Add,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Operator,
)
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import Target, load_target, targets_folder
from snn2hw.trace import Ints
from snn2hw.verification.stimuli import corner_payloads
from tests.random_attention import attention
from tests.random_layers import dense_norm, layered_stages
from tests.random_neurons import neuron_fields, with_schedules
from tests.random_recurrent import grafted, with_feedback, with_late_edge

SAMPLES = 3
RECURRENT, ATTENTION, LATE, STEPPED, LAYERED = 1 << 32, 1 << 33, 3 << 32, 1 << 34, 1 << 35
WIDE_EVERY, WIDE = 25, 1000  # one network in 25 has a fan-in of so many, whose sums pass 2**24


@dataclass(frozen=True)
class Case:
    seed: int
    network: Network
    sample: npt.NDArray[Any]  # [N, ...], or [T, N, ...] where the input is temporal
    options: Options
    target: str


def networks() -> st.SearchStrategy[Case]:
    return st.integers(0, 2**32 - 1).map(random_case)


def random_case(seed: int) -> Case:
    if LAYERED > seed >= STEPPED:
        case = random_case(seed - STEPPED + (RECURRENT if seed % 2 else 0))
        sample = case.sample if case.network.input.static or case.network.steps > 1 else np.concatenate([case.sample] * 2)
        network = with_schedules(case.network, np.random.default_rng(seed))
        return replace(case, seed=seed, network=network, sample=sample)
    if LAYERED > seed >= LATE:
        case = random_case(seed - LATE + RECURRENT)
        return replace(case, seed=seed, network=with_late_edge(case.network, np.random.default_rng(seed)))
    if ATTENTION > seed >= RECURRENT:
        case = random_case(seed - RECURRENT)
        return replace(case, seed=seed, network=with_feedback(case.network, np.random.default_rng(seed)))
    rng = np.random.default_rng(seed)
    steps = int(rng.integers(1, 5))
    if seed >= ATTENTION:
        source, sample = _input(rng, steps, images=1.0)
    else:
        source, sample = _wide_input(rng, steps) if seed % WIDE_EVERY == WIDE_EVERY - 1 else _input(rng, steps)
    grown = _Growing(rng, steps, source, sample)
    if seed >= LAYERED:
        layered_stages(rng, grown)
        if _chance(rng, 0.3):
            dense_norm(rng, grown)
    elif seed >= ATTENTION:
        _attending_stages(rng, grown)
    elif len(source.shape) == 3:
        _image_stages(rng, grown)
    _dense_stages(rng, grown)
    grown.add(Readout, "readout")
    options = Options(
        state_bits=int(rng.choice([8, 10, 12, 14, 16, 16, 16, 18, 20, 22, 24])),
        weight_bits=int(rng.choice([2, 3, 4, 5, 6, 7, 8, 8, 8])),
        scales=str(rng.choice(["auto", "layer", "channel"])),
    )
    # Loihi 2's accumulator has 32 bits: a wide state leaves no bits for coefficients, which is an error, not a network.
    loihi = 2 if options.state_bits <= 20 and seed < ATTENTION else 0  # nor does it multiply payloads
    narrow_enough = ["generic", "half_up", "toward_zero"] + ["loihi2"] * loihi
    return Case(seed, Network(steps, tuple(grown.nodes)), sample, options, str(rng.choice(narrow_enough)))


def compiled(case: Case) -> Compilation:
    c = run_pipeline(Compilation(case.network, target_of(case.target), case.options, case.sample))
    if not RECURRENT <= case.seed < ATTENTION:
        return c
    return replace(c, integer=grafted(c.network, np.random.default_rng(case.seed + 1)))


def payloads_of(case: Case, net: IntegerNetwork) -> Ints:
    return np.concatenate([corner_payloads(net, case.seed), encode(net, case.sample)], axis=1)


@cache
def target_of(name: str) -> Target:
    """A target that is shipped, or the generic one with another rounding."""
    if (targets_folder() / f"{name}.toml").is_file():
        return load_target(name)
    text = (targets_folder() / "generic.toml").read_text(encoding="utf-8")
    text, found = re.subn(r'(rounding = \{ value = )"floor"', rf'\1"{name}"', text)
    assert found == 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(text.replace('name = "generic"', f'name = "{name}"'), encoding="utf-8")
        return load_target(str(path))


def _chance(rng: np.random.Generator, p: float) -> bool:
    return bool(rng.random() < p)


def _input(rng: np.random.Generator, steps: int, images: float = 0.85) -> tuple[Input, npt.NDArray[Any]]:
    if _chance(rng, images):
        shape: tuple[int, ...] = (int(rng.integers(1, 4)), int(rng.integers(3, 8)), int(rng.integers(3, 8)))
    else:
        shape = (int(rng.integers(2, 9)),)
    kind = str(rng.choice(["image", "image", "signed image", "currents", "counts", "counts", "signed counts"]))
    static, counts = "image" in kind, "counts" in kind
    n = int(rng.integers(2, SAMPLES + 1))
    size = (n, *shape) if static else (steps, n, *shape)
    if counts:
        hi = float(rng.choice([1, 3, 7, 15, 255]))
        lo = -hi if "signed" in kind else 0.0
        sample = np.clip(rng.poisson(hi / 3, size) * (rng.choice([-1, 1], size) if lo else 1), lo, hi).astype(np.float64)
    else:
        hi = float(rng.choice([1.0, 1.0, 2.5]))
        lo = -float(rng.choice([1.0, 0.6])) if "signed" in kind else 0.0
        sample = rng.uniform(lo, hi, size) * (rng.random(size) < 0.8)
    return Input("input", (), shape, lo=lo, hi=hi, static=static, counts=counts, source="input"), sample


def _wide_input(rng: np.random.Generator, steps: int) -> tuple[Input, npt.NDArray[Any]]:
    hi = int(rng.choice([127, 255]))
    shape = (int(rng.integers(WIDE, 2 * WIDE)),)
    sample = rng.integers(0, hi, (steps, 2, *shape), endpoint=True).astype(np.float64)
    return Input("input", (), shape, lo=0.0, hi=float(hi), static=False, counts=True, source="input"), sample


class _Growing:
    """The network so far and every value on the sample, by which the next weights are scaled so that neurons fire."""

    def __init__(self, rng: np.random.Generator, steps: int, source: Input, sample: npt.NDArray[Any]) -> None:
        self.rng, self.steps, self.last = rng, steps, source.name
        self.values: dict[str, Reals] = {source.name: np.stack([sample] * steps) if source.static else sample}
        self.shapes: dict[str, tuple[int, ...]] = {source.name: source.shape}
        self.nodes: list[Node] = [source]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.shapes[self.last]

    def add(self, make: Any, name: str, inputs: Sequence[str] = (), **fields: Any) -> str:
        name = name if name == "readout" else f"{name}{len(self.nodes)}"
        draft = make(name, tuple(inputs) or (self.last,), (), source=f"{name} ({make.__name__})", **fields)
        shape = draft.output_shape([self.shapes[i] for i in draft.inputs])
        node = make(**{**vars(draft), "shape": shape})
        self.values[name] = self._value(node)
        self.shapes[name] = shape
        self.nodes.append(node)
        self.last = name
        return name

    def _value(self, node: Node) -> Reals:
        """[T, N, ...] of one node, by the real stage's own equations."""
        if isinstance(node, Operator):
            return np.stack([node.real(x) for x in zip(*(self.values[i] for i in node.inputs), strict=True)])
        entering = self.values[node.inputs[0]]
        source = Input(node.inputs[0], (), self.shapes[node.inputs[0]], lo=0, hi=1, static=False, counts=False)
        seen: list[Reals] = []
        run_real(Network(self.steps, (source, node)), entering, lambda n, i, v: seen.append(v) if n is node else None)
        return np.stack(seen)

    def synapse(self, make: Any, name: str, shape: tuple[int, ...], inputs: Sequence[str] = (), **fields: Any) -> str:
        """Conv2d or Linear; its output gets a standard deviation of about one and a small bias."""
        weight = self.rng.normal(self.rng.uniform(-0.2, 0.4), 1, shape) * (self.rng.random(shape) < 0.8)
        if weight[0].size >= WIDE:  # no weight much smaller than the largest, most of one sign
            weight = self.rng.uniform(0.9, 1, shape) * self.rng.choice([1, 1, 1, 1, -1], shape)
        if not weight.any():
            weight[...] = 0.5
        weight[:: max(1, len(weight) - 1)] *= self.rng.choice([1.0, 0.2, 3.0])  # channels of different size
        before, last = (self.values.copy(), self.shapes.copy(), self.nodes.copy()), self.last
        made = self.add(make, name, inputs, weight=weight, bias=np.zeros(len(weight)), **fields)
        mean, spread = float(self.values[made].mean()), float(self.values[made].std())
        (self.values, self.shapes, self.nodes), self.last = before, last
        weight = weight * (self.rng.uniform(0.7, 2.0) / spread if spread > 1e-9 else 1.0)
        weight = -weight if mean < 0 and _chance(self.rng, 0.9) else weight
        bias = self.rng.normal(0.2, 0.3, len(weight)) * self.rng.choice([0.0, 1.0])
        return self.add(make, name, inputs, weight=weight, bias=bias, **fields)

    def conv(self, name: str, window: Window, out: int, groups: int = 1, inputs: Sequence[str] = ()) -> str:
        channels = self.shapes[inputs[0] if inputs else self.last][0]
        shape = (out, channels // groups, *window.kernel)
        return self.synapse(Conv2d, name, shape, inputs, window=window, groups=groups)

    def neuron(self, name: str, inputs: Sequence[str] = ()) -> str:
        """Drawn again, a few times, while next to nothing fires on the sample."""
        channels, before, last = self.shapes[inputs[0] if inputs else self.last][0], len(self.nodes), self.last
        for _ in range(6):
            del self.nodes[before:]
            self.last = last
            made = self.add(Neuron, name, inputs, **neuron_fields(self.rng, channels))
            if np.mean(self.values[made] != 0) > 0.05:
                break
        return made


def _window(rng: np.random.Generator, size: tuple[int, ...], pooling: bool) -> Window:
    """A window that fits; padding of a pool at most half its kernel, as torch has it."""
    while True:
        kernel = [(1, 1), (2, 2), (3, 3), (3, 3), (1, 3), (3, 2)][rng.integers(1 if pooling else 0, 6)]
        stride = [(1, 1), (2, 2), (2, 1), kernel][rng.integers(4)]
        most = [k // 2 if pooling else k for k in kernel]
        padding = [(0, 0), (1, 1), (1, 0), (2, 2)][rng.integers(4)]
        dilation = (1, 1) if pooling else [(1, 1), (1, 1), (2, 2), (1, 2)][rng.integers(4)]
        window = Window(kernel, stride, (min(padding[0], most[0]), min(padding[1], most[1])), dilation)
        h, w = window.output((size[1], size[2]))
        if 1 <= h <= 7 and 1 <= w <= 7:
            return window


def _pool(rng: np.random.Generator, g: _Growing, exact: bool = False) -> None:
    """`exact`: only pools whose average keeps a power-of-two scale, so that an addition may follow."""
    if _chance(rng, 0.4):
        g.add(MaxPool2d, "maxpool", window=_window(rng, g.shape, True))
        return
    _, h, w = g.shape
    if not exact and _chance(rng, 0.25):
        g.add(AvgPool2d, "pool", window=Window((h, w), (h, w)))
    elif exact or _chance(rng, 0.3):
        if min(h, w) >= 2:
            g.add(AvgPool2d, "pool", window=Window((2, 2), (2, 2)))
    else:
        g.add(AvgPool2d, "pool", window=_window(rng, g.shape, True))


def _conv(rng: np.random.Generator, g: _Growing) -> None:
    channels = g.shape[0]
    groups = int(rng.choice([1, 1, channels, gcd(channels, 2)]))
    out = groups * int(rng.integers(1, max(2, 6 // groups + 1)))
    g.conv(f"block{len(g.nodes)}.conv", _window(rng, g.shape, False), out, groups)
    if _chance(rng, 0.15):
        g.add(BatchNorm, "norm", scale=rng.uniform(0.5, 1.5, out), shift=rng.normal(0.1, 0.2, out))


def _plain(rng: np.random.Generator, g: _Growing) -> None:
    if _chance(rng, 0.15):
        _pool(rng, g)
    _conv(rng, g)
    if _chance(rng, 0.2):
        _pool(rng, g)
    g.neuron("neuron")
    if _chance(rng, 0.25):
        _pool(rng, g)


def _branches(rng: np.random.Generator, g: _Growing) -> tuple[str, str]:
    """Two convolutions of the same input to the same shape, at scales of their own."""
    start, stride, out = g.last, int(rng.integers(1, 3)), int(rng.integers(1, 5))
    a = g.conv("left", Window((3, 3), (stride, stride), (1, 1)), out, inputs=[start])
    b = g.conv("right", Window((1, 1), (stride, stride)), out, inputs=[start])
    return a, b


def _membrane_add(rng: np.random.Generator, g: _Growing) -> None:
    a, b = _branches(rng, g)
    g.add(Add, "add", [b, a])
    if _chance(rng, 0.2):
        _pool(rng, g)
    g.neuron("neuron")


def _spike_add(rng: np.random.Generator, g: _Growing) -> None:
    a, b = _branches(rng, g)
    a, b = g.neuron("left_neuron", [a]), g.neuron("right_neuron", [b])
    if _chance(rng, 0.3):
        g.last = b
        _pool(rng, g, exact=True)
        b = g.last
        g.last = a
        a = g.conv("meet", _meeting(g.shapes[a], g.shapes[b]), g.shapes[b][0], inputs=[a])
    g.add(Add, "add", [a, b])


def _meeting(size: tuple[int, ...], wanted: tuple[int, ...]) -> Window:
    """A convolution without stride from one image size to another."""
    kernel, padding = zip(
        *((h - w + 1, 0) if h >= w else (1 + (w - h) % 2, (w - h + 1) // 2) for h, w in zip(size[1:], wanted[1:], strict=True)),
        strict=True,
    )
    return Window((kernel[0], kernel[1]), (1, 1), (padding[0], padding[1]))


def _shared(rng: np.random.Generator, g: _Growing) -> None:
    """One convolution read by two neurons, whose gains therefore cannot be folded; or one payload joined with itself."""
    _conv(rng, g)
    made = g.last
    a = g.neuron("first", [made])
    b = g.neuron("second", [made]) if _chance(rng, 0.7) else a
    g.add(Add, "add", [a, b])


def _identity_skip(rng: np.random.Generator, g: _Growing) -> None:
    _conv(rng, g)
    skipped = g.neuron("neuron")
    inner = g.conv("inner", Window((3, 3), padding=(1, 1)), g.shape[0], inputs=[skipped])
    inner = g.neuron("inner_neuron", [inner]) if _chance(rng, 0.5) else inner
    g.add(Add, "add", [inner, skipped])
    if _chance(rng, 0.7):
        g.neuron("neuron")


def _encoder(rng: np.random.Generator, g: _Growing) -> None:
    if _chance(rng, 0.3):
        _pool(rng, g)
    g.neuron("encoder")


def _image_stages(rng: np.random.Generator, g: _Growing) -> None:
    stages = [_plain, _plain, _plain, _membrane_add, _spike_add, _shared, _identity_skip, _encoder]
    for _ in range(int(rng.integers(1, 3))):
        stages[rng.integers(len(stages))](rng, g)
    g.add(Flatten, "flatten")


def _attending_stages(rng: np.random.Generator, g: _Growing) -> None:
    _plain(rng, g)
    attention(rng, g)
    if _chance(rng, 0.4):
        _pool(rng, g)
    g.add(Flatten, "flatten")


def _dense_stages(rng: np.random.Generator, g: _Growing) -> None:
    for _ in range(int(rng.integers(0 if len(g.nodes) > 2 else 1, 2))):
        g.synapse(Linear, "linear", (int(rng.integers(2, 7)), g.shape[0]))
        g.neuron("neuron")
    g.synapse(Linear, "head", (int(rng.integers(2, 5)), g.shape[0]))
    if _chance(rng, 0.15):
        g.neuron("counter")


def reproducer(seed: int) -> str:
    return f"reproduce: python -m tests.random_networks {seed}"


def main(seeds: Sequence[int]) -> int:
    """Show the networks of these seeds and what is wrong with them."""
    from tests.test_random_networks import outcome

    wrong = 0
    for seed in seeds:
        case, found = random_case(seed), outcome(seed)
        print(f"seed {seed}, target {case.target}, {case.options}\n{to_text(case.network)[0]}")
        print("\n".join([*found.problems, found.refused or f"compared: {found.compared}", f"firing rates: {found.rates}"]))
        wrong += bool(found.problems)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))

"""What scales do to quantisation: `python -m bench.scales` prints how far integers are from the float network, and why.

one       a channel a thousand times smaller than its neighbours, on loihi2: its spikes
grid      channels of BatchNorm scale gamma and shift beta beside ordinary ones, every neuron, two layers, two targets
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.backends.reference import interpret
from snn2hw.errors import Snn2hwError
from snn2hw.ir.encode import encode
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntegerNetwork, IntNeuron
from snn2hw.ir.network import (
    Circulate,
    Current,
    Input,
    Network,
    Neuron,
    Node,
    Potential,
    Readout,
    Reals,
    Single,
)
from snn2hw.ir.program import Instruction, Op, values_of
from snn2hw.ir.real import neuron_step, run_real
from snn2hw.ir.shapes import Window
from snn2hw.layers import Conv2d, Flatten, Linear
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.lower import shown
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import load_target

Array = npt.NDArray[Any]
STEPS, SAMPLES, SMALL, CHANNELS, FANIN = 8, 4, 2, 5, 16
GAMMAS, BETAS = tuple(10.0**-k for k in range(6, 0, -1)), tuple(b / 10 for b in range(10))
TARGETS, LAYERS = ("generic", "loihi2"), ("linear", "conv")
LSB = 4.0  # of the state, by which a head may be off, beside what 8-bit weights cost


def neurons() -> dict[str, dict[str, Any]]:
    """Settings of the neuron family that its programs differ by."""
    lif = np.array([[0.0, 0.5]])
    lnm = np.array([[0.02, 0.6, -0.1, 0.02]])
    signed = Circulate((1.0, 0.5, 0.25), (1.0, 0.5, 0.25), signed=True)
    return {
        "IF": {"coefficients": np.array([[0.0, 1.0]])},
        "LIF": {"coefficients": lif},
        "LIF, reset to value, strict": {"coefficients": lif, "reset": "value", "strict": True},
        "LNM": {"coefficients": lnm},
        "LNM, input first": {"coefficients": lnm, "order": "input_then_poly"},
        "circulate firing": {"coefficients": lif, "firing": Circulate((1.0,) * 4, (1.0,) * 4, signed=False)},
        "circulate firing, signed": {"coefficients": lif, "firing": signed},
        "gain 0.3": {"coefficients": lif, "gain": 0.3},
        "current": {"coefficients": lif, "current": Current(np.array([0.7]), (-4.0, 4.0))},
    }


def network(layer: str, fields: dict[str, Any], gamma: float, beta: float, seed: int) -> tuple[Network, Array]:
    """Channels below SMALL have weights gamma times an ordinary one's, and the bias beta."""
    rng = np.random.default_rng(seed)
    scale = np.where(np.arange(CHANNELS) < SMALL, gamma, 1.0)
    bias = np.where(np.arange(CHANNELS) < SMALL, beta, 0.1)
    given = {"gain": 1.0, "order": "poly_then_input", "state_range": (-4.0, 4.0), "firing": Single(1.0), "reset": "subtract",
             "reset_value": 0.0, "strict": False, **fields}  # fmt: skip
    nodes: list[Node]
    if layer == "linear":
        weight = rng.normal(0, 0.4, (CHANNELS, FANIN)) * scale[:, None]
        nodes = [_input(FANIN), Linear("fc", ("input",), (CHANNELS,), weight, bias)]
        shape: tuple[int, ...] = (CHANNELS,)
    else:
        weight = rng.normal(0, 0.4, (CHANNELS, 2, 3, 3)) * scale[:, None, None, None]
        shape = (CHANNELS, 4, 4)
        nodes = [_input(2, 4, 4), Conv2d("fc", ("input",), shape, weight, bias, Window((3, 3), padding=(1, 1)), 1)]
    nodes.append(Neuron("fire", ("fc",), shape, kind="N", **given))
    flat = "fire"
    if layer == "conv":
        nodes.append(Flatten("flat", ("fire",), (CHANNELS * 16,)))
        flat = "flat"
    size = int(np.prod(shape))
    nodes += [Linear("head", (flat,), (3,), rng.normal(0, 0.5, (3, size)), np.zeros(3)), Readout("readout", ("head",), (3,))]
    x = (rng.random((STEPS, SAMPLES, *nodes[0].shape)) < 0.4).astype(np.float64)
    return Network(STEPS, tuple(nodes)), x


def _input(*shape: int) -> Input:
    return Input("input", (), shape, lo=0.0, hi=1.0, static=False, counts=True)


def compiled(net: Network, x: Array, target: str, options: Options | None = None) -> Compilation:
    """The network in integers."""
    return run_pipeline(Compilation(net, load_target(target), options or Options(), x))


@dataclass(frozen=True)
class Seen:
    """Of one network.

    Args:
        beyond: the worst error of the head of any channel beyond what is explained, in state LSB.
        unexplained: neurons whose spikes first differ where errors that are explained cannot make them.
        small, others: share of the spikes that differ, of small channels and of ordinary ones.
        warned: whether the compiler found something to warn of.
    """

    beyond: float
    unexplained: int
    small: float
    others: float
    warned: bool


def measured(net: Network, done: Compilation, x: Array) -> Seen:
    """Every channel's synaptic input, as the head gives it to the state, and its spikes, against the float network's."""
    integers = done.network
    known = {n.name: n for n in net.nodes}
    equation, synapse = known["fire"], known["fc"]
    assert isinstance(equation, Neuron)
    assert isinstance(synapse, Linear | Conv2d)
    reals: dict[str, list[Reals]] = {}
    run_real(net, x, lambda node, _, value: reals.setdefault(node.name, []).append(value))
    payloads = encode(integers, x)
    trace = interpret(integers, payloads)
    got, lsb = _heads(integers, payloads)
    wanted = np.stack(reals["fc"]) * equation.gain
    most = shown(equation)
    error = np.abs(np.clip(got * lsb, -most, most) - np.clip(wanted, -most, most))
    largest = np.abs(synapse.weight.reshape(CHANNELS, -1)).max(1) * abs(equation.gain)
    active = FANIN if isinstance(synapse, Linear) else synapse.weight[0].size
    largest[SMALL:] = largest.max()  # ordinary channels may share the scale of the layer
    explained = LSB * lsb + largest / 127 * active / 2  # half a step of 8 bits, for every weight
    beyond = np.moveaxis(error, 2, -1) - explained
    fired = trace.spikes["fire"] * 2.0 ** -_node(integers, "fire").format.frac
    differ = np.moveaxis(np.stack(reals["fire"]) != fired, 2, -1)
    near = np.moveaxis(_margins(equation, wanted), 2, -1) <= STEPS * (explained + lsb)
    first = differ & (np.cumsum(differ, axis=0) == 1)  # behind it, the two are not at the same state
    return Seen(
        float(beyond.max() / lsb),
        int((first & ~near).sum()),
        float(differ[..., :SMALL].mean()),
        float(differ[..., SMALL:].mean()),
        bool(done.findings),
    )


def _margins(equation: Neuron, inputs: Reals) -> Reals:
    """How far the float membrane is, at every step, from what it would have to be for other spikes."""
    u = i = np.zeros_like(inputs[0])
    free, found = replace(equation, gain=1.0, current=None, firing=Potential()), []
    plain = replace(equation, gain=1.0, current=None)
    for t, x in enumerate(inputs):
        if equation.current is not None:
            i = np.clip(equation.current.decay * i + x, *equation.current.state_range)
            x = i
        r, _ = neuron_step(free, u, x)
        _, u = neuron_step(plain, u, x, t)
        firing, margin = equation.firing, np.full_like(r, np.inf)
        assert not isinstance(firing, Potential)
        for theta in (firing.threshold,) if isinstance(firing, Single) else firing.thresholds:
            signed = isinstance(firing, Circulate) and firing.signed
            margin = np.minimum(margin, np.minimum(np.abs(r - theta), np.abs(r + theta) if signed else np.inf))
            r = r - theta * (1.0 * (r >= theta) - signed * (r <= -theta))
        found.append(margin)
    return np.stack(found)


def _node(net: IntegerNetwork, name: str) -> Any:
    return next(n for n in net.nodes if n.name == name)


def _heads(net: IntegerNetwork, payloads: Array) -> tuple[Array, float]:
    """Values of the head [T, N, C, ...] and the real value of their unit."""
    sums = _node(net, "fc").value([payloads.reshape(-1, *payloads.shape[2:])])
    head, unit = head_values(_node(net, "fire"), sums)
    return head.reshape(*payloads.shape[:2], *sums.shape[1:]), unit


def head_values(node: IntNeuron, sums: Array) -> tuple[Array, float]:
    """What the head of a neuron makes of sums [N, C, ...], and the real value of its unit."""
    assert node.program.roles is not None

    def sources(i: Instruction) -> Array:
        if i.op is Op.PARAM:
            return np.array(values_of(i), np.int64).reshape((-1,) + (1,) * (sums.ndim - 2))
        return sums if i.op is Op.INPUT else np.zeros_like(sums)

    name = node.program.roles.entering
    return evaluate(node.program, sources)[name], 2.0 ** -node.program.by_name[name].format.frac


def grid(
    gammas: Sequence[float] = GAMMAS, betas: Sequence[float] = BETAS, names: Sequence[str] = ()
) -> Iterator[tuple[str, Seen | str]]:
    """(what, Seen) of every network of the grid, or (what, reason) where it is refused."""
    for seed, (name, layer, gamma, beta) in enumerate(product(names or neurons(), LAYERS, gammas, betas)):
        net, x = network(layer, neurons()[name], gamma, beta, seed)
        for target in TARGETS:
            what = f"{target}, {layer}, {name}, gamma {gamma:g}, beta {beta:g}"
            try:
                yield what, measured(net, compiled(net, x, target), x)
            except Snn2hwError as error:
                yield what, error.what


def say_one() -> None:
    """The spikes of a neuron whose weights are a thousand times smaller, on loihi2."""
    import torch

    from snn2hw import api, nn

    torch.manual_seed(0)
    model: Any = nn.Sequential(nn.Linear(16, 4), nn.LIF(0.5), nn.Linear(4, 2)).eval()
    with torch.no_grad():
        model[0].weight[1:] *= 8
        model[0].weight[0] *= 1e-3
        model[0].bias[0] = 0.9
    x = np.random.default_rng(0).random((6, 8, 16)) < 0.4
    trace = api.simulate(api.compile(model, x, target="loihi2"), x)
    print("one: neuron 0 fires", *trace.spikes["1"][:, 0, 0].tolist())


def say_grid(names: Sequence[str] = ()) -> None:
    """What the grid shows: networks whose heads or spikes are off by more than is explained, and those that are refused."""
    start, all_ = time.perf_counter(), list(grid(names=names))
    found = [(what, seen) for what, seen in all_ if isinstance(seen, Seen)]
    refused = [(what, why) for what, why in all_ if isinstance(why, str)]
    off = [(what, seen) for what, seen in found if seen.beyond > 0 or seen.unexplained]
    print(f"grid: {len(all_)} networks in {time.perf_counter() - start:.0f} s, {len(refused)} refused")
    print(f"  heads off by more than {LSB:g} state LSB and 8-bit weights explain: {sum(s.beyond > 0 for _, s in found)} networks")
    print(f"  spikes that differ where the float membrane is farther than that from its threshold: "
          f"{sum(s.unexplained > 0 for _, s in found)} networks")  # fmt: skip
    print(f"  of these without a warning: {sum(not s.warned for _, s in off)} networks; "
          f"with a warning in all: {sum(s.warned for _, s in found)}")  # fmt: skip
    print(f"  differing spikes: small channels {100 * np.mean([s.small for _, s in found]):.3f} %, "
          f"ordinary ones {100 * np.mean([s.others for _, s in found]):.3f} %")  # fmt: skip
    print("".join(f"  refused: {what}: {why}\n" for what, why in refused[:8]), end="")
    for what, seen in sorted(off or found, key=lambda f: -f[1].beyond)[:5]:
        print(f"  worst: {seen.beyond:+.2f} state LSB beyond, {seen.unexplained} spikes unexplained, {what}")


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["one", "grid", "all"])
    parser.add_argument("--neuron", action="append", default=[], choices=list(neurons()), help="of the grid, this one only")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.what in ("one", "all"):
        say_one()
    if given.what in ("grid", "all"):
        say_grid(given.neuron)


if __name__ == "__main__":
    main()

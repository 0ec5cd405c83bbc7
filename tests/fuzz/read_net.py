"""lava-dl's .net files. What is loaded is compared with what h5py itself reads from the same damaged file."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.formats.netx.read import from_netx, transformed
from snn2hw.ir.integer import IntegerNetwork, IntInput
from snn2hw.ir.loihi import ALIGN_BITS, DECAY_ALL
from snn2hw.ir.program import Op
from snn2hw.layers import IntConv2d, IntLinear
from tests.fuzz.harness import Attempt, Reader
from tests.fuzz.hdf5 import damaged
from tests.netx_files import LIF, conv, dense, events_input, image_input, write_net


def prepare(folder: Path) -> list[bytes]:
    """Three networks: dense, convolution, pooling."""
    rng = np.random.default_rng(0)
    pool = {"type": "pool", "shape": np.array([2, 2, 2]), "kernelSize": 2, "stride": 2, "weight": 30.0, "neuron": LIF}
    nets = [
        [
            events_input((3, 1, 1)),
            dense(rng.integers(-9, 99, (4, 3)), [2, -4, 0, 6], delay=[0, 2, 1, 0]),
            dense(rng.integers(-9, 99, (2, 4))),
        ],
        [
            image_input((2, 5, 5)),
            conv(rng.integers(-20, 40, (4, 2, 3, 3)), (4, 3, 3), 2, 1, refDelay=3),
            {"type": "flatten", "shape": np.array([1, 1, 36])},
            dense(rng.integers(-30, 60, (3, 36))),
        ],
        [events_input((2, 4, 4)), pool, {"type": "average", "shape": np.array([2])}],
    ]
    return [write_net(folder / f"{n}.net", layers).read_bytes() for n, layers in enumerate(nets)]


def damage(rng: random.Random, folder: Path, good: list[bytes]) -> Attempt:
    """A damaged file."""
    path = folder / "x.net"
    says, verdict = damaged(rng, path, rng.choice(good))
    return Attempt(says, verdict or (lambda got: got == stated(path)))


def read(folder: Path, good: Any) -> dict[str, Any]:
    """What the network says, in the file's own terms."""
    path = folder / "x.net"
    net = from_netx(path, readout="spikes")
    if isinstance(net.nodes[0], IntInput) and net.nodes[0].static:
        transformed(path, np.zeros(net.nodes[0].shape))
    return meaning(net)


def meaning(net: IntegerNetwork) -> dict[str, Any]:
    """Steps, and of each layer its weights and registers, as the file has them."""
    first = net.nodes[0]
    found: dict[str, Any] = {"steps": net.steps, "input": list(first.shape)}
    if isinstance(first, IntInput) and first.static:
        found["pixels"] = [first.interval.lo, first.interval.hi]
    for node in net.nodes:
        if isinstance(node, IntLinear | IntConv2d) and not node.name.endswith("average"):
            double = -node.format.frac - ALIGN_BITS
            weight = node.weight.astype(int) << double
            if node.name.endswith(".recurrent"):
                found[node.name.rpartition(".")[0]]["weight_rec"] = weight.ravel().tolist()
                continue
            if node.name.endswith("pool") and (weight == weight[:1]).all():
                weight = weight[0]
            found[node.name.rpartition(".")[0]] = {"weight": weight.ravel().tolist()}
    for neuron in (n for n in net.neurons if not n.name.endswith(".delay")):
        params = {i.name: i.attrs[0] for i in neuron.program.instructions if i.op is Op.PARAM}
        registers = {k: _collapsed(params[k]) for k in ("u_decay", "v_decay", "threshold", "bias") if k in params}
        found.setdefault(neuron.name, {})["registers"] = registers
    return found


def _collapsed(values: Any) -> list[int]:
    """Equal ones are one."""
    given = [int(v) for v in np.ravel(values)]
    return given[:1] if len(set(given)) == 1 else given


def stated(path: Path) -> dict[str, Any]:
    """The same, by h5py alone."""
    import h5py

    with h5py.File(path, "r") as file:
        steps = file["simulation/tSample"][()]
        begins = np.ravel(file["layer/0/type"][()])[0] == b"input"
        shape = file["layer/0/shape" if begins else "layer/0/inFeatures"][()]
        found: dict[str, Any] = {"steps": int(np.ravel(steps)[0]), "input": [int(n) for n in np.ravel(shape)]}
        for n in range(len(file["layer"])):
            layer = file[f"layer/{n}"]
            if "neuron" not in layer and "inFeatures" not in layer:
                continue
            held: dict[str, Any] = {}
            if n or not begins:
                weight = np.asarray(layer["weight"][()], float)
                kind = np.ravel(layer["type"][()])[0]
                if kind == b"pool":  # the same for every channel
                    kernel = np.broadcast_to(np.ravel(layer["kernelSize"][()]), 2).astype(int)
                    weight = np.broadcast_to(weight.reshape(kernel if weight.size > 1 else (1, 1)), kernel)
                held["weight"] = weight.ravel().tolist()
                if kind == b"dense_rec":
                    held["weight_rec"] = np.ravel(layer["weight_rec"][()]).astype(float).tolist()
            if "neuron" not in layer:  # netx adds up what enters
                found[f"layer.{n}"] = {**held, "registers": {"u_decay": [DECAY_ALL], "v_decay": [0]}}
                continue
            neuron = layer["neuron"]
            registers = {
                "v_decay": [DECAY_ALL - _number(neuron, "vDecay")],
                "threshold": [_number(neuron, "vThMant") << ALIGN_BITS],
            }
            if n or not begins:  # an input has no synapse, and nobody reads the decay of its current
                registers["u_decay"] = [DECAY_ALL - _number(neuron, "iDecay")]
                bias = [int(b) << ALIGN_BITS for b in np.ravel(layer["bias"][()])] if "bias" in layer else [0]
                if any(bias):
                    registers["bias"] = _collapsed(bias)
            else:
                centre, half = (int(np.ravel(layer[k][()])[0]) if k in layer else d for k, d in (("bias", 0), ("weight", 64)))
                found["pixels"] = [centre - abs(half), centre + abs(half)]
            found[f"layer.{n}"] = {**held, "registers": registers}
    return found


def _number(group: Any, name: str) -> int:
    return int(np.ravel(group[name][()])[0])


READER = Reader("net", prepare, damage, read, quick=12)

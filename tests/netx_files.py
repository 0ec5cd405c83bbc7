"""Small .net files in lava-dl's form, and what they compute, written once more as plain loops over the chip's law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snn2hw.trace import Ints

Fields = Mapping[str, Any]
LIF = {"type": "LOIHI", "iDecay": 1024, "vDecay": 512, "vThMant": 20, "refDelay": 1, "wgtExp": 0}
# as lava-dl 0.6 writes it
CUBA = {"type": "CUBA", "iDecay": 1024, "vDecay": 512, "vThMant": 20, "refDelay": 1, "gradedSpike": False}


def write_net(path: Path, layers: Sequence[Fields], steps: int | None = 6) -> Path:
    """A file with these layers; a dictionary is a group, a word a fixed-length string as lava-dl writes it."""
    import h5py

    def write(group: Any, fields: Fields) -> None:
        for name, value in fields.items():
            if isinstance(value, dict):
                write(group.create_group(name), value)
            elif isinstance(value, str):
                group.create_dataset(name, (1,), "S10", [value.encode("ascii")])
            else:
                group.create_dataset(name, data=value)

    with h5py.File(path, "w") as file:
        for n, fields in enumerate(layers):
            write(file.create_group(f"layer/{n}"), fields)
        if steps is not None:
            file.create_dataset("simulation/tSample", data=steps)
    return path


def image_input(shape: tuple[int, ...], **neuron: Any) -> Fields:
    return {"type": "input", "shape": np.array(shape), "weight": 40.0, "bias": 36.0, "neuron": {**LIF, **neuron}}


def events_input(shape: tuple[int, ...]) -> Fields:
    return {"type": "input", "shape": np.array(shape)}


def dense(weight: Any, bias: Any = 0, *, delay: Any = None, **neuron: Any) -> Fields:
    out, entering = np.shape(weight)
    given = {} if delay is None else {"delay": delay}
    return {
        **{"type": "dense", "shape": np.array([out, 1, 1]), "inFeatures": entering, "outFeatures": out},
        **{"weight": np.asarray(weight, np.float32), "bias": np.broadcast_to(bias, (out,)).astype(np.float32)},
        **{"neuron": {**LIF, **neuron}, **given},
    }


def recurrent(weight: Any, back: Any, bias: Any = 0, **neuron: Any) -> Fields:
    made = {**dense(weight, bias), "type": "dense_rec", "weight_rec": np.asarray(back, np.float32)}
    return {**made, "shape": made["shape"][:1], "neuron": {**CUBA, **neuron}}


def without_neuron(weight: Any) -> Fields:
    """As `block.cuba.Affine(dynamics=False)` is written."""
    return {name: value for name, value in dense(weight).items() if name not in ("neuron", "bias")}


def conv(weight: Any, shape: tuple[int, ...], stride: int = 1, padding: int = 0, **neuron: Any) -> Fields:
    out, entering, kh, kw = np.shape(weight)
    return {
        **{"type": "conv", "shape": np.array(shape), "inChannels": entering, "outChannels": out, "groups": 1},
        **{"kernelSize": np.array([kh, kw]), "stride": stride, "padding": padding, "dilation": 1},
        **{"weight": np.asarray(weight, np.float32), "bias": np.zeros(out), "neuron": {**LIF, **neuron}},
    }


def truncated(x: int, keep: int) -> int:
    return (abs(x) * keep >> 12) * (1 if x >= 0 else -1)


def lif_by_hand(sums: Ints, neuron: Fields, bias: Ints, delay: Ints) -> tuple[Ints, Ints, Ints]:
    """(spikes after their delay, u, v), all [T, n], of n neurons with synaptic sums [T, n]; Python integers, one at a time."""
    spikes, us, vs = (np.zeros_like(sums) for _ in range(3))
    for n in range(sums.shape[1]):
        u = v = wait = 0
        for t in range(len(sums)):
            u = truncated(u, 4096 - neuron["iDecay"]) + (int(sums[t, n]) << 6)
            v = truncated(v, 4096 - neuron["vDecay"]) + u + (int(bias[n]) << 6)
            if wait:
                v, wait = 0, wait - 1
            elif v > neuron["vThMant"] << 6:
                v, wait = 0, neuron["refDelay"] - 1
                if t + delay[n] < len(sums):
                    spikes[t + delay[n], n] = 1
            us[t, n], vs[t, n] = u, v
    return spikes, us, vs

"""What Sinabs, Norse, snnTorch and Rockpool themselves make of a NIR file; run as a script where they are installed.

python nir_writers.py WRITER FILE x.npy out.npz [dt]     x [T, N, ...]; out: spikes/NODE and v/NODE [T, N, ...]
python nir_writers.py WRITER_readout FILE x.npy out.npz  out: readout [N, classes], one sample after the other
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np


def sinabs(path: str, x: Any) -> Iterator[tuple[str, Any]]:
    import nir
    import torch
    from sinabs.nir import from_nir

    steps, samples = x.shape[:2]
    model = from_nir(nir.read(path), batch_size=samples)
    found: dict[str, Any] = {}
    for name, module in model.named_modules():
        if hasattr(module, "spike_fn"):
            module.record_states = True

            def hook(m: Any, _: Any, out: Any, name: str = name) -> None:
                spikes = out.reshape(samples, steps, *out.shape[1:])
                found[f"spikes/{name}"] = spikes.transpose(0, 1)
                found[f"v/{name}"] = m.recordings["v_mem"].transpose(0, 1)

            module.register_forward_hook(hook)
    model(torch.tensor(x).transpose(0, 1).reshape(samples * steps, *x.shape[2:]))
    yield from found.items()


def norse(path: str, x: Any, dt: str = "0.001") -> Iterator[tuple[str, Any]]:
    import nir
    import norse.torch
    import torch

    model, state, spikes, v = norse.torch.from_nir(nir.read(path), dt=float(dt)), None, [], []
    for now in torch.tensor(x):
        _, state = model(now, state)  # of a recurrent graph the last node that ran, whichever it is
        own = state.state["1"][0]
        spikes.append(state.cache["1"])
        v.append(own.v if hasattr(own, "v") else own[1].v)  # a CubaLIF has two states
    yield "spikes/1", torch.stack(spikes)
    yield "v/1", torch.stack(v)


def snntorch(path: str, x: Any) -> Iterator[tuple[str, Any]]:
    import nir
    import torch
    from snntorch.import_nir import import_from_nir

    graph = nir.read(path)
    lif = graph.nodes["1"]
    unit = lif.w_in[0] * 1e-4 / lif.tau_syn[0] if hasattr(lif, "w_in") else lif.r[0] * 1e-4 / lif.tau[0]
    model, spikes, v = import_from_nir(graph), [], []
    for now in torch.tensor(x):
        spikes.append(model(now)[0])
        v.append(getattr(model, "1").mem * float(unit))
    yield "spikes/1", torch.stack(spikes)
    yield "v/1", torch.stack(v)


def norse_readout(path: str, x: Any) -> Iterator[tuple[str, Any]]:
    import nir
    import norse.torch
    import torch

    model, readouts = norse.torch.from_nir(nir.read(path)), []
    for sample in torch.tensor(x).transpose(0, 1):
        state, total = None, torch.zeros(())
        for now in sample:
            out, state = model(now, state)
            total = total + out
        readouts.append(total)
    yield "readout", torch.stack(readouts)


def snntorch_readout(path: str, x: Any) -> Iterator[tuple[str, Any]]:
    import nir
    import torch
    from snntorch.import_nir import import_from_nir

    fresh, readouts = import_from_nir(nir.read(path)), []
    for sample in torch.tensor(x).transpose(0, 1):
        model = copy.deepcopy(fresh)
        readouts.append(torch.stack([model(now)[0] for now in sample]).sum(0))
    yield "readout", torch.stack(readouts)


def rockpool(path: str, x: Any) -> Iterator[tuple[str, Any]]:
    import nir
    import torch
    from rockpool.nn.modules.torch.nir import from_nir

    graph = nir.read(path)
    inner = "1.1" if isinstance(graph.nodes["1"], nir.NIRGraph) else "1"
    model = from_nir(graph)
    layer = model.get_submodule("1")
    layer._record = True
    spikes = model(torch.tensor(x).transpose(0, 1))[0]
    yield f"spikes/{inner}", spikes.transpose(0, 1)
    yield f"v/{inner}", layer._record_dict["vmem"].transpose(0, 1)


def rockpool_written(path: str, x: Any) -> Iterator[tuple[str, Any]]:
    """Of a network of Rockpool's own: writes it to the path, and runs it from its first state."""
    import nir
    import torch
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch
    from rockpool.nn.modules.torch.nir import to_nir

    torch.manual_seed(0)
    times = {"tau_mem": 8e-3, "tau_syn": 4e-3, "dt": 1e-3}
    first, second = LinearTorch((x.shape[2], 10)), LinearTorch((10, 4), has_bias=True)
    model = Sequential(first, LIFTorch(10, **times), second, LIFTorch(4, **times))
    nir.write(path, to_nir(model))
    _, _, found = model.reset_state()(torch.tensor(x).transpose(0, 1), record=True)
    for layer in ("1_LIFTorch", "3_LIFTorch"):
        yield f"spikes/{layer}", found[f"{layer}_output"].transpose(0, 1)


if __name__ == "__main__":
    writer, path, given, out, *rest = sys.argv[1:]
    made = globals()[writer](path, np.load(given).astype(np.float32), *rest)
    np.savez(out, **{name: value.detach().numpy() for name, value in made})

"""What lava-dl's own netx makes of a .net file on Lava; run as a script by the side environment's Python 3.10.

python netx_truth.py FILE x.npy out.npz     x [T, n] of 0 and 1; out: u/K, v/K, s/K [T, n] of the K-th layer of neurons

Every layer is reset when the first step of the sample reaches it, which is two steps after the source fired for the first layer,
and one more for each that follows; what is returned begins there.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np


def without_torch() -> None:
    """What netx imports of torch and slayer is for other neurons and for its float modules."""
    slayer = ("lava.lib.dl.slayer", "lava.lib.dl.slayer.neuron", "lava.lib.dl.slayer.neuron.rf")
    for name in (*slayer, "lava.lib.dl.netx.sequential_modules"):
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__file__ = __file__  # Lava looks beside every module for models of its processes
    sys.modules["lava.lib.dl.slayer.neuron.rf"].neuron_params = None  # type: ignore[attr-defined]


def recorded(path: str, x: Any) -> dict[str, Any]:
    without_torch()
    from lava.lib.dl.netx.blocks import models, process
    from lava.lib.dl.netx.hdf5 import Network
    from lava.magma.core.decorator import implements
    from lava.magma.core.run_conditions import RunSteps
    from lava.magma.core.run_configs import Loihi2SimCfg
    from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
    from lava.proc.io.source import RingBuffer
    from lava.proc.monitor.process import Monitor

    @implements(proc=process.RecurrentDense, protocol=LoihiProtocol)
    class Recurrent(models.AbstractPyBlockModel):  # as the models of all other blocks; netx itself forgot this one
        pass

    process.Recurrent = Recurrent  # where Lava looks for it
    steps = len(x)
    net = Network(net_config=path, reset_interval=10 * steps, reset_offset=1)
    late = [k + 1 for k in range(len(net.layers))]
    source = RingBuffer(data=np.concatenate([x.T, np.zeros((x.shape[1], max(late)), int)], axis=1).astype(np.int32))
    source.s_out.connect(net.inp)
    probes = {}
    for k, layer in enumerate(net.layers):
        for name, variable in (("u", layer.neuron.u), ("v", layer.neuron.v), ("s", layer.neuron.s_out)):
            monitor = Monitor()
            monitor.probe(variable, steps + max(late))
            probes[f"{name}/{k}"] = monitor
    net.run(condition=RunSteps(steps + max(late)), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    found = {}
    for name, monitor in probes.items():
        (values,) = (v for process in monitor.get_data().values() for v in process.values())
        begins = late[int(name.split("/")[1])]
        found[name] = np.asarray(values)[begins : begins + steps]
    net.stop()
    return found


if __name__ == "__main__":
    given, samples, out = sys.argv[1:]
    np.savez(out, **recorded(given, np.load(samples)))

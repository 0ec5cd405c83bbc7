"""Runs in the side environment: our constructors' processes against the reference, read by Lava's Monitor and `.get()`."""

import json

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.monitor.process import Monitor

from snn2hw.backends.reference import step
from snn2hw.ir.program_text import program_from_text
from snn2hw.lava import LNM, CirculateFiring

STEPS = 40
CASES = [
    (LNM, {"shape": (7,), "coefficients": [0.05, 0.6, -0.1, 0.02]}),
    (LNM, {"shape": (3, 4, 2), "coefficients": [[0.0, 0.5, 0.1], [0.1, 0.9, -0.05], [-0.2, 0.3, 0.0]], "strict": True}),
    (LNM, {"shape": (5,), "coefficients": [0.0, 0.7], "input_unit": 0.013, "reset": "value", "reset_value": -0.5, "gain": 0.5}),
    (LNM, {"shape": (5,), "coefficients": [0.1, 0.4, -0.02], "order": "input_then_poly", "reset": "none", "state_bits": 12}),
    (LNM, {"shape": (6,), "coefficients": [0.0, 0.9], "state_bits": 18, "state_range": (-1.0, 2.0), "bias": [3] * 6}),
    (CirculateFiring, {"shape": (8,)}),
    (CirculateFiring, {"shape": (2, 3), "levels": 3, "threshold": [1.0, 0.5, 0.25], "amplitudes": [1.0, 0.5, 0.25]}),
    (CirculateFiring, {"shape": (4,), "levels": 2, "signed": False, "decay": [0.5, 0.25, 0.9, 1.0], "target": "generic"}),
]

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    different = compared = spikes = 0
    for make, given in CASES:
        neurons = make(**given)
        shape = given["shape"]
        x = rng.integers(-160, 320, (*shape, STEPS))
        x[..., STEPS // 2] = 30_000  # far past the state range: the clamp
        source, sink, monitor = Source(data=x.astype(np.int32)), Sink(shape=shape, buffer=STEPS), Monitor()
        source.s_out.connect(neurons.a_in)
        neurons.s_out.connect(sink.a_in)
        monitor.probe(neurons.u, STEPS)
        seen = []
        for count in (STEPS // 2, STEPS - STEPS // 2):
            neurons.run(condition=RunSteps(num_steps=count), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
            seen.append(neurons.u.get().astype(np.int64))
        payloads = sink.data.get().astype(np.int64)
        (probed,) = [d for v in monitor.get_data().values() for d in v.values()]
        neurons.stop()

        program = program_from_text(neurons.proc_params["program"])
        state = {"u": np.zeros((1, *shape), np.int64)}
        bias = given.get("bias", [0])[0]
        for t in range(STEPS):
            fired, state = step(program, x[None, ..., t] + bias, state)
            law = state["u"][0]
            different += int((fired[0] != payloads[..., t]).sum()) + int((law != probed[t].reshape(shape)).sum())
            if t + 1 == STEPS // 2:
                different += int((law != seen[0]).sum())
            compared += 2 * law.size
            spikes += int((fired != 0).sum())
        different += int((law != seen[1]).sum())
    with open("neurons.json", "w") as file:
        json.dump({"cases": len(CASES), "compared": compared, "different": different, "spikes": spikes}, file)

"""A trained LNM layer between Lava's own RingBuffer source, Dense and sink. Run it under Python 3.10 with lava-nc:

python docs/how-to/lava_example.py build/lnm 10
"""

import sys

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

import snn2hw
from snn2hw.lava import layer

STEPS, INPUTS, WEIGHT_EXP = 20, 16, 4

if __name__ == "__main__":
    artefact = snn2hw.load(sys.argv[1])
    neurons = layer(artefact, sys.argv[2])  # the layer's learned polynomial, in the integers that were verified
    size = int(np.prod(neurons.s_out.shape))
    rng = np.random.default_rng(0)
    spikes = rng.integers(0, 2, (INPUTS, STEPS))
    weights = 2 * rng.integers(-60, 61, (size, INPUTS))  # Dense keeps even weights where signs are mixed

    source, dense, sink = Source(data=spikes), Dense(weights=weights, weight_exp=WEIGHT_EXP), Sink(shape=(size,), buffer=STEPS)
    source.s_out.connect(dense.s_in)
    dense.a_out.reshape(neurons.a_in.shape).connect(neurons.a_in)
    neurons.s_out.reshape((size,)).connect(sink.a_in)

    neurons.run(condition=RunSteps(num_steps=STEPS), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    payloads, state = sink.data.get().astype(int), neurons.u.get()
    neurons.stop()
    print(f"{payloads.sum()} spikes of {size} neurons in {STEPS} steps; states {state.min()} to {state.max()}")
    np.savez("example.npz", spikes=spikes, weights=weights << WEIGHT_EXP, payloads=payloads, state=state)

"""Intel's PilotNet for Loihi, frame in, steering angle out, in integers. Run beside network.net and image.npy."""

import numpy as np

import snn2hw

net = snn2hw.read_network("network.net", steps=17)  # the chip's integers, as they are
frame = np.load("image.npy").transpose(2, 1, 0)[None]  # [W, H, C] -> [N, C, H, W]; already transformed

artefact = snn2hw.compile(net, frame, out="build/pilotnet")
trace = snn2hw.simulate(artefact, frame, executor="auto")
print("spikes a layer:", {name: int(s.sum()) for name, s in trace.spikes.items() if name != "layer.10"})
print("steering angle:", trace.readout[0, 0] / 16 / 32 / 64, "rad")

verdict = snn2hw.verify(artefact, frame, executors=("reference", "fast", "onnxruntime"))
print("equal:", verdict.equal, verdict.compared)

"""A picture of every spike of a layer, in floats and in integers: python examples/float_and_integers.py spikes.png"""

import sys

import numpy as np
import torch
from matplotlib.figure import Figure

import snn2hw
from snn2hw import nn, train
from snn2hw.data import task

digits, test = task("digits", "train"), task("digits", "test")
torch.manual_seed(0)
model = torch.nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.LNM(degree=3), nn.Linear(64, 10))
train.fit(model, digits, steps=8, recipe=train.Recipe(epochs=10), progress=False)
artefact = snn2hw.compile(model, digits.samples[:256], steps=8)

shown = test.samples[:6]
kept = []
hook = model[2].register_forward_hook(lambda module, inputs, spikes: kept.append(spikes))
with torch.no_grad():
    model(nn.repeat(shown, steps=8))
hook.remove()
floats = kept[0].numpy() != 0  # [T, N, 64]
integers = snn2hw.simulate(artefact, shown).spikes["2"] != 0
result = snn2hw.evaluate(artefact, test.samples, test.labels, model)

by_float, by_integer = (a.transpose(2, 1, 0).reshape(64, -1) for a in (floats, integers))  # [neuron, sample and step]
colours = np.ones((*by_float.shape, 3))
colours[by_float & by_integer] = (0.1, 0.1, 0.1)
colours[by_float & ~by_integer] = (0.85, 0.1, 0.1)
colours[~by_float & by_integer] = (0.1, 0.3, 0.9)

figure = Figure(figsize=(9, 4.6), layout="constrained")
above, below = figure.subplots(2, 1, height_ratios=(1, 4))
above.imshow(np.concatenate([image[0] for image in shown.numpy()], axis=1), cmap="Greys", aspect="equal")
above.axis("off")
below.imshow(colours, aspect="auto", interpolation="nearest")
below.vlines(np.arange(8, 48, 8) - 0.5, -0.5, 63.5, color="0.6", lw=0.8)
below.set_xlabel("six images, eight steps each")
below.set_ylabel("neuron")
apart = result.layers["2"].spike_mismatch
below.set_title(
    f"black: both fire; red: only the float, blue: only the integers ({apart:.1%} of all spikes)\n"
    f"accuracy: float {result.float_accuracy:.1%}, integers {result.accuracy:.1%}. "
    "All back ends agree on every integer.",
    fontsize=10,
)
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "spikes.png", dpi=110)
print(f"{apart:.2%} of the spikes differ; float {result.float_accuracy:.2%}, integers {result.accuracy:.2%}")

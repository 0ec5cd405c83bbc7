"""A neuron that gets tired, written as one step, trained, compiled and verified: python examples/own_neuron.py"""

import torch

import snn2hw
from snn2hw import nn, train
from snn2hw.data import task


class Tiring(nn.CustomNeuron):
    """Every spike raises the threshold, which falls back by itself."""

    states = {"v": nn.State(range=(-4.0, 4.0)), "a": nn.State(range=(0.0, 4.0))}

    def __init__(self):
        super().__init__()
        self.strength = torch.nn.Parameter(torch.tensor(0.25))

    def step(self, x, v, a):
        """One step: the input and both states to the spike and the next states."""
        v = 0.75 * v + x
        s = nn.fire(v, 0.5 + a)
        return s, {"v": v - s, "a": 0.875 * a + self.strength * s}


digits, test = task("digits", "train"), task("digits", "test")
torch.manual_seed(0)
model = torch.nn.Sequential(nn.Flatten(), nn.Linear(64, 48), Tiring(), nn.Linear(48, 10))
train.fit(model, digits, steps=4, recipe=train.Recipe(epochs=3), progress=False)

artefact = snn2hw.compile(model, digits.samples[:256], steps=4)
result = snn2hw.evaluate(artefact, test.samples, test.labels, model)
print(f"float {result.float_accuracy:.2%}, integers {result.accuracy:.2%}")
print("equal:", snn2hw.verify(artefact, test.samples).equal)

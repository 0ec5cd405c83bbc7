"""On which chips a network fits, and why not on the others: python examples/which_chip.py"""

import torch

import snn2hw
from snn2hw import nn
from snn2hw.target import target_names

torch.manual_seed(0)
model = torch.nn.Sequential(nn.Linear(128, 256), nn.LIF(0.5), nn.Linear(256, 10)).eval()
events = (torch.rand(10, 8, 128) < 0.1).float()  # [T, N, F]
artefact = snn2hw.compile(model, events)

for name in target_names():
    cost = snn2hw.estimate(artefact, target=name, samples=events)
    energy = "energy not public" if cost.energy_joules is None else f"{cost.energy_joules.value:.2g} J a sample"
    verdict = "fits" if cost.fits else "does not fit" if cost.reasons else "states no size"
    print(f"{name:14} {verdict}, cores: {cost.cores or 'none'}, {energy}")
    for reason in cost.reasons:
        print(" " * 15 + reason)

"""A snnTorch model as it is, nothing rewritten (pip install snntorch): python examples/snntorch_model.py"""

import snntorch
import torch

import snn2hw


class Net(torch.nn.Module):
    """Two layers, stepped by hand, as snnTorch's own tutorials write them."""

    def __init__(self):
        super().__init__()
        self.fc1, self.lif1 = torch.nn.Linear(64, 32), snntorch.Leaky(beta=0.9)
        self.fc2, self.lif2 = torch.nn.Linear(32, 10), snntorch.Leaky(beta=0.9)

    def forward(self, x):
        """[N, 64] to the spikes [T, N, 10]."""
        mem1, mem2, spikes = self.lif1.init_leaky(), self.lif2.init_leaky(), []
        for _ in range(10):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
        return torch.stack(spikes)


torch.manual_seed(0)
model, samples = Net().eval(), torch.rand(32, 64)  # train it as ever; take real samples
print(snn2hw.convert(model, samples).conversion)
artefact = snn2hw.compile(model, samples)
print("equal:", snn2hw.verify(artefact, samples).equal)

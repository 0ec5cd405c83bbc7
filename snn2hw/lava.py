"""Neurons of snn2hw for Lava networks of your own, where lava-nc is installed (Python 3.10).

    from snn2hw.lava import LNM, layer
    neurons = layer(snn2hw.load("build/lnm"), "2")     # an LNM layer as a Lava process: a_in, s_out, u
    others = LNM(shape=(10,), coefficients=[0.0, 0.6, -0.1, 0.02])      # or from real parameters
    dense.a_out.connect(neurons.a_in)

docs/how-to/lava_example.py is a whole network, docs/how-to/lava.md says how it works.
"""

from snn2hw.backends.lava.neurons import LIF, LNM, CirculateFiring, layer
from snn2hw.backends.lava.process import Bias, Branches, Join, Pool, ProgramNeuron

__all__ = ["LIF", "LNM", "Bias", "Branches", "CirculateFiring", "Join", "Pool", "ProgramNeuron", "layer"]

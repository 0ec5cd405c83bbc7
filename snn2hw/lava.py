"""Neurons of snn2hw for Lava networks of your own, where lava-nc is installed (Python 3.10).

    from snn2hw.lava import layer
    neurons = layer(snn2hw.load("build/lnm"), "2")     # an LNM layer as a Lava process: a_in, s_out, u
    dense.a_out.connect(neurons.a_in)

docs/lava_example.py is a whole network.
"""

from snn2hw.executors.lava.neurons import LIF, layer
from snn2hw.executors.lava.process import Bias, Join, Pool, ProgramNeuron

__all__ = ["LIF", "Bias", "Join", "Pool", "ProgramNeuron", "layer"]

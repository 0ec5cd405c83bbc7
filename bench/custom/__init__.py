"""A neuron that a user writes, trained beside LIF and LNM, in floats and in integers: `python -m bench.custom`."""

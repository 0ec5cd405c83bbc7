"""Sizes by the formulas of a chip's file, of layers whose kernels are counted by hand."""

from __future__ import annotations

from snn2hw.estimation.mapping.words import kernel_of, kernel_words, neuron_words
from snn2hw.estimation.resources import resources
from snn2hw.target import load_chip
from tests.estimation.hand_integers import Made


def test_the_kernel_of_a_linear_layer_sees_the_image_that_enters_it() -> None:
    made = Made(2, 8, 6)
    made.conv("conv", 5, 3, groups=1)
    made.neuron("n")
    made.pool("pool", 2)
    made.linear("fc", 7)
    made.neuron("m")
    made.linear("head", 3)
    conv, fc, head = resources(made.readout()).synapses
    assert [kernel_of(s) for s in (conv, fc, head)] == [(2, 3, 3), (5, 4, 3), (7, 1, 1)]
    plain = Made(3, 4, 2)
    plain.linear("fc", 2)
    assert kernel_of(resources(plain.readout()).synapses[0]) == (3, 4, 2)


def test_words_of_speck() -> None:
    """c * 2**(ceil(log2(kx * ky)) + ceil(log2(f))) and f * 2**(ceil(log2(fx)) + ceil(log2(fy)))."""
    made = Made(2, 34, 34)
    made.conv("conv", 20, 3)
    made.neuron("n")
    made.linear("head", 3)
    synapses, cores = resources(made.readout()).synapses, load_chip("speck2f").cores
    assert cores is not None
    assert kernel_words(cores, synapses[:1], (20, 34, 34)) == 2 * 2 ** (4 + 5)
    assert neuron_words(cores, (20, 34, 34)) == 20 * 2 ** (6 + 6)
    assert neuron_words(cores, (20, 1, 1)) == 20

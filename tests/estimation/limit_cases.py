"""For every limit of a core or a chip a network that just keeps to it, and one that is one neuron, axon or bit too large.

A case is a function of the limit; it gives both networks, and what else of the chip is set for the test: all on one core,
where a limit of one core is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from snn2hw.ir.integer import IntegerNetwork
from snn2hw.num import Format
from snn2hw.target import Cores
from tests.estimation.hand_integers import Made, lif

ONE = {"cores_per_chip": 1, "chips": 1}
Case = Callable[[int, Cores], "tuple[IntegerNetwork, IntegerNetwork, dict[str, Any]]"]


def chain(
    inputs: int, neurons: int, *, weights: Any = None, thresholds: Any = (100,), state: int = 16, decay: Any = (3,)
) -> IntegerNetwork:
    """Inputs, all of which every neuron reads, and a readout of each neuron."""
    made = Made(inputs)
    w = np.ones((neurons, inputs), np.int8) if weights is None else weights
    made.linear("fc", neurons, weight=w)
    made.neuron("n", program=lif(thresholds, Format(state, 0, True), decay))
    return made.readout()


def image(rows: int, columns: int, channels: int = 1, kernel: int = 1, stride: int = 1, padding: int = 0, pool: int = 1,
          entering: int = 1) -> IntegerNetwork:  # fmt: skip
    made = Made(entering, rows, columns)
    w = np.ones((channels, entering, kernel, kernel), np.int8)
    made.conv("conv", channels, kernel, stride, padding=padding, weight=w)
    made.neuron("n")
    if pool > 1:
        made.pool("pool", pool)
    made.linear("head", 1)
    return made.readout()


def spread(readers: int) -> IntegerNetwork:
    """One neuron that so many others read."""
    made = Made(1)
    made.linear("fc", 1, weight=np.ones((1, 1), np.int8))
    made.neuron("n")
    made.linear("fan", readers, weight=np.ones((readers, 1), np.int8))
    made.neuron("m")
    return made.readout()


def branches(number: int) -> IntegerNetwork:
    """One layer that so many others read."""
    made = Made(1)
    made.linear("fc", 2)
    made.neuron("n")
    last = made.neuron("b0", made.linear("fc0", 2, "n"))
    for k in range(1, number):
        last = made.join(f"join{k}", last, made.neuron(f"b{k}", made.linear(f"fc{k}", 2, "n")))
    made.linear("head", 1, last)
    return made.readout()


def stack(layers: int, instructions: int = 4) -> IntegerNetwork:
    """So many layers behind each other, the readout among them, with programs of so many instructions."""
    made = Made(1)
    for k in range(1, layers):
        made.neuron(f"n{k}", made.linear(f"fc{k}", 1), lif(more=instructions - 4))
    made.linear("head", 1)
    return made.readout()


def _own(cores: Cores) -> int:
    """Readouts that take room of the neurons, for one neuron."""
    return 0 if "output_neurons" in cores.facts else 1


def _neurons(v: int, cores: Cores) -> Any:
    def of(total: int) -> IntegerNetwork:
        made = Made(1)
        made.linear("fc", total - _own(cores), weight=np.ones((total - _own(cores), 1), np.int8))
        made.neuron("n")
        made.linear("head", 1)
        return made.readout()

    return of(v), of(v + 1), ONE


def _weights(v: int, cores: Cores) -> Any:
    width = max(w for w in cores.allowed("weight_bits") or (8,) if v % w == 0 and w <= 8)
    most = np.full((1, v // width), -(1 << (width - 1)), np.int8)
    return chain(v // width, 1, weights=most), chain(v // width + 1, 1, weights=np.append(most, most[:, :1], axis=1)), ONE


def _states(v: int, cores: Cores) -> Any:
    """A neuron and its readout, whose sum has 3 bits in 4 steps of spikes of 0 and 1; `v` is what they need with 16 bits."""
    return chain(1, 1), chain(1, 1, state=17), {**ONE, "state_memory_bits": _bits(16)}


def _bits(state: int) -> int:
    return state + chain(1, 1).sum_interval.bits[0]


def _shared(v: int, cores: Cores) -> Any:
    state = next(s for s in range(8, 17) if (v - _bits(s)) % 8 == 0)
    w = np.full((1, (v - _bits(state)) // 8), -128, np.int8)
    return chain(w.size, 1, weights=w, state=state), chain(w.size, 1, weights=w, state=state + 1), ONE


def _sets(v: int, cores: Cores) -> Any:
    return chain(1, v, decay=range(1, v + 1)), chain(1, v + 1, decay=range(1, v + 2)), ONE


def _thresholds(v: int, cores: Cores) -> Any:
    return chain(1, v, thresholds=range(1, v + 1)), chain(1, v + 1, thresholds=range(1, v + 2)), ONE


def _cores(v: int, cores: Cores) -> Any:
    """Of ten bits for weights a neuron takes six: one core each, although the bits of all of them would do for fewer."""
    six = {"synapse_memory_bits": 10, "weight_bits": [6], "chips": 1}
    w = np.full((v + 1, 1), -32, np.int8)
    return chain(1, v, weights=w[:v]), chain(1, v + 1, weights=w), six


def _chips(v: int, cores: Cores) -> Any:
    fine, large, more = _cores(v, cores)
    return fine, large, {k: n for k, n in more.items() if k != "chips"} | {"cores_per_chip": 1}


def _of_a_chip(v: int, cores: Cores) -> Any:
    return chain(1, v // 2), chain(1, v // 2 + 1), {"chips": 1}


def _synapses(v: int, cores: Cores) -> Any:
    """As many channels that enter as leave; one row of places more, as a weight has a synapse at each of them."""
    columns = 10 if v < 1 << 30 else 100
    pairs = v // columns**2
    entering = next(n for n in range(int(pairs**0.5), 0, -1) if pairs % n == 0)
    assert pairs * columns**2 == v

    def of(rows: int) -> IntegerNetwork:
        made = Made(entering, rows, columns)
        made.conv("conv", pairs // entering, 1, weight=np.ones((pairs // entering, entering, 1, 1), np.int8))
        made.neuron("n")
        made.pool("pool", columns)
        return made.readout()

    return of(columns), of(columns + 1), {"chips": 1, "shared_convolution_weights": False}


def _of_lists(name: str, good: Callable[[int], IntegerNetwork]) -> Case:
    def case(v: int, cores: Cores) -> Any:
        allowed = cores.allowed(name) or ()
        bad = next(n for n in range(2, 64) if n not in allowed)
        return good(v), good(bad), {}

    return case


def _widths(v: int, cores: Cores) -> Any:
    """Integers here have eight bits at most: of a chip that takes them, a copy is asked that takes less."""
    fewer = [w for w in cores.allowed("weight_bits") or () if w < min(v, 8)] or [min(v, 8) - 1]
    fine, large = (np.full((1, 1), -(1 << (w - 1)), np.int8) for w in (max(fewer), max(fewer) + 1))
    return chain(1, 1, weights=fine), chain(1, 1, weights=large), {"weight_bits": fewer}


def plainly(of: Callable[[int], IntegerNetwork], **more: Any) -> Case:
    """A network of as much as the limit, and one of one more."""
    return lambda v, cores: (of(v), of(v + 1), more)


CASES: Mapping[str, Case] = {
    "cores_per_chip": _cores,
    "chips": _chips,
    "neurons_per_chip": _of_a_chip,
    "synapses_per_chip": _synapses,
    "input_channels": plainly(lambda v: chain(v, 1)),
    "output_neurons": plainly(lambda v: chain(1, v)),
    "neurons": _neurons,
    "in_axons": plainly(lambda v: chain(v - 1, 1), **ONE),
    "out_axons": plainly(lambda v: chain(1, v), **ONE),
    "synapse_memory_bits": _weights,
    "state_memory_bits": _states,
    "shared_memory_bits": _shared,
    "parameter_sets": _sets,
    "threshold_sets": _thresholds,
    "instructions": lambda v, cores: (stack(2, v), stack(2, v + 1), ONE),
    "layers_per_core": plainly(stack, **ONE),
    "destinations_per_core": plainly(branches, layers_per_core=1),
    "kernel_words": plainly(lambda v: chain(v, 1)),
    "neuron_words": plainly(lambda v: chain(1, v), cores_per_layer=1),
    "cores_per_layer": plainly(lambda v: chain(1, 4 * v), neurons=4),
    "channels": plainly(lambda v: image(1, 1, v)),
    "input_extent": plainly(lambda v: image(1, v, kernel=1, stride=1)),
    "output_extent": plainly(lambda v: image(1, v)),
    "kernel_extent": plainly(lambda v: image(v, v, kernel=v)),
    "padding": plainly(lambda v: image(3, 3, padding=v)),
    "strides": _of_lists("strides", lambda v: image(v, v, stride=v)),
    "pools": _of_lists("pools", lambda v: image(v, v, pool=v)),
    "fan_in": plainly(lambda v: chain(v, 1)),
    "fan_out": plainly(spread),
    "destinations_per_neuron": lambda v, cores: (spread(2 * v), spread(2 * v + 1), {"neurons": 2}),
    "distinct_weights": plainly(lambda v: chain(v, 1, weights=np.arange(1, v + 1, dtype=np.int8)[None])),
    "weight_bits": _widths,
}

"""Lanes, clocks, and the cells of every family."""

from __future__ import annotations

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.rtl import simulation
from snn2hw.backends.rtl.build import build
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.place import NEXTPNR
from snn2hw.backends.rtl.synthesis import synthesise
from snn2hw.backends.rtl.yosys import YOSYS
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.ir.network import Input, Network, Readout, Single
from snn2hw.layers import Linear
from tests.backends.rtl.running import TOOLS
from tests.small_networks import neuron
from tests.tools import needs


def cubic(inputs: int, hidden: int, classes: int, steps: int, quiet: float = 0.0) -> IntegerNetwork:
    """One layer of neurons with a polynomial of degree 3 and a state of 16 bits; `quiet` is taken off every bias."""
    rng = np.random.default_rng(1)
    nodes = (
        Input("input", (), (inputs,), lo=0.0, hi=1.0, static=True, counts=False),
        Linear("fc", ("input",), (hidden,), weight=rng.normal(0, 0.6, (hidden, inputs)), bias=rng.normal(0, 0.2, hidden) - quiet),
        neuron("lnm", "fc", (hidden,), Single(1.0), [0.05, 0.6137, -0.0431, 0.0153]),
        Linear("out", ("lnm",), (classes,), weight=rng.normal(0, 0.5, (classes, hidden)), bias=np.zeros(classes)),
        Readout("readout", ("out",), (classes,)),
    )
    return snn2hw.compile(Network(steps, nodes), rng.random((12, inputs))).network


def small() -> IntegerNetwork:
    """16 inputs, 8 LIF neurons with states of 8 bits and weights of 4, 4 classes, 2 steps."""
    rng = np.random.default_rng(1)
    nodes = (
        Input("input", (), (16,), lo=0.0, hi=1.0, static=True, counts=False),
        Linear("fc", ("input",), (8,), weight=rng.normal(0, 0.6, (8, 16)), bias=rng.normal(0, 0.2, 8)),
        neuron("lif", "fc", (8,), Single(1.0), [0.0, 0.5]),
        Linear("out", ("lif",), (4,), weight=rng.normal(0, 0.5, (4, 8)), bias=np.zeros(4)),
        Readout("readout", ("out",), (4,)),
    )
    options = snn2hw.Options(weight_bits=4, state_bits=8)
    return snn2hw.compile(Network(2, nodes), rng.random((12, 16)), options=options).network


def lane(text: str) -> str:
    """The lines of a lane in the module of a layer of neurons."""
    return text.partition(": g_lane\n")[2].partition("\n  end\n")[0]


def test_every_lane_is_the_same_datapath() -> None:
    """The text of a lane does not depend on how many there are, and reads and writes its own part of the words only."""
    net = cubic(3, 8, 2, 2)
    texts = [lane(*build(net, Folding(lanes=n)).generated.values()) for n in (1, 4)]
    assert texts[0].count("\n") > 20
    assert texts[0] == texts[1]
    ends = [line.split("[lane*")[1].split("+:")[0] for line in texts[0].splitlines() if "[lane*" in line]
    assert {end.split("+")[0] for end in ends} == {"IN", "STATE", "CONSTANT", "OUT"}


@pytest.mark.slow
def test_a_cubic_neuron_of_sixteen_bits_reaches_100_megahertz_on_an_ecp5() -> None:
    """Slowest speed grade, with everything around the neurons; what is missed is at most the layers beside them."""
    needs(YOSYS, NEXTPNR["ecp5"])
    net = cubic(8, 16, 4, 4)
    (state,) = net.neurons[0].program.states.values()
    assert state.format.width == 16
    made = synthesise(build(net), "ecp5-25k")
    assert made.layers["lnm"].dsps >= 3
    assert made.used["MULT18X18D"][0] == made.whole.dsps
    assert made.fmax is not None
    assert made.fmax >= 100.0, (made.fmax, made.path)


@pytest.mark.slow
def test_a_neuron_enters_its_lane_every_cycle() -> None:
    """Without events the neurons decide how long a step takes: how much longer it is with 64 more of them."""
    needs(*TOOLS)
    took = []
    for hidden in (64, 128):
        net = cubic(2, hidden, 2, 4, quiet=1.0)
        payloads = np.zeros((4, 3, *net.input.shape), np.int64)
        quiet = simulation.simulator(build(net)).run(payloads)
        assert not quiet.recorded[0].any()  # no spike
        took.append(int(quiet.cycles[0]))
    more = 4 * 64  # neurons in all steps
    assert more <= took[1] - took[0] < 2 * more  # with one every other cycle it would be at least twice as many


@pytest.mark.slow
@pytest.mark.parametrize("board", ["artix7-35t", "ice40-up5k", "gowin-9k"])
def test_every_family_counts_every_cell(board: str) -> None:
    needs(YOSYS)
    made = synthesise(build(cubic(3, 4, 2, 2)), board, place=False)
    assert (made.unknown, made.warnings) == ({}, ())
    assert made.whole.luts > 100
    assert made.whole.dsps >= 3
    assert made.whole.ffs > 100


@pytest.mark.slow
@pytest.mark.parametrize(("board", "family", "clock"), [("ice40-up5k", "ice40", 12.0), ("gowin-9k", "gowin", 27.0)])
def test_a_small_network_is_placed_on_the_small_boards(board: str, family: str, clock: float) -> None:
    """At the clock of the board's own oscillator. The wheels of their nextpnr belong to no extra."""
    needs(YOSYS)
    if reason := NEXTPNR[family].unavailable():
        pytest.skip(reason)
    made = synthesise(build(small(), Folding(megahertz=clock)), board, megahertz=clock)
    assert (made.short, made.unknown, made.unplaced) == ((), {}, "")
    assert made.fmax is not None
    assert made.fmax >= clock
    assert made.used["SB_IO" if family == "ice40" else "IOB"][0] == 3
    print(f"{board}: {made.whole.luts:,} look-up tables, {made.fmax:.1f} MHz")

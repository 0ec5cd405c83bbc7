"""Which lanes a budget, a board or a rate gives, what is said where none will do, and how good the estimate is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.backends.reference import interpret
from snn2hw.backends.rtl.blocks import blocks
from snn2hw.backends.rtl.build import build, lanes_of
from snn2hw.backends.rtl.estimate import Activity, cycles, latency, resources
from snn2hw.backends.rtl.folding import Budget, fastest, folded, smallest
from snn2hw.backends.rtl.options import Wanted, chosen, of_fpga
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.synthesis import board, synthesise
from snn2hw.backends.rtl.yosys import YOSYS
from snn2hw.errors import UnsupportedError, UsageError
from snn2hw.ir.integer import IntegerNetwork
from tests.backends.rtl.faults import NETWORKS
from tests.backends.rtl.running import TOOLS, simulated, spread
from tests.hand_networks import compiled, every_kind, every_kind_sample
from tests.refused import refused
from tests.small_networks import two_layer_network
from tests.tools import needs

CLOCK = 100.0


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    return compiled(every_kind(), every_kind_sample()).network


@pytest.fixture(scope="module")
def activity(network: IntegerNetwork) -> Activity:
    payloads = spread(network, 4, 0)
    return Activity.of(network, payloads, interpret(network, payloads))


def test_activity_is_what_the_median_sample_has(network: IntegerNetwork) -> None:
    payloads = spread(network, 3, 0)
    trace = interpret(network, payloads)
    found = Activity.of(network, payloads, trace).events
    steps = payloads.shape[0]
    assert found.keys() == {n.name for n in network.nodes}
    for name, spikes in trace.spikes.items():
        counts = [np.count_nonzero(spikes[:, n]) / steps for n in range(3)]
        assert found[name] == pytest.approx(np.median(counts))


@pytest.mark.parametrize(
    ("depth", "width", "count"),
    [(512, 36, 1), (513, 36, 2), (1024, 18, 1), (16384, 1, 1), (2048, 10, 2), (16, 99, 0), (64, 8, 0)],
)
def test_blocks_of_memory(depth: int, width: int, count: int) -> None:
    assert blocks(depth, width) == count


def test_a_larger_budget_is_never_slower_and_always_kept(network: IntegerNetwork, activity: Activity) -> None:
    least = resources(build(network)).luts
    before = None
    for factor in (1.0, 1.5, 2.0, 4.0, 16.0):
        budget = Budget(luts=int(least * factor))
        found = fastest(network, budget, activity, CLOCK)
        assert budget.luts is not None
        assert found.needs.luts <= budget.luts
        assert before is None or found.busy <= before
        before = found.busy
    assert before is not None
    assert before < max(cycles(build(network), activity).values()) / 2


def test_a_rate_gives_no_more_lanes_than_it_needs(network: IntegerNetwork, activity: Activity) -> None:
    slowest = max(cycles(build(network), activity).values())
    assert smallest(network, CLOCK * 1e6 / slowest / 2, activity, CLOCK).folding.of == {}
    rate = CLOCK * 1e6 / slowest * 1.5
    found = smallest(network, rate, activity, CLOCK)
    assert found.busy * rate <= CLOCK * 1e6
    assert found.needs.luts > resources(build(network)).luts


def test_what_is_joined_word_by_word_has_the_same_lanes(network: IntegerNetwork) -> None:
    name = network.neurons[0].name
    lanes = lanes_of(network, Folding(lanes=8, of={name: 2}))
    assert lanes[name] == lanes[network.neurons[0].inputs[0]] == 2
    assert max(lanes.values()) == 8


def test_the_estimate_of_cycles_is_near_what_is_simulated(network: IntegerNetwork) -> None:
    needs(*TOOLS)
    payloads = spread(network, 1, 3)
    activity = Activity.of(network, payloads, interpret(network, payloads))
    sim = simulated(network, Folding(lanes=2))
    counted = float(sim.run(payloads).cycles[0])
    assert 0.5 < latency(sim.design, activity) / counted < 2.0


def test_a_budget_that_is_too_small_names_the_smallest_design(network: IntegerNetwork, activity: Activity) -> None:
    least = resources(build(network))
    with refused(
        UsageError,
        f"the budget is too small for this network\n  got:      luts: about {least.luts:,} of 10\n"
        f"  expected: about luts={least.luts},brams={least.brams},dsps={least.dsps} at least, which is one lane everywhere\n"
        "  do:       give more, choose a larger board, or compile with fewer weight_bits or smaller layers",
    ):
        fastest(network, Budget(luts=10), activity, CLOCK)


def test_a_rate_out_of_reach_names_what_can_be_reached(network: IntegerNetwork, activity: Activity) -> None:
    with pytest.raises(UsageError, match="this rate is out of reach") as caught:
        smallest(network, 1e12, activity, CLOCK)
    assert "1e+12 samples a second at 100 MHz" in str(caught.value)
    most = float(str(caught.value).split("up to about ")[1].split("\n")[0].replace(",", ""))
    assert smallest(network, 0.99 * most, activity, CLOCK).busy * 0.99 * most <= CLOCK * 1e6


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (
            Wanted(2, "luts=5", None, None, CLOCK),
            "the size of the design is stated twice\n  got:      parallel, budget\n"
            "  expected: one of parallel, budget, board, rate\n  do:       leave the others out",
        ),
        (
            Wanted(None, "luts=many", None, None, CLOCK),
            "the budget cannot be read\n  got:      'luts=many'\n  expected: luts=N,brams=N,dsps=N, or some of them\n"
            "  do:       state it so, such as luts=5000,brams=20",
        ),
        (
            Wanted(None, None, None, 0.0, CLOCK),
            "rate is out of range\n  got:      0.0\n  expected: samples a second, above 0\n"
            "  do:       give the samples that it has to take in a second (--rate, rate=)",
        ),
        (
            Wanted(0, None, None, None, CLOCK),
            "parallel is out of range\n  got:      0\n  expected: a whole number from 1 to 1024\n"
            "  do:       give a number of lanes in this range (--parallel, parallel=); it is rounded down to a power of two",
        ),
        (
            Wanted(1, None, None, None, 0.5),
            "megahertz is out of range\n  got:      0.5\n  expected: a number from 1 to 500\n"
            "  do:       give the clock in MHz (--megahertz, megahertz=)",
        ),
    ],
)
def test_options_out_of_range(network: IntegerNetwork, activity: Activity, wanted: Wanted, text: str) -> None:
    with refused(UsageError, text):
        chosen(network, wanted, activity)


@pytest.mark.parametrize("given", ["", "luts", "luts=1,", "gates=5", {}, {"luts": -1}, {"brams": "x"}])
def test_what_is_no_budget(network: IntegerNetwork, activity: Activity, given: object) -> None:
    with pytest.raises(UsageError, match="the budget cannot be read"):
        chosen(network, Wanted(None, given, None, None, CLOCK), activity)  # type: ignore[arg-type]


def test_a_board_fills_what_it_has(network: IntegerNetwork, activity: Activity) -> None:
    small, large = (chosen(network, Wanted(None, None, name, None, CLOCK), activity).design for name in ("ecp5-25k", "ecp5-85k"))
    assert resources(small).luts <= 24_288 * 0.8
    assert resources(small).dsps <= 28 < resources(large).dsps


def test_the_blocks_of_a_board_count_by_their_size() -> None:
    """iCE40 has 30 blocks of 4 kbit, which are 6 of 18; Gowin's 40 multipliers of 9 bits are 20 of 18."""
    assert of_fpga(board("ice40-up5k")[1]).brams == 30 * 4 // 18
    assert of_fpga(board("gowin-9k")[1]).dsps == 20
    assert of_fpga(board("ecp5-85k")[1]) == Budget(int(83640 * 0.8), 208, 156)


def test_what_was_chosen_is_said(tmp_path: Path) -> None:
    net, images = two_layer_network()
    artefact = snn2hw.compile(net, images, out=tmp_path / "net")
    (note,) = snn2hw.export(artefact, "rtl", parallel=3).notes
    assert note.startswith("lanes: ")
    assert " to 2; expected: about " in note  # of 3, rounded down
    assert "--synthesise counts what tools make of it" in note
    (alone,) = snn2hw.export(artefact, "rtl", parallel=1).notes
    assert alone.startswith("lanes: 1; expected: about ")


@pytest.mark.parametrize(
    ("number", "says"), [(0, "0 blocks of 18 kbit, 0 multipliers, "), (1, "1 block of 18 kbit, 1 multiplier, ")]
)
def test_one_block_is_no_blocks(network: IntegerNetwork, activity: Activity, number: int, says: str) -> None:
    choice = folded(network, Folding(), activity)
    few = replace(choice, needs=replace(choice.needs, brams=number, dsps=number))
    assert f" look-up tables of four inputs, {says}" in few.said(lanes_of(network, Folding()), activity)


def test_more_cycles_than_can_be_counted(network: IntegerNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snn2hw.backends.rtl.build.MOST_CYCLES", 1000)
    with pytest.raises(UnsupportedError, match="a sample could take more clock cycles than the design can count"):
        build(network)


def test_the_folder_says_which_lanes_it_has(tmp_path: Path) -> None:
    net, images = two_layer_network()
    artefact = snn2hw.compile(net, images, out=tmp_path / "net")
    with pytest.raises(UsageError, match="the budget is too small"):
        snn2hw.export(artefact, "rtl", out=tmp_path / "rtl", budget="luts=1")
    assert not (tmp_path / "rtl").exists()
    made = snn2hw.export(artefact, "rtl", out=tmp_path / "rtl", rate=1000)
    assert '"lanes": {' in (made.path / "manifest.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_estimate_of_products_is_near_what_tools_find() -> None:
    needs(*TOOLS, YOSYS)
    net = NETWORKS["attending"]()
    payloads = spread(net, 6, 3)[:, 3:4]
    activity = Activity.of(net, payloads, interpret(net, payloads))
    sim = simulated(net, Folding(lanes=2))
    assert 0.5 < latency(sim.design, activity) / float(sim.run(payloads).cycles[0]) < 2.0
    made = synthesise(sim.design, "ecp5-85k", place=False)
    for name in ("scores", "mixed"):
        assert 0.5 < made.expected[name].luts / made.layers[name].luts < 2.0
    one, two = (cycles(design, activity) for design in (build(net), sim.design))
    for name in (m.name for m in sim.design.modules if m.kind == "snn_product"):
        assert two[name] < one[name]

"""What yosys makes of the SystemVerilog does what the SystemVerilog does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.reference import interpret
from snn2hw.backends.rtl.build import build
from snn2hw.backends.rtl.datapath import Datapath, datapath
from snn2hw.backends.rtl.parts import Folding
from snn2hw.backends.rtl.simulation import Stress, simulator
from snn2hw.backends.rtl.yosys import YOSYS
from snn2hw.ir.integer import IntegerNetwork
from tests.backends.rtl.faults import NETWORKS
from tests.backends.rtl.gates import lanes_module, netlist_simulator, proof, single_lanes, yosys
from tests.backends.rtl.running import TOOLS, spread
from tests.hand_networks import compiled, every_kind, every_kind_sample
from tests.tools import needs

LANES = 3


def paths() -> dict[str, Datapath]:
    """LNM, circulate firing, IF and LIF."""
    net = compiled(every_kind(), every_kind_sample()).network
    intervals = {n.name: n.interval for n in net.nodes}
    return {n.name: datapath(n, intervals[n.inputs[0]], 100.0) for n in net.neurons}


def read(folder: Path, text: str) -> list[str]:
    """Commands that read modules and take them as they are written."""
    (folder / "lanes.sv").write_text(text, encoding="utf-8")
    return ["read_verilog -sv lanes.sv", "hierarchy -check", "proc", "flatten", "opt_clean"]


def test_lanes_that_share_a_module_are_as_many_single_ones(tmp_path: Path) -> None:
    """Proved for all inputs and states; a lane that reads the states of the one beside is found."""
    needs(YOSYS)
    for name, path in paths().items():
        texts = [lanes_module(path, "shared", LANES), lanes_module(path, "one", 1), single_lanes(path, "single", "one", LANES)]
        commands = proof(path.cut.latency, "single", "shared")
        assert yosys(tmp_path, *read(tmp_path, "".join(texts)), *commands) == "", name
        if name == "lif":
            faulty = texts[0].replace("states[lane*STATE+", f"states[(lane + 1) % {LANES}*STATE+", 1)
            assert faulty != texts[0]
            assert "proof did fail" in yosys(tmp_path, *read(tmp_path, "".join([faulty, *texts[1:]])), *commands)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fire", "lif"])
def test_the_netlist_of_a_lane_is_proved_equal_to_its_source(name: str, tmp_path: Path) -> None:
    """Tables of four inputs against the words of the source; products of two values are too much for this prover."""
    needs(YOSYS)
    path = paths()[name]
    text = lanes_module(path, "one", 1)
    for source, right in ((text, True), (text.replace(" + ", " - ", 1), False)):
        assert right or source != text
        commands = [*read(tmp_path, text), "design -stash gold", "read_verilog -sv gates.sv", "synth -top one -flatten -lut 4"]
        commands += [
            "design -stash gate",
            "design -copy-from gold -as gold one",
            "design -copy-from gate -as gate one",
            "techmap",
        ]
        (tmp_path / "gates.sv").write_text(source, encoding="utf-8")
        said = yosys(tmp_path, *commands, *proof(path.cut.latency, "gold", "gate"))
        assert said == "" if right else "proof did fail" in said


CASES: dict[str, tuple[str, Callable[[], IntegerNetwork]]] = {
    "events and a recurrent edge, ECP5": ("ecp5", NETWORKS["recurrent"]),
    "images and every kind of neuron, Xilinx 7": ("xilinx", NETWORKS["images"]),
    "products of two values, Xilinx 7": ("xilinx", NETWORKS["attending"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_netlist_of_a_network_gives_every_readout_in_the_same_cycle(case: str, tmp_path: Path) -> None:
    """Look-up tables, carry chains, registers, memories in tables, and on Xilinx multipliers, by the models of yosys."""
    needs(YOSYS, *TOOLS)
    family, make = CASES[case]
    net = make()
    design = build(net, Folding(lanes=2))
    payloads = spread(net, 6, 2)
    expected = interpret(net, payloads).readout[:, design.readout.order]
    source, cells = simulator(design), netlist_simulator(design, family, tmp_path)
    length = source.run(payloads).took
    for stress in (Stress(), Stress(40, 40, 3), Stress(20, 60, 5, length // 2), Stress(0, 0, 1, length // 3)):
        right, found = (sim.run(payloads, traces=False, stress=stress) for sim in (source, cells))
        assert np.array_equal(found.readout, expected)
        assert np.array_equal(found.cycles, right.cycles)
        assert found.took == right.took

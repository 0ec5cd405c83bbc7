"""Networks that Lava cannot hold are refused before Lava is started, whatever Python this is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import SIDE_EXECUTORS
from snn2hw.backends.lava.fits import check_network, check_program, lava_lacks, waits
from snn2hw.backends.lava.fits import delays as lava_delays
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.ir.network import Node
from snn2hw.ir.program import Op, Program
from snn2hw.ir.shapes import Shape
from snn2hw.layers.concat import IntConcat
from snn2hw.num import Format, Interval
from tests.backends.lava_pythons import says_310
from tests.backends.test_recurrent import NETWORKS
from tests.cli.running import Capture
from tests.cli.running import run as run_cli
from tests.hand_networks import compiled, image, lif, linear, network, readout, recurrent
from tests.refused import refused
from tests.small_networks import two_layer_network

KNOWN = (
    "Input, Conv2d, Linear, SumPool2d, MaxPool2d, Flatten, Add, Concat, Multiply, Offset, Places, Resize2d, Neuron, Feedback, "
    "Readout"
)


@dataclass(frozen=True, eq=False)
class IntLookup(IntNode):
    """An operation of a later version."""

    unfinished = True  # no class that other tests find

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        return inputs[0]


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    network, images = two_layer_network()
    return snn2hw.compile(network, images, target="loihi2")


def with_node(net: IntegerNetwork, name: str, node: IntNode) -> IntegerNetwork:
    return replace(net, nodes=tuple(node if n.name == name else n for n in net.nodes))


def test_an_operation_the_mapping_does_not_know_names_its_layer(artefact: Artefact) -> None:
    net = artefact.network
    pool = next(n for n in net.nodes if n.name == "pool")
    foreign = IntLookup(pool.name, pool.inputs, pool.shape, pool.format, pool.interval, source="encoder.look (Lookup)")
    with refused(
        UnsupportedError,
        f"""
        an operation that has no Lava process
          where:    encoder.look (Lookup)
          got:      Lookup
          expected: {KNOWN}
          do:       run the other executors, or write this layer with the operations named
        """,
    ):
        SIDE_EXECUTORS["lava"].run(
            replace(artefact, network=with_node(net, "pool", foreign)), np.zeros((net.steps, 1, *net.input.shape), np.int64)
        )


def test_more_values_than_a_process_joins_name_their_layer(artefact: Artefact) -> None:
    net = artefact.network
    pool = next(n for n in net.nodes if n.name == "pool")
    joined = IntConcat(
        pool.name, pool.inputs * 3, pool.shape, pool.format, pool.interval, source="encoder.cat (Concat)", shifts=(0, 0, 0)
    )
    (lack,) = (lack for lack in lava_lacks(with_node(net, "pool", joined)) if "joins" in lack.what)
    assert (lack.where, lack.what) == ("encoder.cat (Concat)", "more values than a Lava process joins")
    assert (lack.got, lack.expected) == ("Concat of 3 values", "2 values")
    assert lack.remedy == "concatenate two, and what they give with the next"


@pytest.mark.parametrize(("interval", "fits"), [((-(2**23), 2**23 - 1), True), ((0, 2**23), False), ((-(2**23) - 1, 0), False)])
def test_a_value_too_wide_for_a_port_names_its_layer(artefact: Artefact, interval: tuple[int, int], fits: bool) -> None:
    net = artefact.network
    out = next(n for n in net.nodes if n.name == "out")
    changed = with_node(net, "out", replace(out, interval=Interval(*interval), source="head.out (Linear)"))
    if fits:
        check_network(changed)
        return
    with refused(
        WidthError,
        f"""
        a value is too wide for a Lava port
          where:    head.out (Linear)
          got:      {Interval(*interval)}
          expected: 24 bits, sign included
          do:       compile for loihi2, whose synapses are 24 bits wide, or use fewer weight bits
        """,
    ):
        check_network(changed)


@pytest.mark.parametrize(
    ("loop", "delays"),
    [
        ((linear("rec", "back", np.eye(2)),), {"back": 0, "rec": 1, "n": 1, "readout": 2}),  # Dense waits for a step
        ((), {"back": 1, "n": 1, "readout": 2}),  # the edge itself does
    ],
)
def test_a_loop_with_one_synapse_or_none_is_balanced(loop: tuple[Node, ...], delays: dict[str, int]) -> None:
    net = compiled(recurrent(loop), target="loihi2").network
    found = lava_delays(net)
    assert {name: found[name] for name in delays} == delays


@pytest.mark.parametrize(
    ("name", "waiting"), [("one", []), ("without a synapse", ["back"]), ("forward", ["b"]), ("crossed", ["from_m", "from_n"])]
)
def test_an_edge_waits_where_no_synapse_does(name: str, waiting: list[str]) -> None:
    net = compiled(NETWORKS[name](), target="loihi2").network
    assert [n.name for n in net.feedbacks if waits(net, n, lava_delays(net))] == waiting


def test_a_loop_with_two_synapses_is_refused_by_its_name() -> None:
    net = compiled(recurrent((linear("one", "back", np.eye(2)), lif("m", "one"), linear("two", "m", np.eye(2)))), target="loihi2")
    with refused(
        UnsupportedError,
        """
        a loop that Lava cannot close in one step
          where:    back (recurrent edge)
          got:      a way from 'back' to 'n' with more synapses than another, or than one
          expected: one Linear or Conv2d between a recurrent edge and its neuron on every way, or none on any
          do:       run the other executors: each synapse of Lava costs a step, and a recurrent edge has one
        """,
    ):
        check_network(net.network)


def with_format(program: Program, op: Op, fmt: Format) -> Program:
    return replace(program, instructions=tuple(replace(i, format=fmt) if i.op is op else i for i in program.instructions))


def test_a_program_with_a_wide_input_is_refused(artefact: Artefact) -> None:
    program = with_format(artefact.network.neurons[0].program, Op.INPUT, Format(25, 3))
    with refused(
        WidthError,
        """
        the synaptic sum is too wide for a Lava port
          where:    mine
          got:      s25.3, 25 bits
          expected: at most 24 bits, sign included
          do:       compile for loihi2, whose synapses are 24 bits wide, or use fewer weight bits
        """,
    ):
        check_program(program, "mine")


def test_on_the_command_line_too_wide_is_not_run(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3 beside the others, no side environment is made for it; what certifying compiled may lie in the cache."""
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SNN2HW_LAVA_PYTHON", str(says_310(tmp_path / "python3.10")))
    inputs = 1000
    net = network(2, image(inputs), linear("wide", "input", np.ones((2, inputs))), lif("lif", "wide"), readout("lif"))
    snn2hw.compile(net, np.ones((2, inputs)), target="generic", out=tmp_path / "net")
    highest = 255 * 64 * inputs  # 1.0 is 64 of 2**-6
    ran = run_cli(capsys, "verify", tmp_path / "net", "--executors", "reference,lava")
    assert (ran.code, ran.err) == (3, "")
    assert (
        f"not run lava: wide (Linear): a value is too wide for a Lava port: [0, {highest}] "
        "(compile for loihi2, whose synapses are 24 bits wide, or use fewer weight bits)"
    ) in ran.out
    assert {p.name for p in (tmp_path / "cache").glob("*")} <= {"native"}

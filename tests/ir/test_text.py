from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from snn2hw.errors import TextError
from snn2hw.ir import integer, network
from snn2hw.ir.integer import IntegerNetwork, IntNode
from snn2hw.ir.network import (
    Add,
    AvgPool2d,
    BatchNorm,
    Circulate,
    Conv2d,
    Current,
    Delay,
    Feedback,
    Flatten,
    Input,
    Linear,
    MatMul,
    MaxPool2d,
    Network,
    Neuron,
    Node,
    Readout,
    Single,
    Window,
)
from snn2hw.ir.program import Program
from snn2hw.ir.rules import check_integer, check_network
from snn2hw.ir.text import from_text, network_from_text, to_text
from snn2hw.num import Format, Interval
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.pipeline import run_pipeline
from snn2hw.target import load_target
from tests.ir.program_check import network_of
from tests.ir.random_programs import programs


def every_real_kind() -> Network:
    """Every kind of node and both kinds of firing; numbers that binary fractions hold only nearly."""
    rng = np.random.default_rng(0)
    cubic = rng.normal(0, 0.1, (3, 4))
    common = {"gain": 1.1, "state_range": (-4.0, 4.0), "reset_value": 0.1}
    return Network(
        2,
        (
            Input("input", (), (2, 6, 6), lo=-1.0, hi=0.3, static=True, counts=False, source="the sample"),
            Conv2d(
                "0", ("input",), (3, 6, 6), weight=rng.normal(0, 1, (3, 2, 3, 3)), bias=rng.normal(0, 1, 3),
                window=Window((3, 3), padding=(1, 1)), groups=1, source="0 (Conv2d)",
            ),
            BatchNorm("1", ("0",), (3, 6, 6), scale=rng.normal(1, 0.1, 3), shift=rng.normal(0, 0.1, 3), source="1 (BatchNorm2d)"),
            Neuron(
                "2", ("1",), (3, 6, 6), kind="LNM", coefficients=cubic, order="poly_then_input", firing=Single(0.7),
                reset="value", strict=True, source="2 (LNM), 'quoted' \\ \n  = state", **common,
            ),
            AvgPool2d("3.a", ("2",), (3, 3, 3), window=Window((2, 2), stride=(2, 2))),
            MaxPool2d("3.b", ("2",), (3, 3, 3), window=Window((2, 2), stride=(2, 2))),
            Add("3", ("3.a", "3.b"), (3, 3, 3)),
            Delay("3.late", ("3",), (3, 3, 3), steps=(0, 2, 1)),
            Feedback("4.back", ("4",), (3, 3, 3)),
            Add("3.sum", ("3.late", "4.back"), (3, 3, 3)),
            Neuron(
                "4", ("3.sum",), (3, 3, 3), kind="CirculateFiring", coefficients=np.array([[0.0, 0.6]]), order="input_then_poly",
                firing=Circulate((1.0, 0.5), (1.0, 0.5), signed=True), reset="subtract", strict=False,
                current=Current(np.array([0.5]), (-6.0, 6.0)), **common,
            ),
            MatMul("4.kept", ("4", "4"), (3, 3, 1), heads=1, transposed="second", size=(3, 1), factor=0.1),
            MatMul("4.mixed", ("4.kept", "4"), (3, 3, 3), heads=1, transposed="none", size=(3, 3), factor=0.5),
            Flatten("5", ("4.mixed",), (27,)),
            Linear("6", ("5",), (4,), weight=rng.normal(0, 1, (4, 27)), bias=rng.normal(0, 1, 4)),
            Readout("out", ("6",), (4,)),
        ),
    )  # fmt: skip


def compiled(stop_after: str | None = None) -> IntegerNetwork:
    net = every_real_kind()
    sample = np.random.default_rng(1).uniform(-1.0, 0.3, (8, 2, 6, 6))
    return run_pipeline(Compilation(net, load_target("generic"), Options(state_bits=12), sample), stop_after).network


def assert_same(a: Any, b: Any, where: str = "") -> None:
    """Equal in type and in every field, arrays by dtype and value; nodes themselves compare by identity."""
    assert type(a) is type(b), where
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), where
        assert (a == b).all(), where
    elif isinstance(a, tuple):
        assert len(a) == len(b), where
        for n, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}[{n}]")
    elif dataclasses.is_dataclass(a):
        for f in dataclasses.fields(a):
            assert_same(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")
    else:
        assert a == b, where


def test_factors_of_thresholds_stand_where_there_are_some() -> None:
    net = every_real_kind()
    by_step = replace(net, nodes=tuple(_by_step(n) for n in net.nodes))
    text, arrays = to_text(by_step)
    assert "by_step" not in to_text(net)[0]
    assert text.count("firing=Circulate(thresholds=(1.0, 0.5), amplitudes=(1.0, 0.5), signed=True, by_step=(1.0, 0.25))") == 1
    assert_same(from_text(text, arrays), by_step)


def _by_step(node: Node) -> Node:
    if isinstance(node, Neuron) and isinstance(node.firing, Circulate):
        return replace(node, firing=replace(node.firing, by_step=(1.0, 0.25)))
    return node


def kinds(module: Any, base: type) -> set[str]:
    return {n for n, c in vars(module).items() if isinstance(c, type) and issubclass(c, base) and c is not base}


def test_a_real_network_round_trips() -> None:
    net = every_real_kind()
    check_network(net)
    # An equation is printed, but no text of it is read back.
    assert {type(n).__name__ for n in net.nodes} == kinds(network, Node) - {"EquationNeuron"}
    text, arrays = to_text(net)
    assert_same(from_text(text, arrays), net)


@pytest.mark.parametrize("stop_after", ["quantise", "lower", None])
def test_an_integer_network_round_trips(stop_after: str | None) -> None:
    net = compiled(stop_after)
    text, arrays = to_text(net)
    assert_same(from_text(text, arrays), net)
    assert to_text(from_text(text, arrays))[0] == text


def test_the_integer_networks_above_have_every_kind_of_node() -> None:
    found = {type(n).__name__ for stage in ("quantise", None) for n in compiled(stage).nodes}
    assert found == kinds(integer, IntNode)


@settings(max_examples=30)
@given(programs())
def test_networks_of_random_programs_round_trip(program: Program) -> None:
    net = network_of(program)
    assert_same(from_text(*to_text(net)), net)


@pytest.mark.parametrize(
    "source", ["@", "@program", "format=s8.0", "weights=@, bias=ARRAY)", "'", '"', "\\n", "\n  program P", "\n)", "é"]
)
def test_any_source_round_trips(source: str) -> None:
    net = every_real_kind()
    net = dataclasses.replace(net, nodes=tuple(dataclasses.replace(n, source=source) for n in net.nodes))
    assert_same(from_text(*to_text(net)), net)


def test_the_text_of_a_real_network() -> None:
    text, arrays = to_text(every_real_kind())
    lines = text.splitlines()
    assert lines[0] == "network real steps=2"
    assert lines[1] == (
        "Input(name='input', inputs=(), shape=(2, 6, 6), source='the sample', lo=-1.0, hi=0.3, static=True, counts=False)"
    )
    assert lines[2] == (
        "Conv2d(name='0', inputs=('input',), shape=(3, 6, 6), source='0 (Conv2d)', weight=ARRAY, bias=ARRAY, "
        "window=Window(kernel=(3, 3), stride=(1, 1), padding=(1, 1), dilation=(1, 1)), groups=1)"
    )
    assert "firing=Circulate(thresholds=(1.0, 0.5), amplitudes=(1.0, 0.5), signed=True)" in lines[11]
    assert lines[12] == (
        "MatMul(name='4.kept', inputs=('4', '4'), shape=(3, 3, 1), source='', "
        "heads=1, transposed='second', size=(3, 1), factor=0.1)"
    )
    assert len(lines) == 17
    assert sorted(arrays) == [
        "0.bias",
        "0.weight",
        "1.scale",
        "1.shift",
        "2.coefficients",
        "4.coefficients",
        "4.decay",
        "6.bias",
        "6.weight",
    ]


SMALL = """network integer steps=2 target=generic
IntInput(name='in', inputs=(), shape=(2,), format='u8.0', interval=[0, 255], source='', unit=1.0, static=True, counts=False)
IntLinear(name='0', inputs=('in',), shape=(2,), format='s11.3', interval=[-255, 520], source='0', weight=ARRAY, bias=ARRAY)
IntNeuron(name='1', inputs=('0',), shape=(2,), format='u1.0', interval=[0, 1], source='1 (IF)', program=
  program IF
    u = state lo=-512 hi=511 initial=0 : s10.3 proved
    x = input lo=-255 hi=520 : s11.3 proved
    sum = add u x : s12.3 proved
    h = clamp sum lo=-512 hi=511 : s10.3 saturate
    theta = param values=@ : u7.3 proved
    fired = ge h theta : u1.0 proved
    lowered = sub h theta : s11.3 proved
    after = select fired lowered h : s10.3 proved
    u_next = output after to=u : s10.3 proved
    spikes = output fired to=spikes : u1.0 proved
, meaning=None)
IntReadout(name='out', inputs=('1',), shape=(2,), format='u1.0', interval=[0, 1], source='')
"""
ARRAYS = {
    "0.weight": np.array([[1, 1], [-1, 0]], np.int8), "0.bias": np.array([10, 0], np.int32), "1.theta": np.array([100, 90]),
}  # fmt: skip


def test_an_integer_network_written_by_hand() -> None:
    net = network_from_text(SMALL, ARRAYS)
    check_integer(net)
    assert (net.steps, net.target, [n.name for n in net.nodes]) == (2, "generic", ["in", "0", "1", "out"])
    (neuron,) = net.neurons
    assert neuron.program.params == {"theta": (100, 90)}
    assert (neuron.format, neuron.interval) == (Format(1, 0, False), Interval(0, 1))
    assert net.nodes[1].source == "0"
    text, arrays = to_text(net)
    assert text == SMALL
    assert arrays.keys() == ARRAYS.keys()
    assert all((arrays[k] == v).all() and arrays[k].dtype == v.dtype for k, v in ARRAYS.items())


def message(text: str, arrays: Any = None) -> str:
    with pytest.raises(TextError) as error:
        from_text(text, ARRAYS if arrays is None else arrays)
    return str(error.value)


@pytest.mark.parametrize(
    "head", ["", "network", "network real", "network integer steps=2", "network integer steps=x target=generic"]
)
def test_a_head_that_cannot_be_read(head: str) -> None:
    text = head + "\n" + SMALL.partition("\n")[2]
    assert message(text) == (
        f"this is not the text of a network\n  got:      {head!r}\n  expected: network integer steps=4 target=NAME"
    )


def unreadable(where: str, got: str) -> str:
    return f"a node cannot be read\n  where:    {where}\n  got:      {got}\n  expected: NodeClass(name='...', ...)"


READOUT = "IntReadout(name='out', inputs=('1',), shape=(2,), format='u1.0', interval=[0, 1], source='')"


@pytest.mark.parametrize(
    ("old", "new", "got"),
    [
        ("IntReadout(", "IntDropout(", "unknown constructor IntDropout"),
        ("IntReadout(", "print(", "unknown constructor print"),
        ("shape=(2,)", "shape=exit()", "unknown constructor exit"),
        ("interval=[0, 1]", "interval=[1, 0]", "empty interval [1, 0]"),
        ("interval=[0, 1], ", "", "missing 1 required positional argument: 'interval'"),
        ("source=''", "source='', colour=1", "unexpected keyword argument 'colour'"),
        ("source='')", "source=''", "'(' was never closed"),
    ],
)
def test_a_node_that_cannot_be_read(old: str, new: str, got: str) -> None:
    line = READOUT.replace(old, new)
    found = message(SMALL.replace(READOUT, line))
    assert found.startswith(f"a node cannot be read\n  where:    {line}\n  got:      ")
    assert got in found
    assert found.endswith("\n  expected: NodeClass(name='...', ...)")


def test_a_node_without_a_name() -> None:
    line = READOUT.replace("name='out', ", "")
    assert message(SMALL.replace(READOUT, line)).startswith(f"a node cannot be read\n  where:    {line}\n")


def test_a_line_that_is_no_node() -> None:
    assert message(SMALL + "and then\n").startswith("a node cannot be read\n  where:    and then\n")


@pytest.mark.parametrize(("name", "line"), [("0.weight", 1), ("0.bias", 1), ("1.theta", 2)])
def test_an_array_that_is_missing(name: str, line: int) -> None:
    left = {k: v for k, v in ARRAYS.items() if k != name}
    where = SMALL.splitlines()[line + 1][:120]
    assert message(SMALL, left) == unreadable(where, f"'{name}'")


def test_a_format_of_a_node_that_cannot_be_read() -> None:
    with pytest.raises(TextError, match="this is not a fixed-point format"):
        from_text(SMALL.replace(READOUT, READOUT.replace("format='u1.0'", "format='u1'")), ARRAYS)


def test_a_format_of_a_node_of_an_impossible_width() -> None:
    assert "99 bits" in message(SMALL.replace(READOUT, READOUT.replace("format='u1.0'", "format='u99.0'")))


def test_a_program_that_cannot_be_read() -> None:
    broken = SMALL.replace("    fired = ge h theta : u1.0 proved\n", "    fired = above h theta : u1.0 proved\n")
    found = message(broken)
    assert found.startswith("unknown operation\n  where:    ")
    assert "line 7: fired = above h theta : u1.0 proved\n  got:      above" in found


def test_a_node_of_the_other_stage_is_an_error() -> None:
    """And is not dropped without a word."""
    real = "Readout(name='out', inputs=('1',), shape=(2,), source='')"
    assert "Readout" in message(SMALL.replace(READOUT, real))
    assert "IntReadout" in message(f"network real steps=2\n{READOUT}\n")


def test_an_integer_network_is_asked_for() -> None:
    text, arrays = to_text(every_real_kind())
    with pytest.raises(TextError) as error:
        network_from_text(text, arrays)
    assert str(error.value) == "this is a network of the real stage\n  expected: a network of the integer stage"

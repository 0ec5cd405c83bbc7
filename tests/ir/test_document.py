"""The JSON form of compiled networks: what comes back, and what is refused by name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snn2hw.errors import TextError
from snn2hw.ir.document import from_json, to_json
from snn2hw.ir.integer import IntNode, IntReadout
from snn2hw.ir.program import Program
from snn2hw.ir.rules import check_integer
from snn2hw.num import Format, Interval
from tests.ir.program_check import network_of
from tests.ir.random_programs import programs
from tests.ir.test_text import compiled
from tests.packages import installed
from tests.random_networks import LAYERED, random_case
from tests.random_networks import compiled as run_case

SEEDS = (1, 3, 4, 8, 21)  # networks of layers that the one of test_text has not


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


@pytest.mark.parametrize("stop_after", ["lower", None])
def test_a_compiled_network_round_trips(stop_after: str | None) -> None:
    net = compiled(stop_after)
    text, arrays = to_json(net)
    assert_same(from_json(text, arrays), net)
    assert to_json(from_json(text, arrays))[0] == text


def test_these_networks_have_every_kind_of_node_and_come_back() -> None:
    kinds = {c for c in IntNode.kinds.values() if c.__module__.startswith("snn2hw.")}
    layered = [random_case(LAYERED + seed) for seed in SEEDS]
    networks = [compiled(), *(run_case(case).network for case in layered)]
    for net in networks[1:]:
        assert_same(from_json(*to_json(net)), net)
    assert {type(n) for net in networks for n in net.nodes} == kinds


@settings(max_examples=30)
@given(programs())
def test_networks_of_random_programs_round_trip(program: Program) -> None:
    net = network_of(program)
    assert_same(from_json(*to_json(net)), net)


kept = cache(compiled)


@settings(max_examples=100)
@given(st.text(max_size=20), st.text(st.characters(), max_size=20))
def test_any_name_source_and_target_round_trip(word: str, other: str) -> None:
    net = kept()
    names = {n.name: f"{n.name}{word}" for n in net.nodes}
    nodes = [
        dataclasses.replace(n, name=names[n.name], inputs=tuple(names[i] for i in n.inputs), source=other) for n in net.nodes
    ]
    net = dataclasses.replace(net, target=other, nodes=tuple(nodes))
    text, arrays = to_json(net)
    assert text.isascii()
    assert len(text.splitlines()) == len(net.nodes) + 2
    assert_same(from_json(text, arrays), net)


SMALL = """{"steps": 2, "target": "generic", "nodes": [
{"is": "IntInput", "name": "in", "inputs": [], "shape": [2], "format": "u8.0", "interval": [0, 255], "source": "", \
"unit": 1.0, "static": true, "counts": false},
{"is": "IntLinear", "name": "0", "inputs": ["in"], "shape": [2], "format": "s11.3", "interval": [-255, 520], "source": "0", \
"weight": {"array": "0.weight"}, "bias": {"array": "0.bias"}},
{"is": "IntNeuron", "name": "1", "inputs": ["0"], "shape": [2], "format": "u1.0", "interval": [0, 1], "source": "1 (IF)", \
"program": {"kind": "IF", "instructions": [\
{"name": "u", "op": "state", "args": [], "lo": -512, "hi": 511, "initial": 0, "format": "s10.3", "overflow": "proved"}, \
{"name": "x", "op": "input", "args": [], "lo": -255, "hi": 520, "format": "s11.3", "overflow": "proved"}, \
{"name": "sum", "op": "add", "args": ["u", "x"], "format": "s12.3", "overflow": "proved"}, \
{"name": "h", "op": "clamp", "args": ["sum"], "lo": -512, "hi": 511, "format": "s10.3", "overflow": "saturate"}, \
{"name": "theta", "op": "param", "args": [], "values": {"array": "1.theta"}, "format": "u7.3", "overflow": "proved"}, \
{"name": "fired", "op": "ge", "args": ["h", "theta"], "format": "u1.0", "overflow": "proved"}, \
{"name": "lowered", "op": "sub", "args": ["h", "theta"], "format": "s11.3", "overflow": "proved"}, \
{"name": "after", "op": "select", "args": ["fired", "lowered", "h"], "format": "s10.3", "overflow": "proved"}, \
{"name": "u_next", "op": "output", "args": ["after"], "to": "u", "format": "s10.3", "overflow": "proved"}, \
{"name": "spikes", "op": "output", "args": ["fired"], "to": "spikes", "format": "u1.0", "overflow": "proved"}], \
"roles": {"state": "u", "membrane": "h", "entering": "x", \
"polynomial": {"argument": "u", "value": "u", "coefficients": [], "centre": null}, \
"firing": {"spikes": [{"up": "fired", "down": null, "amplitude": null}], \
"thresholds": [{"constant": "theta", "level": null, "since": 0}], \
"reset": "subtract", "reset_value": null, "counter": null}}}, \
"meaning": null},
{"is": "IntReadout", "name": "out", "inputs": ["1"], "shape": [2], "format": "u1.0", "interval": [0, 1], "source": ""}
]}
"""
ARRAYS = {
    "0.weight": np.array([[1, 1], [-1, 0]], np.int8), "0.bias": np.array([10, 0], np.int32), "1.theta": np.array([100, 90]),
}  # fmt: skip


def test_a_network_written_by_hand() -> None:
    net = from_json(SMALL, ARRAYS)
    check_integer(net)
    assert (net.steps, net.target, [n.name for n in net.nodes]) == (2, "generic", ["in", "0", "1", "out"])
    (neuron,) = net.neurons
    assert neuron.program.params == {"theta": (100, 90)}
    assert (neuron.format, neuron.interval) == (Format(1, 0, False), Interval(0, 1))
    text, arrays = to_json(net)
    assert text == SMALL
    assert arrays.keys() == ARRAYS.keys()
    assert all((arrays[k] == v).all() and arrays[k].dtype == v.dtype for k, v in ARRAYS.items())


def message(text: str, arrays: Any = None) -> str:
    with pytest.raises(TextError) as error:
        from_json(text, ARRAYS if arrays is None else arrays)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[" * 5000, "nested deeper than 64"),
        ('{"steps": 1, "steps": 2}', "'steps' stands twice in one object"),
        ('{"steps": NaN}', "NaN is no JSON"),
    ],
)
def test_text_that_is_no_json(text: str, got: str) -> None:
    found = message(text)
    assert found.startswith(f"this is not the text of a network\n  got:      {got}")
    assert found.endswith("\n  expected: JSON as snn2hw writes it")


@pytest.mark.parametrize(
    ("document", "got"),
    [
        ([], "list"),
        ({"x": 1}, "an object of x"),
        ({"steps": 1, "nodes": []}, "an object of steps, nodes"),
        ({"steps": True, "target": "t", "nodes": []}, "an object of steps, target, nodes"),
        ({"steps": 1, "target": "t", "nodes": [], "more": 1}, "an object of steps, target, nodes, more"),
    ],
)
def test_an_object_that_is_no_network(document: Any, got: str) -> None:
    expected = '{"steps": T, "target": NAME, "nodes": [...]}'
    assert message(json.dumps(document)) == (f"this is not the text of a network\n  got:      {got}\n  expected: {expected}")


def edited(edit: Callable[[Any], object]) -> str:
    document = json.loads(SMALL)
    edit(document["nodes"])
    return json.dumps(document)


def test_a_layer_of_a_package_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = {"snn2hw_lost.py": "raise SystemExit('no licence')"}
    installed(tmp_path, "snn2hw-lost", package, {"IntLost": "snn2hw_lost:IntLost"}, group="snn2hw.layers")
    monkeypatch.syspath_prepend(tmp_path)
    assert message(edited(lambda n: n[3].update({"is": "IntLost"}))) == (
        "a node cannot be read\n  where:    node 'out'\n  got:      'IntLost' of the package snn2hw-lost 1.0, "
        "which cannot be imported: SystemExit: no licence\n  expected: an object as snn2hw writes it"
    )


def test_the_newest_class_of_one_name_counts_and_one_of_another_module_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IntNode, "kinds", dict(IntNode.kinds))
    _, second = (type("IntCell", (IntReadout,), {"__module__": "notebook"}) for _ in range(2))
    assert IntNode.kinds["IntCell"] is second
    with pytest.raises(TypeError, match="two integer nodes are called IntCell: in notebook and in elsewhere"):
        type("IntCell", (IntReadout,), {"__module__": "elsewhere"})
    assert IntNode.kinds["IntCell"] is second


EDITS: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "class": (lambda n: n[3].update({"is": "IntDropout"}), "'out'", "unknown node 'IntDropout'"),
    "an inner class": (lambda n: n[3].update({"is": "Window"}), "'out'", "unknown node 'Window'"),
    "no class": (lambda n: n[3].pop("is"), "'out'", "there is no 'is'"),
    "no object": (lambda n: n.append(7), "4", "int where an object was expected"),
    "no name": (lambda n: n[3].pop("name"), "3", "there is no 'name'"),
    "a name that is a number": (lambda n: n[3].update(name=4), "4", "'name' is int, expected str"),
    "interval": (lambda n: n[3].update(interval=[1, 0]), "'out'", "empty interval [1, 0]"),
    "a longer interval": (lambda n: n[3].update(interval=[0, 1, 2]), "'out'", "'interval' has 3 values, expected 2"),
    "a field of another": (lambda n: n[3].update(colour=1), "'out'", "IntReadout has no field 'colour'"),
    "a flag for a number": (lambda n: n[3].update(shape=[True]), "'out'", "'shape' is True, expected an integer"),
    "a number beyond 63 bits": (
        lambda n: n[3].update(shape=[2**70]),
        "'out'",
        "'shape' is 1180591620717411303424, expected an integer",
    ),
    "a number for a flag": (lambda n: n[0].update(static=1), "'in'", "'static' is int, expected bool"),
    "no list": (lambda n: n[3].update(inputs="1"), "'out'", "'inputs' is str, expected list"),
    "an array of another": (lambda n: n[1].update(weight={"array": "1.theta"}), "'0'", "'weight' is the array '1.theta'"),
    "width": (lambda n: n[3].update(format="u99.0"), "'out'", "99 bits"),
    "operation": (lambda n: n[2]["program"]["instructions"][2].update(op="above"), "'1'", "unknown operation 'above' in 'sum'"),
    "attribute": (
        lambda n: n[2]["program"]["instructions"][2].update(bits=1),
        "'1'",
        "'sum' has the fields name, op, args, format, overflow, bits, expected name, op, args, format, overflow",
    ),
    "overflow": (
        lambda n: n[2]["program"]["instructions"][2].update(overflow="wrap"),
        "'1'",
        "the overflow of 'sum' is 'wrap', expected 'proved'",
    ),
    "a field of a program": (lambda n: n[2]["program"].update(colour=1), "'1'", "a program has no field 'colour'"),
    "no roles": (lambda n: n[2]["program"].pop("roles"), "'1'", "there is no 'roles'"),
    "roles of another kind": (lambda n: n[2]["program"].update(roles=[]), "'1'", "'roles' is list, expected dict"),
    "a role that is missing": (
        lambda n: n[2]["program"]["roles"].pop("membrane"),
        "'1'",
        "'roles' has the fields state, entering, polynomial, firing, expected state, membrane, entering, polynomial, firing",
    ),
    "a role that is a number": (
        lambda n: n[2]["program"]["roles"]["polynomial"].update(argument=1),
        "'1'",
        "'argument' is int, expected str",
    ),
    "a meaning that is a number": (lambda n: n[2].update(meaning=1), "'1'", "int where an object was expected"),
    "a meaning of another class": (
        lambda n: n[2].update(meaning={"is": "Window"}),
        "'1'",
        "'meaning' is 'Window', expected 'Meaning'",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_node_that_cannot_be_read(name: str) -> None:
    edit, where, got = EDITS[name]
    found = message(edited(edit))
    assert found.startswith(f"a node cannot be read\n  where:    node {where}\n  got:      ")
    assert got in found
    assert found.endswith("\n  expected: an object as snn2hw writes it")


def test_a_format_that_cannot_be_read() -> None:
    with pytest.raises(TextError, match="this is not a fixed-point format"):
        from_json(edited(lambda n: n[3].update(format="u1")), ARRAYS)


@pytest.mark.parametrize("name", ["0.weight", "0.bias", "1.theta"])
def test_an_array_that_is_missing(name: str) -> None:
    found = message(SMALL, {k: v for k, v in ARRAYS.items() if k != name})
    assert f"  where:    node '{name[0]}'\n  got:      there is no '{name}'\n" in found


def test_values_that_are_no_integers() -> None:
    assert "the values of 'theta' are float64" in message(SMALL, {**ARRAYS, "1.theta": np.ones(2)})

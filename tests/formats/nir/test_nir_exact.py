"""The exact network in a NIR file: what is noticed when the file was changed, damaged, or is of another version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.errors import FileFormatError, UsageError
from snn2hw.formats.nir.exact import AGAIN, exact_network, fingerprint
from snn2hw.formats.nir.file import KEY
from snn2hw.formats.nir.write import PLAIN, to_nir
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.network import Network
from tests import hand_networks as by_hand
from tests.nir_files import affine
from tests.nir_files import graph as graph_of
from tests.refused import refused

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")

NET = by_hand.compiled(by_hand.one_neuron(by_hand.neuron("n", "fc"))).network
X = by_hand.events(by_hand.one_neuron(by_hand.neuron("n", "fc")))


@pytest.fixture
def file(here: Path) -> Path:
    """x.nir, in the working folder."""
    here.write_bytes(to_nir(NET).data)
    return here


def edited(file: Path, edit: Callable[[Any], object], forge: bool = False) -> Path:
    """The file after another tool read it, changed something, and wrote it; a forger mends the fingerprint."""
    graph = nir.read(file)
    edit(graph)
    if forge:
        graph.metadata[KEY]["fingerprint"] = fingerprint(graph)
    nir.write(file, graph)
    return file


def same(file: Path) -> bool:
    again = exact_network(file)
    return again is not None and to_onnx(again) == to_onnx(NET)


def test_reading_and_writing_by_others_leaves_it_as_it_is(file: Path) -> None:
    assert same(edited(file, lambda g: None))
    assert same(edited(file, lambda g: g.metadata.update(author="somebody")))
    assert same(edited(file, lambda g: g.nodes["n"].metadata.update(note="looked at")))


def test_the_order_of_nodes_edges_and_fields_means_nothing(file: Path) -> None:
    stated = fingerprint(nir.read(file))

    def turn(graph: Any) -> None:
        graph.nodes = dict(reversed(graph.nodes.items()))
        graph.edges.reverse()
        for node in (graph, *graph.nodes.values()):
            node.metadata = {KEY: dict(reversed(node.metadata[KEY].items()))}

    assert same(edited(file, turn))
    assert fingerprint(nir.read(file)) == stated


def test_a_file_of_others_holds_none(here: Path) -> None:
    graph = nir.NIRGraph({"input": nir.Input(np.array([1])), "output": nir.Output(np.array([1]))}, [("input", "output")])
    nir.write(here, graph)
    assert exact_network(here) is None


@pytest.mark.parametrize("place", ["node", "node/nodes/0"])
def test_metadata_of_others_may_be_a_number(here: Path, place: str) -> None:
    import h5py

    nir.write(here, graph_of(affine(np.eye(3)), shape=[3], out=[3]))
    with h5py.File(here, "r+") as file:
        file[place].pop("metadata", None)
        file[f"{place}/metadata"] = 5
    assert exact_network(here) is None


def test_widths_of_numbers_do_not_count(file: Path) -> None:
    graph = nir.read(file)
    stated = fingerprint(graph)
    graph.nodes["fc"].weight = graph.nodes["fc"].weight.astype(np.float64)
    assert fingerprint(graph) == stated
    graph.nodes["fc"].weight = np.ones_like(graph.nodes["fc"].weight)
    ones = fingerprint(graph)
    graph.nodes["fc"].weight = graph.nodes["fc"].weight.astype(np.int64)
    assert fingerprint(graph) not in (stated, ones)


def bits(graph: Any) -> None:
    graph.nodes["fc"].weight[0, 0] = np.nextafter(graph.nodes["fc"].weight[0, 0], np.float32(9))


@pytest.mark.parametrize(
    "edit",
    [
        bits,
        lambda g: g.nodes["n"].v_threshold.fill(0.5),
        lambda g: g.nodes["fc"].metadata[KEY]["arrays"]["weight"].fill(3),
        lambda g: g.nodes["n"].metadata[KEY].update(text=g.nodes["n"].metadata[KEY]["text"].replace('"op": "ge"', '"op": "gt"')),
        lambda g: g.nodes["n"].metadata[KEY].update(approximation="none"),
        lambda g: g.nodes["fc"].metadata.clear(),
        lambda g: g.metadata[KEY].update(head='{"steps": 9, "target": "generic"}'),
        lambda g: g.nodes.update(extra=nir.Scale(np.ones(2))) or g.edges.extend([("fc", "extra"), ("extra", "n")]),
        lambda g: g.metadata[KEY].pop("fingerprint"),
    ],
    ids=["weight", "threshold", "integers", "program", "approximation", "stripped", "steps", "edges", "unsigned"],
)
def test_a_change_by_others_is_noticed(file: Path, edit: Callable[[Any], object]) -> None:
    stated = str(nir.read(file).metadata[KEY]["fingerprint"])[:16]
    edited(file, edit)
    got = nir.read(file).metadata[KEY].get("fingerprint", "None")[:16]
    assert got in (stated, "None")
    with refused(
        FileFormatError,
        f"""
        this file was changed after snn2hw wrote it: its nodes and the exact network may not agree
          where:    x.nir
          got:      other parameters, edges or metadata than those of fingerprint {got}
          expected: the file as it was written
          do:       {AGAIN}
        """,
    ):
        snn2hw.read_network(file)


def test_a_convention_reads_the_visible_nodes(file: Path) -> None:
    read = snn2hw.read_network(file, sample=X, convention=PLAIN)
    assert isinstance(read, Network)
    edited(file, lambda g: g.nodes["n"].v_threshold.fill(0.5))
    (neuron,) = snn2hw.read_network(file, sample=X, convention=PLAIN).neurons
    assert neuron.firing.threshold == 0.5  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        (lambda g: g.metadata[KEY].update(format=3), f"format 3, written by snn2hw {snn2hw.__version__}"),
        (lambda g: g.metadata[KEY].clear() or g.metadata[KEY].update(format="1"), "format 1, written by snn2hw unknown"),
        (lambda g: g.metadata.clear(), "format none, written by snn2hw unknown"),
        (lambda g: g.metadata.update({KEY: "1"}), "format none, written by snn2hw unknown"),
    ],
    ids=["newer", "word", "stripped", "text"],
)
def test_another_version(file: Path, edit: Callable[[Any], object], got: str) -> None:
    edited(file, edit)
    with refused(
        FileFormatError,
        f"""
        the exact network in this file has another version
          where:    x.nir
          got:      {got}
          expected: format 2
          do:       {AGAIN}
        """,
    ):
        snn2hw.read_network(file)


def part(graph: Any, node: str) -> Any:
    return graph.nodes[node].metadata[KEY]


def said(node: str, text: str) -> Callable[[Any], None]:
    """Another object for a node."""
    return lambda g: part(g, node).update(text=text)


def instead(node: str, old: str, new: str) -> Callable[[Any], None]:
    return lambda g: part(g, node).update(text=part(g, node)["text"].replace(old, new))


def head(text: str) -> Callable[[Any], None]:
    return lambda g: g.metadata[KEY].update(head=text)


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        (lambda g: g.nodes["n"].metadata.clear(), "nodes at positions [0, 1, 3, 4], of 4 nodes"),
        (lambda g: part(g, "n").update(position=1), "nodes at positions [0, 1, 3, 4], of 5 nodes"),
        (lambda g: part(g, "n").update(position="two"), "invalid literal for int() with base 10: 'two'"),
        (head("network integer steps=2 target=generic"), "Expecting value: line 1 column 1 (char 0)"),
        (head('{"steps": 2}'), "this is not the text of a network got: an object of steps, nodes"),
        (lambda g: g.metadata[KEY].pop("head"), "'head'"),
        (lambda g: g.metadata[KEY].update(others=3), "'numpy.int64' object has no attribute 'values'"),
        (said("fc", '{"is": "IntLinear"'), "Expecting ',' delimiter: line 1 column 19 (char 18)"),
        (said("fc", '{"is": "print", "name": "fc"}'), "a node cannot be read where: node 'fc' got: unknown node"),
        (lambda g: part(g, "fc").update(name="fc"), "Expecting value: line 1 column 1 (char 0)"),
        (lambda g: part(g, "fc")["arrays"].pop("weight"), "a node cannot be read where: node 'fc' got: there is no 'fc.weight'"),
        (lambda g: part(g, "fc")["arrays"].update(weight=np.zeros((2, 2), np.int32)), "weights are int8 and biases int32"),
        (lambda g: part(g, "fc")["arrays"].update(weight=np.zeros((2, 3), np.int8)), "the number of features does not fit"),
        (instead("n", '"op": "ge"', '"op": "eq"'), "the result lies in [-40960, 32767],"),
    ],
)
def test_metadata_that_contradict_each_other(file: Path, edit: Callable[[Any], object], got: str) -> None:
    """With a fingerprint that fits, what is no network, or breaks its rules, is refused all the same."""
    edited(file, edit, forge=True)
    with pytest.raises(FileFormatError) as caught:
        snn2hw.read_network(file)
    error = caught.value
    assert (error.what, error.where) == ("the exact network in this file cannot be read", "x.nir")
    assert (error.expected, error.do) == ("metadata as snn2hw writes them", AGAIN)
    assert error.got.startswith(got) or got in error.got, error.got


def test_a_truncated_file(file: Path) -> None:
    data = file.read_bytes()
    for size in (0, 100, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        with pytest.raises(FileFormatError, match="this is not an HDF5 file, or it is damaged"):
            snn2hw.read_network(file)


def test_options_of_a_network_that_is_made_already(file: Path) -> None:
    with refused(
        UsageError,
        """
        this file holds the exact network, whose integers and steps are made already
          where:    x.nir
          got:      steps, dt
          expected: no options, or a convention
          do:       leave them out; or have the visible nodes read as equations: convention=... (--convention)
        """,
    ):
        snn2hw.read_network(file, 4, dt=1e-3)
    assert to_onnx(snn2hw.read_network(file, sample=X)) == to_onnx(NET)  # type: ignore[arg-type]

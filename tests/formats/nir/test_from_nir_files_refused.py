"""NIR files and graphs that are refused: every error by its whole text."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import FileFormatError, MissingExtraError, UnsupportedError
from tests.nir_cases import KINDS, case, chain, check_case, linear, read
from tests.nir_files import write
from tests.refused import refused

nir = pytest.importorskip("nir", reason="reading .nir files needs the nir extra")
pytestmark = pytest.mark.usefixtures("here")

NEURONS = {
    "I": lambda: nir.I(np.ones(3)),
    "LI": lambda: nir.LI(np.ones(3), np.ones(3), np.zeros(3)),
    "CubaLI": lambda: nir.CubaLI(*[np.ones(3)] * 4),
    "CubaLIF": lambda: nir.CubaLIF(*[np.ones(3)] * 5),
}
UNKNOWN = {  # to the importers, by their sources
    "norse": ("I", "LI", "CubaLI"),
    "sinabs": ("I", "CubaLI", "CubaLIF"),
    "snntorch": ("I", "LI", "CubaLI"),
    "lava": ("I", "LI", "CubaLI", "CubaLIF"),
    "rockpool": ("I", "CubaLI"),
}


def named(nodes: Any, edges: Any) -> Any:
    return nir.NIRGraph(nodes, edges, type_check=False)


def I() -> Any:  # noqa: E743, N802
    return nir.Input(np.array([3]))


def O() -> Any:  # noqa: E743, N802
    return nir.Output(np.array([3]))


def setkind(file: Any) -> None:
    del file["node/nodes/0/type"]
    file["node/nodes/0/type"] = "Wave"


def notype(file: Any) -> None:
    del file["node/nodes/0/type"]


def rootkind(file: Any) -> None:
    del file["node/type"]
    file["node/type"] = "Linear"


def noweight(file: Any) -> None:
    del file["node/nodes/0/weight"]


def noedges(file: Any) -> None:
    del file["node/edges"]


def big(file: Any) -> None:
    del file["node/nodes/0/weight"]
    file["node/nodes/0"].create_dataset("weight", shape=(1 << 20, 1 << 20), dtype="f8", chunks=(1, 1024))


def loop(file: Any) -> None:
    file["node/nodes/block"] = file["node"]


def badedge(file: Any) -> None:
    del file["node/edges"]
    file["node/edges"] = np.array([["input", "a"], ["q", "output"]], dtype=object)


def twice(file: Any) -> None:
    e = file["node/edges"][()]
    del file["node/edges"]
    file["node/edges"] = np.concatenate([e, e[:1]])


@pytest.mark.parametrize(
    ("made", "error", "options", "edit"),
    [
        case(
            "unknown",
            lambda: chain(linear()),
            UnsupportedError,
            "a node of this type is not supported",
            "0",
            "'Wave'",
            KINDS,
            "replace it in training, or open an issue with the file",
            edit=setkind,
        ),
        case(
            "notype",
            lambda: chain(linear()),
            UnsupportedError,
            "a node of this type is not supported",
            "0",
            "'nothing'",
            KINDS,
            "replace it in training, or open an issue with the file",
            edit=notype,
        ),
        case(
            "root",
            lambda: chain(linear()),
            UnsupportedError,
            "a node of this type is not supported",
            "x.nir",
            "'Linear'",
            KINDS,
            "replace it in training, or open an issue with the file",
            edit=rootkind,
        ),
        case(
            "noweight",
            lambda: chain(linear()),
            FileFormatError,
            "the package nir cannot read this file",
            "x.nir",
            "TypeError: Linear.__init__() missing 1 required positional argument: 'weight'",
            "a graph that nir 1.0.8 reads",
            "write it again",
            edit=noweight,
        ),
        case(
            "noedges",
            lambda: chain(linear()),
            FileFormatError,
            "the package nir cannot read this file",
            "x.nir",
            "AssertionError: The incoming dictionary must hade a 'edges' entry",
            "a graph that nir 1.0.8 reads",
            "write it again",
            edit=noedges,
        ),
        case(
            "big",
            lambda: chain(linear()),
            FileFormatError,
            "'weight' is too large for this file",
            "node/nodes/0/weight",
            "[1048576, 1048576] of float64",
            "at most 16 MiB in all, as the file has 21728 bytes",
            "write it again",
            edit=big,
        ),
        case(
            "loop",
            lambda: chain(linear()),
            FileFormatError,
            "'block' stands in a second place, too",
            "node/nodes/block",
            "another name for the same object",
            "a tree of groups",
            "write it again",
            edit=loop,
        ),
        case(
            "cycle",
            lambda: named(
                {"input": I(), "a": linear(), "b": linear(), "out": O()}, [("input", "a"), ("a", "b"), ("b", "a"), ("b", "out")]
            ),
            UnsupportedError,
            "the graph has a cycle without a neuron that fires",
            "x.nir",
            "a -> b -> a",
            "one of IF, LIF, CubaLIF, Threshold on every cycle, whose spikes are bounded; a sum would grow from step to step",
            "remove the recurrent connection in training, or put a neuron into it",
        ),
        case(
            "cycle of a membrane",
            lambda: named(
                {"input": I(), "a": linear(), "b": nir.LI(np.ones(3), np.ones(3), np.zeros(3)), "out": O()},
                [("input", "a"), ("a", "b"), ("b", "a"), ("b", "out")],
            ),
            UnsupportedError,
            "the graph has a cycle without a neuron that fires",
            "x.nir",
            "a -> b -> a",
            "one of IF, LIF, CubaLIF, Threshold on every cycle, whose spikes are bounded; a sum would grow from step to step",
            "remove the recurrent connection in training, or put a neuron into it",
        ),
        case(
            "two inputs",
            lambda: named(
                {"input": I(), "other": I(), "a": linear(), "out": O()}, [("input", "a"), ("other", "a"), ("a", "out")]
            ),
            UnsupportedError,
            "a graph needs one Input",
            "x.nir",
            "2: input, other",
            "one",
            "split the graph, or join its ends before it is written",
        ),
        case(
            "no output",
            lambda: named({"input": I(), "a": linear()}, [("input", "a")]),
            UnsupportedError,
            "a graph needs one Output",
            "x.nir",
            "none",
            "one",
            "split the graph, or join its ends before it is written",
        ),
        case(
            "inner two",
            lambda: named(
                {"input": I(), "g": named({"i": I(), "j": I(), "o": O()}, [("i", "o"), ("j", "o")]), "out": O()},
                [("input", "g"), ("g", "out")],
            ),
            UnsupportedError,
            "a graph needs one Input",
            "g",
            "2: i, j",
            "one",
            "split the graph, or join its ends before it is written",
        ),
        case(
            "edge",
            lambda: chain(linear()),
            FileFormatError,
            "an edge joins nodes that are not there",
            "x.nir",
            "input -> a",
            "0, input, output",
            "write the edge between two of these nodes, or leave it out",
            edit=badedge,
        ),
        case(
            "twice",
            lambda: chain(linear()),
            FileFormatError,
            "an edge is there twice",
            "x.nir",
            "input -> 0",
            "each edge once",
            "write each edge once",
            edit=twice,
        ),
        case(
            "dead",
            lambda: named(
                {"input": I(), "a": linear(), "b": linear(), "out": O()}, [("input", "a"), ("input", "b"), ("a", "out")]
            ),
            FileFormatError,
            "a node is not joined to the graph",
            "b",
            "entered by input, not read",
            "edges from the Input through every node to the Output",
            "write an edge from what enters the node and one to what reads it, or leave the node out",
        ),
        case(
            "samepath",
            lambda: named(
                {"input": I(), "g": chain(linear()), "g.0": linear(), "out": O()}, [("input", "g"), ("g", "g.0"), ("g.0", "out")]
            ),
            FileFormatError,
            "two nodes have the same path",
            "x.nir",
            "g.0",
            "names without dots",
            "rename one of the two in the program that writes the file",
        ),
        case(
            "deep",
            lambda: reduce(lambda inner, _: chain(inner), range(16), chain(linear())),
            FileFormatError,
            "the graphs are nested too deeply",
            "x.nir" + ": 0" * 16,
            "16 deep",
            "below 16",
            "write one graph with a node for each layer, and no graph within it",
        ),
    ],
)
def test_refused(made: Callable[[], Any], error: Any, options: dict[str, Any], edit: Any) -> None:
    check_case(made, error, options, edit)


@pytest.mark.parametrize(("convention", "kind"), [(c, k) for c, kinds in UNKNOWN.items() for k in kinds])
def test_a_neuron_that_the_importer_does_not_know_is_refused_by_its_name(here: Path, convention: str, kind: str) -> None:
    path = write(here, chain(NEURONS[kind]()))
    with pytest.raises(UnsupportedError) as caught:
        read(path, convention=convention)
    article = "a" if kind.startswith("C") else "an"
    assert caught.value.what == f"{article} {kind} has no meaning in the convention '{convention}'"
    assert caught.value.where == f"x.nir: 0 ({kind})"
    assert caught.value.got == "its importer does not know this node"


def test_a_file_that_is_not_there_or_not_hdf5(here: Path) -> None:
    with refused(
        FileFormatError,
        """
        there is no such file
          where:    x.nir
          got:      nothing
          expected: a .nir file
          do:       check the path
        """,
    ):
        read(here)
    here.write_bytes(b"no hdf5")
    with refused(
        FileFormatError,
        """
        this is not an HDF5 file, or it is damaged
          where:    x.nir
          got:      file signature not found
          expected: a .nir file
          do:       write it again
        """,
    ):
        read(here)


def test_another_hdf5_file(here: Path) -> None:
    import h5py

    with h5py.File(here, "w") as file:
        file["layer"] = 1
    with refused(
        FileFormatError,
        """
        this HDF5 file holds no NIR graph
          where:    x.nir
          got:      layer
          expected: a group 'node' with the graph
          do:       write it with nir.write
        """,
    ):
        read(here)


@pytest.mark.parametrize("part", [0.1, 0.4, 0.6, 0.9])
def test_a_truncated_file(here: Path, part: float) -> None:
    whole = write(here, chain(linear())).read_bytes()
    here.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(FileFormatError) as caught:
        read(here)
    assert caught.value.what == "this is not an HDF5 file, or it is damaged"
    assert caught.value.got.startswith("truncated file")


def test_a_parameter_in_words(here: Path) -> None:
    import h5py

    with h5py.File(write(here, chain(linear())), "r+") as file:
        del file["node/nodes/0/weight"]
        file["node/nodes/0/weight"] = b"heavy"
    with pytest.raises(FileFormatError) as caught:
        read(here)
    assert caught.value.what in ("'weight' is not in numbers", "the package nir cannot read this file")


def test_without_the_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refused(
        MissingExtraError,
        """
        reading a .nir file needs the package 'nir', which is not installed
          got:      no module named 'nir'
          expected: snn2hw installed with its 'nir' extra
          do:       pip install 'snn2hw[nir]'
        """,
    ):
        read(here)

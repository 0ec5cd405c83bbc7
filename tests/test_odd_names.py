"""Names are data: whatever a layer, its source or a target is called, it goes through everything as it is."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import snn2hw
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.ir.network import Network
from snn2hw.ir.onnx_terms import onnx_name
from snn2hw.target import targets_folder
from tests.hand_networks import every_kind, recurrent, sample_of

FEW = snn2hw.Options(state_bits=8)
ODD = [
    *(
        "'",
        '"',
        "\\",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "\x1b[31m",
        "\u200b",
        " ",
        "\u2028",
        ".",
        "..",
        "/",
        "~",
        "%",
        "%2F",
        "%00",
        "a/b/c",
    ),
    *("*/", "/*", "//", "??/", "#include", "[/x]", "{}", "@NAME@", "$(x)", "`x`", "é", "ß", "漢字", "🧠", "\ud800", "\u202e", ""),
    *("None", "x", "input", "readout", "logits", "spikes/x", "state/x.u", "next/x.u", "feedback/x", "value/x", "x.u", "snn2hw.x"),
    *("steps", "samples", "x_step", "readout_before", "body/constant/0", "con", "a.weight", "nan", "a" * 300),
]


def renamed(net: Network, names: dict[str, str], source: str) -> Network:
    nodes = [replace(n, name=names[n.name], inputs=tuple(names[i] for i in n.inputs), source=source) for n in net.nodes]
    return dataclasses.replace(net, nodes=tuple(nodes))


def goes_through(net: Network, folder: Path, target: str = "generic") -> None:
    """Compiled, written, read, checked, verified on every executor, exported: and every layer is still called what it was."""
    made = snn2hw.compile(net, sample_of(net), target=target, out=folder / "net", options=FEW)
    loaded = snn2hw.load(folder / "net")
    assert [n.name for n in loaded.network.nodes] == [n.name for n in made.network.nodes]
    assert [n.source for n in loaded.network.nodes] == [n.source for n in made.network.nodes]
    assert loaded.network.target == made.network.target
    checked = snn2hw.check(folder / "net")
    assert checked.failures == []
    assert [layer["layer"] for layer in checked.certificate["layers"]] == [n.name for n in made.network.neurons]
    verdict = snn2hw.verify(loaded, executors=("reference", "onnx-reference", "onnxruntime"))
    assert verdict.equal, str(verdict)
    assert from_onnx(loaded.model).nodes[1].name == made.network.nodes[1].name


def exported(folder: Path) -> None:
    made = snn2hw.load(folder / "net")
    snn2hw.export_c(made, folder / "c", force=True)
    snn2hw.export_nir(made, folder / "net.nir", force=True)
    again = snn2hw.read_network(folder / "net.nir")
    assert [n.name for n in again.nodes] == [n.name for n in made.network.nodes]


def all_called(net: Network, words: list[str]) -> Network:
    names: dict[str, str] = {}
    for n, word in zip(net.nodes, words * len(net.nodes), strict=False):
        names[n.name] = word if word not in names.values() else f"{word}{len(names)}"
    return renamed(net, names, "".join(words[:2]))


@pytest.mark.parametrize("first", range(0, len(ODD), 13))
def test_names_that_something_somewhere_takes_for_something_else(first: int, tmp_path: Path) -> None:
    net = all_called(every_kind(), ODD[first : first + 13])
    goes_through(net, tmp_path)
    exported(tmp_path)


def test_recurrent_edges_of_any_name(tmp_path: Path) -> None:
    net = all_called(recurrent(), ["a'b", "\0", "x/y", "\n"])
    goes_through(net, tmp_path)
    exported(tmp_path)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(), max_size=12), min_size=4, max_size=14))
def test_any_names(tmp_path: Path, words: list[str]) -> None:
    goes_through(all_called(recurrent(), words), tmp_path)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(), max_size=30), min_size=4, max_size=14))
def test_any_names_at_length(tmp_path: Path, words: list[str]) -> None:
    net = all_called(recurrent(), words)
    goes_through(net, tmp_path)
    exported(tmp_path)


@pytest.mark.parametrize("name", ["'", "a\tb", "a\nb", "\u200b", "a b", "\\", '"'])
def test_a_target_of_any_name(tmp_path: Path, name: str) -> None:
    text = (targets_folder() / "generic.toml").read_text(encoding="utf-8")
    said = "".join(f"\\u{ord(c):04x}" for c in name)
    (tmp_path / "mine.toml").write_text(text.replace('name = "generic"', f'name = "{said}"'), encoding="utf-8")
    goes_through(recurrent(), tmp_path, str(tmp_path / "mine.toml"))
    assert snn2hw.load(tmp_path / "net").network.target == name


@given(st.text(st.characters()), st.text(st.characters()))
def test_no_two_names_become_one(a: str, b: str) -> None:
    assert (onnx_name(a) == onnx_name(b)) == (a == b)
    assert all(c.isascii() and (c.isalnum() or c in "_.-~%") for c in onnx_name(a))

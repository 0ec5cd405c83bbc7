"""What is shown of a name: every character of it, none of which is obeyed."""

from __future__ import annotations

import io
import pickle
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import snn2hw
from snn2hw import api
from snn2hw.errors import MissingExtraError, Snn2hwError, Snn2hwWarning
from snn2hw.ir.network import Network
from snn2hw.layers import IntConv2d
from snn2hw.shown import Lines, brief, plain, plain_lines
from tests.hand_networks import compiled, counts, every_kind, lif, linear, network, readout


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("conv1", "conv1"), ("fc[/x]", "fc[/x]"), ("[red]", "[red]"), (":smile:", ":smile:"), ("a b", "a b"), ("", ""),
        ("Größe é 名", "Größe é 名"), ("C:\\new", "C:\\new"), ("a\nb", r"a\nb"), ("a\r\tb", r"a\r\tb"), ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m", r"\x9b31m"), ("\x07", r"\x07"), ("\x7f", r"\x7f"), ("a\u200bb", r"a\u200bb"), ("\u202eabc", r"\u202eabc"),
        ("\u2066", r"\u2066"), ("\ufeff", r"\ufeff"), ("\u2028", r"\u2028"), ("\xa0", r"\xa0"), ("\ud800", r"\ud800"),
        ("\u3164", r"\u3164"), ("a\ufe0f", r"a\ufe0f"), ("\U000e0041", r"\U000e0041"),
    ],
)  # fmt: skip
def test_names(name: str, shown: str) -> None:
    assert plain(name) == shown


@given(st.text(st.characters(codec=None), max_size=20))
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for c in shown)
    assert plain(shown) == shown
    if text.isascii() and text.isprintable():
        assert shown == text
    io.TextIOWrapper(io.BytesIO(), "utf-8").write(shown)  # lone surrogates cannot be written


def test_a_name_cannot_imitate_a_part_of_a_message() -> None:
    """A line break in a name would begin a line that looks like the message's own."""
    name = "fc\n  do:       run rm"
    for made in (Snn2hwError, Snn2hwWarning):
        text = str(made(f"a layer {name}", where=name, got=name, expected=name, do=name))
        assert len(text.splitlines()) == 5
        assert text.splitlines()[1] == r"  where:    fc\n  do:       run rm"


def test_the_lines_of_a_log_go_on_below_each_other() -> None:
    text = str(Snn2hwError("it failed", got=Lines("one\ntwo\x1b[2J\n  do: three"), do="look"))
    assert text == "it failed\n  got:      one\n            two\\x1b[2J\n              do: three\n  do:       look"
    assert plain_lines("a\r\nb\x0bc\u2028d") == "a\nb\nc\nd"


@pytest.mark.parametrize(
    "error",
    [
        Snn2hwError("a file is wrong", where="a\nb", got=Lines("first\nsecond"), do="write it again"),
        MissingExtraError("torch", "torch", "training"),
    ],
)
def test_an_error_that_crosses_to_another_process_stays_as_it_is(error: Snn2hwError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (written on this line)
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_the_parts_of_an_error_stay_as_they_are() -> None:
    error = Snn2hwError("a\nb", where="c\nd")
    assert (error.what, error.where) == ("a\nb", "c\nd")


@dataclass(frozen=True)
class Layer:
    name: str
    weight: object = None


@dataclass(frozen=True)
class Holds:
    value: object
    __repr__ = brief


@dataclass(frozen=True)
class Two:
    one: object
    two: object
    __repr__ = brief


@dataclass(frozen=True)
class Wide:
    a: str
    b: str
    c: str
    d: str
    __repr__ = brief


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"), (0.0033237080024264287, "0.003324"), (np.float64(1 / 3), "0.3333"), (Path("build/x"), "'build/x'"),
        ("a\u202eb\n", r"'a\u202eb\n'"), ("x" * 100, "'" + "x" * 76 + "..."), (bytes(12345), "bytes[12,345]"),
        (np.zeros((2, 3), np.int16), "int16[2, 3]"), ((), "()"), ([], "[]"), ({}, "{}"), ((1,), "(1,)"), ([1, "a"], "[1, 'a']"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 92 more]"),
        ({n: np.zeros(n) for n in range(9)}, "{" + ", ".join(f"{n}: float64[{n}]" for n in range(8)) + ", ... 1 more}"),
        ([Layer("fc[/x]\n"), Holds(1)], r"[Layer('fc[/x]\n'), Holds(...)]"), (Holds([1]), "Holds(value=[1])"),
        (Holds(["x" * 90] * 8), "Holds(value=[8 entries])"),
        ([[[1, 2], [3]], []], "[[[2 entries], [1 entries]], []]"),
    ],
)  # fmt: skip
def test_a_repr_is_brief(value: object, shown: str) -> None:
    assert repr(Holds(value)) == f"Holds(value={shown})"


def test_a_repr_that_would_be_long_says_less_of_each_field_then_of_fewer() -> None:
    assert repr(Two([["a" * 40] * 3], 1)) == f"Two(one=[[{', '.join([repr('a' * 40)] * 3)}]], two=1)"
    assert repr(Two([["a" * 40] * 5], 1)) == "Two(one=[[5 entries]], two=1)"
    assert (
        repr(Two([["a" * 40] * 5] * 8, Layer("fc")))
        == f"Two(one=[{', '.join(['[5 entries]'] * 8)}], two=Layer(name='fc', weight=None))"
    )
    assert repr(Two(["a" * 40] * 5, ["b"])) == "Two(one=[5 entries], two=['b'])"
    wide = repr(Wide(*["x" * 70] * 4))
    assert wide == f"Wide(a='{'x' * 70}', b='{'x' * 70}', ...)"
    assert len(wide) < 200


def test_a_collection_that_is_shorter_than_its_number_of_entries_stays() -> None:
    assert repr(Two((32, 8, 8), ["x" * 70] * 4)) == "Two(one=(32, 8, 8), two=[4 entries])"
    wide = repr(Two((32, 8, 8), "x" * 200))
    assert wide == f"Two(one=(32, 8, 8), two='{'x' * 76}...)"
    both = Wide((32, 8, 8), *["x" * 60] * 3)  # type: ignore[arg-type]
    assert repr(both).startswith("Wide(a=(32, 8, 8), b='")


def test_a_node_is_named_by_its_layer_its_shape_and_its_format_and_shows_no_array() -> None:
    net = every_kind()
    made = compiled(net).network
    assert len({type(n) for n in made.nodes}) == 8
    for node in (*net.nodes, *made.nodes):
        shown = repr(node)
        assert len(shown) < 200
        assert shown.startswith(f"{type(node).__name__}(name={node.name!r}, inputs={node.inputs!r}, shape={node.shape!r}, ")
        assert "array(" not in shown
    for node in made.nodes:
        assert f"format={node.format!r}" in repr(node) or f"format={node.format}" in repr(node)
    weighted = next(n for n in made.nodes if isinstance(n, IntConv2d))
    assert f"weight=int8{list(weighted.weight.shape)}" in repr(weighted)


def measured(net: Network, artefact: snn2hw.Artefact, sample: Any) -> Iterator[Any]:
    """What the functions that measure return, and what lies in it."""
    labels = [0] * sample.shape[1]
    front = snn2hw.explore(net, sample, labels, weight_bits=(4, 8), state_bits=(12, 16), executor="reference")
    cost, measured = snn2hw.estimate(artefact, "loihi2"), snn2hw.evaluate(artefact, sample, labels, net, "reference", layout="TN")
    yield from (front, *front.points, front.points[0].setting, cost, *cost.layers.values(), measured, *measured.layers.values())
    yield from (snn2hw.budget(net, sample, labels, executor="reference"), snn2hw.export(artefact, "c"), snn2hw.Options())
    yield snn2hw.diagnose(artefact, sample, net, layout="TN")


def test_no_repr_grows_with_the_network(tmp_path: Path) -> None:
    """Twenty times the channels and steps, the same text but for the numbers."""
    lengths = []
    for channels, steps in ((10, 3), (200, 60)):
        weight = np.random.default_rng(0).normal(size=(channels, 4))
        head = np.random.default_rng(1).normal(size=(3, channels))
        net = network(
            steps, counts(4, hi=3), linear("fc", "input", weight), lif("fire", "fc"), linear("out", "fire", head), readout("out")
        )
        sample = np.random.default_rng(2).integers(0, 4, (steps, 2, 4))
        artefact = snn2hw.compile(net, sample, out=tmp_path / str(channels))
        made = (
            artefact, artefact.network, artefact.network.neurons[0].program, net, snn2hw.simulate(artefact, sample),
            snn2hw.verify(artefact, executors=("reference", "onnx-reference")), snn2hw.check(tmp_path / str(channels)),
            api.run_passes(net, sample, "generic", snn2hw.Options()), *measured(net, artefact, sample),
        )  # fmt: skip
        assert [type(value) for value in made if "\n" in repr(value)] == []
        lengths.append([len(repr(value)) for value in made])
        assert {type(value).__name__: repr(value) for value in made if len(repr(value)) >= 200} == {}
    assert all(large < small + 40 for small, large in zip(*lengths, strict=True))

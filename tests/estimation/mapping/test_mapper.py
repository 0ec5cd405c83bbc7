"""Spikes that are given, ways to search, chips, unlike cores, and what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import MissingExtraError, ShapeError, UsageError, ValueRangeError
from snn2hw.estimation.fits import check_fit
from snn2hw.estimation.mapping import Mapping, map_network
from snn2hw.estimation.mapping.picture import CELL, GAP, pixels
from snn2hw.estimation.resources import resources
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.layers import IntFlatten
from snn2hw.target import load_chip
from tests.estimation.hand_integers import Made, dense, lif
from tests.estimation.mapping.cases import chip_with, facts_of, limits_of
from tests.estimation.mapping.checker import problems
from tests.refused import refused


def mapped(net: IntegerNetwork, how: str = "search", spikes: dict[str, np.ndarray] | None = None, **limits: Any) -> Mapping:
    found = map_network(resources(net), chip_with(**limits), spikes, how=how)
    assert found is not None
    return found


def test_neurons_that_talk_most_lie_on_one_core() -> None:
    """Two pairs of layers beside each other: whoever fires more decides which of them share a core."""
    made = Made(2)
    a = made.neuron("a", made.linear("fa", 2))
    b = made.neuron("b", made.linear("fb", 2, a))
    c = made.neuron("c", made.linear("fc", 2, b))
    net = made.readout(c)
    for loud, together in (("a", {"a", "b"}), ("b", {"b", "c"})):
        spikes = {name: np.full(2, 50.0 if name == loud else 1.0) for name in ("a", "b", "c")} | {"input": np.ones(2)}
        found = mapped(net, spikes=spikes, neurons=4, cores_per_chip=4)
        on = [{block["layer"] for block in core["blocks"]} for core in found.document()["cores"]]
        assert any(together <= layers for layers in on), (loud, on)
        assert found.counted


def test_fewer_spikes_between_cores_are_never_fewer_than_the_bound() -> None:
    found = mapped(dense(4, 8, 8, 2), neurons=6, cores_per_chip=8)
    assert 0 < found.fewest <= found.spikes_between_cores <= found.greedy
    assert found.fewest_cores == 3 <= found.cores


@pytest.mark.parametrize(
    ("spikes", "kind", "text"),
    [
        ({"nobody": np.ones(3)}, UsageError,
         "spikes of a layer that sends none\n  got:      nobody\n  expected: input, n1, readout\n  do:       leave it out"),
        ({"n1": np.ones(4)}, ShapeError,
         "the spikes are not those of this layer\n  where:    n1 (Neuron)\n  got:      [4]\n  expected: 3 numbers, as [3]\n"
         "  do:       count them on this network"),
        ({"n1": np.array([1.0, -1.0, 0.0])}, ValueRangeError,
         "spikes are counted, or their mean is taken\n  where:    n1 (Neuron)\n  got:      a negative number, or none\n"
         "  expected: 0 or more\n"
         "  do:       give counts, or counts divided by the number of samples"),
        ({"n1": np.array([1.0, np.nan, 0.0])}, ValueRangeError,
         "spikes are counted, or their mean is taken\n  where:    n1 (Neuron)\n  got:      a negative number, or none\n"
         "  expected: 0 or more\n"
         "  do:       give counts, or counts divided by the number of samples"),
    ],
)  # fmt: skip
def test_spikes_that_do_not_fit(spikes: dict[str, np.ndarray], kind: type[Exception], text: str) -> None:
    with refused(kind, text):
        map_network(resources(dense(2, 3, 2)), chip_with(), spikes)


def test_a_way_that_there_is_not_and_a_chip_without_cores() -> None:
    found = resources(dense(2, 3, 2))
    text = "unknown way to find a mapping\n  got:      'luck'\n  expected: auto, greedy, search, mtkahypar\n"
    with refused(UsageError, text + "  do:       name one of these"):
        map_network(found, chip_with(), how="luck")
    with refused(
        UsageError,
        "nothing is known of the cores of this target\n  got:      generic\n  expected: a target with a section [cores]\n"
        "  do:       name another target, or copy its file and state what a core holds",
    ):
        map_network(found, load_chip("generic"))


def test_without_the_partitioner_the_search_does_and_asking_for_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    found = mapped(dense(4, 8, 8, 2), "auto", neurons=6, cores_per_chip=8)
    assert found.found_by in ("greedy", "search")
    with pytest.raises(MissingExtraError, match=r"pip install 'snn2hw\[estimate\]'"):
        mapped(dense(4, 8, 8, 2), "mtkahypar", neurons=6, cores_per_chip=8)


def test_the_partitioner_is_asked_and_its_parts_are_mended() -> None:
    pytest.importorskip("mtkahypar")
    one, other = (mapped(dense(4, 12, 12, 4), "mtkahypar", neurons=7, in_axons=16, cores_per_chip=16) for _ in range(2))
    assert one.document() == other.document()
    assert not [*one.arrangement.over()]
    assert one.spikes_between_cores <= one.greedy


def test_cores_are_laid_on_chips_so_that_few_spikes_go_between_them() -> None:
    """Four layers in a chain on four cores of two chips: neighbours share a chip."""
    made = Made(4)
    last = ""
    for name in "abcd":
        last = made.neuron(name, made.linear(f"f{name}", 4, last))
    found = mapped(made.readout(), neurons=4, cores_per_chip=2)
    assert (found.cores, found.chips) == (5, 3)
    assert found.spikes_between_chips == 8.0
    counts = np.bincount(found.places.chip)
    assert counts.max() <= 2
    assert len({*zip(found.places.chip.tolist(), found.places.position.tolist(), strict=True)}) == 5


def test_cores_of_two_chips_change_places_where_that_saves_spikes() -> None:
    """Three chains beside each other, given layer by layer: in this order every spike would go from chip to chip."""
    made = Made(3)
    chains = "abc"
    first = {c: made.neuron(f"{c}0", made.linear(f"{c}f0", 2, "input")) for c in chains}
    ends = [made.neuron(f"{c}1", made.linear(f"{c}f1", 2, first[c])) for c in chains]
    net = made.readout(made.join("abc", made.join("ab", ends[0], ends[1]), ends[2]))
    loud = {f"{c}0": np.full(2, 100.0) for c in chains} | {f"{c}1": np.ones(2) for c in chains}
    found = mapped(net, "greedy", loud, neurons=2, cores_per_chip=2)
    chip_of = {b["layer"]: core["chip"] for core in found.document()["cores"] for b in core["blocks"]}
    assert all(chip_of[f"{c}0"] == chip_of[f"{c}1"] for c in chains)
    assert found.spikes_between_chips == 2 * 3  # to the readout, which lies on a chip of its own
    assert sorted(np.bincount(found.places.chip).tolist()) == [1, 2, 2, 2]


def test_constants_of_a_vector_that_is_seen_as_an_image_are_counted_neuron_by_neuron() -> None:
    made = Made(1, 2, 2)
    made.conv("conv", 2, 1)
    made.add(IntFlatten, "flat", ("conv",))
    made.neuron("n", program=lif(range(1, 9)))
    net = made.readout()
    found = mapped(net, parameter_sets=1, cores_per_chip=32)
    assert [*problems(found.document(), facts_of(net, found.chip), limits_of(found.chip))] == []
    assert sum(any(b["layer"] == "n" for b in core["blocks"]) for core in found.document()["cores"]) == 8
    assert found.cores == 8


def test_what_a_whole_chip_holds_is_kept_to() -> None:
    found = mapped(dense(2, 6, 6, 2), neurons=4, cores_per_chip=8, neurons_per_chip=8)
    assert found.chips == 2
    assert found.chip_loads["neurons_per_chip"].tolist() == sorted(found.chip_loads["neurons_per_chip"].tolist(), reverse=True)
    assert found.chip_loads["neurons_per_chip"].max() <= 8


def test_cores_that_differ_are_matched_with_what_they_can_hold() -> None:
    """Two of three cores are small; the layer that needs the large one gets it, wherever it stands in the network."""
    net = small_and_large()
    words = {"kernel_words": [16, 64, 256], "kernel_words_formula": "input_channels * kernel_height * kernel_width * channels"}
    found = mapped(net, cores_per_chip=3, layers_per_core=1, cores_per_layer=1, **words)
    by_layer = {core["blocks"][0]["layer"]: core["position"] for core in found.document()["cores"]}
    assert by_layer == {"a": 0, "b": 1, "readout": 2}
    assert found.utilisation["kernel_words"].max() <= 1
    tight = chip_with(cores_per_chip=3, chips=1, layers_per_core=1, cores_per_layer=1, **{**words, "kernel_words": [16, 16, 256]})
    fit = check_fit(net, replace(tight, neurons={}))
    assert fit.reasons == ("the network: 1 of the cores that it needs find none on the chip that is large enough",)


def small_and_large() -> IntegerNetwork:
    made = Made(1, 4, 4)
    made.conv("small", 1, 1)
    made.neuron("a")
    made.conv("large", 4, 3)
    made.neuron("b")
    made.linear("head", 2)
    return made.readout()


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    found = mapped(dense(4, 8, 8, 2), neurons=6, cores_per_chip=8)
    path = found.write(tmp_path / "mapping.json")
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read.pop("seal").startswith("snn2hw")
    assert read == json.loads(json.dumps(found.document()))
    assert (read["version"], read["target"], read["found_by"]) == (1, "loihi1", found.found_by)
    assert sum(r["spikes"] for r in read["routes"] if r["from"] != r["to"]) == read["spikes"]["between_cores"]


def test_the_picture_has_a_cell_for_every_core() -> None:
    found = mapped(dense(4, 8, 8, 2), "greedy", neurons=6, cores_per_chip=8)
    colours = {"n1": (1.0, 0.0, 0.0), "n2": (0.0, 1.0, 0.0), "readout": (0.0, 0.0, 1.0)}
    image = pixels(found, 0, colours)
    assert image.shape == (3 * (CELL + GAP), 3 * (CELL + GAP), 3)
    of = {name: int((image == colour).all(2).sum()) for name, colour in colours.items()}
    assert all(of.values())
    assert of["n1"] > of["readout"]

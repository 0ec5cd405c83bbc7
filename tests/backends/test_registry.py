"""Which back ends there are: ours, those of packages, registered ones; what is refused of an object that is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import (
    EXECUTORS,
    SIDE_EXECUTORS,
    WRITERS,
    HoldsAll,
    backend,
    backends,
    executor,
    executors_of,
    on_request,
    register,
    unregister,
    writer,
    writers_of,
)
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import Reference
from snn2hw.backends.registry import checked
from snn2hw.errors import UsageError
from tests.backends.toys import OWN, Toy, ToyWriter
from tests.cli.running import Capture
from tests.cli.running import run as run_cli
from tests.refused import refused
from tests.small_networks import two_layer_network


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    network, images = two_layer_network()
    return snn2hw.compile(network, images)


@pytest.fixture
def entered() -> Iterator[Any]:
    """`register`, which is undone."""
    names = []

    def enter(given: Any, **options: Any) -> None:
        register(given, **options)
        names.append(given.name)

    yield enter
    for name in names:
        unregister(name)


def test_our_own_are_there_and_are_what_a_back_end_is() -> None:
    found = backends()
    assert list(found)[: len(OWN)] == OWN
    assert list(executors_of(found)) == [*EXECUTORS, *SIDE_EXECUTORS]
    assert list(writers_of(found)) == ["rtl", *WRITERS] == ["rtl", "c", "nir"]
    assert [name for name, b in found.items() if on_request(b)] == ["lava", "rtl"]
    for name, b in found.items():
        assert checked(b).name == name
        assert b.description == " ".join(b.description.split()).rstrip(".") != ""  # one line, no full stop


def test_a_registered_one_is_found_until_it_is_taken_out(artefact: Artefact, entered: Any) -> None:
    toy = Toy()
    entered(toy)
    assert backend("toy") is executor("toy") is toy
    entered(toy)  # once more: it is the same
    images = two_layer_network()[1]
    assert snn2hw.verify(artefact, images, executors=("reference", "toy")).different == {"toy": 0}
    unregister("toy")
    unregister("toy")
    with pytest.raises(UsageError, match="unknown executor"):
        executor("toy")


def test_an_object_needs_no_name_of_the_registry(artefact: Artefact) -> None:
    images, toy = two_layer_network()[1], Toy()
    verdict = snn2hw.verify(artefact, images, executors=(Reference(), toy, "onnx-reference"))
    assert verdict.different == {"toy": 0, "onnx-reference": 0}
    expected = snn2hw.simulate(artefact, images)
    assert (snn2hw.simulate(artefact, images, toy).readout == expected.readout).all()
    assert toy.runs == 2
    assert "toy" not in backends()


def test_two_objects_of_one_name_cannot_be_compared(artefact: Artefact) -> None:
    images = two_layer_network()[1]
    one = "an object of snn2hw.backends.fast.executor.Fast"
    text = f"""
        two back ends have one name
          got:      'fast' of {one} and of {one}
          expected: a name for each
          do:       rename one of them, or uninstall its package
        """
    with refused(UsageError, text):
        snn2hw.verify(artefact, images, executors=(Fast(0), Fast(101)))
    toy = Toy()
    assert snn2hw.verify(artefact, images, executors=(toy, toy)).different == {"toy": 0}


@pytest.mark.parametrize("name", ["reference", "vectors.npz"])
def test_an_object_cannot_pass_for_what_it_is_compared_with(artefact: Artefact, name: str) -> None:
    with refused(
        UsageError,
        f"""
        an executor cannot have this name in a comparison
          got:      '{name}'
          expected: a name of its own: this one stands for what it is compared with
          do:       give the object another name
        """,
    ):
        snn2hw.verify(artefact, two_layer_network()[1], executors=(Toy(name), "onnx-reference"))


def test_two_of_one_name_are_not_registered(entered: Any) -> None:
    entered(Toy())
    text = (
        "two back ends have one name\n  got:      'toy' of what was registered before and of an object of "
        "tests.backends.toys.Toy\n  expected: a name for each\n  do:       rename one of them, or uninstall its package"
    )
    with refused(UsageError, text):
        register(Toy())
    again = Toy()
    entered(again, replace=True)
    assert executor("toy") is again


@pytest.mark.parametrize("replace", [False, True])
def test_a_name_of_ours_cannot_be_taken(replace: bool) -> None:
    text = (
        "two back ends have one name\n  got:      'fast' of snn2hw itself and of an object of tests.backends.toys.Toy\n"
        "  expected: a name for each\n  do:       rename one of them, or uninstall its package"
    )
    with refused(UsageError, text):
        register(Toy("fast"), replace=replace)
    assert isinstance(executor("fast"), Fast)


class Bare:
    name = "bare"


class Mute(HoldsAll):
    name, description = "mute", "runs and does not say whether it can"

    def run(self) -> None: ...


class Homeless(HoldsAll):
    name, description = "homeless", "writes it does not say what"

    def emit(self) -> None: ...


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (3, "a int without 'name', a text, 'description', a text, 'supports(network)', "
            "`run(artefact, payloads, traces)` or `emit(artefact, out, **options)`"),
        (Bare(), "a Bare without 'description', a text, 'supports(network)', "
            "`run(artefact, payloads, traces)` or `emit(artefact, out, **options)`"),
        (Mute(), "a Mute without 'unavailable()'"),
        (Homeless(), "a Homeless without 'writes', a text"),
    ],
)  # fmt: skip
def test_what_is_no_back_end_says_what_is_missing(artefact: Artefact, given: Any, missing: str) -> None:
    text = f"""
        this object is no back end
          got:      {missing}
          expected: what snn2hw.backends.base.Executor or Writer says
          do:       give the object what is missing, or name a back end (`snn2hw backends` lists them)
        """
    images = two_layer_network()[1]
    for use in (
        lambda: register(given),
        lambda: snn2hw.verify(artefact, images, executors=[given]),
        lambda: snn2hw.simulate(artefact, images, given),
        lambda: snn2hw.export(artefact, given),
    ):
        with refused(UsageError, text):
            use()


@pytest.mark.parametrize("name", ["", "two words", "a,b", "auto", "-x", "a/b"])
def test_a_name_that_the_command_line_could_not_say_is_refused(name: str) -> None:
    with refused(
        UsageError,
        f"""
        a back end cannot have this name
          got:      {name!r}
          expected: letters, digits and _ . -, and not 'auto'
          do:       give it another name
        """,
    ):
        register(Toy(name))


def test_what_runs_nothing_and_what_writes_nothing(artefact: Artefact) -> None:
    runs, writes = ", ".join([*EXECUTORS, *SIDE_EXECUTORS]), "rtl, c, nir"
    with refused(
        UsageError,
        f"the back end 'c' writes files, and runs nothing\n  got:      'c'\n  expected: {runs}\n"
        "  do:       name one of these, or export to it",
    ):
        executor("c")
    with refused(
        UsageError,
        f"the back end 'fast' runs networks, and writes nothing\n  got:      'fast'\n  expected: {writes}\n"
        "  do:       name one of these, or run the network on it",
    ):
        writer("fast")
    with refused(UsageError, f"there is no such export\n  got:      'vhdl'\n  expected: {writes}\n  do:       name one of these"):
        snn2hw.export(artefact, "vhdl")
    with refused(
        UsageError,
        f"there is no such back end\n  got:      'vhdl'\n  expected: {', '.join(OWN)}\n  do:       name one of these",
    ):
        backend("vhdl")


def test_the_command_lists_them(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entered: Any) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # no column below another
    monkeypatch.setattr(Fast, "unavailable", lambda self: "there is no C compiler: install one")
    entered(ToyWriter())
    listed = run_cli(capsys, "backends", "--json")
    facts = {f["name"]: f for f in json.loads(listed.out)}
    assert (listed.code, listed.err) == (0, "")
    assert list(facts) == [*OWN, "toy-text"]
    assert facts["fast"] == {
        "name": "fast", "description": Fast.description, "runs": True, "writes": False, "on_request": False,
        "available": False, "reason": "there is no C compiler: install one",
    }  # fmt: skip
    assert (facts["toy-text"]["runs"], facts["toy-text"]["writes"], facts["toy-text"]["available"]) == (False, True, True)
    assert facts["lava"]["on_request"]
    table = run_cli(capsys, "backends").out
    rows = {r[0]: r[1:] for line in table.splitlines() if len(r := [cell.strip() for cell in line.strip("| ").split("|")]) == 4}
    assert rows["toy-text"] == ["export", "a text", "yes"]
    assert rows["fast"][0] == "simulate, verify"
    assert "no: there is no C compiler" in table
    assert rows["lava"][0] == "simulate, verify (when named)"

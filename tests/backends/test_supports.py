"""What a back end cannot hold is said by `supports`, all of it, by the names of the layers, before anything is made or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS, WRITERS, HoldsAll, Lack, backends
from snn2hw.backends.c import synapse_plan
from snn2hw.backends.c.memory import memory, of_a_step
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.lava.executor import LavaExecutor
from snn2hw.errors import ExecutorUnavailableError, UnsupportedError, WidthError
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntInput, IntNeuron, IntNode, IntReadout
from snn2hw.ir.shapes import Shape, Window
from snn2hw.lack import refusal
from snn2hw.layers import IntFlatten
from snn2hw.num import Interval
from snn2hw.simplification import simplified_network
from tests.backends.test_recurrent import NETWORKS
from tests.backends.toys import Toy
from tests.hand_networks import (
    artefact_of,
    attending,
    compiled,
    conv,
    counts,
    every_kind,
    every_kind_sample,
    flatten,
    lif,
    linear,
    network,
    normal,
    readout,
)
from tests.refused import refused
from tests.small_networks import two_layer_network

ALL = {**EXECUTORS, **SIDE_EXECUTORS, **WRITERS}


@dataclass(frozen=True, eq=False)
class IntLookup(IntNode):
    """A layer of a later version."""

    unfinished = True  # no class that other tests find

    def output_shape(self, inputs: Sequence[Shape]) -> Shape:
        return inputs[0]


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    net, images = two_layer_network()
    return snn2hw.compile(net, images, target="loihi2")


def foreign(net: IntegerNetwork, *names: str) -> IntegerNetwork:
    """The network with layers that nobody has a row for."""
    common = ("name", "inputs", "shape", "format", "interval", "source")
    made = (IntLookup(**{f: getattr(n, f) for f in common}) if n.name in names else n for n in net.nodes)
    return replace(net, nodes=tuple(made))


def test_our_own_hold_every_layer_that_there_is() -> None:
    """Of every class of a finished network; NIR and Lava have no node for products of two matrices."""
    every = compiled(every_kind(), every_kind_sample()).network
    feeding, products = compiled(NETWORKS["one"]()).network, compiled(attending()).network
    kinds = {type(n) for net in (every, feeding, products) for n in net.nodes}
    assert {IntInput, IntNeuron, IntFeedback, IntReadout} < kinds
    for name, b in ALL.items():
        assert list(b.supports(every)) == [], name
        assert list(b.supports(feeding)) == [], name
        assert bool(b.supports(products)) == (name in ("lava", "nir")), name


@pytest.mark.parametrize("name", ["fast", "torch", "c", "lava", "nir", "rtl"])
def test_every_layer_without_a_row_is_named(artefact: Artefact, name: str) -> None:
    lacks = ALL[name].supports(foreign(artefact.network, "pool", "out"))
    assert [lack.where for lack in lacks if lack.got == "Lookup"] == ["pool", "out"]
    assert all("Conv2d" in lack.expected for lack in lacks)


@pytest.mark.parametrize("name", ["fast", "torch", "c", "lava", "nir", "rtl"])
def test_a_class_that_derives_from_one_with_a_row_has_none(
    artefact: Artefact, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IntNode, "kinds", dict(IntNode.kinds))
    flat = next(n for n in artefact.network.nodes if isinstance(n, IntFlatten))
    kind = type("IntReversed", (IntFlatten,), {"value": lambda self, inputs: inputs[0].reshape(len(inputs[0]), -1)[:, ::-1]})
    other = kind(*(getattr(flat, f) for f in ("name", "inputs", "shape", "format", "interval")))
    net = replace(artefact.network, nodes=tuple(other if n is flat else n for n in artefact.network.nodes))
    (lack,) = [lack for lack in ALL[name].supports(net) if lack.got == "Reversed"]
    assert lack.where == flat.name


def test_what_lava_lacks_is_said_at_once(artefact: Artefact) -> None:
    net = foreign(artefact.network, "pool")
    out = next(n for n in net.nodes if n.name == "out")
    wide = replace(out, interval=Interval(0, 2**23), source="head.out (Linear)")
    net = replace(net, nodes=tuple(wide if n is out else n for n in net.nodes))
    known = "run the other executors, or write this layer with the operations named"
    narrower = "compile for loihi2, whose synapses are 24 bits wide, or use fewer weight bits"
    payloads = np.zeros((net.steps, 1, *net.input.shape), np.int64)
    with refused(
        UnsupportedError,
        f"""
        the network does not fit the back end 'lava'
          got:      pool: an operation that has no Lava process: Lookup ({known})
                    head.out (Linear): a value is too wide for a Lava port: {Interval(0, 2**23)} ({narrower})
          do:       change these layers, or choose another back end (`snn2hw backends` lists them)
        """,
    ):
        snn2hw.api.simulate_payloads(replace(artefact, network=net), payloads, "lava")


def test_what_fast_and_the_c_folder_lack(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synapse_plan, "MOST_STACK", 1)
    synapses = [n for n in artefact.network.nodes if hasattr(n, "weight")]
    lacks = Fast().supports(artefact.network)
    assert [lack.where for lack in lacks] == [n.source or n.name for n in synapses]
    assert {lack.what for lack in lacks} == {"the generated C keeps the sums of all steps at hand, and there are too many"}
    monkeypatch.setattr("snn2hw.backends.c.memory.MOST_BYTES", 1)
    (lack,) = WRITERS["c"].supports(artefact.network)
    assert lack.what == "the network takes more memory than the C folder can address"


def test_the_c_folder_is_written_step_by_step_where_only_that_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = two_layer_network()
    artefact = snn2hw.compile(model, images, target="loihi2", out=tmp_path / "artefact")
    net = simplified_network(artefact.network)
    whole, step = memory(net).size, memory(of_a_step(net), streaming=True).size
    assert step < whole
    monkeypatch.setattr("snn2hw.backends.c.memory.MOST_BYTES", step)
    assert list(WRITERS["c"].supports(artefact.network)) == []
    with pytest.raises(UnsupportedError, match="--streaming") as caught:
        snn2hw.export(artefact, "c", tmp_path / "whole")
    assert caught.value.got == f"{whole:,} bytes"
    assert not (tmp_path / "whole").exists()
    assert snn2hw.export(artefact, "c", tmp_path / "steps", streaming=True).path.is_dir()


def test_auto_passes_over_what_does_not_hold_the_network(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fast, "unavailable", lambda self: "")
    monkeypatch.setattr(Fast, "supports", lambda self, net: [Lack("fc", "it is too wide")])
    images = two_layer_network()[1]
    with pytest.warns(UserWarning, match=r"^auto: onnxruntime runs, not fast: fc: it is too wide$"):
        found = snn2hw.simulate(artefact, images, "auto")
    assert (found.readout == snn2hw.simulate(artefact, images).readout).all()


def test_what_nir_lacks_is_said_at_once() -> None:
    layers = conv("wide", "input", normal(0, 2, 1, 2, 3), window=Window((2, 3))), lif("a", "wide")
    more = conv("tall", "a", normal(1, 2, 2, 2, 1), window=Window((2, 1))), lif("b", "tall"), flatten("flat", "b")
    net = network(2, counts(1, 5, 5, hi=1), *layers, *more, linear("head", "flat", normal(2, 2, 18)), readout("head"))
    made = artefact_of(net)
    what = "the nir package cannot infer the shape behind this convolution"
    lacks = WRITERS["nir"].supports(made.network)
    assert [(lack.where, lack.what, lack.got) for lack in lacks] == [
        ("wide (Conv2d)", what, "a kernel of 2x3"),
        ("tall (Conv2d)", what, "a kernel of 2x1"),
    ]
    line = what + ": a kernel of {} (export to C, or use model.onnx)"
    with refused(
        UnsupportedError,
        f"the network does not fit the back end 'nir'\n  got:      wide (Conv2d): {line.format('2x3')}\n"
        f"            tall (Conv2d): {line.format('2x1')}\n"
        "  do:       change these layers, or choose another back end (`snn2hw backends` lists them)",
    ):
        snn2hw.export(made, "nir")


class Small(Toy):
    """It holds nothing, and would be noticed if it began."""

    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        return [Lack(n.name, "it is too large") for n in network.neurons]


class Unsure(Toy):
    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        return [Lack(str(1 // 0), "")]


class Strict(Toy):
    def supports(self, network: IntegerNetwork) -> Sequence[Lack]:
        raise WidthError("a layer is too wide", where="fc", got="30 bits", do="use fewer")


class Absent(Toy):
    def unavailable(self) -> str:
        return "no board: plug one in"


def test_nothing_begins_where_nobody_holds_the_network(artefact: Artefact) -> None:
    images, small = two_layer_network()[1], Small("small")
    names = [n.name for n in artefact.network.neurons]
    lines = "; ".join(f"{name}: it is too large" for name in names)
    do = "change these layers, or choose another back end (`snn2hw backends` lists them)"
    with refused(
        UnsupportedError,
        f"no executor that was asked for can run here\n  got:      small: {lines}; other: {lines}\n"
        f"  expected: at least one executor to compare with the reference\n  do:       {do}",
    ):
        snn2hw.verify(artefact, images, executors=(small, Small("other")))
    with refused(
        ExecutorUnavailableError,
        f"no executor that was asked for can run here\n  got:      small: {lines}; absent: no board: plug one in\n"
        f"  expected: at least one executor to compare with the reference\n  do:       {do}",
    ):
        snn2hw.verify(artefact, images, executors=(small, Absent("absent")))
    verdict = snn2hw.verify(artefact, images, executors=(small, "onnx-reference"))
    assert (verdict.equal, verdict.not_run, small.runs) == (True, {"small": lines}, 0)


def test_an_executor_that_cannot_say_what_it_holds_is_not_run(artefact: Artefact) -> None:
    images = two_layer_network()[1]
    verdict = snn2hw.verify(artefact, images, executors=(Unsure("unsure"), Strict("strict"), "onnx-reference"))
    assert verdict.not_run == {
        "unsure": "it cannot say what it can hold: ZeroDivisionError: integer division or modulo by zero",
        "strict": "fc: a layer is too wide: 30 bits (use fewer)",
    }
    with refused(WidthError, "a layer is too wide\n  where:    fc\n  got:      30 bits\n  do:       use fewer"):
        snn2hw.simulate(artefact, images, Strict("strict"))


def test_a_single_lack_is_an_error_of_its_own_and_several_are_one() -> None:
    one = Lack("fc\n", "it is wide", "30 bits", "24", "use fewer", WidthError)
    assert str(one) == "fc\\n: it is wide: 30 bits (use fewer)"
    assert Lack.of(one.error()) == one
    error = refusal([one], "no", "do")
    assert (type(error), error.what, error.where) == (WidthError, "it is wide", "fc\n")
    error = refusal([one, Lack("b", "it is not there")], "neither fits", "leave both out")
    assert type(error) is UnsupportedError
    assert str(error) == (
        "neither fits\n  got:      fc\\n: it is wide: 30 bits (use fewer)\n            b: it is not there\n"
        "  do:       leave both out"
    )


def test_what_holds_everything_lacks_nothing(artefact: Artefact) -> None:
    assert HoldsAll().supports(artefact.network) == ()
    assert LavaExecutor().supports(artefact.network) == []
    assert set(ALL) <= set(backends())

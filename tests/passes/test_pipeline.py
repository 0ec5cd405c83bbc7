from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from snn2hw.errors import RuleError, UsageError, ValueRangeError
from snn2hw.ir.integer import IntNeuron, UnloweredNeuron
from snn2hw.ir.text import to_text
from snn2hw.layers import Linear
from snn2hw.passes import pipeline
from snn2hw.passes.base import Compilation, Options, Pass
from snn2hw.passes.pipeline import PIPELINE, run_pipeline
from snn2hw.target import load_target
from tests.hand_networks import compiled, every_kind, every_kind_sample, lif, one_neuron
from tests.refused import refused

NAMES = ["fold", "capacity", "calibrate", "quantise", "lower", "narrow", "legalise"]


def start() -> Compilation:
    return Compilation(every_kind(), load_target("generic"), Options(), every_kind_sample())


def test_the_order_of_the_passes() -> None:
    assert [p.name for p in PIPELINE] == NAMES
    assert all(p.says for p in PIPELINE)


@pytest.mark.parametrize("name", NAMES)
def test_compilation_stops_after_a_pass(name: str) -> None:
    said: list[str] = []
    done = run_pipeline(start(), name, lambda p: said.append(p.name))
    at = NAMES.index(name)
    assert said == NAMES[: at + 1]
    assert bool(done.observed) == (at >= 2)
    assert (done.integer is not None) == (at >= 3)
    if done.integer is not None:
        kinds = {type(n) for n in done.integer.nodes if isinstance(n, IntNeuron | UnloweredNeuron)}
        assert kinds == {UnloweredNeuron if at < 4 else IntNeuron}
        widths = {n.format.width for n in done.integer.nodes}
        assert (widths == {32}) == (at < 5)


def test_without_a_stop_all_passes_run() -> None:
    said: list[str] = []
    done = run_pipeline(start(), progress=lambda p: said.append(p.name))
    assert said == NAMES
    assert to_text(done.network)[0] == to_text(run_pipeline(start(), "legalise").network)[0]


def test_an_unknown_pass_is_refused_before_anything_runs() -> None:
    said: list[str] = []
    with refused(
        UsageError,
        """
        unknown pass
          got:      'optimise'
          expected: fold, capacity, calibrate, quantise, lower, narrow, legalise
          do:       name one of these
        """,
    ):
        run_pipeline(start(), "optimise", lambda p: said.append(p.name))
    assert said == []


def test_the_compilation_that_enters_stays_valid() -> None:
    begun = start()
    text, arrays = to_text(begun.real)
    copies = {k: v.copy() for k, v in arrays.items()}
    run_pipeline(begun)
    assert begun.integer is None
    assert begun.observed == {}
    again, same = to_text(begun.real)
    assert again == text
    assert all(np.array_equal(same[k], copies[k]) for k in copies)


@pytest.mark.parametrize("name", NAMES)
def test_every_pass_leaves_its_input_as_it_was(name: str) -> None:
    at = NAMES.index(name)
    before = run_pipeline(start(), NAMES[at - 1]) if at else start()
    texts = [to_text(n) for n in (before.real, before.integer) if n is not None]
    copies = [{k: v.copy() for k, v in arrays.items()} for _, arrays in texts]
    PIPELINE[at].run(before)
    for (text, _), copied, net in zip(texts, copies, (before.real, before.integer), strict=False):
        assert net is not None
        again, arrays = to_text(net)
        assert again == text
        assert all(np.array_equal(arrays[k], copied[k]) for k in copied)


def test_the_same_input_gives_the_same_network() -> None:
    (a, x), (b, y) = (to_text(run_pipeline(start()).network) for _ in range(2))
    assert a == b
    assert all(np.array_equal(x[k], y[k]) for k in x)


def test_a_network_that_breaks_a_rule_does_not_enter() -> None:
    net = start().real
    fc = next(n for n in net.nodes if isinstance(n, Linear))
    weight = fc.weight.copy()
    weight[0, 0] = np.nan
    broken = replace(net, nodes=tuple(replace(n, weight=weight) if n is fc else n for n in net.nodes))
    said: list[str] = []
    with refused(
        ValueRangeError,
        """
        'weight' holds NaN or Inf
          where:    fc (Linear)
          got:      1 of 216 values
          expected: finite numbers
          do:       train again with a smaller learning rate, or load another checkpoint
        """,
    ):
        run_pipeline(replace(start(), real=broken), progress=lambda p: said.append(p.name))
    assert said == []


@dataclass(frozen=True)
class Forgetful(Pass):
    name: ClassVar[str] = "forgetful"
    says: ClassVar[str] = "drops a node that others read"

    def run(self, c: Compilation) -> Compilation:
        nodes = [n for n in c.network.nodes if n.name != "pool"]
        return replace(c, integer=replace(c.network, nodes=tuple(nodes)))


@dataclass(frozen=True)
class Optimistic(Pass):
    name: ClassVar[str] = "optimistic"
    says: ClassVar[str] = "promises a narrower value than the weights give"

    def run(self, c: Compilation) -> Compilation:
        nodes = [replace(n, interval=replace(n.interval, hi=n.interval.hi - 1)) if n.name == "fc" else n for n in c.network.nodes]
        return replace(c, integer=replace(c.network, nodes=tuple(nodes)))


@pytest.mark.parametrize(
    ("broken", "lines"),
    [
        (Forgetful(), ["an input is used before it is defined", "  where:    IntFlatten flat (Flatten)", "  got:      pool"]),
        (Optimistic(), ["the value can leave its declared interval", "  where:    IntLinear fc (Linear)"]),
    ],
)
def test_a_pass_that_breaks_a_rule_is_caught_at_once(monkeypatch: pytest.MonkeyPatch, broken: Pass, lines: list[str]) -> None:
    after: list[str] = []
    monkeypatch.setattr(pipeline, "PIPELINE", (*PIPELINE[:5], broken, PIPELINE[5]))
    with pytest.raises(RuleError) as caught:
        run_pipeline(start(), progress=lambda p: after.append(p.name))
    assert str(caught.value).splitlines()[: len(lines)] == lines
    assert after == [*NAMES[:5], broken.name]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        (
            "state_bits",
            7,
            "state_bits is out of range\n  got:      7\n  expected: 8 to 24\n  do:       choose a width in this range",
        ),
        (
            "state_bits",
            25,
            "state_bits is out of range\n  got:      25\n  expected: 8 to 24\n  do:       choose a width in this range",
        ),
        (
            "weight_bits",
            1,
            "weight_bits is out of range\n  got:      1\n  expected: 2 to 8\n  do:       choose a width in this range",
        ),
        (
            "weight_bits",
            9,
            "weight_bits is out of range\n  got:      9\n  expected: 2 to 8\n  do:       choose a width in this range",
        ),
        (
            "state_bits",
            16.0,
            "state_bits is out of range\n  got:      16.0\n  expected: 8 to 24\n  do:       choose a width in this range",
        ),
        (
            "scales",
            "row",
            "unknown kind of scales\n  got:      'row'\n  expected: auto, layer or channel\n  do:       name one of these",
        ),
    ],
)
def test_options_out_of_range_are_refused(name: str, value: object, text: str) -> None:
    with refused(UsageError, text):
        Options(**{name: value})  # type: ignore[arg-type]


def test_the_target_is_written_into_the_network() -> None:
    assert compiled(one_neuron(lif("n", "fc")), target="loihi2").network.target == "loihi2"

"""What an executor runs by other code where no traces are wanted is compared, too; a fault that is only there is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends import HoldsAll
from snn2hw.backends.base import Together
from snn2hw.backends.fast import executor as executors
from snn2hw.backends.fast import side_by_side as sides
from snn2hw.backends.fast import split as splits
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.cli.verdict_table import print_verdict
from snn2hw.errors import ArtefactError, Snn2hwError
from snn2hw.ir.integer import IntegerNetwork
from snn2hw.store import make_artefact
from snn2hw.trace import Ints, Trace
from snn2hw.verification.verdict import Verdict, compare_executors
from tests.backends.test_side_by_side import drawn, made
from tests.backends.test_split import made as made_in_two
from tests.native.compiling import needs_compiler
from tests.refused import refused

CAUSE = "with traces every integer is equal; without them, this executor runs up to 8 samples together, by other code"
NOTE = "compared without traces, too, where up to 8 samples run together"
CLASSES = 7


class Grouping(HoldsAll):
    """The reference. Without traces it is said to run so many samples together, and something is done to their readout."""

    name = "grouping"
    description = "a fake"

    def __init__(self, done: Callable[[Ints], Ints] = np.copy, samples: int = 8, traced: int = 0) -> None:
        self.done, self.samples, self.traced, self.ran = done, samples, traced, list[tuple[int, bool]]()

    def together(self, network: IntegerNetwork) -> int:
        return self.samples

    def unavailable(self) -> str:
        return ""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        self.ran.append((payloads.shape[1], traces))
        trace = interpret(artefact.network, payloads)
        return replace(trace, readout=trace.readout + self.traced) if traces else Trace(self.done(trace.readout))


def compared(e: Any, samples: int, net: IntegerNetwork | None = None) -> Verdict:
    net = net or made("spikes")
    return compare_executors(make_artefact(net), drawn(net, samples, 3), ["reference", e])


def wrong_at(sample: int, value: int) -> Callable[[Ints], Ints]:
    def made_wrong(readout: Ints) -> Ints:
        readout = readout.copy()
        readout[sample, value] += 5
        return readout

    return made_wrong


def test_the_readout_without_traces_is_compared_besides(capsys: pytest.CaptureFixture[str]) -> None:
    e, alone = Grouping(), Grouping(samples=1)
    verdict, other = compared(e, 9), compared(alone, 9)
    assert verdict.equal
    assert (e.ran, alone.ran) == ([(9, True), (9, False)], [(9, True)])
    assert verdict.compared["grouping"] == other.compared["grouping"] + 9 * CLASSES
    assert (verdict.notes, other.notes) == ({"grouping": NOTE}, {})
    print_verdict(verdict, "title")
    assert f"grouping: {NOTE}" in capsys.readouterr().out.splitlines()


def test_a_fault_that_is_only_there_is_found() -> None:
    verdict = compared(Grouping(wrong_at(4, 2)), 9)
    (d,) = verdict.differences
    assert (d.executor, d.signal, d.step, d.sample, d.index, d.got - d.expected) == ("grouping", "readout", -1, 4, (2,), 5)
    assert (d.cause, verdict.different) == (CAUSE, {"grouping": 1})


def test_few_samples_enter_again_until_they_are_a_group() -> None:
    e = Grouping(wrong_at(7, 1))
    verdict = compared(e, 3)
    assert e.ran == [(3, True), (8, False)]
    assert [d.sample for d in verdict.differences] == [7 % 3], "the place in which it stands once more is wrong"


def test_a_difference_with_traces_comes_first() -> None:
    verdict = compared(Grouping(wrong_at(0, 0), traced=1), 9)
    assert [d.cause for d in verdict.differences] == [
        "every spike and state is equal: the last synapse, or the sum over steps, differs"
    ]
    assert verdict.different == {"grouping": 9 * CLASSES + 1}


def test_a_run_without_traces_that_fails_or_is_of_other_samples_is_said() -> None:
    def fails(readout: Ints) -> Ints:
        raise Snn2hwError("no room", do="free some")

    with refused(Snn2hwError, "no room\n  do:       free some"):
        compared(Grouping(fails), 9)
    with refused(
        ArtefactError,
        "the traces are not of the same run\n  where:    grouping: readout\n  got:      (8, 7)\n  expected: (9, 7)\n"
        "  do:       simulate the same artefact on the same samples with both",
    ):
        compared(Grouping(lambda readout: readout[:-1]), 9)


def shifted(groups: Any) -> Callable[..., Any]:
    """Samples of a group in the places of their neighbours."""
    return lambda *given: np.roll(groups(*given), 1, axis=3)


@needs_compiler
@pytest.mark.parametrize("made_here", [lambda: made("spikes"), lambda: made_in_two("spikes")], ids=["whole", "in two"])
@pytest.mark.parametrize("samples", [3, 8, 21])
def test_a_fault_in_samples_side_by_side_is_a_difference(
    made_here: Callable[[], IntegerNetwork], samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "LEAST", 1)
    monkeypatch.setattr(splits, "LEAST", 1)
    net = made_here()
    assert compared(Fast(0), samples, net).equal
    monkeypatch.setattr(executors, "groups_of", shifted(executors.groups_of))
    verdict = compared(Fast(0), samples, net)
    (d,) = verdict.differences
    assert (d.signal, d.cause) == ("readout", CAUSE)


def test_fast_says_what_it_runs_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(Fast(), Together)
    assert Fast().together(made("spikes")) == 1, "of so few weights"
    monkeypatch.setattr(sides, "LEAST", 1)
    assert Fast().together(made("spikes")) == 8
    assert Fast().together(made_in_two("spikes")) == 1
    monkeypatch.setattr(splits, "LEAST", 1)
    assert Fast().together(made_in_two("spikes")) == 8

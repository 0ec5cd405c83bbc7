"""A comparison in several processes says what one process says, in the same words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.backends.onnx.reference import OnnxReference
from snn2hw.errors import ExecutorUnavailableError, Snn2hwError
from snn2hw.evaluation import evaluate
from snn2hw.files.arrays import read_npy
from snn2hw.trace import Ints, Trace
from snn2hw.verification.batches import Samples, compare_batch
from tests.copied import copied
from tests.hand_networks import every_kind, every_kind_sample

SAMPLES = 10


class Faulty(OnnxReference):
    """Wrong in the last sample of every batch, at a step that depends on the samples; in one batch it fails."""

    name = "faulty"

    def __init__(self, fails_at: int = 0) -> None:
        self.fails_at = fails_at

    def unavailable(self) -> str:
        return ""

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        if self.fails_at and int(payloads.sum()) == self.fails_at:
            raise Snn2hwError("it broke", do="mend it")
        trace = super().run(artefact, payloads, traces)
        trace.states["cf.u"][int(payloads.sum()) // 3 % 3, -1, 0, 3, 4] += 1
        return trace


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    return snn2hw.compile(every_kind(), every_kind_sample(8), target="generic")


class InTwo:
    """What `results` is for several processes, in this one: everything is pickled on its way, and computed out of order."""

    def __init__(self, job: Any, parts: Any, workers: int = 1, cluster: str | None = None) -> None:
        self.job, self.parts, self.workers = job, parts, workers

    def __enter__(self) -> Any:
        made = copied(self.job)
        hands = [made.begin(made.given) for _ in range(2)]
        parts = [copied(part) for part in self.parts]
        found = {n: copied(hands[n % 2](parts[n])) for n in reversed(range(len(parts)))}
        return (found[n] for n in range(len(parts)))

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], Any]], tuple[Any, Any]]:
    """What a call gives in one process, and in several."""
    monkeypatch.setattr("snn2hw.verification.verdict.BATCH", 2)

    def call(function: Callable[[int], Any]) -> tuple[Any, Any]:
        one = function(1)
        with monkeypatch.context() as patched:
            patched.setattr("snn2hw.verification.verdict.results", InTwo)
            patched.setattr("snn2hw.evaluation.results", InTwo)
            return one, function(2)

    return call


def timeless(verdict: snn2hw.Verdict) -> snn2hw.Verdict:
    return replace(verdict, seconds=dict.fromkeys(verdict.seconds, 0.0))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_verdicts_are_the_same(artefact: Artefact, both: Any, tmp_path: Path, first: bool, fails: bool) -> None:
    x = every_kind_sample(SAMPLES)
    np.save(tmp_path / "x.npy", x)
    axis = 0 if artefact.network.input.static else 1
    sums = [compare_sum(artefact, np.take(x, range(n, n + 2), axis)) for n in range(0, SAMPLES, 2)]
    faulty = Faulty(sums[3] if fails else 0)
    told: dict[int, list[Any]] = {1: [], 2: []}

    def run(workers: int) -> snn2hw.Verdict:
        given = read_npy(tmp_path / "x.npy") if workers == 2 else x
        names = ("reference", faulty, "onnx-reference")
        return snn2hw.verify(
            artefact, given, names, workers=workers, first=first, progress=lambda *call: told[workers].append(call)
        )

    one, several = both(run)
    assert timeless(several) == timeless(one)
    assert told[1] == told[2]
    assert len(one.differences) == 1
    assert one.samples == (2 if first else SAMPLES)
    assert ("faulty" in one.not_run) == (fails and not first)


def compare_sum(artefact: Artefact, x: Any) -> int:
    """The sum of the spike values of a batch, by which `Faulty` knows it."""
    from snn2hw.ir.encode import encode

    return int(encode(artefact.network, x).sum())


def test_conformance_vectors_and_their_trace(artefact: Artefact, both: Any, tmp_path: Path) -> None:
    snn2hw.compile(every_kind(), every_kind_sample(8), target="generic", out=tmp_path / "net")
    loaded = snn2hw.load(tmp_path / "net")
    one, several = both(lambda workers: snn2hw.verify(loaded, None, ("onnx-reference",), workers=workers))
    assert timeless(several) == timeless(one)
    assert list(one.compared) == ["onnx-reference", "vectors.npz"]
    assert one.equal


def test_evaluations_are_the_same_to_the_last_digit(artefact: Artefact, both: Any) -> None:
    x, labels, real = every_kind_sample(SAMPLES), np.arange(SAMPLES) % 4, every_kind()
    told: dict[int, list[Any]] = {1: [], 2: []}

    def run(workers: int) -> Any:
        tell = told[workers].append
        return evaluate(artefact, x, labels, real, "reference", workers=workers, progress=lambda *call: tell(call))

    one, several = both(run)
    assert several.to_document() == one.to_document()
    assert one.layers["lnm"].sum_error > 0
    assert told[1] == told[2]
    assert told[1][-1] == ("reference", SAMPLES, SAMPLES)


def test_an_executor_that_fails_everywhere_is_the_error(artefact: Artefact, both: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, *a: Any) -> Trace:
        raise ExecutorUnavailableError("it is broken")

    monkeypatch.setattr(Faulty, "run", refuse)
    for this in (1, 2):

        def run(workers: int, this: int = this) -> Any:
            return snn2hw.verify(artefact, every_kind_sample(4), (Faulty(),), workers=workers) if workers == this else None

        with pytest.raises(ExecutorUnavailableError, match="it is broken"):
            both(run)


def test_a_batch_by_itself_counts_its_samples_from_its_start(artefact: Artefact) -> None:
    axis = 0 if artefact.network.input.static else 1
    batch = compare_batch(artefact, [EXECUTORS["onnx-reference"]], Samples.of(every_kind_sample(3), axis))
    assert (batch.samples, list(batch.ended)) == (3, ["onnx-reference"])
    assert batch.ended["onnx-reference"].different == 0


@pytest.mark.parametrize("name", sorted(EXECUTORS))
def test_every_executor_of_our_own_can_be_sent(name: str) -> None:
    again = copied(EXECUTORS[name])
    assert (again.name, type(again)) == (name, type(EXECUTORS[name]))

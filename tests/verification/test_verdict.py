"""What a comparison of executors says: who ran, who did not and why, what was compared, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS, SIDE_EXECUTORS, HoldsAll
from snn2hw.backends.reference import interpret
from snn2hw.backends.running import run_executor
from snn2hw.cli.verdict_table import print_verdict
from snn2hw.errors import ArtefactError, ExecutorUnavailableError, ShapeError, Snn2hwError, UsageError, WidthError
from snn2hw.ir.encode import encode
from snn2hw.store import make_artefact
from snn2hw.trace import Ints, Trace
from snn2hw.verification import verdict as module
from snn2hw.verification.verdict import STORED, Verdict, compare_batches, compare_executors
from tests.refused import refused
from tests.verification.hand_networks import compiled, every_kind

SAMPLES = 8


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    return make_artefact(compiled(*every_kind()))


@pytest.fixture(scope="module")
def payloads(artefact: Artefact) -> Ints:
    return encode(artefact.network, np.random.default_rng(1).random((SAMPLES, 1, 6, 6)))


class Fake(HoldsAll):
    """The law, except for what it is told to change, to refuse or to raise; remembers the batches it saw."""

    description = "a fake"

    def __init__(self, name: str, **told: Any) -> None:
        self.name, self.told, self.batches = name, told, list[Ints]()

    def unavailable(self) -> str:
        return str(self.told.get("reason", ""))

    def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
        self.batches.append(payloads)
        if "error" in self.told:
            raise self.told["error"]
        trace = interpret(artefact.network, payloads, traces)
        arrays = {k: v.copy() for k, v in trace.arrays().items()}
        for key, at, marked in self.told.get("changes", ()):  # at: (step, index...) of the sample whose payloads these are
            for n in range(payloads.shape[1]):
                if np.array_equal(payloads[:, n], marked):
                    arrays[key][(at[0], n, *at[1:]) if key != "readout" else (n, *at)] += 1
        return Trace.from_arrays(arrays, self.name)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    def add(name: str, **told: Any) -> Fake:
        fake = Fake(name, **told)
        monkeypatch.setitem(EXECUTORS, name, fake)
        return fake

    return add


def test_equal(artefact: Artefact, payloads: Ints, install: Any) -> None:
    install("fake")
    v = compare_executors(artefact, payloads, ["reference", "fake", "onnx-reference", "fake"])
    assert v.equal
    assert v.differences == []
    assert v.not_run == {}
    integers = sum(a.size for a in interpret(artefact.network, payloads).arrays().values())
    assert v.compared == {"fake": integers, "onnx-reference": integers}
    assert v.different == {"fake": 0, "onnx-reference": 0}
    assert set(v.seconds) == {"reference", "fake", "onnx-reference"}
    assert all(seconds > 0 for seconds in v.seconds.values())
    assert (v.samples, v.steps) == (SAMPLES, 3)


def test_the_reference_alone_proves_nothing(artefact: Artefact, payloads: Ints) -> None:
    with refused(
        UsageError,
        """
        there is nothing to compare
          got:      executors reference
          expected: at least one besides the reference
          do:       name another executor: --executors reference,onnxruntime
        """,
    ):
        compare_executors(artefact, payloads, ["reference"])


def test_every_difference_is_counted_and_the_first_is_named(artefact: Artefact, payloads: Ints, install: Any) -> None:
    changes = [
        ("states/cf.u", (1, 0, 0, 0), payloads[:, 5]),
        ("spikes/lif", (2, 3), payloads[:, 1]),
        ("readout", (2,), payloads[:, 0]),
    ]
    install("wrong", changes=changes)
    install("fine")
    v = compare_executors(artefact, payloads, ["fine", "wrong"])
    assert not v.equal
    (d,) = v.differences
    assert (d.executor, d.signal, d.step, d.sample, d.index) == ("wrong", "cf.u", 1, 5, (0, 0, 0))
    assert v.different == {"fine": 0, "wrong": 3}


def test_an_executor_that_is_not_there_is_not_run(artefact: Artefact, payloads: Ints, install: Any) -> None:
    install("fine")
    absent = install("absent", reason="no chip is attached: plug one in")
    v = compare_executors(artefact, payloads, ["absent", "fine"])
    assert v.not_run == {"absent": "no chip is attached: plug one in"}
    assert v.equal
    assert set(v.compared) == {"fine"}
    assert absent.batches == []


@pytest.mark.parametrize("others", [[], ["reference"]])
def test_nobody_to_compare_with(artefact: Artefact, payloads: Ints, install: Any, others: list[str]) -> None:
    install("absent", reason="no chip is attached: plug one in")
    install("gone", reason="sold")
    with refused(
        ExecutorUnavailableError,
        """
        no executor that was asked for can run here
          got:      absent: no chip is attached: plug one in; gone: sold
          expected: at least one executor to compare with the reference
          do:       install what is missing
        """,
    ):
        compare_executors(artefact, payloads, [*others, "absent", "gone"])


def test_an_executor_nobody_knows(artefact: Artefact, payloads: Ints) -> None:
    with refused(
        UsageError,
        f"""
        unknown executor
          got:      'lva'
          expected: {", ".join([*EXECUTORS, *SIDE_EXECUTORS])}
          do:       did you mean 'lava'? else name one of these
        """,
    ):
        compare_executors(artefact, payloads, ["reference", "lva"])


def test_an_executor_that_is_not_there_cannot_be_run(artefact: Artefact, payloads: Ints, install: Any) -> None:
    absent = install("absent", reason="no chip is attached")
    with refused(
        ExecutorUnavailableError,
        """
        the executor 'absent' is not available
          got:      no chip is attached
          do:       install it, or choose another executor
        """,
    ):
        run_executor(absent, artefact, payloads)


def test_an_executor_that_fails_is_named(artefact: Artefact, payloads: Ints, install: Any) -> None:
    error = RuntimeError("kernel died")
    install("broken", error=error)
    with pytest.raises(Snn2hwError) as caught:
        compare_executors(artefact, payloads, ["broken"])
    assert type(caught.value) is Snn2hwError
    assert caught.value.__cause__ is error
    assert str(caught.value).splitlines() == [
        "the executor 'broken' failed",
        "  got:      RuntimeError: kernel died",
        "  expected: a trace",
        "  do:       check the version of the package behind it; `snn2hw verify --executors reference,...` runs the others",
    ]


def test_an_error_for_the_user_passes_as_it_is(artefact: Artefact, payloads: Ints, install: Any) -> None:
    error = WidthError("too wide")
    install("picky", error=error)
    with pytest.raises(WidthError) as caught:
        compare_executors(artefact, payloads, ["picky"])
    assert caught.value is error


def test_an_interrupt_is_not_swallowed(artefact: Artefact, payloads: Ints, install: Any) -> None:
    install("slow", error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        compare_executors(artefact, payloads, ["slow"])


@pytest.mark.parametrize("batch", [1, 3, SAMPLES, 100])
def test_batches_make_no_difference(
    artefact: Artefact, payloads: Ints, install: Any, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    fake = install("wrong", changes=[("spikes/cf", (2, 1, 4, 2), payloads[:, 4]), ("states/cf.u", (2, 0, 0, 0), payloads[:, 7])])
    whole = compare_executors(artefact, payloads, ["wrong", "onnx-reference"])
    fake.batches.clear()
    monkeypatch.setattr(module, "BATCH", batch)
    v = compare_executors(artefact, payloads, ["wrong", "onnx-reference"])
    assert [b.shape[1] for b in fake.batches] == [min(batch, SAMPLES - start) for start in range(0, SAMPLES, batch)]
    assert v.differences == whole.differences
    assert [(d.signal, d.step, d.sample, d.index) for d in v.differences] == [("cf", 2, 4, (1, 4, 2))]
    assert (v.compared, v.different, v.samples) == (whole.compared, whole.different, SAMPLES)


def test_a_later_batch_with_an_earlier_difference(
    artefact: Artefact, payloads: Ints, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("wrong", changes=[("spikes/cf", (2, 1, 4, 2), payloads[:, 0]), ("states/lnm.u", (0, 2, 3, 3), payloads[:, 7])])
    monkeypatch.setattr(module, "BATCH", 3)
    (d,) = compare_executors(artefact, payloads, ["wrong"]).differences
    assert (d.signal, d.step, d.sample, d.index) == ("lnm.u", 0, 7, (2, 3, 3))


def test_a_step_comes_before_the_readout_whichever_batch_it_is_in(
    artefact: Artefact, payloads: Ints, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readout has no step: it is a sum over all of them, and whatever differs at one comes first."""
    monkeypatch.setattr(module, "BATCH", 2)
    for of_readout, of_state in ((0, 7), (7, 0), (1, 0)):
        changes = [("readout", (2,), payloads[:, of_readout]), ("states/cf.u", (2, 0, 0, 0), payloads[:, of_state])]
        install("wrong", changes=changes)
        (d,) = compare_executors(artefact, payloads, ["wrong"]).differences
        assert (d.signal, d.step, d.sample) == ("cf.u", 2, of_state)
    install("wrong", changes=[("readout", (2,), payloads[:, 6]), ("readout", (1,), payloads[:, 3])])
    (d,) = compare_executors(artefact, payloads, ["wrong"]).differences
    assert (d.signal, d.sample, d.index) == ("readout", 3, (1,))


@pytest.mark.parametrize("batches", [[], iter([])], ids=["list", "iterator"])
def test_nothing_to_compare_is_not_equal(artefact: Artefact, batches: Any, install: Any) -> None:
    install("fine")
    with refused(
        ShapeError,
        """
        there are no samples
          where:    samples
          got:      an iterator without a batch
          expected: one or more
          do:       give at least one batch; nothing that was not compared is called equal
        """,
    ):
        compare_batches(artefact, batches, 0, ["fine"])
    assert not Verdict([], {}, {}, {}, 0, artefact.network.steps, {}).equal


def test_progress(artefact: Artefact, payloads: Ints, install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install("fine")
    monkeypatch.setattr(module, "BATCH", 5)
    seen: list[tuple[str, int, int]] = []
    compare_executors(artefact, payloads, ["fine"], progress=lambda *call: seen.append(call))
    assert seen == [("reference", 5, 16), ("fine", 10, 16), ("reference", 13, 16), ("fine", 16, 16)]


def test_the_first_difference_stops_it(artefact: Artefact, payloads: Ints, install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = install("wrong", changes=[("spikes/cf", (2, 1, 4, 2), payloads[:, 4]), ("states/cf.u", (2, 0, 0, 0), payloads[:, 7])])
    monkeypatch.setattr(module, "BATCH", 3)
    v = compare_executors(artefact, payloads, ["wrong"], first=True)
    assert (v.samples, len(fake.batches), v.different) == (6, 2, {"wrong": 1})
    assert [(d.signal, d.sample) for d in v.differences] == [("cf", 4)]
    install("fine")
    v = compare_executors(artefact, payloads, ["fine"], first=True)
    assert (v.samples, v.equal) == (SAMPLES, True)


def test_batches_are_as_small_as_memory_asks_for(artefact: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    net = artefact.network
    each = 4 * net.steps * sum(prod(n.shape) * (1 + len(n.program.states)) for n in net.neurons)
    for most, expected in ((each - 1, 1), (each, 1), (5 * each, 5), (1 << 40, module.BATCH)):
        monkeypatch.setattr(module, "MOST_INTEGERS", most)
        assert module.batch_size(net) == expected


def test_batches_that_come_one_by_one(artefact: Artefact, payloads: Ints, install: Any) -> None:
    install("fine")
    taken: list[int] = []
    shown: list[tuple[str, int, int]] = []

    def parts() -> Iterator[Ints]:
        for start in range(0, SAMPLES, 3):
            taken.append(start)
            yield payloads[:, start : start + 3]

    v = module.compare_batches(artefact, parts(), 0, ["fine"], progress=lambda *call: shown.append(call))
    assert (v.samples, v.equal, taken) == (SAMPLES, True, [0, 3, 6])
    assert shown[-1] == ("fine", 2 * SAMPLES, 2 * SAMPLES)


def test_a_stored_trace_is_compared_like_an_executor(artefact: Artefact, payloads: Ints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    stored = interpret(artefact.network, payloads)
    v = compare_executors(artefact, payloads, ["reference"], stored=stored)
    assert v.equal
    assert set(v.compared) == {STORED}
    stored.spikes["fire"][1, 6, 0, 2, 2] ^= 1
    (d,) = compare_executors(artefact, payloads, ["reference"], stored=stored).differences
    assert (d.executor, d.signal, d.step, d.sample, d.index) == (STORED, "fire", 1, 6, (0, 2, 2))


@pytest.mark.parametrize("samples", [SAMPLES - 1, SAMPLES + 1, 2 * SAMPLES])
@pytest.mark.parametrize("batch", [SAMPLES, 3])
def test_a_stored_trace_of_other_samples_is_refused(
    artefact: Artefact, payloads: Ints, monkeypatch: pytest.MonkeyPatch, samples: int, batch: int
) -> None:
    monkeypatch.setattr(module, "BATCH", batch)
    twice = np.concatenate([payloads, payloads], axis=1)[:, :samples]
    with pytest.raises(ArtefactError, match="the stored trace is of another number of samples"):
        compare_executors(artefact, payloads, ["reference"], stored=interpret(artefact.network, twice))


def test_a_trace_of_another_run_is_refused(artefact: Artefact, payloads: Ints, monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(Fake):
        def run(self, artefact: Artefact, payloads: Ints, traces: bool = True) -> Trace:
            trace = interpret(artefact.network, payloads)
            return replace(trace, states={})

    monkeypatch.setitem(EXECUTORS, "short", Short("short"))
    with refused(
        ArtefactError,
        """
        the traces are not of the same run
          where:    short: states/cf.u
          got:      nothing
          expected: (3, 8, 3, 6, 6)
          do:       simulate the same artefact on the same samples with both
        """,
    ):
        compare_executors(artefact, payloads, ["short"])


def test_every_executor_runs_without_traces(artefact: Artefact, payloads: Ints) -> None:
    for e in EXECUTORS.values():
        if e.unavailable():
            continue
        trace = run_executor(e, artefact, payloads, traces=False)
        assert trace.spikes == trace.states == {}
        np.testing.assert_array_equal(trace.readout, interpret(artefact.network, payloads).readout)


def test_an_executor_that_turns_out_unavailable_is_not_run(artefact: Artefact, payloads: Ints, install: Any) -> None:
    """It said that it could run, and could not; the others are reported all the same."""
    install("first", error=ExecutorUnavailableError("cannot be made", got="no disk", do="plug one in"))
    last = install("last")
    v = compare_executors(artefact, payloads, ["first", "last"])
    assert v.equal
    assert v.not_run == {"first": "cannot be made: no disk (plug one in)"}
    assert list(v.compared) == ["last"]
    assert len(last.batches) == 1
    with refused(ExecutorUnavailableError, "cannot be made\n  got:      no disk\n  do:       plug one in"):
        compare_executors(artefact, payloads, ["first"])
    stored = interpret(artefact.network, payloads)
    v = compare_executors(artefact, payloads, ["first"], stored=stored)
    assert list(v.compared) == [STORED]


def test_what_an_executor_measured_is_noted_and_printed(
    artefact: Artefact, payloads: Ints, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Measured(Fake):
        def measured(self) -> str:
            return f"{len(self.batches)} batches [of them]"

    monkeypatch.setitem(EXECUTORS, "slow", Measured("slow"))
    v = compare_executors(artefact, payloads, ["slow", "onnx-reference"])
    assert v.notes == {"slow": "1 batches [of them]"}
    print_verdict(v, "title")
    assert "slow: 1 batches [of them]" in capsys.readouterr().out.splitlines()

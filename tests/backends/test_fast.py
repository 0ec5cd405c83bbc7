"""The generated C against the reference: dense, event-driven, without vector instructions; the compiler's failures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import lru_cache
from threading import Barrier, current_thread
from time import sleep
from typing import Any

import numpy as np
import pytest

import snn2hw
from snn2hw.artefact import Artefact
from snn2hw.backends.c.plan import Value, c_type
from snn2hw.backends.c.synapse_plan import synapse
from snn2hw.backends.fast import executor, sharing
from snn2hw.backends.fast.executor import Fast, threads
from snn2hw.backends.reference import interpret
from snn2hw.errors import UnsupportedError, UsageError, ValueRangeError, WidthError
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.ir.program import declared_interval
from snn2hw.layers import IntLinear
from snn2hw.num import Format, Interval
from snn2hw.store import make_artefact
from snn2hw.trace import Ints, Trace
from snn2hw.verification.stimuli import corner_payloads
from tests.hand_networks import compiled as compiled_network
from tests.hand_networks import counts, every_kind, every_kind_sample, linear, network, readout
from tests.random_networks import compiled, payloads_of, random_case
from tests.refused import refused

pytestmark = pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}")

NEVER, ALWAYS = 0, 101  # percent of active inputs below which a layer is summed event-driven


@lru_cache(maxsize=32)
def drawn(seed: int) -> tuple[Artefact, Ints, Trace] | None:
    """A network, payloads and what the reference makes of them; None where it does not compile."""
    case = random_case(seed)
    try:
        net = compiled(case).network
    except (WidthError, UnsupportedError):
        return None
    payloads = payloads_of(case, net)
    return make_artefact(net), payloads, interpret(net, payloads)


def differing(seed: int, percent: int) -> list[str] | None:
    """Names of what differs from the reference; None where the network does not compile."""
    if (found := drawn(seed)) is None:
        return None
    artefact, payloads, trace = found
    wanted, got = trace.arrays(), Fast(percent).run(artefact, payloads).arrays()
    assert wanted.keys() == got.keys()
    return [name for name in wanted if not np.array_equal(wanted[name], got[name])]


@pytest.mark.parametrize("percent", [NEVER, ALWAYS])
@pytest.mark.parametrize("portable", [False, True], ids=["vectors", "portable"])
def test_random_networks_either_way(percent: int, portable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_CFLAGS", "-O1 -DSNN_PORTABLE" if portable else "-O1")
    ran = [found for seed in range(2_000, 2_010) if (found := differing(seed, percent)) is not None]
    assert len(ran) >= 5
    assert not any(ran), f"python -m tests.random_networks SEED, from 2000 on: {ran}"


@pytest.mark.slow
@pytest.mark.parametrize("percent", [NEVER, ALWAYS])
def test_many_random_networks_either_way(percent: int) -> None:
    ran = {seed: found for seed in range(3_000, 3_300) if (found := differing(seed, percent)) is not None}
    assert len(ran) >= 200
    assert not any(ran.values()), {seed: found for seed, found in ran.items() if found}


@pytest.mark.parametrize("flag", ["-fsanitize=undefined -fno-sanitize-recover=all"])
def test_nothing_undefined_happens(flag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library with the sanitizer in it ends the process at the first report."""
    monkeypatch.setenv("SNN2HW_CFLAGS", f"-O1 {flag}")
    for percent in (NEVER, ALWAYS):
        for seed in (2_020, 2_021, 2_022):
            assert not differing(seed, percent)


def test_every_kind_of_layer_and_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    net = compiled_network(every_kind(), every_kind_sample()).network
    payloads = corner_payloads(net)
    wanted = interpret(net, payloads).arrays()
    for given in ("1", "2", "5"):
        monkeypatch.setenv("SNN2HW_THREADS", given)
        got = Fast().run(make_artefact(net), payloads).arrays()
        assert all(np.array_equal(wanted[k], got[k]) for k in wanted)


def test_the_readout_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    net = compiled_network(every_kind(), every_kind_sample()).network
    payloads = corner_payloads(net)
    got = Fast().run(make_artefact(net), payloads, traces=False)
    assert (got.readout == interpret(net, payloads).readout).all()
    assert not got.spikes
    assert not got.states


def test_two_networks_at_once_keep_their_own_weights() -> None:
    fast, nets = Fast(), []
    for seed in (2_030, 2_031):
        case = random_case(seed)
        net = compiled(case).network
        nets.append((make_artefact(net), payloads_of(case, net)))
    for artefact, payloads in (*nets, *nets):
        assert (fast.run(artefact, payloads).readout == interpret(artefact.network, payloads).readout).all()


def test_images_that_stand_still_and_then_change() -> None:
    """One executor, one network: payloads of an image are the same at every step, and payloads of elsewhere need not be."""
    net = compiled_network(every_kind(), every_kind_sample()).network
    fast, artefact = Fast(), make_artefact(net)
    lo, hi = net.input.interval.lo, net.input.interval.hi
    moving = np.random.default_rng(0).integers(lo, hi, (net.steps, 4, *net.input.shape), endpoint=True)
    still = np.broadcast_to(moving[:1], moving.shape)
    for payloads in (still, moving, still, moving):
        wanted, got = interpret(net, payloads).arrays(), fast.run(artefact, payloads).arrays()
        assert {name: int((value != got[name]).sum()) for name, value in wanted.items()} == dict.fromkeys(wanted, 0)


@pytest.mark.parametrize("given", ["0", "two", "-1", "", "²"])
def test_a_number_of_threads_that_is_none(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNN2HW_THREADS", given)
    with refused(
        UsageError,
        f"""
        SNN2HW_THREADS is no number of threads
          got:      {given!r}
          expected: 1 or more
          do:       unset SNN2HW_THREADS for a thread on every processor, or set it to a number
        """,
    ):
        threads()


def test_a_fan_in_beyond_16_bits() -> None:
    """Lists of events name channels in 16 bits; a layer with more is summed densely."""
    n, rng = 70_000, np.random.default_rng(0)
    spikes, form = Interval(0, 1), Format(32, 0, True)
    source = IntInput("x", (), (n,), Format(1, 0, False), spikes, unit=1.0, static=False, counts=True)
    weight, bias = rng.integers(-127, 128, (4, n)).astype(np.int8), np.zeros(4, np.int32)
    fc = IntLinear("fc", ("x",), (4,), form, Interval(-127 * n, 127 * n), weight=weight, bias=bias)
    net = IntegerNetwork(1, "generic", (source, fc, IntReadout("readout", ("fc",), (4,), form, fc.interval)))
    payloads = (rng.random((1, 3, n)) < 0.05).astype(np.int64)
    artefact, expected = make_artefact(net), interpret(net, payloads).readout
    for percent in (NEVER, ALWAYS):
        assert (Fast(percent).run(artefact, payloads).readout == expected).all(), percent


@pytest.mark.parametrize("percent", [NEVER, ALWAYS])
@pytest.mark.parametrize("payload", [1, 3])
def test_sums_far_beyond_int16(percent: int, payload: int) -> None:
    """All weights at their ends and every input active: partial sums in int16 must be widened before they are full."""
    weight = np.concatenate([np.ones((1, 600)), -np.ones((1, 600))])
    net = compiled_network(network(1, counts(600, hi=payload), linear("fc", "input", weight), readout("fc"))).network
    payloads = np.full((1, 1, 600), payload)
    wanted = interpret(net, payloads).readout
    assert np.abs(wanted).min() > 600 * 60 * payload
    assert (Fast(percent).run(make_artefact(net), payloads).readout == wanted).all()


def test_payloads_that_would_wrap_are_refused() -> None:
    net = compiled_network(network(1, counts(2, hi=3), linear("fc", "input", np.eye(2)), readout("fc"))).network
    with refused(
        ValueRangeError,
        """
        the spike values are outside the network's declared range
          where:    payloads
          got:      0 to 256
          expected: 0 to 3
          do:       give integers within it, or compile with a sample that covers them; snn2hw.simulate encodes real samples
        """,
    ):
        Fast().run(make_artefact(net), np.array([[[0, 256]]]))


def test_sums_by_events_that_could_leave_int32_are_taken_densely() -> None:
    """Weights of signed events carry 128 more, which the bias takes back beforehand: both must fit."""

    def events(bias: int) -> int:
        spikes, sums = Interval(-1, 1), Interval(-(2**31 - 1), 2**31 - 1)
        entering = IntInput("input", (), (4,), Format(2, 0), spikes, 1.0, False, True)
        weight, biases = np.full((1, 4), 127, np.int8), np.full(1, bias, np.int32)
        layer = IntLinear("fc", ("input",), (1,), Format(32, 0), sums, weight, biases)
        return synapse(layer, Value(entering, 1, "int8_t", -1), Value(layer, 1, "int32_t", 0)).events

    assert events(0) == events(2**31 - 1 - 2 * 255 * 4) == 32767 // (2 * 255)
    assert events(2**31 - 2 * 255 * 4) == events(-(2**31 - 1)) == 0


def test_a_trace_stays_as_it_is_while_others_are_made() -> None:
    """Memory of traces is used again, but not that of a trace which somebody holds, nor a part of one."""
    artefact, stimulus = make_artefact(compiled_network(every_kind(), every_kind_sample()).network), every_kind_sample()
    batches = [np.roll(stimulus, n, axis=-1) for n in range(5)]
    parts, copies = [], []
    for x in batches:
        held = snn2hw.simulate(artefact, x, executor="fast").held()  # the arrays alone, not the trace
        parts.append(held)
        copies.append({k: v.copy() for k, v in held.items()})
    for x in batches * 3:
        snn2hw.simulate(artefact, x, executor="fast")
    for held, copied in zip(parts, copies, strict=True):
        assert all(np.array_equal(held[k], copied[k]) for k in copied)


def test_traces_lie_in_the_narrowest_types_that_the_network_declares() -> None:
    net = compiled_network(every_kind(), every_kind_sample()).network
    payloads = corner_payloads(net)
    got = Fast().run(make_artefact(net), payloads)
    for name, values in got.held().items():
        if name != "readout":
            node = next(n for n in net.neurons if name.removeprefix("spikes/").removeprefix("states/").startswith(n.name))
            states = {f"states/{node.name}.{s}": declared_interval(i) for s, i in node.program.states.items()}
            assert f"{values.dtype.name}_t" == c_type(states.get(name, node.interval)), name


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 2), (1e3, 1)])
def test_threads_take_parts_where_there_is_enough_to_do(seconds: float, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every sample once, by several threads at a time or by the caller alone."""
    monkeypatch.setattr(sharing, "WORTH", seconds)
    all_here, seen, names = Barrier(expected), list[int](), set[str]()

    def part(first: int, last: int) -> None:
        if first and current_thread().name not in names:  # the first sample is run alone, as it is timed
            names.add(current_thread().name)
            all_here.wait(30)
        seen.extend(range(first, last))

    sharing.shared(part, 50, 2)
    assert sorted(seen) == list(range(50))
    assert len(names) == expected


def test_the_first_sample_of_later_runs_is_work_for_threads_like_all_others() -> None:
    """What a sample takes is known from the run before: of two samples, two threads take one each."""
    both = Barrier(2)
    each = sharing.shared(lambda first, last: sleep(sharing.WORTH), 1, 2)
    assert each is not None
    assert each >= sharing.WORTH
    again = sharing.shared(lambda first, last: [both.wait(30), sleep(0.001)][1], 2, 2, each)
    assert again is not None
    assert sharing.shared(lambda first, last: sleep(1), 0, 2, each) == each


def test_an_executor_remembers_what_a_sample_took(monkeypatch: pytest.MonkeyPatch) -> None:
    net = compiled_network(every_kind(), every_kind_sample()).network
    fast, artefact, payloads, given = Fast(), make_artefact(net), corner_payloads(net), list[float | None]()
    plain = sharing.shared

    def watched(part: sharing.Part, samples: int, workers: int, each: float | None, together: Any) -> float | None:
        given.extend([each, taken := plain(part, samples, workers, each, together)])
        return taken

    monkeypatch.setattr(executor, "shared", watched)
    for _ in range(2):
        fast.run(artefact, payloads)
    assert given[0] is None
    assert given[1] == given[2] is not None


def test_one_thread_takes_long_samples_one_at_a_time_so_that_ctrl_c_is_seen() -> None:
    parts = list[tuple[int, int]]()
    sharing.shared(lambda first, last: parts.append((first, last)), 20, 1, sharing.SOON)
    assert parts == [(n, n + 1) for n in range(20)]
    parts.clear()
    sharing.shared(lambda first, last: parts.append((first, last)), 20, 1, sharing.SOON / 100)
    assert parts == [(0, 20)]


@pytest.mark.parametrize(
    ("samples", "workers", "each", "all_together"),
    [(1, 2, 1.0, True), (3, 2, 1.0, True), (2, 2, 1.0, False), (5, 2, 1.0, False), (5, 4, 1.0, True), (7, 4, 1.0, False),
     (1, 64, 1.0, True), (8, 64, 1.0, False), (100, 64, 1.0, False),
     (1, 1, 1.0, False), (1, 2, None, False), (1, 2, sharing.WORTH / 2, False)],
)  # fmt: skip
def test_threads_run_so_few_samples_together_that_some_would_have_none(
    samples: int, workers: int, each: float | None, all_together: bool
) -> None:
    """Where one alone is worth it, as is known from the last run."""
    alone, joined = list[int](), list[int]()
    sharing.shared(
        lambda first, last: alone.extend(range(first, last)), samples, workers, each,
        lambda: nullcontext(lambda first, last: joined.extend(range(first, last))),
    )  # fmt: skip
    assert sorted(alone) == ([] if all_together else list(range(samples)))
    assert sorted(joined) == (list(range(min(workers, sharing.TEAM))) if all_together else [])


def test_of_threads_on_the_same_samples_the_first_begins_when_another_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "BEGINNING", 60.0)
    begun: list[int] = []
    part = sharing._once_another_has_begun(lambda first, last: begun.append(first))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(part, 0, 1)
        sleep(0.05)
        assert begun == [], "it waits"
        part(1, 2)
        first.result(timeout=30)
    assert sorted(begun) == [0, 1]
    monkeypatch.setattr(sharing, "BEGINNING", 0.0)
    sharing._once_another_has_begun(lambda first, last: begun.append(7))(0, 1)
    assert begun[-1] == 7, "nobody came, so that it goes on alone"


def test_waiting_for_each_other_is_no_work() -> None:
    """Else a sample would seem longer with every run, until threads are woken for what one does faster."""
    took = sharing.shared(void, 1, 2, 0.01, lambda: nullcontext(lambda first, last: sleep(0.02)))
    assert took == 0.01
    quicker = sharing.shared(void, 1, 2, 10.0, lambda: nullcontext(lambda first, last: sleep(0.001)))
    assert quicker is not None
    assert quicker < 10


def void(first: int, last: int) -> None:
    raise AssertionError("threads run these samples together")


def test_a_failure_in_another_thread_is_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", 0.0)
    here = current_thread()

    def part(first: int, last: int) -> None:
        if current_thread() is not here:
            raise ValueError("of another thread")
        sleep(0.01)

    with pytest.raises(ValueError, match="of another thread"):
        sharing.shared(part, 40, 2)

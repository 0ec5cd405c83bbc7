"""Differential fuzzing: random networks through every executor; no integer may differ, no stated interval be left."""

from __future__ import annotations

import importlib.util
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings

from snn2hw.artefact import Artefact
from snn2hw.backends import EXECUTORS
from snn2hw.backends.reference import interpret
from snn2hw.errors import UnsupportedError, WidthError
from snn2hw.formats.onnx.read import from_onnx
from snn2hw.formats.onnx.write import to_onnx
from snn2hw.ir.document import Arrays, from_json, to_json
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.integer import IntegerNetwork, IntFeedback, IntNeuron
from snn2hw.ir.network import Network
from snn2hw.ir.program import Instruction, Op, declared_interval, initial_value, values_of
from snn2hw.ir.ranges import ranges
from snn2hw.ir.text import to_text
from snn2hw.num import Interval
from snn2hw.store import make_artefact
from snn2hw.trace import Ints, Trace
from snn2hw.verification.verdict import compare_executors
from tests.random_networks import (
    ATTENTION,
    LATE,
    LAYERED,
    RECURRENT,
    STEPPED,
    Case,
    compiled,
    networks,
    payloads_of,
    random_case,
    reproducer,
)
from tests.roles import counter

FIRST = int(os.environ.get("SNN2HW_FUZZ_SEED", "0")) * 1_000_000  # another environment, other networks
CHUNKS, COUNT = 4, 24
SLOW_CHUNKS, SLOW_COUNT = 20, 5_200
RECURRENT_COUNT, SLOW_RECURRENT_COUNT = 4, 700
ATTENTION_COUNT, SLOW_ATTENTION_COUNT = 3, 500
LATE_COUNT, SLOW_LATE_COUNT = 2, 200
STEPPED_COUNT, SLOW_STEPPED_COUNT = 4, 600
LAYERED_COUNT, SLOW_LAYERED_COUNT = 4, 1_200
FAST_EVERY = 7  # compiling the C of one network takes most of a second
REFUSED_AT_MOST, ALL_FIRE_AT_LEAST = 0.35, 0.8
LOOPED_FIRE_AT_LEAST = 0.4  # refractory neurons and delays at the end of few steps are silent more often


@dataclass(frozen=True)
class Outcome:
    """What became of one network: why it was refused, or what is wrong with it (nothing), and how much each layer fired."""

    refused: str
    problems: list[str]
    rates: dict[str, float]
    compared: dict[str, int]


def outcome(seed: int, names: Sequence[str] = ()) -> Outcome:
    """Compile one network and ask everything of it; `names` are the executors, by default all that can run here."""
    case = random_case(seed)
    try:
        net = compiled(case).network
    except (WidthError, UnsupportedError) as error:
        return Outcome(f"{type(error).__name__}: {error.what}", [], {}, {})
    artefact = make_artefact(net)
    payloads = payloads_of(case, net)
    verdict = compare_executors(artefact, payloads, names or _for(seed))
    trace = interpret(net, payloads)
    problems = [f"{d}\n{d.cause}" for d in verdict.differences]
    problems += [*_round_trips(case.network, artefact), *_outside(net, payloads, trace)]
    rates = {name: float(np.mean(v != 0)) for name, v in trace.spikes.items()}
    return Outcome("", problems, rates, verdict.compared)


def _for(seed: int) -> list[str]:
    return [name for name in available() if name != "fast" or seed % FAST_EVERY == 0]


def _round_trips(real: Network, artefact: Artefact) -> Iterator[str]:
    text, arrays = to_json(artefact.network)
    again, arrays_again = to_json(from_json(text, arrays))
    if again != text or not _identical(arrays, arrays_again):
        yield f"the JSON form is not what it was written from:\n{text}"
    if to_onnx(from_onnx(artefact.model)) != (artefact.model, artefact.step):
        yield "reading model.onnx and writing it again gives other bytes"


def _identical(a: Arrays, b: Arrays) -> bool:
    return a.keys() == b.keys() and all(a[k].dtype == b[k].dtype and np.array_equal(a[k], b[k]) for k in a)


def _outside(net: IntegerNetwork, payloads: Ints, trace: Trace) -> Iterator[str]:
    """Values of nodes, states and instructions outside the intervals and formats that are stated for them."""

    def flat(x: Ints) -> Ints:
        return x.reshape(-1, *x.shape[2:])

    values = {net.input.name: flat(payloads)}
    for node in net.nodes:
        if isinstance(node, IntFeedback):
            fired = trace.spikes[node.inputs[0]]
            values[node.name] = flat(np.concatenate([np.zeros_like(fired[:1]), fired[:-1]]))
            yield from _beyond(f"'{node.name}'", values[node.name], [node.interval, node.format.interval])
            continue
        inputs = [values[i] for i in node.inputs]
        if isinstance(node, IntNeuron):
            values[node.name] = flat(trace.spikes[node.name])
            states = {s: trace.states[f"{node.name}.{s}"] for s in node.program.states}
            yield from _program_outside(node, inputs[0], {s: flat(v) for s, v in states.items()}, payloads.shape[1])
        elif inputs:
            values[node.name] = node.value(inputs)
        yield from _beyond(f"'{node.name}'", values[node.name], [node.interval, node.format.interval])
    yield from _beyond("the readout", trace.readout, [net.sum_interval])


def _program_outside(node: IntNeuron, x: Ints, after: dict[str, Ints], samples: int) -> Iterator[str]:
    program, proved = node.program, ranges(node.program)
    initial = {s: np.full((samples, *node.shape), initial_value(i), np.int64) for s, i in program.states.items()}
    before = {s: np.concatenate([initial[s], v[:-samples]]) for s, v in after.items()}

    def sources(i: Instruction) -> Ints:
        if i.op is Op.PARAM:
            return np.asarray(values_of(i), np.int64).reshape((-1,) + (1,) * (x.ndim - 2))
        return before[i.name] if i.op is Op.STATE else x

    for name, value in evaluate(program, sources).items():
        yield from _beyond(f"'{node.name}': {name}", np.asarray(value), [proved[name], program.by_name[name].format.interval])
    for s, i in program.states.items():
        yield from _beyond(f"'{node.name}.{s}'", after[s], [declared_interval(i), i.format.interval])


def _beyond(where: str, value: Ints, stated: Sequence[Interval]) -> Iterator[str]:
    seen = Interval.of([value.min(), value.max()])
    yield from (f"{where} takes values {seen}, stated is {s}" for s in stated if seen not in s)


def available() -> list[str]:
    return [name for name, e in EXECUTORS.items() if not e.unavailable()]


def executors() -> list[str]:
    """All that can run here; a package that is installed must be among them."""
    names = available()
    assert {"reference", "onnx-reference"} <= set(names)
    for package in ("torch", "onnxruntime"):
        assert (package in names) == (importlib.util.find_spec(package) is not None)
    return names


def sweep(seeds: Iterable[int], firing: float = ALL_FIRE_AT_LEAST) -> None:
    executors()
    refused: Counter[str] = Counter()
    ran = all_fired = 0
    for seed in seeds:
        names = _for(seed)
        others = set(names) - {"reference"}
        found = outcome(seed, names)
        if found.refused:
            refused[found.refused] += 1
            continue
        assert not found.problems, f"{reproducer(seed)}\n{found.problems[0]}"
        assert set(found.compared) == others, f"{reproducer(seed)}\nnot compared: {others - set(found.compared)}"
        assert len(set(found.compared.values())) == 1, reproducer(seed)
        ran += 1
        all_fired += all(rate > 0 for rate in found.rates.values())
    assert refused.total() <= REFUSED_AT_MOST * (ran + refused.total()), refused
    assert all_fired >= firing * ran


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_networks_agree_in_every_executor(chunk: int) -> None:
    sweep(range(FIRST + chunk, FIRST + COUNT, CHUNKS))


def test_random_recurrent_networks_agree_in_every_executor() -> None:
    starts = ((RECURRENT + FIRST, RECURRENT_COUNT), (LATE + FIRST, LATE_COUNT))
    sweep([seed for start, count in starts for seed in range(start, start + count)], LOOPED_FIRE_AT_LEAST)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS))
def test_many_random_recurrent_networks_agree_in_every_executor(chunk: int) -> None:
    start = RECURRENT + FIRST + RECURRENT_COUNT
    sweep(range(start + chunk, start + SLOW_RECURRENT_COUNT, SLOW_CHUNKS), LOOPED_FIRE_AT_LEAST)
    start = LATE + FIRST + LATE_COUNT
    sweep(range(start + chunk, start + SLOW_LATE_COUNT, SLOW_CHUNKS), LOOPED_FIRE_AT_LEAST)


def test_random_networks_with_thresholds_by_step_agree_in_every_executor() -> None:
    sweep(range(STEPPED + FIRST, STEPPED + FIRST + STEPPED_COUNT), LOOPED_FIRE_AT_LEAST)
    assert any(counter(n.program) for n in compiled(random_case(STEPPED + FIRST)).network.neurons)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS))
def test_many_random_networks_with_thresholds_by_step_agree_in_every_executor(chunk: int) -> None:
    start = STEPPED + FIRST + STEPPED_COUNT
    sweep(range(start + chunk, start + SLOW_STEPPED_COUNT, SLOW_CHUNKS), LOOPED_FIRE_AT_LEAST)


def test_random_networks_of_layers_that_join_and_enlarge_agree_in_every_executor() -> None:
    sweep(range(LAYERED + FIRST, LAYERED + FIRST + LAYERED_COUNT))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS))
def test_many_random_networks_of_layers_that_join_and_enlarge_agree_in_every_executor(chunk: int) -> None:
    start = LAYERED + FIRST + LAYERED_COUNT
    sweep(range(start + chunk, start + SLOW_LAYERED_COUNT, SLOW_CHUNKS))


def test_random_networks_that_attend_agree_in_every_executor() -> None:
    sweep(range(ATTENTION + FIRST, ATTENTION + FIRST + ATTENTION_COUNT))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS))
def test_many_random_networks_that_attend_agree_in_every_executor(chunk: int) -> None:
    start = ATTENTION + FIRST + ATTENTION_COUNT
    sweep(range(start + chunk, start + SLOW_ATTENTION_COUNT, SLOW_CHUNKS))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS))
def test_many_random_networks_agree_in_every_executor(chunk: int) -> None:
    sweep(range(FIRST + COUNT + chunk, FIRST + COUNT + SLOW_COUNT, SLOW_CHUNKS))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(SLOW_CHUNKS))
def test_every_random_network_agrees_in_the_generated_c(chunk: int) -> None:
    """Those that the sweeps leave out; an hour and a half, or half of it with SNN2HW_CFLAGS=-O1."""
    if "fast" not in available():
        pytest.skip("no C compiler")
    seeds = [s for s in range(FIRST + chunk, FIRST + COUNT + SLOW_COUNT, SLOW_CHUNKS) if "fast" not in _for(s)]
    found = {seed: outcome(seed, ["reference", "fast"]) for seed in seeds}
    assert not {reproducer(seed): o.problems[0] for seed, o in found.items() if o.problems}
    assert sum("fast" in o.compared for o in found.values()) >= (1 - REFUSED_AT_MOST) * len(seeds)


def test_a_network_is_a_function_of_its_seed() -> None:
    for seed in range(5):
        (text, arrays), (text_again, arrays_again) = (to_text(random_case(seed).network) for _ in range(2))
        assert text == text_again
        assert _identical(arrays, arrays_again)


@given(networks())
@settings(max_examples=6)  # of the strategy: the networks themselves are those of the sweeps
def test_the_strategy_gives_networks_that_compile_or_say_why(case: Case) -> None:
    found = outcome(case.seed, ["reference", "onnx-reference"])
    assert not found.problems, f"{reproducer(case.seed)}\n{found.problems[0]}"

"""Crossovers are measured once, kept, and measured again where what was kept is damaged; others follow from them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snn2hw.backends.c.plan import Value
from snn2hw.backends.c.synapse_plan import Synapse, synapse
from snn2hw.backends.c.to_c import CROSSINGS, to_c
from snn2hw.backends.fast import crossover as module
from snn2hw.backends.fast.built import MEASURED
from snn2hw.backends.fast.crossover import BINARY, COUNTS, FARTHEST, SIGNED, STEPS, Crossings, crossings, probe
from snn2hw.backends.fast.executor import Fast, Part
from snn2hw.ir.integer import IntInput
from snn2hw.layers import IntAdd, IntConv2d
from snn2hw.num import Interval
from snn2hw.store import make_artefact
from tests.native.compiling import needs_compiler

DENSE, START, LISTING = 0.5, 3.0, 0.25  # what Crossings' docstring calls D, S and L


def unasked() -> float:
    raise AssertionError("no layer has so many weights")


def late() -> float:
    return 99.0


def made(kind: float = 0.2, middle: Callable[[], float] = unasked, far: Callable[[], float] = unasked) -> Crossings:
    """Of a machine with these costs, and of `kind` percent for spike values that are not binary; of large layers `far`."""
    base, one, few = (100 * (DENSE - START / n - LISTING / taps) for n, taps in ((64, 9), (64, 1), (16, 9)))
    return Crossings(base, one, few, lambda spikes: 100 * kind * (1 if spikes == COUNTS else 0.5), middle, far)


@pytest.mark.parametrize("inputs", [16, 32, 64, 300])
@pytest.mark.parametrize(("outputs", "lanes", "blocks"), [(16, 16, 1), (17, 32, 1), (64, 64, 1), (65, 80, 2), (512, 512, 8)])
@pytest.mark.parametrize(("taps", "spread"), [(1, 1.0), (9, 1.0), (9, 4.0)])
def test_the_crossover_of_any_layer_is_where_both_ways_cost_the_same(
    inputs: int, outputs: int, lanes: int, blocks: int, taps: int, spread: float
) -> None:
    activity = made().percent(inputs, outputs, taps, spread) / 100
    dense = DENSE * taps * inputs * lanes / 64
    events = taps * inputs * blocks * activity + START * taps * blocks + LISTING * inputs * spread
    assert events == pytest.approx(dense)


def summed(spikes: Interval, inputs: int = 64) -> Synapse:
    net = probe(inputs, spikes=spikes)
    conv = net.nodes[1]
    assert isinstance(conv, IntConv2d)
    return synapse(conv, Value(net.input, STEPS, "int8_t", -1), Value(conv, STEPS, "int32_t", 0))


def test_each_kind_of_spike_value_has_its_own() -> None:
    assert made().of(summed(BINARY)) == round(100 * made().base)
    assert made().of(summed(COUNTS)) == 2000
    assert made().of(summed(SIGNED)) == 1000
    assert made().of(summed(Interval(-1, 1))) == 1000
    assert made(5.0).of(summed(COUNTS)) == round(100 * made().base), "none pays more than binary ones"
    assert replace(made(), base=120.0).of(summed(BINARY)) == 10_000, "at most all inputs"
    assert made().of(summed(BINARY, 2)) == 0
    assert made(-1.0).of(summed(SIGNED)) == 0
    assert replace(made(), few=-60.0, kind=lambda spikes: -40.0).of(summed(SIGNED, 16)) == 0, "never, and not never of never"
    near = replace(made(), base=0.01, one=0.01, few=0.01)  # beside a matrix unit events never pay
    assert near.of(summed(SIGNED)) == near.of(summed(BINARY)) == 1, "none pays more than binary ones"


def test_a_stride_lists_inputs_that_fewer_places_share() -> None:
    net = probe()
    conv = net.nodes[1]
    assert isinstance(conv, IntConv2d)
    window = replace(conv.window, stride=(2, 2))
    strided = replace(conv, window=window, shape=(64, 4, 4))
    s = synapse(strided, Value(net.input, STEPS, "int8_t", -1), Value(strided, STEPS, "int32_t", 0))
    assert made().of(s) == round(100 * made().percent(64, 64, 9, 4.0)) < made().of(summed(BINARY))


def large(spikes: Interval = BINARY, outputs: int = 1024, size: int = 2, steps: int = STEPS) -> Synapse:
    """Of 4,096 inputs, 4 million weights if nothing else is said."""
    net = probe(4096, outputs, 1, spikes, size)
    conv = net.nodes[1]
    assert isinstance(conv, IntConv2d)
    return synapse(conv, Value(net.input, steps, "int8_t", -1), Value(conv, steps, "int32_t", 0))


def test_millions_of_weights_for_many_rows_cross_where_that_was_measured() -> None:
    far = made(middle=late, far=lambda: 11.0)
    assert far.of(large()) == 1100
    assert far.of(large(SIGNED)) == round(1100 * 10 / made().base), "of each kind the share that it has of binary ones"
    assert made(middle=late, far=lambda: -3.0).of(large()) == 0, "never"
    own = round(100 * made().percent(4096, 1024, 1))
    assert made(middle=late, far=late).of(large()) == own, "never more than of a small one"
    assert made(middle=late).of(large(outputs=1023)) == round(100 * made().percent(4096, 1023, 1)), (
        "of fewer weights nothing is asked"
    )
    assert made(middle=late).of(large(size=1)) == own, "nor of four rows"
    assert far.of(large(size=1, steps=8)) == 1100, "rows are steps, too"


def test_outputs_of_many_weights_cross_where_that_was_measured() -> None:
    middle = made(middle=lambda: 12.0)
    assert middle.of(summed(BINARY, 114)) == 1200
    assert middle.of(summed(SIGNED, 114)) == round(1200 * 10 / made().base), "of each kind the share that it has of binary ones"
    assert made(middle=lambda: -3.0).of(summed(BINARY, 114)) == 0, "never"
    assert made(middle=late).of(summed(BINARY, 114)) == round(100 * made().percent(114, 64, 9)), "never more than of a small one"
    assert made().of(summed(BINARY, 113)) == round(100 * made().percent(113, 64, 9)), "of fewer weights nothing is asked"


def test_layers_get_theirs_with_the_weights_and_the_text_stays_as_it_is() -> None:
    net = probe()
    plain, given = to_c(net, False), to_c(net, False, crossing=lambda s: 77)
    assert plain.text == given.text
    assert plain.arrays[CROSSINGS].tolist() == [0]
    assert given.arrays[CROSSINGS].tolist() == [77]
    dense = to_c(probe(2, 2), False, forced=False, crossing=lambda s: 77)
    assert dense.arrays[CROSSINGS].tolist() == [0], "a layer without lists"


@needs_compiler
@pytest.mark.parametrize(("crossing", "by_events"), [(0, False), (4000, False), (6000, True), (10_000, True)])
def test_a_layer_is_summed_by_events_below_its_own_crossover(crossing: int, by_events: bool) -> None:
    """By the lists of events, which lie in memory that is 0 at first and stays so where nothing is listed."""
    net = probe()
    fast, artefact = Fast(), make_artefact(net)
    built = module.build(net, False, crossing=lambda s: crossing)
    fast._built[artefact.model, False, 1, Part.WHOLE] = built
    with built.memory(built.source.arena) as arena:
        arena[...] = 0
    payloads = np.zeros((STEPS, 1, *net.input.shape), np.int64)
    payloads[:, :, ::2] = 1  # half of the inputs
    fast.run(artefact, payloads)
    s = summed(BINARY)
    lists = arena[built.source.arena - s.scratch + s.list_offsets[2] :][: 4 * s.cells].view(np.int32)
    assert (lists == 32).all() == by_events


@needs_compiler
@pytest.mark.parametrize(("of_conv", "of_other", "listed"), [(0, 10_000, True), (0, 0, False)])
def test_each_layer_has_the_crossover_that_was_asked_for_it(of_conv: int, of_other: int, listed: bool) -> None:
    """Of two layers on the same input, of which the first is summed densely: lists are those of the second."""
    net = probe()
    source, conv, flat, readout = net.nodes
    assert isinstance(conv, IntConv2d)
    other = replace(conv, name="other")
    both = IntAdd("both", ("conv", "other"), conv.shape, conv.format, conv.interval, (0, 0))
    two = replace(net, nodes=(source, conv, other, both, replace(flat, inputs=("both",)), readout))
    built = module.build(two, False, crossing=lambda s: of_conv if s.node.name == "conv" else of_other)
    with built.memory(built.source.arena) as arena:
        arena[...] = 0
    given = np.zeros((1, STEPS, 8, 8, 64), np.uint8)
    given[..., ::2] = 1  # half of the inputs
    built.runner(given, np.empty((1, 64 * 8 * 8), np.int64), [], MEASURED)(0, 1)
    s = summed(BINARY)
    lists = arena[built.source.arena - s.scratch + s.list_offsets[2] :][: 4 * s.cells].view(np.int32)
    assert (lists == 32).all() == listed


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which the probes are compiled and nothing is measured."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNN2HW_CACHE", str(cache))
        module._crossings.cache_clear()
        crossings().kind(SIGNED)
        crossings().middle()
        crossings().far()
    for path in cache.rglob("*.percent"):
        path.unlink()
    return cache


@pytest.fixture
def fresh(compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(compiled, tmp_path / "cache")
    monkeypatch.setenv("SNN2HW_CACHE", str(tmp_path / "cache"))
    module._crossings.cache_clear()
    return tmp_path / "cache" / "native"


@needs_compiler
def test_measured_kept_and_measured_again(fresh: Path) -> None:
    first = crossings()
    assert all(abs(n) <= FARTHEST for n in (first.base, first.one, first.few))
    kept = sorted(fresh.glob("*.percent"))
    assert len(kept) == 3
    for n, path in enumerate(kept):
        path.write_text(f"{77 + n}.5", encoding="utf-8")
    module._crossings.cache_clear()
    again = crossings()
    assert sorted([again.base, again.one, again.few]) == [77.5, 78.5, 79.5], "what was measured is not read again"
    for damaged in ("", "x", "nan", "1001"):
        for path in kept:
            path.write_text(damaged, encoding="utf-8")
        module._crossings.cache_clear()
        last = crossings()
        assert sorted([last.base, last.one, last.few]) == sorted(float(path.read_text(encoding="utf-8")) for path in kept)
        assert all(abs(n) <= FARTHEST for n in (last.base, last.one, last.few)), damaged
    assert sorted({p.suffix for p in fresh.iterdir()}) == [".c", ".percent", ".sha256", ".so"]
    last.kind(SIGNED)
    last.kind(SIGNED)
    assert len(list(fresh.glob("*.percent"))) == 4, "measured once a layer has such spike values"
    assert abs(last.middle()) <= FARTHEST
    assert abs(last.far()) <= FARTHEST
    assert len(list(fresh.glob("*.percent"))) == 6, "or so many weights"


@needs_compiler
def test_other_flags_are_measured_by_themselves(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crossings()
    monkeypatch.setenv("SNN2HW_CFLAGS", "-O1 -DSNN_PORTABLE")
    crossings()
    assert len(list(fresh.glob("*.percent"))) == 6


@needs_compiler
def test_what_was_measured_otherwise_is_measured_again(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crossings()
    monkeypatch.setattr(module, "SAMPLES", module.SAMPLES // 2)
    module._crossings.cache_clear()
    crossings()
    assert len(list(fresh.glob("*.percent"))) == 6


@needs_compiler
def test_a_cache_that_cannot_be_written(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "write_text", denied)
    assert abs(crossings().base) <= FARTHEST
    assert not list(fresh.glob("*.percent"))


def test_a_network_of_images_alone_has_no_lists() -> None:
    net = probe()
    image = Interval(0, 255)
    source = IntInput("input", (), net.input.shape, net.input.format, image, unit=1.0, static=False, counts=False)
    nodes = (source, *net.nodes[1:])
    assert to_c(replace(net, nodes=nodes), False, crossing=lambda s: 77).arrays[CROSSINGS].tolist() == [0]

"""The benchmark as a program: the smoke test runs end to end, and the page says what the numbers say. Nothing is timed."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snn2hw.backends.fast.executor import Fast

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(bool(Fast().unavailable()), reason=f"no generated C here: {Fast().unavailable()}"),
    pytest.mark.skipif(
        any(importlib.util.find_spec(p) is None for p in ("torch", "onnxruntime", "matplotlib", "sklearn")),
        reason="`make bench` needs the demo extra",
    ),
]


def results(**parts: Any) -> Any:
    from bench.results import Results

    return Results({"processor": "made up"}, "a test", **parts)


def network(batch: int, **seconds: list[float]) -> Any:
    """A ResNet-18 body of 1000 products whose ways took so long; `fast_dense` is "fast, dense"."""
    from bench.results import Measured

    names = {"fast_dense": "fast, dense", "two": "fast, two threads", "traced": "fast, with traces", "again": "fast, once more"}
    names |= {"torch": "torch float32", "int8": "int8 dot product", "snntorch": "snnTorch", "spikingjelly": "SpikingJelly"}
    return Measured("ResNet-18", "LNM", None, 20.0, 4, batch, 1000, 100, {names.get(k, k): v for k, v in seconds.items()})


def layer(width: int, density: float, dense: float, events: float) -> Any:
    from bench.layers import Layer

    return Layer(width, 8, 4, density, int(density * 100), 1000, 100, {"dense": [dense], "event-driven": [events]})


def verdicts(found: Any) -> list[str]:
    from bench.bars import bars

    return [b.verdict for b in bars(found)]


@pytest.mark.slow
def test_the_smoke_test_runs_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import rounds
    from bench.run import main

    one_turn = rounds._turn
    monkeypatch.setattr(rounds, "_turn", lambda run, turn, clock: one_turn(run, 0.0, clock))  # one call, as nothing is timed
    found = main(["--quick", "--out", str(tmp_path)])  # one test, so that workers do not each run it
    _the_page_has_every_bar_and_plot(found, tmp_path)
    _the_ways_are_all_there(found)
    _ceilings_are_positive(found)
    _wished_densities_are_reached(found)
    if found.memory is not None:  # Linux tells, others do not
        _memory_was_watched(found.memory)


def _the_page_has_every_bar_and_plot(found: Any, folder: Path) -> None:
    from bench.bars import bars
    from bench.pictures import PICTURES

    page = (folder / "performance.md").read_text(encoding="utf-8")
    assert "these numbers mean nothing" in page
    for bar in bars(found):
        assert re.search(rf"^\| {re.escape(bar.name)} \|.*\*\*{bar.verdict}\*\*", page, re.MULTILINE), bar.name
    left_out = ["Lava", "PilotNet", "a line of densities"]
    assert [b.verdict for b in bars(found)].count("not measured") == len(left_out) + (0 if found.memory else 2)
    for name in PICTURES:
        assert f"](performance/{name})" in page
        assert 1000 < (folder / "performance" / name).stat().st_size < 100_000


def _the_ways_are_all_there(found: Any) -> None:
    from bench.ceilings import PATHS
    from bench.further import OF_DEPTHWISE, OF_LINEAR, SEPARABLE
    from bench.peers import PEERS, installed
    from bench.ways import ALL

    for m in found.networks:
        assert set(ALL) - set(m.seconds) == {name for name in PEERS if not installed(name)}
        assert all(s > 0 for seconds in m.seconds.values() for s in seconds)
    assert {m.name for m in found.networks} == {"digits_lnm", "ResNet-18"}
    by_name = {(m.name, m.batch): set(m.seconds) for m in found.further}
    assert by_name == {
        (SEPARABLE, 1): set(OF_DEPTHWISE),
        (SEPARABLE, 2): set(OF_DEPTHWISE),
        ("linear 256-256-128-10", 2): set(OF_LINEAR),
    }
    assert found.machine["path of the generated C"] in PATHS


def _ceilings_are_positive(found: Any) -> None:
    from bench.pictures import rate

    assert len(found.ceilings) in (4, 5)  # also that of vectors, where there are tiles
    for name, (work, unit) in found.ceilings.items():
        assert work > 0
        assert unit in ("MAC", "byte")
        assert 1e6 < (rate(found, name) or 0) < 1e15, name


def _wished_densities_are_reached(found: Any) -> None:
    for m in found.densities:
        assert abs(m.density - m.wish) < 0.3 * m.wish, (m.wish, m.density)
    for m in found.layers:
        assert m.spikes == round(m.density / 100 * m.steps * m.width * m.size**2)


def _memory_was_watched(memory: Any) -> None:
    assert len(memory.samples) == len(memory.megabytes) == 10
    assert memory.samples[-1] == 100
    assert 10 < max(memory.megabytes) <= memory.peak


def test_a_line_and_how_well_it_fits() -> None:
    from bench.rounds import line

    exact = line([1, 2, 3, 7], [5, 7, 9, 17])
    assert (round(exact.start, 9), round(exact.slope, 9), exact.r2) == (3, 2, pytest.approx(1))
    x, y = [1, 2, 3, 4, 5], [2.0, 1.0, 4.0, 3.0, 7.0]
    assert line(x, y).r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert line([1, 2, 3], [1, 0, 1]).r2 == pytest.approx(0)


def test_where_two_ways_cost_the_same() -> None:
    from bench.rounds import crossing

    assert crossing([0, 10, 20], [1, 2, 3], [2.5, 2.5, 2.5]) == pytest.approx(15)
    assert crossing([5, 10], [3, 4], [2, 2]) == -math.inf, "never cheaper"
    assert crossing([5, 10], [1, 1], [2, 2]) == math.inf, "always cheaper, as far as was measured"


@pytest.mark.parametrize(
    ("events", "said", "figure"), [((3, 4), "never", 0.0), ((1, 1), "above 60 %", 60.0), ((1, 3), "30 %", 30.0)]
)
def test_where_events_are_cheaper(events: tuple[float, float], said: str, figure: float) -> None:
    from bench.bars import bars
    from bench.report import text

    found = results(layers=[layer(64, 0, 2.0, events[0]), layer(64, 60, 2.0, events[1])])
    row = next(part for part in text(found, [], smoke=False) if part.startswith("| 64 |"))
    assert row.endswith(f" | {said} |")
    assert [b.figure for b in bars(found) if "events beat dense" in b.name] == [figure]


def test_whole_networks_are_linear_in_density_and_never_above_dense_or_it_is_said() -> None:
    from bench.bars import bars

    def at(density: float, fast: float, events: float) -> Any:
        made = network(1, fast=[fast], fast_dense=[3.0])
        return replace(made, wish=int(density), density=density, seconds=made.seconds | {"fast, event-driven": [events]})

    def said(*made: Any) -> list[tuple[float | None, str]]:
        return [(b.figure, b.verdict) for b in bars(results(densities=list(made))) if b.name.startswith("whole networks")]

    assert said(at(2, 1.2, 1.2), at(20, 3.0, 3.0), at(40, 3.0, 5.0)) == [(pytest.approx(1.0), "met"), (1.0, "met")]
    bent = np.corrcoef([2, 20, 40], [1.2, 3.0, 3.1])[0, 1] ** 2
    assert said(at(2, 1.2, 1.2), at(20, 3.0, 3.0), at(40, 3.3, 3.1)) == [
        (pytest.approx(bent), "not met"),
        (pytest.approx(1.1), "not met"),
    ]
    assert said() == [(None, "not measured")] * 2


def test_ratios_are_taken_within_a_round() -> None:
    from bench.rounds import ratio

    # The machine was ten times slower in the second round: nothing changes.
    assert ratio([4, 40, 4], [2, 20, 2]) == ratio([4], [2, 99])
    spread = ratio([4, 9, 2], [2, 3, 2])
    assert (spread.median, spread.least, spread.most) == (2, 1, 3)


def test_what_was_not_measured_is_said_to_be_so() -> None:
    from bench.report import text

    assert set(verdicts(results())) == {"not measured"}
    page = "\n".join(text(results(), [], smoke=False))
    assert page.count("Not measured in this run.") == 9
    assert "0 met, 0 not met, 25 not measured." in page


@pytest.mark.parametrize(("known", "said"), [("abc1234+", "abc1234+"), ("", "unknown")])
def test_the_page_names_its_commit_and_the_command_that_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str, said: str
) -> None:
    from bench import run

    monkeypatch.setattr(run, "machine", lambda: {})
    monkeypatch.setattr(run, "commit", lambda: known)
    monkeypatch.setattr(run, "_measure", lambda *given: None)
    folder = tmp_path / "of it"
    run.main(["--rounds", "7", "--out", str(folder)])
    page = (folder / "performance.md").read_text(encoding="utf-8").splitlines()
    assert page[2] == f"`python -m bench.run --rounds 7 --out '{folder}'`"
    assert page[3] == "writes this page in 0.0 minutes; do not edit it."
    assert f"| commit | {said} |" in page


def test_the_page_says_how_many_calls_a_round_has() -> None:
    from bench.lava_layers import CALLS
    from bench.layers import TURN
    from bench.report import text

    page = "\n".join(text(results(), [], smoke=False))
    assert f"({1e3 * TURN:.0f} ms for single layers)" in page
    assert f"`fast` has {CALLS} calls\n" in page


@pytest.mark.parametrize(("load", "busy"), [("0.10", False), ("1.98", True), ("unknown", False)])
def test_a_busy_machine_is_said_to_be_so(load: str, busy: bool) -> None:
    from bench.machine import LOAD
    from bench.report import text

    found = results()
    found.machine[LOAD] = load
    assert any("Others were at work" in part for part in text(found, [], smoke=False)) == busy


@pytest.mark.parametrize(("better", "verdict"), [(1.01, "met"), (0.99, "not met")])
def test_verdicts_follow_the_numbers(better: float, verdict: str) -> None:
    from bench.bars import SOONER_THAN
    from bench.lava_layers import Lava
    from bench.memory import Memory

    others = {"torch": [8 * better], "onnxruntime": [8 * better], "snntorch": [10 * better], "spikingjelly": [10 * better]}
    one = network(1, fast=[1.0], fast_dense=[1.0], int8=[0.65 * better], two=[1 / 1.7 / better], **others)
    many = network(16, fast=[1.7 * better], two=[1.0], torch=[8 * 1.7 * better**2], traced=[2 * 1.7])
    small = [
        dataclasses.replace(m, name="digits_lnm", seconds={"fast": [better], "fast, two threads": [1.0]}) for m in (one, many)
    ]
    # Events cost as much as dense at 15 % times `better`, in the narrower of the two layers.
    layers = [layer(w, d, 1.0, d / (at * better)) for w, at in ((64, 15), (128, 30)) for d in (1, 2, 3, 40)]
    ways = {"fast": [1 / better], "fast, dense": [1.0]}
    whole = [dataclasses.replace(one, density=d, seconds=ways | {"fast, event-driven": [d]}) for d in (1.0, 2.0, 40.0)]
    found = results(
        densities=whole,
        ceilings={"int8 dot product": (1000, "MAC")},
        networks=[one, many, *small],
        layers=layers,
        lava=Lava([1000 * better], [1.0], 11, 9, 1000),
        comparing=[10 / better],
        many=dataclasses.replace(small[0], batch=1024, seconds={"fast": [better], "fast, with traces": [2.0]}),
        start={name: [most / better] for name, most in SOONER_THAN.items()},
        memory=Memory([1000, 2000, 10000], [99.0, 100.0, 100 * (1.05 + (1 - better))], 500 / better, 1.0),
    )
    said = verdicts(found)
    assert [said.pop(15), said.pop(15)] == ["met", "met"], "the cost of events is a line here, of a layer and of a network"
    assert said == [verdict] * 23
    bent = [dataclasses.replace(m, seconds={**m.seconds, "event-driven": [float(m.density == 2)]}) for m in layers]
    assert verdicts(dataclasses.replace(found, layers=bent))[15] == "not met"


def test_the_floor_of_a_step_against_lava_is_its_products_at_the_ceiling() -> None:
    from bench.lava_layers import Lava
    from bench.report import text

    beside = network(1, fast=[1.0], int8=[0.5])  # 1000 products in half a second
    found = results(ceilings={"int8 dot product": (1000, "MAC")}, networks=[beside], lava=Lava([900.0], [2.0], 11, 9, 3000))
    page = " ".join("\n".join(text(found, [], smoke=False)).split())
    assert "The products of a step alone take 1500.000 ms at the int8 ceiling of this run, 75 % of what" in page
    assert "would take a 600th of Lava's time" in page


def test_a_ceiling_says_which_products_it_is_of() -> None:
    from bench.bars import bars
    from bench.machine import WIDER

    def said(wider: str) -> str:
        found = results(networks=[network(1, fast=[1.0])])
        found.machine[WIDER] = wider
        return next(b.also for b in bars(found) if "ceiling" in b.name)

    assert said("none") == "the whole network"
    assert said("AVX-512 VNNI") == "the whole network; of the products used, not of AVX-512 VNNI"


def test_earlier_stricter_targets_are_told() -> None:
    from bench.bars import Bar
    from bench.rounds import Spread

    bar = Bar("threads", 1.7, "x", Spread(1.75, 1.6, 1.9), earlier=1.8)
    assert (bar.verdict, bar.note) == ("met", "an earlier target, 1.8: not met")
    least = Bar("memory", 3, "s", Spread(1.75, 1.6, 1.9), at_most=True, earlier=2, also="all of it")
    assert (least.verdict, least.note) == ("met", "all of it; an earlier target, 2: met")
    assert Bar("nothing", 1, "x", None, earlier=2).note == ""


@pytest.mark.parametrize(("two", "verdict"), [(1.0, "met"), (1.02, "not met")])
def test_a_second_thread_that_costs_time_is_told_however_noisy_the_machine_is(two: float, verdict: str) -> None:
    from bench.bars import bars

    small = dataclasses.replace(network(16, fast=[1.0, 1.0, 1.0], two=[two] * 3, again=[0.8, 1.0, 1.25]), name="digits_lnm")
    (bar,) = (b for b in bars(results(networks=[small])) if b.name == "digits_lnm, batch 16: two threads against one")
    assert (bar.verdict, bar.note) == (verdict, "one thread against itself: 1.00 (0.80 .. 1.25)")


def test_shares_are_compared_with_the_formula() -> None:
    from bench.shares import BASE, ONE, THIN, lines
    from snn2hw.backends.fast.crossover import Crossings

    said = Crossings(30.0, 20.0, 10.0, lambda spikes: 30.0, lambda: 30.0, lambda: 30.0).percent(32, 128, 1)
    page = "\n".join(lines({BASE: 30.0, ONE: 20.0, THIN: 10.0, (32, 128, 1): said + 2, (16, 16, 3): -50.0}))
    assert f"    32     128      1 {said + 2:8.1f} % {said:14.1f} %\n" in page
    assert "    64      64      3     30.0 %           30.0 % (it follows from this)\n" in page
    assert page.endswith("misses 1.0 points of activity in the mean, 2.0 at most.")


def test_each_kind_of_neuron_has_its_own_targets() -> None:
    from bench.bars import bars

    made = [dataclasses.replace(network(1, fast=[1.0], torch=[7.0], onnxruntime=[5.0]), kind=kind) for kind in ("LNM", "CF")]
    found = [b for b in bars(results(networks=made)) if "batch 1," in b.name and "faster" in b.name]
    found = [b for b in found if b.value is not None]
    assert [(b.want, b.verdict) for b in found] == [(8, "not met"), (8, "not met"), (6, "met"), (4, "met")]


def test_cost_of_a_step_is_a_line_through_the_medians() -> None:
    from bench.report import text
    from bench.run import BRIEF

    def at(t: int) -> Any:
        return dataclasses.replace(network(1, **{way: [0.003 + 0.002 * t] for way in BRIEF}), steps=t)

    page = "\n".join(text(results(steps=[at(1), at(2), at(4)]), [], smoke=False))
    assert "`fast, dense`: 3.00 ms + 2.00 ms a step, R^2 = 1.0000." in page


def test_the_table_of_further_networks() -> None:
    from bench.report import text

    seconds = {"fast": [0.016], "fast, one by one": [0.032], "torch float32": [0.064]}
    made = replace(network(16), name="linear 4-8-4", steps=1, seconds=seconds)
    page = "\n".join(text(results(further=[made]), [], smoke=False))
    assert (
        """
## Depthwise and linear layers

### linear 4-8-4, LNM, T = 1, density 20.0 %

| ms a sample | batch 16 | least .. most | times `fast` |
|---|---|---|---|
| fast | 1.00 | 1.00 .. 1.00 | 1.00 |
| fast, one by one | 2.00 | 2.00 .. 2.00 | 2.00 |
| torch float32 | 4.00 | 4.00 .. 4.00 | 4.00 |
"""
        in page
    )


def test_products_and_bytes_of_a_network_by_hand() -> None:
    from bench.layers import layer as alone
    from bench.networks import macs, traffic

    net = alone(8, 4, 3)
    assert macs(net, False) == 3 * 8 * 16 * 8 * 9
    weights, image, place = 8 * 8 * 9, 3 * 128, 3 * 8
    # The input is read; payloads are written and read, then those of one place, then the same flattened; the readout is written.
    assert traffic(net, False) == weights + image + 2 * image + 2 * place + 2 * place + place


def test_every_kind_of_neuron_that_was_measured_has_its_bars() -> None:
    from bench.bars import bars

    other = dataclasses.replace(network(1, fast=[1.0], torch=[3.0]), kind="CF")
    found = bars(results(networks=[network(1, fast=[1.0], torch=[9.0]), other]))
    alone = [b for b in found if "torch" in b.name and "batch 1," in b.name]
    assert {b.name.split(",")[1]: b.verdict for b in alone} == {" LNM": "met", " CF": "not met"}

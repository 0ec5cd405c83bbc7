"""performance.md from what a run found: every number and every verdict in it is computed here from the measurements."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

from bench.bars import Bar, bars, by_width, crossovers, lines, of_ceiling
from bench.ceilings import INT8
from bench.lava_layers import CALLS, Lava
from bench.layers import DENSE as LAYER_DENSE
from bench.layers import EVENTS as LAYER_EVENTS
from bench.layers import TURN as LAYER_TURN
from bench.machine import LOAD, busy
from bench.memory import BATCH
from bench.networks import STEPS
from bench.peers import DECAY, THRESHOLD
from bench.pictures import pictures
from bench.results import Measured, Results
from bench.rounds import PATIENCE, TURN, Spread, line, ratio
from bench.ways import DENSE, EVENTS, EVERY, FAST, FLOATS, IN_BLOCKS, ONE_BY_ONE, ONNX, TRACED
from snn2hw.backends.lava.environment import LAVA_VERSION

Row = Sequence[str]


def write(r: Results, folder: Path, smoke: bool) -> Path:
    """Write performance.md and its plots into `folder`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = pictures(r, folder / "performance")
    page = folder / "performance.md"
    aside = page.with_suffix(f".{os.getpid()}")
    aside.write_text("\n".join(text(r, drawn, smoke)) + "\n", encoding="utf-8")
    aside.replace(page)
    return page


def text(r: Results, drawn: Sequence[str], smoke: bool) -> Iterator[str]:
    """The lines of the page; `drawn` are the plots that there are."""
    yield "# Performance"
    yield ""
    if smoke:
        yield "**A smoke test of small networks: these numbers mean nothing.**\n"
    yield f"`{r.command}`\nwrites this page in {r.seconds / 60:.1f} minutes; do not edit it."
    yield ""
    if busy(r.machine):
        yield f"**Others were at work on the machine ({LOAD}: {r.machine[LOAD]}): figures are noisy,\nspreads are wide.**\n"
    yield from _table(["", ""], [[k, v] for k, v in r.machine.items()])
    yield from _how()
    yield from _bars(bars(r))
    yield from _ceilings(r, drawn)
    yield from _networks(r)
    yield from _further(r)
    yield from _densities(r, drawn)
    yield from _steps(r)
    yield from _layers(r, drawn)
    yield from _lava(r)
    yield from _memory(r)


def _how() -> Iterator[str]:
    yield f"""
## How it was measured

* Same process, same network, same inputs, one thread (NumPy, PyTorch, ONNX Runtime and `fast`
  alike) unless a row says otherwise. In every round each way has one turn, as many calls as fill
  {1e3 * TURN:.0f} ms ({1e3 * LAYER_TURN:.0f} ms for single layers) and at least one; against Lava, `fast` has {CALLS} calls
  a round and Lava one. Figures are medians over the rounds, with least and most behind them.
  Ratios are taken within a round, then their median. A way that takes more than {PATIENCE:.0f} s for all
  rounds has fewer of them, at least one.
* From integers to readout, no traces unless a row says otherwise. What is done once (compiling C,
  opening an ONNX Runtime session, reading weights) is done before. The session is kept open here;
  the back end (executor) `onnxruntime` opens one for each call, which takes longer.
* Every integer way gave the reference's readout, bit for bit, in two calls before it was timed;
  `{TRACED}` gave all spikes and states of the reference, too.
  `torch float32` is the model before quantisation, in its own arithmetic.
* `snnTorch` and `SpikingJelly`: the same float network, their `Leaky` and `LIFNode` (decay {DECAY:g},
  threshold {THRESHOLD:g}) in the place of each neuron. Both take the input as it is, and
  subtract the threshold from the membrane of a neuron that fires, `Leaky` one step later. Neither
  has an LNM or circulate firing. Convolutions take all steps at once there too, which is quicker
  than a loop over steps. Simulators of other chips stand beside none of these: XyloSim 0.1.3 runs
  Xylo's own neurons, without convolutions, and the package index has no hxtorch.
* VGG-11 and the ResNet-18 body (32 x 32 images) have random weights, BatchNorm statistics of
  random images, the polynomials that digits_lnm learned, layer by layer in turn (an LNM that has
  learned nothing is a LIF, and cheaper), and the thresholds that `nn.LNM(degree=3)` and
  `nn.CirculateFiring(levels=4, signed=True)` come with, or thresholds found by bisection, layer
  by layer, for a target density. Density: spike values that are not zero, of all neurons and
  steps of the image.
* The depthwise separable body has, for each of four widths, a 3 x 3 convolution of each channel by
  itself and a 1 x 1 convolution of all channels, both with neurons. `fast` sums the first channel
  by channel; `{IN_BLOCKS}` sums it as any other convolution. Of a network of linear
  layers `fast` takes up to 16 samples side by side; `{ONE_BY_ONE}` does not.
* Products (MAC) are those of a dense sum over all T steps; a first layer that sees the same image
  at every step counts once, as it is summed once. `plain im2col C`: im2col and three loops over
  int8 in place of our layers, all else as in `fast`."""


def _bars(found: Sequence[Bar]) -> Iterator[str]:
    yield "\n## Targets, and what is measured\n"
    rows = []
    for b in found:
        want = f"{'<=' if b.at_most else '>='} {b.want:g} {b.unit}".rstrip()
        measured = spread = ""
        if b.value is not None and b.figure is not None:
            # of a figure just below its target, as many places as tell the two apart
            digits = 4 if not b.unit else 2 if b.figure < 10 else 1 if b.figure < 100 else 0
            measured, spread = f"{b.figure:.{digits}f} {b.unit}".rstrip(), _ends(b.value, digits)
        rows.append([b.name, want, measured, spread, f"**{b.verdict}**", b.note])
    yield from _table(["", "target", "measured", "least .. most", "", "note"], rows)
    counted = {v: sum(b.verdict == v for b in found) for v in ("met", "not met", "not measured")}
    yield f"\n{', '.join(f'{n} {v}' for v, n in counted.items())}."


def _ceilings(r: Results, drawn: Sequence[str]) -> Iterator[str]:
    yield "\n## Ceilings of this machine\n"
    rows = []
    for name, (_, unit) in r.ceilings.items():
        if (rates := _rates(r, name)) is not None:
            rows.append([name, f"{rates.median:.1f}", _ends(rates, 1), f"G{unit}/s"])
    yield from _or_not(rows, ["one thread", "median", "least .. most", ""])
    yield "\nint8: the instructions of the dense path's inner loop on registers only; memory and cache: reading.\n"
    some = [(m, of_ceiling(r, m)) for m in r.networks if INT8 in m.seconds]
    rows = [
        [f"{m.name}, {m.kind}", f"{m.macs / 1e6:.0f}", f"{m.macs / m.bytes:.0f}",
         f"{m.macs / Spread.of(m.seconds[DENSE]).median / 1e9:.1f}", f"{share.median:.0f} %", _ends(share, 0)]
        for m, share in some if share is not None
    ]  # fmt: skip
    head = ["dense path, batch 1", "million MAC", "MAC a byte", "GMAC/s", "of the int8 ceiling", "least .. most"]
    yield from _or_not(rows, head)
    yield from _picture("roofline.svg", "Roofline", drawn)
    if "roofline.svg" in drawn:
        yield "\n`fast` skips products whose spike value is 0, which are counted here: it may lie above the roof."


def _rates(r: Results, ceiling: str) -> Spread | None:
    """Of a ceiling, 1e9 of its unit a second, wherever it was measured beside a network."""
    seconds = [s for m in r.networks for s in m.seconds.get(ceiling, [])]
    return Spread.of([r.ceilings[ceiling][0] / s / 1e9 for s in seconds]) if seconds else None


def _networks(r: Results) -> Iterator[str]:
    yield "\n## Networks side by side\n"
    yield from _each(r.networks)


def _further(r: Results) -> Iterator[str]:
    yield "\n## Depthwise and linear layers\n"
    yield from _each(r.further)


def _each(measured: Sequence[Measured]) -> Iterator[str]:
    """A table for each network, its batches side by side."""
    if not measured:
        yield "Not measured in this run."
    groups: dict[tuple[str, str], list[Measured]] = {}
    for m in measured:
        groups.setdefault((m.name, m.kind), []).append(m)
    for (name, kind), some in groups.items():
        first = some[0]
        yield f"### {name}, {kind}, T = {first.steps}, density {first.density:.1f} %\n"
        head = ["ms a sample"]
        for m in some:
            head += [f"batch {m.batch}", "least .. most", "times `fast`"]
        rows = []
        for way in EVERY:
            if not any(way in m.seconds for m in some):
                continue
            row = [way]
            for m in some:
                row += _cells(m, way)
            rows.append(row)
        yield from _table(head, rows)
        yield ""


def _cells(m: Measured, way: str) -> list[str]:
    if way not in m.seconds:
        return ["", "", ""]
    each = Spread.of([1e3 * s / m.batch for s in m.seconds[way]])
    digits = 3 if each.median < 1 else 2
    return [f"{each.median:.{digits}f}", _ends(each, digits), f"{ratio(m.seconds[way], m.seconds[FAST]).median:.2f}"]


def _densities(r: Results, drawn: Sequence[str]) -> Iterator[str]:
    yield f"\n## Cost against density: whole networks, T = {STEPS}, batch 1\n"
    rows = [[f"{m.name}, {m.kind}", f"{m.wish} %", f"{m.density:.1f} %", *_brief(m)] for m in r.densities]
    yield from _or_not(rows, ["", "target density", "reached", *_BRIEF_HEAD])
    if r.densities:
        few = [m for m in r.densities if m.density < 15]
        quicker = sum(Spread.of(m.seconds[EVENTS]).median < Spread.of(m.seconds[DENSE]).median for m in few)
        yield f"\nEvents beat dense in {quicker} of the {len(few)} settings with less than 15 % activity.\n"
    yield from _picture("networks.svg", "Milliseconds of a sample against density, and against T", drawn)


_BRIEF_HEAD = [
    "fast, ms",
    "dense, ms",
    "event-driven, ms",
    "onnxruntime, ms",
    "torch float32, ms",
    "torch / fast",
    "onnxruntime / fast",
]


def _brief(m: Measured) -> list[str]:
    times = [f"{1e3 * Spread.of(m.seconds[way]).median:.2f}" for way in (FAST, DENSE, EVENTS, ONNX, FLOATS)]
    return [*times, *(f"{ratio(m.seconds[way], m.seconds[FAST]).median:.1f}" for way in (FLOATS, ONNX))]


def _steps(r: Results) -> Iterator[str]:
    yield "\n## Cost against T: whole network, batch 1\n"
    yield from _or_not([[f"{m.name}, {m.kind}", str(m.steps), *_brief(m)] for m in r.steps], ["", "T", *_BRIEF_HEAD])
    if len(r.steps) > 2:
        for way in (FAST, DENSE):
            fit = line([m.steps for m in r.steps], [1e3 * Spread.of(m.seconds[way]).median for m in r.steps])
            yield f"\n`{way}`: {fit.start:.2f} ms + {fit.slope:.2f} ms a step, R^2 = {fit.r2:.4f}."


def _layers(r: Results, drawn: Sequence[str]) -> Iterator[str]:
    yield "\n## One layer: 3 x 3 convolution and LNM, T = 4, spike values made by hand\n"
    fits, crossed = lines(r.layers), crossovers(r.layers)
    rows = []
    for width, some in by_width(r.layers).items():
        for m in some:
            dense, events = (Spread.of([1e3 * s for s in m.seconds[way]]) for way in (LAYER_DENSE, LAYER_EVENTS))
            rate = f"{m.macs / dense.median / 1e6:.0f}"
            row = [f"{width} at {m.size} x {m.size}", f"{m.density:.1f} %", f"{m.spikes:,}"]
            rows.append([*row, f"{dense.median:.3f}", _ends(dense, 3), f"{events.median:.3f}", _ends(events, 3), rate])
    head = ["channels", "density", "spikes", "dense, ms", "least .. most", "event-driven, ms", "least .. most", "dense, GMAC/s"]
    yield from _or_not(rows, head)
    yield ""
    rows = []
    for width, fit in fits.items():
        cost = f"{1e3 * fit.start:.3f} ms + {1e9 * fit.slope:.1f} ns a spike"
        rows.append([str(width), cost, f"{fit.r2:.4f}", _below(crossed[width], by_width(r.layers)[width][-1].density)])
    if rows:
        yield from _table(["channels", "cost of events", "R^2", "events are cheaper below"], rows)
        yield ""
    yield from _picture("layers.svg", "Cost of a layer against density, width and T", drawn)


def _below(crossed: float, farthest: float) -> str:
    """The density below which events are cheaper, as far as was measured, up to `farthest` percent."""
    if crossed == -inf:
        return "never"
    return f"above {farthest:.0f} %" if crossed == inf else f"{100 * crossed:.0f} %"


def _lava(r: Results) -> Iterator[str]:
    yield "\n## Lava\n"
    if r.lava is None or r.lava.reason:
        yield "Not measured in this run." if r.lava is None else f"Lava did not run: {r.lava.reason}."
        return
    lava, fast, times = Spread.of(r.lava.lava), Spread.of(r.lava.fast), ratio(r.lava.lava, r.lava.fast)
    yield f"""Two layers only (3 -> 64 -> 64 channels of 32 x 32, LNM), {r.lava.steps} steps a run, {len(r.lava.lava)} runs,
{r.lava.processes} processes; a step of both, without Lava's start; Lava records spikes and states, `fast` does not.

| | ms a step | least .. most |
|---|---|---|
| Lava {LAVA_VERSION} | {1e3 * lava.median:.1f} | {_ends(lava, 1, 1e3)} |
| fast, one thread | {1e3 * fast.median:.3f} | {_ends(fast, 3, 1e3)} |

`fast` takes a {times.median:.0f}th of Lava's time ({_ends(times, 0)})."""
    if (ceiling := _rates(r, INT8)) is not None:
        yield _floor(r.lava, 1e9 * ceiling.median, lava.median, fast.median)
    body = r.network("ResNet-18", "LNM", 1)
    if body is not None:
        scaled = lava.median * body.macs / r.lava.macs
        yield f"\n*Scaled, not measured*: by products, Lava would take {scaled:.0f} s for a sample of the ResNet-18 body."


def _floor(measured: Lava, ceiling: float, lava: float, fast: float) -> str:
    """What of a step no faster code could save: its products at the ceiling of the machine."""
    products = measured.macs / ceiling
    return f"""
The products of a step alone take {1e3 * products:.3f} ms at the int8 ceiling of this run, {100 * products / fast:.0f} % of what
`fast` takes; the rest are its neurons, and laying out their inputs. A step of nothing but these
products would take a {lava / products:.0f}th of Lava's time."""


def _memory(r: Results) -> Iterator[str]:
    yield "\n## Memory while samples stream\n"
    if r.memory is None:
        yield "Not measured in this run."
        return
    m = r.memory
    yield f"""{r.memory_of}, {m.samples[-1]:,} images from an iterator of batches of {BATCH}, all cores,
`snn2hw.simulate(..., executor="fast", traces=False)`: {m.seconds:.0f} s, {m.samples[-1] / m.seconds:.0f} samples a second.
The most that was ever resident: {m.peak:.0f} MB."""
    yield ""
    yield from _table(["samples", *(f"{s:,}" for s in m.samples)], [["resident, MB", *(f"{v:.0f}" for v in m.megabytes)]])


def _picture(name: str, title: str, drawn: Sequence[str]) -> Iterator[str]:
    if name in drawn:
        yield f"\n![{title}](performance/{name})"


def _or_not(rows: Sequence[Row], head: Row) -> Iterator[str]:
    if rows:
        yield from _table(head, rows)
    else:
        yield "Not measured in this run."


def _table(head: Row, rows: Sequence[Row]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _ends(s: Spread, digits: int, scale: float = 1.0) -> str:
    return f"{scale * s.least:.{digits}f} .. {scale * s.most:.{digits}f}"

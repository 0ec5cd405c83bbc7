"""Targets beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench import start as starts
from bench.ceilings import INT8
from bench.layers import DENSE as LAYER_DENSE
from bench.layers import EVENTS as LAYER_EVENTS
from bench.layers import Layer
from bench.machine import NONE_WIDER, WIDER
from bench.peers import PEERS
from bench.results import Measured, Results
from bench.rounds import Line, Spread, crossing, line, ratio
from bench.start import DIGITS, HELP, IMPORT, PILOTNET
from bench.ways import AGAIN, DENSE, EVENTS, FAST, FLOATS, ONNX, TRACED, TWO

NAME, KIND = "ResNet-18", "LNM"
LINEAR = 0.99  # R^2 of a cost that is called linear
THAN_FLOATS = {"LNM": 8.0, "CF": 6.0}  # times faster, by the kind of neuron
THAN_ONNX = {"LNM": 8.0, "CF": 4.0}
THAN_PEERS = 10.0
SMALL = "digits_lnm"
MANY = 1024  # samples
SOONER_THAN = {IMPORT: 0.3, HELP: 0.5, DIGITS: 1.0, starts.BODY: 6.0, PILOTNET: 8.0}  # seconds


@dataclass(frozen=True)
class Bar:
    """A wish and its figure.

    Args:
        want: the figure is to be at least this, or at most where `at_most`. value: None where it was not measured.
        every: it is the worst of the spread that has to reach it, not the median.
        earlier: a stricter target that was set for this measure before, if any: whether it is reached stands in the note.
        also: what else is to be said.
    """

    name: str
    want: float
    unit: str
    value: Spread | None
    at_most: bool = False
    every: bool = False
    earlier: float | None = None
    also: str = ""

    @property
    def figure(self) -> float | None:
        """What is compared with the target."""
        if self.value is None or not self.every:
            return None if self.value is None else self.value.median
        return self.value.most if self.at_most else self.value.least

    @property
    def verdict(self) -> str:
        """Three words at most."""
        return "not measured" if self.figure is None else met(self.figure, self.want, self.at_most)

    @property
    def note(self) -> str:
        """What stands behind the verdict."""
        if self.earlier is None or self.figure is None:
            return self.also
        said = f"an earlier target, {self.earlier:g}: {met(self.figure, self.earlier, self.at_most)}"
        return "; ".join(filter(None, (self.also, said)))


def met(figure: float, want: float, at_most: bool = False) -> str:
    """Whether a figure reaches what is wanted."""
    return "met" if (figure <= want if at_most else figure >= want) else "not met"


def bars(r: Results) -> list[Bar]:
    """All of them, measured or not."""
    lava = ratio(r.lava.lava, r.lava.fast) if r.lava is not None and r.lava.lava else None
    crossings = [min(max(100 * c, 0.0), by_width(r.layers)[w][-1].density) for w, c in crossovers(r.layers).items()]
    fits = [fit.r2 for fit in lines(r.layers).values()]
    small = _batch(r, KIND, SMALL)
    others = dict.fromkeys(m.kind for m in r.networks if m.name == NAME and m.kind != KIND)
    return [
        *_body(r, KIND),
        *(bar for kind in others for bar in _body(r, kind)),
        *(Bar(f"{SMALL}, batch {batch}: two threads against one", 1, "x", _ratio(m, FAST, TWO), also=_noise(m))
          for batch, m in ((1, r.network(SMALL, KIND, 1)), (small.batch if small else 16, small))),
        Bar(f"{SMALL}, {r.many.batch if r.many else MANY:,} samples in one call: with traces, times as long as without", 2, "x",
            _ratio(r.many, TRACED, FAST), at_most=True, also="as users call it: batches, joined"),
        Bar(f"{SMALL}: what `verify` takes beside running the executors, of the reference's time", 10, "%", _spread(r.comparing),
            at_most=True, also="target set by us"),
        Bar("times faster than Lava on the same layers", 1000, "x", lava, also=_lava_note(r)),
        Bar("one layer: density below which events beat dense", 15, "%", _spread(crossings), every=True,
            also="of the widths, the least; 0 where they never do"),
        Bar("one layer: cost of events linear in spikes, R^2", LINEAR, "", _spread(fits), every=True, also="target set by us"),
        *_by_density(r),
        Bar("peak resident memory, samples streamed", 500, "MB", _spread([r.memory.peak] if r.memory else []), at_most=True),
        Bar("its growth after the first fifth (flat)", 5, "%", _spread([r.memory.growth] if r.memory else []), at_most=True,
            also="target set by us"),
        *(Bar(what, most, "s", _spread(r.start.get(what, [])), at_most=True, also="in a process of its own")
          for what, most in SOONER_THAN.items()),
    ]  # fmt: skip


def _by_density(r: Results) -> list[Bar]:
    """Of the large networks at the densities asked for; the digits are too small for either way to matter."""
    networks: dict[tuple[str, str], list[Measured]] = {}
    for m in r.densities:
        if m.name != SMALL and {FAST, DENSE, EVENTS} <= m.seconds.keys():
            networks.setdefault((m.name, m.kind), []).append(m)
    fits = [
        line([m.density for m in some], [Spread.of(m.seconds[EVENTS]).median for m in some]).r2
        for some in networks.values()
        if len(some) > 1
    ]
    longer = [ratio(m.seconds[FAST], m.seconds[DENSE]).median for some in networks.values() for m in some]
    return [
        Bar("whole networks by density: cost of events linear in spikes, R^2", LINEAR, "", _spread(fits), every=True,
            also="of the networks, the least"),
        Bar("whole networks by density: `fast`, times as long as dense", 1, "x", _spread(longer), at_most=True, every=True,
            also="of the networks and densities, the most"),
    ]  # fmt: skip


def _body(r: Results, kind: str) -> list[Bar]:
    """Of the ResNet-18 body with one kind of neuron."""
    one, many = r.network(NAME, kind, 1), _batch(r, kind)
    batch = many.batch if many else 16
    body = f"{NAME} body, {kind}, batch 1, T = {one.steps}" if one else f"{NAME} body"
    by_batch = f"{NAME} body, {kind}, batch {batch}"
    return [
        Bar(f"{body}: times faster than torch float32", THAN_FLOATS[kind], "x", _ratio(one, FLOATS, FAST)),
        Bar(f"{by_batch}: times faster than torch float32", THAN_FLOATS[kind], "x", _ratio(many, FLOATS, FAST)),
        Bar(f"{body}: times faster than onnxruntime on our ONNX", THAN_ONNX[kind], "x", _ratio(one, ONNX, FAST),
            also="its session kept open"),
        Bar(f"{body}: dense path, of the measured int8 ceiling", 65, "%", of_ceiling(r, one), earlier=70,
            also=_of_width(r)),
        *(Bar(f"{body}: times faster than {peer}", THAN_PEERS, "x", _ratio(one, peer, FAST), also="with its own LIF neurons")
          for peer in PEERS),
        Bar(f"{body}: two threads against one", 1.7, "x", _ratio(one, FAST, TWO)),
        Bar(f"{by_batch}: two threads against one", 1.7, "x", _ratio(many, FAST, TWO), earlier=1.8),
        Bar(f"{by_batch}: with traces, times as long as without", 2, "x", _ratio(many, TRACED, FAST), at_most=True),
    ]  # fmt: skip


def _of_width(r: Results) -> str:
    """Of which products the ceiling is: where the processor has wider ones, it is not the highest that it has."""
    wider = r.machine.get(WIDER, NONE_WIDER)
    return "the whole network" if wider == NONE_WIDER else f"the whole network; of the products used, not of {wider}"


def of_ceiling(r: Results, m: Measured | None) -> Spread | None:
    """Percent of the int8 ceiling that the dense path reaches, each round by its own ceiling."""
    if m is None or INT8 not in m.seconds or DENSE not in m.seconds:
        return None
    work = 100 * m.batch * m.macs / r.ceilings[INT8][0]
    return Spread.of([work * c / d for c, d in zip(m.seconds[INT8], m.seconds[DENSE], strict=False)])


def lines(layers: Sequence[Layer]) -> dict[int, Line]:
    """Width -> seconds of events over spikes, through the medians."""
    return {
        width: line([m.spikes for m in some], [Spread.of(m.seconds[LAYER_EVENTS]).median for m in some])
        for width, some in by_width(layers).items()
    }


def crossovers(layers: Sequence[Layer]) -> dict[int, float]:
    """Width -> the density, 0 to 1, from which events are no longer cheaper than dense; -inf: never cheaper, inf: always."""
    return {
        width: crossing([m.density / 100 for m in some], *(_medians(some, way) for way in (LAYER_EVENTS, LAYER_DENSE)))
        for width, some in by_width(layers).items()
    }


def by_width(layers: Sequence[Layer]) -> dict[int, list[Layer]]:
    """In order of density."""
    widths = sorted({m.width for m in layers})
    return {w: sorted((m for m in layers if m.width == w), key=lambda m: m.density) for w in widths}


def _medians(some: Sequence[Layer], way: str) -> list[float]:
    return [Spread.of(m.seconds[way]).median for m in some]


def _batch(r: Results, kind: str, name: str = NAME) -> Measured | None:
    found = [m for m in r.networks if (m.name, m.kind) == (name, kind) and m.batch > 1]
    return found[-1] if found else None


def _ratio(m: Measured | None, slow: str, quick: str) -> Spread | None:
    if m is None or slow not in m.seconds or quick not in m.seconds:
        return None
    return ratio(m.seconds[slow], m.seconds[quick])


def _noise(m: Measured | None) -> str:
    """What one thread gains over itself: where a network is too small for a second one, both ways are the same."""
    itself = _ratio(m, FAST, AGAIN)
    return "" if itself is None else f"one thread against itself: {itself.median:.2f} ({itself.least:.2f} .. {itself.most:.2f})"


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread.of(values) if values else None


def _lava_note(r: Results) -> str:
    if r.lava is None:
        return ""
    return f"Lava did not run: {r.lava.reason}" if r.lava.reason else f"a step of {r.lava.macs / 1e6:.0f} million products"

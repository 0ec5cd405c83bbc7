"""Below which activity a layer is summed event-driven: measured on this machine once, kept in the cache.

A few small layers are measured, a middling and a large one where a network has such; what follows for others from their widths
is `Crossings.of`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from time import perf_counter

import numpy as np

from snn2hw.backends.c.runtime import BLOCK, LANES
from snn2hw.backends.c.synapse_plan import Synapse
from snn2hw.backends.fast.built import Built, build
from snn2hw.cache import making, put, read_kept
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntFlatten
from snn2hw.native.compiler import SECONDS, measuring_key, native_folder
from snn2hw.num import Format, Interval

STEPS, CHANNELS, FEW, SIZE, ROUNDS, TIMES = 4, 64, 16, 8, 5, 5
SAMPLES = 16  # of a single one, again and again, a processor learns every branch by heart, and events look too cheap
MIDDLE = 256  # inputs of a middling one, 3 x 3
ROWS = 1 << 10  # chosen: weights of an output, of which those of a block leave the first cache
WIDE, SMALL = (4096, 1024), 2  # inputs and outputs of the large one; its height and width
LARGE = 1 << 22  # chosen: weights that stay in no cache but the last, if there
LEAST_ROWS = 8  # chosen: steps times places; of fewer, dense sums wait for weights, too
LOW, HIGH = 0.1, 0.3  # activities between which the cost of events is a straight line
NEVER, ALWAYS = 0, 101
BINARY, COUNTS, SIGNED = Interval(0, 1), Interval(0, 4), Interval(-4, 4)  # spike values of probes, a kind of event each
FARTHEST = 1000.0  # percent beyond which what was kept cannot have been measured


@dataclass(frozen=True)
class Crossings:
    """Percent of active inputs at which events and dense sums cost the same, as it was measured here.

    An event adds a row of 64 outputs for each block of them. In units of that, a place of the output costs at a step

        dense = D * taps * inputs * outputs / 64
        events = taps * inputs * blocks * activity + S * taps * blocks + L * inputs * (places of the input / of the output)

    where D is a dense sum of one input, S is to start on the list of a place of the kernel, and L is to list an input. Where
    outputs have so many weights that those of a block leave the first cache, events cost more than that, and both ways cost
    the same at `middle` at the latest. Where a layer has millions of weights, and several steps or places, an event costs more
    still, for its row of weights comes from far away, and both cost the same at `far` at the latest.

    Args:
        base: of a 3 x 3 convolution of 64 channels behind 64, binary: D - S / 64 - L / 9.
        one: the same of 1 x 1: D - S / 64 - L. few: of 3 x 3 and 16 inputs: D - S / 16 - L / 9.
        kind: gives `base` for spike values of another interval; asked only where a layer has such.
        middle: gives what was measured of 3 x 3 and 256 inputs; asked only where a layer has as many, or nearly.
        far: gives what was measured of a layer of millions of weights; asked only where a network has such.
    """

    base: float
    one: float
    few: float
    kind: Callable[[Interval], float]
    middle: Callable[[], float]
    far: Callable[[], float]

    def of(self, s: Synapse) -> int:
        """Ten thousandths of a layer's inputs below which events cost less; at most all of them, 0 where they never do.

        It decides how fast a layer is, never which integers it gives.
        """
        found = max(self.percent(s.entering, s.per_group, s.taps, s.source.places / s.value.places), NEVER)
        if found and s.taps * s.entering >= ROWS:
            found = max(min(found, self.middle()), NEVER)
        if found and s.node.weight.size >= LARGE and s.source.steps * s.value.places >= LEAST_ROWS:
            found = max(min(found, self.far()), NEVER)
        if found and not s.binary:
            found *= self._of_binary(SIGNED if s.signed else COUNTS)
        return round(100 * min(found, 100.0))

    def _of_binary(self, spikes: Interval) -> float:
        """What the crossover of such spike values is of that of binary ones, which cost no more; 1 where both are near 0."""
        kind = max(self.kind(spikes), NEVER)
        return 1.0 if kind >= self.base else kind / self.base

    def percent(self, inputs: int, outputs: int, taps: int, spread: float = 1.0) -> float:
        """The crossover of a layer of binary spikes; below 0 events never pay.

        Args:
            inputs, outputs: of a group. taps: places of the kernel. spread: places of the input for one of the output.
        """
        listing = max(self.base - self.one, 0) / (1 - 1 / 9)
        start = max(self.base - self.few, 0) / (1 / FEW - 1 / CHANNELS)
        dense = self.base + start / CHANNELS + listing / 9
        blocks, lanes = -(-outputs // BLOCK), -(-outputs // LANES) * LANES
        return (dense * lanes / BLOCK - listing * spread / taps) / blocks - start / inputs


def crossings() -> Crossings:
    """What was measured on this machine, with this compiler and its flags.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails.
    """
    return _crossings(measuring_key())


@lru_cache(maxsize=4)
def _crossings(machine: str) -> Crossings:
    @lru_cache(maxsize=2)
    def kind(spikes: Interval) -> float:
        return _kept(machine, CHANNELS, 3, spikes)

    @cache
    def middle() -> float:
        return _kept(machine, MIDDLE, 3)

    @cache
    def far() -> float:
        return _kept(machine, WIDE[0], 1, outputs=WIDE[1], size=SMALL)

    return Crossings(_kept(machine, CHANNELS, 3), _kept(machine, CHANNELS, 1), _kept(machine, FEW, 3), kind, middle, far)


def _kept(machine: str, inputs: int, kernel: int, spikes: Interval = BINARY, outputs: int = CHANNELS, size: int = SIZE) -> float:
    """What is in the cache of a probe, else what is measured now."""
    built = build(probe(inputs, outputs, kernel, spikes, size), False)
    how = SAMPLES, LOW, HIGH  # what was measured otherwise is none of this
    made = hashlib.sha256(f"{built.source.text}{machine}{how}".encode()).hexdigest()[:16]
    path = native_folder() / f"{made}.percent"
    known = _read(path)
    if known is None:
        with suppress(OSError), making(path, SECONDS) as work:  # a cache that cannot be written is no reason not to run
            known = _read(path)  # another thread or process may have been faster
            if known is None:
                known = _median(built, inputs, outputs, spikes, size)
                aside = work / path.name
                aside.write_text(repr(known), encoding="utf-8")
                put(aside, path)
    return _median(built, inputs, outputs, spikes, size) if known is None else known


def _median(built: Built, inputs: int, outputs: int, spikes: Interval, size: int) -> float:
    """Of some measurements: one in which the machine was disturbed would be kept for good."""
    return float(np.median([balance(built, inputs, outputs, spikes, size) for _ in range(TIMES)]))


def _read(path: Path) -> float | None:
    """What was measured before; None where nothing was, or where it is damaged."""
    try:
        known = float(read_kept(path) or b"")
    except ValueError:
        return None
    return known if abs(known) <= FARTHEST else None


def balance(built: Built, inputs: int = CHANNELS, outputs: int = CHANNELS, spikes: Interval = BINARY, size: int = SIZE) -> float:
    """Percent of active inputs of a `probe` at which both ways cost the same; on a straight line, which may leave 0 to 100.

    Args:
        built: of the probe. inputs, outputs, spikes, size: as of `probe`.
    """
    rng = np.random.default_rng(0)
    values = np.array([v for v in range(spikes.lo, spikes.hi + 1) if v])
    shape = SAMPLES, STEPS, size, size, inputs
    few, many = (
        np.where(rng.random(shape) < d, rng.choice(values, shape), 0).astype(built.source.input_type[:-2]) for d in (LOW, HIGH)
    )
    readout = np.empty((SAMPLES, outputs * size * size), np.int64)
    given = {"few": (few, ALWAYS), "many": (many, ALWAYS), "dense": (many, NEVER)}
    runs = {name: built.runner(x, readout, [], percent) for name, (x, percent) in given.items()}
    least = dict.fromkeys(runs, np.inf)
    for _ in range(ROUNDS + 1):
        for name, run in runs.items():
            begun = perf_counter()
            run(0, SAMPLES)
            least[name] = min(least[name], perf_counter() - begun)
    slope = max((least["many"] - least["few"]) / (HIGH - LOW), 1e-12)
    return float(np.clip(100 * (LOW + (least["dense"] - least["few"]) / slope), -FARTHEST, FARTHEST))


def probe(
    inputs: int = CHANNELS, outputs: int = CHANNELS, kernel: int = 3, spikes: Interval = BINARY, size: int = SIZE
) -> IntegerNetwork:
    """One convolution of spikes, and nothing behind it.

    Args:
        inputs, outputs: channels. kernel: its height and width. spikes: values of the input. size: height and width
            of both images.
    """
    window = Window((kernel, kernel), padding=(kernel // 2, kernel // 2))
    weight = np.random.default_rng(1).integers(-127, 128, (outputs, inputs, kernel, kernel)).astype(np.int8)
    most = int(np.abs(weight.astype(np.int64)).reshape(outputs, -1).sum(1).max()) * spikes.magnitude
    sums = Interval(-most, most)
    form, bias = Format.holding(sums, 0), np.zeros(outputs, np.int32)
    entering = (inputs, size, size)
    source = IntInput("input", (), entering, Format.holding(spikes, 0), spikes, unit=1.0, static=False, counts=True)
    conv = IntConv2d("conv", ("input",), (outputs, size, size), form, sums, weight, bias, window, 1)
    flat = IntFlatten("flat", ("conv",), (outputs * size * size,), form, sums)
    return IntegerNetwork(STEPS, "loihi2", (source, conv, flat, IntReadout("readout", ("flat",), flat.shape, form, sums)))

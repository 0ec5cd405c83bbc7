"""Below which activity a layer is summed event-driven: measured on this machine once, kept in the cache.

It is measured for one layer; what others have of it by their widths is in `snn2hw.backends.c.synapse_plan`.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from time import perf_counter

import numpy as np

from snn2hw.backends.fast.built import Built, build
from snn2hw.cache import making, put, read_kept
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntFlatten
from snn2hw.native.compiler import SECONDS, library_key, native_folder
from snn2hw.num import Format, Interval

STEPS, CHANNELS, SIZE, ROUNDS = 4, 64, 8, 5
LOW, HIGH = 0.1, 0.4  # activities between which the cost of events is a straight line
NEVER, ALWAYS = 0, 101


def crossover() -> int:
    """Percent of active inputs at which both ways cost the same here, for a 3 x 3 convolution of 64 spiking channels.

        cost of events = a + b * activity        crossover = (cost of dense - a) / b

    It decides how fast a layer is, never which integers it gives.

    Raises:
        ExecutorUnavailableError: no compiler, or one that fails.
    """
    return _crossover(library_key(""))


@lru_cache(maxsize=4)
def _crossover(machine: str) -> int:
    built = build(probe(), False)
    made = hashlib.sha256(f"{built.source.text}{machine}".encode()).hexdigest()[:16]
    path = native_folder() / f"{made}.percent"
    known = _read(path)
    if known is None:
        with suppress(OSError), making(path, SECONDS) as work:  # a cache that cannot be written is no reason not to run
            known = _read(path)  # another thread or process may have been faster
            if known is None:
                known = _whole(balance(built))
                aside = work / path.name
                aside.write_text(str(known), encoding="utf-8")
                put(aside, path)
    return _whole(balance(built)) if known is None else known


def _read(path: Path) -> int | None:
    """What was measured before; None where nothing was, or where it is damaged."""
    try:
        known = int(read_kept(path) or b"")
    except ValueError:
        return None
    return known if NEVER < known < ALWAYS else None


def _whole(percent: float) -> int:
    return int(np.clip(percent, NEVER + 1, ALWAYS - 1))


def balance(built: Built, inputs: int = CHANNELS, outputs: int = CHANNELS) -> float:
    """Percent of active inputs of a `probe` at which both ways cost the same; on a straight line, which may leave 0 to 100.

    Args:
        built: of the probe. inputs, outputs: its channels.
    """
    rng = np.random.default_rng(0)
    few, many = ((rng.random((1, STEPS, SIZE, SIZE, inputs)) < d).astype(np.uint8) for d in (LOW, HIGH))
    readout = np.empty((1, outputs * SIZE * SIZE), np.int64)
    given = {"few": (few, ALWAYS), "many": (many, ALWAYS), "dense": (many, NEVER)}
    runs = {name: built.runner(x, readout, [], percent) for name, (x, percent) in given.items()}
    least = dict.fromkeys(runs, np.inf)
    for _ in range(ROUNDS + 1):
        for name, run in runs.items():
            begun = perf_counter()
            run(0, 1)
            least[name] = min(least[name], perf_counter() - begun)
    slope = max((least["many"] - least["few"]) / (HIGH - LOW), 1e-12)
    return float(100 * (LOW + (least["dense"] - least["few"]) / slope))


def probe(inputs: int = CHANNELS, outputs: int = CHANNELS, kernel: int = 3) -> IntegerNetwork:
    """One convolution of spikes, and nothing behind it.

    Args:
        inputs, outputs: channels. kernel: its height and width.
    """
    spikes, window = Interval(0, 1), Window((kernel, kernel), padding=(kernel // 2, kernel // 2))
    weight = np.random.default_rng(1).integers(-127, 128, (outputs, inputs, kernel, kernel)).astype(np.int8)
    most = int(np.abs(weight.astype(np.int64)).reshape(outputs, -1).sum(1).max())
    sums = Interval(-most, most)
    form, bias = Format.holding(sums, 0), np.zeros(outputs, np.int32)
    entering = (inputs, SIZE, SIZE)
    source = IntInput("input", (), entering, Format.holding(spikes, 0), spikes, unit=1.0, static=False, counts=True)
    conv = IntConv2d("conv", ("input",), (outputs, SIZE, SIZE), form, sums, weight, bias, window, 1)
    flat = IntFlatten("flat", ("conv",), (outputs * SIZE * SIZE,), form, sums)
    return IntegerNetwork(STEPS, "loihi2", (source, conv, flat, IntReadout("readout", ("flat",), flat.shape, form, sums)))

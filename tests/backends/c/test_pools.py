"""Pools of the compiled C take all channels of a place at once, and keep their sums in the type of the output."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.c.folder import c_folder
from snn2hw.backends.c.to_c import to_c
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntFlatten, IntMaxPool2d, IntSumPool2d
from snn2hw.num import Format, Interval
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from tests.native.compiling import needs_compiler

WINDOWS = {
    "2 x 2": Window((2, 2), stride=(2, 2)),
    "padding and stride": Window((3, 3), stride=(2, 1), padding=(1, 1)),
    "dilation": Window((2, 3), dilation=(2, 2), padding=(1, 2)),
    "the whole image": Window((6, 5)),
}
# Nine of them reach the ends of int8, uint8 and int16, or are next to these.
RANGES = [
    Interval(0, 1),
    Interval(-14, 14),
    Interval(0, 28),
    Interval(0, 29),
    Interval(-15, -3),
    Interval(3, 9),
    Interval(-3640, 3640),
]
STEPS, CHANNELS, SIZE = 3, 70, (6, 5)


def pooled(kind: type[IntSumPool2d | IntMaxPool2d], window: Window, values: Interval) -> IntegerNetwork:
    """Spike values into a pool, and nothing behind it."""
    source = IntInput("input", (), (CHANNELS, *SIZE), Format.holding(values, 0), values, unit=1.0, static=False, counts=True)
    bare = kind("pool", ("input",), (1, 1, 1), source.format, values, window)
    shape, interval = bare.output_shape([source.shape]), bare.interval_from([source])
    form = Format.holding(interval, 0)
    pool = kind("pool", ("input",), shape, form, interval, window)
    flat = IntFlatten("flat", ("pool",), (int(np.prod(shape)),), form, interval)
    return IntegerNetwork(STEPS, "loihi2", (source, pool, flat, IntReadout("readout", ("flat",), flat.shape, form, interval)))


def extremes(values: Interval) -> Ints:
    """Samples of the least, of the greatest, of both in turn, and of any values [T, N, C, H, W]."""
    rng, shape = np.random.default_rng(0), (STEPS, CHANNELS, *SIZE)
    few = (np.full(shape, values.lo), np.full(shape, values.hi), rng.choice([values.lo, values.hi], shape))
    return np.stack([*few, rng.integers(values.lo, values.hi + 1, shape)], 1)


@needs_compiler
@pytest.mark.parametrize("kind", [IntSumPool2d, IntMaxPool2d])
@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_every_integer_is_that_of_the_reference(kind: type[IntSumPool2d | IntMaxPool2d], window: Window) -> None:
    for values in RANGES:
        net = pooled(kind, window, values)
        x = extremes(values)
        got = Fast().run(make_artefact(net), x, False).readout
        assert (got == interpret(net, x, traces=False).readout).all(), values


def test_channels_are_innermost_for_vectors_and_windows_for_a_microcontroller() -> None:
    net = pooled(IntSumPool2d, WINDOWS["2 x 2"], Interval(0, 1))
    assert "to[c] = (uint8_t)(to[c] + v[c])" in to_c(net, still=False).text
    assert "int64_t value = 0" not in to_c(net, still=False).text
    folder = c_folder(net, "", extremes(Interval(0, 1)), interpret(net, extremes(Interval(0, 1)), traces=False).readout, 1)
    assert any("value += v" in text for text in folder.values())

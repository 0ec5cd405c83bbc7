"""Sums by events of layers of every width: lists of 1 to 130 channels, rows of 32 and of 64, one block of outputs and more."""

from __future__ import annotations

import numpy as np
import pytest

from snn2hw.backends.fast.crossover import ALWAYS
from snn2hw.backends.fast.executor import Fast
from snn2hw.backends.reference import interpret
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout
from snn2hw.ir.shapes import Window
from snn2hw.layers import IntConv2d, IntFlatten
from snn2hw.num import Format, Interval
from snn2hw.store import make_artefact
from snn2hw.trace import Ints
from tests.native.compiling import needs_compiler

pytestmark = needs_compiler

ENTERING, LEAVING = (1, 3, 17, 63, 64, 65, 130), (1, 17, 33, 64, 65, 130)
HELD = (Interval(0, 1), Interval(0, 4), Interval(-4, 4))
EVERY = [(n, m, held) for n in ENTERING for m in LEAVING for held in HELD]


def layer(entering: int, leaving: int, held: Interval) -> tuple[IntegerNetwork, Ints]:
    """A 3 x 3 convolution whose sums are the readout, and spike values of which few, some, and all are not 0."""
    rng = np.random.default_rng(entering * 1000 + leaving)
    window = Window((3, 3), padding=(1, 1))
    weight = rng.choice([-127, 127], (leaving, entering, 3, 3)).astype(np.int8)
    bias = rng.integers(-1000, 1000, leaving).astype(np.int32)
    source = IntInput("x", (), (entering, 3, 2), Format.holding(held, 0), held, unit=1.0, static=False, counts=True)
    rough = IntConv2d("conv", ("x",), (leaving, 3, 2), Format(32, 0, True), Interval(0, 0), weight, bias, window, 1)
    sums = rough.sum_interval(held)
    form = Format.holding(sums, 0)
    conv = IntConv2d("conv", ("x",), (leaving, 3, 2), form, sums, weight, bias, window, 1)
    flat = IntFlatten("flat", ("conv",), (leaving * 6,), form, sums)
    net = IntegerNetwork(2, "generic", (source, conv, flat, IntReadout("readout", ("flat",), flat.shape, form, sums)))
    active = rng.random((2, 4, *source.shape)) < np.array([0.02, 0.2, 0.9, 1.0])[None, :, None, None, None]
    return net, np.where(active, rng.choice([v for v in range(held.lo, held.hi + 1) if v], active.shape), 0)


def check(entering: int, leaving: int, held: Interval) -> None:
    net, payloads = layer(entering, leaving, held)
    got = Fast(ALWAYS).run(make_artefact(net), payloads).readout
    assert np.array_equal(got, interpret(net, payloads).readout)


@pytest.mark.parametrize(("entering", "leaving", "held"), EVERY[::11])
def test_some_widths(entering: int, leaving: int, held: Interval) -> None:
    check(entering, leaving, held)


@pytest.mark.slow
@pytest.mark.parametrize(("entering", "leaving", "held"), EVERY)
def test_all_widths(entering: int, leaving: int, held: Interval) -> None:
    check(entering, leaving, held)

"""Every layer, drawn at random: its integers are its equation, and what it says of its bounds, factors and norms holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from snn2hw.errors import ShapeError, UnsupportedError, WidthError
from snn2hw.ir.integer import IntInput, IntNode
from snn2hw.ir.scale import Scale
from snn2hw.ir.shapes import Window
from snn2hw.layers import (
    Add,
    AvgPool2d,
    Concat,
    Conv2d,
    Flatten,
    IntAdd,
    IntConcat,
    IntOffset,
    IntPlaces,
    IntResize2d,
    Linear,
    MatMul,
    MaxPool2d,
    Multiply,
    Offset,
    Operator,
    Places,
    Rounded,
    Spread2d,
    Synapse,
    Upsample2d,
)
from snn2hw.layers.add import MINUS
from snn2hw.num import Format, Interval
from tests.refused import refused

SEEDS = range(6)
SHAPE = (4, 3, 5)
Draw = np.random.Generator


def window(rng: Draw) -> Window:
    return Window((2, 3), (int(rng.integers(1, 3)), 1), (1, int(rng.integers(2))))


# Float layers by name: from a random generator, for inputs of these shapes.
LAYERS: dict[str, tuple[Callable[[Draw], dict[str, Any]], type[Operator], list[tuple[int, ...]]]] = {
    "Conv2d": (
        lambda r: {"weight": r.uniform(-1, 1, (6, 2, 2, 3)), "bias": r.normal(size=6), "window": window(r), "groups": 2},
        Conv2d,
        [SHAPE],
    ),
    "Linear": (lambda r: {"weight": r.uniform(-1, 1, (3, 7)), "bias": r.normal(size=3)}, Linear, [(7,)]),
    "AvgPool2d": (lambda r: {"window": window(r)}, AvgPool2d, [SHAPE]),
    "MaxPool2d": (lambda r: {"window": window(r)}, MaxPool2d, [SHAPE]),
    "Flatten": (lambda r: {}, Flatten, [SHAPE]),
    "Add": (lambda r: {}, Add, [SHAPE, SHAPE]),
    "difference": (lambda r: {"signs": MINUS}, Add, [SHAPE, SHAPE]),
    "Concat": (lambda r: {}, Concat, [SHAPE, (2, 3, 5), SHAPE]),
    "Multiply": (lambda r: {}, Multiply, [SHAPE, SHAPE]),
    "MatMul": (lambda r: {"heads": 2, "transposed": "first", "size": (3, 5), "factor": 0.3}, MatMul, [SHAPE, SHAPE]),
    "Offset by channel": (lambda r: {"offset": r.normal(size=4), "sign": int(r.choice([1, -1]))}, Offset, [SHAPE]),
    "Offset by place": (lambda r: {"offset": r.normal(size=SHAPE), "sign": int(r.choice([1, -1]))}, Offset, [SHAPE]),
    "Upsample2d": (lambda r: {"factor": (2, 3)}, Upsample2d, [SHAPE]),
    "Spread2d": (lambda r: {"factor": (2, 3), "tail": (1, int(r.integers(3)))}, Spread2d, [SHAPE]),
    "Places": (lambda r: {"size": (1, 15)}, Places, [SHAPE]),
}  # fmt: skip


class Rounding:
    """What a layer asks while it becomes integers: weights at 2**-6, and the intervals of its inputs."""

    def __init__(self, interval: Interval) -> None:
        self.held = interval

    def rounded(self, node: Synapse, scale: Scale) -> Rounded:
        unit, e = float(scale.unit), 6 + scale.frac
        weight = np.clip(np.round(node.weight * unit * 2.0**6), -128, 127).astype(np.int8)
        return Rounded(weight, np.round(node.bias * 2.0**e).astype(np.int32), (e,))

    def interval(self, name: str) -> Interval:
        return self.held

    def loses_constants(self, node: Any, lost: int, unit: float) -> None:
        self.lost = (node.name, lost, unit)


def drawn(which: str, seed: int) -> tuple[Operator, IntNode, list[IntNode], list[np.ndarray], list[Scale], Scale]:
    """A float layer, its integer layer, what it reads, raw integers of those, their scales, and the scale of the result."""
    rng = np.random.default_rng(seed)
    make, kind, shapes = LAYERS[which]
    names = tuple(f"x{k}" for k in range(len(shapes)))
    draft = kind("layer", names, (), source="the layer", **make(rng))
    float_layer = replace(draft, shape=draft.output_shape(shapes))
    lo = int(rng.integers(-3, 3))
    held = Interval(lo, lo + int(rng.integers(1, 6)))
    scales = [Scale(Fraction(1), (int(rng.integers(0, 3)) * (kind in (Add, Concat)),)) for _ in shapes]
    made, scale = float_layer.quantised(Rounding(held), scales)
    sources: list[IntNode] = [
        IntInput(n, (), shape, Format(32, s.frac, True), held, unit=1.0, static=False, counts=True)
        for n, shape, s in zip(names, shapes, scales, strict=True)
    ]
    raw = [rng.integers(held.lo, held.hi, (5, *shape), endpoint=True) for shape in shapes]
    return float_layer, made, sources, raw, scales, scale


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("which", LAYERS)
def test_the_integers_are_the_equation(which: str, seed: int) -> None:
    float_layer, made, sources, raw, scales, scale = drawn(which, seed)
    value = made.value(raw)  # type: ignore[attr-defined]
    assert value.dtype == np.int64
    assert value.shape[1:] == tuple(made.output_shape([s.shape for s in sources])) == tuple(made.shape)
    real = float_layer.real([x * float(s.unit) * 2.0**-s.frac for x, s in zip(raw, scales, strict=True)])
    fan_in = made.weight[0].size if hasattr(made, "weight") else 0  # each weight, and the bias, is off by half a unit at most
    largest = max(abs(x).max() for x in raw)
    bound = 0.5 * fan_in * largest + 0.51 if fan_in or isinstance(float_layer, Offset) else 1e-6
    assert np.abs(real / float(scale.unit) * 2.0**scale.frac - value).max() <= bound
    entering = [np.abs(x).max() * 2.0**-s.frac for x, s in zip(raw, scales, strict=True)]
    assert float_layer.magnitude(entering, [s.shape for s in sources]) >= np.abs(real).max() - 1e-9


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("which", LAYERS)
def test_values_keep_within_what_is_said_of_them(which: str, seed: int) -> None:
    _, made, sources, raw, _, _ = drawn(which, seed)
    value = made.value(raw)  # type: ignore[attr-defined]
    interval = made.interval_from(sources)
    assert interval.lo <= value.min() <= value.max() <= interval.hi
    made = replace(made, interval=interval)
    assert list(made.problems(sources)) == list(made.broken_fields()) == []
    assert np.abs(value).max() <= made.reach([s.interval.magnitude for s in sources]) or hasattr(made, "weight")  # type: ignore[attr-defined]
    rng = np.random.default_rng(seed + 100)
    low = [x.min(0, keepdims=True) - rng.integers(0, 2, x[:1].shape) for x in raw]
    high = [x.max(0, keepdims=True) + rng.integers(0, 2, x[:1].shape) for x in raw]
    lo, hi = made.ends(list(zip(low, high, strict=True)))  # type: ignore[attr-defined]
    assert (lo <= value.min(0)).all()
    assert (value.max(0) <= hi).all()


@pytest.mark.parametrize("which", LAYERS)
def test_the_ends_are_reached(which: str) -> None:
    """Each end of a place is the value for some choice of ends of the inputs: here of every place alike, or one at a time."""
    _, made, _, raw, _, _ = drawn(which, 0)
    low = [np.zeros_like(x[:1]) for x in raw]
    lo, hi = made.ends(list(zip(low, low, strict=True)))  # type: ignore[attr-defined]
    assert (lo == hi).all()
    assert (lo == made.value(low)).all()  # type: ignore[attr-defined]


@pytest.mark.parametrize("factor", [0.5, -2.0])
@pytest.mark.parametrize("which", LAYERS)
def test_a_factor_passes_where_a_layer_says_so(which: str, factor: float) -> None:
    layer, _, _, raw, _, _ = drawn(which, 1)
    x = [v.astype(np.float64) for v in raw]
    passes = np.allclose(layer.real([factor * v for v in x]), factor * layer.real(x))
    assert passes or not layer.takes_factor(factor)
    if which not in ("Conv2d", "Linear", "Multiply", "MatMul", "Offset by channel", "Offset by place"):
        assert layer.takes_factor(factor) == passes


@pytest.mark.parametrize("which", [w for w in LAYERS if LAYERS[w][2][0] == SHAPE])
def test_a_norm_passes_where_a_layer_says_so(which: str) -> None:
    layer, _, _, raw, _, _ = drawn(which, 2)
    rng = np.random.default_rng(0)
    x = [v.astype(np.float64) for v in raw]
    for scale in (rng.uniform(0.5, 2, 4), rng.uniform(-2, -0.5, 4)):
        if layer.takes_norm(scale):
            shift = rng.normal(size=4)
            at, out = (v.reshape(1, -1, 1, 1) for v in (scale, shift))
            assert len(layer.inputs) == 1
            assert np.allclose(layer.real([at * x[0] + out]), at * layer.real(x) + out)


BROKEN = {
    "shifts": (IntAdd, {"shifts": (0, 40)}, "the branches of an addition shift by 31 bits at most"),
    "signs": (IntAdd, {"shifts": (0, 0), "signs": (-1, 1)}, "the signs of an addition are (1, 1) or (1, -1)"),
    "too few shifts": (IntConcat, {"shifts": (0,)}, "the branches of a concatenation shift by 31 bits at most"),
    "a sign of an offset": (
        IntOffset,
        {"offset": np.ones(4, np.int32), "sign": 0, "shift": 0},
        "an offset has the sign 1 or -1 and a shift from 0 to 31",
    ),
    "a size": (IntPlaces, {"size": (0, 3)}, "places have a height and a width"),
    "a factor": (
        IntResize2d,
        {"factor": (0, 1), "zeros": True, "tail": (0, 0)},
        "a resize has two factors from 1, a flag, and a tail from 0",
    ),
    "a tail without zeros": (IntResize2d, {"factor": (2, 2), "zeros": False, "tail": (1, 0)}, "only zeros follow the last value"),
}


@pytest.mark.parametrize("which", BROKEN)
def test_fields_that_cannot_be_are_found(which: str) -> None:
    kind, fields, what = BROKEN[which]
    node = kind("n", ("a", "b"), SHAPE, Format(8, 0, True), Interval(0, 1), **fields)
    assert [broken for broken, _ in node.broken_fields()] == [what]


def test_an_offset_is_as_fine_as_there_is_room_for() -> None:
    """Of spikes, 0.3 is 1229 / 4096; of large sums, a unit of theirs; 0.75 is exact with two bits."""
    node = Offset("n", ("x",), SHAPE, np.full(4, 0.3), 1)
    spikes, _ = node.quantised(Rounding(Interval(0, 1)), [Scale(Fraction(1), (0,))])
    assert (spikes.shift, spikes.offset.tolist()) == (11, [614] * 4)  # type: ignore[attr-defined]
    sums, scale = node.quantised(Rounding(Interval(-5000, 5000)), [Scale(Fraction(1), (9,))])
    assert (sums.shift, scale.exponents) == (0, (9,))  # type: ignore[attr-defined]
    exact, _ = replace(node, offset=np.full(4, 0.75)).quantised(Rounding(Interval(0, 1)), [Scale(Fraction(1), (0,))])
    assert (exact.shift, exact.offset.tolist()) == (2, [3] * 4)  # type: ignore[attr-defined]


def test_a_constant_that_becomes_0_is_told_and_one_that_fits_no_integer_refused() -> None:
    q = Rounding(Interval(0, 1))
    node = Offset("n", ("x",), SHAPE, np.array([0.3, 1e-6, 0.0, -1e-6]), 1)
    made, _ = node.quantised(q, [Scale(Fraction(1), (0,))])
    assert made.offset.tolist() == [614, 0, 0, 0]  # type: ignore[attr-defined]
    assert q.lost == ("n", 2, 2.0**-11)
    with refused(
        WidthError,
        """
        a constant that is added does not fit int32
          where:    n
          got:      1e+09, which is 5.12e+11 units of the value
          expected: below 2**31
          do:       use a smaller constant, or larger weights before it
        """,
    ):
        replace(node, offset=np.full(4, 1e9)).quantised(Rounding(Interval(-9, 9)), [Scale(Fraction(1), (9,))])


def test_joins_of_other_scales_and_shapes_are_refused() -> None:
    node = Concat("cat", ("a", "b"), (8, 3, 5), source="cat (cat)")
    with refused(
        UnsupportedError,
        """
        this concatenation joins branches whose scales differ by a factor that is no power of two
          where:    cat (cat)
          got:      'a' in units of 1, 'b' in units of 1/255
          expected: equal units, up to a power of two
          do:       put a Conv2d or Linear on the branch with the image or the average, or average over 2x2 or 4x4
        """,
    ):
        node.quantised(Rounding(Interval(0, 1)), [Scale(Fraction(1), (0,)), Scale(Fraction(1, 255), (0,))])
    with refused(
        ShapeError,
        """
        the inputs of a concatenation differ beside their channels
          where:    cat (cat)
          got:      [4, 3, 4]
          expected: [4, 3, 5]
          do:       check the layer before it, or the shape of the sample
        """,
    ):
        node.output_shape([SHAPE, (4, 3, 4)])
    with refused(
        ShapeError,
        """
        the constant that is added fits neither the channels nor the shape
          where:    n
          got:      [3]
          expected: [4], or [4, 3, 5]
          do:       check the layer before it, or the shape of the sample
        """,
    ):
        Offset("n", ("x",), SHAPE, np.ones(3), 1).output_shape([SHAPE])

"""Neuron programs from real parameters, without Lava: the compiler's own integers, the real equation, every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snn2hw.backends.lava.programs import Membrane, circulate_program, lnm_program
from snn2hw.backends.reference import step
from snn2hw.errors import ShapeError, Snn2hwError, TargetError, UnsupportedError, UsageError, ValueRangeError, WidthError
from snn2hw.ir.program import SPIKES, Program
from snn2hw.ir.program_text import program_to_text
from snn2hw.target import target_names
from tests.hand_networks import circulate, compiled, neuron, one_neuron
from tests.refused import refused

CUBIC = [0.05, 0.6, -0.1, 0.02]


def lnm(coefficients: Any = CUBIC, threshold: float = 1.0, **given: Any) -> Program:
    return lnm_program(Membrane(**{"shape": (2,), "where": "mine", **given}), coefficients, threshold)


def circulating(
    levels: int = 4,
    signed: bool = True,
    decay: Any = 0.5,
    threshold: Any = 1.0,
    amplitudes: Any = None,
    **given: Any,
) -> Program:
    return circulate_program(Membrane(**{"shape": (2,), "where": "mine", **given}), levels, signed, decay, threshold, amplitudes)


@pytest.mark.parametrize(
    ("made", "constructed"),
    [
        (neuron("n", "", coefficients=[CUBIC]), lnm),
        (neuron("n", "", coefficients=[CUBIC, [0.0, 0.5, 0.0, 0.1]]), lambda **g: lnm([CUBIC, [0.0, 0.5, 0.0, 0.1]], **g)),
        (neuron("n", "", coefficients=[CUBIC], strict=True, reset="none"), lambda **g: lnm(strict=True, reset="none", **g)),
        (
            neuron("n", "", coefficients=[CUBIC], order="input_then_poly", reset="value", reset_value=-0.5),
            lambda **g: lnm(order="input_then_poly", reset="value", reset_value=-0.5, **g),
        ),
        (circulate("n", "", (1.0, 0.5)), lambda **g: circulating(2, amplitudes=[1.0, 0.5], **g)),
        (circulate("n", "", (1.0,) * 4, signed=False), lambda **g: circulating(4, False, **g)),
    ],
)
@pytest.mark.parametrize("target", ["generic", "loihi2"])
def test_the_program_is_the_compilers(made: Any, constructed: Any, target: str) -> None:
    """The same equation, in a network: the same instructions, where the sum has the same unit and range."""
    net = compiled(one_neuron(made), target=target).network
    source = next(n for n in net.nodes if n.name == net.neurons[0].inputs[0])
    unit, reach = 2.0**-source.format.frac, (source.interval.lo, source.interval.hi)
    program = constructed(input_unit=unit, input_range=reach, target=target)
    assert program_to_text(program) == program_to_text(net.neurons[0].program)


@pytest.mark.parametrize("unit", [2.0**-6, 2.0**-3, 0.013])
def test_a_step_is_the_real_equation_to_within_roundings(unit: float) -> None:
    coefficients = np.array([[0.05, 0.6, -0.1, 0.02], [-0.1, 0.8, 0.05, -0.01]])
    program = lnm(coefficients, input_unit=unit, reset="none", gain=0.5)
    frac = program.outputs["u"].format.frac
    rng = np.random.default_rng(0)
    u, x = rng.integers(-(2**15), 2**15, (500, 2)), rng.integers(-100, 101, (500, 2))
    payload, after = step(program, x, {"u": u})
    real = u / 2.0**frac
    h = np.clip(sum(a * real**i for i, a in enumerate(coefficients.T)) + 0.5 * unit * x, -4.0, 4.0)
    assert np.abs(after["u"] / 2.0**frac - h).max() < 16 * 2.0**-frac
    sure = np.abs(h - 1.0) > 16 * 2.0**-frac
    assert (payload == (h >= 1.0))[sure].all()
    assert 0.05 < payload.mean() < 0.95


def test_what_the_defaults_are() -> None:
    program = lnm()
    assert program.input.attrs == (-(2**15), 2**15 - 1)
    assert str(program.input.format) == "s16.6"
    assert str(program.outputs["u"].format) == "s16.13"
    assert str(circulating().outputs[SPIKES].format) == "s4.0"


def test_a_decay_per_channel() -> None:
    _, after = step(circulating(decay=[0.5, 0.25]), np.zeros((1, 2), np.int64), {"u": np.full((1, 2), 4096)})
    assert np.abs(after["u"][0] - [2048, 1024]).max() <= 2  # to within roundings


REFUSED: list[tuple[Any, type[Snn2hwError], str]] = [
    (
        lambda: lnm(shape=[2]),
        UsageError,
        "shape is not a shape\n  where:    mine\n  got:      [2]\n  expected: a tuple such as (10,) or (8, 6, 6)\n"
        "  do:       give the shape of the layer; of one axis with its comma: (10,)",
    ),
    (
        lambda: lnm(shape=(2, 0)),
        ValueRangeError,
        "shape[1] is out of range\n  where:    mine\n  got:      0\n  expected: shape[1] at least 1\n"
        "  do:       choose shape[1] at least 1",
    ),
    (
        lambda: lnm([1.0]),
        ShapeError,
        "coefficients do not fit the layer\n  where:    mine\n  got:      shape [1]\n"
        "  expected: a_0 to a_d, d from 1 to 5, for the layer or for each of 2 channels\n"
        "  do:       give a_0 and at least a_1, in one list for the layer or in one for each channel",
    ),
    (
        lambda: lnm([CUBIC] * 3),
        ShapeError,
        "coefficients do not fit the layer\n  where:    mine\n  got:      shape [3, 4]\n"
        "  expected: a_0 to a_d, d from 1 to 5, for the layer or for each of 2 channels\n"
        "  do:       give a_0 and at least a_1, in one list for the layer or in one for each channel",
    ),
    (
        lambda: lnm([[0.0, 1.0], [2.0]]),
        UsageError,
        "coefficients are not numbers\n  where:    mine\n  got:      [[0.0, 1.0], [2.0]]\n"
        "  expected: [a_0, ..., a_d], or one such list per channel\n"
        "  do:       give the numbers of the polynomial, the constant first",
    ),
    (
        lambda: lnm([0.0, float("nan")]),
        ValueRangeError,
        "a coefficient is not finite\n  where:    mine\n  got:      [0.0, nan]\n  expected: finite numbers\n"
        "  do:       give other coefficients, or train again with a lower learning rate",
    ),
    (
        lambda: lnm(threshold=0.0),
        ValueRangeError,
        "threshold is not positive\n  where:    mine\n  got:      0.0\n  expected: threshold > 0\n"
        "  do:       choose a positive threshold",
    ),
    (
        lambda: lnm(reset="soft"),
        UsageError,
        "unknown reset\n  where:    mine\n  got:      'soft'\n  expected: one of 'subtract', 'value', 'none'\n"
        "  do:       pass reset as one of these",
    ),
    (
        lambda: lnm(order="input"),
        UsageError,
        "unknown order\n  where:    mine\n  got:      'input'\n  expected: one of 'poly_then_input', 'input_then_poly'\n"
        "  do:       pass order as one of these",
    ),
    (
        lambda: lnm(reset="value", reset_value=5.0),
        ValueRangeError,
        "reset_value is out of range\n  where:    mine\n  got:      5.0\n  expected: reset_value in [-4, 4]\n"
        "  do:       choose a reset_value in [-4, 4]",
    ),
    (
        lambda: lnm(input_unit=-1.0),
        ValueRangeError,
        "input_unit is not positive\n  where:    mine\n  got:      -1.0\n  expected: input_unit > 0\n"
        "  do:       choose a positive input_unit",
    ),
    (
        lambda: lnm(input_range=(5, 5)),
        ValueRangeError,
        "input_range is empty\n  where:    mine\n  got:      (5, 5)\n  expected: (least, greatest) integer\n"
        "  do:       give the smaller integer first",
    ),
    (
        lambda: lnm(input_range=(0, 2**23)),
        ValueRangeError,
        "input_range[1] is out of range\n  where:    mine\n  got:      8388608\n"
        "  expected: input_range[1] -8388608..8388607\n  do:       choose input_range[1] -8388608..8388607",
    ),
    (
        lambda: lnm(input_range=0),
        UsageError,
        "input_range is not a pair\n  where:    mine\n  got:      0\n  expected: (least, greatest) integer\n"
        "  do:       give the least and the greatest integer that enter",
    ),
    (
        lambda: lnm(state_bits=7),
        UsageError,
        "state_bits is out of range\n  got:      7\n  expected: 8 to 24\n  do:       choose a width in this range",
    ),
    (
        lambda: lnm(target="loihi3"),
        TargetError,
        "unknown target\n  got:      'loihi3'\n"
        f"  expected: {', '.join(target_names())}\n"
        "  do:       did you mean 'loihi2'? else name one of these, or the path of a TOML file of your own "
        "(see `snn2hw targets`)",
    ),
    (
        lambda: circulating(0),
        ValueRangeError,
        "levels is out of range\n  where:    mine\n  got:      0\n  expected: levels 1..16\n  do:       choose levels 1..16",
    ),
    (
        lambda: circulating(threshold=[1.0, 0.5]),
        UsageError,
        "threshold does not have one entry per level\n  where:    mine\n  got:      [1.0, 0.5]\n  expected: 4 numbers\n"
        "  do:       pass threshold as a tuple of length levels=4",
    ),
    (
        lambda: circulating(2, amplitudes=[1.0, float("inf")]),
        ValueRangeError,
        "amplitudes[1] is not finite\n  where:    mine\n  got:      inf\n  expected: a finite number\n"
        "  do:       choose a finite amplitudes[1]",
    ),
    (
        lambda: circulating(decay=1.5),
        ValueRangeError,
        "decay is out of range\n  where:    mine\n  got:      1.5\n  expected: decay in [0, 1]\n"
        "  do:       choose a decay in [0, 1]",
    ),
    (
        lambda: circulating(2, threshold=[1.0, 1e-6]),
        WidthError,
        "a threshold is finer than the state can tell\n  where:    mine\n  got:      threshold 1e-06\n"
        "  expected: at least 0.00012207, one unit of a state with 13 fractional bits\n"
        "  do:       use more state bits, a smaller state_range or a larger threshold",
    ),
]


@pytest.mark.parametrize(("make", "kind", "text"), REFUSED, ids=[t.split("\n")[0] for _, _, t in REFUSED])
def test_bad_parameters_are_refused(make: Any, kind: type[Snn2hwError], text: str) -> None:
    with refused(kind, text):
        make()


def test_what_the_target_cannot_do_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"mine: reset='subtract', the target can do"):
        lnm(target="loihi1")


def test_what_the_accumulator_cannot_hold_is_refused() -> None:
    with pytest.raises(WidthError, match=r"a value of the neuron program does not fit the accumulator\n  where: {4}mine: "):
        lnm(input_unit=1.0, input_range=(-(2**23), 2**23 - 1))

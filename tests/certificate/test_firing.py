"""The closed form of firing against the rounds written out, and against the programs that are lowered."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from snn2hw.certificate.firing import Firing, next_state, read_firing, rounds, try_firing
from snn2hw.ir.network import Circulate, Single
from snn2hw.ir.program import Instruction, Program, one_channel
from snn2hw.num import Interval
from tests.certificate.brute import layer
from tests.hand_networks import compiled, neuron, one_neuron

H = np.arange(-700, 701)
FIRINGS = {
    "single": Single(1.0),
    "one round": Circulate((1.0,), (1.0,), False),
    "three rounds": Circulate((0.75,) * 3, (1.0,) * 3, False),
    "three signed": Circulate((0.75,) * 3, (1.0,) * 3, True),
    "louder": Circulate((0.5,) * 2, (3.0,) * 2, True),
    "thresholds": Circulate((1.0, 0.5, 0.25), (1.0,) * 3, True),
    "amplitudes": Circulate((1.0, 1.0), (1.0, 0.5), True),
    "both": Circulate((1.0, 0.5, 0.25), (1.0, 0.5, 0.25), False),
    "quieter when negative": Circulate((0.75,) * 3, (1.0,) * 3, True, negative=0.25),
    "silent when negative": Circulate((0.5, 0.25), (1.0, 0.5), True, negative=0.0),
}


def one_by_one(firing: Firing, h: int) -> tuple[int, int, int]:
    """(payload, residual, rounds that fired) as the equation says it."""
    payload = fired = 0
    for theta, amplitude, negative in zip(
        firing.thresholds, firing.amplitudes, firing.negatives or firing.amplitudes, strict=True
    ):
        over = h > theta if firing.strict else h >= theta
        under = firing.signed and (-h > theta if firing.strict else -h >= theta)
        s = 1 if over else -1 if under else 0
        payload, h, fired = payload + (negative if under else amplitude) * s, h - theta * s, fired + abs(s)
    return payload, h, fired


@pytest.mark.parametrize(("signed", "strict"), list(product((False, True), repeat=2)))
@pytest.mark.parametrize(
    ("thresholds", "amplitudes", "negatives"),
    [
        ((1,), (1,), ()),
        ((100,) * 3, (1,) * 3, ()),
        ((100,) * 3, (4,) * 3, (1,) * 3),
        ((100,) * 3, (1,) * 3, (0,) * 3),
        ((100,) * 3, (4,) * 3, (1, 2, 3)),
        ((64,) * 2, (5,) * 2, ()),
        ((100, 40, 7), (1, 1, 1), ()),
        ((100, 40, 7), (4, 2, 1), (1, 0, 3)),
        ((90, 90), (4, 1), ()),
    ],
)
def test_closed_form_and_rounds_are_the_equation(
    thresholds: tuple[int, ...], amplitudes: tuple[int, ...], negatives: tuple[int, ...], signed: bool, strict: bool
) -> None:
    firing = Firing(thresholds, amplitudes, signed, strict, "subtract", 0, negatives)
    assert firing.closed == all(len(set(of)) <= 1 for of in (thresholds, amplitudes, negatives))
    got = np.stack(rounds(firing, H), axis=1)
    np.testing.assert_array_equal(got, np.array([one_by_one(firing, int(h)) for h in H]))


def test_the_three_resets() -> None:
    firing = Firing((100,), (1,), False, False, "subtract", -5)
    h = np.array([99, 100, 250])
    _, residual, fired = rounds(firing, h)
    assert next_state(firing, h, residual, fired).tolist() == [99, 0, 150]
    assert next_state(replace(firing, reset="value"), h, residual, fired).tolist() == [99, -5, -5]
    assert next_state(replace(firing, reset="none"), h, residual, fired).tolist() == [99, 100, 250]


def program_of(which: str, reset: str, strict: bool) -> Program:
    made = neuron("n", "fc", firing=FIRINGS[which], reset=reset, reset_value=-0.25, strict=strict)
    (node,) = compiled(one_neuron(made), state_bits=12).network.neurons
    return one_channel(node.program, 0)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("reset", ["subtract", "value", "none"])
@pytest.mark.parametrize("which", FIRINGS)
def test_the_program_fires_as_its_constants_state(which: str, reset: str, strict: bool) -> None:
    """For every h that 12 bits hold; what is read from the program is what the equation says, in units of the state."""
    program, held = program_of(which, reset, strict), Interval(-2048, 2047)
    firing, equation = read_firing(program), FIRINGS[which]
    assert firing is not None
    thetas = [equation.threshold] if isinstance(equation, Single) else list(equation.thresholds)
    assert firing.thresholds == tuple(int(t * 2 ** program.by_name["h"].format.frac) for t in thetas)
    amplitudes = [1.0] if isinstance(equation, Single) else list(equation.amplitudes)
    assert firing.amplitudes == tuple(int(a * 2**program.payload.frac) for a in amplitudes)
    assert firing.signed == (isinstance(equation, Circulate) and equation.signed)
    own = equation.negatives if isinstance(equation, Circulate) and equation.own_negative else ()
    assert firing.negatives == tuple(int(a * 2**program.payload.frac) for a in own)
    assert (firing.strict, firing.reset) == (strict, reset)
    assert firing.reset_value == (-128 if reset == "value" else 0)
    tried = try_firing(program, firing, held)
    expected = np.array([one_by_one(firing, h) for h in range(held.lo, held.hi + 1)])
    assert tried.agrees
    assert tried.rounds == expected[:, 2].max() == len(firing.thresholds)
    assert tried.left == Interval(int(expected[:, 1].min()), int(expected[:, 1].max()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"thresholds": (384, 384, 383)},
        {"thresholds": (384, 384)},
        {"amplitudes": (1, 1, 2)},
        {"signed": False},
        {"negatives": (1, 1, 0)},
        {"strict": True},
        {"reset": "none"},
        {"reset": "value", "reset_value": 0},
    ],
)
def test_a_firing_that_is_another_is_found(wrong: dict[str, object]) -> None:
    program, held = program_of("three signed", "subtract", False), Interval(-2048, 2047)
    firing = read_firing(program)
    assert firing is not None
    assert firing.thresholds == (384, 384, 384)
    assert try_firing(program, firing, held).agrees
    other = replace(firing, **wrong)  # type: ignore[arg-type]
    if len(other.thresholds) < 3:
        other = replace(other, amplitudes=(1, 1))
    assert not try_firing(program, other, held).agrees


def test_one_value_of_h_is_enough_to_find_it() -> None:
    """Strict and inclusive firing differ at the threshold alone."""
    program = program_of("single", "subtract", False)
    firing = read_firing(program)
    assert firing is not None
    strict, theta = replace(firing, strict=True), firing.thresholds[0]
    assert try_firing(program, strict, Interval(-2048, theta - 1)).agrees
    assert not try_firing(program, strict, Interval(-2048, theta)).agrees
    assert try_firing(program, strict, Interval(theta + 1, 2047)).agrees


def test_programs_of_another_make_have_no_firing() -> None:
    program = layer("LIF").program
    for name in ("h", "up"):
        lines = [replace(i, name="other") if i.name == name else i for i in program.instructions]
        lines = [Instruction(i.name, i.op, tuple("other" if a == name else a for a in i.args), i.attrs, i.format) for i in lines]
        assert read_firing(Program("other", tuple(lines))) is None

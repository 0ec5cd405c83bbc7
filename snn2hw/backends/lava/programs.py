"""Neuron programs from real parameters: plain numbers in, the integers that snn2hw would compile out. Needs no Lava."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp

import numpy as np
import numpy.typing as npt

from snn2hw.arguments import (
    MAX_DEGREE,
    MAX_LEVELS,
    ORDERS,
    RESETS,
    between,
    finite,
    interval,
    one_of,
    positive,
    schedule,
    whole,
)
from snn2hw.backends.lava.fits import PORT_BITS, check_program
from snn2hw.errors import ShapeError, UsageError, ValueRangeError
from snn2hw.ir import program_rules
from snn2hw.ir.integer import IntegerNetwork, IntInput, IntReadout, UnloweredNeuron
from snn2hw.ir.network import Circulate, Input, Network, Neuron, Readout, Reals, Single
from snn2hw.ir.program import Program
from snn2hw.num import Format, Interval
from snn2hw.passes.base import Compilation, Options
from snn2hw.passes.legalise import Legalise
from snn2hw.passes.lower import Lower
from snn2hw.passes.narrow import Narrow
from snn2hw.passes.to_integers import spike_value_format
from snn2hw.target import load_target

INPUT_UNIT = 2.0**-6  # 64 is 1.0: the alignment that Loihi's own LIF gives weights and thresholds
INPUT_RANGE = (-(2**15), 2**15 - 1)  # what Lava's Dense declares for its sums: 16 bits


@dataclass(frozen=True)
class Membrane:
    """What LNM and circulate firing have in common; the equation is that of `snn2hw.ir.network.Neuron`.

    Args:
        shape: of the layer, channels first.
        reset, reset_value, strict, order, state_range, gain: real values and words of the equation.
        state_bits: width of u, 8 to 24; the state range decides its binary point.
        input_unit: real value of one integer of the synaptic sum; a power of two costs a shift, others a multiplication.
        input_range: least and greatest integer of the synaptic sum, which the accumulator is laid out for.
        target: name or file of the target whose widths and rounding are kept.
        where: for messages.

    Raises:
        UsageError: an unknown word or an argument of the wrong type. ValueRangeError: a number outside its range.
    """

    shape: tuple[int, ...]
    reset: str = "subtract"
    reset_value: float = 0.0
    strict: bool = False
    order: str = "poly_then_input"
    state_range: tuple[float, float] = (-4.0, 4.0)
    gain: float = 1.0
    state_bits: int = 16
    input_unit: float = INPUT_UNIT
    input_range: tuple[int, int] = INPUT_RANGE
    target: str = "loihi2"
    where: str = "neuron"

    def __post_init__(self) -> None:
        if not isinstance(self.shape, tuple) or not self.shape:
            raise UsageError(
                "shape is not a shape",
                where=self.where,
                got=repr(self.shape),
                expected="a tuple such as (10,) or (8, 6, 6)",
                do="give the shape of the layer; of one axis with its comma: (10,)",
            )
        for k, size in enumerate(self.shape):
            whole(f"shape[{k}]", size, 1, None, self.where)
        one_of("reset", self.reset, RESETS, self.where)
        one_of("order", self.order, ORDERS, self.where)
        lo, hi = interval("state_range", self.state_range, self.where)
        between("reset_value", self.reset_value, lo, hi, self.where)
        finite("gain", self.gain, self.where)
        positive("input_unit", self.input_unit, self.where)
        port = Format(PORT_BITS, 0).interval
        if not isinstance(self.input_range, Sequence) or len(self.input_range) != 2:
            raise UsageError(
                "input_range is not a pair",
                where=self.where,
                got=repr(self.input_range),
                expected="(least, greatest) integer",
                do="give the least and the greatest integer that enter",
            )
        low, high = (whole(f"input_range[{k}]", v, port.lo, port.hi, self.where) for k, v in enumerate(self.input_range))
        if low >= high:
            raise ValueRangeError(
                "input_range is empty",
                where=self.where,
                got=repr(self.input_range),
                expected="(least, greatest) integer",
                do="give the smaller integer first",
            )


def lnm_program(membrane: Membrane, coefficients: npt.ArrayLike, threshold: float) -> Program:
    """P(u) = a_0 + a_1 u + ... + a_d u**d and a single comparison, in integers.

    Args:
        membrane: the rest of the equation, and the target.
        coefficients: [a_0, ..., a_d] for the layer or [C][d+1] per channel; d is 1 to 5.
        threshold: > 0.

    Raises:
        UsageError, ValueRangeError, ShapeError: an argument that does not fit.
        WidthError, UnsupportedError: a neuron that the target cannot hold.
    """
    firing = Single(positive("threshold", threshold, membrane.where))
    return _program(membrane, "LNM", _coefficients(coefficients, membrane), firing)


def circulate_program(
    membrane: Membrane,
    levels: int,
    signed: bool,
    decay: float | Sequence[float],
    threshold: float | Sequence[float],
    amplitudes: Sequence[float] | None,
) -> Program:
    """P(u) = decay*u, fired in up to `levels` rounds, in integers.

    Args:
        membrane: the rest of the equation, and the target. signed: whether it also fires negative.
        levels: K, 1 to 16.
        decay: in [0, 1], one or one per channel.
        threshold: > 0, one or one per level.
        amplitudes: one per level; None is 1 for each.

    Raises:
        UsageError, ValueRangeError, ShapeError: an argument that does not fit.
        WidthError, UnsupportedError: a neuron that the target cannot hold.
    """
    where = membrane.where
    whole("levels", levels, 1, MAX_LEVELS, where)
    thresholds = schedule("threshold", threshold, levels, where) if isinstance(threshold, Sequence) else (threshold,) * levels
    firing = Circulate(
        tuple(positive("threshold", v, where) for v in thresholds),
        schedule("amplitudes", amplitudes, levels, where) if amplitudes is not None else (1.0,) * levels,
        bool(signed),
    )
    decays = decay if isinstance(decay, Sequence) else (decay,)
    rows = [[0.0, between("decay", d, 0.0, 1.0, where)] for d in decays]
    return _program(membrane, "CirculateFiring", _coefficients(rows, membrane), firing)


def _coefficients(given: npt.ArrayLike, membrane: Membrane) -> Reals:
    try:
        table = np.atleast_2d(np.asarray(given, np.float64))
    except (TypeError, ValueError) as error:
        raise UsageError(
            "coefficients are not numbers",
            where=membrane.where,
            got=repr(given),
            expected="[a_0, ..., a_d], or one such list per channel",
            do="give the numbers of the polynomial, the constant first",
        ) from error
    channels = membrane.shape[0]
    if table.ndim != 2 or len(table) not in (1, channels) or not 2 <= table.shape[1] <= MAX_DEGREE + 1:
        raise ShapeError(
            "coefficients do not fit the layer",
            where=membrane.where,
            got=f"shape {list(np.shape(given))}",
            expected=f"a_0 to a_d, d from 1 to {MAX_DEGREE}, for the layer or for each of {channels} channels",
            do="give a_0 and at least a_1, in one list for the layer or in one for each channel",
        )
    if not np.isfinite(table).all():
        raise ValueRangeError(
            "a coefficient is not finite",
            where=membrane.where,
            got=repr(given),
            expected="finite numbers",
            do="give other coefficients, or train again with a lower learning rate",
        )
    return table


def _program(m: Membrane, kind: str, coefficients: Reals, firing: Single | Circulate) -> Program:
    """The passes behind quantisation, on a network of this one layer."""
    real = Neuron(
        m.where,
        ("input",),
        m.shape,
        kind=kind,
        coefficients=coefficients,
        gain=float(m.gain),
        order=m.order,
        state_range=m.state_range,
        firing=firing,
        reset=m.reset,
        reset_value=float(m.reset_value),
        strict=bool(m.strict),
        source=m.where,
    )
    entering, (payload, frac) = Interval(*m.input_range), spike_value_format(real)
    leaving = Format.holding(payload, frac)
    nodes = (
        IntInput(
            "input",
            (),
            m.shape,
            Format.holding(entering, _frac(m.input_unit)),
            entering,
            unit=m.input_unit,
            static=False,
            counts=True,
        ),
        UnloweredNeuron(
            m.where,
            ("input",),
            m.shape,
            leaving,
            payload,
            equation=real,
            input_scale=np.array([float(m.input_unit)]),
            source=m.where,
        ),
        IntReadout("readout", (m.where,), m.shape, leaving, payload),
    )
    lo, hi = entering.lo * m.input_unit, entering.hi * m.input_unit
    source = Input("input", (), m.shape, lo=lo, hi=hi, static=False, counts=True)
    network = Network(1, (source, real, Readout("readout", (m.where,), m.shape)))
    done = Compilation(
        network,
        load_target(m.target),
        Options(state_bits=m.state_bits),
        np.zeros((1, 1, *m.shape)),
        integer=IntegerNetwork(1, m.target, nodes),
    )
    for step in (Lower(), Narrow(), Legalise()):
        done = step.run(done)
    (neuron,) = done.network.neurons
    program_rules.check_program(neuron.program)
    check_program(neuron.program, m.where)
    return neuron.program


def _frac(unit: float) -> int:
    """Binary point of a sum in this unit; 0 where it is no power of two and a multiplication brings the scale in."""
    mantissa, exponent = frexp(unit)
    return 1 - exponent if mantissa == 0.5 else 0

"""Lava neurons by the field's names; each is a ProgramNeuron with the program that snn2hw compiles or knows.

Further keywords are those of `ProgramNeuron`: bias, period, delay, record, name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from snn2hw.artefact import Artefact
from snn2hw.backends.lava.process import ProgramNeuron
from snn2hw.backends.lava.programs import INPUT_RANGE, INPUT_UNIT, Membrane, circulate_program, lnm_program
from snn2hw.errors import UsageError
from snn2hw.ir.loihi import loihi_lif
from snn2hw.shown import meant


def LIF(  # noqa: N802 - named as Lava's own process
    *, shape: tuple[int, ...], du: int, dv: int, vth: int, bias_mant: int = 0, bias_exp: int = 0, **options: Any
) -> ProgramNeuron:
    """Loihi's LIF: the integers of Lava's own LIF, by our program. Arguments as `snn2hw.ir.loihi.loihi_lif`."""
    return ProgramNeuron(shape=shape, program=loihi_lif(du, dv, vth, bias_mant, bias_exp), **options)


def LNM(  # noqa: N802 - the field's name
    *,
    shape: tuple[int, ...],
    coefficients: npt.ArrayLike,
    threshold: float = 1.0,
    reset: str = "subtract",
    reset_value: float = 0.0,
    strict: bool = False,
    order: str = "poly_then_input",
    state_range: tuple[float, float] = (-4.0, 4.0),
    gain: float = 1.0,
    state_bits: int = 16,
    input_unit: float = INPUT_UNIT,
    input_range: tuple[int, int] = INPUT_RANGE,
    target: str = "loihi2",
    **options: Any,
) -> ProgramNeuron:
    """Learnable Neuron Model, P(u) = a_0 + a_1 u + ... + a_d u**d, a single comparison; real parameters, lowered here.

    Args:
        shape, reset, reset_value, strict, order, state_range, gain: the equation, see `programs.Membrane`.
        state_bits, input_unit, input_range, target: how it becomes integers, see `programs.Membrane`.
        coefficients, threshold: see `programs.lnm_program`.

    Raises:
        UsageError, ValueRangeError, ShapeError: an argument that does not fit.
        WidthError, UnsupportedError: a neuron that the target, or a Lava port, cannot hold.
    """
    membrane = Membrane(
        shape,
        reset,
        reset_value,
        strict,
        order,
        state_range,
        gain,
        state_bits,
        input_unit,
        input_range,
        target,
        options.get("name") or "LNM",
    )
    return ProgramNeuron(shape=shape, program=lnm_program(membrane, coefficients, threshold), **options)


def CirculateFiring(  # noqa: N802 - the field's name
    *,
    shape: tuple[int, ...],
    levels: int = 4,
    signed: bool = True,
    decay: float | Sequence[float] = 0.5,
    threshold: float | Sequence[float] = 1.0,
    amplitudes: Sequence[float] | None = None,
    reset: str = "subtract",
    reset_value: float = 0.0,
    strict: bool = False,
    order: str = "poly_then_input",
    state_range: tuple[float, float] = (-4.0, 4.0),
    gain: float = 1.0,
    state_bits: int = 16,
    input_unit: float = INPUT_UNIT,
    input_range: tuple[int, int] = INPUT_RANGE,
    target: str = "loihi2",
    **options: Any,
) -> ProgramNeuron:
    """P(u) = decay*u, fired in up to `levels` rounds while the residual is over threshold; real parameters, lowered here.

    Args:
        shape, reset, reset_value, strict, order, state_range, gain: the equation, see `programs.Membrane`.
        state_bits, input_unit, input_range, target: how it becomes integers, see `programs.Membrane`.
        levels, signed, decay, threshold, amplitudes: see `programs.circulate_program`.

    Raises:
        UsageError, ValueRangeError, ShapeError: an argument that does not fit.
        WidthError, UnsupportedError: a neuron that the target, or a Lava port, cannot hold.
    """
    membrane = Membrane(
        shape,
        reset,
        reset_value,
        strict,
        order,
        state_range,
        gain,
        state_bits,
        input_unit,
        input_range,
        target,
        options.get("name") or "CirculateFiring",
    )
    program = circulate_program(membrane, levels, signed, decay, threshold, amplitudes)
    return ProgramNeuron(shape=shape, program=program, **options)


def layer(artefact: Artefact, name: str, **options: Any) -> ProgramNeuron:
    """A neuron layer of a compiled network (LNM, CirculateFiring, ...) as a process to wire into a Lava network.

    Raises:
        UsageError: the network has no neuron layer of this name.
    """
    layers = {n.name: n for n in artefact.network.neurons}
    if name not in layers:
        raise UsageError(
            "no neuron layer of this name",
            got=repr(name),
            expected=", ".join(layers),
            do=meant(name, layers) + "name one of these",
        )
    return ProgramNeuron(shape=layers[name].shape, program=layers[name].program, **options)

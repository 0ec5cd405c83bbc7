"""Loihi's leaky integrate-and-fire neuron, as the chip and Lava's bit-accurate model compute it, as a neuron program."""

from __future__ import annotations

from collections.abc import Sequence

from snn2hw.errors import ValueRangeError
from snn2hw.ir.builder import ProgramBuilder, with_narrowest_formats
from snn2hw.ir.program import SPIKES, Op, Program
from snn2hw.ir.program_rules import check_program
from snn2hw.num import Interval, Rounding, WrapLaw

STATE_BITS = 24  # of u and v
DECAY_BITS = 12
DECAY_ALL = 1 << DECAY_BITS
ALIGN_BITS = 6  # synaptic input, bias and threshold are shifted left by these
INPUT_BITS = 16  # of Lava's port for the synaptic sum
V_MAX = 2 ** (STATE_BITS - 1) - 1
VTH_MAX = 131071

# Of Lava's registers; a network file may also ask for currents that do not decay (du = -1), for decays that keep
# nothing, for refractory steps, and for weights with exponents.
RANGES = {"du": (0, 4095), "dv": (0, 4095), "vth": (0, VTH_MAX), "bias_mant": (-4096, 4095), "bias_exp": (0, 7)}
LIMITS = {**RANGES, "du": (-1, 4095), "dv": (0, DECAY_ALL), "refractory": (0, 63), "align": (0, 13)}


def loihi_lif(
    du: int,
    dv: int,
    vth: int,
    bias_mant: int | Sequence[int] = 0,
    bias_exp: int = 0,
    refractory: int = 0,
    *,
    align: int = ALIGN_BITS,
    input_bits: int = INPUT_BITS,
    membrane: bool = False,
) -> Program:
    """u[t] = wrap(toward_zero(u[t-1] * (4096 - du - 1) / 4096) + a[t] * 2**align)
    v[t] = clamp(toward_zero(v[t-1] * (4096 - dv) / 4096) + u[t] + bias_mant * 2**bias_exp)
    s[t] = [v[t] > vth * 64], and v[t] = 0 where it spikes; v stays 0 for `refractory` steps after that.

    u wraps at 24 bits as Loihi's does (it keeps +2**23 and loses -2**23), v saturates at +-(2**23 - 1). States 'u' and 'v'
    are those after the step; 'r', where there is one, counts the refractory steps that are left.
    Source: lava-nc 0.10.0, PyLifModelBitAcc and PyLifRefractoryModelFloat; parameter ranges as documented there.

    Args:
        bias_mant: one for the layer, or one per channel.
        align: 6 on the chip, more or less where weights have an exponent.
        input_bits: of the synaptic sum; more than Lava's 16 where nothing is to be run there.
        membrane: the spike value is v[t] - v[t-1], whose sum over the steps is v, and nothing fires.

    Raises:
        ValueRangeError: a parameter outside its register.
    """
    biases = [bias_mant] if isinstance(bias_mant, int) else list(bias_mant)
    given = {"du": [du], "dv": [dv], "vth": [vth], "bias_exp": [bias_exp], "refractory": [refractory], "align": [align]}
    _check_registers({**given, "bias_mant": biases})
    b = ProgramBuilder("LIF")
    u = b.emit(Op.STATE, "u", (), (-V_MAX, V_MAX + 1, 0), 0)
    v = b.emit(Op.STATE, "v", (), (-V_MAX, V_MAX, 0), 0)
    a = _input(b, align, input_bits)
    u_sum = b.emit(Op.ADD, "u_sum", (_decayed(b, u, DECAY_ALL - du - 1), a))
    current = b.wrap("current", u_sum, STATE_BITS + 1, WrapLaw.LOIHI)
    v_sum = b.emit(Op.ADD, "v_sum", (_decayed(b, v, DECAY_ALL - dv), current))
    if any(biases):
        v_sum = b.emit(Op.ADD, "v_biased", (v_sum, b.param("bias", [m << bias_exp for m in biases], 0)))
    return _fired(b, v_sum, vth, refractory, {"u": current}, membrane)


def loihi_biased(dv: int, vth: int, refractory: int = 0) -> Program:
    """The same neuron driven by its bias alone: v[t] = clamp(toward_zero(v[t-1] * (4096 - dv) / 4096) + x * 64), u = 0.

    How lava-dl's networks take an image: x is the transformed pixel, at every step.

    Args:
        dv: decay of v, 0 to 4096 in 4096ths. vth: it fires where v > vth * 64.
        refractory: steps for which v stays 0 after a spike.
    """
    _check_registers({"dv": [dv], "vth": [vth], "refractory": [refractory]})
    b = ProgramBuilder("LIF")
    v = b.emit(Op.STATE, "v", (), (-V_MAX, V_MAX, 0), 0)
    x = _input(b, ALIGN_BITS, INPUT_BITS)
    return _fired(b, b.emit(Op.ADD, "v_sum", (_decayed(b, v, DECAY_ALL - dv), x)), vth, refractory, {}, False)


def _check_registers(given: dict[str, list[int]]) -> None:
    for name, values in given.items():
        lo, hi = LIMITS[name]
        for value in values:
            if not lo <= value <= hi:
                raise ValueRangeError(
                    f"{name} does not fit its register",
                    where="Loihi LIF",
                    got=str(value),
                    expected=f"{lo} to {hi}",
                    do="choose a value in this range: Loihi's register holds no other",
                )


def _input(b: ProgramBuilder, align: int, bits: int) -> str:
    bound = 2 ** (bits - 1)
    return b.emit(Op.SHIFT_LEFT, "a_aligned", (b.emit(Op.INPUT, "a", (), (-bound, bound - 1), -align),), (align,))


def _decayed(b: ProgramBuilder, state: str, factor: int) -> str:
    product = b.emit(Op.MUL, f"{state}_product", (state, b.param(f"{state}_decay", [factor], DECAY_BITS)))
    return b.emit(Op.SHIFT_RIGHT, f"{state}_decayed", (product,), (DECAY_BITS, Rounding.TOWARD_ZERO))


def _fired(b: ProgramBuilder, v_sum: str, vth: int, refractory: int, states: dict[str, str], membrane: bool) -> Program:
    """From the sum of the membrane on: saturation, threshold, reset, refractory steps, outputs."""
    voltage = b.emit(Op.CLAMP, "voltage", (v_sum,), (-V_MAX, V_MAX))
    if membrane:
        change = b.emit(Op.SUB, "change", (voltage, "v"))
        return _closed(b, change, {**states, "v": voltage})
    zero = b.emit(Op.CONST, "zero", (), (0,), 0)
    if refractory:
        r = b.emit(Op.STATE, "r", (), (0, refractory, 0), 0)
        waits = b.emit(Op.GT, "waits", (r, zero))
        voltage = b.emit(Op.SELECT, "held", (waits, zero, voltage))
    spike = b.emit(Op.GT, "spike", (voltage, b.param("threshold", [vth << ALIGN_BITS], 0)))
    if refractory:
        left = b.emit(Op.CLAMP, "left", (b.emit(Op.SUB, "less", (r, b.emit(Op.CONST, "one", (), (1,), 0))),), (0, refractory))
        states["r"] = b.emit(Op.SELECT, "waiting", (spike, b.emit(Op.CONST, "period", (), (refractory,), 0), left))
    return _closed(b, spike, {**states, "v": b.emit(Op.SELECT, "after", (spike, zero, voltage))})


def _closed(b: ProgramBuilder, payload: str, states: dict[str, str]) -> Program:
    b.emit(Op.OUTPUT, SPIKES, (payload,), (SPIKES,))
    for state, value in states.items():
        b.emit(Op.OUTPUT, f"{state}_next", (value,), (state,))
    program, _ = with_narrowest_formats(b.program())
    check_program(program)
    return program


def widest_input(interval: Interval) -> int:
    """Bits of the synaptic sum's register, at least Lava's."""
    return max(INPUT_BITS, 1 + max(interval.hi, ~interval.lo, 0).bit_length())

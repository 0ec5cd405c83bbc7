"""Loihi's leaky integrate-and-fire neuron, as the chip and Lava's bit-accurate model compute it, as a neuron program."""

from __future__ import annotations

from snn2hw.errors import ValueRangeError
from snn2hw.ir.builder import ProgramBuilder, with_narrowest_formats
from snn2hw.ir.program import SPIKES, Op, Program
from snn2hw.ir.program_rules import check_program
from snn2hw.num import Rounding, WrapLaw

STATE_BITS = 24  # of u and v
DECAY_BITS = 12
ALIGN_BITS = 6  # synaptic input and threshold are shifted left by these
INPUT_BITS = 16  # of Lava's port for the synaptic sum
V_MAX = 2 ** (STATE_BITS - 1) - 1

RANGES = {"du": (0, 4095), "dv": (0, 4095), "vth": (0, 131071), "bias_mant": (-4096, 4095), "bias_exp": (0, 7)}


def loihi_lif(du: int, dv: int, vth: int, bias_mant: int = 0, bias_exp: int = 0) -> Program:
    """u[t] = wrap(toward_zero(u[t-1] * (4096 - du - 1) / 4096) + a[t] * 64)
    v[t] = clamp(toward_zero(v[t-1] * (4096 - dv) / 4096) + u[t] + bias_mant * 2**bias_exp)
    s[t] = [v[t] > vth * 64], and v[t] = 0 where it spikes.

    u wraps at 24 bits by Loihi's law (it keeps +2**23 and loses -2**23), v saturates at +-(2**23 - 1). States 'u' and 'v'
    are those after the step. Source: lava-nc 0.10.0, PyLifModelBitAcc; parameter ranges as documented there.

    Raises:
        ValueRangeError: a parameter outside its register.
    """
    given = {"du": du, "dv": dv, "vth": vth, "bias_mant": bias_mant, "bias_exp": bias_exp}
    for name, value in given.items():
        lo, hi = RANGES[name]
        if not lo <= value <= hi:
            raise ValueRangeError(
                f"{name} does not fit its register", where="Loihi LIF", got=str(value), expected=f"{lo} to {hi}"
            )
    b = ProgramBuilder("LIF")
    u = b.emit(Op.STATE, "u", (), (-V_MAX, V_MAX + 1, 0), 0)
    v = b.emit(Op.STATE, "v", (), (-V_MAX, V_MAX, 0), 0)
    bound = 2 ** (INPUT_BITS - 1)
    a = b.emit(Op.INPUT, "a", (), (-bound, bound - 1), -ALIGN_BITS)
    aligned = b.emit(Op.SHIFT_LEFT, "a_aligned", (a,), (ALIGN_BITS,))
    u_sum = b.emit(Op.ADD, "u_sum", (_decayed(b, u, 4096 - du - 1), aligned))
    current = b.wrap("current", u_sum, STATE_BITS + 1, WrapLaw.LOIHI)
    v_sum = b.emit(Op.ADD, "v_sum", (_decayed(b, v, 4096 - dv), current))
    if bias_mant:
        v_sum = b.emit(Op.ADD, "v_biased", (v_sum, b.param("bias", [bias_mant << bias_exp], 0)))
    voltage = b.emit(Op.CLAMP, "voltage", (v_sum,), (-V_MAX, V_MAX))
    spike = b.emit(Op.GT, "spike", (voltage, b.param("threshold", [vth << ALIGN_BITS], 0)))
    after = b.emit(Op.SELECT, "after", (spike, b.emit(Op.CONST, "zero", (), (0,), 0), voltage))
    for name, result, to in ((SPIKES, spike, SPIKES), ("u_next", current, "u"), ("v_next", after, "v")):
        b.emit(Op.OUTPUT, name, (result,), (to,))
    program, _ = with_narrowest_formats(b.program())
    check_program(program)
    return program


def _decayed(b: ProgramBuilder, state: str, factor: int) -> str:
    product = b.emit(Op.MUL, f"{state}_product", (state, b.param(f"{state}_decay", [factor], DECAY_BITS)))
    return b.emit(Op.SHIFT_RIGHT, f"{state}_decayed", (product,), (DECAY_BITS, Rounding.TOWARD_ZERO))

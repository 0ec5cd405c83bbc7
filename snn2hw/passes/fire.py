"""Firing and reset in integers: single or circulate (unrolled), signed or not, strict or not, three resets."""

from __future__ import annotations

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Circulate, Neuron, Potential
from snn2hw.ir.program import Op
from snn2hw.passes.quantise import payload_format
from snn2hw.passes.state import round_half_up


def lower_firing(b: ProgramBuilder, equation: Neuron, h: str, thresholds: list[int], reset_value: int) -> tuple[str, str]:
    """Append the firing of h; returns the names of (payload, state after the reset), of a potential h for both.

    Per round k: up = r >= theta_k, down = r <= -theta_k, r = up ? r - theta_k : down ? r + theta_k : r.
    """
    firing = equation.firing
    if isinstance(firing, Potential):
        return h, h
    amplitudes, payload_frac = _amplitudes(equation)
    signed = isinstance(firing, Circulate) and firing.signed
    compare = Op.GT if equation.strict else Op.GE
    same = len(set(thresholds)) == 1
    r, payload, fired = h, "", ""
    for k, (theta, amplitude) in enumerate(zip(thresholds, amplitudes, strict=True), 1):
        suffix = "" if len(thresholds) == 1 else str(k)
        if k == 1 or not same:
            name = "threshold" if same else f"threshold{k}"
            threshold = b.param(name, [theta], b.frac(h))
            negative = b.emit(Op.NEG, f"negative_{name}", (threshold,)) if signed else ""
        up = b.emit(compare, f"up{suffix}", (r, threshold))
        down = b.emit(compare, f"down{suffix}", (negative, r)) if signed else ""
        spike = b.emit(Op.SUB, f"spike{suffix}", (up, down)) if signed else up
        term = _scaled(b, spike, amplitude, payload_frac, suffix, amplitudes)
        payload = b.emit(Op.ADD, f"payload{k}", (payload, term)) if payload else term
        if equation.reset == "value":
            now = b.emit(Op.MAX, f"either{suffix}", (up, down)) if signed else up
            fired = b.emit(Op.MAX, f"fired{k}", (fired, now)) if fired else now
        if equation.reset == "subtract" or k < len(thresholds):
            r = _reduced(b, r, up, down, threshold, suffix)
    if equation.reset == "value":
        value = b.param("reset_value", [reset_value], b.frac(h))
        return payload, b.emit(Op.SELECT, "after", (fired, value, h))
    return payload, r if equation.reset == "subtract" else h


def _amplitudes(equation: Neuron) -> tuple[list[int], int]:
    if not isinstance(equation.firing, Circulate):
        return [1], 0
    _, frac = payload_format(equation)
    return [round_half_up(a * 2.0**frac) for a in equation.firing.amplitudes], frac


def _scaled(b: ProgramBuilder, spike: str, amplitude: int, frac: int, suffix: str, amplitudes: list[int]) -> str:
    if frac == 0 and set(amplitudes) == {1}:
        return spike
    return b.emit(Op.MUL, f"term{suffix}", (spike, b.param(f"amplitude{suffix}", [amplitude], frac)))


def _reduced(b: ProgramBuilder, r: str, up: str, down: str, threshold: str, suffix: str) -> str:
    below = r
    if down:
        raised = b.emit(Op.ADD, f"raised{suffix}", (r, threshold))
        below = b.emit(Op.SELECT, f"below{suffix}", (down, raised, r))
    lowered = b.emit(Op.SUB, f"lowered{suffix}", (r, threshold))
    return b.emit(Op.SELECT, f"residual{suffix}", (up, lowered, below))

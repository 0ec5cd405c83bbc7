"""Firing and reset in integers: single or circulate (unrolled), signed or not, strict or not, three resets.

Thresholds that change over the steps follow a state of their own, a counter: n = 0, 1, 2, ..., and stays at the last change.
"""

from __future__ import annotations

from dataclasses import dataclass

from snn2hw.ir.builder import ProgramBuilder
from snn2hw.ir.network import Circulate, Neuron, Potential
from snn2hw.ir.program import Op
from snn2hw.ir.roles import FiringRoles, SpikeRoles, Threshold
from snn2hw.passes.state import round_half_up
from snn2hw.passes.to_integers import spike_value_format


@dataclass(frozen=True)
class Fired:
    """What firing and reset left.

    Args:
        payload, state: names of what leaves and of the state after the reset, of a potential h for both.
        count: name of the next count of the steps, '' where nothing is counted.
        roles: what the values are; None where nothing fires.
    """

    payload: str
    state: str
    count: str = ""
    roles: FiringRoles | None = None


def lower_firing(b: ProgramBuilder, equation: Neuron, h: str, rows: list[list[int]], reset_value: int) -> Fired:
    """Append the firing of h.

    Per spike k of a step: up = r >= theta_k, down = r <= -theta_k, r = up ? r - theta_k : down ? r + theta_k : r. The spike value
    gets amp_k * (up - down); where negative spikes have amplitudes of their own amp_k * up - negative_k * down.

    Args:
        b: the program that is written. equation: says how many spikes a step has, their sign and the reset.
        h: name of the membrane before firing. reset_value: raw, at the binary point of h; read where the
            reset is "value".
        rows: raw thresholds [S][K] of the steps that have their own. Where all are equal nothing is counted.
    """
    firing = equation.firing
    if isinstance(firing, Potential):
        return Fired(h, h)
    amplitudes, negatives, payload_frac = _amplitudes(equation)
    signed = isinstance(firing, Circulate) and firing.signed
    compare = Op.GT if equation.strict else Op.GE
    same = all(len(set(row)) == 1 for row in rows)
    since, counter, count = _counter(b, rows)
    spikes, thresholds = list[SpikeRoles](), list[Threshold]()
    r, payload, fired, zero = h, "", "", ""
    for k, amplitude in enumerate(amplitudes, 1):
        suffix = "" if len(amplitudes) == 1 else str(k)
        if k == 1 or not same:
            name = "threshold" if same else f"threshold{k}"
            threshold, constants = _threshold(b, name, [row[k - 1] for row in rows], since, b.frac(h))
            thresholds += [Threshold(constant, None if same else k - 1, t) for t, constant in constants.items()]
            varies = len(constants) > 1
            negative = b.emit(Op.NEG, f"negative_{name}", (threshold,)) if signed else ""
        up = b.emit(compare, f"up{suffix}", (r, threshold))
        down = b.emit(compare, f"down{suffix}", (negative, r)) if signed else ""
        spike = b.emit(Op.SUB, f"spike{suffix}", (up, down)) if signed and not negatives else up
        factor = _factor(b, amplitude, payload_frac, suffix, amplitudes)
        own = b.param(f"negative_amplitude{suffix}", [negatives[k - 1]], payload_frac) if negatives else None
        term = b.emit(Op.MUL, f"term{suffix}", (up if own else spike, factor)) if factor else up if own else spike
        if own:
            term = b.emit(Op.SUB, f"sent{suffix}", (term, b.emit(Op.MUL, f"negative_term{suffix}", (down, own))))
        spikes.append(SpikeRoles(up, down or None, factor, own))
        payload = b.emit(Op.ADD, f"payload{k}", (payload, term)) if payload else term
        if equation.reset == "value":
            now = b.emit(Op.MAX, f"either{suffix}", (up, down)) if signed else up
            fired = b.emit(Op.MAX, f"fired{k}", (fired, now)) if fired else now
        if equation.reset == "subtract" or k < len(amplitudes):
            if varies and not zero:
                zero = b.emit(Op.CONST, "zero", (), (0,), b.frac(h))
            r = _reduced(b, r, up, down, threshold, zero if varies else "", suffix)
    value = b.param("reset_value", [reset_value], b.frac(h)) if equation.reset == "value" else None
    after = b.emit(Op.SELECT, "after", (fired, value, h)) if value else r if equation.reset == "subtract" else h
    roles = FiringRoles(tuple(spikes), tuple(thresholds), equation.reset, value, counter or None)
    return Fired(payload, after, count, roles)


def _counter(b: ProgramBuilder, rows: list[list[int]]) -> tuple[dict[int, str], str, str]:
    """For every step t at which a threshold changes the flag n >= t; the state that counts, and the count after this step."""
    changes = [t for t in range(1, len(rows)) if rows[t] != rows[t - 1]]
    if not changes:
        return {}, "", ""
    n = b.emit(Op.STATE, "n", (), (0, changes[-1], 0), 0)
    total = b.emit(Op.ADD, "n_sum", (n, b.emit(Op.CONST, "n_one", (), (1,), 0)))
    since = {t: b.emit(Op.GT, f"since{t}", (n, b.emit(Op.CONST, f"before{t}", (), (t - 1,), 0))) for t in changes}
    return since, n, b.emit(Op.CLAMP, "n_after", (total,), (0, changes[-1]))


def _threshold(b: ProgramBuilder, name: str, raw: list[int], since: dict[int, str], frac: int) -> tuple[str, dict[int, str]]:
    """The threshold of a level, and its constants by first step: one for every run of steps with equal thresholds."""
    starts = [t for t in since if raw[t] != raw[t - 1]]
    value = b.param(f"{name}_from0" if starts else name, [raw[0]], frac)
    constants = {0: value}
    for t in starts:
        constants[t] = b.param(f"{name}_from{t}", [raw[t]], frac)
        value = b.emit(Op.SELECT, name if t == starts[-1] else f"{name}_at{t}", (since[t], constants[t], value))
    return value, constants


def _amplitudes(equation: Neuron) -> tuple[list[int], list[int], int]:
    """(those of spikes, those of negative ones where they have their own, their binary point)."""
    firing = equation.firing
    if not isinstance(firing, Circulate):
        return [1], [], 0
    _, frac = spike_value_format(equation)
    raw = [[round_half_up(a * 2.0**frac) for a in given] for given in (firing.amplitudes, firing.negatives)]
    return raw[0], raw[1] if firing.own_negative else [], frac


def _factor(b: ProgramBuilder, amplitude: int, frac: int, suffix: str, amplitudes: list[int]) -> str | None:
    """The constant that a spike is multiplied with; None where all spikes are worth 1."""
    if frac == 0 and set(amplitudes) == {1}:
        return None
    return b.param(f"amplitude{suffix}", [amplitude], frac)


def _reduced(b: ProgramBuilder, r: str, up: str, down: str, threshold: str, zero: str, suffix: str) -> str:
    """r after a spike. r - theta, held to 0 from below, is itself where it is chosen; where theta is a variable that, and not the
    comparison, bounds it for intervals, which know r and theta each by itself."""
    below = r
    if down:
        raised = b.emit(Op.ADD, f"raised{suffix}", (r, threshold))
        raised = b.emit(Op.MIN, f"raised{suffix}_held", (zero, raised)) if zero else raised
        below = b.emit(Op.SELECT, f"below{suffix}", (down, raised, r))
    lowered = b.emit(Op.SUB, f"lowered{suffix}", (r, threshold))
    lowered = b.emit(Op.MAX, f"lowered{suffix}_held", (zero, lowered)) if zero else lowered
    return b.emit(Op.SELECT, f"residual{suffix}", (up, lowered, below))

"""How far P(u) and the synaptic sum are from the real numbers that they were lowered from: every value is tried."""

from __future__ import annotations

from typing import Any

from snn2hw.certificate.engine import Error
from snn2hw.ir.integer import IntNeuron

DIGITS = 6  # of an error in units of the state


def reals(node: IntNeuron, channel: int) -> dict[str, tuple[str, list[float], float]]:
    """What two values of the program stand for, in units of the state."""
    meaning, program, roles = node.meaning, node.program, node.program.roles
    if meaning is None or roles is None:
        return {}
    polynomial, entering = roles.polynomial, roles.entering
    row = meaning.coefficients[channel if len(meaning.coefficients) > 1 else 0]
    factor = meaning.input_factor[channel if len(meaning.input_factor) > 1 else 0]
    lsb, raw, head = (2.0 ** -program.by_name[v].format.frac for v in (polynomial.argument, program.input.name, entering))
    return {
        polynomial.argument: (polynomial.value, [a / lsb for a in row], lsb),
        program.input.name: (entering, [0.0, factor / head], raw),
    }


def polynomial_errors(
    node: IntNeuron, errors: dict[str, tuple[Error, int]], worst: dict[str, dict[int, float]]
) -> dict[str, Any]:
    """Worst distance from the real numbers, in units of the state, with the place where it occurs, and of every channel.

    Args:
        node: the layer. errors: by variable, the largest error and its channel.
        worst: by variable, the largest error of each channel that was tried.
    """
    roles = node.program.roles
    if node.meaning is None or roles is None:
        return {}
    named = {"polynomial": roles.polynomial.argument, "input": node.program.input.name}
    return {what: _error_claim(*errors[v], worst[v]) for what, v in named.items() if v in errors}


def _error_claim(error: Error, channel: int, each: dict[int, float]) -> dict[str, Any]:
    signed = [round(error.low, DIGITS), round(error.high, DIGITS)]
    channels = {str(c): round(e, DIGITS) for c, e in each.items()}
    return {"state_lsb": round(error.error, DIGITS), "at": error.at, "channel": channel, "signed": signed, "channels": channels}

"""The form of an equation in JSON: what an artefact holds of a neuron that a user wrote.

    equation = {"kind": NAME, "states": [state, ...], "terms": [term, ...], "output": PLACE, "updates": [PLACE, ...],
                "parameters": [NAME, ...]}
    state    = {"name": NAME, "range": [lo, hi], "initial": NUMBER, "saturates": true | false}
    term     = {"op": OP, "args": [PLACE, ...], ATTRIBUTE: value, ...}              attributes as `equation.ROWS` names them

The lines in which terms were written are not part of what they mean and are left out. Numbers are floats that JSON writes and
reads without loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeVar

from snn2hw.neurons.equation import ROWS, Attr, Equation, Op, State, Term, problems

_Kind = TypeVar("_Kind")
_OPS = {op.value: op for op in Op}


def to_document(equation: Equation) -> dict[str, Any]:
    """The equation as plain dictionaries and lists, for JSON."""
    return {
        "kind": equation.kind,
        "states": [_state(s) for s in equation.states],
        "terms": [_term(t) for t in equation.terms],
        "output": equation.output,
        "updates": list(equation.updates),
        "parameters": list(equation.parameters),
    }


def _state(state: State) -> dict[str, Any]:
    ends = [float(end) for end in state.range]
    return {"name": state.name, "range": ends, "initial": float(state.initial), "saturates": state.saturates}


def _term(term: Term) -> dict[str, Any]:
    attrs = {name: value for (name, _), value in zip(ROWS[term.op].attrs, term.attrs, strict=True)}
    return {"op": term.op.value, "args": list(term.args), **attrs}


def from_document(said: Any) -> Equation:
    """Inverse of `to_document`.

    Raises:
        ValueError: a field that is missing, unknown or of another type, or an equation that is none.
    """
    kind, states, terms, output, updates, parameters = _fields(
        said, {"kind": str, "states": list, "terms": list, "output": int, "updates": list, "parameters": list}
    )
    read = Equation(
        kind,
        tuple(map(_read_state, states)),
        tuple(map(_read_term, terms)),
        output,
        tuple(_is(int, u, "updates") for u in updates),
        tuple(_is(str, p, "parameters") for p in parameters),
    )
    for wrong in [*problems(read), *_sizes(read)]:
        raise ValueError(wrong)
    return read


def _sizes(equation: Equation) -> Iterator[str]:
    """What `problems` takes for granted of an equation that a user traced."""
    for s in equation.states:
        if not s.range[0] < s.range[1]:
            yield f"the state {s.name!r} has the range {s.range}"
    if any(t.op is Op.POLYNOMIAL and len(t.args) < 2 for t in equation.terms):
        yield "a polynomial has no coefficients"


def _read_state(said: Any) -> State:
    name, ends, initial, saturates = _fields(said, {"name": str, "range": list, "initial": float, "saturates": bool})
    if len(ends) != 2:
        raise ValueError(f"'range' has {len(ends)} values, expected 2")
    lo, hi = (_is(float, end, "range") for end in ends)
    return State(name, (lo, hi), initial, saturates)


def _read_term(said: Any) -> Term:
    op = _OPS.get(str(said.get("op"))) if isinstance(said, dict) else None
    if op is None:
        raise ValueError(f"unknown term {str(said)[:60]}")
    _, args, *attrs = _fields(said, {"op": str, "args": list, **dict(ROWS[op].attrs)})
    read: list[Attr] = attrs
    return Term(op, tuple(_is(int, a, "args") for a in args), tuple(read))


def _fields(said: Any, kinds: dict[str, type]) -> list[Any]:
    """The values of an object that has these fields and no others."""
    if not isinstance(said, dict) or list(said) != list(kinds):
        got = ", ".join(said) if isinstance(said, dict) else type(said).__name__
        raise ValueError(f"an object with the fields {got[:80]}, expected {', '.join(kinds)}")
    return [_is(kind, said[name], name) for name, kind in kinds.items()]


def _is(kind: type[_Kind], said: Any, key: str) -> _Kind:
    if type(said) is not kind or (isinstance(said, float) and not math.isfinite(said)):
        raise ValueError(f"'{key}' is {str(said)[:40]!r}, expected {kind.__name__}")
    return said

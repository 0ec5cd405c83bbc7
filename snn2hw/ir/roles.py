"""What the values of a neuron program are to the neuron: its membrane, thresholds, coefficients, spikes.

The lowering writes the roles. Certificate, checker, quantisation-aware training, NIR export and plots read them; none of
them looks at the name of a value. A program that was integers from the start has none.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class PolynomialRoles:
    """The values that evaluate P(u) = sum_i a_i u**i, in powers of v = u - centre.

    Args:
        argument: u. value: P(u), the argument itself where P(u) = u.
        coefficients: the constant that is added at degree i, None where there is none; empty where P(u) = u.
        centre: the constant that is taken from u first, None for 0.
    """

    argument: str
    value: str
    coefficients: tuple[str | None, ...] = ()
    centre: str | None = None


@dataclass(frozen=True)
class Threshold:
    """A constant that the membrane is compared with.

    Args:
        level: of which spike of a step, counted from 0; None where it is that of all.
        since: the first step for which it holds, until another one of the same level does.
    """

    constant: str
    level: int | None = None
    since: int = 0


@dataclass(frozen=True)
class SpikeRoles:
    """One spike of a step.

    Args:
        up: the flag [r >= theta], or [r > theta]. down: the flag [r <= -theta], None where nothing fires negative.
        amplitude: the constant that the spike is multiplied with, None for 1.
        negative: the constant that a negative spike is multiplied with, where it has one of its own.
    """

    up: str
    down: str | None = None
    amplitude: str | None = None
    negative: str | None = field(default=None, metadata={"unsaid": True})


@dataclass(frozen=True)
class FiringRoles:
    """Firing and reset of the membrane.

    Args:
        spikes: of a step, in order. reset: subtract, value or none. reset_value: its constant.
        counter: the state that counts the steps, where thresholds change over them.
    """

    spikes: tuple[SpikeRoles, ...]
    thresholds: tuple[Threshold, ...]
    reset: str
    reset_value: str | None = None
    counter: str | None = None


@dataclass(frozen=True)
class Roles:
    """What the values of one program are.

    Args:
        state: the membrane potential before the step. membrane: h, what is compared with the thresholds.
        entering: the synaptic sum at the binary point of the state or of the synaptic current.
        firing: None where nothing fires, and the membrane itself leaves.
    """

    state: str
    membrane: str
    entering: str
    polynomial: PolynomialRoles
    firing: FiringRoles | None = None


def named(roles: Roles) -> Iterator[tuple[str, str]]:
    """(role in words, value) of every value that has a role; one value may have several."""
    p, firing = roles.polynomial, roles.firing
    said: list[tuple[str, str | None]] = [
        ("state", roles.state),
        ("membrane", roles.membrane),
        ("synaptic input", roles.entering),
    ]
    said += [("argument of P", p.argument), ("P", p.value), ("centre of P", p.centre)]
    said += [(f"coefficient {degree}", name) for degree, name in enumerate(p.coefficients)]
    if firing is not None:
        for k, spike in enumerate(firing.spikes, 1):
            n = f" {k}" if len(firing.spikes) > 1 else ""
            said += [(f"spike{n}", spike.up), (f"negative spike{n}", spike.down), (f"amplitude{n}", spike.amplitude)]
            said += [(f"amplitude of a negative spike{n}", spike.negative)]
        for t in firing.thresholds:
            of, since = "" if t.level is None else f" {t.level + 1}", f" from step {t.since}" if t.since else ""
            said.append((f"threshold{of}{since}", t.constant))
        said += [("reset value", firing.reset_value), ("counter of steps", firing.counter)]
    yield from ((role, value) for role, value in said if value is not None)


def to_document(roles: Roles) -> dict[str, Any]:
    """The roles as plain dictionaries and tuples, for JSON."""
    said: dict[str, Any] = _said(roles)
    return said


def _said(value: Any) -> Any:
    """A value for JSON; fields that are marked so are left out where they are as they usually are."""
    if isinstance(value, tuple):
        return tuple(map(_said, value))
    if not dataclasses.is_dataclass(value):
        return value
    fields = {f.name: (f, getattr(value, f.name)) for f in dataclasses.fields(value)}
    return {name: _said(v) for name, (f, v) in fields.items() if v != f.default or not f.metadata.get("unsaid")}


def from_document(said: Any) -> Roles:
    """Inverse of `to_document`.

    Raises:
        ValueError: a field that is missing, unknown or of another type.
    """
    roles = _read(Roles, said, "roles")
    assert isinstance(roles, Roles)
    return roles


@cache
def _types(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


def _read(kind: Any, said: Any, key: str) -> Any:
    """A value of this type; lists are tuples, dictionaries the dataclass that is asked for."""
    origin = get_origin(kind)
    if origin is types.UnionType:  # of a type and None
        return None if said is None else _read(get_args(kind)[0], said, key)
    if origin is tuple:
        return tuple(_read(get_args(kind)[0], v, key) for v in _is(list, said, key))
    if not dataclasses.is_dataclass(kind):
        return _is(kind, said, key)
    assert isinstance(kind, type)
    fields = _types(kind)
    optional = {f.name for f in dataclasses.fields(kind) if f.metadata.get("unsaid")}
    if not set(fields) - optional <= set(_is(dict, said, key)) <= set(fields):
        raise ValueError(f"'{key}' has the fields {', '.join(said)}, expected {', '.join(fields)}")
    made: Any = kind
    return made(**{name: _read(fields[name], said[name], name) for name in said})


def _is(kind: type, said: Any, key: str) -> Any:
    if type(said) is not kind:
        raise ValueError(f"'{key}' is {type(said).__name__}, expected {kind.__name__}")
    return said

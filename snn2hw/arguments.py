"""What a neuron's constructor accepts: checks that return the value they accepted, and the words and bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import numpy as np

from snn2hw.errors import UsageError, ValueRangeError

RESETS = ("subtract", "value", "none")
ORDERS = ("poly_then_input", "input_then_poly")
MAX_DEGREE = 5
MAX_LEVELS = 16
MAX_FACTORS = 1 << 12  # of thresholds that depend on the step: every one of them is tried for the certificate


def finite(name: str, value: float, where: str) -> float:
    """A finite number, as float.

    Args:
        name: of the argument, value: what was given, where: whose argument it is; names are for messages.

    Raises:
        UsageError: not a number. ValueRangeError: NaN or infinite.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise UsageError(
            f"{name} is not a number", where=where, got=repr(value), expected="a number", do=f"pass {name} as a float"
        )
    if not math.isfinite(value):
        raise ValueRangeError(
            f"{name} is not finite", where=where, got=repr(value), expected="a finite number", do=f"choose a finite {name}"
        )
    return float(value)


def positive(name: str, value: float, where: str) -> float:
    """A finite number > 0, as float.

    Arguments as `finite`.

    Raises:
        UsageError: not a number. ValueRangeError: NaN, infinite, zero or negative.
    """
    number = finite(name, value, where)
    if number <= 0:
        raise ValueRangeError(
            f"{name} is not positive", where=where, got=repr(value), expected=f"{name} > 0", do=f"choose a positive {name}"
        )
    return number


def between(name: str, value: float, lo: float, hi: float, where: str, *, inclusive: bool = True) -> float:
    """A number in [lo, hi], or in (lo, hi) where not inclusive, as float.

    Arguments as `finite`; lo and hi are the bounds.

    Raises:
        UsageError: not a number. ValueRangeError: NaN, infinite or outside.
    """
    number = finite(name, value, where)
    if not (lo <= number <= hi if inclusive else lo < number < hi):
        bounds = f"[{lo:g}, {hi:g}]" if inclusive else f"({lo:g}, {hi:g})"
        raise ValueRangeError(
            f"{name} is out of range",
            where=where,
            got=repr(value),
            expected=f"{name} in {bounds}",
            do=f"choose a {name} in {bounds}",
        )
    return number


def whole(name: str, value: int, lo: int, hi: int | None, where: str) -> int:
    """An int in lo..hi, or at least lo where hi is None.

    Arguments as `finite`.

    Raises:
        UsageError: not an int. ValueRangeError: outside.
    """
    span = f"{lo}..{hi}" if hi is not None else f"at least {lo}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(
            f"{name} is not a whole number", where=where, got=repr(value), expected=f"an int, {span}", do=f"pass {name} as an int"
        )
    if value < lo or (hi is not None and value > hi):
        raise ValueRangeError(
            f"{name} is out of range", where=where, got=repr(value), expected=f"{name} {span}", do=f"choose {name} {span}"
        )
    return value


def switch(name: str, value: bool, where: str) -> bool:
    """True or False. Whatever else has a truth value is refused: "no" and "False" would count as True.

    Arguments as `finite`.

    Raises:
        UsageError: something else.
    """
    if not isinstance(value, bool | np.bool_):
        raise UsageError(
            f"{name} is neither True nor False",
            where=where,
            got=repr(value),
            expected="True or False",
            do=f"pass {name} as True or False, not as text or a number",
        )
    return bool(value)


def one_of(name: str, value: str, known: Sequence[str], where: str) -> str:
    """One of the known words.

    Arguments as `finite`; `known` are all words that there are.

    Raises:
        UsageError: any other.
    """
    if value not in known:
        words = ", ".join(repr(k) for k in known)
        raise UsageError(
            f"unknown {name}", where=where, got=repr(value), expected=f"one of {words}", do=f"pass {name} as one of these"
        )
    return value


def multiple(name: str, value: int, of: int, where: str) -> int:
    """The value if it is a positive multiple of `of`.

    Arguments as `finite`.

    Raises:
        UsageError, ValueRangeError: not an integer; smaller, or no multiple.
    """
    if whole(name, value, of, None, where) % of:
        raise ValueRangeError(
            f"{name} is no multiple of {of}", where=where, got=str(value), expected=f"{of}, {2 * of}, ...",
            do=f"pass {value - value % of} or {value - value % of + of}",
        )  # fmt: skip
    return value


def interval(name: str, value: Sequence[float], where: str) -> tuple[float, float]:
    """(lo, hi) with lo <= 0 <= hi and lo < hi, as floats.

    Arguments as `finite`.

    Raises:
        UsageError: not two numbers. ValueRangeError: not finite, empty, or without 0 in it.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise UsageError(
            f"{name} is not a pair", where=where, got=repr(value), expected="(lo, hi)", do=f"pass {name} as a tuple of two floats"
        )
    lo, hi = (finite(name, bound, where) for bound in value)
    if not lo <= 0 <= hi or lo == hi:
        raise ValueRangeError(
            f"{name} does not hold the initial state",
            where=where,
            got=repr(value),
            expected="lo <= 0 <= hi and lo < hi",
            do="choose a range around 0, where every state starts",
        )
    return lo, hi


def schedule(name: str, values: Sequence[float], length: int, where: str) -> tuple[float, ...]:
    """One finite number per firing level, as floats.

    Arguments as `finite`; `length` is the number of firing levels.

    Raises:
        UsageError: not a sequence of `length` numbers. ValueRangeError: NaN or infinite.
    """
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != length:
        raise UsageError(
            f"{name} does not have one entry per level",
            where=where,
            got=repr(values),
            expected=f"{length} numbers",
            do=f"pass {name} as a tuple of length levels={length}",
        )
    return tuple(finite(f"{name}[{k}]", v, where) for k, v in enumerate(values))


def factors(name: str, values: Sequence[float], where: str) -> tuple[float, ...]:
    """One positive number per step, for one step at least, as floats.

    Arguments as `finite`.

    Raises:
        UsageError: not a sequence of numbers, an empty one or one of more than 4096. ValueRangeError: NaN, infinite, zero or
            negative.
    """
    if not isinstance(values, Sequence) or isinstance(values, str) or not 0 < len(values) <= MAX_FACTORS:
        raise UsageError(
            f"{name} does not have one entry per step",
            where=where,
            got=f"{len(values)} entries" if isinstance(values, Sequence) and len(values) > MAX_FACTORS else repr(values),
            expected=f"one number at least, {MAX_FACTORS} at most; the last one stays",
            do=f"pass {name} as a tuple of factors, the first of them for the first step",
        )
    return tuple(positive(f"{name}[{t}]", v, where) for t, v in enumerate(values))

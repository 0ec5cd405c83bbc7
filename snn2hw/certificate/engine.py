"""Trying every value of a variable: in C where there is a compiler, in NumPy where there is none. Same integers, same floats."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snn2hw.certificate.slices import Slice
from snn2hw.errors import ExecutorUnavailableError
from snn2hw.ir.evaluate import evaluate
from snn2hw.ir.program import Instruction, Op, Program, values_of
from snn2hw.native.c_ops import EXPRESSIONS
from snn2hw.native.compiler import COMPILER_VARIABLE, compiler, library
from snn2hw.native.templates import fragment
from snn2hw.num import Interval

TEMPLATES = Path(__file__).parent / "templates"
CHUNK = 1 << 16
NATIVE_FROM = 1 << 18  # values to try; below, compiling takes longer than NumPy

Progress = Callable[[int], None]  # values tried since the last call


@dataclass(frozen=True)
class Error:
    """value - polynomial, in units of the value: largest magnitude, the first place where it occurs, lowest and highest."""

    error: float
    at: int
    low: float
    high: float


@dataclass(frozen=True)
class Found:
    """What trying every value gave.

    Args:
        ranges: exact range of every instruction of the slice.
        error: of the polynomial, where one was asked for.
    """

    ranges: Mapping[str, Interval]
    error: Error | None


def enumerate_slice(
    part: Slice,
    held: Interval,
    watched: str = "",
    polynomial: Sequence[float] = (),
    step: float = 1.0,
    progress: Progress | None = None,
) -> Found:
    """Try every integer of `held` for the variable of one channel's slice.

    Args:
        part: the variable and what depends on it alone. progress: called with the values tried since the last call.
        watched: an instruction to compare with sum_i polynomial[i] * (variable * step)**i, taken in float64.
    """
    if held.hi - held.lo + 1 >= NATIVE_FROM and compiler() is not None:
        try:
            return _native(part, held, watched, polynomial, step, progress)
        except ExecutorUnavailableError:  # one that merely lies about and fails is none; one that was asked for is an error
            if COMPILER_VARIABLE in os.environ:
                raise
    return _numpy(part, held, watched, polynomial, step, progress)


def first_place(part: Slice, held: Interval, name: str, value: int) -> int:
    """The lowest value of the variable for which an instruction of the slice has this value.

    Args:
        part: the variable and what depends on it alone. held: raw integers of the variable.
        name: of the instruction, which has this `value` somewhere.
    """
    program = Program("slice", (part.variable, *part.instructions))
    for start in range(held.lo, held.hi + 1, CHUNK):
        raw = np.arange(start, min(start + CHUNK, held.hi + 1), dtype=np.int64)
        hits = np.flatnonzero(_values(program, part.variable.name, raw)[name] == value)
        if len(hits):
            return int(raw[hits[0]])
    raise AssertionError(f"{name} never is {value}")


def _numpy(
    part: Slice, held: Interval, watched: str, polynomial: Sequence[float], step: float, progress: Progress | None
) -> Found:
    ranges: dict[str, Interval] = {}
    worst: Error | None = None
    program = Program("slice", (part.variable, *part.instructions))
    for start in range(held.lo, held.hi + 1, CHUNK):
        raw = np.arange(start, min(start + CHUNK, held.hi + 1), dtype=np.int64)
        values = _values(program, part.variable.name, raw)
        for i in part.instructions:
            seen = Interval(int(np.min(values[i.name])), int(np.max(values[i.name])))
            ranges[i.name] = ranges[i.name].hull(seen) if i.name in ranges else seen
        if watched:
            values[part.variable.name] = raw
            signed = values[watched] - _horner(polynomial, raw.astype(np.float64) * step)
            at = int(np.abs(signed).argmax())
            new = Error(float(abs(signed[at])), int(raw[at]), float(signed.min()), float(signed.max()))
            worst = new if worst is None else wider(worst, new)
        if progress is not None:
            progress(len(raw))
    return Found(ranges, worst)


def wider(old: Error, new: Error) -> Error:
    """Both, the old one first."""
    larger = new if new.error > old.error else old
    return Error(larger.error, larger.at, min(old.low, new.low), max(old.high, new.high))


def _values(
    program: Program, variable: str, raw: np.ndarray[tuple[int, ...], np.dtype[np.int64]]
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    first, rest = program.instructions[0], program.instructions[1:]
    start = Instruction(first.name, Op.STATE, (), (0, 0, 0), first.format)
    return evaluate(Program(program.kind, (start, *rest)), lambda i: raw if i.name == variable else np.int64(values_of(i)[0]))


def _horner(
    coefficients: Sequence[float], x: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    y = np.full_like(x, coefficients[-1])
    for a in coefficients[-2::-1]:
        y = y * x + a
    return y


def _native(
    part: Slice, held: Interval, watched: str, polynomial: Sequence[float], step: float, progress: Progress | None
) -> Found:
    run = library(c_source(part, watched, len(polynomial))).run
    run.restype = None
    n = len(part.instructions)
    coefficients = (ctypes.c_double * max(len(polynomial), 1))(*polynomial)
    constants = [values_of(i)[0] for i in part.instructions if i.op is Op.PARAM]
    params = (ctypes.c_int64 * max(len(constants), 1))(*constants)
    lows, highs = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    at, ends = ctypes.c_int64(held.lo), (ctypes.c_double * 3)(-1.0, np.inf, -np.inf)
    for start in range(held.lo, held.hi + 1, 1 << 20):
        end = min(start + (1 << 20) - 1, held.hi)
        run(
            ctypes.c_int64(start), ctypes.c_int64(end), params, coefficients, ctypes.c_double(step),
            lows.ctypes.data_as(ctypes.c_void_p), highs.ctypes.data_as(ctypes.c_void_p), ctypes.byref(at), ends,
        )  # fmt: skip
        if progress is not None:
            progress(end - start + 1)
    ranges = {i.name: Interval(int(lo), int(hi)) for i, lo, hi in zip(part.instructions, lows, highs, strict=True)}
    return Found(ranges, Error(ends[0], at.value, ends[1], ends[2]) if watched else None)


def c_source(part: Slice, watched: str, terms: int) -> str:
    """C that tries every value from lo to hi. Constants are arguments, so that channels share one library.

    Args:
        part: the variable and what depends on it alone. watched: name of the value that is compared with a
            polynomial, '' for none.
        terms: how many coefficients that has.
    """
    names = {part.variable.name: "v0"} | {i.name: f"v{n}" for n, i in enumerate(part.instructions, 1)}
    lines = []
    params = 0
    for i in part.instructions:
        if i.op is Op.PARAM:
            lines.append(f"        const int64_t {names[i.name]} = p[{params}];")
            params += 1
        else:
            lines.append(f"        const int64_t {names[i.name]} = {EXPRESSIONS[i.op](i, [names[a] for a in i.args], 64)};")
    numbers = range(len(part.instructions))
    track = [f"        l{n} = v{n + 1} < l{n} ? v{n + 1} : l{n}; h{n} = v{n + 1} > h{n} ? v{n + 1} : h{n};" for n in numbers]
    body, compare = "\n".join(lines), ""
    if watched:
        horner = "\n".join(f"        y = y * x + c[{k}];" for k in range(terms - 2, -1, -1))
        compare = fragment(TEMPLATES / "compare.c", statements=body, degree=terms - 1, horner=horner, watched=names[watched])
    text = fragment(
        TEMPLATES / "enumerate.c",
        before=" ".join(f"int64_t l{n} = low[{n}], h{n} = high[{n}];" for n in numbers),
        statements=body,
        tracked="\n".join(track),
        after=" ".join(f"low[{n}] = l{n}; high[{n}] = h{n};" for n in numbers),
        compared=compare,
    )
    return f"{text}\n"

"""The gate: what numbers from outside must be before anything counts with them. Every way into an executor passes it.

numbers   -> an array of real numbers           (samples, before they are encoded)
integers  -> int64, with not one value changed  (traces)
payloads  -> int64 [T, N, ...] within the network's declared range
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ShapeError, UsageError, ValueRangeError

Array: TypeAlias = "npt.NDArray[Any]"
Ints: TypeAlias = "npt.NDArray[np.int64]"

MOST_STEPS = 1 << 16  # of a sample: 4 seconds at 16 kHz; every step is kept in the vectors of an artefact
NESTED = 64  # lists within lists: the axes that NumPy has
_EXACT = ("torch.float16", "torch.float32", "torch.float64")  # NumPy's own; every narrower float is exact in float32


def numbers(values: Any, where: str = "samples") -> Array:
    """Values as an array of real numbers, of the type that they have; torch tensors on any device are copied over.

    A sparse tensor becomes dense, bfloat16 and 8-bit floats float32: no value changes.

    Raises:
        ValueRangeError: something else than numbers, or numbers of which some are masked.
    """
    values = _of_tensor(values, where) if hasattr(values, "detach") else values
    if hidden := _masked(values):
        raise ValueRangeError(
            "some of the values are masked",
            where=where,
            got=f"{hidden} of them",
            expected="an array in which every value counts",
            do="say what stands in the place of masked values: x.filled(0)",
        )
    try:
        x = np.asarray(values)
    except (ValueError, TypeError, RuntimeError, AttributeError, OverflowError) as error:
        raise _no_numbers(where, _first_line(error)) from error
    if x.dtype.kind not in "iufb":
        raise _no_numbers(where, f"dtype {x.dtype}")
    return x


def integers(values: Any, where: str) -> Ints:
    """Integers of any type as int64; not one value changes.

    Raises:
        ValueRangeError: floats, booleans, or an integer beyond int64.
    """
    x = numbers(values, where)
    if x.dtype.kind not in "iu":
        raise ValueRangeError(
            "these values are no integers",
            where=where,
            got=f"dtype {x.dtype}",
            expected="integers, such as int64",
            do="give integers; real samples go to snn2hw.simulate, which encodes them",
        )
    if x.dtype.kind == "u" and x.size and int(x.max()) > np.iinfo(np.int64).max:
        raise ValueRangeError(
            "an integer is too large for int64",
            where=where,
            got=str(x.max()),
            expected=f"at most {np.iinfo(np.int64).max}",
            do="store signed integers; this one may be a negative number in an unsigned type",
        )
    return x.astype(np.int64, copy=False)


def payloads(values: Any, *, steps: int, shape: Sequence[int], lo: int, hi: int, where: str) -> Ints:
    """Spike values [T, N, ...] of a network's input as int64.

    Args:
        values: what was given. where: what they are called in messages.
        steps: T. shape: of one sample at one step. lo, hi: the declared range, both ends in it.

    Raises:
        ShapeError: another shape or number of steps, or no sample. ValueRangeError: no integers, or some outside the range.
    """
    x = numbers(values, where)
    expected = f"[T = {steps}, N, {', '.join(map(str, shape))}]"
    if x.ndim != len(shape) + 2 or x.shape[2:] != tuple(shape):
        raise ShapeError(
            "the spike values have another shape than the network's input",
            where=where,
            got=str(list(x.shape)),
            expected=expected,
            do="give integers with the steps first, then the samples",
        )
    if x.shape[0] != steps:
        raise ShapeError(
            "the spike values have another number of steps than the network",
            where=where,
            got=f"T = {x.shape[0]}: {list(x.shape)}",
            expected=expected,
            do=f"give all {steps} steps of every sample, or compile the network for {x.shape[0]}",
        )
    if x.shape[1] == 0:
        raise ShapeError(
            "there are no samples", where=where, got=str(list(x.shape)), expected=expected, do="give at least one sample"
        )
    x = integers(x, where)
    if x.min() < lo or x.max() > hi:
        raise ValueRangeError(
            "the spike values are outside the network's declared range",
            where=where,
            got=f"{x.min()} to {x.max()}",
            expected=f"{lo} to {hi}",
            do="give integers within it, or compile with a sample that covers them; snn2hw.simulate encodes real samples",
        )
    return x


def step_count(steps: Any, where: str = "steps") -> int:
    """T, a whole number of steps from 1 to 2**16.

    Raises:
        UsageError: no whole number, or less than one. ValueRangeError: more than a sample may have.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UsageError(
            "steps is no number of steps",
            where=where,
            got=repr(steps),
            expected="1, 2, 3, ...; none for temporal samples [T, N, ...]",
            do="give steps=T (--steps T): how often a static sample is shown",
        )
    if steps > MOST_STEPS:
        raise ValueRangeError(
            "a sample has too many steps",
            where=where,
            got=f"{steps:,}",
            expected=f"at most {MOST_STEPS:,}",
            do="show a sample fewer times; most networks were trained with 4 to 100 steps",
        )
    return steps


def _of_tensor(tensor: Any, where: str) -> Any:
    """A torch tensor as NumPy's array. Nothing of torch is imported: who has a tensor has torch."""
    if getattr(tensor, "is_quantized", False):
        raise _no_numbers(where, "a quantised tensor", "dequantise it: x.dequantize()")
    if getattr(tensor, "is_meta", False):
        raise _no_numbers(where, "a tensor on the device 'meta', which holds no values", "give a tensor with values")
    try:
        plain = tensor.detach()
        plain = plain if str(plain.layout) == "torch.strided" else plain.to_dense()
        plain = plain.cpu().resolve_conj().resolve_neg()
        if plain.is_floating_point() and str(plain.dtype) not in _EXACT:
            plain = plain.float()
        return plain.numpy()
    except (TypeError, RuntimeError, AttributeError, ValueError) as error:
        raise _no_numbers(where, _first_line(error)) from error


def _masked(values: Any, depth: int = 0) -> int:
    """How many values are masked: NumPy would drop the masks without a word."""
    if isinstance(values, np.ma.MaskedArray):
        return int(np.ma.getmaskarray(values).sum())
    return sum(_masked(v, depth + 1) for v in values) if isinstance(values, list | tuple) and depth < NESTED else 0


def _no_numbers(where: str, got: str, do: str = "convert it to float or integer numbers") -> ValueRangeError:
    return ValueRangeError(
        "this is no array of numbers", where=where, got=got, expected="an array or tensor of floats or integers", do=do
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

"""What the sample says of the input: its shape, whether it is static, and how its values become integers."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import ShapeError, ValueRangeError
from snn2hw.files.stored import Stored, pieces
from snn2hw.gate import numbers, step_count
from snn2hw.ir.network import Input

MAX_COUNT = 255


def samples_array(sample: Any) -> npt.NDArray[Any]:
    """Samples as a NumPy array, of the type that they have; `snn2hw.gate` says what is admitted.

    Raises:
        ValueRangeError: no numbers, or masked ones.
    """
    return numbers(sample, "samples")


def stored_or_array(sample: Any) -> Any:
    """The same, but that samples of several files, or of a Zarr array (`snn2hw.files.stored`), stay where they are."""
    return sample if isinstance(sample, Stored) else samples_array(sample)


def input_node(
    sample: Any, steps: int | None, input_range: tuple[float, float] | None, where: str = "sample"
) -> tuple[Input, int]:
    """(Input, T) for samples [N, ...] shown `steps` times, or [T, N, ...] when steps is None.

    Values are 8-bit quantised over `input_range`, by default [0, 1]. Whole numbers in a temporal sample are event counts,
    which become spike values as they are, up to the next 2**k - 1 above the largest seen.

    Args:
        sample, steps, input_range: as above. where: what an error calls the sample.

    Raises:
        ShapeError: no sample, or too few axes. ValueRangeError: NaN, Inf, values outside the range, or too many steps.
        UsageError: steps is no whole number >= 1.
    """
    x = stored_or_array(sample)
    if steps is not None:
        step_count(steps)
    lead = 1 if steps is not None else 2
    if x.ndim <= lead or 0 in x.shape:
        raise ShapeError(
            "the sample has too few axes, or is empty",
            where=where,
            got=str(list(x.shape)),
            expected="[N, ...] with steps, [T, N, ...] without",
            do="give steps=T (--steps T) where it is [N, ...], static samples to be shown T times"
            if steps is None and x.ndim > 1 and x.size
            else "give at least one sample, with its batch axis",
        )
    seen = _Seen()
    for piece in pieces(x):
        seen.add(piece)
    if seen.other:
        raise ValueRangeError(
            "the sample holds NaN or Inf",
            where=where,
            got=f"{seen.other} of {prod(x.shape)} values",
            expected="finite numbers",
            do="clean the data",
        )
    lo, hi, counts = _range(seen, steps, input_range, where)
    shape = tuple(int(n) for n in x.shape[lead:])
    source = Input("input", (), shape, lo=lo, hi=hi, static=steps is not None, counts=counts, source="input")
    return source, steps if steps is not None else int(x.shape[0])


@dataclass
class _Seen:
    """What the values of a sample are: how many no finite number, the least and the largest; whether all are whole."""

    other: int = 0
    least: float = inf
    most: float = -inf
    whole: bool = True

    def add(self, x: npt.NDArray[Any]) -> None:
        least, most = float(x.min()), float(x.max())  # of which one is no finite number where any value is none
        if not (isfinite(least) and isfinite(most)):
            self.other += x.size - int(np.count_nonzero(np.isfinite(x)))
        self.least, self.most = min(self.least, least), max(self.most, most)
        self.whole = self.whole and (x.dtype.kind in "iub" or bool((x == np.round(x)).all()))


def _range(x: _Seen, steps: int | None, given: tuple[float, float] | None, where: str) -> tuple[float, float, bool]:
    least, most = x.least, x.most
    if given is None and steps is None and x.whole:
        return _count_range(least, most, where)
    try:
        lo, hi = (0.0, 1.0) if given is None else map(float, given)
    except (TypeError, ValueError):
        lo = hi = np.nan
    if not (np.isfinite(lo) and np.isfinite(hi) and lo < hi and hi > 0):
        raise ValueRangeError(
            "input_range is no range",
            got=str(given),
            expected="(lo, hi) with lo < hi and hi > 0",
            do="give the least and the greatest value that can enter, as input_range=(0, 1)",
        )
    if least < lo or most > hi:
        raise ValueRangeError(
            "the sample is outside its declared range",
            where=where,
            got=f"{least:g} to {most:g}",
            expected=f"{lo:g} to {hi:g}",
            do="scale the samples, or give input_range=(lo, hi)",
        )
    return lo, hi, False


def _count_range(least: float, most: float, where: str) -> tuple[float, float, bool]:
    if most > MAX_COUNT or least < -MAX_COUNT:
        raise ValueRangeError(
            "the event counts do not fit 8 bits",
            where=where,
            got=f"{least:g} to {most:g}",
            expected=f"up to {MAX_COUNT}",
            do="use shorter time bins, or give input_range=(lo, hi) to have the values quantised",
        )
    top = float(2 ** max(int(most), int(-least), 1).bit_length() - 1)
    return (-top if least < 0 else 0.0), top, True

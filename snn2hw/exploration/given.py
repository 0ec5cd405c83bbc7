"""What an exploration, or a budget, is given, as it works with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import UsageError, ValueRangeError
from snn2hw.evaluation import chosen_outputs, truth_of
from snn2hw.formats.sample import input_node, stored_or_array
from snn2hw.ir.encode import check_shape
from snn2hw.ir.layout import TN, read_as
from snn2hw.ir.network import Input, Network
from snn2hw.tracing import Ours, as_ours, trace_model
from snn2hw.verification.accuracy import Truth

CALIBRATED = 256  # samples of those that are measured, where none are given to calibrate on


@dataclass(frozen=True, eq=False)
class Explored:
    """A float network, and labelled samples.

    Args:
        network: in floats. x: the samples as it takes them, counted along `axis`. truth: of their labels.
        sample: what it is calibrated on. model: what was given, as a model of ours. steps: T, where samples have no steps.
        said: the layout in which samples were given; None where nobody said.
    """

    network: Network
    x: npt.NDArray[Any]
    axis: int
    truth: Truth
    sample: npt.NDArray[Any]
    model: Any
    steps: int | None
    said: str | None

    @property
    def total(self) -> int:
        """How many samples there are."""
        return int(self.x.shape[self.axis])

    @property
    def layout(self) -> str | None:
        """That of the samples, as `snn2hw.compile` and the like are told of it."""
        return None if self.network.input.static else TN


def explored(
    model: Any,
    samples: npt.ArrayLike,
    labels: npt.ArrayLike,
    sample: npt.ArrayLike | None,
    steps: int | None,
    input_range: tuple[float, float] | None,
    layout: str | None,
    output: str | None,
) -> Explored:
    """What was given, checked. Arguments as in `snn2hw.explore`.

    Raises:
        UsageError: a model of integers. ShapeError: samples or labels that do not fit. ValueRangeError: samples beyond the range
            that the calibration samples ask for.
    """
    given = stored_or_array(samples)
    known = given if sample is None else stored_or_array(sample)
    network, ours = _read(model, known, steps, input_range, layout)
    static = network.input.static
    x = ours.x if sample is None else read_as(given, ours.layout, network.steps, static=static, stacklevel=3)
    check_shape(network, x)
    if sample is not None and not isinstance(model, Network):
        check_covered(network, x, ours.steps, "samples")
    axis = 0 if static else 1
    truth = truth_of(labels, x.shape, axis, chosen_outputs(network.readout.places, output))
    calibration = spread(x, axis, CALIBRATED) if sample is None else ours.x
    check_shape(network, calibration)
    return Explored(network, x, axis, truth, calibration, ours.model, ours.steps, ours.layout)


def _read(
    model: Any, known: npt.NDArray[Any], steps: int | None, input_range: tuple[float, float] | None, layout: str | None
) -> tuple[Network, Ours]:
    """The float network that `snn2hw.compile` makes of a model and this sample, and both as it takes them."""
    if isinstance(model, Network):
        x = read_as(known, layout, model.steps, static=model.input.static, stacklevel=4)
        return model, Ours(model, x, steps, layout, {})
    ours = as_ours(model, known, steps, layout, stacklevel=4)
    network: Any = trace_model(ours.model, ours.x, ours.steps, input_range, None if ours.steps is not None else TN)
    if not isinstance(network, Network):
        raise UsageError(
            "this model is integers already",
            where="model",
            got=type(model).__name__,
            expected="a float model, whose widths can be chosen",
            do="explore the model that it was made of",
        )
    return network, ours


def check_covered(network: Network, x: npt.NDArray[Any], steps: int | None, where: str) -> None:
    """The integers take these samples, too; in a long run it would be said late.

    Args:
        network: in floats. x: samples as it takes them. steps: T, where they have no steps. where: the argument that they are.

    Raises:
        ValueRangeError: they are beyond the range that the calibration samples ask for, or no numbers.
    """
    declared = network.input
    seen, _ = input_node(x, steps, None if declared.counts else (declared.lo, declared.hi), where)
    if declared.counts and not (seen.counts and declared.lo <= seen.lo and seen.hi <= declared.hi):
        raise ValueRangeError(
            "the samples hold more than the event counts of the calibration samples",
            where=where,
            got=f"counts that ask for the range {seen.lo:g} to {seen.hi:g}" if seen.counts else "values between whole numbers",
            expected=f"the range {declared.lo:g} to {declared.hi:g}, which the calibration samples ask for",
            do="give calibration samples that cover them (sample, --sample), or input_range=(lo, hi)",
        )


def check_calibration(given: Explored, input_range: tuple[float, float] | None) -> None:
    """A float network has its range already; a model that is trained gets it from the calibration samples alone.

    Raises:
        ValueRangeError: they are some of those that are measured, and ask for less than all of them.
    """
    seen, _ = input_node(given.sample, given.steps, input_range)
    if (seen.counts, seen.lo, seen.hi) != ((declared := given.network.input).counts, declared.lo, declared.hi):
        raise ValueRangeError(
            "the samples that are calibrated on ask for another range than all that are measured",
            where="sample",
            got=f"none, so that {given.sample.shape[given.axis]} spread over {given.total} ask for {_range_of(seen)}",
            expected=_range_of(declared),
            do="give calibration samples that cover those that are measured (sample, --sample), or input_range=(lo, hi)",
        )


def _range_of(known: Input) -> str:
    return f"{'counts' if known.counts else 'values'} in the range {known.lo:g} to {known.hi:g}"


def spread(x: npt.NDArray[Any], axis: int, most: int) -> npt.NDArray[Any]:
    """Up to `most` samples, spread over all.

    Args:
        x: the samples. axis: along which they are counted. most: how many.
    """
    count = x.shape[axis]
    return np.take(x, np.linspace(0, count - 1, min(most, count)).astype(np.int64), axis)

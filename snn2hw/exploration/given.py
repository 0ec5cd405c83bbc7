"""What an exploration, or a budget, is given, as it works with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import UsageError
from snn2hw.evaluation import chosen_outputs, truth_of
from snn2hw.formats.sample import stored_or_array
from snn2hw.ir.encode import check_shape
from snn2hw.ir.layout import NT, TN, read_as
from snn2hw.ir.network import Network
from snn2hw.tracing import as_ours, trace_model
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
        UsageError: a model of integers. ShapeError, ValueRangeError: samples or labels that do not fit.
    """
    network, x, ours, steps, said = _read(model, samples, steps, input_range, layout)
    check_shape(network, x)
    axis = 0 if network.input.static else 1
    truth = truth_of(labels, int(x.shape[axis]), chosen_outputs(network.readout.places, output))
    if sample is None:
        known = spread(x, axis, CALIBRATED)
    else:
        known = read_as(stored_or_array(sample), said, network.steps, static=network.input.static, stacklevel=3)
    check_shape(network, known)
    return Explored(network, x, axis, truth, known, ours, steps, said)


def _read(
    model: Any, samples: npt.ArrayLike, steps: int | None, input_range: tuple[float, float] | None, layout: str | None
) -> tuple[Network, npt.NDArray[Any], Any, int | None, str | None]:
    """(the float network, the samples as it takes them, the model as one of ours, its T, the layout of the samples)."""
    as_given = stored_or_array(samples)
    if isinstance(model, Network):
        return model, read_as(as_given, layout, model.steps, static=model.input.static, stacklevel=4), model, steps, layout
    ours, x, steps, _ = as_ours(model, as_given, steps, layout, stacklevel=4)
    network: Any = trace_model(ours, x, steps, input_range, None if steps is not None else TN)
    if not isinstance(network, Network):
        raise UsageError(
            "this model is integers already",
            where="model",
            got=type(model).__name__,
            expected="a float model, whose widths can be chosen",
            do="explore the model that it was made of",
        )
    return network, x, ours, steps, layout if x is as_given else NT  # a model of another framework may tell


def spread(x: npt.NDArray[Any], axis: int, most: int) -> npt.NDArray[Any]:
    """Up to `most` samples, spread over all.

    Args:
        x: the samples. axis: along which they are counted. most: how many.
    """
    count = x.shape[axis]
    return np.take(x, np.linspace(0, count - 1, min(most, count)).astype(np.int64), axis)

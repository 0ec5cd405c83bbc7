"""What an exploration is given, as it works with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from snn2hw.errors import UsageError
from snn2hw.formats.sample import samples_array
from snn2hw.ir.layout import TN, read_as
from snn2hw.ir.network import Network
from snn2hw.tracing import as_ours, trace_model


def read_model(
    model: Any, samples: npt.ArrayLike, steps: int | None, input_range: tuple[float, float] | None, layout: str | None
) -> tuple[Network, npt.NDArray[Any]]:
    """The float network, and the samples as it takes them.

    Args:
        model, samples, steps, input_range, layout: as in `snn2hw.compile`.

    Raises:
        UsageError: a model of integers.
    """
    x = samples_array(samples)
    if isinstance(model, Network):
        return model, read_as(x, layout, model.steps, static=model.input.static, stacklevel=3)
    ours, x, steps, _ = as_ours(model, x, steps, layout, stacklevel=3)
    network: Any = trace_model(ours, x, steps, input_range, None if steps is not None else TN)
    if not isinstance(network, Network):
        raise UsageError(
            "this model is integers already",
            where="model",
            got=type(model).__name__,
            expected="a float model, whose widths can be chosen",
            do="explore the model that it was made of",
        )
    return network, x


def spread(x: npt.NDArray[Any], axis: int, most: int) -> npt.NDArray[Any]:
    """Up to `most` samples, spread over all.

    Args:
        x: the samples. axis: along which they are counted. most: how many.
    """
    count = x.shape[axis]
    return np.take(x, np.linspace(0, count - 1, min(most, count)).astype(np.int64), axis)


def places_of(network: Network) -> dict[str, slice]:
    """Where the values of each output stand in the readout."""
    places, first, readout = {}, 0, network.readout
    for name, size in readout.outputs or (("readout", readout.shape[0]),):
        places[name], first = slice(first, first + size), first + size
    return places
